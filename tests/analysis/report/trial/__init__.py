"""Tests of ``analysis/report/trial``."""
