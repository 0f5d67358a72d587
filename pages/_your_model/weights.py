"""Weights without a card: what was found in them, corrected by select boxes, and the network that they make up, reading a text."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.analysis.ordering import IN_WORDS
from explorer.errors import CheckpointError
from explorer.figures.scales import scale_of
from explorer.figures.states import StateFigure
from models import Loaded
from models.foreign.experiments.behaviour import SAMPLE, of_run
from models.foreign.experiments.reading import FoundRun, read_text
from models.foreign.health import Finding, of_weights, worst_first
from models.foreign.layout import Choice, Linear, choice, uses
from models.foreign.listed import Listed
from models.foreign.opening import READER, Assumptions, Opened, as_checkpoint, assumptions, network_of, open_file, why_not
from pages._components.state_view import state_view
from pages._ui import uploads
from pages._ui.cache import shared_cache, size
from pages._ui.layout import text_form
from pages._ui.progress import guard
from pages._ui.text import code, count, grid, plain
from pages._your_model import classes, tokens
from pages._your_model.tokens import KEY, pick

FILE, TEXT = f"{KEY}.file", f"{KEY}.text"
SPREAD = 0.1  # of the state of a unit that moves
ONE_HOT, NUMBERS, NONE = "one-hot vectors", "numbers, no tokens", "none"
MEGABYTES = 512  # of all weights on this page together
LONGEST = 2_000  # characters read on this page
FORWARD, BACKWARD = "from the beginning", "from the end"
SPELT = 8  # unknown tokens that are listed
ICONS = {"error": ":material/error:", "warning": ":material/warning:", "info": ":material/info:"}
GUESSED = "Each choice below was guessed from names and shapes. Change what is wrong."
DESCRIBED = "The file says how its layers follow one another and which functions they use."
UPLOAD_AGAIN = "The file is no longer on the server. Upload it again."


def keep(content: bytes, file: str) -> None:
    """Read a file of weights, and show it from now on.

    Raises:
        CheckpointError: it cannot be read.
    """
    key = (hashlib.sha256(content).hexdigest(), file)
    opened = shared_cache("weights", MEGABYTES).get(key, lambda: open_file(content, file))
    if size(opened) > MEGABYTES * 1_000_000:
        raise CheckpointError(f"{file} holds more than {MEGABYTES} MB of weights, the most that this page shows.")
    forget()
    st.session_state[FILE] = key


def forget() -> None:
    """Show no weights."""
    for key in [key for key in st.session_state if str(key).startswith(f"{KEY}.")]:
        del st.session_state[key]


@dataclass(frozen=True)
class Kept:
    """A network that the visitor opened for the rooms, and what she was looking at.

    Args:
        name, kind: Of the network.
        text: The text.
        unit, layer: Counted from 0.
        is_backward: Whether the direction that reads from the end is shown.
    """

    name: str
    kind: str
    text: str = ""
    unit: int = 0
    layer: int = 0
    is_backward: bool = False


def panel() -> Kept | None:
    """What the file holds; returns the network after the visitor has opened it for the rooms."""
    key = st.session_state.get(FILE)
    if key is None:
        return None
    opened: Opened | None = shared_cache("weights", MEGABYTES).get(key, lambda: None)
    if opened is None:
        st.info(UPLOAD_AGAIN, icon=":material/upload_file:")
        return None
    st.markdown(f"**{plain(key[1])}** is {opened.weights.form}. {_in_words(opened.choice)}")
    if opened.choice is not None:
        st.caption(DESCRIBED if opened.is_described else GUESSED)
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with row:
        chosen, assumed = _choices(opened)
        what = (key, repr(chosen), assumed)
        broken = any(finding.code == "not_finite" for finding in _findings(what, opened, chosen))
        listed = None if broken or chosen is None or why_not(opened, chosen) else tokens.of_network(what, opened, chosen)
    findings, loaded, run = [*_findings(what, opened, chosen, listed)], None, None
    if chosen is not None and listed is not None:
        at = (*what, listed, _text())
        with guard(stop=False):
            make = lambda: network_of(opened, chosen, listed, assumed)  # noqa: E731
            loaded = shared_cache("found networks", 256).get((*what, listed), make)
            run = _run(loaded, at)
            findings += shared_cache("rows", 16).get(("health", *at), lambda: of_run(loaded, run))
    _health(findings)
    kept = None
    if loaded is not None and run is not None:
        kept = _reads(loaded, at, row)
        if chosen is not None and listed is not None and (classified := classes.panel(opened, chosen, listed, assumed, loaded.vocab.noun)):
            kept = Kept(*classified)
    elif loaded is not None:
        _your_text()
    _table(opened, chosen)
    return kept


def _in_words(chosen: Choice | None) -> str:
    if chosen is None:
        return "No recurrent layer was found in it."
    return "Recurrent layers: " + "; then ".join(plain(f"{stack.path} ({stack.in_words})".strip()) for stack in chosen.stacks) + "."


def _choices(opened: Opened) -> tuple[Choice | None, Assumptions]:
    """The network in the file as it was guessed, with what the visitor chose otherwise."""
    guess = opened.choice
    if guess is None:
        return None, Assumptions()
    if opened.is_described:
        return guess, _shown(guess, Assumptions())
    starts = {stack.path or "(no name)": stack for stack in opened.layout.stacks}
    if len(starts) > 1:
        names = list(starts)
        first = st.selectbox("Recurrent layers", names, names.index(guess.stacks[0].path or "(no name)"), key=f"{KEY}.start", width=180)
        guess = guess if starts[first] == guess.stacks[0] else choice(opened.layout, starts[first]) or guess
    first = guess.stacks[0]
    likely = guess.embedding or (ONE_HOT if guess.is_one_hot else NUMBERS)
    inputs = pick("Inputs", [*opened.layout.embeddings(first), ONE_HOT, NUMBERS], likely, f"embedding.{first.path}")
    ways = _ways(opened, guess)
    output = pick("Output", [*ways, NONE], _called(guess.outputs), f"output.{first.path}")
    embedding = None if inputs in (ONE_HOT, NUMBERS) else inputs
    sure = (guess.sure[0] or inputs != likely, guess.sure[1] or output != _called(guess.outputs))  # what the visitor chose is sure
    chosen = replace(guess, embedding=embedding, outputs=ways.get(output, ()), is_one_hot=inputs == ONE_HOT, sure=sure)
    return chosen, _assumptions(opened, chosen)


def _assumptions(opened: Opened, chosen: Choice) -> Assumptions:
    """What the weights do not say: functions, and which of several layers to show."""
    assumed = assumptions(opened, chosen)
    if any(stack.kind == "rnn" for stack in chosen.stacks):
        assumed = replace(
            assumed,
            nonlinearity=pick("Function of the RNN", ["tanh", "relu"], assumed.nonlinearity, f"nonlinearity.{opened.weights.file}"),
        )
    if len(chosen.outputs) > 1:
        assumed = replace(assumed, activation=pick("Between the output layers", ["relu", "tanh", "none"], "relu", "activation"))
    return _shown(chosen, assumed)


def _shown(chosen: Choice, assumed: Assumptions) -> Assumptions:
    """The same, with the layers that are shown, where there are several."""
    names = [stack.path for stack in chosen.stacks]
    if len(names) < 2:
        return assumed
    return replace(assumed, shown=names.index(pick("Shown", names, names[-1], f"shown.{names[0]}")))


def _ways(opened: Opened, guess: Choice) -> dict[str, tuple[Linear, ...]]:
    """Linear layers that can give the answer, by a name for the menu."""
    width = guess.stacks[-1].width
    ways = {_called(guess.outputs): guess.outputs} if guess.outputs else {}
    return ways | {_called((linear,)): (linear,) for linear in opened.layout.linears(width)}


def _called(outputs: Sequence[Linear]) -> str:
    return ", then ".join(linear.weight for linear in outputs) or NONE


def _findings(what: tuple, opened: Opened, chosen: Choice | None, listed: Listed | None = None) -> list[Finding]:
    """Findings on the weights, looked for once."""
    names = None if listed is None else listed.tokens
    return shared_cache("rows", 16).get(("weights", *what, names), lambda: of_weights(opened, chosen, names, what[-1]))


def _text() -> str:
    return st.session_state.get(TEXT) or SAMPLE


def _reads(loaded: Loaded, at: tuple, row: DeltaGenerator) -> Kept | None:
    """The network reads a text; returns what was kept once it was opened for the rooms.

    Args:
        loaded: The network.
        at: What is read, for the cache of runs.
        row: Container of the menus.
    """
    both = loaded.card["arguments"]["directions"] == 2
    is_backward = both and bool(st.segmented_control("Direction", [FORWARD, BACKWARD], default=FORWARD, key=f"{KEY}.direction") == BACKWARD)
    layers = [f"layer {index + 1}" for index in range(loaded.card["arguments"]["layers"])]
    with row:
        layer = layers.index(pick("Layer", layers, layers[-1], f"layer.{len(layers)}")) if len(layers) > 1 else 0
    run = _run(loaded, at, is_backward, layer)
    noun = loaded.vocab.noun
    st.markdown(f"Each {noun} is coloured by one unit after the network has read it. Click a row of the map to see another unit.")
    if run.unknown:
        shown = " ".join(code(token) for token in run.unknown[:SPELT] if token.isprintable())
        instead = "its unknown mark" if loaded.vocab.has_unknown else "an input of zeros"
        st.caption(f"The network does not know {count(len(run.unknown), noun)} of this text and reads {instead} instead: {shown}")
    choice = state_view(figure(run, f"{loaded.name}, {layers[layer]}"), f"{KEY}.view")
    is_wanted, can_go = False, noun != "token"  # what splits a text into subwords is not kept with the weights
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if can_go:
            is_wanted = st.button("**Open it in the rooms**", key=f"{KEY}.open", icon=":material/door_open:")
        _your_text()
    if not can_go:
        st.caption("A network of subwords is shown on this page alone: the rooms do not keep the file that splits the text.")
    elif loaded.card["kind"] == READER:
        st.caption("*One step* and *Gradient flow* follow the prediction of the next character, which this network does not make.")
    if not is_wanted:
        return None
    with guard():
        name = uploads.keep(loaded.name, as_checkpoint(loaded), loaded.card["kind"])
    return Kept(name, loaded.card["kind"], _text(), choice.unit, layer, is_backward)


def _your_text() -> None:
    with st.popover("Your text", icon=":material/edit:", width="content"):
        text_form(KEY, _text(), LONGEST, _read, form=f"{KEY}.form")


def _run(loaded: Loaded, at: tuple, is_backward: bool = False, layer: int = -1) -> FoundRun:
    """The text as the network reads it, read once; `layer` is counted from 0, -1 for the last.

    Raises:
        CheckpointError: the text has no token.
    """
    layer %= loaded.card["arguments"]["layers"]
    return shared_cache("traces", 768).get((*at, is_backward, layer), lambda: read_text(loaded, _text(), is_backward, layer))


def figure(run: FoundRun, title: str) -> StateFigure:
    """The run as the component draws it."""
    return StateFigure(
        tokens=run.trace.tokens,
        values=run.values,
        quantity=run.quantity,
        unit=_first_unit(run),
        order=run.order,
        order_name=IN_WORDS[run.order_name],
        scale=scale_of(run.quantity, run.values, False),
        next_tokens=run.next_tokens,
        next_p=run.next_p,
        bits=run.bits,
        title=title,
    )


def _first_unit(run: FoundRun) -> int:
    """The unit to open with: of those that move, the one with the longest memory."""
    spread = run.values.std(0)
    return next((int(unit) for unit in run.order if spread[unit] > max(SPREAD, spread.max() / 2)), int(spread.argmax()))


def _read(text: str | None) -> None:
    st.session_state[TEXT] = text or SAMPLE


def _health(findings: list[Finding]) -> None:
    """Findings as sentences, the worst first."""
    lines = worst_first(findings)
    st.markdown("**Health**  \n" + "  \n".join(f"{ICONS[finding.level]} {plain(finding.text)}" for finding in lines))


def _table(opened: Opened, chosen: Choice | None) -> None:
    with st.expander(f"All {len(opened.layout.shapes):,} tensors, and what each is used for"):
        shown = uses(opened.layout, chosen)
        sizes = [" × ".join(map(str, use.shape)) or "one number" for use in shown]
        known = ["sure" if use.sure else "guessed" for use in shown]
        columns = {"tensor": [use.name for use in shown], "shape": sizes, "used as": [use.used_as for use in shown], "sure": known}
        grid(pd.DataFrame(columns), f"{KEY}.table")
