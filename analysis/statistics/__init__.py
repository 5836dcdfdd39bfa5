"""Intervals, tests and plans, over numbers alone. Pure.

``interval`` is what each estimate is; ``stats``, ``shares``, ``latency_ratios`` make them. What counts
are worth: ``clusters``, ``sampled_connections``, ``sampled_traces``, ``tracing_rate`` (sampled or lost),
``client_pods``, ``failures``; ``chance`` chooses between
them. Whether windows can be compared: ``mix`` (the same clients), ``carry_over`` (settled). Many windows:
``blocks``, ``planning`` (how long), ``sequential`` (when to stop), ``tournament`` (several modes),
``changepoints`` (over the history), ``stretches`` (one window over its time). ``pair_table`` has pod pairs
in columns, ``arrays`` names the columns' types.
"""
