"""Intervals, tests and plans, over numbers alone. Pure.

``interval`` is what each estimate is; ``stats``, ``shares``, ``latency_ratios`` make them. What counts
are worth: ``clusters``, ``sampled_connections``. Many windows: ``blocks``, ``planning`` (how long),
``sequential`` (when to stop), ``tournament`` (several modes), ``changepoints`` (over the history).
``arrays`` names the arrays' types.
"""
