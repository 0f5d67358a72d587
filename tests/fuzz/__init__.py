"""Damaged and hostile input, made by chance, against everything that reads it: `make fuzz`."""
