"""Tests of ``analysis/report/comparison``."""
