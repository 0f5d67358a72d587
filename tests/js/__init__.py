"""Tests of the pure parts of the browser code, run by node."""
