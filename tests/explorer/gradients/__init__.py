"""Tests of explorer.gradients."""
