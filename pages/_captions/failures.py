"""A row of photographs whose captions name the wrong animal, each with what was said and why."""

import base64
from io import BytesIO

import streamlit as st

from models.captioning.card import Answer, Answers
from models.captioning.occlusion import CANNOT_TELL
from models.captioning.photographs import Photograph
from pages._captions import compute, gallery, state
from pages._captions.compute import View
from pages._captions.gallery import PHOTO, PHOTOS
from pages._ui.made import made
from pages._ui.text import plain

KEY = "captions.failures"
WIDTH = 142  # pixels of a picture
SHARP = 2  # pixels of the file for each, for fine screens


def row(view: View) -> None:
    """The wrong captions of the project's photographs, as measured for this network; nothing if it was not measured."""
    measured = compute.answers(view.model) if view.picture.startswith(PHOTO) else None
    if not measured:
        return
    wrong = {name: answer for name, answer in measured["photographs"].items() if not answer["right"] and name in PHOTOS}
    if not wrong:
        return
    st.markdown(f"**Where it fails.** {why(measured, wrong)}")
    with st.container(horizontal=True, gap="small", key=KEY.replace(".", "-")):
        for name, answer in wrong.items():
            with st.container(width=WIDTH, gap="small"):
                _one(name, answer, is_open=view.picture == f"{PHOTO}{name}")


def why(measured: Answers, wrong: dict[str, Answer]) -> str:
    """Why it fails: how few of its training captions name these animals."""
    said = max(measured["photographs"].values(), key=lambda answer: answer["training_said"])
    rare = sorted({(answer["training_names"], PHOTOS[name].names[0]) for name, answer in wrong.items()}, reverse=True)
    counts = [f"{f'{count:,}' if count else 'none'} {_article(name)}" for count, name in rare]
    few = f"{', '.join(counts[:-1])} and {counts[-1]}" if len(counts) > 1 else counts[0]
    known = f"{said['training_said']:,} name {_article(said['said'])}"
    return (
        f"It was trained on {measured['pictures']:,} photographs, many of dogs and people: of their {measured['captions']:,} captions "
        f"{known}, but only {few}. What it has seldom seen it calls by a name that it knows."
    )


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {plain(noun)}"


def _one(name: str, answer: Answer, is_open: bool) -> None:
    """A picture with its caption, what its wrong word depends on, and a button that opens it."""
    photo, words = PHOTOS[name], answer["caption"].split()
    st.image(made(_address, f"{PHOTO}{name}"), width=WIDTH)
    words = [f"**{plain(word)}**" if index == answer["word"] else plain(word) for index, word in enumerate(words)]
    st.markdown(" ".join(words))
    st.caption(reason(photo, answer))
    st.button("Open", key=f"{KEY}.{name}", on_click=state.set_picture, args=(f"{PHOTO}{name}",), disabled=is_open, width="stretch")


def _address(picture: str) -> str:
    """A photograph as part of the page, in the size in which it is shown: given as a file, Streamlit would make it smaller at each run."""
    image, file = gallery.picture(picture), BytesIO()
    image.resize((SHARP * WIDTH, round(SHARP * WIDTH * image.height / image.width))).save(file, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def reason(photo: Photograph, answer: Answer) -> str:
    """What attention and occlusion say about the wrong word, and what the previous words alone predict."""
    said = plain(answer["said"])
    looked = f"It looked {photo.where_looked(answer['on'], answer['area'])}."
    hidden = "the result is unclear" if answer["verdict"] == CANNOT_TELL else f"“{said}” {plain(answer['verdict'])}"
    alone = f"“{said}” too" if answer["guess"] == answer["said"] else f"“{plain(answer['guess'])}”"
    return f"{looked} With that place hidden, {hidden}. The previous words alone suggest {alone}."
