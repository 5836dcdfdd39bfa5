"""Tests of ``analysis/statistics``."""
