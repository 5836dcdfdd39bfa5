"""Tests of the X-Ray stand-in."""
