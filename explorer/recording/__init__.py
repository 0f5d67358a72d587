"""A network runs while a recording listens; what it heard becomes records."""
