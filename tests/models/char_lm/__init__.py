"""Tests of models.char_lm."""
