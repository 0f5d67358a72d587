"""A saved state figure is what is on the screen: compared with the calls that its JavaScript makes to the canvases."""

import base64
import io
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from explorer.figures.inputs import Inputs
from explorer.figures.scales import Scale
from explorer.figures.states import StateFigure
from explorer.figures.states_svg import HEAD, MARGIN, PAPER
from tests.pages.test_state_view_js import JS, node  # noqa: F401, a fixture

NAME = "{http://www.w3.org/2000/svg}"
TEXT = "The [[tower]] is a <b>lighthouse</b>.\n\tIt guides ships & boats" + " at night" * 12
LOOKS = [(), ("next",), ("lecture",), ("flip",), ("next", "lecture", "flip")]


def figure(scale: Scale) -> StateFigure:
    rng = np.random.default_rng(3)
    time, units = len(TEXT), 3
    values = rng.uniform(scale.low, scale.high, (time, units)).astype(np.float32)
    values[:4, 1] = np.array([0.02, -0.04, 0.0, 1.0]) * scale.high if scale.low else np.array([0.0, 0.05, 0.95, 1.0])
    p = rng.dirichlet(np.ones(7), time)[:, :5].astype(np.float32)
    guesses = rng.choice([*"abe [\n\t"], (time, 5))
    return StateFigure(
        TEXT, values, "hidden", 1, (2, 0, 1), "variance", scale, guesses, p, rng.uniform(0, 14, time).astype(np.float32), 40, "net", 49
    )


def painted(node: str, file: Path, choice: dict) -> dict:  # noqa: F811
    """What the page paints."""
    ran = subprocess.run([node, str(JS / "painted.mjs"), str(file), json.dumps(choice)], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def hexadecimal(colour: str) -> str:
    """A colour of CSS, "rgb(1,2,3)" or "#fff", as it stands in the SVG."""
    if colour.startswith("rgb"):
        return "#{:02x}{:02x}{:02x}".format(*map(int, colour[4:-1].split(",")))
    return {"#fff": "#ffffff", "#000": "#000000"}.get(colour, colour)


def boxes(rects: list, left: int, top: int, paper: dict[str, str] | None = None) -> set[tuple]:
    """Rectangles of a canvas as x, y, width, height and colour in the SVG."""
    named = {"text": paper["text"], "primary": paper["primary"]} if paper else {}
    return {(round(x + left, 1), round(y + top, 1), w, h, named.get(fill, hexadecimal(fill))) for x, y, w, h, fill in rects}


def rects(part: ElementTree.Element) -> Iterator[tuple]:
    """Filled rectangles of a part of the SVG, those of several characters in cells of one."""
    for rect in part.iter(f"{NAME}rect"):
        x, y, width, height = (float(rect.get(name, "nan")) for name in ("x", "y", "width", "height"))
        cells = round(width / 10) if height == 20 and rect.get("fill") != "none" else 1
        for cell in range(cells):
            if rect.get("fill") != "none":
                yield round(x + 10 * cell, 1), round(y, 1), width / cells, height, rect.get("fill")


@pytest.mark.parametrize("looks", [(), ("next",)], ids=" ".join)
def test_words_stand_in_the_file_where_the_page_paints_them(node, tmp_path: Path, looks: tuple):  # noqa: F811
    rng, words = np.random.default_rng(5), ("the", "lighthouse", "at", "a", "\n", "東京", "new york", "x" * 130, *["boat"] * 30)
    p = rng.dirichlet(np.ones(7), len(words))[:, :5].astype(np.float32)
    guesses = rng.choice(["a", "lighthouse", "incomprehensibilities", "\n", "boat"], (len(words), 5))
    values = rng.uniform(-1, 1, (len(words), 3)).astype(np.float32)
    made = StateFigure(words, values, "hidden", 1, (2, 0, 1), "variance", Scale("diverging", -1, 1), guesses, p)
    file, selection = tmp_path / "figure.bin", (3, 9)
    file.write_bytes(made.to_bytes())
    drawn = painted(node, file, {"unit": 1, "cursor": 2, "selection": selection, "looks": looks, "dark": False})["drawn"]
    drawing = ElementTree.fromstring(replace(made, cursor=2).to_svg(looks=looks, selection=selection))
    text = next(part for part in drawing.iter(f"{NAME}g") if part.get("text-anchor") == "middle")
    letters = [(one.text, float(one.get("x", 0))) for one in text.iter(f"{NAME}text")]
    assert letters == [(sign, x + MARGIN) for layer in ("glyphs", "guesses") for sign, x, *_ in drawn[layer]["texts"]]
    assert ("x" * 98 + "…", MARGIN + 497.5) in letters and max(x for _, x in letters) < MARGIN + 1000
    boxes_of = {tuple(float(one.get(name, 0)) for name in ("x", "y", "width", "height")) for one in text.iter(f"{NAME}rect")}
    rects_of = drawn["text"]["rects"] + drawn["text"]["frames"] + drawn["guesses"]["rects"]
    assert {(x + MARGIN, y + HEAD, w, h) for x, y, w, h, *_ in rects_of} == boxes_of


@pytest.mark.parametrize(("time", "alone"), [(200, None), (200, 1), (7000, None)])
def test_numbers_stand_in_the_file_where_the_page_paints_them(node, tmp_path: Path, time: int, alone: int | None):  # noqa: F811
    rng, step = np.random.default_rng(6), np.arange(time)
    read = np.stack([rng.gamma(0.3, 8, time), np.where((step > 90) & (step < 99), np.nan, np.sin(step / 9))], 1)
    values = rng.uniform(-1, 1, (time, 3)).astype(np.float32)
    inputs = Inputs(("rain", "level"), read.astype(np.float32), np.datetime64("2001-03-05T06") + step.astype("timedelta64[h]"))
    made = StateFigure(["x"] * time, values, "hidden", 1, (2, 0, 1), "variance", Scale("diverging", -1, 1), inputs=inputs, cursor=3)
    file = tmp_path / "figure.bin"
    file.write_bytes(made.to_bytes())
    drawn = painted(node, file, {"unit": 1, "cursor": 3, "selection": None, "looks": [], "dark": False, "alone": alone})["drawn"]
    drawing = ElementTree.fromstring(replace(made, alone=alone).to_svg())
    lines = [[tuple(map(float, point.split(","))) for point in one.get("points", "").split()] for one in drawing.iter(f"{NAME}polyline")]
    painted_lines = [line for line in drawn["glyphs"]["lines"] if line]
    shifted = [[(x + MARGIN, y + HEAD) for x, y in line] for line in painted_lines]
    assert len(shifted) == len(lines) - 1 == (2 if alone == 1 else 3)
    for line, wanted in zip(lines, shifted, strict=False):
        np.testing.assert_allclose(line, wanted, atol=0.006)
    colours = [hexadecimal(fill) for *_, fill in drawn["line"]["rects"] if str(fill).startswith("rgb")]
    over_time = [rect.get("fill") for rect in drawing.findall(f"{NAME}rect")[1:]]
    assert [fill for fill in over_time if fill in set(colours)] == colours and len(colours) == (time if time < 1000 else 2000)
    words = [one.text for one in drawing.iter(f"{NAME}text")]
    ticks = [text for text, _, y, *_ in drawn["glyphs"]["texts"] if text.startswith(("2001", "03-"))]
    assert ticks and [word for word in words if word and word.startswith(("2001", "03-"))] == ticks


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("looks", LOOKS, ids=" ".join)
@pytest.mark.parametrize("scale", [Scale("diverging", -1, 1), Scale("sequential", 0, 1)], ids=lambda scale: scale.kind)
def test_the_file_shows_what_the_page_paints(node, tmp_path: Path, scale: Scale, looks: tuple, dark: bool):  # noqa: F811
    made, file, selection = figure(scale), tmp_path / "figure.bin", (43, 48)
    file.write_bytes(made.to_bytes())
    screen = painted(node, file, {"unit": 1, "cursor": 49, "selection": selection, "looks": looks, "dark": dark})
    drawing = ElementTree.fromstring(made.to_svg(dark=dark, looks=looks, selection=selection))
    text = next(part for part in drawing.iter(f"{NAME}g") if part.get("text-anchor") == "middle")
    paper, drawn = PAPER[dark]._asdict(), screen["drawn"]
    # Letters: what, where, in which ink and how strong.
    inks = {(x, y): hexadecimal(fill) for x, y, _, _, fill in drawn["inks"]["rects"]}
    cell, line = screen["sizes"]["cell"], screen["sizes"]["line"]
    wanted = {
        (sign, x + MARGIN, int(y // line), inks[x - cell / 2, y // line * line], alpha) for sign, x, y, _, alpha in drawn["glyphs"]["texts"]
    }
    wanted |= {(sign, x + MARGIN, round(y + HEAD, 1), hexadecimal(fill), 1) for sign, x, y, fill, _ in drawn["guesses"]["texts"]}
    guesses = set(text.findall(f"{NAME}g//{NAME}text"))
    letters = set()
    for one in text.iter(f"{NAME}text"):
        y = float(one.get("y", 0))
        at = round(y - 3.5, 1) if one in guesses else int((y - HEAD) // line)
        letters.add((one.text, float(one.get("x", 0)), at, one.get("fill"), float(one.get("opacity", 1))))
    assert letters == wanted and len(letters) >= len(TEXT)
    # Marks: colours of characters, bars, likely next characters, selection.
    assert set(rects(text)) == boxes(drawn["text"]["rects"] + drawn["guesses"]["rects"], MARGIN, HEAD, paper)
    frame = [round(at + shift, 1) for at, shift in zip(drawn["text"]["frames"][0][:4], (MARGIN, HEAD, 0, 0), strict=True)]
    shown = [rect for rect in text.iter(f"{NAME}rect") if rect.get("fill") == "none"]
    assert [[float(rect.get(name, 0)) for name in ("x", "y", "width", "height")] for rect in shown] == [frame, frame]
    # The map, pixel by pixel, and the unit over time.
    picture = list(drawing.iter(f"{NAME}image"))[1].get("href", "").removeprefix("data:image/png;base64,")
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGBA")).copy().view("<u4").ravel()
    assert pixels.tolist() == drawn["map"]["pixels"]
    colours = [hexadecimal(fill) for *_, fill in drawn["line"]["rects"] if str(fill).startswith("rgb")]
    over_time = [rect.get("fill") for rect in drawing.findall(f"{NAME}rect")[1:]]
    assert len(colours) == len(TEXT) and [fill for fill in over_time if fill in set(colours)] == colours
    # In words: the value, the surprise, the probabilities.
    lines = "  ".join(one.text or "" for one in drawing.iter(f"{NAME}text"))
    assert all(f" {word}" in lines for word in screen["said"]) and len(screen["said"]) == 7, (screen["said"], lines)
