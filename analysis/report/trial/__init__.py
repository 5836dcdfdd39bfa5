"""The report of an experiment.

Formats, one file each: ``html``, ``markdown``, ``console``, ``junit``. They draw ``trial_answer`` (the first
screen) and ``trial_sections``, whose tables are made in ``trial_tables``; ``timeline`` draws all windows.
"""
