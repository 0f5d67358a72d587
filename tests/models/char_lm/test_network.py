"""Character networks: what they expect before the first character, untrained and silenced copies."""

import pytest
import torch

from explorer.errors import InterventionError
from models.char_lm.experiments.gate_clamping import silenced
from models.char_lm.network import CharLM, costs, first_logits, untrained
from tests.models.tiny import tiny

CELLS = ("rnn", "lstm", "gru")


@pytest.mark.parametrize("cell", CELLS)
def test_shapes_with_embedding_and_one_hot_rows(cell: str):
    ids = torch.randint(7, (3, 5))
    for embedding, width in ((4, 4), (0, 7)):
        module = CharLM(7, cell, layers=2, units=6, embedding=embedding)
        logits, state = module(ids)
        assert logits.shape == (3, 5, 7) and module.rnn.weight_ih_l0.shape[1] == width
        more, _ = module(ids, state)
        assert not torch.allclose(more, logits)


def test_one_hot_rows_are_an_embedding_by_the_identity():
    plain, embedded = CharLM(5, "gru", 1, 4, embedding=0), CharLM(5, "gru", 1, 4, embedding=5)
    embedded.load_state_dict(plain.state_dict() | {"embedding.weight": torch.eye(5)})
    ids = torch.randint(5, (2, 9))
    assert torch.equal(plain(ids)[0], embedded(ids)[0])


def test_an_unknown_cell_gets_a_sentence():
    with pytest.raises(ValueError, match=r"cell is 'qrnn'; expected one of rnn, lstm, gru\."):
        CharLM(5, "qrnn")


@pytest.mark.parametrize("cell", CELLS)
def test_before_the_first_character_the_zero_state_is_read_out(cell: str):
    module = tiny(cell).module
    heard = []
    module.readout.register_forward_pre_hook(lambda module, args: heard.append(args[0]))
    logits = first_logits(module)
    assert logits.shape == (13,) and torch.equal(logits, module.readout.bias)
    assert not heard[0].any()


def test_an_untrained_network_has_the_same_form_and_other_weights():
    loaded = tiny()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fresh, again, other = untrained(loaded, 1), untrained(loaded, 1), untrained(loaded, 2)
    assert torch.equal(torch.rand(3), expected), "the caller's random numbers were used up"
    for name, tensor in loaded.module.state_dict().items():
        values = fresh.module.state_dict()[name]
        assert values.shape == tensor.shape and torch.equal(values, again.module.state_dict()[name])
        assert not torch.equal(values, tensor)
    assert not torch.equal(fresh.module.readout.weight, other.module.readout.weight)
    assert not fresh.module.training and not any(p.requires_grad for p in fresh.module.parameters())
    assert fresh.vocab is loaded.vocab and fresh.card is loaded.card


def clamped(module: CharLM, ids: torch.Tensor, layer: int, unit: int) -> torch.Tensor:
    """The same network step by step with cell modules, where a unit's state is set to 0 after every step."""
    kind = {torch.nn.LSTM: torch.nn.LSTMCell, torch.nn.GRU: torch.nn.GRUCell, torch.nn.RNN: torch.nn.RNNCell}[type(module.rnn)]
    cells, states = [], []
    for index in range(module.rnn.num_layers):
        weights = {n.removesuffix(f"_l{index}"): w for n, w in module.rnn.state_dict().items() if n.endswith(f"_l{index}")}
        cell = kind(weights["weight_ih"].shape[1], module.rnn.hidden_size)
        cell.load_state_dict(weights)
        cells.append(cell)
        zero = torch.zeros(len(ids), module.rnn.hidden_size)
        states.append((zero, zero) if kind is torch.nn.LSTMCell else zero)
    out = []
    for x in module.embedding(ids).unbind(1):
        for index, cell in enumerate(cells):
            state = cell(x, states[index])
            parts = [part.clone() for part in (state if isinstance(state, tuple) else (state,))]
            if index == layer:
                for part in parts:
                    part[:, unit] = 0
            states[index] = tuple(parts) if isinstance(state, tuple) else parts[0]
            x = parts[0]
        out.append(module.readout(x))
    return torch.stack(out, 1)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layer", [0, 1])
def test_a_silenced_unit_is_as_if_clamped_at_every_step(cell: str, layer: int):
    module, ids = tiny(cell).module, torch.randint(13, (2, 30))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with torch.no_grad():
        for unit in range(6):
            quiet = silenced(module, layer, unit)
            logits = quiet(ids)[0]
            assert torch.allclose(logits, clamped(module, ids, layer, unit), atol=1e-5)
            assert not torch.allclose(logits, module(ids)[0], atol=1e-3)
            if layer == 1:
                assert not quiet.rnn(module.embedding(ids))[0][..., unit].any(), "exactly 0"
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert not quiet.training


@pytest.mark.parametrize(
    ("layer", "unit", "sentence"),
    [(2, 0, "layer is 2, "), (-1, 0, "layer is -1, "), (0, 6, "unit is 6, "), (0, -1, "unit is -1, ")],
)
def test_silencing_what_is_not_there_gets_a_sentence(layer: int, unit: int, sentence: str):
    with pytest.raises(InterventionError, match=rf"^{sentence}but 'rnn' has [26]( units)?: choose from 0 to [15]\.$"):
        silenced(tiny().module, layer, unit)


def test_an_untrained_lstm_begins_with_the_forget_bias_asked_for():
    for bias in (None, 0.0, 2.0):
        rnn = untrained(tiny(), forget_bias=bias).module.rnn
        for layer in range(2):
            total = getattr(rnn, f"bias_ih_l{layer}")[6:12] + getattr(rnn, f"bias_hh_l{layer}")[6:12]
            assert torch.equal(total, torch.full((6,), 1.0 if bias is None else bias))
    one, other = (untrained(tiny(), forget_bias=bias).module.state_dict() for bias in (0.0, 2.0))
    assert all(torch.equal(one[name], other[name]) for name in one if "bias" not in name), "nothing else differs"


def test_costs_are_the_cross_entropy_of_torch():
    logits, came = torch.randn(5, 7), torch.tensor([0, 6, 3, 3, 1])
    torch.testing.assert_close(costs(logits, came), torch.nn.functional.cross_entropy(logits, came, reduction="none"))
