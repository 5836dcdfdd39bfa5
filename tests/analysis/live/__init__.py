"""Tests of ``analysis/live``."""
