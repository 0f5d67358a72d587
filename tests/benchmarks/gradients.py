"""What gradients through time cost, as ratios taken side by side in one run: python -m tests.benchmarks.gradients

One call of a network of 256 units over 1,000 steps, the loss at the last step, two threads. Measured is everything from
the call to the record: record + call + loss + gradient_flow. The call is torch's own: the share of the time that it takes, and what
the ratio would be if nothing else took any time, stand beside each ratio.
"""

import torch
from torch import Tensor, nn

import explorer
from tests.benchmarks.measure import alone_in_a_process, grown, interleaved, medians, row

UNITS, TIME, LONG, ROUNDS, THREADS = 256, 1_000, 10_000, 7, 2
LIMIT = 4.0  # times faster than autograd; only where the fused call alone takes too long for that, REACHABLE of what it leaves possible
REACHABLE = 0.7
FAMILIES = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def flow(module: nn.Module, x: Tensor) -> explorer.GradientFlow:
    """Record, call, loss, gradients."""
    with explorer.record(module, gradients=True) as recording:
        out, _ = module(x)
    return explorer.gradient_flow(recording, out[-1].square().sum(), ("x",) * len(x))


def both_ways(module: nn.Module, x: Tensor) -> None:
    """One fused call and loss.backward() to its weights."""
    module.zero_grad()
    module(x)[0][-1].square().sum().backward()


def unrolled(module: nn.Module, x: Tensor) -> list[tuple[float, ...]]:
    """The same norms by autograd: the equations step by step, `retain_grad` at every state. Only what is asked of it needs
    gradients: with weights that are in training it takes longer."""
    w = {name.removesuffix("_l0"): values for name, values in module.named_parameters()}
    own = torch.addmm(w["bias_ih"], x, w["weight_ih"].T)  # the input's part of all gates in one product
    h, c = (torch.zeros(1, UNITS, requires_grad=True) for _ in range(2))
    states = []
    for a in own.split(1):
        b = torch.addmm(w["bias_hh"], h, w["weight_hh"].T)
        if isinstance(module, nn.LSTM):
            i, f, g, o = (a + b).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            c.retain_grad()
            h = o.sigmoid() * c.tanh()
        elif isinstance(module, nn.GRU):
            (ar, az, an), (br, bz, bn) = a.chunk(3, 1), b.chunk(3, 1)
            h = torch.lerp((an + (ar + br).sigmoid() * bn).tanh(), h, (az + bz).sigmoid())
        else:
            h = (a + b).tanh()
        h.retain_grad()
        states.append((h, c) if isinstance(module, nn.LSTM) else (h,))
    h.square().sum().backward()
    return [tuple(float(part.grad.norm()) for part in state if part.grad is not None) for state in states]


def call(module: nn.Module, x: Tensor) -> Tensor:
    """The call alone, with its graph where weights are in training."""
    return module(x)[0]


def network(name: str, training: bool) -> nn.Module:
    """The network that is measured."""
    torch.manual_seed(0)
    return FAMILIES[name](UNITS, UNITS).eval().requires_grad_(training)


def peak(name: str, gradients: bool, out) -> None:
    """Put on the queue: highest memory of a call, with gradients or without, above what was there, over the size of the trace."""
    torch.set_num_threads(1)
    module, x = network(name, False), torch.randn(LONG, UNITS)
    work = (lambda x: flow(module, x)) if gradients else module
    work(x[:100])
    most, _ = grown(lambda: work(x))
    arrays = {"lstm": 6, "gru": 4}[name]  # hidden, cell, and every gate
    out.put(most / (arrays * x.nbytes))


def memory(name: str) -> float:
    """How much more memory gradients take than the call alone, over the size of the trace."""
    with_gradients, without = (alone_in_a_process(peak, name, gradients) for gradients in (True, False))
    return with_gradients - without


def run(rounds: int = ROUNDS) -> list[dict]:
    """Every ratio with its limit."""
    torch.set_num_threads(THREADS)
    x, rows = torch.randn(TIME, UNITS), []
    for name in FAMILIES:
        frozen, training = network(name, False), network(name, True)
        for words, module in (("frozen", frozen), ("in training", training)):
            own, autograd, alone = (lambda: flow(module, x), lambda: unrolled(module, x), lambda: call(module, x))  # noqa: B023
            slower, share = medians([autograd, alone], own, rounds)
            best = slower / share
            limit = LIMIT if best >= LIMIT else round(REACHABLE * best, 1)
            rows.append(row(f"{name}, {words}: autograd with retain_grad / record + call + gradient_flow", slower, limit, False))
            about = f"{name}, {words}: share of the fused call; the ratio if nothing else took time"
            rows.append({"name": about, "measured": f"{share:.2f}; {best:.1f}"})
        ratio = interleaved(lambda: flow(training, x), lambda: both_ways(training, x), rounds)  # noqa: B023
        rows.append(row(f"{name}: record + call + gradient_flow / one fused call and backward", ratio, 3.3))
    for name in ("lstm", "gru"):
        rows.append(row(f"{name}: memory beyond that of the call / trace, T=10,000", memory(name), 2.0))
    return rows


if __name__ == "__main__":
    import sys

    from tests.benchmarks.sessions import show

    show(run(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
