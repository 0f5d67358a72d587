"""The second half of *Find a unit*: is the unit used? Units are silenced one by one where the concept is needed, and elsewhere."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from explorer.analysis.tracks import needed
from explorer.analysis.unit_effects import FEWEST, TestedUnits
from explorer.errors import AnalysisError, ExplorerError
from explorer.figures import unit_effects as figures
from explorer.figures.characters import noun
from models import Loaded
from models.char_lm.experiments.held import MEAN
from models.char_lm.experiments.window import LEAD, WindowRun
from pages._hidden_states import compute, state
from pages._hidden_states.causes import causes
from pages._hidden_states.compute import View
from pages._hidden_states.states import joined
from pages._ui.glossary import terms
from pages._ui.layout import select_named
from pages._ui.made import made
from pages._ui.progress import patiently
from pages._ui.show import is_dark, show
from pages._ui.text import grid, how_to_read, plain

KEY = "hidden_states.used"
TOP = 12
WAYS = {name: state.HELD_AT[name] for name in sorted(state.HELD_AT, key=lambda name: name != MEAN)}  # the mean first
READ = """
A unit may follow a concept and not matter: the output may not read it, or other units may know the same. So each unit is really
held while the network reads the text, and every prediction is compared with that of the whole network. **There** are the characters
that cannot be predicted well without the concept: where it ends. **Elsewhere** are all others.

- A unit is called **used for** the concept if its extra cost there is larger than **chance**, the largest cost of any tested unit at
  places that are shifted along the text, and if the 95 % interval over the places lies above the cost elsewhere.
- The **estimate** is gradient times change: one backward pass for all units. It is linear, and true for small changes alone, so the
  strongest units are really silenced, and as many others whose state varies as much.
- In the first figure each unit is silenced alone, so that two units that do the same hide each other. In the second the best units are
  silenced together, those that cost most there when silenced alone, and as many of the others, drawn five times.
- The unit must not have been chosen on the text on which it is tested: one that was found in the first half of this text is tested on
  the second; one that was found on other text, on the whole.
"""


@dataclass(frozen=True, eq=False)
class Search:
    """What was searched for, and what was chosen.

    Args:
        wanted: ("concept", name) or ("pattern", regular expression).
        track: Where it is, [time] of the window.
        best: The unit that the ranking chose on the first half of the text.
    """

    wanted: tuple[str, str]
    track: np.ndarray
    best: int


def section(view: View, about: dict, network: Loaded, run: WindowRun, search: Search) -> None:
    """What is known from held-out text, and the test on this text if it is asked for."""
    wanted = search.wanted
    concept = f"“{wanted[1]}”" if wanted[0] == "concept" else "the pattern"
    st.markdown("**Does the network use it?** A correlation does not say so: take the unit away and see what is lost.")
    for line in causes(view.model, about["data"].get("corpus", "")):
        if wanted == ("concept", line["concept"]):
            st.markdown(measured(line))
    if not run.predicts:
        st.caption("Only a network that predicts can be tested on this text.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        on = st.toggle("Silence units one by one", key=KEY, bind="query-params")
        options = st.container(horizontal=True, vertical_alignment="bottom")
    if not on:
        return
    with options:
        instead = select_named("Each is held at", WAYS, f"{KEY}.instead", 260, label_visibility="visible")
        every = st.toggle("All units of the layer", key=f"{KEY}.every", bind="query-params")
    unit, start = chosen(about, view, run, search)
    result = _tested(view, network, run, places(search, run), compute.Tested(wanted, unit, start, instead, every))
    if result is None:
        return
    st.markdown(said(result, concept, noun(run.trace.tokens), start))
    left, right = st.columns([3, 2])
    with left:
        show(made(figures.effects, result, is_dark()), f"{KEY}.effects", "silenced-units", partial(figures.table, result), stretch=True)
    with right:
        table = _frame(result)
        grid(table, f"{KEY}.table", column_config={name: st.column_config.NumberColumn(format="%.3f") for name in table.columns[1:]})
    if len(result.together.sizes):
        st.markdown("**Several at once.** Two units that do the same hide each other, until both are silenced.")
        show(made(figures.together, result, is_dark()), f"{KEY}.together", "silenced-together", partial(figures.table_together, result))
    terms("gradient", "silencing", "intervention", "nats", "chance", "circular shift", "rank correlation")
    how_to_read(READ)


def chosen(about: dict, view: View, run: WindowRun, search: Search) -> tuple[int, int]:
    """The unit in question, and the position in the window from which it is tested, on text on which it was not chosen."""
    for line in about.get("units") or []:
        if search.wanted == ("concept", line["concept"]) and line["layer"] == view.layer and line.get("held_out", True):
            return line["unit"], 0
    return search.best, len(run.trace.tokens) // 2


def places(search: Search, run: WindowRun) -> np.ndarray:
    """Where what is searched for is needed, [time]: the characters at which it ends."""
    text = joined(run.trace.tokens)
    if search.wanted[0] == "concept" and len(text) == len(run.trace.tokens):
        return needed(text, search.wanted[1])
    return np.diff(search.track, prepend=search.track[:1]) < 0


def _tested(view: View, network: Loaded, run: WindowRun, where: np.ndarray, asked: compute.Tested) -> TestedUnits | None:
    """The test; a sentence on the page if there are too few places, or if the network cannot be run with a unit held."""
    work = partial(compute.tested_units, view, network, where, asked)
    try:
        return patiently(
            "The network reads the text with each unit silenced, steps", f"{KEY}.cancel", _off, work, compute.cost_of_test(run)
        )
    except AnalysisError:
        count, noun_ = int(where[max(asked.start, LEAD) :].sum()), noun(run.trace.tokens)
        st.info(
            f"What you search for ends at {count} of the {noun_} that count here; a test needs at least {FEWEST}. Paste a longer text. "
            f"The first {LEAD} {noun_} do not count, because a silence needs time to show."
        )
    except ExplorerError as error:
        st.info(plain(error))
    return None


def _off() -> None:
    st.session_state[KEY] = False


def said(result: TestedUnits, concept: str, named: str, start: int) -> str:
    """Whether the unit is used, in words; `named` is what tokens are called, "characters"."""
    effect = result.effect
    if effect.is_used:
        verdict = f"**Unit {result.unit} is used for {concept}**"
    elif effect.there > effect.chance:
        verdict = f"**Unit {result.unit} may be used for {concept}; these places do not show it for sure**"
    else:
        verdict = f"**It is not shown that unit {result.unit} is used for {concept}**"
    where = "in the second half of this text, on which it was not chosen" if start else "in this text; it was chosen on other text"
    return (
        f"{verdict}. Without it the {effect.places} {named} that need it ({where}) cost {effect.there:+.2f} nats more each "
        f"(95 % interval {effect.low:+.2f} to {effect.high:+.2f}; {result.before:.2f} with it), all others {effect.elsewhere:+.3f}. "
        f"Chance: {effect.chance:.2f}. Its rank is {effect.rank} of {effect.units} tested units. "
        f"The estimate by the gradient has a rank correlation of {result.agreement:.2f} with what was measured."
    ).replace(" -", " \u2212")


def measured(line: dict[str, Any]) -> str:
    """What silencing a unit of the card costs on held-out text, in words."""
    one, unit = line[MEAN], f"unit {line['unit']} of layer {line['layer'] + 1}"
    verdict = f"{unit} **is used** for it" if one["is_used"] else f"it is **not shown** that {unit} is used for it"
    most = ""
    if one["rank"] > 1:
        most = f" Most is lost without unit {one['most'][1]} of layer {one['most'][0] + 1}: {one['most_there']:+.2f}."
    return (
        f"On held-out text {verdict}: held at its mean, the {one['places']} characters that need it cost {one['there']:+.2f} nats more "
        f"each (95 % interval {one['low']:+.2f} to {one['high']:+.2f}), all others {one['elsewhere']:+.3f}. "
        f"Chance is {one['chance']:.2f}, the rank {one['rank']} of {one['units']:,} units.{most}"
    ).replace(" -", " \u2212")


def _frame(result: TestedUnits) -> pd.DataFrame:
    columns = {"unit": "unit", "there": "there, nats", "elsewhere": "elsewhere, nats", "estimate": "estimate, nats"}
    table = figures.table(result).head(TOP).astype({"unit": str})
    return pd.DataFrame({words: table[name] for name, words in columns.items()})
