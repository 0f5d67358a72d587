"""State of the Attention page: the widgets of the first row, the sentence, the visitor's edits, and the link."""

import re
from typing import Any

import streamlit as st

from models.translation.experiments.edits import ALIKE, Edit
from pages._attention.compute import View
from pages._ui import networks, uploads
from pages._ui.layout import bound, folding, select_named, try_another
from pages._ui.link import clean, is_unread, link, link_text, linked, linked_text, linked_whole
from pages._ui.text import plain

PAGE = "attention"
EMITS = ("trace", "alignment")  # what a network gives that this page can show
MODEL, TEXT, DRAFT, ROW, EDITS, UNITS, BEFORE, CUT = (
    f"{PAGE}.{name}" for name in ("model", "text", "draft", "row", "edits", "units", "before", "cut")
)
CHARACTERS = 2_000  # of a text: some 300 words
WORDS, SUBWORDS = "words", "pieces"  # as links hold them
LETTERS = {"look": "l", "write": "w"}
# Sentences to try, what to look for in each, and words that the translation must contain to show it.
TRY = {
    "en-fr": (
        ("She gave me the key.", "“me” comes before the verb in French", "m'a donné"),
        ("I do not like cold coffee.", "one “not” becomes two words", "n'aime pas"),
        ("The old man has a black dog.", "one adjective stays before its noun, the other moves after it", "chien noir"),
        ("I miss you.", "“I” and “you” change places", "me manque"),
        ("I am looking for a cheap hotel.", "“cheap” becomes two words and moves", "hôtel bon marché"),
        ("I like the blorfle.", "“blorfle” is not a word, and yet it is translated", "J'aime"),
    ),
    "fr-en": (
        ("Elle m'a donné la clé.", "“m'” moves after the verb", "gave me"),
        ("Je n'aime pas le café.", "the two words around the verb become one before it", "don't like"),
        ("La voiture rouge est devant la maison.", "the colour moves, and “devant” becomes three words", "red car is in front"),
        ("Il ne boit jamais de lait chaud.", "“ne ... jamais” becomes “never”", "never drink"),
    ),
}


def restore() -> None:
    """Read sentence, row and edits from the link, once per visit."""
    state = st.session_state
    if not is_unread(TEXT):
        return
    uploads.remember_linked(PAGE)
    state[TEXT], state[ROW] = linked_text(TEXT, CHARACTERS), linked_whole(ROW, 10_000)
    state[EDITS] = edits_of(linked(EDITS, ""))
    state.pop(CUT, None)


def edits_of(code: str) -> tuple[Edit, ...]:
    """The edits that a link holds: "3l2" moves the weight of step 3 to source word 2, "4la" to all equally, "5w117" forces subword 117."""
    matches = [re.fullmatch(r"(\d{1,3})(l|w)(\d{1,6}|a)", part, re.ASCII) for part in code.split(".")]
    kinds = {letter: kind for kind, letter in LETTERS.items()}
    parts = [match.groups() for match in matches if match]
    edits = {(step, letter): Edit(int(step), kinds[letter], ALIKE if value == "a" else int(value)) for step, letter, value in parts}
    return tuple(sorted(edit for edit in edits.values() if edit.kind == "look" or edit.value >= 0))[:50]


def code_of(edits: tuple[Edit, ...]) -> str:
    """Edits as text for the link."""
    return ".".join(f"{edit.step}{LETTERS[edit.kind]}{'a' if edit.value == ALIKE else edit.value}" for edit in edits)


def card() -> dict[str, Any]:
    """The card of the chosen network."""
    return networks.chosen(networks.emitting(*EMITS), MODEL)


def example(about: dict) -> dict[str, Any]:
    """The sentence the page opens with: the one that a search chose for this network, see its card; else the first to try."""
    return about.get("example") or {"sentence": tries(about)[0][0]}


def tries(about: dict) -> tuple[tuple[str, str, str], ...]:
    """Sentences to try, what to look for, and in which words; English ones for other languages."""
    return TRY.get(about["direction"], TRY["en-fr"])


def gesture(about: dict) -> Edit | None:
    """The edit that the first button makes, on the example only."""
    shown = example(about)
    return Edit(shown["step"], "look", shown["other"]) if "step" in shown else None


def set_text(text: str | None) -> None:
    """Translate another sentence; None returns to the example."""
    state = st.session_state
    state[BEFORE] = state.get(TEXT), state[EDITS]
    state[TEXT] = None if text is None else clean(text, CHARACTERS)
    state[EDITS], state[ROW], state[CUT] = (), None, text is not None and len(text) > CHARACTERS


def set_row(row: int) -> None:
    """Select another word of the translation."""
    st.session_state[ROW] = row


def edit(step: int, kind: str, value: int) -> None:
    """Replace one choice of the network; edits of later steps are dropped, since they belonged to another sentence.

    A forced word keeps the attention of its step; a step with new attention chooses its word again.
    """
    state = st.session_state
    state[BEFORE] = state.get(TEXT), state[EDITS]
    kept = [other for other in state[EDITS] if other.step < step or (other.step == step and other.kind == "look" != kind)]
    state[EDITS] = (*sorted([*kept, Edit(step, kind, value)]),)


def back() -> None:
    """Return to the text and edits before the last change, when a long translation is cancelled."""
    state = st.session_state
    state[TEXT], state[EDITS] = state.pop(BEFORE, (None, ()))


def undo(step: int | None = None) -> None:
    """Undo the edits of a step and all later ones; all edits if no step is given."""
    st.session_state[EDITS] = tuple(edit for edit in st.session_state[EDITS] if step is not None and edit.step < step)


def pick(about: dict) -> View:
    """Draw the first row of widgets; returns what they choose."""
    cards = networks.emitting(*EMITS)
    text = st.session_state[TEXT]
    text = example(about)["sentence"] if text is None else text
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        # Set at every run: a button or a link may have changed the sentence.
        st.session_state[DRAFT] = text
        st.text_input("Sentence to translate", key=DRAFT, label_visibility="collapsed", on_change=_typed)
        _gesture_button(about, text)
        with folding(PAGE):
            model = st.selectbox("Network", list(cards), width=190, on_change=other_network, args=(about,), **bound(MODEL))
            by = select_named("Rows and columns", {WORDS: "words", SUBWORDS: "subwords"}, UNITS, 120, on_change=_other_rows)
            try_another(PAGE, [(sentence, why) for sentence, why, _ in tries(about)], set_text)
    edits = st.session_state[EDITS]
    return View(model, text, edits, _row(about, text), by == SUBWORDS)


def _typed() -> None:
    set_text(st.session_state[DRAFT])


def other_network(before: dict) -> None:
    """Drop the edits, which belonged to the previous network; keep the sentence if the language is the same."""
    state = st.session_state
    undo()
    if card()["direction"] != before["direction"]:
        set_text(None)
    elif state[TEXT] is None:
        state[TEXT] = example(before)["sentence"]


def _other_rows() -> None:
    st.session_state[ROW] = None


def _row(about: dict, text: str) -> int:
    row = st.session_state[ROW]
    return row if row is not None else _default_row(about, text, st.session_state.get(UNITS, WORDS) == SUBWORDS)


def _gesture_button(about: dict, text: str) -> None:
    shown, wanted = example(about), gesture(about)
    if wanted is None or text != shown["sentence"]:
        return
    is_done = wanted in st.session_state[EDITS]
    label = "Restore its own weights" if is_done else f"Make it look at “{plain(shown['looks_instead'])}”"
    st.button(
        f"**{label}**",
        key=f"{PAGE}.gesture",
        icon=":material/undo:" if is_done else ":material/ads_click:",
        on_click=_make_the_gesture,
        args=(wanted, is_done),
    )


def _make_the_gesture(wanted: Edit, is_done: bool) -> None:
    st.session_state[ROW] = None  # the example's own row
    if is_done:
        undo()
    else:
        edit(wanted.step, wanted.kind, wanted.value)


def write_link(view: View, about: dict) -> bool:
    """Write sentence, row and edits into the link; False if the text is too long for it."""
    link(ROW, str(view.row), str(_default_row(about, view.text, view.by_subwords)))
    link(EDITS, code_of(view.edits), "")
    # Edits belong to their sentence: a retrained network may open with another example.
    return link_text(TEXT, view.text, None if view.edits else example(about)["sentence"])


def _default_row(about: dict, text: str, by_subwords: bool) -> int:
    shown = example(about)
    return shown.get("step" if by_subwords else "row", 0) if text == shown["sentence"] else 0
