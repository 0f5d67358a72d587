"""A visitor's own network: a checkpoint to open, and how one is made."""

import streamlit as st

from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import state
from pages._hidden_states.compute import View
from pages._ui import own_model

KEY = "hidden_states.own"
SAVE = """from models import checkpoint
from models.char_lm.network import CharLM

arguments = {"vocab_size": 4, "cell": "gru", "layers": 1, "units": 32, "embedding": 8}
module = CharLM(**arguments)  # load your weights into it
vocabulary = ["\\ufffd", "a", "b", "\\n"]  # number 0 stands for all that is unknown
checkpoint.save(module, {"kind": "char_lm", "arguments": arguments, "vocabulary": vocabulary}, "mine.safetensors")
"""
RECORD = """import torch
import explorer

module = torch.nn.LSTM(3, 5, num_layers=2)  # or any module of yours that holds one
with explorer.record(module) as recording:
    module(torch.randn(7, 1, 3))
trace = recording.trace(tuple("example"))
print(trace.gates["forget"].shape)  # time, layer, unit
"""


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """The uploader, and lines of Python that are tested."""
    own_model.opener(KEY, state.kinds(), _opened)
    made = "**A character network with your weights**, as a file for this page"
    recorded = "**Any recurrent PyTorch module**, in a notebook: every gate and state of every layer"
    own_model.in_lines(made, SAVE, recorded, RECORD)


def _opened(name: str) -> None:
    st.session_state[state.MODEL] = name
    state.forget_model()
