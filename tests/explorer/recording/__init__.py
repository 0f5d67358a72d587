"""Tests of explorer.recording."""
