"""Tests of ``k8s/routing``."""
