"""Confusions page: its state, what it computes, and one file for each panel."""
