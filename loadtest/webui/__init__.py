"""The Locust web UI with the workers of all zones, for a person to drive.

``serving`` shows it until Ctrl-C; ``zones`` is what its Zones tab is told meanwhile, and what is done for a
wish made there. ``buttons`` sets a mode and puts it back; ``ui_runs`` keeps each load that is started in the
UI in a run folder.
"""
