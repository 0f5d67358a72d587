"""The entries that a search finds, and how one is written on the page."""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from pages._ui.glossary import Entry

EXACT, IN_NAME, IN_TEXT, NOWHERE = range(4)  # where an entry contains what is wanted


def matches(wanted: str, known: Mapping[str, Entry]) -> list[Entry]:
    """Entries that contain what is wanted: first those called exactly so, then those whose name contains it, then the others.

    Args:
        wanted: What was typed; all entries where it is empty.
        known: Entries by name, in alphabetical order.
    """
    wanted = wanted.strip().casefold()
    ranks = {name: _rank(wanted, entry) for name, entry in known.items()} if wanted else dict.fromkeys(known, 0)
    return [known[name] for name in sorted(ranks, key=ranks.__getitem__) if ranks[name] < NOWHERE]


def _rank(wanted: str, entry: Entry) -> int:
    names = [name.casefold() for name in (entry.name, *entry.also)]
    if wanted in names:
        return EXACT
    if any(wanted in name for name in names):
        return IN_NAME
    return IN_TEXT if wanted in entry.says.casefold() else NOWHERE


def in_markdown(entry: Entry) -> str:
    """A heading with an anchor of its own, the two sentences, other names, and the view that shows it."""
    also = f":gray[Also: {', '.join(entry.also)}.]" if entry.also else ""
    return f"## {entry.name}\n{entry.says} {also}\n\n[See it: {view_name(entry.see)}](.{entry.see})"


def view_name(address: str) -> str:
    """What a view is called: its page, and the panel or part that it opens."""
    parts = urlsplit(address)
    page = parts.path.strip("/").replace("_", " ").capitalize()
    opened = [values[0] for name, values in parse_qs(parts.query).items() if name.endswith((".panel", ".part", ".view"))]
    return ", ".join([page, *opened])
