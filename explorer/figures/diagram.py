"""Diagrams of boxes, text and arrows at pixel coordinates, drawn as an Altair figure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt
import pandas as pd

from explorer.figures.theme import ink, themed, unsqueezed

Number = int | float
Point = tuple[Number, Number]
CLICKED = "place"  # name of the selection that a click on a `target` makes, and of its field


def short(value: Number) -> str:
    """A number as a drawing shows it: two significant digits, but no more than two decimals, and a true minus sign."""
    text = f"{value:.2f}" if abs(value) < 0.995 else f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"
    return text.replace("-", "") if float(text) == 0 else text.replace("-", "−")


@dataclass
class Sketch:
    """Boxes, letters and arrows, laid on each other in that order; y grows downwards.

    Args:
        width, height: Of the drawing, pixels.
        dark: Colours for a dark ground.
    """

    width: Number
    height: Number
    dark: bool = False
    boxes: list[dict[str, Any]] = field(default_factory=list, repr=False)
    letters: list[dict[str, Any]] = field(default_factory=list, repr=False)
    lines: list[dict[str, Any]] = field(default_factory=list, repr=False)
    heads: list[dict[str, Any]] = field(default_factory=list, repr=False)
    targets: list[dict[str, Any]] = field(default_factory=list, repr=False)

    def box(self, corner: Point, size: Point, fill: str = "transparent", stroke: str = "transparent", thick: Number = 1) -> None:
        """A box with its upper left corner there."""
        (x, y), (width, height) = corner, size
        self.boxes.append({"x": x, "y": y, "x2": x + width, "y2": y + height, "fill": fill, "stroke": stroke, "thick": thick})

    def text(self, at: Point, text: str, size: Number = 12, colour: str = "", style: str = "center") -> None:
        """Letters around a point; style: "center", "left" or "right", and "bold" after it."""
        self.letters.append({"x": at[0], "y": at[1], "told": text, "size": size, "colour": colour or ink(self.dark), "style": style})

    def arrow(self, points: Sequence[Point], colour: str = "", dashed: bool = False, head: bool = True) -> None:
        """A line through points, with a head at its end."""
        colour, index = colour or ink(self.dark), len(self.lines)
        for order, (x, y) in enumerate(points):
            self.lines.append({"x": x, "y": y, "order": order, "arrow": index, "colour": colour, "dashed": dashed})
        if head:
            (x1, y1), (x2, y2) = points[-2:]
            angle = math.degrees(math.atan2(y2 - y1, x2 - x1)) + 90
            self.heads.append({"x": x2, "y": y2, "angle": angle, "colour": colour})

    def target(self, corner: Point, size: Point, index: int) -> None:
        """A part of the drawing that can be clicked: selection and field `place`."""
        (x, y), (width, height) = corner, size
        self.targets.append({"x": x, "y": y, "x2": x + width, "y2": y + height, CLICKED: index})

    def chart(self, sentence: str) -> alt.TopLevelMixin:
        """The drawing as a figure; the sentence tells what it shows to those who cannot see it."""
        layers = [*self._boxes(), *self._lines(), *self._texts(), *self._targets()]
        return themed(unsqueezed(alt.layer(*layers).properties(width=self.width, height=self.height)), sentence, self.dark)

    def _places(self, corners: bool = False) -> dict[str, Any]:
        """x and y of every layer: the same scales, without axes."""
        x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, self.width], nice=False))
        y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, self.height], reverse=True, nice=False))
        return {"x": x, "y": y} | ({"x2": alt.X2("x2:Q"), "y2": alt.Y2("y2:Q")} if corners else {})

    def _boxes(self) -> list[alt.Chart]:
        if not self.boxes:
            return []
        painted = {name: channel(f"{name}:N", scale=None) for name, channel in (("fill", alt.Fill), ("stroke", alt.Stroke))}
        width = alt.StrokeWidth("thick:Q", scale=None)
        chart = alt.Chart(pd.DataFrame(self.boxes)).mark_rect(cornerRadius=3)
        return [chart.encode(strokeWidth=width, **painted, **self._places(corners=True))]

    def _lines(self) -> list[alt.Chart]:
        layers = []
        for dashed in (False, True):
            if rows := [row for row in self.lines if row["dashed"] == dashed]:
                line = alt.Chart(pd.DataFrame(rows)).mark_line(strokeWidth=1.5, strokeDash=[4, 4] if dashed else [1, 0])
                colour = alt.Stroke("colour:N", scale=None)
                layers.append(line.encode(stroke=colour, detail=alt.Detail("arrow:N"), order=alt.Order("order:Q"), **self._places()))
        if self.heads:
            # A little before the end, so that the tip and not the middle touches what it points at.
            rows = pd.DataFrame(self.heads)
            turn = (rows["angle"] - 90).map(math.radians)
            rows["x"], rows["y"] = rows["x"] - 4 * turn.map(math.cos), rows["y"] - 4 * turn.map(math.sin)
            head = alt.Chart(rows).mark_point(shape="triangle", filled=True, size=62, opacity=1)
            layers.append(head.encode(color=alt.Color("colour:N", scale=None), angle=alt.Angle("angle:Q", scale=None), **self._places()))
        return layers

    def _texts(self) -> list[alt.Chart]:
        layers = []
        for style in dict.fromkeys(row["style"] for row in self.letters):
            align, _, weight = style.partition(" ")
            rows = pd.DataFrame([row for row in self.letters if row["style"] == style])
            mark = alt.Chart(rows).mark_text(align=align, baseline="middle", fontWeight=weight or "normal")
            size, colour = alt.Size("size:Q", scale=None), alt.Color("colour:N", scale=None)
            layers.append(mark.encode(text=alt.Text("told:N"), size=size, color=colour, **self._places()))
        return layers

    def _targets(self) -> list[alt.Chart]:
        if not self.targets:
            return []
        click = alt.selection_point(name=CLICKED, fields=[CLICKED], on="click", empty=False, clear=False)
        chart = alt.Chart(pd.DataFrame(self.targets)).mark_rect(fillOpacity=0.0, cursor="pointer")
        return [chart.encode(**self._places(corners=True)).add_params(click)]
