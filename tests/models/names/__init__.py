"""Tests of models.names."""
