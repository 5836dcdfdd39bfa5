"""Tests of ``loadtest/keeping``."""
