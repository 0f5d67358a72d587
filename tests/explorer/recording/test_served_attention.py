"""Attention of a served module: weights at a Tap, step by step or all at once, also beside a library's own module."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.recording.module_server import Served
from explorer.recording.served_attention import MOST


class Decoder(nn.Module):
    """A GRU reads; a cell writes three words and looks at each step."""

    def __init__(self, steps: int = 3):
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.gru = nn.Embedding(9, 5), nn.GRU(5, 6, batch_first=True)
        self.cell, self.attention, self.steps = nn.GRUCell(6, 6), explorer.Tap("attention"), steps

    def forward(self, ids: Tensor) -> Tensor:
        memory = self.gru(self.embed(ids))[0][0]
        state = memory[-1:]
        for _ in range(self.steps):
            weights = self.attention((state @ memory.T).softmax(-1))
            state = self.cell(weights @ memory, state)
        return state


class Library(nn.Module):
    """Attention of torch's own module over what a GRU read; a hook taps it."""

    def __init__(self, heads: int = 2):
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.gru = nn.Embedding(9, 6), nn.GRU(6, 6, batch_first=True)
        self.attention = nn.MultiheadAttention(6, heads, batch_first=True)

    def forward(self, ids: Tensor) -> Tensor:
        read = self.gru(self.embed(ids))[0]
        return self.attention(read, read, read)[0]


def encode(text: str) -> tuple[list[int], list[str]]:
    return [ord(letter) % 9 for letter in text], list(text)


def answer(module: nn.Module, text: str = "words", written: Any = None) -> list[dict]:
    served = Served(module.eval(), encode)
    served.written = written
    return served.answer({"text": text, "path": None})[0]["alignments"]


def test_weights_of_each_step_are_rows_that_sum_to_1():
    (one,) = answer(Decoder())
    weights = np.array(one["weights"])
    assert one["source"] == list("words") and one["target"] == ["1", "2", "3"] and weights.shape == (3, 5)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-12)
    (named,) = answer(Decoder(), written=lambda out: ["le", "mot", "."])
    assert named["target"] == ["le", "mot", "."] and named["weights"] == one["weights"]


def test_a_hook_beside_a_module_of_a_library_gives_its_own_weights():
    module = Library()
    module.tap = explorer.Tap("attention")
    module.attention.register_forward_hook(lambda layer, given, out: (out[0], module.tap(out[1])))
    (one,) = answer(module)
    with torch.no_grad():
        read = module.gru(module.embed(torch.tensor([encode("words")[0]])))[0]
        expected = nn.MultiheadAttention.forward(module.attention, read, read, read)[1][0]
    assert one["source"] == one["target"] == list("words")
    np.testing.assert_allclose(one["weights"], expected / expected.sum(1, keepdim=True), atol=1e-6)


def test_what_are_no_weights_and_what_is_too_large_get_a_sentence():
    class Odd(Decoder):
        def forward(self, ids: Tensor) -> Tensor:
            self.attention(torch.full((1, ids.shape[1]), 3.0))
            return self.gru(self.embed(ids))[0]

    assert "sum" in answer(Odd())[0]["problem"]
    assert f"at most {MOST:,} are drawn" in answer(Decoder(steps=3), "x" * (MOST // 3 + 1))[0]["problem"]


@pytest.mark.parametrize("name", ["hidden", "forget"])
def test_taps_of_states_are_no_attention(name: str):
    class Tapped(Decoder):
        def __init__(self):
            super().__init__()
            self.attention = explorer.Tap(name)

        def forward(self, ids: Tensor) -> Tensor:
            return self.gru(self.embed(ids))[0]

    assert answer(Tapped()) == []
