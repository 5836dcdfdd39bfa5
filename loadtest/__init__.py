"""The traffic: who calls what, at which rate, from which zone, and the record of it.

- ``measure``: the door, one arm into a run folder; ``arm_run`` is what happens in between, ``routed`` the
  Services that got the mode
- ``drill_run``: an arm through a zone's failure
- ``record``, ``rundir``, ``truthfile``, ``drill``: what a run leaves; ``bounds``: what numbers it may hold
- ``budget``: what it asks of X-Ray
- ``cli``, ``drill_cli``, ``progress_cli``: the command line
- ``benchmarks/``: what sending costs, with tracing and beside other generators
- ``asking/``: the user's own pages and rates, as text
- ``window/``: a window of load, paced and watched; ``keeping/``: the run folder while the run goes on
- ``webui/``: the Locust web UI for a person to drive
- ``swarm/``: load generators in every zone, on the lab and on a cluster
- ``worker/``: everything a Locust process loads, and nothing else
"""
