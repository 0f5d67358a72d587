"""Which unit follows something? A concept, a pattern or a brushed range, ranked on text it was not chosen on."""

import numpy as np
import pandas as pd
import streamlit as st

from explorer.analysis.quantities import quantity
from explorer.analysis.rank import Ranking, rank
from explorer.analysis.regex_track import regex_track
from explorer.analysis.tracks import CONCEPTS, range_track, track
from explorer.figures.unit import ranking as ranking_figure
from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import compute, state
from pages._hidden_states.compute import View
from pages._ui.progress import guard
from pages._ui.show import is_dark, show

KEY = "hidden_states.find"
TOP = 12
WAYS = ("a concept", "a regular expression", "the brushed range")
EXPLAIN = """Unit, sign and threshold are chosen on the first half of the text and **scored on the second**. Beside the units stand three
baselines that anything must clear: **chance** (the best of all units on circularly shifted tracks, 95th percentile), the
**same network untrained**, and a **table of the last 1 to 4 characters**. r is the correlation with the track; AUC is the chance that
the unit is higher inside than outside."""


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """Choose what to follow, then the ranking; a click on a row shows its unit above."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        way = st.selectbox("Which unit follows ...", WAYS, key=f"{KEY}.way", bind="query-params", width=200)
        wanted = _wanted(way, view, run)
    if wanted is None:
        return
    with guard():
        ranking = _ranking(view, wanted, network, run)
    st.markdown(f"**{ranking.verdict()}**")
    left, right = st.columns([3, 2])
    with left:
        _table(view, ranking)
    with right:
        show(ranking_figure(ranking, dark=is_dark()), f"{KEY}.bars", "ranking", _frame(ranking))
    with st.expander("How this is measured"):
        st.markdown(EXPLAIN)


def _wanted(way: str, view: View, run: WindowRun) -> tuple | None:
    """What to follow, as a name that a cache can hold."""
    if way == "a concept":
        concept = st.selectbox("Concept", list(CONCEPTS), key=f"{KEY}.concept", bind="query-params", width=240)
        st.caption(CONCEPTS[concept].sentence)
        return ("concept", concept)
    if way == "a regular expression":
        pattern = st.text_input("Pattern", r"\[\[[^\]]*", key=f"{KEY}.pattern", bind="query-params", max_chars=200, width=300)
        return ("pattern", pattern) if pattern else None
    if view.selection is None:
        st.info("Drag over the text above, or press Shift with the arrow keys, to brush a range.")
        return None
    first, end = view.selection
    st.caption(f"Characters {first + 1} to {end}. Chosen and scored on the same text: a hint, not a finding.")
    return ("range", first - run.start, end - run.start)


def _track(tokens: tuple[str, ...], wanted: tuple) -> np.ndarray:
    if wanted[0] == "concept":
        return track(tokens, wanted[1])
    if wanted[0] == "pattern":
        return regex_track("".join(tokens), wanted[1])
    return range_track(len(tokens), wanted[1], wanted[2])


def _ranking(view: View, wanted: tuple, network: Loaded, run: WindowRun) -> Ranking:
    def make() -> Ranking:
        untrained = quantity(compute.untrained_trace(view, network), view.quantity, view.layer)
        tokens = run.trace.tokens
        return rank(run.values, _track(tokens, wanted), tokens, untrained)

    return compute.ranked(view, wanted, make)


def _table(view: View, ranking: Ranking) -> None:
    units, table = [int(unit) for unit in ranking.order[:TOP]], _frame(ranking)
    event = st.dataframe(
        table, hide_index=True, on_select="rerun", selection_mode="single-row", key=f"{KEY}.table", width="stretch",
        column_config={name: st.column_config.NumberColumn(format="%.2f") for name in table.columns[1:]},
    )  # fmt: skip
    if ranking.held_out:
        st.caption("In the order that the first half of this text gives; the scores are of its second half.")
    rows = event["selection"]["rows"]
    if rows and rows[0] < len(units):
        unit = units[rows[0]]
        st.button(f"Show unit {unit}", key=f"{KEY}.show", on_click=state.look_at, args=(view.layer, unit))


def _frame(ranking: Ranking) -> pd.DataFrame:
    rows = [{"unit": str(unit), **_scores(ranking.scores(int(unit)))} for unit in ranking.order[:TOP]]
    return pd.DataFrame(rows + [{"unit": name, **_scores(scores)} for name, scores in ranking.baselines.items()])


def _scores(scores) -> dict:
    return {"r": scores.r, "AUC": scores.auc, "F1": scores.f1, "balanced accuracy": scores.balanced_accuracy}
