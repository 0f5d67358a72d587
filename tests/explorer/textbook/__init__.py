"""Tests of explorer.textbook."""
