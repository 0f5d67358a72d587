"""The state figure as a file: an SVG with all that the page shows, and an HTML page around it. Needs neither browser nor network."""

import base64
import struct
import zlib
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import NamedTuple

import numpy as np

from explorer.axes import UInt8
from explorer.figures import characters, inputs_svg
from explorer.figures.inputs import Inputs, thinned
from explorer.figures.scales import GROUND, STEPS, Scale, css, ink, likely, ramp

CELL, LINE, BODY, TOP, MARGIN, HEAD = 10, 29, 20, 4, 16, 56
GUESS, ROOM = 15, 6  # pixels of a likely next character, and below the five of them
COURSE, WIDEST = 52, 24  # pixels of the line over time, and of a column of the map at most
Number = int | float
GAP = 0.5  # of a column stays free after a word
ASKED = 13  # columns that a likely next word may ask for
LETTERS = 1.25  # small letters of a likely next word in a column
MONO = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
CLEAR, OPEN = 0.1, 0.8  # from the middle of the scale, of its half: where a value is marked as signed, a gate as open or shut


class Paper(NamedTuple):
    """Colours beside those of the values: the page's own."""

    ground: str
    text: str
    quiet: str
    primary: str
    edge: str


PAPER = {
    False: Paper(GROUND[False], "#1b1b20", "#5b5b66", "#08519c", "#d5d8de"),
    True: Paper(GROUND[True], "#ececf1", "#a5a5b0", "#7db8e8", "#3a3a44"),
}


@dataclass(frozen=True, eq=False)
class Sheet:
    """Contents of the SVG.

    Args:
        tokens: Characters, [time].
        stored: Places on the scale as they are painted, int16 [time, unit].
        unit: The chosen one.
        order: Of the map's rows, [unit].
        scale: For the legend and the colours.
        heading: Line at the top.
        captions: Left and right above the map.
        alt: Text alternative of the picture.
        said: Lines between the text and the map: what stands at the cursor.
        next_tokens: Likely next characters under each character, [time, 5]; None where they are not shown.
        next_p: Their probabilities, [time, 5].
        cursor: Index of the framed character, or None.
        selection: First selected index and one past the last, or None.
        breaks: Indices of the characters before which the state was reset or changed.
        columns: Characters of a line.
        dark, lecture: Which colours.
        inputs: Numbers that are drawn in place of the tokens, or None.
        alone: Index of the one of them that is drawn; None: all.
        start: Position of the first token in the whole text.
        says: Words of the legend in place of the scale's own.
    """

    tokens: tuple[str, ...]
    stored: np.ndarray
    unit: int
    order: np.ndarray
    scale: Scale
    heading: str
    captions: tuple[str, str]
    alt: str
    said: tuple[str, ...] = ()
    next_tokens: np.ndarray | None = None
    next_p: np.ndarray | None = None
    cursor: int | None = None
    selection: tuple[int, int] | None = None
    breaks: tuple[int, ...] = ()
    columns: int = 100
    dark: bool = False
    lecture: bool = False
    inputs: Inputs | None = None
    alone: int | None = None
    start: int = 0
    says: str = ""

    @property
    def paper(self) -> Paper:
        """The page's colours."""
        return PAPER[self.dark]

    @property
    def colours(self) -> np.ndarray:
        """The 256 colours of the scale, uint8 [256, rgb]."""
        return self.scale.colours(self.dark, self.lecture)

    @property
    def spans(self) -> list[int]:
        """Columns of each token, [time]."""
        return spans(self.tokens, self.columns, self.next_tokens)

    @property
    def gap(self) -> Number:
        """Pixels that stay free after each token."""
        return GAP * CELL * characters.has_words(self.tokens)

    @property
    def line(self) -> int:
        """Pixels of a line of text, with what stands under its characters."""
        return LINE if self.next_tokens is None else LINE + self.next_tokens.shape[1] * GUESS + ROOM


def levels(stored: np.ndarray) -> np.ndarray:
    """Numbers of the colours in which stored places [any] are painted, uint8 [any]: their high byte."""
    return ((stored.astype(np.int32) >> 8) + 128).astype(np.uint8)


def png(pixels: UInt8[np.ndarray, "row column 3"]) -> bytes:
    """A picture file of pixels [row, column, rgb]."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], 1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)) + chunk(b"IEND", b"")


def spans(tokens: tuple[str, ...], columns: int, next_tokens: np.ndarray | None = None) -> list[int]:
    """Columns of each token, [time]: one for each character, two for a byte; for a word its letters and a blank, at most a line.

    Args:
        tokens: Characters or words, [time].
        columns: Of a line.
        next_tokens: Likely next tokens under each one, [time, rank], for which words make room; None where they are not shown.
    """
    if not characters.has_words(tokens):
        return [2 if characters.is_byte(token) else 1 for token in tokens]
    own = [_span(token, columns) for token in tokens]
    if next_tokens is None:
        return own
    below = [min(ASKED, max(_span(str(token), columns) for token in row)) for row in next_tokens]
    return [max(pair) for pair in zip(own, below, strict=True)]


def _span(token: str, columns: int) -> int:
    return min(columns, max(1, characters.columns_of(characters.shown(token))) + 1)


def lines(tokens: tuple[str, ...], columns: int, spans: list[int]) -> list[tuple[int, int]]:
    """Where each line begins and ends: after a newline, or when the next token with its `spans` [time] does not fit."""
    drawn, start, taken = [], 0, 0
    for i, token in enumerate(tokens):
        taken += spans[i]
        following = spans[i + 1] if i + 1 < len(tokens) else columns
        if token == "\n" or taken + following > columns:
            drawn.append((start, i + 1))
            start, taken = i + 1, 0
    return drawn


def svg(sheet: Sheet) -> str:
    """The picture: head with legend, the text in the unit's colours, what stands at the cursor, the unit over time, all units."""
    body, body_width, body_height = _text_body(sheet) if sheet.inputs is None else _inputs(sheet, sheet.inputs)
    width = body_width + 2 * MARGIN
    said_at = HEAD + body_height + 16
    map_top = said_at + 20 * len(sheet.said) + 14
    row_height = max(2, min(24, 400 // sheet.stored.shape[1]))
    height = map_top + COURSE + 4 + sheet.stored.shape[1] * row_height + MARGIN
    said = "".join(_words(MARGIN, said_at + 20 * index, line, 13, sheet.paper.text) for index, line in enumerate(sheet.said))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        f"<title>{_text(sheet.heading)}</title><desc>{_text(sheet.alt)}</desc>",
        f'<rect width="100%" height="100%" fill="{sheet.paper.ground}"/>',
        _head(sheet, width),
        body,
        f'<g font-family="sans-serif">{said}</g>',
        _map(sheet, map_top, width - 2 * MARGIN, row_height),
        "</svg>",
    ]
    return "\n".join(parts)


def html(sheet: Sheet) -> str:
    """The picture as a page that stands alone."""
    title, paper = _text(sheet.heading), sheet.paper
    style = f"body{{margin:24px;background:{paper.ground};color:{paper.text};font-family:sans-serif}}svg{{max-width:100%;height:auto}}"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title><style>{style}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><main>{svg(sheet)}<p>{_text(sheet.alt)}</p></main></body></html>'


def _text(words: str) -> str:
    """Words as they may stand in XML: escaped, and without the code points XML forbids."""
    return escape("".join(c if c.isprintable() or c in "\n\t" else characters.sign(c) for c in words))


def _words(x: Number, y: Number, words: str, size: int, fill: str, anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}" text-anchor="{anchor}">{_text(words)}</text>'


def _box(x: Number, y: Number, width: Number, height: Number, fill: str, more: str = "") -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{fill}"{more}/>'


def _frame(box: tuple[Number, Number, Number, Number], colour: str, ground: str, halo: int) -> str:
    """A frame (x, y, width, height) that stands out from any colour: a wide line in that of the ground under a narrow one."""
    frame = _box(*box, "none", ' stroke="{}" stroke-width="{}"')
    return frame.format(ground, halo) + frame.format(colour, 2)


def _css(colours: np.ndarray) -> tuple[list[str], list[str]]:
    """Each of 256 colours as it stands in SVG, and black or white to write on it."""
    rows = colours.tolist()
    return [css(colour) for colour in rows], [ink(colour) for colour in rows]


def _text_body(sheet: Sheet) -> tuple[str, int, int]:
    """The text, its width and its height."""
    rows = lines(sheet.tokens, sheet.columns, sheet.spans)
    width = max(640, *(CELL * sum(sheet.spans[start:stop]) for start, stop in rows))
    drawn = f'<g font-family="{MONO}" font-size="15" text-anchor="middle" direction="ltr">{_body(sheet, rows)}</g>'
    return drawn, width, len(rows) * sheet.line


def _inputs(sheet: Sheet, inputs: Inputs) -> tuple[str, int, int]:
    """The lanes of the inputs in place of the text, on the axis of the map; their width and height."""
    width = CELL * sheet.columns
    column, paper = min(width / len(sheet.tokens), WIDEST), sheet.paper
    frame = inputs_svg.Frame(MARGIN, HEAD, width, column, paper.text, paper.quiet, paper.edge)
    height = inputs_svg.height(inputs, sheet.alone)
    parts = []
    if sheet.selection:
        start, stop = (MARGIN + at * column for at in sheet.selection)
        parts.append(_box(start, HEAD, stop - start, height - inputs_svg.AXIS, paper.primary, ' opacity="0.2"'))
    parts.append(inputs_svg.lanes(inputs, sheet.alone, sheet.start, frame))
    parts += [_upright(MARGIN + i * column, HEAD, height - inputs_svg.AXIS, paper) for i in sheet.breaks]
    if sheet.cursor is not None:
        parts.append(inputs_svg.cursor(inputs, sheet.alone, sheet.cursor, frame))
    return "".join(parts), width, height


def _body(sheet: Sheet, rows: list[tuple[int, int]]) -> str:
    chosen, gap, spans = sheet.stored[:, sheet.unit], sheet.gap, sheet.spans
    sizes = [CELL * span - gap for span in spans]
    painted, (fills, inks) = levels(chosen), _css(sheet.colours)
    parts, places = [], []
    for index, (start, stop) in enumerate(rows):
        top, left = HEAD + index * sheet.line, MARGIN
        # Neighbours of one colour share a box, but words stand apart.
        for (level, _), run in groupby(range(start, stop), lambda i: (painted[i], i * bool(gap))):
            same = list(run)
            parts.append(_box(left, top + TOP, sum(sizes[i] for i in same), BODY, fills[level]))
            for i in same:
                sign = characters.cut(characters.shown(sheet.tokens[i]), spans[i] - 1) if gap else characters.shown(sheet.tokens[i])
                parts.append(_glyph(sign, sheet.tokens[i], (left, top), sizes[i], inks[level]))
                parts += _mark(sheet, int(chosen[i]), (left, top), sizes[i])
                places.append((left, top))
                left += CELL * spans[i]
    parts += _guesses(sheet, places, sizes)
    parts += [
        _box(places[i][0], places[i][1] + at, sizes[i], height, sheet.paper.primary)
        for i in range(*(sheet.selection or (0, 0)))
        for at, height in ((1, 2.5), (TOP + BODY, 3))
    ]
    parts += [_upright(places[i][0], places[i][1] + 1, BODY + 2 * TOP - 1, sheet.paper) for i in sheet.breaks]
    if sheet.cursor is not None:
        x, top = places[sheet.cursor]
        parts.append(_frame((x - 1, top + TOP - 1, sizes[sheet.cursor] + 2, BODY + 2), sheet.paper.text, sheet.paper.ground, 4))
    return "".join(parts)


def _glyph(sign: str, token: str, corner: tuple[int, int], width: Number, fill: str) -> str:
    """One token in its cell; a sign of several characters is fitted to it, whatever the font."""
    x, top = corner
    faint = "" if characters.shown(token) == token or len(sign) > 1 else ' opacity="0.5"'
    room = width - 1 if width == CELL else min(CELL * characters.columns_of(sign), width - 1)
    squeeze = f' textLength="{room}" lengthAdjust="spacingAndGlyphs"' if len(sign) > 1 and not sign.startswith("\u25cc") else ""
    return f'<text x="{x + width / 2:g}" y="{top + 19}" fill="{fill}"{faint}{squeeze}>{_text(sign)}</text>'


def _mark(sheet: Sheet, stored: int, corner: tuple[int, int], width: Number) -> list[str]:
    """A bar above a token that is clearly positive, or whose gate is nearly open; one below for the opposite; or none."""
    x, top = corner
    if abs(stored) < (CLEAR if sheet.scale.is_signed else OPEN) * STEPS:
        return []
    return [_box(x, top + 1 if stored > 0 else top + TOP + BODY + 1, width, 2, sheet.paper.text)]


def _upright(x: Number, y: Number, height: Number, paper: Paper) -> str:
    """A line where the state was reset or changed, which stands out from any colour."""
    return _box(x - 1.5, y, 3, height, paper.ground) + _box(x - 0.5, y, 1.5, height, paper.text)


def _guesses(sheet: Sheet, places: list[tuple[int, int]], sizes: list[Number]) -> list[str]:
    """The likely next characters under each one, on a ground as strong as the probability; the one that came is underlined."""
    if sheet.next_tokens is None or sheet.next_p is None:
        return []
    fills, inks = _css(ramp(likely(sheet.dark, sheet.lecture)))
    drawn = ['<g font-size="12">']
    for i, (x, top) in enumerate(places):
        for rank, token in enumerate(map(str, sheet.next_tokens[i])):
            level, y = int(255 * sheet.next_p[i][rank] + 0.5), top + LINE + rank * GUESS
            drawn.append(_box(x, y, sizes[i], GUESS, fills[level]))
            sign = characters.shown(token)
            sign = characters.cut(sign, int(sizes[i] / CELL * LETTERS)) if sheet.gap else sign
            drawn.append(f'<text x="{x + sizes[i] / 2:g}" y="{y + 11.5:g}" fill="{inks[level]}">{_text(sign)}</text>')
            if i + 1 < len(places) and sheet.tokens[i + 1] == token:
                drawn.append(_box(x + 1, y + GUESS - 1.5, sizes[i] - 2, 1.5, sheet.paper.text))
    return [*drawn, "</g>"]


def _head(sheet: Sheet, width: int) -> str:
    scale, left, quiet = sheet.scale, width - MARGIN - 300, sheet.paper.quiet
    bar = base64.b64encode(png(sheet.colours[None])).decode()
    reach = scale.high - scale.low
    named = {f"{tick:g}".replace("-", "\u2212"): left + 160 * (tick - scale.low) / reach for tick in scale.ticks()}
    ticks = "".join(_words(x, 42, tick, 11, quiet, "middle") for tick, x in named.items())
    return (
        f'<g font-family="sans-serif">{_words(MARGIN, 28, sheet.heading, 15, sheet.paper.text)}'
        f'<image x="{left}" y="18" width="160" height="10" preserveAspectRatio="none" href="data:image/png;base64,{bar}"/>'
        f"{ticks}{_words(left + 168, 27, sheet.says or scale.says, 11, quiet)}</g>"
    )


def _map(sheet: Sheet, top: int, width: int, row_height: int) -> str:
    """The unit over time and, on the same axis, all units; a line through both at the cursor."""
    paper, units = sheet.paper, sheet.stored.shape[1]
    column = min(width / len(sheet.tokens), WIDEST)
    picture = base64.b64encode(png(sheet.colours[levels(sheet.stored).T[sheet.order]])).decode()
    row, below = int(np.flatnonzero(sheet.order == sheet.unit)[0]), top + COURSE + 4
    words = _words(MARGIN, top - 8, sheet.captions[0], 12, paper.quiet) + _words(
        MARGIN + width, top - 8, sheet.captions[1], 12, paper.quiet, "end"
    )
    parts = [
        f'<g font-family="sans-serif">{words}</g>',
        _course(sheet, top, width, column),
        f'<image x="{MARGIN}" y="{below}" width="{column * len(sheet.tokens):g}" height="{units * row_height}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{picture}"/>',
    ]
    parts += [_upright(MARGIN + i * column, top, COURSE + 4 + units * row_height, paper) for i in sheet.breaks]
    if sheet.cursor is not None:
        x = MARGIN + (sheet.cursor + 0.5) * column - 0.5
        parts.append(_box(x, top, 1, COURSE, paper.text, ' opacity="0.55"'))
        parts.append(_box(x, below, 1, units * row_height, paper.text, ' opacity="0.55"'))
        y = top + float(_height(sheet.stored[:, sheet.unit])[sheet.cursor])
        parts.append(f'<circle cx="{x + 0.5:g}" cy="{y:g}" r="4" fill="{paper.text}" stroke="{paper.ground}" stroke-width="1.5"/>')
    parts.append(_frame((MARGIN - 2, below + row * row_height - 1.5, width + 4, row_height + 3), paper.primary, paper.ground, 5))
    return "".join(parts)


def _height(stored: np.ndarray) -> np.ndarray:
    """Pixels from the top of the line over time to a stored place."""
    return 3 + (1 - (stored / STEPS + 1) / 2) * (COURSE - 6)


def _course(sheet: Sheet, top: int, width: int, column: Number) -> str:
    """The chosen unit over time: an area in its own colours under a line."""
    chosen, base = sheet.stored[:, sheet.unit], COURSE / 2 if sheet.scale.is_signed else COURSE - 3
    heights, painted, fills, parts = _height(chosen), levels(chosen), _css(sheet.colours)[0], []
    if sheet.selection:
        start, stop = (MARGIN + at * column for at in sheet.selection)
        parts.append(_box(start, top, stop - start, COURSE, sheet.paper.primary, ' opacity="0.2"'))
    places = [(i * column, y, fills[painted[i]]) for i, y in enumerate(heights.tolist())]
    if column < 1:  # several steps on one pixel: the least and the greatest
        thin = [(x, round(stored)) for piece in thinned(chosen.astype(float), column, width) for x, stored in piece]
        drawn = np.array([stored for _, stored in thin])
        places = [(x - 0.5, y, fills[at]) for (x, _), y, at in zip(thin, _height(drawn).tolist(), levels(drawn), strict=True)]
    wide = max(column, 1)
    for x, y, fill in places:
        parts.append(_box(round(MARGIN + x, 2), round(top + min(base, y), 2), round(wide, 2), round(abs(y - base), 2), fill))
    parts.append(_box(MARGIN, top + base - 0.5, width, 1, sheet.paper.edge))
    points = " ".join(f"{MARGIN + x + wide / 2:.2f},{top + y:.2f}" for x, y, _ in places)
    line = f'fill="none" stroke="{sheet.paper.text}" stroke-width="1.5" stroke-linejoin="round"'
    return f'{"".join(parts)}<polyline points="{points}" {line}/>'
