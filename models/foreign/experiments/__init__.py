"""Experiments on networks found in files: their behaviour on a text, and the whole report on a file."""
