"""Weights without a card: the recurrent layers that their names and shapes describe, and code that records them."""

import pytest
import torch
from safetensors.torch import save

from models.bare_weights import Layers, recurrent_layers

MODULES = {
    "RNN": torch.nn.RNN(3, 5),
    "GRU": torch.nn.GRU(4, 6, num_layers=2, bias=False),
    "LSTM": torch.nn.LSTM(2, 3, bidirectional=True),
}

IN_WORDS = {
    "RNN": "an RNN with 1 layer of 5 units that reads 3 numbers",
    "GRU": "a GRU with 2 layers of 6 units that reads 4 numbers",
    "LSTM": "a bidirectional LSTM with 1 layer of 3 units that reads 2 numbers",
}


def saved(module: torch.nn.Module, before: str = "rnn.") -> bytes:
    """A state dict as people save it, with an embedding and an output layer beside it."""
    weights = {f"{before}{name}": value for name, value in module.state_dict().items()}
    return save(weights | {"encoder.weight": torch.zeros(9, 3), "decoder.bias": torch.zeros(9)})


@pytest.mark.parametrize("kind", MODULES)
def test_layers_are_described_as_they_were_built_and_the_code_records_them(kind: str, tmp_path, monkeypatch, capsys):
    module = MODULES[kind]
    (layers,) = recurrent_layers(saved(module))
    built = (kind, module.num_layers, module.hidden_size, module.input_size, module.bidirectional, module.bias)
    assert layers == Layers("rnn.", *built) and layers.in_words == f"{IN_WORDS[kind]} per step"
    (tmp_path / "mine.safetensors").write_bytes(saved(module))
    monkeypatch.chdir(tmp_path)
    exec(layers.code("mine.safetensors"), {})
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
    assert recurrent_layers(content) == []
