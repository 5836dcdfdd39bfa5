"""Tests of ``k8s/lab/controllers``."""
