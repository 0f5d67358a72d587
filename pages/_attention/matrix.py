"""The first screen: the translation, the matrix of its attention, and the chosen word with what would change it."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from explorer.figures import alignment as figures
from models.translation.experiments.edits import ALIKE, Sentence
from pages._attention import compute, state
from pages._attention.compute import View
from pages._ui.progress import patiently
from pages._ui.show import draw, draw_to_click, is_dark, save, scrolling
from pages._ui.text import marked, plain, share

KEY = "attention.matrix"
OWN, ALL = "its own weights", "all words alike"
ITSELF = -2  # in the list of what to look at: no edit
OTHERS = 4  # alternatives offered
WIDEST = 24  # words up to which the matrix is the first picture; beyond, lines
CLICK = "Click a row of the matrix to choose its word, then another cell of that row: the decoder looks there instead."
WRITE = "Choose a word of the translation and write another instead: everything after it is decoded anew."
# On a narrow screen lines come first and the matrix scrolls in its own frame.
STYLE = """<style>
@media (min-width: 641px) { .st-key-attention-lines { display: none; } }
@media (max-width: 640px) { .st-key-attention-draft { flex: 1 1 100%; } }
</style>"""
HOW_TO_READ = """
Each **row** is a word of the translation, each **column** a word of the source; the darker a cell, the more the decoder
looked there **when it chose the word of that row**. The weights come out of a softmax, so every row sums to 1; `</s>` is the
end mark, where attention often rests when a word needs nothing from the source. Where a word is made of several pieces, its
column is the sum over them and its row the average.

At step i the decoder has the state s₍ᵢ₋₁₎ and scores every encoder state hⱼ: **additive** eᵢⱼ = vᵀ tanh(W s₍ᵢ₋₁₎ + U hⱼ),
**bilinear** eᵢⱼ = s₍ᵢ₋₁₎ᵀ W hⱼ / √units, **uniform** eᵢⱼ = 0. Then αᵢ = softmax(eᵢ), the context is cᵢ = Σⱼ αᵢⱼ hⱼ, and the next
word is read from sᵢ = GRU([word before; cᵢ], s₍ᵢ₋₁₎), cᵢ and the word before. With **none**, one vector carries the whole sentence.

- **Click a row** to choose its word. **Click another cell of the chosen row** to put all its weight there: the word is chosen
  again, and everything after it is decoded anew.
- hⱼ has read the whole sentence, in both directions: a weight says which *state* was looked at, not which word was used.
- That a word changes with its weights shows that this network uses them. It does not show that they are the reason for the word.

Sources: Bahdanau, Cho and Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate*, 2015; Luong, Pham and
Manning, 2015; Wiegreffe and Pinter, *Attention is not not Explanation*, 2019.
"""


def sentence(view: View, about: dict, now: Sentence | None) -> str:
    """What to look for in this very picture; now: what is drawn, None where nothing is."""
    if now is None:
        return "Whatever you type is translated at once, and you see where the decoder looked for each word."
    shown, wanted = state.example(about), state.gesture(about)
    if wanted and view.text == shown["sentence"] and view.edits == (wanted,):
        word = next(word for word, steps in zip(now.target, now.steps, strict=True) if wanted.step in steps)
        return f"Looking at “{shown['looks_instead']}” it writes “{plain(word)}”; everything after it was decoded anew."
    if view.edits or wanted is None or view.text != shown["sentence"]:
        invitation = CLICK if now.alignment is not None else WRITE
        return f"Look for this: {note}. {invitation}" if (note := _note(view, about, now)) else invitation
    first, second = shown["crossing"]
    crossing = f"“{first} {second}” changes its order: the strongest cells cross." if first != second else ""
    return f"{crossing} “{shown['word']}” was chosen while looking at “{shown['looks']}”. Make it look at “{shown['looks_instead']}”."


def _note(view: View, about: dict, now: Sentence) -> str:
    """What there is to see in a sentence of ours, where the translation has it."""
    notes = {} if view.edits else {text: (why, words) for text, why, words in state.tries(about)}
    why, words = notes.get(view.text, ("", ""))
    return why if words in now.text else ""


def panel(view: View, about: dict) -> tuple[View, Sentence | None]:
    """Translation, matrix and chosen word; gives the view with a row that exists, and what is shown."""
    view = patiently(f"{view.model} translates", f"{KEY}.cancel", state.back, lambda report: compute.followed(view, report))
    st.session_state[state.EDITS] = view.edits
    shown = compute.sentence(view)
    if st.session_state.get(state.CUT):
        st.caption(f"Your text was cut to {state.CHARACTERS:,} characters.")
    if shown is None:
        st.info("There is no word yet. Type a sentence above and press Enter.", icon=":material/edit:")
        return view, None
    view = view.of(row=min(view.row, len(shown.target) - 1))
    _say_what_came_out(view, shown, about)
    left, right = st.columns([11, 6], gap="medium")
    with left:
        _picture(view, shown)
    with right:
        _word(view, shown)
    st.html(STYLE)
    return view, shown


def _say_what_came_out(view: View, shown: Sentence, about: dict) -> None:
    """The translation and a line below it, with edits and without: a click moves nothing under the pointer."""
    now = shown.text
    if not shown.hypothesis.finished:
        st.caption(f"Cut after {len(shown.hypothesis.tokens)} pieces: the network did not come to an end.")
    if not view.edits:
        st.markdown(f"**{plain(now)}**" if now else "*It writes nothing.*")
        st.caption(f"log p {float(shown.hypothesis.log_probabilities.sum()):.1f}. At each step the likeliest piece was taken.")
        return
    own = compute.sentence(view.of(edits=()))
    assert own is not None
    st.markdown(f"now: {marked(own.text, now) or '*It writes nothing.*'}")
    st.caption(f"before: “{plain(own.text)}” {_cost(view, own)}")


def _cost(view: View, own: Sentence) -> str:
    """What the words from before cost with the visitor's weights."""
    before, costs = own.hypothesis.log_probabilities, []
    looks = [edit.step for edit in view.edits if edit.kind == "look"]
    if looks:
        after = compute.unedited_words(view).log_probabilities
        costs.append(f"The words from before cost {float(before.sum() - after.sum()):+.1f} nats with your weights")
        if looks[0] < len(before):
            name = next(word for word, steps in zip(own.target, own.steps, strict=True) if looks[0] in steps)
            costs[-1] += f"; “{plain(name)}” had p {share(np.exp(before[looks[0]]))} and has {share(np.exp(after[looks[0]]))} now"
    if len(looks) < len(view.edits):
        now = float(compute.translation(view).hypotheses[0].log_probabilities.sum())
        costs.append(f"log p of the translation: {before.sum():.1f} before, {now:.1f} with what you wrote (higher is likelier)")
    return ". ".join(costs) + "."


def _picture(view: View, shown: Sentence) -> None:
    if shown.alignment is None:
        st.info(
            "This network has no attention: the decoder gets the whole sentence as one vector, so there is no matrix. "
            "Choose its words on the right, or another network above.",
            icon=":material/visibility_off:",
        )
        return
    is_long = len(shown.source) > WIDEST or len(shown.target) > WIDEST
    numbers = st.session_state.get(f"{KEY}.numbers", False)
    figure = figures.matrix(shown.alignment, view.row, numbers, st.session_state.get(f"{KEY}.linear", False), is_dark())
    with st.container(key="attention-lines-long" if is_long else "attention-lines"):
        act = partial(_row_clicked, shown)
        draw_to_click(figures.lines(shown.alignment, view.row, is_dark()), f"{KEY}.lines", "word", act)
    with scrolling("attention-matrix"):
        draw_to_click(figure, f"{KEY}.cells", "cell", partial(_cell_clicked, view, shown))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Weight {figures.CAPTION}." + (" Long sentence: scroll." if is_long else ""))
        st.toggle("Numbers", key=f"{KEY}.numbers", bind="query-params")
        st.toggle(
            "Linear colours", key=f"{KEY}.linear", bind="query-params", help="The colour runs as a square root, so that small weights show."
        )
        save(figure, KEY, "attention", frame(shown))


def frame(shown: Sentence) -> pd.DataFrame:
    """The matrix as a table: a row for each target word."""
    assert shown.alignment is not None
    return pd.DataFrame(shown.alignment.weights, columns=[f"{j}: {word}" for j, word in enumerate(shown.source)]).assign(
        target=[f"{i}: {word}" for i, word in enumerate(shown.target)]
    )


def _row_clicked(shown: Sentence, point: dict) -> None:
    state.set_row(int(point["row"]))


def _cell_clicked(view: View, shown: Sentence, point: dict) -> None:
    """A click in another row chooses it; in the chosen row it moves the weight."""
    row, column = int(point["row"]), int(point["column"])
    if row != view.row:
        state.set_row(row)
    elif 0 <= row < len(shown.steps):
        word = column  # pieces are looked at through their word
        if view.by_pieces:
            word = next(index for index, (_, pieces) in enumerate(shown.source_words) if column in pieces)
        state.edit(shown.steps[row][0], "look", word)


def _word(view: View, shown: Sentence) -> None:
    """The chosen word: its probability, what else it could have been, where it looks."""
    step = shown.steps[view.row][0]
    rows = list(range(len(shown.target)))
    st.session_state[f"{KEY}.row"] = view.row  # a click in the matrix chooses it too
    st.selectbox(
        "Word of the translation", rows, format_func=lambda row: f"{row + 1}  {shown.target[row]}", key=f"{KEY}.row", on_change=_row_chosen
    )
    likely = compute.likely(view, shown, view.row)
    written = shown.hypothesis.tokens[step]
    p = float(np.exp(shown.hypothesis.log_probabilities[step]))
    part = f", its first piece “{plain(shown.subwords[step].replace('·', ''))}”" if len(shown.steps[view.row]) > 1 else ""
    is_yours = any(edit.kind == "write" and edit.step == step for edit in view.edits)
    chosen = f"You wrote it; the network gave it p **{share(p)}**" if is_yours else f"Chosen with p **{share(p)}**"
    st.markdown(f"{chosen}{part}. Write another instead:")
    with st.container(horizontal=True, gap="small"):
        for piece, name, other in [candidate for candidate in likely if candidate[0] != written][:OTHERS]:
            label = f"{plain(name.replace('·', '')) or 'space'} {share(other)}"
            st.button(label, key=f"{KEY}.write.{piece}", on_click=state.edit, args=(step, "write", piece))
    if shown.alignment is not None:
        _where(view, shown, step)
        draw(figures.row(shown.alignment, view.row, is_dark()), f"{KEY}.bars")
        if (pieces := len(shown.steps[view.row])) > 1:
            moved = "Only the first looks where you say. " if any(edit.step == step and edit.kind == "look" for edit in view.edits) else ""
            st.caption(f"The word is made of {pieces} pieces. {moved}Its row is their average.")
    if view.edits:
        st.button("Undo all edits", key=f"{KEY}.undo", icon=":material/undo:", on_click=state.undo)


def _where(view: View, shown: Sentence, step: int) -> None:
    names = {index: f"{index + 1}  {word}" for index, (word, _) in enumerate(shown.source_words)}
    edits = {edit.step: edit.value for edit in view.edits if edit.kind == "look"}
    st.session_state[f"{KEY}.look"] = edits.get(step, ITSELF)
    st.selectbox(
        "Looks at",
        [ITSELF, *names, ALIKE],
        format_func=lambda index: names.get(index, ALL if index == ALIKE else OWN),
        key=f"{KEY}.look",
        on_change=_look_chosen,
        args=(step,),
    )


def _row_chosen() -> None:
    state.set_row(st.session_state[f"{KEY}.row"])


def _look_chosen(step: int) -> None:
    word = st.session_state[f"{KEY}.look"]
    if word == ITSELF:
        state.undo(step)
    else:
        state.edit(step, "look", word)
