"""Is it real? Four questions about a network's attention, each with its number and what known fakes get for the same."""

from typing import Literal

import pandas as pd
import streamlit as st

from models.translation.attention_references import known_attentions
from models.translation.experiments.edits import Sentence
from pages._attention import state
from pages._attention.compute import View
from pages._ui import networks, uploads

KEY = "attention.real"
LAST_LINE = "None of these shows that the weights are *the reason* for the word."
ASKED = {
    "looks": (
        "Does it look at the source states?",
        "looks at the source",
        "The encoder's states change places. Attention that reads them follows (1); attention made from the decoder alone stays (0).",
    ),
    "beyond_position": (
        "Does it say more than position?",
        "says more than position",
        "Bits between a row and the average row of other sentences with the same two lengths: 0 if only the place in the sentence counts.",
    ),
    "used": (
        "Does the output use it?",
        "output uses it",
        "What the true translation costs more, in nats a word, when the weights are made even or permuted; the smaller of the two.",
    ),
    "points": (
        "Does it point at the right word?",
        "points at the right word",
        "Alignment error rate against an independent aligner (IBM model 1, trained on the same pairs): 0 is perfect. "
        "Yes only where it is surely smaller than that of the diagonal.",
    ),
}
ICONS = {"yes": ":material/check:", "no": ":material/close:", "cannot tell": ":material/question_mark:"}
COLOURS: dict[str, Literal["blue", "orange", "gray"]] = {"yes": "blue", "no": "orange", "cannot tell": "gray"}


def strip(view: View, about: dict) -> None:
    """The four answers in one line, and the way to a fake."""
    answers = about["answers"]
    fakes = [name for name in networks.emitting(*state.EMITS) if name.endswith("-fake") and name != view.model]
    if not answers and not fakes:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, (_, short, meaning) in ASKED.items():
            if name in answers:
                answer = answers[name]
                label = f"{short}: {answer['says']} ({answer['value']:.2g})"
                over = f"{meaning} Over {answer['sentences']} sentences."
                st.badge(label, icon=ICONS[answer["says"]], color=COLOURS[answer["says"]], help=over)
        if fakes:
            st.button("See one that is fake", key=f"{KEY}.fake", type="tertiary", on_click=_choose, args=(fakes[0], about))


def _choose(name: str, before: dict) -> None:
    st.session_state[state.MODEL] = name
    state.other_network(before)


def panel(view: View, about: dict, shown: Sentence) -> None:
    """The answers with their intervals, beside what known fakes and healthy networks get."""
    answers = about["answers"]
    if answers:
        st.dataframe(_table(answers), hide_index=True, key=f"{KEY}.answers")
        st.caption(_by_hand(answers))
    elif shown.alignment is None:
        st.info("This network has no attention, so there is nothing to ask.")
    elif uploads.path_of(view.model):
        ask = "`python -m models measure mine.safetensors attention --data PAIRS.tsv --dry`"
        st.info(f"A network of your own is not measured here. {ask} asks the four questions over the pairs it was trained on.")
    else:
        st.info(f"Not measured for this network: `python -m models measure {view.model} attention` writes the answers into its card.")
    st.markdown("**What known attentions get**: tiny networks of toy languages, five seeds each, on which no limit was chosen")
    st.dataframe(_fakes(), hide_index=True, key=f"{KEY}.fakes", height=388)
    for question, _, meaning in ASKED.values():
        st.markdown(f"- **{question}** {meaning}")
    st.markdown(
        "Why four: an attention that never sees the source (*decoder only*, as in a well-known tutorial for six years) can point at right "
        "words and be needed; only the first question finds it. One whose context is thrown away looks healthy in every picture; only the "
        "third finds it. A healthy network of a language pair in the same order may say nothing beyond position."
    )
    st.markdown(f"**{LAST_LINE}**")


def _table(answers: dict) -> pd.DataFrame:
    rows = []
    for name, (question, _, _) in ASKED.items():
        if name in answers:
            answer = answers[name]
            row = {"question": question, "answer": answer["says"], "value": answer["value"], "from": answer["low"], "to": answer["high"]}
            rows.append(row | {"unit": answer["unit"], "sentences": answer["sentences"]})
    return pd.DataFrame(rows).round(3)


def _by_hand(answers: dict) -> str:
    hand = answers.get("points_by_hand")
    if not hand:
        return "Measured on dev; the intervals are 95 %, by bootstrap over sentences."
    error = f"{hand['value']:.2f} ({hand['low']:.2f} to {hand['high']:.2f})"
    return (
        f"Measured on dev; intervals 95 %, by bootstrap over sentences. Against {hand['sentences']} sentences aligned by hand its "
        f"error rate is {error}: the diagonal has {hand['diagonal']:.2f}, IBM model 1 {hand['ibm1']:.2f}."
    )


def _fakes() -> pd.DataFrame:
    """A row for each known attention: what the five seeds said, and the median number."""
    rows = []
    for kind, about in known_attentions()["for_table"]["kinds"].items():
        row = {"attention": kind, "": "healthy" if about["healthy"] else "fake"}
        for name, (question, _, _) in ASKED.items():
            says = about[name]["says"]
            counts = ", ".join(f"{word} {count}" for word, count in says.items() if count)
            row[question] = f"{counts} ({about[name]['median']:.2g})"
        rows.append(row)
    return pd.DataFrame(rows)
