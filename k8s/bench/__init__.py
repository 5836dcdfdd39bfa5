"""Benchmarks of the place: ``make bench`` runs them."""
