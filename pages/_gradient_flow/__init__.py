"""Panels of the page "Gradient flow": one file, one function."""
