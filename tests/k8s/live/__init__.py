"""Tests of ``k8s/live``."""
