"""Kubernetes objects as values: raw JSON in, facts out."""
