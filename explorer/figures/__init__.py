"""Pictures: records and plain numbers in, a figure as a value out."""
