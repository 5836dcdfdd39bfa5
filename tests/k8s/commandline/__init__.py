"""Tests of k8s/commandline."""
