"""Part "More parameters?": an LSTM beside an RNN with as many units and an RNN with as many parameters, measured in advance."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from explorer.figures import seeds as figures
from models.family import PROGRAM
from models.memory_tasks.parameter_match import Reached, answer, reached
from pages._gradient_flow import compute
from pages._gradient_flow.state import TITLES
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import is_dark, show
from pages._ui.text import grid, how_to_read, plain

KEY = "gradient_flow.more_parameters"
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
    rows = reached(measured)
    st.markdown(f"**Do LSTMs win because they have more parameters?** {sentence(rows, measured['chance'])}")
    accuracies, lengths = lines_of(rows)
    with st.container(key=f"{KEY}.frame"):
        figure = made(figures.by_length, accuracies, lengths, measured["chance"], is_dark())
        show(figure, f"{KEY}.figure", "more-parameters", partial(figures.table, accuracies, lengths), stretch=True)
    st.caption(
        f"Task: {plain(measured['task'])}. {measured['updates']:,} training steps, {len(measured['seeds'])} seeds, 500 held-out sequences. "
        "*Train live* trains the same networks here: choose *wider RNN*."
    )
    grid(table(rows), f"{KEY}.table")
    terms("RNN", "LSTM", "parameters", "unit", "accuracy", "chance", "seed", "learning rate", "memory task", "training step")
    how_to_read(READ)


def name_of(row: Reached) -> str:
    """A network by its kind, units and parameters."""
    return f"{TITLES[row.kind]}, {row.units} units, {row.parameters:,} parameters"


def lines_of(rows: Sequence[Reached]) -> tuple[dict[str, list[list[float]]], list[int]]:
    """Name of a network -> accuracies [length, seed], in the order in which they were measured; and the lengths, shortest first."""
    lengths = sorted({row.length for row in rows})
    by_length = {(name_of(row), row.length): list(row.accuracy) for row in rows}
    return {name: [by_length[name, length] for length in lengths] for name in dict.fromkeys(map(name_of, rows))}, lengths


def sentence(rows: Sequence[Reached], chance: float) -> str:
    """The answer at the longest length: whether the wider RNN comes near the LSTM, and what each of them reaches."""
    one = answer(rows)
    how = "better" if one.is_behind else "about as well"
    said = "No, not on this task" if one.is_ahead else f"Here an RNN with as many parameters does {how}"
    return (
        f"{said}. Over {one.lstm.length} steps the LSTM ({one.lstm.parameters:,} parameters) reaches **{one.lstm.mean:.0%}**, "
        f"an RNN with as many parameters ({one.wide.parameters:,}) **{one.wide.mean:.0%}**, and an RNN with as many units "
        f"({one.small.parameters:,} parameters) **{one.small.mean:.0%}**. Chance is {chance:.0%}."
    )


def table(rows: Sequence[Reached]) -> pd.DataFrame:
    """One row per network and length: mean, lowest and highest accuracy, and the best learning rate."""
    about = [
        {
            "network": f"{TITLES[row.kind]}, {row.units} units",
            "parameters": row.parameters,
            "steps": row.length,
            "mean accuracy": row.mean,
            "lowest": min(row.accuracy),
            "highest": max(row.accuracy),
            "best learning rate": row.rate,
        }
        for row in rows
    ]
    return pd.DataFrame(about)
