"""The panels of the page of captions: one file, one panel."""
