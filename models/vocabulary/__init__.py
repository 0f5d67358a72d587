"""Vocabularies that map tokens to ids: characters, subwords and words."""
