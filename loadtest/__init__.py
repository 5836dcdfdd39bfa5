"""The traffic: who calls what, at which rate, from which zone, and the record of it.

- ``measure``: the door, one arm into a run folder; ``arm_run`` is what happens in between
- ``drill_run`` and ``web``: an arm through a zone's failure, and the Locust web UI
- ``record``, ``rundir``, ``truthfile``, ``drill``: what a run leaves; ``bounds``: what numbers it may hold
- ``budget``: what it asks of X-Ray; ``bench``: what tracing costs the generator
- ``cli``, ``drill_cli``, ``progress_cli``: the command line
- ``window/``: a window of load, paced and watched; ``keeping/``: the run folder while the run goes on
- ``swarm/``: load generators in every zone, on the lab and on a cluster
- ``worker/``: everything a Locust process loads, and nothing else
"""
