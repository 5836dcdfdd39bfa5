"""An experiment: arms measured in interleaved blocks, up to a verdict.

- ``experiment``: the door, a design and a load into an experiment's folder, or on from where one was
  interrupted; ``bench`` measures its windows
- ``run``: certify, plan, look, stop; decides, and has no effects of its own; ``design``: what it is asked to
  do, and the blocks planned from it; ``switching``: windows that the arm before reaches into; ``concluding``:
  what the blocks come to
- ``journal``: what its folder holds from the start on, and why a gap is allowed; ``book``: the same on file;
  ``kept``: the windows given back from there
- ``calibrate``: how often the instrument errs on a place
- ``values``: what ``trial.json`` holds
- ``cli`` and ``calibrate_cli``: ``samezone experiment`` and ``python -m analysis.trial.calibrate_cli``;
  ``resume_cli``: what ``--resume`` takes from the folder, and which options it refuses
"""
