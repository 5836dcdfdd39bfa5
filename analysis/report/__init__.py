"""Comparisons, trials and observations as pages, comments, terminal tables, JUnit XML: values and pure only.

``formats`` lists the formats; ``comparison/``, ``trial/`` and ``observation/`` hold one file for each. What
they draw are values: ``tables`` (sections, tables), ``first_screen`` (answer, figures), ``judgement`` and
``changed`` (verdict and effects as tables), ``notes`` (footnotes), ``drawing`` and ``pictures``; ``lookup``
finds things. Numbers become words in ``units`` and ``measures``, names in ``names``, what was counted in
``counted``, money at other rates in ``at_traffic``; ``prose`` holds fixed texts. The formats are made of
``pages`` and ``templates/`` (HTML), ``svg`` and ``lettering`` (pictures), ``comment`` (Markdown),
``terminal`` and ``fitting`` (its width), ``suite`` (JUnit); ``history_console`` shows many runs.
"""
