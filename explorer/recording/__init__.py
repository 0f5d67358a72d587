"""Recording of networks while they run, and the records made from it."""
