"""The backward pass of the example "hello": the gradient at every step, and each weight's gradient as a sum over the steps."""

import numpy as np
import pandas as pd
import streamlit as st

from explorer.figures import equations
from explorer.figures.diagram import short
from explorer.textbook.bptt import Gradients, Network
from explorer.textbook.hello import backward
from pages._one_step.state import BACKWARD
from pages._ui.layout import select_named
from pages._ui.text import grid

KEY = "one_step.backward"
LOSSES = {"all": "loss of all four letters", "last": "loss of the last letter alone"}
WEIGHTS = {"W": "W_hh", "U": "W_xh", "V": "W_hy", "c": "b"}
LATEX = {"W": "W_{hh}", "U": "W_{xh}", "V": "W_{hy}", "c": "b"}
WHAT_VANISHES = (
    "**The weights are the same at every step, so what vanishes?** The gradient of a weight is a sum with one term for each step at which "
    "the weight is used. In a long text, the gradient of the whole weight does not vanish: the terms of the early steps do, so the weight "
    "learns from the recent steps alone."
)


def chosen(network: Network) -> Gradients | None:
    """The gradients of the loss that the visitor chose; None if the backward pass is hidden."""
    if not st.session_state[BACKWARD]:
        return None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("The bottom row is the gradient of the", width="content")
        return backward(network, select_named("Loss", LOSSES, f"{KEY}.loss", 250) == "last")


def sums(gradients: Gradients) -> None:
    """The gradient of each weight, step by step: its matrices for one weight, and the size of each term for all."""
    st.markdown(WHAT_VANISHES)
    st.markdown(sentence(gradients))
    name = select_named("Weight", {name: f"gradient of {name_on_screen}" for name, name_on_screen in WEIGHTS.items()}, f"{KEY}.weight", 200)
    with st.container(key=f"{KEY}.equation"):
        st.markdown(f"$\\small {equations.summed(LATEX[name], gradients.terms[name])}$")
    grid(sizes(gradients), f"{KEY}.sizes")
    st.html("<style>.st-key-one_step-backward-equation [data-testid=stMarkdownContainer] { overflow-x: auto; overflow-y: hidden; }</style>")


def sentence(gradients: Gradients) -> str:
    """What the terms of W_xh say: at which step the weight learns most from the loss, and at which least."""
    lengths = size(gradients.terms["U"])
    most, least = int(lengths.argmax()), int(lengths.argmin())
    share = "a tenth or less" if lengths[least] <= lengths[most] / 10 else f"{lengths[least] / max(lengths[most], 1e-12):.0%}"
    return (
        f"Here the term of step {most + 1} is the largest for W_xh ({short(float(lengths[most]))}), and that of step {least + 1} the "
        f"smallest ({share} of it). Four steps are too few to see a gradient vanish. *Gradient flow* follows it over 200 characters."
    )


def sizes(gradients: Gradients) -> pd.DataFrame:
    """The size of each term, one row per weight: the square root of the sum of its squares; and that of their sum."""
    rows = []
    for name, label in WEIGHTS.items():
        terms = gradients.terms[name]
        by_step = {f"step {t}": value for t, value in enumerate(size(terms).tolist(), 1)}
        rows.append({"size of the gradient": label, **by_step, "of the sum": float(np.linalg.norm(terms.sum(0)))})
    return pd.DataFrame(rows)


def size(terms: np.ndarray) -> np.ndarray:
    """The norm of each term, [time]."""
    return np.linalg.norm(terms.reshape(len(terms), -1), axis=1)
