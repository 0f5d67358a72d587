"""Steps of published cells, registered by the names of their classes: minGRU, minLSTM, sLSTM, LRU, Mamba and the peephole LSTM.

Nothing is imported of the packages that have these classes. Each step is the equation of the paper with the weights of the class:
W takes the input, U the hidden state, h is the hidden state and c the cell before the step.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear, silu, softplus

from explorer.steps import Layout, step

State = tuple[Tensor, ...]


def _width(module: Any, count: int) -> int:
    return module.to_hidden_and_gate.out_features // 2 if count == 2 else module.to_hidden_and_f_i_gate.out_features // 3


def _positive(a: Tensor) -> Tensor:
    """The candidate of minGRU and minLSTM: a + 0.5 where a >= 0, else sigmoid(a)."""
    return torch.where(a >= 0, a + 0.5, torch.sigmoid(a))


def _shown(module: Any, h: Tensor) -> Tensor:
    weight = getattr(module.to_out, "weight", None)
    return h if weight is None else linear(h, weight)


@step("minGRU_pytorch.minGRU.minGRU", reads="batch time", initial=lambda module, x: x.new_zeros(len(x), _width(module, 2)))
def min_gru(module: Any, x: Tensor, h: Tensor) -> tuple:
    """h = (1 - z) h + z n, from x [batch, feature] and h [batch, unit]; its update gate is recorded as torch writes it: 1 keeps.

    Source: Feng et al., "Were RNNs All We Needed?", 2024, the form of its appendix B with positive states.
    """
    a, z = linear(x, module.to_hidden_and_gate.weight).chunk(2, -1)
    new, keep = _positive(a), torch.sigmoid(-z)
    h = torch.lerp(new, h, keep)
    return h, {"update": keep, "candidate state": new}, _shown(module, h)


@step("minGRU_pytorch.minLSTM.minLSTM", reads="batch time", initial=lambda module, x: x.new_zeros(len(x), _width(module, 3)))
def min_lstm(module: Any, x: Tensor, h: Tensor) -> tuple:
    """h = f' h + i' n with f' = f / (f + i) and i' = i / (f + i), from x [batch, feature] and h [batch, unit].

    Source: Feng et al., "Were RNNs All We Needed?", 2024.
    """
    a, f, i = linear(x, module.to_hidden_and_f_i_gate.weight).chunk(3, -1)
    forget = torch.sigmoid(softplus(-i) - softplus(-f))  # f / (f + i), from the logarithms of both
    new = _positive(a)
    h = torch.lerp(new, h, forget)
    return h, {"forget": forget, "input": 1 - forget, "candidate state": new}, _shown(module, h)


def _slstm_given(module: Any, given: list) -> tuple[Tensor, State | None]:
    if module.config.function != "slstm":
        raise ValueError(f"a cell of kind {module.config.function!r}; its step is that of 'slstm'")
    x = given[0] if module.config.input_shape == "BSGNH" else given[0].swapaxes(0, 1)
    return x, given[1].unbind(0) if len(given) > 1 and given[1] is not None else None


def _slstm_returned(module: Any, result: tuple[Tensor, Tensor]) -> tuple[Tensor, State]:
    output, state = result
    order = {"BNSH": (0, 2, 1, 3), "SBNH": (1, 0, 2, 3), "SBH": (1, 0, 2), "BSH": (0, 1, 2)}[module.config.output_shape]
    return output.permute(order).flatten(2), state.unbind(0)


@step(
    "xlstm.blocks.slstm.cell.sLSTMCell_vanilla",
    states=("hidden", "cell", "normaliser", "stabiliser"),
    reads=Layout(_slstm_given, _slstm_returned),
)
def slstm(module: Any, x: Tensor, state: State) -> tuple:
    """h = o c / n with c = f' c + i' tanh(z) and n = f' n + i', from x [batch, gate * unit] and four states [batch, unit].

    Input and forget gate are those that the stabiliser m leaves: i' = exp(i - m), f' = exp(log f + m_before - m), both at most 1.

    Source: Beck et al., "xLSTM: Extended Long Short-Term Memory", 2024.
    """
    h, c, n, m = state
    heads, width = module.config.num_heads, module.config.head_dim
    back = torch.einsum("bnd,nrd->bnr", h.unflatten(1, (heads, width)), module._recurrent_kernel).unflatten(2, (4, width))
    i, f, z, o = (x + back.transpose(1, 2).flatten(1) + module._bias).chunk(4, -1)
    kept = m - softplus(-f)
    m = torch.where(n == 0, i, torch.maximum(i, kept))
    one = torch.ones_like(m)
    i, f = torch.minimum(torch.exp(i - m), one), torch.minimum(torch.exp(kept - m), one)  # as the class has it, slopes included
    z, o = torch.tanh(z), torch.sigmoid(o)
    c, n = f * c + i * z, f * n + i
    return (o * c / n, c, n, m), {"input": i, "forget": f, "candidate": z, "output": o}


def lru_eigenvalues(module: Any) -> Tensor:
    """The numbers with which an LRU multiplies its state at every step, complex [unit]: what it remembers is in these alone."""
    return torch.polar(torch.exp(-torch.exp(module.nu_log)), torch.exp(module.theta_log))


def _lru_given(module: Any, given: list) -> tuple[Tensor, None]:
    if len(given) > 1 and given[1] is not None:
        raise ValueError("an initial state, which its class uses for the first sequence of a batch alone")
    return (given[0] if given[0].ndim == 3 else given[0].unsqueeze(0)), None


@step(
    "LRU_pytorch.LRU.LRU",
    reads=Layout(_lru_given, lambda module, result: (result if result.ndim == 3 else result.unsqueeze(0), None)),
    initial=lambda module, x: torch.zeros(len(x), len(module.nu_log), dtype=module.B.dtype),
)
def lru(module: Any, x: Tensor, h: Tensor) -> tuple:
    """h = lambda h + gamma B x, complex, from x [batch, feature] and h [batch, unit]; its forget gate is |lambda|, the same at every step.

    The eigenvalue lambda itself, complex, is a part of its own.

    Source: Orvieto et al., "Resurrecting Recurrent Neural Networks for Long Sequences", 2023.
    """
    eigenvalues = lru_eigenvalues(module)
    h = eigenvalues * h + torch.exp(module.gamma_log) * linear(x.to(module.B.dtype), module.B)
    shown = linear(h, module.C).real + linear(x, module.D)
    return h, {"forget": eigenvalues.abs().expand(h.shape), "eigenvalue": eigenvalues.expand(h.shape)}, shown


def linear_memory(eigenvalues: Tensor | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Memory time in steps and frequency in turns per step of each unit of a linear recurrence, from the weights alone.

    Args:
        eigenvalues: What each unit's state is multiplied with at every step, complex [unit].

    Returns:
        -1 / log|eigenvalue|, the steps after which 1/e is left, and angle / 2 pi, -0.5..0.5; float64, [unit] each.
    """
    values = np.asarray(eigenvalues.detach().cpu() if isinstance(eigenvalues, Tensor) else eigenvalues).astype(np.complex128)
    with np.errstate(divide="ignore"):
        return -1 / np.log(np.abs(values)), np.angle(values) / (2 * np.pi)


def _mamba_first(module: Any, x: Tensor) -> State:
    inner, config = module.config.d_inner, module.config
    return x.new_zeros(len(x), inner * config.d_state), x.new_zeros(len(x), inner * (config.d_conv - 1))


@step("mambapy.mamba.MambaBlock", states=("hidden", "window"), reads="batch time", initial=_mamba_first)
def mamba(module: Any, x: Tensor, state: State) -> tuple:
    """h = exp(delta A) h + delta B u for every channel, u being x [batch, feature] behind a short convolution.

    The hidden state is that of all channels side by side, [batch, channel * number]; the forget gate exp(delta A) is what each
    number keeps. The window holds what the convolution has read.

    Source: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", 2023.
    """
    h, window = state
    shape, rank = (module.config.d_inner, module.config.d_state), module.config.dt_rank
    own, z = linear(x, module.in_proj.weight, module.in_proj.bias).chunk(2, -1)
    read = torch.cat([window.unflatten(1, (shape[0], -1)), own.unsqueeze(2)], 2)
    u = (read * module.conv1d.weight[:, 0]).sum(2)
    u = silu(u if module.conv1d.bias is None else u + module.conv1d.bias)
    parts = linear(u, module.x_proj.weight).split([rank, shape[1], shape[1]], -1)
    delta, B, C = module._apply_layernorms(*parts)
    delta = softplus(linear(delta, module.dt_proj.weight, module.dt_proj.bias))
    keep = torch.exp(delta.unsqueeze(2) * -torch.exp(module.A_log))
    h = (keep * h.unflatten(1, shape) + (delta * u).unsqueeze(2) * B.unsqueeze(1)).flatten(1)
    y = (h.unflatten(1, shape) * C.unsqueeze(1)).sum(2) + module.D * u
    shown = linear(y * silu(z), module.out_proj.weight, module.out_proj.bias)
    return (h, read[:, :, 1:].flatten(1)), {"forget": keep.flatten(1), "delta": delta, "B": B, "C": C}, shown


@step("torchrecurrent.cells.peepholelstm_cell.PeepholeLSTMCell", states=("hidden", "cell"))
def peephole_lstm(module: Any, x: Tensor, state: State) -> tuple:
    """An LSTM whose gates also see the cell, from x [batch, feature], h and c [batch, unit].

    Source: Gers, Schraudolph and Schmidhuber, "Learning Precise Timing with LSTM Recurrent Networks", 2002.
    """
    h, c = state
    i, f, g, o = (linear(x, module.weight_ih, module.bias_ih) + linear(h, module.weight_hh, module.bias_hh)).chunk(4, -1)
    pi, pf, po = module.weight_ph.chunk(3)
    i, f, g = module.gate_act(i + pi * c), module.gate_act(f + pf * c), module.act(g)
    c = f * c + i * g
    o = module.gate_act(o + po * c)
    return (o * module.act(c), c), {"input": i, "forget": f, "candidate": g, "output": o}
