"""The map of the lectures: topics of a course on recurrent networks, each with the view that shows it."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("topics.toml")


@dataclass(frozen=True)
class Topic:
    """One topic.

    Args:
        name: What a lecture calls it.
        see: Address of the view that shows it, from the first page on.
        shows: Words that stand in that view.
    """

    name: str
    see: str
    shows: tuple[str, ...]


@dataclass(frozen=True)
class Lecture:
    """A lecture and its topics, in the order in which they are taught."""

    title: str
    topics: tuple[Topic, ...]


@cache
def lectures() -> tuple[Lecture, ...]:
    """All lectures in the order of the course."""
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))["lecture"]
    return tuple(Lecture(row["title"], tuple(Topic(t["name"], t["see"], tuple(t["shows"])) for t in row["topic"])) for row in rows)
