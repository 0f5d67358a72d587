"""Panel "Your own network": open a checkpoint, and Python code that makes one."""

from pages._hidden_states import state
from pages._ui.own_model import OwnModel

SAVE = """from models import checkpoint
from models.char_lm import FAMILY, CharLM

arguments = {"vocab_size": 4, "cell": "gru", "layers": 1, "units": 32, "embedding": 8}
module = CharLM(**arguments)  # load your weights into it
vocabulary = ["\\ufffd", "a", "b", "\\n"]  # index 0 stands for unknown characters
checkpoint.save(module, {"kind": FAMILY.kind, "arguments": arguments, "vocabulary": vocabulary}, "mine.safetensors")
"""
RECORD = """import torch
import explorer

module = torch.nn.LSTM(3, 5, num_layers=2)  # or any module of yours that holds one
with explorer.record(module) as recording:
    module(torch.randn(7, 1, 3))
trace = recording.trace(tuple("example"))
print(trace.gates["forget"].shape)  # time, layer, unit
"""
OWN = OwnModel(
    state.PAGE,
    state.EMITS,
    state.forget_model,
    "**A character network with your weights**, saved for this page",
    SAVE,
    "**Any recurrent PyTorch module**, recorded in Python: every gate and state of every layer",
    RECORD,
)
