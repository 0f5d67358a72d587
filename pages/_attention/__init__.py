"""The panels of the page of attention: one file, one panel."""
