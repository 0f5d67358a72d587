"""A visitor's own captioner: a checkpoint to open, and the attention of any PyTorch module over a picture by one line in it."""

import streamlit as st

from models import Loaded
from models.captioning.experiments.captions import CaptionRun
from pages._captions import state
from pages._captions.compute import View
from pages._ui import own_model

KEY = "captions.own"
SAVE = """from models import checkpoint
from models.scenes.network import SceneCaptioner
from models.vocabulary.words import Words

words = Words.learn(["a red circle", "a blue star left of a ring"], 1)  # of your own captions
arguments = {"vocab_size": len(words), "attention": "soft", "units": 32, "embedding": 16, "width": 16}
module = SceneCaptioner(**arguments)  # load your weights into it
card = {"kind": "scenes", "arguments": arguments} | words.card()
checkpoint.save(module, card, "mine.safetensors")
"""
RECORD = """from pathlib import Path

import numpy as np
import torch
import explorer
from explorer.figures.export import to_html
from explorer.figures.image_attention import Seen, multiples

class Mine(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.decoder = torch.nn.GRUCell(4, 6)
        self.attention = explorer.Tap("attention")  # one line here

    def forward(self, regions, words):  # [in, 6], [out, 4]
        state = torch.zeros(1, 6)
        for word in words:
            weights = self.attention((state @ regions.T).softmax(-1))  # and the name around your weights
            state = self.decoder(word[None], state + weights @ regions)
        return state

module = Mine().eval()
with explorer.record(module) as recording:
    module(torch.randn(49, 6), torch.randn(2, 4))
weights = recording.alignment([str(cell) for cell in range(49)], ("a", "dog")).weights
picture = np.zeros((200, 300, 3), np.uint8)  # yours, of any shape
print(weights.shape)  # word, region
Path("attention.html").write_text(to_html(multiples(Seen(picture, ("a", "dog"), weights, (7, 7)), ["", ""])))
"""


def panel(view: View, about: dict, network: Loaded, run: CaptionRun) -> None:
    """The uploader, and lines of Python that are tested."""
    own_model.opener(KEY, state.kinds(), _opened)
    made = "**A captioner with your weights**, as a file for this page"
    recorded = "**The attention of any PyTorch module**, in a notebook: one line in it, no other change"
    own_model.in_lines(made, SAVE, recorded, RECORD)


def _opened(name: str) -> None:
    st.session_state[state.MODEL] = name
    state.anew()
