"""Part "Why recurrence": three networks learn to find a digit in short sequences and are tested on long ones."""

from functools import partial

import streamlit as st

from explorer.figures import generalisation as figures
from explorer.figures.generalisation import Study
from models.memory_tasks import experiments
from pages._gradient_flow import compute
from pages._ui import jobs
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import is_dark, show
from pages._ui.text import how_to_read

KEY = "gradient_flow.recurrence"
READ = """
*One digit is hidden among letters. Which one?* All three networks are trained on sequences of 1 to 10 symbols.

- **RNN**: the same weights at every step. What it learns at one position holds at every other, so it works at any length.
- **Weights per step**: up to 10 symbols it learns as well as the RNN. From the eleventh step on its weights were never trained, and
  they destroy what was read before.
- **Padded MLP**: it has separate weights for each position, and those beyond the tenth were never trained. It follows the dotted
  line: the best accuracy of a network that reads ten symbols and otherwise guesses.

The RNN is not perfect at 40 symbols either: it was never trained to keep a digit for so long, and forgets it slowly. Each point
is the accuracy on 500 held-out sequences.

Source: Goodfellow, Bengio and Courville, *Deep Learning*, 2016, chapter 10.
"""


def part() -> None:
    """The button, the lines as they grow, and how to read them."""
    st.markdown("**Why recurrence?** Trained on up to 10 symbols, tested on up to 40: sharing weights over time needs no new ones")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input("Seed", 1, 99, key=f"{KEY}.seed", bind="query-params", width=130)
        jobs.start_button("Train all three", KEY, lambda: _begin(seed))
    jobs.watch(lambda: _draw(seed), KEY)
    terms("RNN", "seed", "accuracy", "chance")
    how_to_read(READ)


def _accuracies() -> dict:
    """Accuracies of this visitor's networks, by seed and name."""
    return st.session_state.setdefault(f"{KEY}.found", {})


def _begin(seed: int):
    accuracies = _accuracies()
    accuracies[seed] = {}
    return experiments.lengths(seed, accuracies[seed].__setitem__)


def _draw(seed: int) -> None:
    own, measured = dict(_accuracies().get(seed, {})), compute.studied("lengths")  # the training adds to its lines meanwhile
    if not own and not measured:
        return
    known = seed if seed in measured else next(iter(measured), seed)
    lines = own or measured[known]
    from models.memory_tasks import length_generalisation

    border = (length_generalisation.SHORT, "trained up to here")
    study = Study(
        lines,
        1 / length_generalisation.DIGITS,
        (length_generalisation.ceiling(), "reads ten, otherwise guesses"),
        border,
        "symbols in the sequence",
    )
    with st.container(key=f"{KEY}.frame"):
        show(made(figures.beyond, study, is_dark()), f"{KEY}.figure", "why-recurrence", partial(figures.table, study), stretch=True)
    if not own:
        st.caption(f"Measured in advance with seed {known}. *Train all three* trains these networks here, with the seed that you choose.")
