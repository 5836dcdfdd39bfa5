"""Tests of ``analysis/verdict``."""
