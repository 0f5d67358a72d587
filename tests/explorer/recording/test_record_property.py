"""Every kind, direction, way of calling and precision against the written equations, unrolled in float64 right here."""

from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import explorer
from explorer.errors import RecordingError

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")

MODULES = ("tanh", "relu", "lstm", "lstm projected", "gru")
CELLS = ("tanh cell", "relu cell", "lstm cell", "gru cell")
DTYPES = {"float64": torch.float64, "float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
TABLE = [
    *product(MODULES, ("forward", "both"), ("once", "packed", "chunks", "steps"), DTYPES),
    *product(CELLS, ("forward",), ("steps",), DTYPES),
]
# Of the largest value. Records are float32; a half-precision network rounds at every step, so it leaves the exact path.
LIMITS = {"float64": 2e-7, "float32": 1e-5, "float16": 1e-2, "bfloat16": 8e-2}
EXAMPLES = 3
counts: Counter = Counter()


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def step(kind: str, w: dict, x: np.ndarray, h: np.ndarray, c: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None, dict]:
    """One step as it stands in torch's documentation."""
    a, b = w["weight_ih"] @ x + w.get("bias_ih", 0), w["weight_hh"] @ h + w.get("bias_hh", 0)
    if kind == "lstm":
        i, f, g, o = np.split(a + b, 4)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        shown = o * np.tanh(c)
        return w["weight_hr"] @ shown if "weight_hr" in w else shown, c, {"input": i, "forget": f, "candidate": g, "output": o}
    if kind == "gru":
        (ar, az, an), (br, bz, bn) = np.split(a, 3), np.split(b, 3)
        r, z = sigmoid(ar + br), sigmoid(az + bz)
        n = np.tanh(an + r * bn)
        return (1 - z) * n + z * h, None, {"reset": r, "update": z, "candidate": n}
    new = np.tanh(a + b) if kind == "tanh" else np.maximum(a + b, 0)
    return new, None, {"candidate": new} if kind == "tanh" else {}


@dataclass
class Witness:
    """What one direction should hold: lists over layers of [time, unit], filled chunk by chunk."""

    hidden: list = field(default_factory=list)
    cell: list = field(default_factory=list)
    gates: list = field(default_factory=list)


def unrolled(kind: str, w: dict, xs: np.ndarray, state: list, reverse: bool) -> dict[str, np.ndarray]:
    """One layer, one direction, one call: everything by name, [time, unit]; `state` is moved on in place."""
    held: list = [None] * len(xs)
    for t in reversed(range(len(xs))) if reverse else range(len(xs)):
        h, c, gates = step(kind, w, xs[t], *state)
        state[:] = [h, c]
        held[t] = {"hidden": h, **({} if c is None else {"cell": c}), **gates}
    return {name: np.stack([by_name[name] for by_name in held]) for name in held[0]}


def witness(module: nn.Module, kind: str, xs: np.ndarray, states: list, cuts: list[int]) -> list[dict[str, np.ndarray]]:
    """For each direction: everything by name, [time, layer, unit]. `states`: [h, c] for each layer * direction."""
    numbers = {name: values.detach().double().numpy() for name, values in module.state_dict().items()}
    if isinstance(module, nn.RNNCellBase):
        numbers = {name + "_l0": values for name, values in numbers.items()}
    many = 2 if getattr(module, "bidirectional", False) else 1
    pieces: list[list] = [[] for _ in range(many)]
    for start, end in pairwise([0, *cuts, len(xs)]):
        inner, stacks = xs[start:end], [[] for _ in range(many)]
        for layer in range(len(states) // many):
            outs = []
            for way in range(many):
                suffix = f"_l{layer}" + ("_reverse" if way else "")
                w = {name.removesuffix(suffix): values for name, values in numbers.items() if name.endswith(suffix)}
                stacks[way].append(unrolled(kind, w, inner, states[layer * many + way], bool(way)))
                outs.append(stacks[way][-1]["hidden"])
            inner = np.concatenate(outs, 1)
        for way in range(many):
            pieces[way].append({name: np.stack([held[name] for held in stacks[way]], 1) for name in stacks[way][0]})
    return [{name: np.concatenate([piece[name] for piece in pieces[way]]) for name in pieces[way][0]} for way in range(many)]


@dataclass
class Case:
    """One point of the space: a module, a batch, how it is called, and which row is read."""

    kind: str
    module: nn.Module
    x: torch.Tensor  # [time, batch, feature]
    state: list[torch.Tensor] | None  # each [layer * direction, batch, state]
    lengths: list[int] | None
    cuts: list[int]
    batched: bool
    index: int


@st.composite
def cases(draw, kind: str, direction: str, style: str, dtype: str, longest: int = 60) -> Case:
    small = st.integers
    torch.manual_seed(draw(small(0, 2**32 - 1)))
    time, layers, units, features = draw(small(1, longest)), draw(small(1, 3)), draw(small(1, 16)), draw(small(1, 8))
    batched, bias, name = draw(st.booleans()) or style == "packed", draw(st.booleans()), kind.split()[0]
    batch = draw(small(1, 4)) if batched else 1
    plain = {"nonlinearity": name} if name in ("tanh", "relu") else {}
    if kind.endswith("cell"):
        layers = 1
        module: nn.Module = {"lstm": nn.LSTMCell, "gru": nn.GRUCell}.get(name, nn.RNNCell)(features, units, bias=bias, **plain)
    else:
        more = {"proj_size": draw(small(1, units - 1))} if kind.endswith("projected") and units > 1 else {}
        family = {"lstm": nn.LSTM, "gru": nn.GRU}.get(name, nn.RNN)
        more |= plain | {"bias": bias, "batch_first": draw(st.booleans()), "bidirectional": direction == "both"}
        module = family(features, units, layers, **more)
    module = module.to(DTYPES[dtype])
    state = None
    if draw(st.booleans()):
        rows = layers * (2 if direction == "both" else 1)
        widths = [getattr(module, "proj_size", 0) or units, *([units] if name == "lstm" else [])]
        state = [torch.randn(rows, batch, width).to(DTYPES[dtype]) for width in widths]
    lengths = [draw(small(1, time)) for _ in range(batch)] if style == "packed" else None
    if lengths:
        lengths[draw(small(0, batch - 1))] = time
    cuts = {"steps": list(range(1, time)), "chunks": sorted(draw(st.sets(small(1, max(1, time - 1)), min_size=1))) if time > 1 else []}
    x = torch.randn(time, batch, features).to(DTYPES[dtype])
    return Case(
        name, module, x, state, lengths, cuts.get(style, []) if style != "chunks" else cuts["chunks"], batched, draw(small(0, batch - 1))
    )


def call(case: Case) -> tuple[list, tuple | torch.Tensor]:
    """Run the module as the case says: the output of every call, and the last state."""
    module, is_cell = case.module, isinstance(case.module, nn.RNNCellBase)
    state = None if case.state is None else [part if case.batched else part[:, 0] for part in case.state]
    if is_cell and state is not None:
        state = [part[0] for part in state]
    hx = None if state is None else tuple(state) if case.kind == "lstm" else state[0]
    outputs = []
    for start, end in pairwise([0, *case.cuts, len(case.x)]):
        x = case.x[start:end] if case.batched else case.x[start:end, 0]
        if is_cell:
            hx = module(x[0], hx)
            outputs.append(hx[0] if case.kind == "lstm" else hx)
            continue
        if module.batch_first and case.batched:
            x = x.transpose(0, 1)
        if case.lengths:
            x = pack_padded_sequence(x, torch.tensor(case.lengths), batch_first=module.batch_first, enforce_sorted=False)
        output, hx = module(x, hx)
        outputs.append(output)
    return outputs, hx


def first_states(case: Case) -> list[list]:
    """[h, c] of the chosen row for each layer * direction, in float64."""
    rows = (case.module.num_layers * (2 if case.module.bidirectional else 1)) if hasattr(case.module, "num_layers") else 1
    widths = [getattr(case.module, "proj_size", 0) or case.module.hidden_size, case.module.hidden_size]
    parts = [torch.zeros(rows, width) for width in widths] if case.state is None else [part[:, case.index] for part in case.state]
    numbers = [part.double().numpy() for part in parts]
    return [[numbers[0][row], numbers[1][row] if case.kind == "lstm" else None] for row in range(rows)]


def compare(trace: explorer.Trace, expected: dict[str, np.ndarray], limit: float) -> None:
    """Every array of a record against the witness."""
    recorded = {"hidden": trace.hidden, **({} if trace.cell is None else {"cell": trace.cell}), **trace.gates}
    assert set(recorded) == set(expected)
    for name, values in expected.items():
        assert recorded[name].dtype == np.float32
        assert recorded[name].shape == values.shape, name
        error = np.abs(recorded[name] - values).max() / max(1.0, np.abs(values).max())
        assert error <= limit, f"{name} is {error:.1e} from the equations (limit {limit:.1e})"


@pytest.mark.parametrize(("kind", "direction", "style", "dtype"), TABLE, ids=lambda part: str(part).replace(" ", "-"))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),  # shrinking a failing network takes minutes and tells little: its seed rebuilds it
)
@given(data=st.data())
def test_a_trace_is_what_the_equations_say(kind: str, direction: str, style: str, dtype: str, data):
    case = data.draw(cases(kind, direction, style, dtype))
    mode = data.draw(st.sampled_from((nullcontext, torch.no_grad, torch.inference_mode)))
    with mode(), explorer.record(case.module) as recording:
        call(case)
    time = case.lengths[case.index] if case.lengths else len(case.x)
    x = case.x[:time, case.index].double().numpy()
    before = first_states(case)
    initial = [[None if part is None else part.copy() for part in state] for state in before]
    expected = witness(case.module, case.kind, x, before, case.cuts)
    for way, path in enumerate(recording.paths):
        if way and case.cuts:
            with pytest.raises(RecordingError, match="reads each piece from its own end"):
                recording.trace("x" * time, path)
            continue
        trace = recording.trace("x" * time, path, case.index)
        compare(trace, expected[way], LIMITS[dtype])
        starts = initial[way :: len(recording.paths)]
        np.testing.assert_allclose(trace.initial_hidden, np.stack([h for h, _ in starts]), rtol=1e-6)
        if trace.initial_cell is not None:
            np.testing.assert_allclose(trace.initial_cell, np.stack([c for _, c in starts]), rtol=1e-6)
    counts[kind, direction, style, dtype] += 1


def left_out(request: pytest.FixtureRequest, table: list) -> bool:
    """Whether some cells of a table were not asked for in this run: a part of the file, or of its tests by name."""
    asked = [item for item in request.session.items if item.path == request.path and getattr(item, "callspec", None)]
    return len(asked) < len(table)


def test_every_cell_of_the_table_was_hit(capsys, request):
    if left_out(request, TABLE):
        pytest.skip("counts the examples of this file: run all of it")
    with capsys.disabled():
        print(f"\n{sum(counts.values())} random networks against the equations (float64, float32, float16, bfloat16):")
        for kind, direction, style in dict.fromkeys(cell[:3] for cell in TABLE):
            print(f"  {kind:15} {direction:8} {style:7}", *(f"{counts[kind, direction, style, dtype]:4}" for dtype in DTYPES))
    assert set(counts) == set(TABLE)
    assert sum(counts.values()) >= 500
