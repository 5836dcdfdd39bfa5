"""The report of two arms.

Formats, one file each: ``html``, ``markdown``, ``console``, ``junit``. They draw ``answer`` (first screen)
and ``sections``, whose tables are made in ``traffic`` (who called whom), ``service`` (latency, load),
``dependencies`` (databases and the like), ``evidence`` (cost, checks, provenance) and ``expected``
(prediction); ``flows`` draws who calls whom.
"""
