"""Tests of ``analysis/source/xray``."""
