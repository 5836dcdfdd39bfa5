"""Tests of ``loadtest/swarm``."""
