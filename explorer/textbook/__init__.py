"""Textbook calculations that need no record: functions from numbers to numbers."""
