"""Tests of models.captioning."""
