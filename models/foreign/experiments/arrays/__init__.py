"""Arrays without a model: what a network read and what its units held, or how it aligned, saved by somebody's own code."""
