"""Tests of ``k8s/eks``."""
