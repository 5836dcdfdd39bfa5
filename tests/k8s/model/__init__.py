"""Tests of ``k8s/model``."""
