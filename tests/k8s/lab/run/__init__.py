"""Tests of ``k8s/lab/run``."""
