"""Panel "Does it learn?": small networks trained live on tasks that need memory."""

from functools import partial

import pandas as pd
import streamlit as st

from explorer.figures import training_curve as figures
from explorer.figures.gradient_decay import Curve
from models.memory_tasks import experiments
from pages._gradient_flow import more_parameters, recurrence, state, truncated
from pages._gradient_flow.compute import View
from pages._ui import jobs
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save
from pages._ui.text import how_to_read, table

KEY = "gradient_flow.learn"
TASKS = (
    "temporal order",
    "adding",
    "copying",
)  # as in models.memory_tasks.tasks; importing them from there would load torch, which takes a second
WIDER = "wider RNN"  # with as many parameters as the LSTM
KINDS = {"RNN": "rnn", WIDER: "rnn", "GRU": "gru", "LSTM": "lstm"}
LENGTHS, UNITS, UPDATES = (10, 20, 40, 60, 100), (8, 16, 32, 64), (1000, 2000, 4000)
KEPT = 12  # finished and stopped trainings kept per visitor
PARTS = ("Train live", "Why recurrence", "More parameters?", "Truncated backpropagation")
READ = """
- **Chance** is the score of the best answer that is the same for every sequence. A network at this line has remembered nothing.
- The map shows the gradient of the *last answer's* loss with respect to the state at every step, relative to the last step
  (median of five held-out sequences). Each column is one evaluation; the first was made before training.
- The inputs that the answer depends on lie **at or above the dashed line**. Where no gradient arrives, nothing can be learned,
  and a network that starts this way may stay at chance however long it is trained.
- **Wider RNN**: a plain RNN with as many parameters as the LSTM, for a comparison that is not decided by size. *More parameters?* shows
  it for several seeds.
- One seed is one sample: try another. Each kind of network has its own learning rate; the forget bias of an LSTM starts at 1.

Sources: Hochreiter and Schmidhuber, 1997; Pascanu, Mikolov and Bengio, 2013.
"""


def panel(view: View, drawn: list[Curve]) -> None:
    """Four parts: live training on a task, two demonstrations, and a comparison at equal size."""
    options = {"label_visibility": "collapsed", "bind": "query-params", "required": True}
    part = st.segmented_control("Part", PARTS, default=PARTS[0], key=f"{KEY}.part", **options)
    {PARTS[0]: _live, PARTS[1]: recurrence.part, PARTS[2]: more_parameters.part, PARTS[3]: truncated.part}[str(part)]()


def _live() -> None:
    st.markdown("**Does it learn?** The answer depends on an input near the start. Train, and see whether the gradient reaches it.")
    setups = _chosen()
    if not setups:
        st.info("Choose at least one kind of network.", icon=":material/info:")
        return
    st.caption(f"The task: *{setups[0].what.says}*")
    jobs.start_button("Train", KEY, lambda: _begin(setups))
    jobs.watch(lambda: _draw(setups[0]), KEY, _has_curve)
    terms(
        "RNN",
        "LSTM",
        "GRU",
        "parameters",
        "chance",
        "loss",
        "accuracy",
        "memory task",
        "truncated backpropagation",
        "training step",
        "seed",
        "unit",
    )
    how_to_read(READ)


def _chosen() -> list:
    from models.memory_tasks.network import Setup, matched

    columns = st.columns([3, 4, 2, 2, 2, 2], vertical_alignment="bottom")
    task = columns[0].selectbox("Task", TASKS, key=f"{KEY}.task", bind="query-params")
    kinds = columns[1].pills("Networks", KINDS, selection_mode="multi", default=["RNN", "LSTM"], key=f"{KEY}.kinds", bind="query-params")
    length = columns[2].selectbox("Sequence length", LENGTHS, 1, key=f"{KEY}.length", bind="query-params")
    units = columns[3].selectbox("Units", UNITS, 2, key=f"{KEY}.units", bind="query-params")
    updates = columns[4].selectbox("Training steps", UPDATES, key=f"{KEY}.updates", bind="query-params")
    seed = columns[5].number_input("Seed", 1, 99, key=f"{KEY}.seed", bind="query-params")
    setups = {kind: Setup(task, KINDS[kind], length, units, updates, seed=seed) for kind in KINDS if kind in kinds}
    return [matched(setup) if kind == WIDER else setup for kind, setup in setups.items()]


def _name(setup) -> str:
    kind = state.TITLES[setup.kind]
    return f"{kind}, {setup.units} units" + (f", seed {setup.seed}" if setup.seed != 1 else "")


def _kept() -> dict:
    """Training curves of this visitor by setup, the latest last."""
    return st.session_state.setdefault(f"{KEY}.kept", {})


def _has_curve() -> bool:
    """Whether one of the trainings that were started last has more than its first point, whatever is chosen meanwhile."""
    kept = dict(_kept())  # the training adds to it meanwhile
    return any(len(kept[setup].looks) > 1 for setup in st.session_state.get(f"{KEY}.begun", ()) if setup in kept)


def _begin(setups: list):
    kept = _kept()
    st.session_state[f"{KEY}.begun"] = setups
    for setup in setups:
        kept.pop(setup, None)
    for setup in list(kept)[: max(0, len(kept) + len(setups) - KEPT)]:
        del kept[setup]
    return experiments.in_turn([(setup, _name(setup), partial(kept.__setitem__, setup)) for setup in setups])


def _alike(shown) -> dict:
    """The trainings with the same task, length and number of training steps as the chosen one."""
    kept = dict(_kept())  # the training adds to it meanwhile
    return {s: c for s, c in kept.items() if (s.task, s.length, s.updates) == (shown.task, shown.length, shown.updates)}


def _draw(shown) -> None:
    """The trainings with the same task, length and number of training steps as the chosen one, and a table of all."""
    if alike := _alike(shown):
        _figures(alike)
    if kept := dict(_kept()):
        table(_finished(kept), f"{KEY}.finished", "trainings")


def _figures(alike: dict) -> None:
    setup, courses, dark = next(iter(alike)), list(alike.values()), is_dark()
    chance = setup.what.chance(setup.length)
    left, right = st.columns(2, gap="medium")
    with left, st.container(key=f"{KEY}.frame"):
        accuracy = made(figures.progress, courses, "accuracy", chance.accuracy, setup.updates, "", dark)
        loss = made(figures.progress, courses, "loss", chance.loss, setup.updates, setup.what.measure, dark)
        draw(accuracy, f"{KEY}.accuracy", stretch=True)
        draw(loss, f"{KEY}.loss", stretch=True)
        save([accuracy, loss], f"{KEY}.accuracy", "does-it-learn", figures.table(courses))
    with right, st.container(key=f"{KEY}.picture"):
        names = [course.name for course in courses]
        if st.session_state.get(f"{KEY}.map") not in names:
            st.session_state[f"{KEY}.map"] = names[-1]
        name = st.segmented_control("Gradient of", names, key=f"{KEY}.map", required=True)
        course = courses[names.index(name)]
        figure = made(figures.gradient_map, course, setup.what.reach(setup.length), setup.updates, dark)
        draw(figure, f"{KEY}.gradient", stretch=True)
        save(figure, f"{KEY}.gradient", "gradient-map", figures.map_table(course))


def _finished(kept: dict) -> pd.DataFrame:
    """A table with one row per training of this visitor."""
    from models.memory_tasks.network import parameters

    rows = []
    for setup, course in kept.items():
        last, chance = course.looks[-1], setup.what.chance(setup.length)
        about = {
            "task": setup.task,
            "sequence length": setup.length,
            "network": course.name,
            "training steps": f"{last.update} of {setup.updates}",
            "parameters": f"{parameters(setup):,}",
        }
        about |= {"accuracy": f"{last.accuracy:.1%}", "chance": f"{chance.accuracy:.1%}", "loss": f"{last.loss:.3g}"}
        rows.append(about | {"seconds": f"{course.seconds:.0f}"})
    return pd.DataFrame(rows)
