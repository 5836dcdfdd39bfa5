"""Tests of ``analysis/source``."""
