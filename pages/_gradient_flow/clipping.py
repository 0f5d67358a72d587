"""Panel "Clipping": gradient descent on the error surface of a one-unit network, without clipping, by norm and by value."""

from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from explorer.figures import clipping as figures
from explorer.figures.gradient_decay import Curve
from explorer.textbook.clipping import LENGTH, RULES, B, Descent, Path, W, descents, mesh
from pages._gradient_flow.compute import View
from pages._ui.cache import shared_cache
from pages._ui.glossary import terms
from pages._ui.layout import folding
from pages._ui.made import made
from pages._ui.show import draw, draw_surface, is_dark, save
from pages._ui.text import how_to_read

KEY = "gradient_flow.clipping"
PATHS, OMEGA, WEIGHT = f"{KEY}.paths", f"{KEY}.omega", f"{KEY}.weight"
WIDTH = 130  # pixels of a slider
FAR = 1.0  # a longer step leaves the region around the cliff
# Examples, by what they show: the descent, whether Omega is on, and the paths.
PRESETS = {
    "Thrown off the cliff": (Descent(), False, RULES[:2]),
    "By value: back and forth": (Descent(), False, RULES[1:]),
    "Ω keeps gradients alive": (Descent(w=3.0, b=-3.0, rate=0.3, threshold=0.3, steps=100, omega=0.01), True, RULES[1:2]),
}
READ = """
The surface is the error of a recurrent network with **one** unit that runs for 50 steps, over its weight w and bias b. On the
two plains the state of the unit stays low or stays high, and the gradient vanishes. At the cliff between them it switches from one
to the other, and the gradient explodes: it is a product of fifty factors, most of them above 1.

- **No clipping**: one step with such a gradient undoes all steps before it.
- **By norm**: a gradient that is too long is shortened and keeps its direction. **By value**: each component is limited on its
  own, which changes the direction, because two large components become equal. The path may jump back and forth over the cliff.
- Clipping does not help against a vanishing gradient. The regulariser **Ω** is added to the error and is large where a step back
  changes the size of the gradient: Σₖ (‖∂E/∂xₖ₊₁ · ∂xₖ₊₁/∂xₖ‖ / ‖∂E/∂xₖ₊₁‖ − 1)². As in the paper, only its *immediate*
  gradient is used: the states xₖ are held fixed. Ω has a price: with a large weight, the path no longer leads to the smallest
  error.
- The mesh is finer where the surface is steep. Where w is large, the cliff is steeper than any mesh.

Source: Pascanu, Mikolov and Bengio, 2013: Figure 6, Algorithm 1, equations 9 and 10.
"""


def panel(view: View, drawn: list[Curve]) -> None:
    """Sliders, the surface with the paths, the error after each step, and one clipped gradient."""
    st.markdown("**Clipping**: gradient descent on the error surface of a one-unit network, which has a cliff")
    with st.container(horizontal=True):
        for name in PRESETS:
            st.button(name, key=f"{KEY}.preset.{name}", on_click=_preset, args=(name,))
    how, rules = _descent(), st.session_state[PATHS] or list(RULES[:2])
    cache = shared_cache("clipping", 16)
    paths: list[Path] = [path for path in cache.get(how, lambda: descents(how)) if path.rule in rules]
    st.markdown(sentence(paths))
    if how.omega:
        plain = replace(how, omega=0.0)
        without: Path = cache.get(plain, lambda: descents(plain))[RULES.index(paths[0].rule)]
        kept = [f"{path.factors[-1] ** LENGTH:.1g}" for path in (paths[0], without)]
        st.markdown(f"At the end of the path, a gradient that goes {LENGTH} steps back keeps {kept[0]} of its size; without Ω, {kept[1]}.")
    first, second = st.columns([13, 8], gap="medium")
    with first, st.container(key=f"{KEY}.frame"):
        figure = made(figures.surface, cache.get("mesh", mesh), paths, is_dark())
        draw_surface(figure, f"{KEY}.surface")
        save(figure, f"{KEY}.surface", "clipping", partial(figures.table, paths))
    with second:
        errors = made(figures.errors, paths, is_dark())
        arrows = made(figures.arrows, steepest(paths), how.threshold, is_dark())
        draw(errors, f"{KEY}.errors")
        draw(arrows, f"{KEY}.arrows")
        save([errors, arrows], f"{KEY}.errors", "clipping-errors", partial(figures.table, paths))
    terms("clipping", "Omega", "weight", "learning rate", "exploding gradient", "vanishing gradient")
    how_to_read(READ)


def steepest(paths: list[Path]) -> np.ndarray:
    """The largest gradient on the first path, [2]."""
    return paths[0].gradients[np.linalg.norm(paths[0].gradients, axis=1).argmax()]


def sentence(paths: list[Path]) -> str:
    """What to look for, with the numbers of these paths."""
    sentences = []
    for path in paths:
        (w, b), longest = path.places[-1], float(path.lengths.max())
        if path.rule == "no clipping" and longest >= FAR:
            sentences.append(
                f"**Without clipping**, step {path.lengths.argmax() + 1} has length {longest:.2g}: the path is thrown off the cliff and "
                f"ends at w = {w:.1f}, b = {b:.1f} with an error of {path.late:.2g}."
            )
        else:
            name = "Without clipping" if path.rule == "no clipping" else f"Clipped {path.rule}"
            sentences.append(f"**{name}**, no step is longer than {longest:.2g}; the mean error of its last ten steps is {path.late:.2g}.")
    return " ".join(sentences)


def _descent() -> Descent:
    plain = Descent()
    with folding("gradient_flow-clipping"):
        st.pills("Paths", RULES, selection_mode="multi", default=RULES[:2], key=PATHS, bind="query-params")
        rate = st.slider("Step size", 0.05, 2.0, plain.rate, 0.05, key=f"{KEY}.rate", bind="query-params", width=WIDTH)
        threshold = st.slider("Threshold", 0.02, 1.0, plain.threshold, 0.02, key=f"{KEY}.threshold", bind="query-params", width=WIDTH)
        steps = st.slider("Steps", 10, 200, plain.steps, 10, key=f"{KEY}.steps", bind="query-params", width=WIDTH)
        w = st.slider("Start at w", *W, plain.w, 0.1, key=f"{KEY}.w", bind="query-params", width=WIDTH)
        b = st.slider("Start at b", *B, plain.b, 0.1, key=f"{KEY}.b", bind="query-params", width=WIDTH)
        weight = 0.0
        if st.toggle("Regulariser Ω", key=OMEGA, bind="query-params"):
            weight = st.slider("Weight of Ω", 0.001, 0.1, 0.01, 0.001, format="%.3f", key=WEIGHT, bind="query-params", width=WIDTH)
    return Descent(w, b, rate, threshold, steps, weight)


def _preset(name: str) -> None:
    how, is_on, rules = PRESETS[name]
    for slider in ("rate", "threshold", "w", "b", "steps"):
        st.session_state[f"{KEY}.{slider}"] = getattr(how, slider)
    st.session_state[PATHS], st.session_state[OMEGA] = list(rules), is_on
    if is_on:
        st.session_state[WEIGHT] = how.omega
