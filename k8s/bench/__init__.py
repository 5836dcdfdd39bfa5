"""Benchmarks of the place: ``make bench`` runs them.

``bench_survey`` is the doctor over a thousand Services, ``bench_xray`` the load that the X-Ray stand-in
bears; ``peak`` tells them how much memory they took.
"""
