"""Tests of ``loadtest/benchmarks``."""
