"""The state figure as a file: an SVG with text, map and legend, and an HTML page around it. Needs neither browser nor network."""

import base64
import struct
import zlib
from dataclasses import dataclass
from html import escape
from itertools import groupby

import numpy as np

from explorer.axes import UInt8
from explorer.figures import characters
from explorer.figures.scales import LEVELS, Scale, ink

CELL, LINE, BODY, MARGIN, HEAD = 10, 29, 20, 16, 56
GAP = 8  # pixels that set words apart
PAPER = {False: ("#ffffff", "#1b1b20", "#5b5b66"), True: ("#141418", "#ececf1", "#a5a5b0")}  # ground, text, quiet
MONO = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
MARK = 0.05  # of the scale from the middle (a gate: from an end) before the sign is marked by a bar


@dataclass(frozen=True, eq=False)
class Sheet:
    """Contents of the SVG.

    Args:
        tokens: Characters, [time].
        levels: Places on the scale as numbers of colours, uint8 [time, unit].
        unit: The chosen one.
        order: Of the map's rows, [unit].
        scale: For the legend and the colours.
        heading: Line at the top.
        caption: Line above the map.
        alt: Text alternative of the picture.
    """

    tokens: tuple[str, ...]
    levels: np.ndarray
    unit: int
    order: np.ndarray
    scale: Scale
    heading: str
    caption: str
    alt: str


def png(pixels: UInt8[np.ndarray, "row column 3"]) -> bytes:
    """A picture file of pixels [row, column, rgb]."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], 1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)) + chunk(b"IEND", b"")


def widths(tokens: tuple[str, ...]) -> list[int]:
    """Pixels of each token, [time]: a cell of one size for each character, or each word at its own width."""
    if not characters.has_words(tokens):
        return [CELL] * len(tokens)
    return [CELL * max(1, characters.columns_of(characters.shown(token))) + GAP for token in tokens]


def lines(tokens: tuple[str, ...], columns: int) -> list[tuple[int, int]]:
    """Where each line begins and ends: after a newline, or when the next token does not fit into so many columns."""
    spans, start, taken, sizes = [], 0, 0, widths(tokens)
    for i, token in enumerate(tokens):
        taken += sizes[i]
        following = sizes[i + 1] if i + 1 < len(tokens) else columns * CELL
        if token == "\n" or taken + following > columns * CELL:
            spans.append((start, i + 1))
            start, taken = i + 1, 0
    return spans


def svg(sheet: Sheet, columns: int, dark: bool, lecture: bool) -> str:
    """The picture: head with legend, the text in the unit's colours, all units under it."""
    ground, text, quiet = PAPER[dark]
    rows = lines(sheet.tokens, columns)
    sizes = widths(sheet.tokens)
    width = max(640, *(sum(sizes[start:stop]) for start, stop in rows)) + 2 * MARGIN
    map_top = HEAD + len(rows) * LINE + 30
    units = sheet.levels.shape[1]
    row_height = max(2, min(24, 400 // units))
    height = map_top + units * row_height + MARGIN
    colours = sheet.scale.colours(dark, lecture)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        f"<title>{_text(sheet.heading)}</title><desc>{_text(sheet.alt)}</desc>",
        f'<rect width="100%" height="100%" fill="{ground}"/>',
        _head(sheet, width, (text, quiet), colours),
        f'<g font-family="{MONO}" font-size="15" text-anchor="middle" direction="ltr">{_body(sheet, rows, colours, text)}</g>',
        _map(sheet, (map_top, width - 2 * MARGIN, row_height), colours, (text, quiet)),
        "</svg>",
    ]
    return "\n".join(parts)


def html(sheet: Sheet, columns: int, dark: bool, lecture: bool) -> str:
    """The picture as a page that stands alone."""
    title = _text(sheet.heading)
    style = (
        f"body{{margin:24px;background:{PAPER[dark][0]};color:{PAPER[dark][1]};font-family:sans-serif}}svg{{max-width:100%;height:auto}}"
    )
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title><style>{style}</style>'
    picture = svg(sheet, columns, dark, lecture)
    return f'<!doctype html><html lang="en"><head>{head}</head><body><main>{picture}<p>{_text(sheet.alt)}</p></main></body></html>'


def _text(words: str) -> str:
    """Words as they may stand in XML: escaped, and without the code points XML forbids."""
    return escape("".join(c if c.isprintable() or c in "\n\t" else characters.sign(c) for c in words))


def _body(sheet: Sheet, rows: list[tuple[int, int]], colours: np.ndarray, text: str) -> str:
    chosen, sizes = sheet.levels[:, sheet.unit], widths(sheet.tokens)
    inks = [ink([int(c) for c in colour]) for colour in colours]
    parts = []
    for index, (start, stop) in enumerate(rows):
        top = HEAD + index * LINE
        for level, run in groupby(range(start, stop), lambda i: chosen[i]):
            cells = list(run)
            x, width = MARGIN + sum(sizes[start : cells[0]]), sum(sizes[i] for i in cells)
            fill = "#{:02x}{:02x}{:02x}".format(*colours[level])
            parts.append(f'<rect x="{x}" y="{top + 4}" width="{width}" height="{BODY}" fill="{fill}"/>')
            parts += [_glyph(sheet.tokens[i], x + sum(sizes[cells[0] : i]), top, sizes[i], inks[level]) for i in cells]
            if side := _mark(sheet, int(level)):
                y = top + 1 if side > 0 else top + BODY + 5
                parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="2" fill="{text}"/>')
    return "".join(parts)


def _glyph(token: str, x: int, top: int, width: int, fill: str) -> str:
    """One token in its cell; a sign of several characters is fitted to it, whatever the font."""
    sign = characters.shown(token)
    faint = "" if sign == token else ' opacity="0.5"'
    room = width - 1 if width == CELL else width - GAP
    squeeze = f' textLength="{room}" lengthAdjust="spacingAndGlyphs"' if len(sign) > 1 and not sign.startswith("\u25cc") else ""
    return f'<text x="{x + width / 2:g}" y="{top + 19}" fill="{fill}"{faint}{squeeze}>{_text(sign)}</text>'


def _mark(sheet: Sheet, level: int) -> int:
    """1: a bar above (positive, or a gate nearly open), -1: below, 0: none."""
    fraction = level / (LEVELS - 1)
    if sheet.scale.is_signed:
        return 0 if abs(fraction - 0.5) < MARK else (1 if fraction > 0.5 else -1)
    return 1 if fraction > 0.9 else -1 if fraction < 0.1 else 0


def _head(sheet: Sheet, width: int, ink_: tuple[str, str], colours: np.ndarray) -> str:
    scale, left = sheet.scale, width - MARGIN - 300
    bar = base64.b64encode(png(colours[None])).decode()
    ticks = "".join(
        f'<text x="{left + 160 * (t - scale.low) / (scale.high - scale.low):.1f}" y="42" font-size="11" text-anchor="middle">{t:g}</text>'
        for t in scale.ticks()
    )
    return (
        f'<g font-family="sans-serif" fill="{ink_[1]}">'
        f'<text x="{MARGIN}" y="28" font-size="15" fill="{ink_[0]}">{_text(sheet.heading)}</text>'
        f'<image x="{left}" y="18" width="160" height="10" preserveAspectRatio="none" href="data:image/png;base64,{bar}"/>'
        f'{ticks}<text x="{left + 168}" y="27" font-size="11">{scale.says}</text></g>'
    )


def _map(sheet: Sheet, layout: tuple[int, int, int], colours: np.ndarray, ink_: tuple[str, str]) -> str:
    top, width, row_height = layout
    picture = base64.b64encode(png(colours[sheet.levels].transpose(1, 0, 2)[sheet.order])).decode()
    row = int(np.flatnonzero(sheet.order == sheet.unit)[0])
    units = sheet.levels.shape[1]
    return (
        f'<text x="{MARGIN}" y="{top - 8}" font-family="sans-serif" font-size="12" fill="{ink_[1]}">{_text(sheet.caption)}</text>'
        f'<image x="{MARGIN}" y="{top}" width="{width}" height="{units * row_height}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{picture}"/>'
        f'<rect x="{MARGIN - 2}" y="{top + row * row_height - 1.5}" width="{width + 4}" height="{row_height + 3}" '
        f'fill="none" stroke="{ink_[0]}" stroke-width="1.5"/>'
    )
