"""Panel "Find a unit": ranks all units by how well they track a concept, a pattern or a selected range of the text."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from explorer.analysis.quantities import quantity
from explorer.analysis.rank import AT_LEAST, Ranking, rank
from explorer.analysis.regex_track import regex_track
from explorer.analysis.tracks import CONCEPTS, fitting, range_track, track
from explorer.figures.characters import noun
from explorer.figures.unit import ranking as ranking_figure
from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import compute, state, used
from pages._hidden_states.compute import View
from pages._hidden_states.states import absent, joined
from pages._ui.glossary import terms
from pages._ui.layout import select_named
from pages._ui.made import made
from pages._ui.progress import Report, guard, patiently
from pages._ui.show import is_dark, show
from pages._ui.text import grid, how_to_read

KEY = "hidden_states.find"
TERMS = (
    "concept", "regular expression", "correlation r", "AUC", "F1", "balanced accuracy",
    "baseline", "chance", "circular shift", "untrained network", "held-out",
)  # fmt: skip
TOP = 12
# What to search for first: inside a link, quotation marks, brackets, a tag; a capitalised word, a number, a vowel.
PATTERNS = (r"\[\[[^\]]*", r'"[^"\n]*', r"\([^)\n]*", r"<[^>\n]*", r"[A-Z]\w*", r"\d+", "[aeiou]")
WAYS = {
    "a concept": "a concept",
    "a regular expression": "a regular expression",
    "the brushed range": "the selected range",
}  # in links -> on screen
READ = """
Each character of the text gets a mark for what you search for: 1 inside, 0 outside, or a number such as the nesting depth. The
unit, its sign and its threshold are chosen on the first half of this text and **scored on the second half**, which is held out.

- **Correlation** of the unit with the marks, −1 to 1. **AUC**: the probability that the unit is higher at a character inside
  than at one outside. **F1** and **balanced accuracy**: how well “above the threshold” predicts “inside”.
- A unit must beat three baselines. **chance**: what the best of all units reaches when the marks are shifted along
  the text (circular shift), 95th percentile. **untrained**: the best unit of the same network before training. **last 1 to 4
  characters**: a table that looks at nothing but these.
"""


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """What to search for, then the ranking; a click on a row offers to show its unit above."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        way = select_named("Find the unit that tracks ...", WAYS, f"{KEY}.way", 230, label_visibility="visible")
        wanted = _wanted(way, view, run)
    terms(*TERMS)
    if wanted is None:
        return
    if wanted[0] == "concept" and not np.ptp(track(run.trace.tokens, wanted[1])):
        st.info(f"{absent(wanted[1])} Choose another concept or another text.")
        return
    with guard():
        ranking = _ranking(view, wanted, network, run)
    verdict = ranking.verdict(concept=_named(wanted))
    # The card says "held-out text" of another text, its dev split.
    st.markdown(f"**{verdict.replace('on held-out text', 'on the second half of this text, which is held out')}**")
    left, right = st.columns([3, 2])
    with left:
        _table(view, ranking)
    with right:
        show(made(ranking_figure, ranking, dark=is_dark()), f"{KEY}.bars", "ranking", lambda: _frame(ranking))
    how_to_read(READ)
    if wanted[0] != "range":
        used.section(view, about, network, run, used.Search(wanted, _track(run.trace.tokens, wanted), ranking.best))


def _wanted(way: str, view: View, run: WindowRun) -> tuple | None:
    """What to search for, as a cache key."""
    if way == "a concept":
        tokens, names = run.trace.tokens, list(CONCEPTS)
        first = 0 if np.ptp(track(tokens, names[0])) else names.index(next(iter(fitting(tokens, AT_LEAST)), names[0]))
        concept = st.selectbox("Concept", names, first, key=f"{KEY}.concept", bind="query-params", width=240)
        st.caption(CONCEPTS[concept].sentence)
        return ("concept", concept)
    if way == "a regular expression":
        pattern = st.text_input(
            "Pattern", first_pattern(run.trace.tokens), key=f"{KEY}.pattern", bind="query-params", max_chars=200, width=300
        )
        return ("pattern", pattern) if pattern else None
    if view.selection is None:
        st.info("Select a range first: drag over the text above, or hold Shift and press the arrow keys.")
        return None
    first, end = view.selection
    st.caption(f"Characters {first + 1} to {end}. The unit is chosen and scored on the same text, so this is a hint and no evidence.")
    return ("range", first - run.start, end - run.start)


def _named(wanted: tuple) -> str:
    return {"concept": f"“{wanted[1]}”", "pattern": "the pattern"}.get(wanted[0], "the selected range")


def _track(tokens: tuple[str, ...], wanted: tuple) -> np.ndarray:
    if wanted[0] == "concept":
        return track(tokens, wanted[1])
    if wanted[0] == "pattern":
        return pattern_track(tokens, wanted[1])
    return range_track(len(tokens), wanted[1], wanted[2])


def pattern_track(tokens: Sequence[str], pattern: str) -> np.ndarray:
    """1 at every token [time] of which a pattern matches something, in the text that the tokens make up; 0 elsewhere."""
    return _of_tokens(tokens, regex_track(joined(tokens), pattern))


def _of_tokens(tokens: Sequence[str], values: np.ndarray) -> np.ndarray:
    """The largest of the values of each token's characters, [time], from those of the whole text, [character]."""
    if len(values) == len(tokens):
        return values
    ends = np.cumsum([len(token) + 1 for token in tokens]) - 1  # one space after each word
    return np.array([values[end - len(token) : end].max(initial=0) for end, token in zip(ends, tokens, strict=True)], np.float32)


def first_pattern(tokens: Sequence[str]) -> str:
    """The pattern to begin with: one that occurs in the text often enough to be scored, else its most frequent token."""
    text = joined(tokens)
    for pattern in PATTERNS:
        values = np.zeros(len(text), np.float32)
        for match in re.finditer(pattern, text):
            values[slice(*match.span())] = 1
        if AT_LEAST <= _of_tokens(tokens, values).sum() <= len(tokens) - AT_LEAST:
            return pattern
    return re.escape(Counter(tokens).most_common(1)[0][0])


def _ranking(view: View, wanted: tuple, network: Loaded, run: WindowRun) -> Ranking:
    def make(report: Report) -> Ranking:
        untrained = quantity(compute.untrained_trace(view, network, report), view.quantity, view.layer)
        tokens = run.trace.tokens
        return rank(run.values, _track(tokens, wanted), tokens, untrained)

    work = lambda report: compute.ranked(view, wanted, lambda: make(report))  # noqa: E731
    label = f"The untrained network is reading the text, {noun(run.trace.tokens)}"
    return patiently(label, f"{KEY}.cancel", state.close_panel, work, compute.cost(view, "untrained"))


def _table(view: View, ranking: Ranking) -> None:
    units, table = [int(unit) for unit in ranking.order[:TOP]], _frame(ranking)
    event = grid(
        table, f"{KEY}.table", on_select="rerun", selection_mode="single-row", width="stretch",
        column_config={name: st.column_config.NumberColumn(format="%.2f") for name in table.columns[1:]},
    )  # fmt: skip
    if ranking.held_out:
        st.caption("Sorted by the correlation on the first half of this text; the scores are from its second half.")
    rows = event["selection"]["rows"]
    if rows and rows[0] < len(units):
        unit = units[rows[0]]
        st.button(f"Show unit {unit}", key=f"{KEY}.show", on_click=state.look_at, args=(view.layer, unit))


def _frame(ranking: Ranking) -> pd.DataFrame:
    rows = [{"unit or baseline": str(unit), **_scores(ranking.scores(int(unit)))} for unit in ranking.order[:TOP]]
    return pd.DataFrame(rows + [{"unit or baseline": name, **_scores(scores)} for name, scores in ranking.baselines.items()])


def _scores(scores) -> dict:
    return {"correlation": scores.r, "AUC": scores.auc, "F1": scores.f1, "balanced accuracy": scores.balanced_accuracy}
