"""Tests of models.translation."""
