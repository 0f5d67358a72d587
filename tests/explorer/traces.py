"""Small records made by hand, so that every number in a test can be worked out on paper."""

import numpy as np

from explorer.records import Trace


def lstm_trace(time: int = 6, units: int = 3, layers: int = 2, seed: int = 0) -> Trace:
    """A consistent LSTM record: gates at random, cells and hidden states as the equations say."""
    rng = np.random.default_rng(seed)
    shape = (time, layers, units)
    gates = {name: rng.uniform(0.02, 0.98, shape).astype(np.float32) for name in ("input", "forget", "candidate", "output")}
    gates["candidate"] = 2 * gates["candidate"] - 1
    first = rng.normal(size=shape[1:]).astype(np.float32)
    cell, before = np.zeros(shape, np.float32), first
    for t in range(time):
        cell[t] = before = gates["forget"][t] * before + gates["input"][t] * gates["candidate"][t]
    hidden = gates["output"] * np.tanh(cell)
    tokens = "".join("abcdefghij"[t % 10] for t in range(time))
    return Trace(tuple(tokens), hidden, cell, gates, np.zeros(shape[1:], np.float32), first)


def gru_trace(time: int = 6, units: int = 3, seed: int = 0) -> Trace:
    """A consistent GRU record: h = z h + (1 - z) n, as torch writes it."""
    rng = np.random.default_rng(seed)
    shape = (time, 1, units)
    gates = {name: rng.uniform(0.02, 0.98, shape).astype(np.float32) for name in ("reset", "update", "candidate")}
    gates["candidate"] = 2 * gates["candidate"] - 1
    first = rng.normal(size=shape[1:]).astype(np.float32)
    hidden, before = np.zeros(shape, np.float32), first
    for t in range(time):
        hidden[t] = before = gates["update"][t] * before + (1 - gates["update"][t]) * gates["candidate"][t]
    return Trace(tuple("x" * time), hidden, None, gates, first)


def rnn_trace(time: int = 6, units: int = 3) -> Trace:
    """A record without gates."""
    hidden = np.tanh(np.random.default_rng(0).normal(size=(time, 1, units))).astype(np.float32)
    return Trace(tuple("x" * time), hidden, None, {"candidate": hidden}, np.zeros((1, units), np.float32))
