"""View of the page "Gradient flow": the lines, the text, the character whose loss is followed, the link."""

from collections.abc import Sequence

import streamlit as st

from explorer.analysis.brackets import PAIRS, Closing, closings
from pages._gradient_flow.compute import Network, View
from pages._hidden_states.examples import EXAMPLES
from pages._ui import networks, uploads
from pages._ui.layout import folding, select, select_named, text_form
from pages._ui.link import clean, is_unread, link, link_text, linked_text, linked_whole
from pages._ui.text import plain

PAGE = "gradient_flow"
CORPUS, LINES, LAYER, WHAT, SCALE, BACK, BIAS, FELT = (
    f"{PAGE}.{name}" for name in ("corpus", "lines", "layer", "what", "scale", "back", "bias", "felt")
)
TEXT, AT, PLACE = (f"{PAGE}.{name}" for name in ("text", "at", "place"))
OWN = "your own"
UNTRAINED = "untrained {}"
WHATS = {"state": "state", "hidden state h": "hidden", "cell state c": "cell"}
TWELVE, WHOLE = "twelve decades", "the whole scale"  # in links
SCALES = {TWELVE: "down to 1e-12", WHOLE: "full range"}
BACKS = (200, 50, 100, 400)
WIDE = 300  # pixels of a widget in a popover
MOST = 2_000  # characters of a text, all of which are drawn
TITLES = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}


def restore() -> None:
    """Read text and character from the link, once per visitor."""
    state = st.session_state
    if not is_unread(TEXT):
        return
    state[AT], state[TEXT] = linked_whole(AT, 100_000), linked_text(TEXT, MOST)
    uploads.remember_linked(PAGE, UNTRAINED.format(""))


def cards() -> dict[str, dict]:
    """Cards of the networks that this page can show."""
    return networks.emitting("trace", "next_token")


def corpora() -> list[str]:
    """The training texts of the networks, in the order of the networks."""
    return list(dict.fromkeys(card["data"]["corpus"] or OWN for card in cards().values()))


def names(corpus: str) -> list[str]:
    """The networks of a training text, in the order plain RNN, GRU, LSTM."""
    own = [name for name, about in cards().items() if (about["data"]["corpus"] or OWN) == corpus]
    return sorted(own, key=lambda name: list(TITLES).index(kind(name)))


def kind(name: str) -> str:
    """Kind of a network's cell."""
    return cards()[name]["arguments"]["cell"]


def title(network: Network) -> str:
    """Name of a line."""
    if network.is_trained:
        return network.name
    name = UNTRAINED.format(TITLES[kind(network.name)])
    return name if network.bias is None else f"{name}, forget bias {network.bias:g}"


def example(corpus: str) -> str:
    """The text to open with, including the warm-up."""
    shown = EXAMPLES.get(corpus, EXAMPLES["wiki"])
    return shown.warm_up + shown.text


def closing_marks(text: str) -> list[Closing]:
    """Every closing mark of a text."""
    return sorted((mark for pair in PAIRS[:4] for mark in closings(text, *pair)), key=lambda mark: mark.at)


def first_index(text: str) -> int:
    """The character to open with: the closing mark furthest from its opening mark, of the first kind with 200 characters before it."""
    for opener, mark in PAIRS:
        far = [closing for closing in closings(text, opener, mark) if closing.at > BACKS[0]]
        if far:
            return max(far, key=lambda closing: closing.distance).at
    return max(len(text) - 1, 1)


def set_text(text: str | None) -> None:
    """Read another text; None goes back to the example."""
    st.session_state[TEXT] = None if text is None else clean(text, MOST)
    st.session_state[AT] = None


def set_at(at: int) -> None:
    """Follow the loss at another character."""
    st.session_state[AT] = max(at, 1)


def pick() -> View:
    """The row of widgets, and the view they choose."""
    known = corpora()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        bias = st.slider("Forget bias of the untrained LSTM", 0.0, 4.0, 0.0, 0.5, key=BIAS, bind="query-params", width=230)
        with folding(PAGE):
            corpus = select("Trained on", known, CORPUS, 130)
            layers = range(1, 1 + max(cards()[name]["arguments"]["layers"] for name in names(corpus)))
            layer = select("Layer", [f"layer {n}" for n in reversed(layers)], LAYER, 105)
            what = select("Gradient with respect to", list(WHATS), WHAT, 150)
            with st.popover("Lines", icon=":material/show_chart:", width="content"):
                lines, felt = _lines(names(corpus), bias)
                scale = select_named("Scale", SCALES, SCALE, WIDE, label_visibility="visible")
                back = select("How far back", [f"{lags} characters" for lags in BACKS], BACK, WIDE, label_visibility="visible")
            text = _text_popover(corpus)
    at = st.session_state[AT]
    at = first_index(text) if at is None else min(max(at, 1), max(len(text) - 1, 1))
    index = int(layer.removeprefix("layer ")) - 1
    return View(lines, felt, text, at, int(back.split()[0]), index, WHATS[what], scale == WHOLE)


def _lines(known: Sequence[str], bias: float) -> tuple[tuple[Network, ...], Network]:
    options = [*known, *(UNTRAINED.format(name) for name in known)]
    first = [*known, *(UNTRAINED.format(name) for name in known if kind(name) == "lstm")]
    state = st.session_state
    kept, usual = [line for line in state.get(LINES) or () if line in options], first
    if not is_unread(LINES) and (not kept or kept != state[LINES]):
        state[LINES], usual = kept or first, None
    chosen = st.pills("Lines", options, selection_mode="multi", default=usual, format_func=plain, key=LINES, bind="query-params")
    st.caption("An untrained network has the same architecture and random weights (seed 0); an LSTM has the forget bias chosen above.")
    felt = select("Colour characters by the gradient of", options, FELT, WIDE, options.index(known[-1]), label_visibility="visible")
    every = {name: Network(name) for name in known}
    every |= {UNTRAINED.format(name): Network(name, False, bias if kind(name) == "lstm" else None) for name in known}
    return tuple(every[line] for line in options if line in (chosen or first)), every[felt]


def _text_popover(corpus: str) -> str:
    state = st.session_state
    text = example(corpus) if state[TEXT] is None else state[TEXT]
    with st.popover("Text and character", icon=":material/edit:", width="content"):
        # Filled at each run: a click in the text may have chosen another character. Counted from 1; the first has no loss.
        last = max(len(text) - 1, 1)
        state[PLACE] = 1 + min(first_index(text) if state[AT] is None else max(state[AT], 1), last)
        st.number_input("Follow the loss at character", 2, 1 + last, key=PLACE, on_change=lambda: set_at(state[PLACE] - 1))
        text_form(PAGE, text, MOST, set_text, "form")
    return text


def write_link(view: View) -> None:
    """Write text and character into the link; a text that is too long is left out."""
    corpus = st.session_state[CORPUS]
    link_text(TEXT, view.text, example(corpus))
    link(AT, str(view.at), str(first_index(view.text)))
