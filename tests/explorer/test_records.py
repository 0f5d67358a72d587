"""Records refuse what does not fit together, each time with the same exact sentence."""

import re
import threading
from dataclasses import replace

import numpy as np
import pytest

from explorer import Alignment, ConfusionMatrix, GradientFlow, Trace
from explorer.errors import RecordError
from tests.explorer.traces import gru_trace, lstm_trace


def refused(sentence: str):
    return pytest.raises(RecordError, match="^" + re.escape(sentence) + "$")


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


TRACES = [
    (
        {"hidden": zeros(2, 1, 4), "tokens": tuple("abc")},
        "hidden has shape (2, 1, 4); expected (3, layers, units) = [time, layer, unit] because there are 3 tokens.",
    ),
    (
        {"hidden": zeros(6, 4)},
        "hidden has shape (6, 4); expected (6, layers, units) = [time, layer, unit] because there are 6 tokens.",
    ),
    (
        {"initial_hidden": zeros(3, 2)},
        "initial_hidden has shape (3, 2); expected (2, 3) = [layer, unit] because hidden has shape (6, 2, 3).",
    ),
    ({"cell": None}, "cell and initial_cell come together; only one of them was given."),
    ({"initial_cell": None}, "cell and initial_cell come together; only one of them was given."),
    (
        {"cell": zeros(6, 1, 3)},
        "cell has shape (6, 1, 3); expected (6, 2, units) = [time, layer, unit] because hidden has shape (6, 2, 3).",
    ),
    (
        {"initial_cell": zeros(2, 4)},
        "initial_cell has shape (2, 4); expected (2, 3) = [layer, unit] because cell has shape (6, 2, 3).",
    ),
    (
        {"gates": {"forget": zeros(6, 2, 4)}},
        "gates['forget'] has shape (6, 2, 4); expected (6, 2, 3) = [time, layer, unit] because a gate has one value for each cell value.",
    ),
    (
        {"gates": {"forget": zeros(6, 2, 3) + 1.5}},
        "gates['forget'] lies in 1.5..1.5; expected 0..1. Is it the value before the sigmoid?",
    ),
    (
        {"gates": {"candidate": zeros(6, 2, 3) - 2}},
        "gates['candidate'] lies in -2..-2; expected -1..1. Is it the value before the sigmoid?",
    ),
    (
        {"gates": {"forget": zeros(6, 2, 3) + np.nan}},
        "gates['forget'] lies in nan..nan; expected 0..1. Is it the value before the sigmoid?",
    ),
    ({"logits": zeros(5, 4)}, "logits has shape (5, 4); expected (6, vocab) = [time, vocab] because there are 6 tokens."),
    ({"logits": zeros(6, 4), "vocab": tuple("abc")}, "vocab names 3 tokens; expected 4, one for each column of logits."),
    ({"carried": np.ones(5, bool)}, "carried has shape (5,); expected (6,) = [time] because there are 6 tokens."),
    ({"carried": np.ones(6)}, "carried has type float64; expected bool, True where a step got the state of the step before it."),
    (
        {"carried": np.arange(6) > 0},
        "carried[0] is False; expected True: the first step got initial_hidden, which the record holds.",
    ),
    (
        {"carried": np.arange(6) < 5, "source": "rnn[reverse]"},
        "carried[5] is False; expected True: the first step got initial_hidden, which the record holds.",
    ),
]


@pytest.mark.parametrize(("changes", "sentence"), TRACES)
def test_a_trace_of_bad_arguments(changes: dict, sentence: str):
    with refused(sentence):
        replace(lstm_trace(), **changes)


HALF = np.full((3, 2), 0.5)
ALIGNMENTS = [
    ({"weights": zeros(7, 5)}, "weights has shape (7, 5); expected (3, 2) = [target, source]."),
    ({"weights": HALF.T}, "weights has shape (2, 3); expected (3, 2) = [target, source]. It looks transposed: pass weights.T."),
    ({"weights": HALF[:, 0]}, "weights has shape (3,); expected (3, 2) = [target, source]."),
    ({"source": (), "weights": zeros(3, 0)}, "source is empty; expected at least one token to look at."),
    ({"weights": HALF * [[3, -1]]}, "weights[0, 1] is -0.5; expected 0 or more. Are these scores before the softmax?"),
    ({"weights": HALF * np.nan}, "weights[0, 0] is nan; expected 0 or more. Are these scores before the softmax?"),
    ({"weights": HALF * [[1], [1], [1.01]]}, "weights[2] sums to 1.01; expected 1 within 1e-09. Are these scores before the softmax?"),
    (
        {"weights": (HALF + 1e-4).astype(np.float32)},
        "weights[0] sums to 1.0002; expected 1 within 1e-05. Are these scores before the softmax?",
    ),
    ({"grid": (3, 4)}, "grid (3, 4) has 3 x 4 = 12 regions; expected 2, one for each source column."),
]


@pytest.mark.parametrize(("changes", "sentence"), ALIGNMENTS)
def test_an_alignment_of_bad_arguments(changes: dict, sentence: str):
    with refused(sentence):
        Alignment(**({"source": tuple("ab"), "target": tuple("xyz"), "weights": HALF} | changes))


@pytest.mark.parametrize(("dtype", "slack"), [(np.float16, 1e-3), (np.float32, 4e-6), (np.float64, 4e-10)])
def test_rows_are_made_to_sum_to_one(dtype: type, slack: float):
    record = Alignment(tuple("ab"), tuple("xyz"), (HALF + slack / 2).astype(dtype), grid=(1, 2))
    assert record.weights.dtype == np.float64
    np.testing.assert_allclose(record.weights, HALF, atol=1e-15)
    assert (record.source, record.target) == (("a", "b"), ("x", "y", "z"))


def test_an_empty_translation_is_an_alignment():
    assert Alignment(("a", "b"), (), np.zeros((0, 2))).weights.shape == (0, 2)


CONFUSIONS = [
    (np.zeros((2, 3)), "counts has shape (2, 3); expected (2, 2) = [true, predicted] because there are 2 labels."),
    (np.array([[1, 0], [-1, 2]]), "counts[1, 0] is -1; expected a whole number of 0 or more. Are these shares of a row?"),
    (np.array([[1, 0.5], [0, 2]]), "counts[0, 1] is 0.5; expected a whole number of 0 or more. Are these shares of a row?"),
    (np.array([[1, np.nan], [0, 2]]), "counts[0, 1] is nan; expected a whole number of 0 or more. Are these shares of a row?"),
]


@pytest.mark.parametrize(("counts", "sentence"), CONFUSIONS)
def test_a_confusion_matrix_of_bad_counts(counts: np.ndarray, sentence: str):
    with refused(sentence):
        ConfusionMatrix(("a", "b"), counts)


def test_a_confusion_matrix_counts_in_whole_numbers_and_names_each_class_once():
    assert ConfusionMatrix(("a",), np.array([[3.0]])).counts.dtype == np.int64
    with refused("labels names 'a' twice; expected each class once."):
        ConfusionMatrix(("a", "b", "a"), np.zeros((3, 3)))


def test_files_round_trip_and_a_crash_leaves_the_old_one(tmp_path, monkeypatch):
    trace, path = replace(gru_trace(), logits=zeros(6, 2), vocab=("a", "b")), tmp_path / "a.npz"
    trace.save(path)
    again = Trace.load(path)
    assert (again.tokens, again.vocab, again.source, again.cell) == (trace.tokens, trace.vocab, trace.source, None)
    for name, values in trace.gates.items():
        np.testing.assert_array_equal(again.gates[name], values)
    np.testing.assert_array_equal(again.hidden, trace.hidden)
    kept = path.read_bytes()

    def crash(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", crash)
    with pytest.raises(OSError, match="disk full"):
        trace.save(path)
    assert path.read_bytes() == kept and list(tmp_path.iterdir()) == [path]


def test_where_the_state_was_not_carried_survives_a_file_and_older_files_open(tmp_path):
    whole, cut = gru_trace(), replace(gru_trace(), carried=np.array([True, True, False, True, False, True]))
    assert whole.carried.dtype == bool and whole.carried.all() and list(whole.breaks) == [] and list(cut.breaks) == [2, 4]
    whole.save(tmp_path / "whole.npz")
    cut.save(tmp_path / "cut.npz")
    np.testing.assert_array_equal(Trace.load(tmp_path / "cut.npz").carried, cut.carried)
    with np.load(tmp_path / "whole.npz") as file:
        assert "carried" not in file.files and b'"version": 1' in bytes(file["about"]), "an older installation opens it"
    assert Trace.load(tmp_path / "whole.npz").carried.all()
    with np.load(tmp_path / "cut.npz") as file:
        assert b'"version": 2' in bytes(file["about"]), "an older installation refuses it with a sentence"


def test_two_saves_at_once_leave_one_whole_record(tmp_path, monkeypatch):
    path, write, first = tmp_path / "a.npz", np.savez_compressed, threading.Event()
    second = threading.Thread(target=lstm_trace().save, args=(path,))

    def in_two_parts(file, **arrays):
        if not first.is_set():  # the other save runs from start to end in the middle of this one
            first.set()
            second.start()
            second.join()
        write(file, **arrays)

    monkeypatch.setattr(np, "savez_compressed", in_two_parts)
    gru_trace().save(path)
    assert Trace.load(path).cell is None and list(tmp_path.iterdir()) == [path]


def test_foreign_and_damaged_files_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    lstm_trace().save(path)
    whole = path.read_bytes()
    for content in (b"", b"no archive", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(RecordError, match=r"a\.npz is not a record of this project .*Expected a \.npz written by Trace\.save\.$"):
            Trace.load(path)
    np.savez(path, x=np.zeros(2))
    with pytest.raises(RecordError, match="is not a record of this project"):
        Trace.load(path)
    np.savez(path, about=np.frombuffer(b'{"record": "Trace", "version": 99}', np.uint8))
    with refused(f"{path} holds a Trace of version 99; expected Trace, at most 2."):
        Trace.load(path)


FLOWS = [
    (
        {"hidden_log10": np.zeros((2, 1))},
        "hidden_log10 has shape (2, 1); expected (3, layers) = [time, layer] because there are 3 tokens.",
    ),
    (
        {"state_log10": np.zeros((3, 2))},
        "state_log10 has shape (3, 2); expected (3, 1) = [time, layer] because hidden_log10 has that shape.",
    ),
    (
        {"cell_log10": np.full((3, 1), np.nan)},
        "cell_log10[0, 0] is nan; expected a number, or -inf where nothing flows. Are the weights or the inputs infinite or nan?",
    ),
    ({"loss_at": 3}, "loss_at is 3; expected 0 to 2, the step at which the loss enters, or None."),
]


@pytest.mark.parametrize(("change", "sentence"), FLOWS)
def test_a_gradient_flow_that_does_not_fit(change: dict, sentence: str):
    good = GradientFlow(tuple("abc"), np.array([[-np.inf], [-400], [0]]), None, np.zeros((3, 1), np.float32), 2)
    assert good.state_log10.dtype == np.float64
    with refused(sentence):
        replace(good, **change)


@pytest.mark.parametrize(
    ("record", "lines"),
    [
        (
            replace(lstm_trace(60), source="decoder.rnn"),
            [
                "Trace of 'decoder.rnn', an LSTM: 2 layers of 3 units over 60 tokens, 'abcdefghijabcdefghijabcdefghijabcdefg...'",
                "hidden [60, 2, 3], cell [60, 2, 3] = [time, layer, unit]; gates input, forget, candidate, output",
                "Next: explorer.show(trace) draws it, trace.hidden and trace.gates hold the numbers, trace.save('trace.npz') keeps them.",
            ],
        ),
        (
            replace(gru_trace(2), tokens=("a\nb", "\ud800"), logits=zeros(2, 5)),
            [
                "Trace of a GRU: 1 layer of 3 units over 2 tokens, 'a\\nb \\ud800'",
                "hidden [2, 1, 3] = [time, layer, unit]; logits [2, 5] = [time, vocab]; gates reset, update, candidate",
            ],
        ),
        (
            replace(gru_trace(2), gates={}, source="rnn"),
            ["Trace of 'rnn', a plain RNN: 1 layer of 3 units over 2 tokens, 'xx'", "hidden [2, 1, 3] = [time, layer, unit]; no gates"],
        ),
        (
            replace(gru_trace(3), carried=np.array([True, False, True])),
            ["Trace of a GRU: 1 layer of 3 units over 3 tokens, 'xxx'; the state was reset or changed before 1 step"],
        ),
        (
            replace(gru_trace(1), gates={"update": zeros(1, 1, 3)}),
            ["Trace of a network of your own equations: 1 layer of 3 units over 1 token, 'x'"],
        ),
        (
            Alignment(tuple("abcd"), ("un", "chien"), np.full((2, 4), 0.25), (2, 2)),
            [
                "Alignment of 2 target tokens to 4 source tokens: 'un chien' from 'abcd'",
                "weights [2, 4] = [target, source], each row sums to 1; the source is a grid of 2 x 2 image regions",
                "Next: explorer.show(alignment) draws it, alignment.weights holds the numbers.",
            ],
        ),
        (
            ConfusionMatrix(("ant", "bee"), np.array([[900, 100], [0, 1000]])),
            [
                "Confusion matrix of 2 classes: 1,900 of 2,000 items correct",
                "counts [2, 2] = [true, predicted]; labels 'ant bee'",
                "Next: explorer.show(matrix) draws it, matrix.counts holds the numbers.",
            ],
        ),
        (
            GradientFlow(tuple("abc"), np.zeros((3, 1)), None, np.zeros((3, 1)), 2, "rnn"),
            [
                "Gradient of a loss at step 2 through 'rnn' over 3 tokens, 'abc'",
                "hidden_log10, state_log10 [3, 1] = [time, layer], norms as powers of ten",
                "Next: explorer.show(flow) draws it, flow.state_log10 holds the numbers.",
            ],
        ),
    ],
)
def test_printed_a_record_is_three_lines(record, lines: list[str]):
    printed = str(record).splitlines()
    assert printed[: len(lines)] == lines and len(printed) == 3
    assert repr(record) == f"<{lines[0]}>", "no arrays on a screen"
