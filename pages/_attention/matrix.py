"""First screen of the Attention page: the translation, its attention matrix, and the selected word with ways to change it."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from explorer.figures import alignment as figures
from models.translation.experiments.edits import ALIKE, Sentence
from pages._attention import compute, state
from pages._attention.compute import View
from pages._ui.made import made
from pages._ui.progress import patiently
from pages._ui.show import draw_to_click, is_dark, save, scrolling, show
from pages._ui.text import marked, plain, share

KEY = "attention.matrix"
EMPTY = "*The translation is empty.*"
OWN, ALL = "the network's own weights", "all words equally"
ITSELF = -2  # in the list "Looks at": no edit
OTHERS = 4  # alternative words offered
WIDEST = 24  # words; a longer sentence is shown as lines first
CLICK = "Click a row of the matrix to select its word. Then click another cell of that row: the decoder looks there instead."
WRITE = "Select a word of the translation and force another word: everything after it is decoded again."
# On a narrow screen lines come first and the matrix scrolls in its own frame.
STYLE = """<style>
@media (min-width: 641px) { .st-key-attention-lines { display: none; } }
@media (max-width: 640px) { .st-key-attention-draft { flex: 1 1 100%; } }
</style>"""
HOW_TO_READ = """
Each **row** is a word of the translation, each **column** a word of the source. The darker a cell, the more the decoder looked
there **when it chose the word of that row**. The weights come from a softmax, so every row sums to 1. `</s>` is the end mark;
attention often rests there when a word needs nothing from the source. If a word consists of several subwords, its column is the
sum over them and its row is their average.

At step i the decoder has the state s₍ᵢ₋₁₎ and scores every encoder state hⱼ: **additive** eᵢⱼ = vᵀ tanh(W s₍ᵢ₋₁₎ + U hⱼ),
**bilinear** eᵢⱼ = s₍ᵢ₋₁₎ᵀ W hⱼ / √units, **uniform** eᵢⱼ = 0. Then αᵢ = softmax(eᵢ), the context vector is cᵢ = Σⱼ αᵢⱼ hⱼ, and the
next word is predicted from sᵢ = GRU([previous word; cᵢ], s₍ᵢ₋₁₎), cᵢ and the previous word. With **none**, the decoder gets the whole
sentence as one vector.

- **Click a row** to select its word. **Click another cell of the selected row** to put all weight there: the word is chosen
  again, and everything after it is decoded again.
- hⱼ has read the whole sentence, in both directions. A weight says which *state* the decoder looked at, not which word it used.
- If a word changes when its weights are changed, this network uses the weights. That does not show that they are the reason for the word.
- **Greedy decoding** takes the most likely subword at each step. **Beam search** keeps several hypotheses, so it can find a more likely
  sentence that begins with a less likely subword.
- **Teacher forcing**: in training the decoder is fed the reference translation. In use it is fed its own output.

Sources: Bahdanau, Cho and Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate*, 2015; Luong, Pham and
Manning, 2015; Wiegreffe and Pinter, *Attention is not not Explanation*, 2019.
"""


def sentence(view: View, about: dict, now: Sentence | None) -> str:
    """One sentence above the figure: what to look for in it; `now` is what it shows, None if nothing."""
    if now is None:
        return "Type a sentence. It is translated at once, and you see where the decoder looked for each word."
    shown, wanted = state.example(about), state.gesture(about)
    if wanted and view.text == shown["sentence"] and view.edits == (wanted,):
        word = next(word for word, steps in zip(now.target, now.steps, strict=True) if wanted.step in steps)
        return f"Looking at “{plain(shown['looks_instead'])}”, it writes “{plain(word)}”. Everything after that was decoded again."
    if view.edits or wanted is None or view.text != shown["sentence"]:
        invitation = CLICK if now.alignment is not None else WRITE
        return f"What to look for: {note}. {invitation}" if (note := _note(view, about, now)) else invitation
    first, second = shown["crossing"]
    crossing = f"The translation reverses “{plain(first)} {plain(second)}”: the largest weights cross." if first != second else ""
    word, looks, instead = (plain(shown[name]) for name in ("word", "looks", "looks_instead"))
    return f"{crossing} “{word}” was chosen while looking at “{looks}”. Make it look at “{instead}”."


def _note(view: View, about: dict, now: Sentence) -> str:
    """What to look for in one of our own sentences; "" if its translation does not show it."""
    notes = {} if view.edits else {text: (why, words) for text, why, words in state.tries(about)}
    why, words = notes.get(view.text, ("", ""))
    return why if words in now.text else ""


def panel(view: View, about: dict) -> tuple[View, Sentence | None]:
    """Translation, matrix and selected word; returns the view with a row that exists, and what is shown."""
    follow = partial(compute.followed, view)
    view = patiently(f"Translating with {view.model}", f"{KEY}.cancel", state.back, follow, compute.cost(view))
    st.session_state[state.EDITS] = view.edits
    shown = compute.sentence(view)
    if st.session_state.get(state.CUT):
        st.caption(f"Your text was cut to {state.CHARACTERS:,} characters.")
    elif len(read := compute.text_of(view)) < len(view.text):
        st.caption(f"Only the first {len(read):,} characters are translated: a text may have {compute.SUBWORDS} subwords.")
    if shown is None:
        st.info("Nothing to translate yet. Type a sentence above and press Enter.", icon=":material/edit:")
        return view, None
    view = view.of(row=min(view.row, len(shown.target) - 1))
    _translation(view, shown)
    left, right = st.columns([11, 6], gap="medium")
    with left:
        _picture(view, shown)
    with right:
        _word(view, shown)
    st.html(STYLE)
    return view, shown


def _translation(view: View, shown: Sentence) -> None:
    """The translation and one line below it, with edits or without, so that a click moves nothing under the pointer."""
    now = shown.text
    if not shown.hypothesis.finished:
        st.caption(f"Cut off after {len(shown.hypothesis.tokens)} subwords: the network wrote no end mark.")
    if not view.edits:
        st.markdown(f"**{plain(now)}**" if now else EMPTY)
        st.caption(f"Greedy decoding, log probability {float(shown.hypothesis.log_probabilities.sum()):.1f}.")
        return
    own = compute.sentence(view.of(edits=()))
    assert own is not None
    st.markdown(f"after: {marked(own.text, now) or EMPTY}")
    st.caption(f"before: “{plain(own.text)}” {_cost(view, own)}")


def _cost(view: View, own: Sentence) -> str:
    """How the visitor's edits change the probability of the original translation, and of the new one."""
    before, costs = own.hypothesis.log_probabilities, []
    looks = [edit.step for edit in view.edits if edit.kind == "look"]
    if looks:
        after = compute.unedited_words(view).log_probabilities
        rise = float(before.sum() - after.sum())
        costs.append(f"Your weights change the cross-entropy of this translation by {rise:+.1f} nats")
        if looks[0] < len(before):
            name = next(word for word, steps in zip(own.target, own.steps, strict=True) if looks[0] in steps)
            costs[-1] += (
                f", and the probability of “{plain(name)}” from {share(np.exp(before[looks[0]]))} to {share(np.exp(after[looks[0]]))}"
            )
    if len(looks) < len(view.edits):
        now = float(compute.translation(view).hypotheses[0].log_probabilities.sum())
        costs.append(f"Log probability of the translation: {before.sum():.1f} before, {now:.1f} with your words")
    return ". ".join(costs) + "."


def _picture(view: View, shown: Sentence) -> None:
    if shown.alignment is None:
        st.info(
            "This network has no attention: the decoder gets the whole sentence as one vector, so there is no matrix. "
            "Force its words on the right, or choose another network above.",
            icon=":material/visibility_off:",
        )
        return
    is_long = len(shown.source) > WIDEST or len(shown.target) > WIDEST
    numbers = st.session_state.get(f"{KEY}.numbers", False)
    figure = made(figures.matrix, shown.alignment, view.row, numbers, st.session_state.get(f"{KEY}.linear", False), is_dark())
    with st.container(key="attention-lines-long" if is_long else "attention-lines"):
        act = partial(_row_clicked, shown)
        lines = made(figures.lines, shown.alignment, view.row, is_dark())
        draw_to_click(lines, f"{KEY}.lines", "word", act)
    with scrolling("attention-matrix"):
        draw_to_click(figure, f"{KEY}.cells", "cell", partial(_cell_clicked, view, shown))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{figures.CAPTION}." + (" The matrix is wide: scroll it." if is_long else ""))
        st.toggle("Show numbers", key=f"{KEY}.numbers", bind="query-params")
        why = "By default, colour follows the square root of the weight, so that small weights are visible."
        st.toggle("Linear colour scale", key=f"{KEY}.linear", bind="query-params", help=why)
        save([lines, figure] if is_long else figure, KEY, "attention", frame(shown))


def frame(shown: Sentence) -> pd.DataFrame:
    """The matrix as a table, one row per target word."""
    assert shown.alignment is not None
    return pd.DataFrame(shown.alignment.weights, columns=[f"{j}: {word}" for j, word in enumerate(shown.source)]).assign(
        target=[f"{i}: {word}" for i, word in enumerate(shown.target)]
    )


def _row_clicked(shown: Sentence, point: dict) -> None:
    state.set_row(int(point["row"]))


def _cell_clicked(view: View, shown: Sentence, point: dict) -> None:
    """A click in another row selects it; a click in the selected row moves the weight."""
    row, column = int(point["row"]), int(point["column"])
    if row != view.row:
        state.set_row(row)
    elif 0 <= row < len(shown.steps):
        word = column  # the weight goes to a whole word
        if view.by_subwords:
            word = next(index for index, (_, subwords) in enumerate(shown.source_words) if column in subwords)
        state.edit(shown.steps[row][0], "look", word)


def _word(view: View, shown: Sentence) -> None:
    """The selected word: its probability, alternatives to it, and where the decoder looks for it."""
    step = shown.steps[view.row][0]
    rows = list(range(len(shown.target)))
    st.session_state[f"{KEY}.row"] = view.row  # a click in the matrix selects it too
    st.selectbox(
        "Word of the translation", rows, format_func=lambda row: f"{row + 1}  {shown.target[row]}", key=f"{KEY}.row", on_change=_row_chosen
    )
    likely = compute.likely(view, shown, view.row)
    written = shown.hypothesis.tokens[step]
    p = float(np.exp(shown.hypothesis.log_probabilities[step]))
    part = f", for its first subword “{plain(shown.subwords[step].replace('·', ''))}”" if len(shown.steps[view.row]) > 1 else ""
    is_yours = any(edit.kind == "write" and edit.step == step for edit in view.edits)
    chosen = "Forced by you; probability in this network" if is_yours else "Probability"
    st.markdown(f"{chosen} **{share(p)}**{part}. Force another word:")
    with st.container(horizontal=True, gap="small"):
        for subword, name, other in [candidate for candidate in likely if candidate[0] != written][:OTHERS]:
            label = f"{plain(name.replace('·', '')) or 'space'} {share(other)}"
            st.button(label, key=f"{KEY}.write.{subword}", on_click=state.edit, args=(step, "write", subword))
    if shown.alignment is not None:
        _where(view, shown, step)
        show(made(figures.row, shown.alignment, view.row, is_dark()), f"{KEY}.bars", "weights")
        if (subwords := len(shown.steps[view.row])) > 1:
            is_moved = any(edit.step == step and edit.kind == "look" for edit in view.edits)
            moved = " Your edit moves the weights of the first subword only." if is_moved else ""
            st.caption(f"This word has {subwords} subwords; its row is their average.{moved}")
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
