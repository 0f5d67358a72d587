"""A visitor's own network: a checkpoint to open, how one is made, and what is wrong with files that do not open."""

import streamlit as st

from explorer.errors import ExplorerError
from pages._panels.hidden_states import choice
from pages._shared import networks, uploads
from pages._shared.runs import View

KEY = "hidden_states.own"
SAVE = """from models import checkpoint
from models.char_lm import CharLM

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


def panel(view: View, about: dict, chosen) -> None:
    """The uploader, lines of Python that are tested, and the damaged files of the folder."""
    st.file_uploader("Open a checkpoint of your own", type="safetensors", key=f"{KEY}.file", on_change=_open)
    if error := st.session_state.pop(f"{KEY}.error", None):
        st.error(error, icon=":material/error:")
    st.caption(
        "It stays on this server for as long as that runs, is seen by nobody without its name, and nothing in it is executed: "
        "a file is parsed and compared with what it promises."
    )
    left, right = st.columns(2)
    left.markdown("**A character network with your weights**, as a file for this page")
    left.code(SAVE, language="python")
    right.markdown("**Any recurrent PyTorch module**, in a notebook: every gate and state of every layer")
    right.code(RECORD, language="python")
    if damaged := networks.damaged():
        st.markdown("**Files in `checkpoints/` that do not open**")
        for name, sentence in damaged.items():
            st.warning(f"{name}: {sentence}", icon=":material/broken_image:")


def _open() -> None:
    file, state = st.session_state[f"{KEY}.file"], st.session_state
    if file is None:
        return
    try:
        name = uploads.keep(file.name, file.getvalue())
    except ExplorerError as error:
        state[f"{KEY}.error"] = f"{error} Nothing was changed."
        return
    state[uploads.KEY] = [*(kept for kept in state.get(uploads.KEY, ()) if kept != name), name]
    state[choice.MODEL] = name
    choice.forget_model()
