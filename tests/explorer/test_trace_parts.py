"""What a Trace holds beside hidden state, cell and gates: parts without a range, and complex hidden states."""

import json
from dataclasses import replace
from math import pi

import numpy as np
import pytest

from explorer import Trace
from explorer.analysis.ledger import ledger
from explorer.analysis.ordering import order
from explorer.analysis.quantities import quantities, quantity
from explorer.errors import AnalysisError, RecordError
from explorer.figures.notebook import show
from explorer.figures.scales import scale_of
from tests.explorer.traces import gru_trace, lstm_trace

PARTS = {
    "state[1]": np.arange(30, dtype=np.float32).reshape(6, 1, 5) * 7,
    "matrix": np.ones((6, 1, 2, 3), np.float32),
    "turned": np.full((6, 1, 2), 1j, np.complex64),
}


def turning() -> Trace:
    """Two units that turn a quarter of a circle a step; the second shrinks by half."""
    hidden = (1j ** np.arange(6))[:, None] * np.stack([np.ones(6), 0.5 ** np.arange(6)], 1)
    return Trace(tuple("abcdef"), hidden[:, None].astype(np.complex64), None, {}, np.zeros((1, 2), np.complex64))


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"update": np.zeros((6, 1, 3))}, r"^parts names 'update', which this record holds already; give the part another name\.$"),
        ({"hidden": np.zeros((6, 1, 3))}, r"^parts names 'hidden', which"),
        (
            {"a": np.zeros((5, 1))},
            r"^parts\['a'\] has shape \(5, 1\); expected \(6, 1, \.\.\.\) = \[time, layer, \.\.\.\] because hidden has",
        ),
        ({"a": np.zeros(6)}, r"^parts\['a'\] has shape \(6,\); expected"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts: dict, sentence: str):
    with pytest.raises(RecordError, match=sentence):
        replace(gru_trace(), parts=parts)


def test_a_complex_gate_is_refused():
    with pytest.raises(RecordError, match=r"^gates\['forget'\] is complex; expected real numbers\. Put it into parts\.$"):
        replace(turning(), gates={"forget": np.zeros((6, 1, 2), complex)})


def test_parts_and_complex_states_survive_a_file(tmp_path):
    trace = replace(turning(), parts=PARTS)
    trace.save(tmp_path / "a.npz")
    again = Trace.load(tmp_path / "a.npz")
    np.testing.assert_array_equal(again.hidden, trace.hidden)
    assert list(again.parts) == list(PARTS) and again.hidden.dtype == np.complex64
    for name, values in PARTS.items():
        np.testing.assert_array_equal(again.parts[name], values)


@pytest.mark.parametrize(("trace", "version"), [(lstm_trace(), 1), (replace(lstm_trace(layers=1), parts=PARTS), 2), (turning(), 2)])
def test_a_file_that_holds_nothing_new_opens_in_older_versions(trace: Trace, version: int, tmp_path):
    trace.save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        assert json.loads(bytes(file["about"]))["version"] == version
        assert version > 1 or not any(name.startswith("part.") for name in file.files)


def test_a_record_says_what_else_it_holds():
    said = str(replace(lstm_trace(layers=1), parts=PARTS))
    assert "a network of your own equations" in said and "parts state[1], matrix, turned" in said
    assert "an LSTM" in str(lstm_trace()) and "a network of your own equations" in str(turning())


def test_a_complex_state_is_drawn_as_size_and_phase():
    trace = turning()
    assert quantities(trace) == ("size", "phase")
    np.testing.assert_allclose(quantity(trace, "size", 0)[:, 1], 0.5 ** np.arange(6))
    np.testing.assert_allclose(quantity(trace, "phase", 0)[:4, 0], [0, pi / 2, pi, -pi / 2], atol=1e-6)
    assert (scale_of("phase", quantity(trace, "phase", 0)).low, scale_of("size", quantity(trace, "size", 0)).low) == (-pi, 0)
    assert sorted(order(trace, 0, "similarity")) == [0, 1]
    with pytest.raises(AnalysisError, match=r"^This record has no 'hidden'; it has size, phase\.$"):
        quantity(trace, "hidden", 0)
    with pytest.raises(AnalysisError, match=r"^The hidden state is complex"):
        ledger(trace, 0)
    for what in quantities(trace):
        assert what in str(show(trace, what))


def test_a_part_with_a_value_for_each_unit_is_drawn_and_others_are_kept_as_numbers():
    trace = replace(lstm_trace(layers=1), parts=PARTS)
    assert quantities(trace)[-1] == "state[1]"
    np.testing.assert_array_equal(quantity(trace, "state[1]", 0), PARTS["state[1]"][:, 0])
    assert "a map of 5 units, state[1]" in str(show(trace, "state[1]"))


def test_what_a_gate_did_not_keep_was_written():
    trace = replace(gru_trace(), gates={"forget": gru_trace().gates["update"]})
    book, before = ledger(trace, 0), np.concatenate([trace.initial_hidden, trace.hidden[:-1, 0]])
    np.testing.assert_array_equal(book.kept, trace.gates["forget"][:, 0] * before)
    np.testing.assert_allclose(book.written, ledger(gru_trace(), 0).written, atol=1e-6)
    assert "forget gate" in book.equation
