"""Tests of ``analysis/trial``."""
