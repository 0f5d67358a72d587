"""Character language models: a plain RNN, an LSTM or a GRU that predicts the next character."""
