"""Tests of ``k8s/predict``."""
