"""Scores of text and of classes, with the published definitions."""
