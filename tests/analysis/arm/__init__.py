"""Tests of ``analysis/arm``."""
