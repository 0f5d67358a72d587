"""Tests of explorer.analysis."""
