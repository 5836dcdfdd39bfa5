"""Tests of ``k8s/lab/apiclient``."""
