"""Panels of the page of confusions."""
