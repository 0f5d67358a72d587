"""Captions page: its state, what it computes, its pictures, and one file for each panel."""
