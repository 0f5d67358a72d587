"""Trained networks: load one by name, train one anew."""
