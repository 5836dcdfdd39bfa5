"""Tests of ``k8s/bench``."""
