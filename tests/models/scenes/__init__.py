"""Tests of models.scenes."""
