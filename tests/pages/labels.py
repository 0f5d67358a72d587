"""What a page calls things: its widgets and their choices, columns, axes and legends; and which of these words it explains."""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from streamlit.testing.v1 import AppTest

import models
from pages._ui.glossary import entries
from tests.pages.app import as_read

LISTED = Path(__file__).parents[1] / "plain_words.txt"
PLAIN = {word.casefold() for line in LISTED.read_text().splitlines() if line[:1] != "#" for word in line.split()}
SCALED = {"color", "fill", "stroke", "shape", "opacity", "strokeDash", "size"}  # channels that have a legend
# Widgets named after words, names and pictures that are read, not after what the page does.
OF_DATA = re.compile(r"\.(try|write|pair|row|look|list|chosen|step|picture|photo|[01])\b|\.replace\.word")


@dataclass(frozen=True)
class Seen:
    """What was on a page.

    Args:
        labels: What names a widget, a choice, a column, an axis or a mark of a legend.
        explained: Names of the entries of the glossary that it shows.
        says: Its prose, labels and cells of tables, without those entries.
        doors: What a control of panels, views or parts offers; what is behind is on the page only where it is open.
        open: Those that are open, by their values in links and by their names on screen.
        link: Its parameters.
        is_sound: Whether it shows no error.
    """

    labels: frozenset[str]
    explained: frozenset[str]
    says: str
    doors: frozenset[str]
    open: frozenset[str]
    link: dict[str, Any]
    is_sound: bool


def seen(page: AppTest) -> Seen:
    """What is on a page, as it stands."""
    parts = list(parts_of(page.main))
    labels = {label.strip() for part in parts for label in _labels(part) if label.strip()}
    prose = [str(part.value) for part in parts if part.type in ("markdown", "caption", "title", "metric", "info")]
    shown = {text: {name for name, entry in entries().items() if entry.says in text} for text in prose}
    own = [text for text, names in shown.items() if not names]
    cells = [cell for part in parts if part.type == "dataframe" for cell in part.value.to_numpy().ravel() if isinstance(cell, str)]
    doors = [part for part in parts if part.type == "button_group" and (part.key or "").endswith((".panel", ".view", ".part"))]
    link = {key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in page.query_params.items()}
    link = {key: value for key, value in link.items() if not key.endswith(".weights")}  # of the network as it is today
    return Seen(
        frozenset(labels),
        frozenset().union(*shown.values()),
        " ".join(" ".join([*own, *cells, *sorted(labels)]).split()),
        frozenset(choice for part in doors for choice in _choices(part)),
        frozenset(name for part in doors for name in (str(part.value), *_chosen(part))),
        link,
        not page.exception and not page.error,
    )


def _chosen(door: Any) -> list[str]:
    """Names on screen of what is chosen."""
    return [choice for index, choice in enumerate(_choices(door)) if index in door.indices]


def finds(*names: str) -> re.Pattern:
    """Finds a term in a text by any of some names: with capitals in this spelling alone, without them in any; an s may follow."""
    longest_first = sorted(names, key=len, reverse=True)
    either = "|".join(f"(?i:{re.escape(name)})" if name == name.lower() else re.escape(name) for name in longest_first)
    return re.compile(rf"(?<![\w-])(?:{either})s?(?![\w-])")


@cache
def terms_in(label: str) -> tuple[set[str], set[str]]:
    """The entries that a label names, longer names first, and its other words that are no plain ones."""
    text, named = _from_data().sub(" ", re.sub(r"“[^”]*”|`[^`]*`|<[^>]*>|\*|\\", " ", label)), set()
    for pattern, entry in _patterns():
        text, count = pattern.subn(" ", text)
        named |= {entry} if count else set()
    words = {word.removesuffix("'s") for word in re.findall(r"(?<!\w)[^\W\d_][\w'’]*", text)}
    return named, {word for word in words if word.casefold() not in PLAIN}


@cache
def _patterns() -> list[tuple[re.Pattern, str]]:
    names = [(name, entry.name) for entry in entries().values() for name in (entry.name, *entry.also)]
    return [(finds(name), entry) for name, entry in sorted(names, key=lambda row: -len(row[0]))]


@cache
def _from_data() -> re.Pattern:
    """Finds names of networks and of the classes that they know."""
    cards = models.available()
    names = {*cards, *(label for card in cards.values() for label in card.get("labels", ()))}
    names |= {card["data"]["corpus"] for card in cards.values() if card["data"].get("corpus")}
    known = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, known))})(?![\w-])")


def parts_of(block: Any) -> Iterator[Any]:
    """All elements of a page, and the blocks that hold them."""
    for part in block.children.values():
        yield part
        if hasattr(part, "children"):
            yield from parts_of(part)


def _labels(part: Any) -> Iterator[str]:
    if part.type == "vega_lite_chart":
        yield from _of_spec(json.loads(part.proto.spec), _rows(part.proto))
    elif part.type == "plotly_chart":
        yield from _of_plotly(json.loads(part.proto.spec))
    elif part.type == "dataframe":
        yield from _of_frame(part)
    elif part.type == "markdown":
        yield from _of_table(part.value)
    elif part.type == "popover":
        yield part.proto.popover.label
    elif not (part.type == "button" and OF_DATA.search(part.key or "")):
        yield getattr(part, "label", "") or ""
        yield from _choices(part)


def _choices(part: Any) -> Iterator[str]:
    options = getattr(part, "options", ()) if not OF_DATA.search(getattr(part, "key", "") or "") else ()
    yield from (getattr(option, "content", option) for option in options)


def _of_frame(part: Any) -> Iterator[str]:
    """Headings of a table: of a column its name, or the label that it is given instead."""
    given = json.loads(part.proto.columns or "{}")
    for name in map(str, part.value.columns):
        yield (given.get(name) or {}).get("label") or name


def _of_table(text: str) -> Iterator[str]:
    """Headings of a table in Markdown."""
    for heading, rule in itertools.pairwise(text.split("\n")):
        if heading.startswith("|") and re.fullmatch(r"[|\-: ]+", rule):
            yield from map(as_read, heading.strip("|").split(" | "))


def _rows(proto: Any) -> list[dict[str, Any]]:
    frames = (pa.ipc.open_stream(dataset.data.data).read_pandas() for dataset in proto.datasets)
    return [row for frame in frames for row in frame.to_dict("records")]


def _of_spec(spec: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[str]:
    """Titles of axes and legends, or the fields where none has a title; entries of a legend, from its scale or its values."""
    titles: dict[str, list[str]] = {}
    for channel, encoding in _encodings(spec):
        is_scaled, is_axis = channel in SCALED, channel in ("x", "y")
        guide = encoding.get("legend" if is_scaled else "axis" if is_axis else "header", {})
        if guide is None or encoding.get("scale", {}) is None or not (is_scaled or is_axis or channel in ("row", "column", "facet")):
            continue
        title = guide.get("title", encoding.get("title"))
        fields = titles.setdefault(f"{channel} by field", [])
        fields += [] if title is None and ("title" in guide or "title" in encoding) else [encoding["field"]]
        titles.setdefault(channel, []).extend(title if isinstance(title, list) else [title] if title else [])
        if is_scaled and encoding.get("type") in ("nominal", "ordinal"):
            marks = encoding.get("scale", {}).get("domain") or [row.get(encoding["field"]) for row in rows]
            yield from (mark for mark in marks if isinstance(mark, str))
    for channel in [name for name in titles if " " not in name]:
        yield from titles[channel] or titles[f"{channel} by field"]


def _encodings(spec: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every channel that shows a field, in all layers of a chart."""
    if isinstance(spec, list):
        for item in spec:
            yield from _encodings(item)
    if isinstance(spec, dict):
        for channel, encoding in spec.get("encoding", {}).items():
            if isinstance(encoding, dict) and "field" in encoding:
                yield channel, encoding
        for name, item in spec.items():
            if name not in ("datasets", "data", "config", "encoding"):
                yield from _encodings(item)


def _of_plotly(figure: Any) -> Iterator[str]:
    """Titles of the axes and of the scale of colours; names of the traces that the legend lists."""
    if isinstance(figure, list):
        for item in figure:
            yield from _of_plotly(item)
    if not isinstance(figure, dict):
        return
    if figure.get("showlegend", True) and isinstance(figure.get("name"), str):
        yield figure["name"]
    for name, item in figure.items():
        if name == "title":
            yield item.get("text", "") if isinstance(item, dict) else str(item)
        elif name not in ("template", "annotations"):
            yield from _of_plotly(item)
