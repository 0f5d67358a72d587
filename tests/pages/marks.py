"""A marked string for everything that comes from outside, and where the page shows it as Markdown.

The string is in every field and every value of a link; a page has escaped it if none of its pieces stands anywhere in a field that
Streamlit reads as Markdown.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

import models
from models import checkpoint
from models.checkpoint import Loaded
from models.vocabulary.characters import UNKNOWN
from models.vocabulary.subwords import MARKS
from tests.models.captioning.tiny_captions import tiny_captioner, tiny_scenes
from tests.models.names.tiny_names import tiny_namer
from tests.models.tiny import tiny
from tests.models.translation.tiny_translation import tiny_translator

# Code that would begin, an image, a link, HTML, a formula, a colour, an emoji and an icon, in one word.
MARK = "`![m](http://m.test/m)<b>$m$:red[m]:cat::material/bolt:"
FILE = MARK.replace("/", "")  # the name of a file has no slash
PIECES = ("![m", "](http://m", "http://m", "<b>", "$m$", ":red[", ":cat:", ":material/bolt")
TRICKY = (  # what Streamlit's Markdown makes something of, each for itself
    MARK, "www.m.test", "xx@m.test", "HTTP://m.test/", ":streamlit:", ":material/bolt:", ":+1:", "a -> b", "a -- b", "x >= 1", "&lt;b&gt;",
    "# a", "- a", "1. a", "> a", "***", "~~a~~", "a^b^", ":small[a]", "[a]: http://m.test", "<!-- a -->", "a | b", "<https://m.test>", "\\",
)  # fmt: skip
CODE = re.compile(r"(?<![\\`])(`+)(?!`).+?(?<!`)\1(?!`)")  # nothing in it is Markdown
# Fields of elements that no Markdown is made of: what a browser shows as text or does not show, and data.
KEEP = frozenset({"cell", "says", "concept", "kind"})  # entries of a card that are read from a short list of known words
PLAIN = {
    "bidi_component.json", "code.code_text", "dataframe.data", "dataframe.columns", "deferred_file_id", "id", "key", "form_id",
    "file_uploader.type", "query_param_key", "raw_value", "raw_values", "selectbox.options", "text_area.value", "text_area.default",
    "text_input.value", "text_input.default", "text_input.placeholder", "vega_lite_chart.spec", "vega_lite_chart.datasets",
    "html.body", "icon", "plotly_chart",
}  # fmt: skip


def unescaped(page: AppTest) -> list[str]:
    """Fields of the page in which a piece of the mark is Markdown, each with its text."""
    return [f"{field}: {text}" for field, text in fields(page) if any(piece in CODE.sub("", text).casefold() for piece in PIECES)]


def fields(page: AppTest) -> Iterator[tuple[str, str]]:
    """Every field of every element and block that Streamlit reads as Markdown, and its text."""
    for part in _parts(page.main):
        if part.proto is not None:
            yield from _strings(part.proto, part.type)


def _parts(block: Any) -> Iterator[Any]:
    for part in block.children.values():
        yield part
        if hasattr(part, "children"):
            yield from _parts(part)


def _strings(message: Any, path: str) -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        where = f"{path}.{field.name}"
        if field.name in PLAIN or ".".join(where.split(".")[-2:]) in PLAIN:
            continue
        values = list(value) if field.is_repeated else [value]
        if field.type == field.TYPE_STRING:
            yield from ((where, text) for text in values)
        elif field.type == field.TYPE_MESSAGE and not field.message_type.GetOptions().map_entry:
            for one in values:
                yield from _strings(one, where)


def marked(value: Any, places: list[str], path: str = "") -> Any:
    """A copy of a card in which every string is the mark, and every table has one more entry called so.

    Args:
        value: The card, or a part of it.
        places: Gets the path of each marked string.
        path: Of the value.
    """
    if isinstance(value, str):
        places.append(path)
        return MARK
    if isinstance(value, list):
        return [marked(one, places, f"{path}[]") for one in value]
    if not isinstance(value, dict):
        return value
    whole = {name: one if name in KEEP else marked(one, places, f"{path}.{name}") for name, one in value.items()}
    if value and not KEEP & value.keys():
        places.append(f"{path}.*")
        whole[MARK] = next(iter(whole.values()))
    return whole


def save_networks(folder: Path) -> list[str]:
    """Tiny networks whose file names, vocabularies and labels hold the mark, with the marked claims of shipped cards, and damaged files.

    Args:
        folder: Where they are written.

    Returns:
        Where the mark stands: for each string the name of the network and the path in its card.
    """
    places: list[str] = []
    shipped = models.available(models.FOLDER)
    tinies = {
        "wiki-lstm": tiny("lstm"),
        "wiki-gru": tiny("gru"),
        "en-fr-additive": tiny_translator(),
        "en-fr-none": tiny_translator("none"),
    }
    tinies |= {"scenes-soft": tiny_scenes(), "caption-soft": tiny_captioner(), "names-gru": tiny_namer(), "names-lstm": tiny_namer("lstm")}
    for name, loaded in tinies.items():
        own = _definition(loaded)
        claims = {field: value for field, value in shipped[name].items() if field not in {*own, "format"}}
        checkpoint.save(loaded.module, own | marked(claims, places, name) | _fitting(shipped[name]), folder / f"{FILE}{name}.safetensors")
        places += [f"{name}, file", f"{name}, {'labels' if 'labels' in own else 'vocabulary'}"]
    for file in ("gradients", "gap"):
        measured = json.loads((models.FOLDER / f"wiki-{file}.json").read_text(encoding="utf-8"))
        path = folder / f"{MARK}-{file}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(marked(measured, places, f"{file}.json")), encoding="utf-8")
    content = (folder / f"{FILE}wiki-gru.safetensors").read_bytes()
    for field in ("kind", "format"):
        damaged = folder / f"{FILE}{field}.safetensors"
        damaged.write_bytes(content)
        checkpoint.update_card(damaged, **{field: MARK})
        places += [f"{field}, file", field]
    return places


def _definition(loaded: Loaded) -> dict[str, Any]:
    """What defines a tiny network, with the mark in its vocabulary or its labels."""
    card, kind = loaded.card, loaded.card["kind"]
    own = {name: card[name] for name in ("kind", "arguments", "vocabulary", "encoder") if name in card}
    if "labels" in card:
        return own | {"labels": [f"{MARK}{n}" for n in range(len(card["labels"]))], "confusion": card["confusion"]}
    own["vocabulary"] = [f"{MARK}{n}" if _is_free(token, kind) else token for n, token in enumerate(own["vocabulary"])]
    return own | ({"merges": [], "direction": MARK} if kind == "seq2seq" else {})


def _is_free(token: str, kind: str) -> bool:
    """Whether a vocabulary may have any other token in place of this one."""
    if token in (*MARKS, UNKNOWN) or token.startswith("<0x"):
        return False
    return token in "abc" if kind == "char_lm" else len(token) > 1


def _fitting(card: dict[str, Any]) -> dict[str, Any]:
    """Marked entries of a card whose numbers must fit the tiny network."""
    fitting: dict[str, Any] = {}
    if "units" in card:
        words = dict.fromkeys(("verdict", "quantity", "nearest"), MARK) | {"baselines": {MARK: {"r": 0.1}}}
        units = [unit | words | {"layer": 0, "unit": n} for n, unit in enumerate(card["units"][:4])]
        fitting["units"] = [*units, units[0] | {"concept": MARK}]
    if card.get("example"):
        words = dict.fromkeys(("sentence", "truth", "looks", "looks_instead", "word", "becomes"), MARK) | {"crossing": [MARK, f"{MARK}2"]}
        fitting["example"] = card["example"] | words | dict.fromkeys(("row", "step", "column", "other"), 0)
    if card["kind"] == "scenes":
        fitting["examples"] = [row | {"says": f"{MARK} {MARK}", "word": 1, "pixels": MARK, "mean": MARK} for row in card["examples"]]
    if "paired" in card:
        fitting["paired"] = {"against": MARK, "all": {MARK: {"p": None}, "other": {"p": 0.5}}}
    return fitting
