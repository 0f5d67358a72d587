"""Small calculations of the lectures that need no record: numbers in, numbers out."""
