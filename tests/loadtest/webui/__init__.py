"""Tests of ``loadtest/window``."""
