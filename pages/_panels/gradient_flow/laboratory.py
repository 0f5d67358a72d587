"""The laboratory: one vanilla layer made to order, its gradient, and everything that bounds it."""

import streamlit as st

from explorer.analysis.laboratory import STARTS, Run, Setup, activation, run
from explorer.figures import laboratory as figures
from explorer.figures.flow import Curve
from pages._shared.flows import View
from pages._shared.memory import shared_cache
from pages._shared.show import draw, is_dark, save

KEY = "gradient_flow.laboratory"
ACTIVATIONS = ("tanh", "sigmoid", "relu", "leaky relu", "elu")
# What a visitor should see: (sigma, start, activation).
PRESETS = {
    "σ above 1, and it vanishes": (3.0, "gaussian", "tanh"),
    "it explodes": (2.0, "orthogonal", "tanh"),
    "identity and ReLU": (1.0, "identity", "relu"),
    "must vanish": (0.9, "orthogonal", "tanh"),
}
READ = """Three numbers that are often given one name. **σ**, the largest singular value of W, times **γ**, the largest slope of the
activation, bounds each step: nothing can lie in the shaded region. Below 1 the gradient *must* vanish; above 1 *nothing follows*.
**The spectral radius** tells the fate of a linear network, and only of that. **The measured factor** is what happened. The dotted
bound uses the slopes that really occurred: the gap between it and the shaded region is saturation. It holds for one layer of a
plain RNN; for several layers, an LSTM or a GRU no such line can be drawn from W alone. Pascanu, Mikolov and Bengio, 2013."""


def panel(view: View, drawn: list[Curve]) -> None:
    """Sliders, curves with bounds, eigenvalues, activation."""
    st.markdown("**The laboratory**: a plain RNN made to order reads noise; its gradient, and what bounds it")
    with st.container(horizontal=True):
        for name, values in PRESETS.items():
            st.button(name, key=f"{KEY}.preset.{name}", on_click=_preset, args=(values,))
    setup = _setup()
    found: Run = shared_cache("laboratory", 16).get(setup, lambda: run(setup))
    phi = activation(setup.name, setup.alpha)
    fate = "grows" if found.factor > 1 else "vanishes"
    st.markdown(
        f"σ = **{setup.sigma:.2f}**, γ = **{phi.gamma:g}**, radius = **{found.radius:.2f}**, "
        f"measured factor = **{found.factor:.3f}** a step: it {fate if found.factor == found.factor else 'dies at once'}."
    )
    left, middle, right = st.columns([11, 6, 6], gap="medium")
    with left, st.container(key=f"{KEY}.frame"):
        figure = figures.bounds(found, is_dark())
        draw(figure, f"{KEY}.bounds")
        save(figure, f"{KEY}.bounds", "laboratory", figures.table(found))
    with middle:
        draw(figures.eigenvalues(found, is_dark()), f"{KEY}.eigenvalues")
    with right:
        draw(figures.slopes(phi, found, is_dark()), f"{KEY}.slopes")
    st.caption(READ)


def _setup() -> Setup:
    first, second = st.columns(4), st.columns(4)
    sigma = first[0].slider("σ, largest singular value of W", 0.1, 5.0, 3.0, 0.1, key=f"{KEY}.sigma", bind="query-params")
    start = first[1].selectbox("W is drawn", STARTS, key=f"{KEY}.start", bind="query-params")
    name = first[2].selectbox("Activation", ACTIVATIONS, key=f"{KEY}.activation", bind="query-params")
    slope = second[0].slider("α of leaky ReLU and ELU", 0.0, 1.0, 0.1, 0.05, key=f"{KEY}.alpha", bind="query-params")
    units = second[1].slider("Units", 2, 64, 64, 2, key=f"{KEY}.units", bind="query-params")
    steps = second[2].slider("Steps", 20, 200, 100, 20, key=f"{KEY}.steps", bind="query-params")
    noise = second[3].slider("Size of the input", 0.0, 2.0, 0.5, 0.1, key=f"{KEY}.noise", bind="query-params")
    return Setup(units, steps, start, sigma, name, slope, noise)


def _preset(values: tuple[float, str, str]) -> None:
    for name, value in zip(("sigma", "start", "activation"), values, strict=True):
        st.session_state[f"{KEY}.{name}"] = value
