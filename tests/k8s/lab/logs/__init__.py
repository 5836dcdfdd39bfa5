"""Tests of the stand-in for CloudWatch Logs."""
