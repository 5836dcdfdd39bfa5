"""Benchmarks of the answer: ``make bench`` runs them.

``bench_prometheus`` is how long Prometheus' answers take to read, and how much memory; ``bench_compare`` the
same of a whole comparison of X-Ray graphs, which ``many_pods`` makes.
"""
