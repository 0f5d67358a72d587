"""Four tests of a network's attention: the answers with their intervals, next to the answers of reference models."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd
import streamlit as st

from models.family import PROGRAM
from models.translation.attention_references import known_attentions
from models.translation.experiments.edits import Sentence
from pages._attention import state
from pages._attention.compute import View
from pages._ui import networks, uploads
from pages._ui.glossary import terms
from pages._ui.text import code, grid, how_to_read, plain

KEY = "attention.real"
BEFORE = f"{KEY}.before"  # the network from which the visitor came to a fake one
LAST_LINE = "None of these tests shows that the weights are *the reason* for the word."


@dataclass(frozen=True)
class Question:
    """A test of attention in words.

    Args:
        full: The question.
        short: The same as a statement, for a badge.
        meaning: The statistic that answers it, in a sentence or two.
        unit: Of the statistic.
    """

    full: str
    short: str
    meaning: str
    unit: str


QUESTIONS = {
    "looks": Question(
        "Does it look at the source states?",
        "looks at the source",
        "The encoder states are permuted. Attention that reads them moves with them (1); attention computed from the decoder alone does "
        "not move (0).",
        "share that moves with the states",
    ),
    "beyond_position": Question(
        "Does it use more than position?",
        "uses more than position",
        "How much a row differs from the average row of other sentences of the same two lengths (KL divergence): 0 if only the "
        "position of a word matters.",
        "bits per row",
    ),
    "used": Question(
        "Does the output depend on it?",
        "the output depends on it",
        "How much the cross-entropy of the reference translation rises when the weights are made uniform or permuted: the smaller rise.",
        "nats per word",
    ),
    "points": Question(
        "Does it point at the right word?",
        "points at the right word",
        "The alignment error rate against a statistical word aligner (IBM model 1, trained on the same sentence pairs): 0 is full "
        "agreement. The answer is yes only if it is significantly lower than that of the diagonal, which aligns words by position alone.",
        "alignment error rate",
    ),
}
FAKE = "the weights are computed from the decoder alone. The matrix may look plausible; only the first of the four tests reveals it."
HOW_TO_READ = """
{questions}

**Why four tests?** Attention that never sees the source (*decoder only*, the mistake of a well-known tutorial for six years) can point at
the right words, and the output can depend on it: only the first test detects it. Attention whose context vector is thrown away looks
healthy in every picture: only the third test detects it. A healthy network for two languages with the same word order may use nothing
beyond position.

**Reference models.** Each cell counts the answers for five random seeds, with the median statistic in brackets. The limits between yes
and no were chosen on other seeds.
"""
ICONS = {"yes": ":material/check:", "no": ":material/close:", "cannot tell": ":material/question_mark:"}
COLOURS: dict[str, Literal["blue", "orange", "gray"]] = {"yes": "blue", "no": "orange", "cannot tell": "gray"}


def is_fake(about: dict) -> bool:
    """Whether the attention of a network never sees the source: the mistake of a well-known tutorial."""
    return about["arguments"].get("attention") == "decoder"


def banner(view: View, about: dict) -> None:
    """Above a matrix of fake attention, what it is, and the way back to a network with real attention."""
    if is_fake(about):
        st.warning(f"**Fake attention.** {plain(view.model)} never looks at the source: {FAKE}", icon=":material/warning:")
        _back(view, about, "real")


def _back(view: View, about: dict, key: str) -> None:
    cards = networks.emitting(*state.EMITS)
    alike = [name for name, card in cards.items() if card["direction"] == about["direction"] and not is_fake(card)]
    known = [name for name in (st.session_state.get(BEFORE), *alike) if name in alike]
    if known:
        st.button(f"Back to {plain(known[0])}", key=f"{KEY}.{key}", icon=":material/undo:", on_click=_choose, args=(known[0], view, about))


def strip(view: View, about: dict) -> None:
    """The four answers as badges in one line, with a button that opens a network with fake attention, or leads back."""
    answers = about["answers"]
    fakes = [name for name, card in networks.emitting(*state.EMITS).items() if is_fake(card) and name != view.model]
    if not answers and not fakes and not is_fake(about):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, question in QUESTIONS.items():
            if name in answers:
                answer = answers[name]
                label = f"{question.short}: {answer['says']} ({answer['value']:.2g})"
                over = f"{question.meaning} Measured on {answer['sentences']} held-out sentences, in {question.unit}."
                st.badge(label, icon=ICONS[answer["says"]], color=COLOURS[answer["says"]], help=over)
        if is_fake(about):
            st.badge("fake attention: see the matrix above", icon=":material/warning:", color="orange")
            _back(view, about, "back")
        elif fakes:
            st.button("Show fake attention", key=f"{KEY}.fake", type="tertiary", on_click=_choose, args=(fakes[0], view, about))


def _choose(name: str, before: View, about: dict) -> None:
    st.session_state[BEFORE], st.session_state[state.MODEL] = before.model, name
    state.other_network(about)


def panel(view: View, about: dict, shown: Sentence) -> None:
    """The answers with their intervals, and below them those of fake and healthy reference models."""
    answers = about["answers"]
    if answers:
        grid(_table(answers), f"{KEY}.answers")
        st.caption(_by_hand(answers))
    elif shown.alignment is None:
        st.info("This network has no attention, so there is nothing to test.")
    elif uploads.path_of(view.model):
        command = f"`{PROGRAM} measure mine.safetensors attention --data PAIRS.tsv --dry`"
        st.info(f"Your own network is not tested here. Run {command} with the sentence pairs that it was trained on.")
    else:
        st.info(f"Not tested yet: {code(f'{PROGRAM} measure {view.model} attention')} writes the answers into the card of this network.")
    st.markdown("**Reference models**: small networks on toy languages, five held-out seeds each")
    grid(_fakes(), f"{KEY}.fakes", height=388)
    st.markdown(f"**{LAST_LINE}**")
    how_to_read(
        HOW_TO_READ.format(questions="\n".join(f"- **{asked.full}** {asked.meaning}" for asked in QUESTIONS.values())), "these tests"
    )
    terms("bits", "nats", "alignment error rate", "bootstrap", "hidden state", "held-out", "baseline")


def _table(answers: dict) -> pd.DataFrame:
    rows = []
    for name, question in QUESTIONS.items():
        if name in answers:
            answer = answers[name]
            row = {"question": question.full, "answer": answer["says"], "statistic": answer["value"]}
            row |= {"95 % from": answer["low"], "95 % to": answer["high"]}
            rows.append(row | {"measured in": question.unit, "held-out sentences": answer["sentences"]})
    return pd.DataFrame(rows).round(3)


def _by_hand(answers: dict) -> str:
    hand = answers.get("points_by_hand")
    if not hand:
        return "Measured on held-out sentences (dev part). 95 % intervals: bootstrap over sentences."
    error = f"{hand['value']:.2f} ({hand['low']:.2f} to {hand['high']:.2f})"
    return (
        f"Held-out sentences (dev part), 95 % bootstrap intervals. On {hand['sentences']} sentences aligned by hand, the alignment error "
        f"rate is {error}; diagonal {hand['diagonal']:.2f}, IBM model 1 {hand['ibm1']:.2f}."
    )


def _fakes() -> pd.DataFrame:
    """A row for each reference model: the answers of its five seeds, and the median statistic."""
    rows = []
    for kind, about in known_attentions()["for_table"]["kinds"].items():
        row = {"attention": kind, "kind": "healthy" if about["healthy"] else "fake"}
        for name, question in QUESTIONS.items():
            says = about[name]["says"]
            counts = ", ".join(f"{word} {count}" for word, count in says.items() if count)
            row[question.full] = f"{counts} ({about[name]['median']:.2g})"
        rows.append(row)
    return pd.DataFrame(rows)
