"""The panels of the page of hidden states: one file, one panel."""
