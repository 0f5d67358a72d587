"""A visitor's own translator: a checkpoint to open, and the alignment of any PyTorch module by a tap in it."""

import streamlit as st

from pages._attention import state
from pages._attention.compute import Sentence, View
from pages._ui import own_model

KEY = "attention.own"
SAVE = """from models import checkpoint
from models.vocabulary.subwords import Pieces
from models.translation.network import Seq2Seq

pieces = Pieces.learn(["the red car", "la voiture rouge"], 300)  # of your own sentences
arguments = {"vocab_size": len(pieces), "attention": "additive", "units": 32, "embedding": 16, "width": 16}
module = Seq2Seq(**arguments)  # load your weights into it
card = {"kind": "seq2seq", "direction": "en-fr", "arguments": arguments} | pieces.card()
checkpoint.save(module, card, "mine.safetensors")
"""
RECORD = """from pathlib import Path

import torch
import explorer
from explorer.figures.alignment import matrix
from explorer.figures.export import to_html

class Mine(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.decoder = torch.nn.GRUCell(4, 6)
        self.attention = explorer.Tap("attention")  # a tap

    def forward(self, memory, words):  # [in, 6], [out, 4]
        state = torch.zeros(1, 6)
        for word in words:
            weights = self.attention((state @ memory.T).softmax(-1))  # through which your weights pass
            state = self.decoder(word[None], state + weights @ memory)
        return state

module = Mine().eval()
with explorer.record(module) as recording:
    module(torch.randn(3, 6), torch.randn(2, 4))
alignment = recording.alignment(("the", "red", "</s>"), ("la", "rouge"))
print(alignment.weights)  # target word, source word
Path("alignment.html").write_text(to_html(matrix(alignment)))
"""


def panel(view: View, about: dict, shown: Sentence) -> None:
    """The uploader, and lines of Python that are tested."""
    own_model.opener(KEY, (state.KIND,), _opened)
    made = "**A translator with your weights**, as a file for this page"
    recorded = "**The attention of any PyTorch module**, in a notebook: a tap that its weights pass, no other change"
    own_model.in_lines(made, SAVE, recorded, RECORD)


def _opened(name: str) -> None:
    st.session_state[state.MODEL] = name
    state.undo()
