"""Tests of ``analysis/source/spans``."""
