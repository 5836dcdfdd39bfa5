"""Tests of ``k8s/doctor``."""
