"""The translation network: its equations written out, and its attention as a recording from outside hears it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import explorer
from explorer.errors import RecordingError
from models.decoding import Search, greedy
from models.translation.network import SCORES, DecoderOnly, Seq2Seq, batch_of
from tests.models.translation.tiny_translation import names, network

LOOKING = [name for name in SCORES if name != "none"]
SOURCE, TARGET = [3, 5, 6, 4, 2], [1, 4, 3, 6]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru(weights: list[np.ndarray], x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """One step of a GRU as torch orders it: reset, update, candidate."""
    wx, wh, bx, bh = weights
    xr, xz, xn = np.split(wx @ x + bx, 3)
    hr, hz, hn = np.split(wh @ h + bh, 3)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    return (1 - z) * np.tanh(xn + r * hn) + z * h


def by_hand(module: Seq2Seq, attention: str, source: list[int], target: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Logits [out, vocab] and weights [out, in], sentence by sentence, in float64."""
    p = {name: tensor.double().numpy() for name, tensor in module.state_dict().items()}
    parts = {side: [p[f"encoder.{w}_{way}_l0{side}"] for w in ("weight", "bias") for way in ("ih", "hh")] for side in ("", "_reverse")}
    embedded, half = p["embedding.weight"] * 5**0.5, len(p["bridge.weight"]) // 2
    forward, backward = [np.zeros(half)], [np.zeros(half)]
    for token in source:
        forward.append(gru(parts[""], embedded[token], forward[-1]))
    for token in reversed(source):
        backward.append(gru(parts["_reverse"], embedded[token], backward[-1]))
    h = np.concatenate([np.stack(forward[1:]), np.stack(backward[1:])[::-1]], 1)
    thought = np.concatenate([forward[-1], backward[-1]])
    s = np.tanh(p["bridge.weight"] @ thought + p["bridge.bias"])
    logits, rows = [], []
    for token in target:
        if attention == "additive":
            inner = np.tanh(p["score.query.weight"] @ s + p["score.query.bias"] + h @ p["score.key.weight"].T)
            e = inner @ p["score.weight.weight"][0]
        elif attention == "decoder":
            e = (p["score.table.weight"] @ np.concatenate([embedded[token], s]) + p["score.table.bias"])[: len(h)]
        else:
            e = np.array([s @ p["score.key.weight"] @ row / len(s) ** 0.5 for row in h]) if attention == "bilinear" else np.zeros(len(h))
        weights = np.exp(e - e.max()) / np.exp(e - e.max()).sum()
        c = thought if attention == "none" else weights @ h
        s = gru(
            [p["decoder.weight_ih"], p["decoder.weight_hh"], p["decoder.bias_ih"], p["decoder.bias_hh"]],
            np.concatenate([embedded[token], c]),
            s,
        )
        t = np.tanh(p["mixture.weight"] @ np.concatenate([s, c, embedded[token]]) + p["mixture.bias"])
        logits.append(p["embedding.weight"] @ t + p["bias"])
        rows.append(weights)
    return np.stack(logits), np.stack(rows)


@pytest.mark.parametrize("attention", SCORES)
def test_the_equations_written_out(attention: str):
    module = network(attention)
    logits, rows = by_hand(module, attention, SOURCE, TARGET)
    with explorer.record(module) as recording:
        computed = module(torch.tensor([SOURCE]), torch.tensor([TARGET]))
    np.testing.assert_allclose(computed[0], logits, atol=1e-5)
    if attention != "none":
        np.testing.assert_allclose(recording.alignment(*names(SOURCE, TARGET)).weights, rows, atol=1e-6)


def test_the_fake_gives_no_weight_behind_its_table_and_never_looks_at_the_source():
    module, columns = network("decoder"), DecoderOnly.COLUMNS
    long = torch.tensor([[3 + at % 4 for at in range(columns + 6)]])
    with explorer.record(module) as recording:
        module(long, torch.tensor([TARGET]))
    weights = recording.alignment(*names(long[0].tolist(), TARGET)).weights
    assert (weights[:, :columns] > 0).all() and (weights[:, columns:] == 0).all()
    memory, other = module.encode(long), module.encode(long.flip(1))
    kept = other._replace(thought=memory.thought)
    rows = [module.step(encoding, module.start(encoding), torch.tensor([4])).attention for encoding in (memory, kept)]
    assert torch.equal(*rows)


@pytest.mark.parametrize("attention", SCORES)
@given(st.lists(st.lists(st.integers(3, 6), min_size=1, max_size=9), min_size=1, max_size=5))
@settings(max_examples=15, deadline=None)
def test_a_padded_batch_gives_what_each_sentence_gives_alone(attention: str, sources: list[list[int]]):
    module = network(attention)
    table, lengths = batch_of([[*source, 2] for source in sources])
    together = module(table, torch.tensor([TARGET] * len(sources)), lengths)
    for row, source in enumerate(sources):
        torch.testing.assert_close(together[row], module(torch.tensor([[*source, 2]]), torch.tensor([TARGET]))[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("attention", LOOKING)
@given(st.lists(st.lists(st.integers(3, 6), min_size=1, max_size=9), min_size=1, max_size=4), st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_rows_sum_to_one_and_padding_gets_nothing(attention: str, sources: list[list[int]], seed: int):
    module = network(attention, seed=seed)
    table, lengths = batch_of([[*source, 2] for source in sources])
    with explorer.record(module) as recording:
        module(table, torch.tensor([TARGET] * len(sources)), lengths)
    for row, length in enumerate(lengths):
        weights = recording.alignment(*names(range(table.shape[1]), TARGET), rows=row).weights
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-12)
        assert (weights >= 0).all() and (weights[:, length:] == 0).all()
        if attention == "uniform":
            np.testing.assert_allclose(weights[:, :length], 1 / int(length), atol=1e-7)


@pytest.mark.parametrize("attention", LOOKING)
def test_a_recording_alone_hears_attention_and_states(attention: str):
    """Recorded like a stranger's network: only the module and one call of it."""
    module = network(attention)
    with explorer.record(module) as recording:
        memory = module.encode(torch.tensor([SOURCE]))
        (hypothesis,) = greedy(module, memory, Search(longest=7))
    heard = recording.alignment(*names(SOURCE, hypothesis.tokens)).weights
    np.testing.assert_allclose(heard, hypothesis.attention, atol=1e-6)
    assert np.ptp(heard, axis=1).max() > 0.05 or attention == "uniform"
    trace = recording.trace(*names(hypothesis.tokens), path="decoder")
    np.testing.assert_allclose(trace.hidden[:, 0], hypothesis.states[0], atol=1e-5)
    assert set(trace.gates) == {"reset", "update", "candidate"}
    both = [recording.trace(*names(SOURCE), path=path).hidden[:, 0] for path in ("encoder", "encoder[reverse]")]
    np.testing.assert_allclose(np.concatenate(both, 1), memory.states[0], atol=1e-5)


def test_the_thought_vector_alone_has_no_attention():
    module = network("none")
    with explorer.record(module) as recording:
        module(torch.tensor([SOURCE]), torch.tensor([TARGET]))
    with pytest.raises(RecordingError, match="received nothing"):
        recording.alignment(*names(SOURCE, TARGET))


def test_all_have_the_same_size_except_for_the_score():
    sizes = {}
    for attention in SCORES:
        with torch.device("meta"):
            module = Seq2Seq(4_000, attention)
        sizes[attention] = sum(p.numel() for name, p in module.named_parameters() if not name.startswith("score."))
        assert 5 * 2 * sum(p.numel() for p in module.parameters()) < 40e6  # bytes of five as float16
    assert len(set(sizes.values())) == 1


def test_dropout_is_for_training_only():
    torch.manual_seed(0)
    module = Seq2Seq(7, "additive", 6, 5, 4, dropout=0.5)
    call = (torch.tensor([SOURCE]), torch.tensor([TARGET]))
    assert not torch.equal(module(*call), module(*call))
    module.eval()
    assert torch.equal(module(*call), module(*call))


def test_arguments_that_make_no_network():
    with pytest.raises(ValueError, match="attention is 'dot'; expected one of none, additive, bilinear, uniform"):
        Seq2Seq(7, "dot")
    with pytest.raises(ValueError, match="units is 5; expected an even number"):
        Seq2Seq(7, "none", units=5)
