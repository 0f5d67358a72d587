"""Start page: what it says and shows."""
