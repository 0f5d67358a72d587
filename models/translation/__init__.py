"""Translators: an encoder, a decoder and the attention between them."""
