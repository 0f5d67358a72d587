"""Tests of models.metrics."""
