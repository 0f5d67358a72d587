"""What two or more runs of a network predict next and write on, side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from explorer.figures.characters import shown
from pages._hidden_states.states import joined
from pages._ui.text import count

SHOWN = 8  # characters listed whose probability changes most
BEFORE = 24  # characters shown before the cursor


def sampling(key: str) -> tuple[float, int]:
    """Temperature and seed, chosen on the page; `key` is that of the section."""
    temperature = st.number_input("Temperature", 0.0, 2.0, 0.7, 0.1, key=f"{key}.temperature", bind="query-params", width=120)
    seed = st.number_input("Seed", 0, 10_000, 1, key=f"{key}.seed", bind="query-params", width=120)
    return temperature, seed


def ending(tokens: Sequence[str]) -> str:
    """The last characters of a text, with signs for white space."""
    return "".join(map(shown, joined(tokens)[-BEFORE:]))


def next_characters(tokens: Sequence[str], runs: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """The characters whose probability differs most between two of the runs, a column for each run; the largest difference first.

    Args:
        tokens: The vocabulary, [vocab].
        runs: Name of a run -> probabilities, [vocab].
    """
    differences = np.ptp(np.stack(list(runs.values())), axis=0)
    order = [int(index) for index in np.argsort(-differences, kind="stable")[:SHOWN]]
    columns = {f"p {name}": p[order].round(3) for name, p in runs.items()}
    return pd.DataFrame({"next": [shown(tokens[index]) for index in order]} | columns)


def written(runs: Mapping[str, Sequence[tuple[str, ...]]], token: str) -> None:
    """Continuations side by side, those of the same random numbers below each other; `token` is what a token is called.

    The last two runs are compared: without and with the change.
    """
    for index, column in enumerate(st.columns(len(next(iter(runs.values()))))):
        with column:
            for name, texts in runs.items():
                st.caption(name)
                # With a sign for each line break: Streamlit leaves out one that stands first.
                st.code(joined(texts[index]).replace("\n", "⏎\n"), language=None, wrap_lines=True)
            without, changed = list(runs.values())[-2:]
            st.caption(_alike(without[index], changed[index], token))


def _alike(one: Sequence[str], other: Sequence[str], token: str) -> str:
    """How long two continuations are the same."""
    same = next((at for at, (own, new) in enumerate(zip(one, other, strict=True)) if own != new), len(one))
    if same == len(one):
        return "The change makes no difference here."
    return f"The change shows after {count(same, token)}." if same else f"The change shows in the first {token}."
