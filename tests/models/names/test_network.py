"""Classifiers of names: each kind compared with its equation, batches with single names, letters with the answer; checkpoints."""

import numpy as np
import pytest
import torch

import explorer
from explorer.errors import CheckpointError
from models import checkpoint
from models.checkpoint import Loaded
from models.names.data import VOCABULARY
from models.names.network import CELLS, Classifier, LinearRecurrence, after_each_letter, letter_effects, padded, probabilities
from models.names.romanise import spelling

LABELS = ["Dutch", "Greek", "Polish"]
NAMES = ["van der Berg", "Παππάς", "A", "Nowak-Wiśniewska", "pappas", "Li"]


def tiny(cell: str = "gru", units: int = 6, seed: int = 0, **more) -> Loaded:
    arguments = {"vocab_size": len(VOCABULARY), "classes": len(LABELS), "cell": cell, "units": units, **more}
    torch.manual_seed(seed)
    module = Classifier(**arguments)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_((4 * parameter).half().float())  # far from uniform, and survives being stored
    card = {"kind": "classifier", "arguments": arguments, "vocabulary": list(VOCABULARY.tokens), "labels": LABELS}
    return Loaded("tiny", module.eval().requires_grad_(False), VOCABULARY, card)


@pytest.mark.parametrize("cell", CELLS)
def test_a_batch_gives_what_each_name_gives_alone(cell: str):
    loaded, reports = tiny(cell), []
    together = probabilities(loaded, NAMES * 200, lambda done, total: reports.append((done, total)))  # more than two batches
    assert together.shape == (1_200, 3) and together.sum(1) == pytest.approx(1, abs=1e-5)
    for text, row in zip(NAMES, together, strict=False):
        letters = after_each_letter(loaded, text)
        np.testing.assert_allclose(letters[-1], row, atol=1e-6)
        assert letters.shape == (len(spelling(text)), 3)
    np.testing.assert_allclose(together.reshape(200, 6, 3), np.broadcast_to(together[:6], (200, 6, 3)), atol=1e-6)
    assert np.ptp(together[:6], axis=0).min() > 0.05  # names differ
    np.testing.assert_allclose(together[1], together[4], atol=1e-6)  # one spelling, one answer
    assert reports[0] == (0, 1_200) and reports[-1] == (1_200, 1_200)


@pytest.mark.parametrize("cell", CELLS)
def test_each_prefix_gets_the_answer_of_a_name_that_ends_there(cell: str):
    loaded = tiny(cell)
    letters = after_each_letter(loaded, "romanov")
    for length in range(1, 8):
        np.testing.assert_allclose(letters[length - 1], probabilities(loaded, ["romanov"[:length]])[0], atol=1e-6)


def test_the_linear_cell_follows_its_equation_and_can_be_recorded():
    loaded = tiny("linear")
    weights, text = loaded.module.rnn.step, "pappas"
    h, states = np.zeros(6), []
    for letter_id in VOCABULARY.encode(text):
        x = np.eye(len(VOCABULARY))[letter_id]
        h = weights.weight.numpy().astype(float) @ np.concatenate([x, h]) + weights.bias.numpy()
        states.append(h)
    with explorer.record(loaded.module) as recording:
        logs = loaded.module(torch.tensor([VOCABULARY.encode(text)]))[0]
    trace = recording.trace(tuple(text), logits=logs, vocab=tuple(LABELS))
    np.testing.assert_allclose(trace.hidden[:, 0], states, rtol=1e-4, atol=1e-4)
    readout = loaded.module.readout
    scores = np.array(states) @ readout.weight.numpy().T + readout.bias.numpy()
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    np.testing.assert_allclose(after_each_letter(loaded, text), expected, rtol=1e-3, atol=1e-5)


def test_the_linear_cell_adds_up():
    """Without a tanh the states of a sum of inputs are the sum of the states, once the bias is taken out."""
    torch.manual_seed(0)
    cell = LinearRecurrence(4, 5)
    cell.step.bias.data.zero_()
    a, b = torch.randn(2, 7, 4), torch.randn(2, 7, 4)
    torch.testing.assert_close(cell(a + b)[0], cell(a)[0] + cell(b)[0], rtol=1e-4, atol=1e-5)
    states, last = cell(a)
    torch.testing.assert_close(cell(a[:, 3:], cell(a[:, :3])[1])[0][:, -1], last[0])
    assert states.shape == (2, 7, 5)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_states_are_recorded_as_for_any_network(cell: str):
    loaded = tiny(cell)
    with explorer.record(loaded.module) as recording:
        logs, _ = loaded.module(torch.tensor([VOCABULARY.encode("pappas")]))
    trace = recording.trace(tuple("pappas"), logits=logs, vocab=tuple(LABELS))
    assert trace.hidden.shape == (6, 1, 6) and trace.logits.shape == (6, 3)


def test_training_drops_letters_states_and_weights_and_reading_does_not():
    ids = torch.tensor([VOCABULARY.encode("papadopoulos")] * 2)
    for about in ({"letters": 0.5}, {"dropout": 0.5}, {"recurrent": 0.5}):
        module = tiny(**about).module
        torch.manual_seed(1)
        assert torch.equal(module(ids)[0], tiny().module(ids)[0])
        once, again = module.train()(ids)[0], module(ids)[0]
        assert not torch.equal(once, again), about
    torch.testing.assert_close(once[0], once[1])  # the same weights are missing for the whole batch
    gradient = tiny(recurrent=0.5).module.requires_grad_(True).train()
    gradient(ids)[0].sum().backward()
    assert 0.3 < (gradient.rnn.weight_hh_l0.grad == 0).float().mean() < 0.7


def test_padding_is_not_read():
    ids, lengths = padded([[1, 2], [3, 4, 5]])
    assert ids.tolist() == [[1, 2, 0], [3, 4, 5]] and lengths.tolist() == [2, 3]


def test_a_name_without_a_letter_is_refused():
    for call in (lambda: probabilities(tiny(), ["12"]), lambda: after_each_letter(tiny(), "")):
        with pytest.raises(ValueError, match="has no letter that can be romanised; expected a name"):
            call()


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_saved_comes_back(tmp_path, cell: str):
    saved = tiny(cell, dropout=0.3)
    checkpoint.save(saved.module, saved.card, tmp_path / "tiny.safetensors")
    loaded = checkpoint.load(tmp_path / "tiny.safetensors")
    assert loaded.card["labels"] == LABELS and not loaded.module.training
    np.testing.assert_array_equal(probabilities(loaded, NAMES), probabilities(saved, NAMES))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": None}, "does not name each class of its classifier once"),
        ({"labels": "Dut"}, "does not name each class"),
        ({"labels": ["Dutch", "Greek"]}, "does not name each class"),
        ({"labels": ["Dutch", "Greek", "Greek"]}, "does not name each class"),
        ({"labels": ["Dutch", "Greek", 3]}, "does not name each class"),
        ({"labels": [["Dutch"], "Greek", "Polish"]}, "does not name each class"),
        ({"arguments": None}, "does not name each class"),
        ({"arguments": {"classes": 3, "vocab_size": 29, "cell": "lru"}}, "cell is 'lru'; expected one of rnn, lstm, gru, linear"),
        ({"arguments": {"classes": 3, "vocab_size": 29, "cell": "linear", "recurrent": 0.5}}, "recurrent is not 0"),
        ({"arguments": {"classes": 1, "vocab_size": 29, "cell": "gru"}, "labels": ["Dutch"]}, "classes is 1; expected at least 2"),
        ({"arguments": {"classes": 3, "vocab_size": 29, "cell": "gru", "units": 10**9}}, "has shape|valid classifier configuration"),
        ({"arguments": {"classes": 3, "vocab_size": 29, "cell": "gru", "units": 6, "dropout": "x"}}, "valid classifier configuration"),
        ({"arguments": {"classes": 3, "vocab_size": 29, "cell": "gru", "units": 6, "letters": "x"}}, "valid classifier configuration"),
    ],
)
def test_a_damaged_card_gets_a_sentence(tmp_path, changes: dict, sentence: str):
    loaded = tiny()
    checkpoint.save(loaded.module, loaded.card | changes, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match=sentence):
        checkpoint.load(tmp_path / "x.safetensors")


def test_each_letter_is_left_out_and_replaced_one_by_one():
    """Every variant of the name asked on its own: no variant takes more from the answer than the one that is named."""
    loaded, name = tiny(), "lip"
    effects, answer = letter_effects(loaded, "Líp"), probabilities(loaded, ["lip"])[0]
    best = int(answer.argmax())
    assert (effects.letters, effects.answer) == (name, best) and effects.p == pytest.approx(answer[best], abs=1e-6)
    for at in range(3):
        gone = probabilities(loaded, [name[:at] + name[at + 1 :]])[0]
        assert effects.without[at] == pytest.approx(gone[best], abs=1e-6) and effects.instead[at] == gone.argmax()
        others = [letter for letter in "abcdefghijklmnopqrstuvwxyz" if letter != name[at]]
        p = probabilities(loaded, [name[:at] + letter + name[at + 1 :] for letter in others])
        assert effects.other[at] == others[p[:, best].argmin()] and effects.changed[at] == pytest.approx(p[:, best].min(), abs=1e-6)
        assert effects.becomes[at] == p[p[:, best].argmin()].argmax()


def test_a_single_letter_cannot_be_left_out():
    effects = letter_effects(tiny(), "x")
    assert np.isnan(effects.without).all() and effects.instead.tolist() == [-1] and effects.other != "x"
