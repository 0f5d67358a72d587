"""Tests of models.vocabulary."""
