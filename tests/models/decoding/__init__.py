"""Tests of models.decoding."""
