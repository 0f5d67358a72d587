"""Tokens and their ids: characters, subwords, words."""
