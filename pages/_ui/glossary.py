"""The technical terms on screen: each explained once, in glossary.toml, and shown by a button where it stands."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

import streamlit as st

FILE = Path(__file__).with_name("glossary.toml")
SEARCH = "glossary.search"  # of the page Glossary: an entry's address is a search for its name


@dataclass(frozen=True)
class Entry:
    """One term.

    Args:
        name: What it is called.
        says: What it is, in two sentences of Markdown.
        see: Address of a view that shows it, from the first page on: "/attention?attention.panel=Beam".
        also: Other names for it.
    """

    name: str
    says: str
    see: str
    also: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Where the page Glossary shows it, from any page."""
        return f"./glossary?{SEARCH}={quote(self.name)}"


@cache
def entries() -> dict[str, Entry]:
    """All terms by name, in alphabetical order."""
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))
    names = sorted(rows, key=str.casefold)
    return {name: Entry(name, rows[name]["says"], rows[name]["see"], tuple(rows[name].get("also", ()))) for name in names}


def terms(*names: str) -> None:
    """A button that explains the terms of what stands beside it, each with a link to its entry on the page Glossary.

    Args:
        names: Of entries, in the order in which they are read.
    """
    chosen = [entries()[name] for name in names]
    with st.popover("Terms", icon=":material/menu_book:", type="tertiary", width="content"):
        st.markdown("\n\n".join(f"**[{entry.name}]({entry.address})**: {entry.says}" for entry in chosen))
