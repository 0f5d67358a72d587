"""What the start page offers: three doors, the rooms in the order of a course, and the map of the lectures, as links."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from pages._glossary.search import view_name
from pages._start.lectures import Topic, lectures

PICTURES = Path(__file__).with_name("pictures")
ANCHOR = "lectures"  # of the map
DOORS = (
    ("I am learning", "Start with five letters, every number on screen, and a lesson in eight short steps.", "/one_step?one_step.lesson=1"),
    ("I teach", "A prepared view for each topic of a course. Each is a link that you can put on a slide.", f"#{ANCHOR}"),
    ("I want to see inside my own model", "Open a checkpoint, or record any PyTorch module with a few lines of Python.", "/your_model"),
)
STYLE = Path(__file__).with_name("ways.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Room:
    """A page of the course.

    Args:
        name: Of its file and its address.
        title: What the navigation calls it.
        question: What it answers.
        picture: What its picture shows.
    """

    name: str
    title: str
    question: str
    picture: str


ROOMS = (
    Room("one_step", "One step", "What exactly happens in one step?", "the word hello, letter by letter, with the numbers of each step"),
    Room("hidden_states", "Hidden states", "What does each neuron remember?", "a text coloured by one neuron"),
    Room("gradient_flow", "Gradient flow", "How far back does learning reach?", "gradients of an RNN, a GRU and an LSTM over distance"),
    Room("attention", "Attention", "Where does the decoder look, and does it matter?", "the attention matrix of a translated sentence"),
    Room("captions", "Captions", "Where did the model look when it said a word?", "a picture and what a word needed of it"),
    Room("confusions", "Confusions", "Which languages get confused, and at which letter?", "a name that changes its language"),
)


def doors() -> str:
    """The three doors."""
    return _framed("doors", (f"<a href='{_relative(see)}'><strong>{escape(name)}</strong>{escape(says)}</a>" for name, says, see in DOORS))


def rooms(is_dark: bool) -> str:
    """The rooms with their pictures."""
    return _framed("rooms", (_room(rank, room, is_dark) for rank, room in enumerate(ROOMS, 1)))


def lecture_map() -> str:
    """The topics of all lectures with links."""
    parts = []
    for lecture in lectures():
        links = "".join(map(_topic, lecture.topics))
        parts.append(f"<section><h3>{escape(lecture.title)}</h3><ul>{links}</ul></section>")
    return _framed("map", parts)


def _topic(topic: Topic) -> str:
    return f"<li><a href='{_relative(topic.see)}'>{escape(topic.name)}</a><small>{escape(view_name(topic.see))}</small></li>"


def _framed(kind: str, parts: Iterable[str]) -> str:
    return f"<style>{STYLE}</style><div class='start'><div class='{kind}'>{''.join(parts)}</div></div>"


def _relative(see: str) -> str:
    """An address that also works where the app is not at the root of its server."""
    return escape(f".{see}" if see.startswith("/") else see, quote=True)


def _room(rank: int, room: Room, is_dark: bool) -> str:
    picture = f"<img src='{_picture(room.name, is_dark)}' alt='{escape(room.picture, quote=True)}'>"
    words = f"<span><strong>{rank}. {escape(room.title)}</strong>{escape(room.question)}</span>"
    return f"<a href='./{room.name}'>{picture}{words}</a>"


@cache
def _picture(name: str, is_dark: bool) -> str:
    """A picture as part of the page: the server has no folder of files that it hands out."""
    data = (PICTURES / f"{name}-{'dark' if is_dark else 'light'}.webp").read_bytes()
    return f"data:image/webp;base64,{base64.b64encode(data).decode()}"
