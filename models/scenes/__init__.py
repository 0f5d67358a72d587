"""Captioners of synthetic scenes, where the true content of every picture is known."""
