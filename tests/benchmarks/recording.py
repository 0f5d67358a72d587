"""What a recording costs, as ratios taken side by side in one run: python -m tests.benchmarks.recording

Numerator: record + call + trace() as numpy; denominator: the call alone; both under inference_mode on two threads.
"""

import sys
from itertools import product

import numpy as np
import torch
from torch import nn

import explorer
from tests.benchmarks.measure import alone_in_a_process, grown, interleaved, row

UNITS, TIME, THREADS = 512, 1_000, 2
LONG = {20_000: 7, 100_000: 3}  # steps of a long text, and how often it is read: the longest takes half a minute each time
LAYERS = {1: 1.3, 3: 1.8}  # layers, and how many times the call alone a trace may cost
FAMILIES = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}


def traced(module: nn.Module, x: torch.Tensor, layer: int | None = None) -> explorer.Trace:
    """Record, call, trace."""
    with torch.inference_mode(), explorer.record(module) as recording:
        module(x)
    return recording.trace(("x",) * len(x), layer=layer)


def alone(module: nn.Module, x: torch.Tensor) -> None:
    """The call alone."""
    with torch.inference_mode():
        module(x)


def stepped(cell: nn.LSTMCell, x: torch.Tensor) -> dict[str, np.ndarray]:
    """The same values by an explicit loop over the equations of an LSTMCell, as fast as one can write it: the input's
    part of all gates in one product, one product and six in-place operations a step, into arrays made beforehand."""
    with torch.inference_mode():
        units, steps = cell.hidden_size, len(x)
        rows = torch.addmm(cell.bias_ih + cell.bias_hh, x, cell.weight_ih.T)
        hidden, state = torch.empty(steps, units), torch.empty(steps, units)
        h, c = torch.zeros(units), torch.zeros(units)
        for row, h_next, c_next in zip(rows.unbind(), hidden.unbind(), state.unbind(), strict=True):
            row.addmv_(cell.weight_hh, h)
            i, f, g, o = row.chunk(4)
            row[: 2 * units].sigmoid_()
            g.tanh_()
            o.sigmoid_()
            torch.mul(f, c, out=c_next).addcmul_(i, g)
            torch.tanh(c_next, out=h_next).mul_(o)
            h, c = h_next, c_next
        gates = dict(zip(("input", "forget", "candidate", "output"), (part.contiguous().numpy() for part in rows.chunk(4, 1)), strict=True))
        return {"hidden": hidden.numpy(), "cell": state.numpy()} | gates


def celled(cell: nn.LSTMCell, x: torch.Tensor) -> dict[str, np.ndarray]:
    """The same values by a loop over nn.LSTMCell, which keeps its gates to itself: they follow in one product."""
    with torch.inference_mode():
        state, units = (torch.zeros(1, UNITS), torch.zeros(1, UNITS)), cell.hidden_size
        hidden, cells = torch.empty(len(x), units), torch.empty(len(x), units)
        for t, step in enumerate(x.split(1)):
            state = cell(step, state)
            hidden[t], cells[t] = state[0][0], state[1][0]
        before = torch.cat([torch.zeros(1, units), hidden[:-1]])
        rows = torch.addmm(cell.bias_ih + cell.bias_hh, x, cell.weight_ih.T).addmm_(before, cell.weight_hh.T)
        parts = {name: part.contiguous() for name, part in zip(("input", "forget", "candidate", "output"), rows.chunk(4, 1), strict=True)}
        gates = {name: (part.tanh_() if name == "candidate" else part.sigmoid_()).numpy() for name, part in parts.items()}
        return {"hidden": hidden.numpy(), "cell": cells.numpy()} | gates


def network(name: str, layers: int = 1) -> nn.RNNBase:
    """The network that is measured."""
    torch.manual_seed(0)
    return FAMILIES[name](UNITS, UNITS, layers).eval()


def cell_of(module: nn.RNNBase) -> nn.LSTMCell:
    """The first layer of an LSTM as an LSTMCell."""
    cell = nn.LSTMCell(UNITS, UNITS)
    cell.load_state_dict({name.removesuffix("_l0"): values for name, values in module.state_dict().items() if name.endswith("_l0")})
    return cell


def peak_over_record(layers: int, steps: int, out) -> None:
    """Put on the queue: highest memory while recording and tracing, above what was there, over the size of the record."""
    torch.set_num_threads(THREADS)
    module, x = network("LSTM", layers), torch.randn(steps, UNITS)
    alone(module, x[:100])
    traced(module, x[:100])
    most, trace = grown(lambda: traced(module, x))
    arrays = [trace.hidden, trace.cell, *trace.gates.values()]
    out.put(most / sum(a.nbytes for a in arrays if a is not None))


def against_loops(x: torch.Tensor) -> list[dict]:
    """Two loops that give the same values, beside one recording of the same text in the same run."""
    module, rows = network("LSTM"), []
    cell = cell_of(module)
    for words, loop, limit in (
        ("loop over the written equations, input products batched, all gates", stepped, 1.1),
        ("nn.LSTMCell loop, all gates", celled, 2.5),
    ):
        ratio = interleaved(lambda: loop(cell, x), lambda: traced(module, x))  # noqa: B023
        rows.append(row(f"{words} / record + call + trace", ratio, limit, False))
    return rows


def run(long: bool = True) -> list[dict]:
    """Every ratio with its limit; `long` adds texts of 20,000 and 100,000 steps, many minutes."""
    torch.set_num_threads(THREADS)
    x, rows, short = torch.randn(TIME, UNITS), [], {}  # of one layer, by name
    for name in FAMILIES:
        for layers, limit in LAYERS.items():
            module = network(name, layers)
            ratio = interleaved(lambda: traced(module, x), lambda: alone(module, x))  # noqa: B023
            short.setdefault(name, ratio)
            words = f"{name}, {layers} layer{'s' if layers > 1 else ''}, T=1,000, H=512"
            rows.append(row(f"{words}: record + call + trace / call", ratio, limit))
    rows += against_loops(x)
    rows.append(row("peak memory / record, 3 layers, T=10,000", alone_in_a_process(peak_over_record, 3, 10_000), 2.0))
    rows.append(row("peak memory / record, 1 layer, T=10,000", alone_in_a_process(peak_over_record, 1, 10_000), 2.0))
    for name, (steps, rounds) in product(FAMILIES, LONG.items() if long else ()):
        module, x = network(name), torch.randn(steps, UNITS)
        ratio = interleaved(lambda: traced(module, x), lambda: alone(module, x), rounds)  # noqa: B023
        rows.append(row(f"{name}, 1 layer, T={steps:,}: record + call + trace / call", ratio, 1.4))
        rows.append(row(f"{name}, 1 layer, T={steps:,}: that over the same at T=1,000", ratio / short[name], 1.5))
    return rows


if __name__ == "__main__":
    from tests.benchmarks.sessions import show

    show(run(long="--short" not in sys.argv))
