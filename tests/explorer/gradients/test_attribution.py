"""Attribution against Captum, and against what is known exactly of a linear network; any batch, any calls, and what is refused."""

import importlib
import re
import threading
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import explorer
from explorer.analysis.attribution import METHODS
from explorer.gradients.attribution import AttributionMethod, attributions

TEXT = (3, 1, 4, 1, 5, 2, 6)
LETTERS = tuple("abcdefg")
ANSWER, STEPS = 2, 6  # points of the sums: both sides take the same ones


class Reader(nn.Module):
    """A stranger's model: embedding, recurrent layers, and a readout of the last step."""

    def __init__(self, family, batch_first: bool = True, **more):
        super().__init__()
        self.embedding = nn.Embedding(7, 5)
        self.rnn = family(5, 6, batch_first=batch_first, **more)
        self.readout = nn.Linear(12 if more.get("bidirectional") else 6, 7)

    def read(self, x: Tensor) -> Tensor:
        """Log probabilities [batch, class] of embeddings [batch, time, feature]."""
        out, _ = self.rnn(x if self.rnn.batch_first else x.transpose(0, 1))
        return self.readout(out[:, -1] if self.rnn.batch_first else out[-1]).log_softmax(-1)

    def forward(self, ids: Tensor) -> Tensor:
        return self.read(self.embedding(ids))


def reader(family, **more) -> Reader:
    torch.manual_seed(0)
    return Reader(family, **more).double().eval().requires_grad_(False)


def captum() -> ModuleType:
    """Captum's methods; its import takes longer than torch's, so only the worker that runs these tests makes it."""
    return importlib.import_module("captum.attr")


def by_captum(module: Reader, ids: Tensor, method: str) -> np.ndarray:
    """The same scores [time] by Captum, on the embeddings of the first row."""
    x, read = module.embedding(ids)[:1].requires_grad_(), lambda x: module.read(x)[:, ANSWER]
    if method == "gradient":
        return captum().Saliency(read).attribute(x, abs=False)[0].norm(dim=1).numpy()
    if method == "gradient x input":
        return captum().InputXGradient(read).attribute(x)[0].sum(1).detach().numpy()
    if method == "integrated gradients":
        return captum().IntegratedGradients(read).attribute(x, n_steps=STEPS, method="gausslegendre")[0].sum(1).detach().numpy()
    steps = torch.arange(x.shape[1]).view(1, -1, 1).expand_as(x)
    return captum().FeatureAblation(read).attribute(x, feature_mask=steps)[0, :, 0].detach().numpy()


def set_up(method: str) -> AttributionMethod:
    return AttributionMethod(method, steps=STEPS)


NETWORKS = [(nn.RNN, {}), (nn.GRU, {"batch_first": False}), (nn.LSTM, {"num_layers": 2}), (nn.LSTM, {"bidirectional": True})]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("family", "more"), NETWORKS)
def test_every_method_gives_what_captum_gives(family, more: dict, method: str):
    module, ids = reader(family, **more), torch.tensor([TEXT])
    with explorer.record(module) as recording:
        module(ids)
    scored = explorer.attribution(recording, lambda: module(ids)[:, ANSWER], set_up(method), LETTERS, recording.paths[0])
    expected = by_captum(module, ids, method)
    # Captum takes the points of its sum in float32.
    np.testing.assert_allclose(scored.scores, expected, rtol=1e-6, atol=1e-9)
    assert np.abs(expected).max() > 1e-3 and scored.method == method and scored.tokens == LETTERS
    assert scored.output == pytest.approx(float(module(ids)[0, ANSWER]), abs=1e-12)


def test_integrated_gradients_are_those_of_captums_hook_on_the_embedding_and_complete():
    module, ids = reader(nn.LSTM, num_layers=2), torch.tensor([TEXT])
    with explorer.record(module) as recording:
        module(ids)
    blank = torch.zeros_like(ids)
    method = AttributionMethod("integrated gradients", module.embedding(torch.tensor(0)), 40)
    scored = explorer.attribution(recording, lambda: module(ids)[:, ANSWER], method, LETTERS)
    hooked = captum().LayerIntegratedGradients(lambda ids: module(ids)[:, ANSWER], module.embedding)
    expected, delta = hooked.attribute(ids, blank, n_steps=40, return_convergence_delta=True)
    np.testing.assert_allclose(scored.scores, expected[0].sum(1).numpy(), rtol=1e-6)
    assert scored.at_baseline == pytest.approx(float(module(blank)[0, ANSWER]), abs=1e-12) and scored.baseline == "given"
    assert scored.completeness < 1e-9 and abs(float(delta)) < 1e-6
    coarse = explorer.attribution(recording, lambda: module(ids)[:, ANSWER], AttributionMethod("integrated gradients", steps=1), LETTERS)
    error = abs(coarse.scores.sum() - coarse.output + coarse.at_baseline)
    assert coarse.completeness == pytest.approx(error, abs=1e-15) and error > 1e-4


def test_in_a_linear_network_three_methods_give_the_exact_part_of_each_input():
    torch.manual_seed(0)
    rnn, x = nn.RNN(3, 4, nonlinearity="relu", bias=False).double().requires_grad_(False), torch.rand(9, 1, 3).double()
    for weights in rnn.parameters():
        weights.abs_().mul_(0.8)  # positive weights and inputs: relu is the identity
    with explorer.record(rnn) as recording:
        rnn(x)
    methods = ["gradient x input", "integrated gradients", "occlusion"]
    scored = attributions(recording, lambda: rnn(x)[0][-1].sum(1), methods, range(9))
    back, expected = torch.ones(4).double(), []
    for step in reversed(range(9)):  # 1ᵀ Uᵏ W x, k steps before the last
        expected.append(float(back @ rnn.weight_ih_l0 @ x[step, 0]))
        back = back @ rnn.weight_hh_l0
    for one in scored:
        np.testing.assert_allclose(one.scores, expected[::-1], rtol=1e-12)
    assert scored[1].completeness < 1e-12 and scored[0].scores.sum() == pytest.approx(scored[0].output, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_a_scalar_a_row_of_a_batch_and_a_packed_batch_give_the_same(method: str):
    module = reader(nn.GRU)
    alone, batch = torch.tensor([TEXT]), torch.tensor([[0] * 7, TEXT, [6, 5, 4, 3, 2, 1, 0]])
    expected = by_captum(module, alone, method)

    def packed() -> Tensor:
        out, _ = module.rnn(pack_padded_sequence(module.embedding(batch), torch.tensor([3, 7, 5]), batch_first=True, enforce_sorted=False))
        return module.readout(pad_packed_sequence(out, batch_first=True)[0][1, -1]).log_softmax(-1)[ANSWER]

    runs = [
        (lambda: module(alone)[0, ANSWER], 0),
        (lambda: module(batch)[:, ANSWER], 1),
        (lambda: module(batch)[1, ANSWER], 1),
        (packed, 1),
    ]
    for run, row in runs:
        with explorer.record(module) as recording:
            run()
        scored = explorer.attribution(recording, run, set_up(method), LETTERS, index=row)
        np.testing.assert_allclose(scored.scores, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("wide", [True, False])
def test_cells_in_a_loop_and_calls_that_carry_the_state(method: str, wide: bool):
    module, ids = reader(nn.LSTM), torch.tensor([TEXT])
    cell = nn.LSTMCell(5, 6).double().requires_grad_(False)
    cell.load_state_dict({name.removesuffix("_l0"): weights for name, weights in module.rnn.state_dict().items()})
    looped = nn.ModuleList([module.embedding, cell, module.readout])

    def stepped() -> Tensor:
        state = (torch.zeros(1, 6).double(), torch.zeros(1, 6).double())
        for x in module.embedding(ids).unbind(1):
            state = cell(x, state)
        value = module.readout(state[0]).log_softmax(-1)[:, ANSWER]
        return value if wide else value[0]

    def in_pieces() -> Tensor:
        state = None
        for piece in module.embedding(ids).split(3, 1):
            out, state = module.rnn(piece, hx=state) if state else module.rnn(input=piece)
        value = module.readout(out[:, -1]).log_softmax(-1)[:, ANSWER]
        return value if wide else value[0]

    for run, whole in ((stepped, looped), (in_pieces, module)):
        with explorer.record(whole) as recording:
            run()
        scored = explorer.attribution(recording, run, set_up(method), LETTERS)
        np.testing.assert_allclose(scored.scores, by_captum(module, ids, method), rtol=1e-6, atol=1e-9)


def test_a_row_keeps_its_own_state_also_where_as_many_inputs_run_at_once_as_the_batch_has_rows():
    module, batch = reader(nn.GRU), torch.tensor([[0] * 7, TEXT])
    first = torch.randn(1, 2, 6).double()

    def run(rows: slice) -> Tensor:
        out, _ = module.rnn(module.embedding(batch[rows]), first[:, rows])
        return module.readout(out[:, -1]).log_softmax(-1)[:, ANSWER]

    scored = []
    for rows, index in ((slice(0, 2), 1), (slice(1, 2), 0)):
        with explorer.record(module) as recording:
            run(rows)
        method = AttributionMethod("integrated gradients", steps=2)
        scored.append(explorer.attribution(recording, lambda: run(rows), method, LETTERS, index=index).scores)  # noqa: B023
    np.testing.assert_allclose(*scored, rtol=1e-9)


def test_the_reverse_direction_reads_the_same_inputs():
    module, ids = reader(nn.LSTM, bidirectional=True), torch.tensor([TEXT])
    with explorer.record(module) as recording:
        module(ids)
    one, other = (attributions(recording, lambda: module(ids)[:, ANSWER], METHODS, LETTERS, path) for path in ("rnn", "rnn[reverse]"))
    for scored, same in zip(one, other, strict=True):
        np.testing.assert_allclose(scored.scores, same.scores, rtol=1e-9)
        assert (scored.source, same.source) == ("rnn", "rnn[reverse]")


def test_occlusion_and_integrated_gradients_take_other_baselines():
    module, ids = reader(nn.GRU), torch.tensor([TEXT])
    with explorer.record(module) as recording:
        module(ids)
    x = module.embedding(ids)
    mean = x.mean(1, keepdim=True).expand_as(x)
    for baseline, given in (("mean", mean), (mean[0], mean), (mean[0, 0], mean)):
        method = AttributionMethod("occlusion", baseline)
        scored = explorer.attribution(recording, lambda: module(ids)[:, ANSWER], method, LETTERS)
        steps = torch.arange(7).view(1, -1, 1).expand_as(x)
        expected = captum().FeatureAblation(lambda x: module.read(x)[:, ANSWER]).attribute(x, given, feature_mask=steps)[0, :, 0]
        np.testing.assert_allclose(scored.scores, expected.numpy(), rtol=1e-9)
        assert scored.baseline == ("mean" if baseline == "mean" else "given")


def test_nothing_stays_behind_and_threads_do_not_hear_each_other():
    module, ids = reader(nn.LSTM, num_layers=2), torch.tensor([TEXT])
    before = module(ids)
    with explorer.record(module) as recording:
        module(ids)
    wrong, ends = [], threading.Event()

    def reads() -> None:
        while not ends.is_set():
            wrong.append(not torch.equal(module(ids), before))

    other = threading.Thread(target=reads)
    other.start()
    try:
        for _ in range(5):
            explorer.attribution(recording, lambda: module(ids)[:, ANSWER], "occlusion", LETTERS)
    finally:
        ends.set()
        other.join()
    assert wrong and not any(wrong)
    assert not module.rnn._forward_pre_hooks and not module.rnn._forward_hooks and not any(p.requires_grad for p in module.parameters())


def test_printed_it_is_three_lines():
    module, ids = reader(nn.GRU), torch.tensor([TEXT])
    with explorer.record(module) as recording:
        module(ids)
    scored = explorer.attribution(recording, lambda: module(ids)[:, ANSWER], "integrated gradients", LETTERS)
    first, second, third = str(scored).splitlines()
    assert re.fullmatch(
        r"Attribution of the output -\d\.\d+ to 7 tokens through 'rnn' by integrated gradients, baseline zero, 'abcdefg'", first
    )
    assert re.fullmatch(r"scores \[7\] = \[time\], \S+\.\.\S+; their sum \S+ should be \S+: completeness error \d\.\de-\d\d", second)
    assert third == "Next: explorer.show(attribution) draws it, attribution.scores holds the numbers."
