"""Attribution methods beside the effect of really deleting each token: the part that the rooms share."""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

import models
from explorer.analysis.attribution import INTEGRATED, Comparison, two_digits
from explorer.figures import attribution as figures
from explorer.figures.characters import shown
from pages._ui import export
from pages._ui.glossary import terms
from pages._ui.layout import select_named
from pages._ui.made import made
from pages._ui.networks import fingerprint
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import code, grid, how_to_read

PANEL = "What it depends on"  # name of the panel in both rooms
BASELINES = {"zero": "zero vector", "mean": "mean of the inputs"}  # in links -> on screen
CONVERGED = 0.1  # completeness error in nats up to which the sum of integrated gradients is near its limit
CLOSE = 0.05  # effects in nats below which deletion changes nothing worth a sentence
READ = """
Every row shows the same {tokens}. **The first row is measured**: each of the {tokens} was really deleted and the rest read again. Its
colour is the log probability that the prediction loses: orange where the {token} supports the prediction, blue where it counts against
it. The rows below are **attribution methods**, estimates that delete nothing:

- **Gradient**: how strongly a very small change of the {token}'s input vector changes the log probability. It has no sign.
- **Gradient × input**: the gradient multiplied by the input vector.
- **Integrated gradients**: the mean gradient along the straight line from a baseline to the input vector, multiplied by the difference
  between the two. The scores add up to the difference between the log probability and the one at the baseline; the completeness error
  says how exactly they do.
- **Occlusion**: the input vector of one {token} is replaced by the baseline, and its place stays.

Each row is scaled to its own largest score, because the rows have different units. A bar at the top of a {token} is a plus, one at the
bottom a minus. The **rank correlation** compares the order of the sizes in a row with that of the first row. **Recency alone** is the
baseline: it says that a nearer {token} always matters more, whatever it is.

None of the rows is *the* importance of a {token}: a small change, a replaced vector and a deleted {token} are different questions.

Sources: Simonyan, Vedaldi and Zisserman, 2014 (gradient); Sundararajan, Taly and Yan, *Axiomatic Attribution for Deep Networks*, 2017
(integrated gradients); Zeiler and Fergus, 2014 (occlusion).
"""


def baseline(key: str) -> str:
    """The list of baselines of integrated gradients and occlusion; gives what was chosen."""
    return select_named("Baseline", BASELINES, f"{key}.baseline", 200, label_visibility="visible")


def rows(comparison: Comparison, key: str, noun: str, lines: str, start: int = 0, measured: dict[str, Any] | None = None) -> None:
    """One sentence on where the methods disagree, the rows, a table of how far each agrees with deletion, and Python for the same.

    Args:
        comparison: What is shown.
        key: Of the panel, `page.attribution`.
        noun: What a token is called, "character".
        lines: Python that computes the same without the page.
        start: Position of the first token in the whole text.
        measured: The same over many predictions, see `of_many`; None where it was not measured for these weights.
    """
    st.markdown(disagreement(comparison, start))
    figure = made(figures.rows, comparison, start, is_dark())
    with scrolling(key.replace(".", "-"), figures.is_long(comparison.tokens)):
        draw(figure, key)
    save(figure, key, "attribution", partial(figures.table, comparison, start))
    grid(agreement_table(comparison, noun, measured), f"{key}.agreement")
    st.caption(completeness(comparison) + (many(measured, noun) if measured else ""))
    terms(
        "attribution", "gradient", "gradient × input", "integrated gradients", "occlusion",
        "rank correlation", "log probability", "nats", "baseline", *(["bootstrap"] if measured else []),
    )  # fmt: skip
    how_to_read(READ.format(token=noun, tokens=f"{noun}s"), "the rows")
    export.notebook(lines)


def disagreement(comparison: Comparison, start: int = 0) -> str:
    """Which token deletion finds to matter most, and which methods find another one."""
    top = comparison.most
    effect = float(comparison.deleted[top])
    if abs(effect) < CLOSE:
        return f"No single deletion changes the log probability by {CLOSE} nats or more: the prediction depends on none of these alone."
    falls = "falls" if effect > 0 else "rises"
    measured = f"Deleting {_named(comparison.tokens, top, start)} has the largest effect: the log probability {falls} by "
    others: dict[int, list[str]] = {}
    for method, index in comparison.most_by_method().items():
        others.setdefault(index, []).append(figures.in_words(method))
    same = others.pop(top, [])
    is_all = len(same) == len(comparison.attributions) > 1
    parts = [f"it is the same for {'all methods' if is_all else _listed(same)}"] if same else []
    parts += [f"for {_listed(names)} it is {_named(comparison.tokens, at, start)}" for at, names in others.items()]
    said = "; ".join(parts)
    return f"{measured}**{two_digits(abs(effect))} nats**. {said[:1].upper()}{said[1:]}."


def _named(tokens: Sequence[str], index: int, start: int) -> str:
    return f"{code(shown(tokens[index]))} (position {start + index + 1:,})"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def agreement_table(comparison: Comparison, noun: str, measured: dict[str, Any] | None = None) -> pd.DataFrame:
    """How far each method agrees with deletion: here, and on average over many predictions if that was measured."""
    rows = []
    for method, agreement in comparison.agreements().items():
        one = {
            "row": figures.in_words(method),
            "rank correlation": figures.correlation(agreement.size),
            "with sign": figures.correlation(agreement.signed),
        }
        one[f"same top {noun}"] = "yes" if agreement.top else "no"
        if measured:
            about = measured["methods"][method]
            one["mean over many"] = _interval(about["size"])
            one[f"same top {noun} in"] = f"{100 * about['top'][0]:.0f} %"
        rows.append(one)
    return pd.DataFrame(rows)


def _interval(mean: Sequence[float] | None) -> str:
    return "–" if mean is None else f"{mean[0]:.2f} ({mean[1]:.2f} to {mean[2]:.2f})"


def completeness(comparison: Comparison) -> str:
    """The completeness error of integrated gradients, in words."""
    one = comparison.of(INTEGRATED)
    if one.completeness is None or one.at_baseline is None:
        return ""
    sentence = (
        f"Integrated gradients add up to {one.scores.sum():.3f}; the log probability is {one.output:.3f}, at the baseline "
        f"{one.at_baseline:.3f}: completeness error {two_digits(one.completeness)} nats. "
    )
    if one.completeness > CONVERGED:
        sentence += "The sum has not converged here, so this row cannot be relied on: the gradient jumps on the line. "
    return sentence.replace(" -", " \u2212")


def many(measured: dict[str, Any], noun: str) -> str:
    """What the columns on many predictions are, in words."""
    what = "predictions in held-out text" if noun == "character" else "held-out names"
    count, errors = f"{measured['predictions']:,} {what}", measured["completeness"]
    sentence = (
        f"“Mean over many”: rank correlation over {count}, with a 95 % interval; the baseline is the zero vector. Completeness error "
        f"there: median {two_digits(errors['median'])}, largest {two_digits(errors['largest'])} nats."
    )
    if errors["median"] > CONVERGED:
        sentence += " Integrated gradients do not converge for this network, so their row says little."
    return sentence


@st.cache_data(show_spinner=False, ttl=30)
def of_many(corpus: str, name: str) -> dict[str, Any] | None:
    """What `python -m models measure CORPUS attribution` found for a network; None if it was not run for these weights."""
    try:
        networks = json.loads(models.file_of(f"{corpus}-attribution.json").read_text(encoding="utf-8"))["networks"]
        about = networks[name]
        return about if about["weights"] == fingerprint(name) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
