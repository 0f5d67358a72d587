"""Page "Gradient flow": its view, what it computes, and one file for each panel."""
