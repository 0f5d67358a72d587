"""The scores of trained networks as Markdown tables, from their cards alone; docs/results.md holds those of the networks that ship.

A family that has scores has a module `results` with `tables(cards)`: a list of Table for cards by name, which raises KeyError, TypeError
or ValueError where a card lacks something. Importing these costs no torch.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.measurement import family_of

Cards = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Table:
    """A table of scores.

    Args:
        title: A heading. about: What was measured, and on which data.
        header: Names of the columns. rows: Their cells.
    """

    title: str
    about: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Heading, explanation and table; "|" in a cell is escaped."""
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in lines)
        return f"## {self.title}\n\n{self.about}\n\n{table}\n"


def report(cards: Cards) -> tuple[str, list[str]]:
    """The tables of all families, and the names of the networks whose cards lack scores and that are left out."""
    tables, left_out = [], []
    for family in dict.fromkeys(family_of(card["kind"]) for card in cards.values()):
        make = _tables_of(family)
        if make is None:
            continue
        members = {name: card for name, card in cards.items() if family_of(card["kind"]) == family and "scores" in card}
        complete = {name: card for name, card in members.items() if _is_complete(make, name, card)}
        left_out += [name for name in members if name not in complete]
        tables += make(complete)
    tables = [table for table in (*tables, _data(cards)) if table.rows]
    intro = "Made by `python -m models results` from the cards of the checkpoints. Layers are counted from 1, units from 0."
    return "\n".join(["# Results\n", f"{intro}\n", *(table.markdown() for table in tables)]), left_out


def _data(cards: Cards) -> Table:
    """Where the training data of the networks comes from, with its licence."""
    networks: dict[tuple[str, ...], list[str]] = {}
    for name, card in cards.items():
        data = card.get("data")
        if isinstance(data, Mapping) and "licence" in data:
            networks.setdefault(tuple(str(data.get(key, "")) for key in ("title", "source", "licence")), []).append(code(name))
    about = "What the networks were trained on. The data itself is not in this repository."
    rows = [[*data, ", ".join(names)] for data, names in networks.items()]
    return Table("Training data and licences", about, ("data", "source", "licence", "networks"), rows)


def _tables_of(family: str) -> Callable[[Cards], list[Table]] | None:
    module = f"models.{family}.results"
    return importlib.import_module(module).tables if importlib.util.find_spec(module) else None


def _is_complete(make: Callable[[Cards], list[Table]], name: str, card: Mapping[str, Any]) -> bool:
    try:
        make({name: card})
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError):
        return False
    return True


def interval(value: float, bounds: Iterable[float], form: str = ".1f") -> str:
    """A score with its 95 % interval."""
    low, high = bounds
    return f"{value:{form}} ({low:{form}} to {high:{form}})"


def code(name: str) -> str:
    """A name as it is typed."""
    return f"`{name}`"


def split_of(cards: Cards) -> str:
    """The splits that the scores of some cards are of."""
    return ", ".join(dict.fromkeys(card["scores"]["split"] for card in cards.values()))


def paired(name: str, card: Mapping[str, Any]) -> str:
    """p of a paired bootstrap, and against which network; empty where there was none."""
    test = card.get("paired")
    return f"{test['all'][name]['p']:.3f} ({code(test['against'])})" if test else ""
