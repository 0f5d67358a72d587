"""Gradients of every kind, direction and way of calling against the written equations, unrolled under autograd right here."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

import explorer
from tests.explorer.recording.test_record_property import TABLE, Case, call, cases, left_out

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")

EXACT = [cell for cell in TABLE if cell[3] in ("float64", "float32")]
# Relative; and the norms between which a number of that precision holds every digit.
LIMITS = {"float64": 1e-6, "float32": 1e-4}
RANGE = {"float64": (-290, 290), "float32": (-30, 30)}
LOSSES = 3
counts: Counter = Counter()
worst: dict[str, float] = {}


def step(kind: str, w: dict, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One step as it stands in torch's documentation: new h and c."""
    a, b = w["weight_ih"] @ x + w.get("bias_ih", 0), w["weight_hh"] @ h + w.get("bias_hh", 0)
    if kind == "lstm":
        i, f, g, o = (a + b).chunk(4)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        shown = o.sigmoid() * c.tanh()
        return (w["weight_hr"] @ shown if "weight_hr" in w else shown), c
    if kind == "gru":
        (ar, az, an), (br, bz, bn) = a.chunk(3), b.chunk(3)
        z = (az + bz).sigmoid()
        return (1 - z) * (an + (ar + br).sigmoid() * bn).tanh() + z * h, c
    return ((a + b).tanh() if kind == "tanh" else (a + b).relu()), c


@dataclass
class Nodes:
    """Every state of one direction, [layer][time]: h, c, and c as the next step alone is given it."""

    h: list[list[Tensor]] = field(default_factory=list)
    c: list[list[Tensor]] = field(default_factory=list)
    kept: list[list[Tensor]] = field(default_factory=list)


def unrolled(case: Case, numbers: dict[str, Tensor], time: int) -> tuple[Tensor, list[list[Tensor]], list[Nodes]]:
    """The written equations in float64: output [time, direction * state], last states [layer * direction][h, c], and all nodes."""
    module = case.module
    many, depth = (2 if getattr(module, "bidirectional", False) else 1), getattr(module, "num_layers", 1)
    widths = [getattr(module, "proj_size", 0) or module.hidden_size, module.hidden_size]
    parts = [torch.zeros(depth * many, width) for width in widths] if case.state is None else [part[:, case.index] for part in case.state]
    parts = [part.double() for part in (parts if len(parts) > 1 else [*parts, torch.zeros(depth * many, 1)])]
    states = [[parts[0][row].requires_grad_(), parts[1][row].requires_grad_()] for row in range(depth * many)]
    nodes = [Nodes([[] for _ in range(depth)], [[] for _ in range(depth)], [[] for _ in range(depth)]) for _ in range(many)]
    outputs = []
    for start, end in pairwise([0, *case.cuts, time]):
        inner = list(case.x[start:end, case.index].double())
        for layer in range(depth):
            outs: list[list[Tensor]] = []
            for way in range(many):
                suffix = "" if isinstance(module, nn.RNNCellBase) else f"_l{layer}" + ("_reverse" if way else "")
                w = {name[: len(name) - len(suffix)]: v for name, v in numbers.items() if name.endswith(suffix)}
                held: list[tuple[Tensor, Tensor, Tensor]] = []
                h, kept = states[layer * many + way]
                for x in reversed(inner) if way else inner:
                    h, c = step(case.kind, w, x, h, kept)
                    kept = c.clone()
                    held.append((h, c, kept))
                states[layer * many + way] = [h, kept]
                held = held[::-1] if way else held
                for kind, values in zip((nodes[way].h, nodes[way].c, nodes[way].kept), zip(*held, strict=True), strict=True):
                    kind[layer] += values
                outs.append([states_of_step[0] for states_of_step in held])
            inner = [torch.cat(outputs_of_step) for outputs_of_step in zip(*outs, strict=True)]
        outputs += inner
    return torch.stack(outputs), states, nodes


def row_of(case: Case, outputs: list, last, time: int) -> tuple[Tensor, list[Tensor]]:
    """Output [time, direction * state] and last states, each [layer * direction, state], of the chosen row, with their graphs."""
    is_cell, rows = isinstance(case.module, nn.RNNCellBase), []
    for output in outputs:
        if isinstance(output, PackedSequence):
            rows.append(pad_packed_sequence(output)[0][:time, case.index])
        elif is_cell:
            rows.append((output[case.index] if case.batched else output)[None])
        else:
            rows.append(output if not case.batched else output[case.index] if case.module.batch_first else output[:, case.index])
    states = list(last) if isinstance(last, tuple) else [last]
    if is_cell:
        return torch.cat(rows), [(part[case.index] if case.batched else part)[None] for part in states]
    return torch.cat(rows), [part[:, case.index] if case.batched else part for part in states]


def weights_of_losses(data, time: int, width: int) -> Tensor:
    """How much each loss makes of each output, [loss, time, width]: one step alone, every step, none."""
    read = torch.zeros(LOSSES, time, width, dtype=torch.float64)
    read[0, data.draw(st.integers(0, time - 1))] = torch.randn(width, dtype=torch.float64)
    read[1] = torch.randn(time, width, dtype=torch.float64)
    return shared(read)


def shared(numbers: Tensor) -> Tensor:
    """The nearest numbers that float32 holds too: where terms cancel, rounding on one side only would pass for an error."""
    return numbers.float().double()


def losses(read: Tensor, output: Tensor, states: list[Tensor], ends: list[Tensor]) -> Tensor:
    """[loss]: what `read` makes of the output; the last loss reads the last states, as `ends` say."""
    values = torch.einsum("ktw,tw->k", read.to(output.dtype), output)
    final = sum((state * end.to(state.dtype)).sum() for state, end in zip(states, ends, strict=True))
    return torch.cat([values[:-1], (values[-1] + final)[None]])


def norms(grads: list[Tensor | None]) -> np.ndarray:
    """[node]: size of each gradient."""
    return np.array([0.0 if grad is None else float(grad.norm()) for grad in grads])


def compare(measured: np.ndarray, expected: np.ndarray, dtype: str) -> None:
    """log10 norms [time, layer] against norms [time, layer], where these lie in the range of the precision."""
    low, high = RANGE[dtype]
    with np.errstate(divide="ignore"):
        logarithms = np.log10(expected)
    inside = (logarithms > low) & (logarithms < high)
    error = np.abs(np.expm1((measured[inside] - logarithms[inside]) * np.log(10)))
    if error.size:
        worst[dtype] = max(worst.get(dtype, 0.0), float(error.max()))
        assert error.max() <= LIMITS[dtype], f"{error.max():.1e} from autograd (limit {LIMITS[dtype]:.1e})"
    assert (measured[logarithms == -np.inf] == -np.inf).all(), "something flows where autograd says that nothing does"


@pytest.mark.parametrize(("kind", "direction", "style", "dtype"), EXACT, ids=lambda part: str(part).replace(" ", "-"))
@settings(max_examples=2, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=(Phase.generate,))
@given(data=st.data())
def test_gradients_are_those_of_the_equations(kind: str, direction: str, style: str, dtype: str, data):
    case = data.draw(cases(kind, direction, style, dtype, longest=30))
    case.module.requires_grad_(data.draw(st.booleans()))
    with explorer.record(case.module, gradients=True) as recording:
        outputs, last = call(case)
    time = case.lengths[case.index] if case.lengths else len(case.x)
    output, states = row_of(case, outputs, last, time)
    read, ends = weights_of_losses(data, time, output.shape[1]), [shared(torch.randn(state.shape, dtype=torch.float64)) for state in states]
    own = losses(read, output, states, ends)

    numbers = {name: values.detach().double() for name, values in case.module.state_dict().items()}
    output, finals, nodes = unrolled(case, numbers, time)
    stacked = [torch.stack([state[part] for state in finals]) for part in range(len(states))]
    expected = losses(read, output, stacked, ends)
    for way, path in enumerate(recording.paths):
        if way and case.cuts:
            continue  # a recording refuses it, with a sentence
        flows = explorer.gradient_flows(recording, own, "x" * time, path, case.index)
        flat = [node for kind in (nodes[way].h, nodes[way].c, nodes[way].kept) for layer in kind for node in layer]
        for flow, loss in zip(flows, expected, strict=True):
            grads = torch.autograd.grad(loss, flat, retain_graph=True, allow_unused=True)
            h, c, kept = norms(list(grads)).reshape(3, -1, time).swapaxes(1, 2)
            compare(flow.hidden_log10, h, dtype)
            compare(flow.state_log10, np.hypot(h, kept) if case.kind == "lstm" else h, dtype)
            if flow.cell_log10 is not None:
                compare(flow.cell_log10, c, dtype)
    counts[kind, direction, style, dtype] += 1


def test_every_cell_of_the_table_was_hit(capsys, request):
    if left_out(request, EXACT):
        pytest.skip("counts the examples of this file: run all of it")
    with capsys.disabled():
        apart = ", ".join(f"{dtype} {error:.1e}" for dtype, error in worst.items())
        print(f"\n{sum(counts.values())} random networks, {LOSSES} losses each, against autograd; worst relative error: {apart}")
    assert set(counts) == set(EXACT)
