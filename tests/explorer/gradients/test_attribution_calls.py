"""Attribution of some calls of a module that made several: two sentences, a part of a text, batches that shrink."""

import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.analysis.attribution import METHODS
from explorer.errors import RecordingError
from explorer.gradients.attribution import AttributionMethod
from tests.explorer.gradients.test_attribution import ANSWER, LETTERS, TEXT, Reader, reader, set_up

OTHER = (2, 2, 0, 6)
BATCH = torch.tensor([[0] * 7, TEXT, [6, 5, 4, 3, 2, 1, 0]])


def scores(module: nn.Module, run, method: str | AttributionMethod, tokens, **more) -> np.ndarray:
    with explorer.record(module) as recording:
        run()
    return explorer.attribution(recording, run, method, tokens, **more).scores


def compared(module: Reader, ids: Tensor, others: Tensor) -> Tensor:
    """What a network that reads two sentences says about both of them, [batch]."""
    return module(ids)[:, ANSWER] * module(others)[:, ANSWER]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("wide", [True, False])
def test_one_of_two_sentences_that_one_module_read(method: str, wide: bool):
    module, ids, others = reader(nn.GRU), BATCH, torch.tensor([OTHER] * 3)
    both = lambda: compared(module, ids, others)[slice(None) if wide else 1]  # noqa: E731
    with explorer.record(module) as recording:
        both()
    first, second = recording.sequences("rnn", 1)
    fixed, other_fixed = float(module(others)[1, ANSWER]), float(module(ids)[1, ANSWER])
    for calls, text, held, tokens in ((first, ids, fixed, LETTERS), (0, ids, fixed, LETTERS), (second, others, other_fixed, "abcd")):
        alone = lambda: held * module(text)[:, ANSWER]  # noqa: B023, E731
        expected = scores(module, alone, set_up(method), tokens, index=1)
        got = explorer.attribution(recording, both, set_up(method), tokens, index=1, calls=calls).scores
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)
        # A function that makes the chosen call alone explains the same sentence.
        only = explorer.attribution(recording, alone, set_up(method), tokens, index=1, calls=calls).scores
        np.testing.assert_allclose(only, expected, rtol=1e-9, atol=1e-12)
        assert np.abs(expected).max() > 1e-3


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("row", [0, 2])
def test_a_part_of_a_text_has_the_scores_that_it_has_in_the_whole(wide: bool, row: int):
    module = reader(nn.LSTM)

    def in_pieces() -> Tensor:
        first, state = module.rnn(module.embedding(BATCH[:, :3]))
        fed = nn.functional.pad(first[:, -1:, :5], (0, 0, 0, 1))  # two steps that depend on what came out
        _, state = module.rnn(fed, state)
        out, _ = module.rnn(module.embedding(BATCH[:, 3:]), state)
        value = module.readout(out[:, -1]).log_softmax(-1)[:, ANSWER]
        return value if wide else value[row]

    letters = "abcXYdefg"
    for method in ("gradient", "gradient x input", "occlusion"):
        whole = scores(module, in_pieces, method, letters, index=row)
        last = scores(module, in_pieces, method, letters[5:], index=row, calls=2)
        np.testing.assert_allclose(last, whole[5:], rtol=1e-9, atol=1e-12)
    with explorer.record(module) as recording:
        in_pieces()
    # What is fed back follows the first part, so that the output at the baseline is that of the model.
    method = AttributionMethod("integrated gradients", steps=40)
    scored = explorer.attribution(recording, in_pieces, method, "abc", index=row, calls=0)
    assert scored.completeness is not None and scored.completeness < 1e-8 and abs(scored.scores.sum()) > 1e-3
    first, state = module.rnn(torch.zeros(1, 3, 5).double())
    _, state = module.rnn(nn.functional.pad(first[:, -1:, :5], (0, 0, 0, 1)), state)
    out, _ = module.rnn(module.embedding(BATCH[row : row + 1, 3:]), state)
    at_baseline = float(module.readout(out[:, -1]).log_softmax(-1)[0, ANSWER])
    assert scored.at_baseline == pytest.approx(at_baseline, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_a_row_that_ends_before_the_others(method: str):
    """A batch that shrinks, as sentences end: the row has fewer calls than the module."""
    torch.manual_seed(0)
    cell, x = nn.GRUCell(5, 6).double().requires_grad_(False), torch.randn(3, 7, 5).double()

    def run() -> Tensor:
        state, kept = torch.zeros(3, 6).double(), torch.zeros(3).double()
        for step, rows in enumerate((3, 3, 3, 2, 2, 1, 1)):
            state = cell(x[:rows, step], state[:rows])
            kept = torch.cat([state.sum(1), kept[rows:]])
        return kept

    def alone() -> Tensor:
        state = torch.zeros(1, 6).double()
        for step in range(5):
            state = cell(x[1:2, step], state)
        return state.sum(1)

    expected = scores(cell, alone, set_up(method), "abcde")
    np.testing.assert_allclose(scores(cell, run, set_up(method), "abcde", index=1), expected, rtol=1e-9, atol=1e-12)


def test_a_function_that_makes_other_calls_than_the_recording_is_refused():
    module, ids, others = reader(nn.GRU), torch.tensor([TEXT]), torch.tensor([OTHER])
    with explorer.record(module) as recording:
        compared(module, ids, others)
        module(ids)
    sentence = (
        "output() made 'rnn' read 11 steps in 2 calls; the recording heard 18 steps in 3, 4 steps in 1 of them chosen. Run the recorded "
        "module on the same text, once, and not its forward()."
    )
    with pytest.raises(RecordingError, match="^" + re.escape(sentence) + "$"):
        explorer.attribution(recording, lambda: compared(module, ids, others), "occlusion", "abcd", calls=1)
    with pytest.raises(RecordingError, match=r"^'rnn' read 3 sequences, because its state was reset"):
        explorer.attribution(recording, lambda: compared(module, ids, others), "occlusion", "abcd")


class OnDevice(Tensor):
    """Stands for a tensor on a GPU: numpy refuses it until it was moved."""

    def numpy(self, *args, **kwargs):
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.")

    def cpu(self, *args, **kwargs) -> Tensor:
        return super().cpu(*args, **kwargs).as_subclass(Tensor)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("wide", [True, False])
def test_an_output_on_another_device(method: str, wide: bool):
    module, ids = reader(nn.GRU), torch.tensor([TEXT])

    def run() -> Tensor:
        value = module(ids)[:, ANSWER]
        return value if wide else value[0]

    expected = scores(module, run, set_up(method), LETTERS)
    moved = scores(module, lambda: run().as_subclass(OnDevice), set_up(method), LETTERS)
    np.testing.assert_array_equal(moved, expected)
