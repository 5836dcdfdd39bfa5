"""Prometheus as a source, mostly against a real one."""
