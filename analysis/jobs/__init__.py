"""What a person asks for, as functions of a frozen request and a session.

- ``measuring``: one arm, measured and collected; ``collect_again`` for a run that was measured before
- ``guarding``: the guards, held against live traffic while a mode is in force
- ``again``: a window that is no evidence is measured once more
- ``comparing``: two collected runs, compared and judged
- ``baseline``, ``enabling``, ``demo``: jobs of several arms
- ``stored``: the runs that a folder holds; ``rows``: a run's row of the history, kept in its folder
- ``session_cli``: the session that a command's options describe; ``status_cli``: where things stand, on a
  cluster as ``standing`` finds it
"""
