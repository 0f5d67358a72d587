"""The panels of the pages, a folder each."""
