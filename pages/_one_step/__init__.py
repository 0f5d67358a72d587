"""One step page: its state, what it computes, the lesson, and one file for each view."""
