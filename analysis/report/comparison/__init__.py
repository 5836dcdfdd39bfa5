"""The report of two arms.

Formats, one file each: ``html``, ``markdown``, ``console``, ``junit``. They draw ``answer`` (first
screen) and ``sections``, whose tables are made in ``traffic`` (who called whom), ``service`` (latency,
load), ``evidence`` (cost, checks, provenance), ``dependencies`` (what else the pods call) and
``expected`` (prediction); ``flows`` draws who calls whom.
"""
