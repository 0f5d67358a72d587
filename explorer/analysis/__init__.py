"""Measurements: records in, numbers out. Numpy only."""
