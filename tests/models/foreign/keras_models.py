"""Small models made, saved and run by Keras itself, in a process of its own: python -m tests.models.foreign.keras_models FOLDER."""

import os
import sys
from pathlib import Path

import numpy as np

TOKENS = 12
LENGTH = 15
FORMATS = ("keras", "h5", "weights.h5")


def models() -> dict:
    """Models by name; each reads ids, or one-hot vectors, of 12 tokens."""
    from keras import Input, Model, Sequential, layers

    def read(*parts, one_hot: bool = False, masked: bool = False):
        first = Input((None, TOKENS)) if one_hot else Input((None,), dtype="int32")
        table = [] if one_hot else [layers.Embedding(TOKENS, 6, mask_zero=masked)]
        return Sequential([first, *table, *parts])

    def sequence(kind, units: int, **more):
        return kind(units, return_sequences=True, **more)

    lstm, gru, rnn = layers.LSTM, layers.GRU, layers.SimpleRNN
    answer = lambda activation="softmax": layers.Dense(TOKENS, activation=activation)  # noqa: E731
    ids = Input((None,), dtype="int32")
    table = layers.Embedding(TOKENS, 6, mask_zero=True)(ids)
    hidden, *_ = lstm(5, return_sequences=True, return_state=True)(table)
    lines = {
        "lstm": read(sequence(lstm, 5), answer()),
        "one_hot": read(sequence(lstm, 7), answer(), one_hot=True),
        "two_widths": read(sequence(lstm, 6), sequence(lstm, 6), sequence(lstm, 4), layers.Dense(9, activation="relu"), answer()),
        "gru": read(sequence(gru, 5, dropout=0.1), sequence(gru, 5), answer()),
        "gru_before": read(sequence(gru, 5, reset_after=False), sequence(gru, 4, reset_after=False, use_bias=False), answer()),
        "mixed": read(sequence(gru, 6, reset_after=False), sequence(lstm, 6), sequence(rnn, 5), answer()),
        "simple": read(sequence(rnn, 5, activation="relu"), sequence(rnn, 5), answer("linear")),
        "functions": read(sequence(lstm, 5, recurrent_activation="hard_sigmoid", activation="softsign"), answer()),
        "gru_functions": read(sequence(gru, 5, recurrent_activation="hard_sigmoid", activation="relu"), answer()),
        "last_step": read(lstm(5, stateful=False), answer()),
        "wrapped_cell": read(layers.RNN(layers.LSTMCell(5), return_sequences=True), answer()),
        "distributed": read(
            sequence(lstm, 5), layers.Dropout(0.2), layers.TimeDistributed(layers.Dense(TOKENS)), layers.Activation("softmax")
        ),
        "functional": Model(ids, answer()(hidden)),
        "bidirectional": read(layers.Bidirectional(sequence(gru, 5)), answer()),
        "lambda": read(sequence(lstm, 5), layers.Lambda(lambda x: x), answer()),
        "normalised": read(sequence(lstm, 5), layers.LayerNormalization(), answer()),
        "sigmoid": read(sequence(lstm, 5), answer("sigmoid")),
        "tanh_gates": read(sequence(lstm, 5, recurrent_activation="tanh"), answer()),
        "exponential": read(sequence(gru, 5, activation="exponential"), answer()),
        "mixed_dense": read(sequence(lstm, 5), layers.Dense(5, activation="relu"), layers.Dense(5, activation="tanh"), answer()),
        "backwards": read(sequence(lstm, 5, go_backwards=True), answer()),
    }
    branch = layers.Add()([hidden, lstm(5, return_sequences=True)(table)])
    _, _, cell = lstm(5, return_state=True)(table)
    return lines | {"branched": Model(ids, answer()(branch)), "cell_state": Model(ids, answer()(cell))}


def main(folder: Path) -> None:
    """Save each model in each format, with its weights and what it predicts for one sequence of ids."""
    rng = np.random.default_rng(0)
    ids = rng.integers(1, TOKENS, (1, LENGTH))
    results: dict[str, np.ndarray] = {"ids": ids[0]}
    for name, model in models().items():
        model.set_weights([rng.normal(0, 0.6, weight.shape).astype(np.float32) for weight in model.get_weights()])
        inputs = np.eye(TOKENS, dtype=np.float32)[ids] if model.inputs[0].shape[-1] == TOKENS else ids
        results[name] = np.asarray(model(inputs).detach())[0]
        results |= {f"{name}/{index}": weight for index, weight in enumerate(model.get_weights())}
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")
        model.save_weights(folder / f"{name}.weights.h5")
    np.savez(folder / "results.npz", **results)  # pyright: ignore[reportArgumentType]


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "torch"
    main(Path(sys.argv[1]))
