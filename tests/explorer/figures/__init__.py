"""Tests of explorer.figures."""
