"""Tests of what is deployed: manifests and infrastructure."""
