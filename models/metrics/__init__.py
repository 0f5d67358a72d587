"""Metrics of generated text, by their published definitions."""
