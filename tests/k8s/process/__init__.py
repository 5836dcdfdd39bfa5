"""Signals and standard streams, in processes of their own."""
