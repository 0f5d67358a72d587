"""Visitors who come and go for minutes on a real server, and what the server keeps of them: `make soak`."""
