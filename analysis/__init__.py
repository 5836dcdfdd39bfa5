"""The answer: X-Ray graph, calls, zones, statistics, report.

- ``model``, ``placement``, ``history``: values; the numbers of a comparison, pods in zones, runs over time;
  ``strays``: whose a pod is that nobody saw
- ``artifacts``: run folders as the analysis reads and writes them; ``stages``: how far one came, and
  the command that takes it on
- ``entry``, ``cli``: the command; ``jobs_cli``, ``history_cli``, ``observe_cli``: verbs; ``terms_cli``:
  options they share
- ``source/``: where calls are counted; ``arm/``: one run, read; ``statistics/``: intervals, tests and plans
- ``verdict/``: two arms, judged; ``trial/``: an experiment; ``observe/``: only looking; ``live/``: what
  calls do now; ``jobs/``: what is asked for; ``report/``: pages; ``shell/``: completion;
  ``benchmarks/``: what reading costs
"""
