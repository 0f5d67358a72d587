"""Panel "Laboratory": one recurrent layer with chosen weights, its gradient, and the bounds of that gradient."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from explorer.figures import jacobian_lab as figures
from explorer.figures.gradient_decay import Curve
from explorer.textbook.activations import ACTIVATIONS
from explorer.textbook.jacobian_lab import KINDS, STARTS, Run, Setup, run, size_of, weights
from pages._gradient_flow.compute import View
from pages._gradient_flow.state import TITLES
from pages._ui.cache import shared_cache
from pages._ui.glossary import terms
from pages._ui.layout import folding, select, select_named
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save
from pages._ui.text import how_to_read

KEY = "gradient_flow.laboratory"
TERMS = (
    "RNN", "LSTM", "GRU", "unit", "weight", "forget gate",
    "singular value", "spectral radius", "eigenvalue", "Jacobian", "norm", "activation function", "initial weights", "forget bias",
    "vanishing gradient", "exploding gradient",
)  # fmt: skip
SET = {"σ of W": "sigma", "radius of W": "radius"}
SETS = {"σ of W": "σ of W", "radius of W": "ρ of W"}  # in links -> on screen
HAS_ALPHA = ("leaky relu", "elu")
LSTM = Setup(kind="lstm", size=0.6, by="radius")  # as PyTorch initialises it: uniform within 1/sqrt(units)
# Examples, by what they show.
PRESETS = {
    "σ above 1, and it vanishes": Setup(),
    "it explodes": Setup(size=2.0, start="orthogonal"),
    "identity and ReLU": Setup(size=1.0, start="identity", name="relu"),
    "must vanish": Setup(size=0.9, start="orthogonal"),
    "LSTM, forget bias 0": LSTM,
    "LSTM, forget bias 2": replace(LSTM, forget_bias=2.0),
}
READ = """
Three numbers are often confused:

- **σ · γ**, the largest singular value of W times γ, the largest slope of the activation, bounds each step: no gradient can lie
  in the shaded region. If the product is below 1, the gradient *must* vanish. If it is above 1, *nothing follows*.
- The **spectral radius** ρ decides the long run of a linear network, and of no other.
- The **measured factor** per step is what happened here.

The dotted bound uses the slopes and gates that occurred; its distance from the shaded region is the effect of saturation.

The shaded region exists for one layer of a plain RNN only. For several layers, an LSTM or a GRU, no such bound follows from W
alone, and maxout has no γ: there, a step is bounded by the weights that were selected. The gradient of an LSTM is the one with
respect to h and c together, and each of its gates has its own W of the chosen size.

Sources: Pascanu, Mikolov and Bengio, 2013; identity and ReLU: Le, Jaitly and Hinton, 2015; forget bias: Gers et al., 2000;
maxout: Goodfellow et al., 2013.
"""


def _slopes(setup: Setup, ran: Run, dark: bool) -> Any:
    """The figure of the activation, by the name of which the setup can be compared."""
    return figures.slopes(setup.phi, ran, dark)


def panel(view: View, curves: list[Curve]) -> None:
    """Sliders, the gradient with its bounds, eigenvalues, activation."""
    st.markdown("**The laboratory**: configure a layer, feed it noise, and compare its gradient with the theoretical bounds")
    with st.container(horizontal=True):
        for name, setup in PRESETS.items():
            st.button(name, key=f"{KEY}.preset.{name}", on_click=_set, args=(setup,))
    setup = _setup()
    ran: Run = shared_cache("laboratory", 16).get(setup, lambda: run(setup))
    st.markdown(sentence(setup, ran))
    left, middle, right = st.columns([11, 6, 6], gap="medium")
    with left, st.container(key=f"{KEY}.frame"):
        dark = is_dark()
        drawn = [made(figures.bounds, ran, dark), made(figures.eigenvalues, ran, dark), made(_slopes, setup, ran, dark)]
        draw(drawn[0], f"{KEY}.bounds", stretch=True)
        save(drawn, f"{KEY}.bounds", "laboratory", partial(figures.table, ran))
    with middle:
        draw(drawn[1], f"{KEY}.eigenvalues")
    with right:
        draw(drawn[2], f"{KEY}.slopes")
    terms(*TERMS)
    how_to_read(READ)


def sentence(setup: Setup, ran: Run) -> str:
    """The three numbers, and what happens to the gradient."""
    gamma = f"γ = **{setup.phi.gamma:g}**, " if ran.loose is not None else ""
    sizes = f"σ = **{ran.sigma:.2f}**, {gamma}spectral radius ρ = **{ran.radius:.2f}**."
    if not np.isfinite(ran.factor):
        left = int(np.isfinite(ran.gradient).sum())  # at so many distances something arrives; the first distance is the loss itself
        where = "One step back" if left == 1 else f"**{left}** steps back"
        return f"{sizes} {where}, the gradient is exactly zero."
    outcome = "grows" if ran.factor > 1 + 1e-9 else "keeps its size" if ran.factor > 1 - 1e-9 else "vanishes"
    return f"{sizes} Measured factor per step = **{ran.factor:.3f}**: the gradient {outcome}."


def _setup() -> Setup:
    plain = Setup()
    with folding("gradient_flow-laboratory"):
        kind = _choice("Kind", [TITLES[kind] for kind in KINDS], "kind", 95)
        start = _choice("Initial W", STARTS, "start", 125)
        by = select_named("Set", SETS, f"{KEY}.by", 100, label_visibility="visible", on_change=_keep)
        size = st.slider(SETS[by], 0.1, 5.0, plain.size, 0.05, key=f"{KEY}.size", bind="query-params", width=200)
        name, alpha, bias = plain.name, plain.alpha, 0.0
        if kind == "RNN":
            name = _choice("Activation", ACTIVATIONS, "activation", 125)
            if name in HAS_ALPHA:
                label = "Slope below 0" if name == "leaky relu" else "Depth below 0"
                alpha = st.slider(label, 0.0, 1.0, plain.alpha, 0.05, key=f"{KEY}.alpha", bind="query-params", width=120)
        if kind == "LSTM":
            bias = st.slider("Forget bias", -2.0, 4.0, 0.0, 0.25, key=f"{KEY}.bias", bind="query-params", width=180)
        units = st.slider("Units", 2, 64, plain.units, 2, key=f"{KEY}.units", bind="query-params", width=110)
        steps = st.slider("Steps", 20, 200, plain.steps, 20, key=f"{KEY}.steps", bind="query-params", width=110)
        noise = st.slider("Input noise", 0.0, 2.0, plain.noise, 0.1, key=f"{KEY}.noise", bind="query-params", width=110)
    return Setup(units, steps, start, size, name, alpha, noise, kind.lower(), SET[by], bias)


def _choice(label: str, options: Sequence[str], name: str, width: int, **more: Any) -> str:
    return select(label, options, f"{KEY}.{name}", width, label_visibility="visible", **more)


def _set(setup: Setup) -> None:
    """Set the sliders to a setup."""
    state = st.session_state
    state[f"{KEY}.kind"], state[f"{KEY}.by"] = TITLES[setup.kind], next(name for name, by in SET.items() if by == setup.by)
    for name in ("start", "size", "units", "steps", "noise"):
        state[f"{KEY}.{name}"] = getattr(setup, name)
    if setup.kind == "rnn":
        state[f"{KEY}.activation"] = setup.name
    if setup.kind == "lstm":
        state[f"{KEY}.bias"] = setup.forget_bias


def _keep() -> None:
    """Another size is set from now on: start from its present value, so that W does not change."""
    state = st.session_state
    by = SET[state[f"{KEY}.by"]]
    other = "sigma" if by == "radius" else "radius"
    W = weights(Setup(state[f"{KEY}.units"], start=state[f"{KEY}.start"], size=state[f"{KEY}.size"], by=other))[0]
    state[f"{KEY}.size"] = float(np.clip(round(size_of(W, by) / 0.05) * 0.05, 0.1, 5.0))
