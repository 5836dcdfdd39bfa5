"""Tests of ``loadtest/worker``."""
