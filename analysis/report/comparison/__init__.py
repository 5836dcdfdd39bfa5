"""The report of two arms.

Formats, one file each: ``html``, ``markdown``, ``console``, ``junit``. They draw ``answer`` (first screen)
and ``sections``, whose tables are made in ``traffic`` (who called whom), ``service`` (latency, load),
``evidence`` (cost, checks, provenance), ``dependencies`` (what else the pods call), ``expected``
(prediction), ``over_time`` (pictures and tables along the windows), ``under_test`` (several pairs, and the
verdict over all) and ``onward`` (where the calls go next); ``flows`` draws who calls whom.
"""
