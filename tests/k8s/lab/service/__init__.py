"""Tests of ``k8s/lab/service``."""
