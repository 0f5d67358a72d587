"""Why recurrence: three networks learn to find a digit in short sequences, and are asked about long ones."""

import streamlit as st

from explorer.figures import generalisation as figures
from explorer.figures.generalisation import Study
from models.memory_tasks import experiments
from pages._ui import jobs
from pages._ui.glossary import terms
from pages._ui.show import is_dark, show

KEY = "gradient_flow.recurrence"
READ = """*A digit stands somewhere among letters. Which?* All three see sequences of 1 to 10 signs in training. **The same weights at
every step** (RNN) work at any length: what was learnt at one place holds at every other. **Weights of their own at each step** are
learnt as well as the RNN's up to 10; from the eleventh on they are what chance made them, and they spoil what was read before.
**The padded MLP** has a place for each sign; what stands beyond the tenth place it never learnt to read, so it follows the dotted
line: the best that can be reached by who reads ten signs and guesses else. The RNN is not perfect at 40 either: it was never asked
to keep a digit for so long, and forgets it slowly. 500 sequences of each length that nothing was trained on. After Goodfellow,
Bengio and Courville, 2016, chapter 10."""


def part() -> None:
    """The button, the lines as they come, how to read them."""
    st.markdown("**Why recurrence?** Trained on up to 10 signs, asked about up to 40: who shares weights over time needs no new ones")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input("Seed", 1, 99, key=f"{KEY}.seed", bind="query-params", width=130)
        jobs.start_button("Train the three", f"{KEY}.start", lambda: _begin(seed))
    jobs.watch(lambda: _draw(seed), KEY)
    terms("RNN", "seed", "chance")
    st.caption(READ)


def _accuracies() -> dict:
    """Share of right answers of this visit's networks, by seed and name."""
    return st.session_state.setdefault(f"{KEY}.found", {})


def _begin(seed: int):
    accuracies = _accuracies()
    accuracies[seed] = {}
    return experiments.lengths(seed, accuracies[seed].__setitem__)


def _draw(seed: int) -> None:
    lines = dict(_accuracies().get(seed, {}))  # the training adds to it meanwhile
    if not lines:
        return
    from models.memory_tasks import length_generalisation

    border = (length_generalisation.SHORT, "trained up to here")
    study = Study(
        lines,
        1 / length_generalisation.DIGITS,
        (length_generalisation.ceiling(), "reads ten, guesses else"),
        border,
        "signs in the sequence",
    )
    with st.container(key=f"{KEY}.frame"):
        show(figures.beyond(study, is_dark()), f"{KEY}.figure", "why-recurrence", figures.table(study), stretch=True)
