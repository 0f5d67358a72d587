"""Captioners of photographs: a convolutional encoder and an LSTM decoder that attends to regions."""
