"""Measurements: speed as ratios taken side by side in one run, never as timed tests."""
