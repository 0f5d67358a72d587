"""Part "More parameters?": an LSTM beside an RNN with as many units and an RNN with as many parameters, measured in advance."""

from collections.abc import Mapping
from functools import partial
from statistics import fmean
from typing import Any

import pandas as pd
import streamlit as st

from explorer.figures import seeds as figures
from models.family import PROGRAM
from pages._gradient_flow import compute
from pages._gradient_flow.state import TITLES
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import is_dark, show
from pages._ui.text import grid, how_to_read, plain

KEY = "gradient_flow.more_parameters"
CLOSE = 0.1  # a smaller difference of mean accuracies is called no difference
READ = """
With the same number of units, an LSTM has four times as many recurrent weights as a plain RNN, so a comparison by units is not fair to the
RNN. Here a **wider RNN** has as many parameters as the LSTM. All three networks get the same sequences and the same number of training
steps. Each is trained with the same learning rates, and for each length only the best of them counts.

- Each **dot** is one seed, the line goes through the means. A network at *chance* has remembered nothing.
- If the number of parameters were what matters, the wider RNN would be as good as the LSTM.

**What this does not show**: that no RNN can learn this. Other initial weights (orthogonal, identity) and more training may help it; and
this is one small task.
"""


def part() -> None:
    """The question with its answer, the figure, and what was trained."""
    measured = compute.parameters()
    if not measured:
        st.info(f"This has not been measured. Run `{PROGRAM} measure memory_tasks parameters --file checkpoints/memory-parameters.json`.")
        return
    st.markdown(f"**Do LSTMs win because they have more parameters?** {sentence(measured)}")
    accuracies, lengths = accuracies_of(measured), lengths_of(measured)
    with st.container(key=f"{KEY}.frame"):
        figure = made(figures.by_length, accuracies, lengths, measured["chance"], is_dark())
        show(figure, f"{KEY}.figure", "more-parameters", partial(figures.table, accuracies, lengths), stretch=True)
    st.caption(
        f"Task: {plain(measured['task'])}. {measured['updates']:,} training steps, {len(measured['seeds'])} seeds, 500 held-out sequences. "
        "*Train live* trains the same networks here: choose *wider RNN*."
    )
    grid(table(measured), f"{KEY}.table")
    terms("RNN", "LSTM", "parameters", "unit", "accuracy", "chance", "seed", "learning rate", "memory task", "training step")
    how_to_read(READ)


def name_of(row: Mapping[str, Any]) -> str:
    """A network by its kind, units and parameters."""
    return f"{TITLES[row['kind']]}, {row['units']} units, {row['parameters']:,} parameters"


def lengths_of(measured: Mapping[str, Any]) -> list[int]:
    """The measured lengths, shortest first."""
    return sorted({row["length"] for row in measured["rows"]})


def accuracies_of(measured: Mapping[str, Any]) -> dict[str, list[list[float]]]:
    """Name of a network -> accuracies [length, seed], in the order in which they were measured."""
    rows = measured["rows"]
    by_length = {(name_of(row), row["length"]): row["accuracy"] for row in rows}
    return {name: [by_length[name, length] for length in lengths_of(measured)] for name in dict.fromkeys(map(name_of, rows))}


def sentence(measured: Mapping[str, Any]) -> str:
    """The answer at the longest length: whether the wider RNN comes near the LSTM, and what each of them reaches."""
    longest = [row for row in measured["rows"] if row["length"] == lengths_of(measured)[-1]]
    mean = {name_of(row): fmean(row["accuracy"]) for row in longest}
    lstm = next(row for row in longest if row["kind"] == "lstm")
    small, wide = sorted((row for row in longest if row["kind"] == "rnn"), key=lambda row: row["units"])
    ahead = mean[name_of(lstm)] - mean[name_of(wide)]
    answer = "No, not on this task" if ahead >= CLOSE else "On this task the parameters make up the difference"
    return (
        f"{answer}. Over {lstm['length']} steps the LSTM ({lstm['parameters']:,} parameters) reaches **{mean[name_of(lstm)]:.0%}**, "
        f"an RNN with as many parameters ({wide['parameters']:,}) **{mean[name_of(wide)]:.0%}**, and an RNN with as many units "
        f"({small['parameters']:,} parameters) **{mean[name_of(small)]:.0%}**. Chance is {measured['chance']:.0%}."
    )


def table(measured: Mapping[str, Any]) -> pd.DataFrame:
    """One row per network and length: mean, lowest and highest accuracy, and the best learning rate."""
    rows = [
        {
            "network": f"{TITLES[row['kind']]}, {row['units']} units",
            "parameters": row["parameters"],
            "steps": row["length"],
            "mean accuracy": fmean(row["accuracy"]),
            "lowest": min(row["accuracy"]),
            "highest": max(row["accuracy"]),
            "best learning rate": row["rate"],
        }
        for row in measured["rows"]
    ]
    return pd.DataFrame(rows)
