"""Tests of ``k8s/lab/design``."""
