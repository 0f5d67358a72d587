"""Measurements on records: functions that take records or arrays and return numbers. Numpy only."""
