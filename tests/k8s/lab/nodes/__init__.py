"""Tests of ``k8s/lab/nodes``."""
