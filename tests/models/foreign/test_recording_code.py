"""Code that loads and records the recurrent layers of a safetensors file."""

import pytest
import torch
from safetensors.torch import save

from models.foreign.recording_code import recording_code

MODULES = {
    "RNN": torch.nn.RNN(3, 5),
    "GRU": torch.nn.GRU(4, 6, num_layers=2, bias=False),
    "LSTM": torch.nn.LSTM(2, 3, bidirectional=True),
}

IN_WORDS = {
    "RNN": "rnn: RNN, 1 layer of 5 units, 3 inputs per step",
    "GRU": "rnn: GRU, 2 layers of 6 units, 4 inputs per step",
    "LSTM": "rnn: bidirectional LSTM, 1 layer of 3 units, 2 inputs per step",
}
# What the code calls to build the layers.
CALLS = {"RNN": "RNN(3, 5)", "GRU": "GRU(4, 6, num_layers=2, bias=False)", "LSTM": "LSTM(2, 3, bidirectional=True)"}


def saved(module: torch.nn.Module, before: str = "rnn.") -> bytes:
    """A state dict as people save it, with an embedding and an output layer beside it."""
    weights = {f"{before}{name}": value for name, value in module.state_dict().items()}
    return save(weights | {"encoder.weight": torch.zeros(9, 3), "decoder.bias": torch.zeros(9)})


@pytest.mark.parametrize("kind", MODULES)
def test_layers_are_described_as_they_were_built_and_the_code_records_them(kind: str, tmp_path, monkeypatch, capsys):
    module = MODULES[kind]
    ((code, words),) = recording_code(saved(module), "mine.safetensors")
    assert words == IN_WORDS[kind] and f"torch.nn.{CALLS[kind]}\n" in code
    (tmp_path / "mine.safetensors").write_bytes(saved(module))
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert capsys.readouterr().out.startswith(f"(7, {module.num_layers}, {module.hidden_size})")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no file",
        save({"weight": torch.zeros(2, 2)}),
        save({"rnn.weight_hh_l0": torch.zeros(7, 3), "rnn.weight_ih_l0": torch.zeros(7, 3)}),
        save({"rnn.weight_hh_l0": torch.zeros(4)}),
        save({f"a.{name}": value for name, value in MODULES["RNN"].state_dict().items() if "bias_ih" not in name}),
    ],
)
def test_what_fits_no_layer_of_torch_is_not_described(content: bytes):
    assert recording_code(content, "mine.safetensors") == []
