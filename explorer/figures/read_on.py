"""A text read on after something in the network was changed: the surprise of each token without the change, and what the change adds."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from explorer.figures.attribution import Row, token_rows
from explorer.figures.characters import counted, shown
from explorer.figures.characters import name as said


def rows(tokens: Sequence[str], own: np.ndarray, changed: np.ndarray, what: str, start: int = 0, dark: bool = False) -> alt.TopLevelMixin:
    """Two rows of the same tokens: their surprise, and by how many bits it rises (orange) or falls (blue) with the change.

    Args:
        tokens: What was read, at least one, [time].
        own: Surprise of each token without the change, in bits, [time].
        changed: The same with the change, [time].
        what: What was changed, "with unit 3 held".
        start: Position of the first token in the whole text.
        dark: Colours for a dark ground.
    """
    rise = changed - own
    drawn = [
        Row("surprise as it is", f"{own.mean():.2f} bits on average, up to {own.max():.1f}", own, False),
        Row(f"{what}, change", f"{rise.mean():+.2f} bits on average, up to {rise[np.abs(rise).argmax()]:+.1f}", rise, True),
    ]
    at = int(np.abs(rise).argmax())
    most = f"{said(tokens[at]) or shown(tokens[at])} at position {start + at + 1}, {own[at]:.1f} to {changed[at]:.1f} bits"
    means = f"{own.mean():.2f} bits on average, {changed.mean():.2f} {what}"
    description = f"{counted(tokens)}. Surprise {means}. The largest change is that of {most}."
    return token_rows(tokens, drawn, start, description, dark, from_end=False)


def table(tokens: Sequence[str], own: np.ndarray, changed: np.ndarray, what: str, start: int = 0) -> pd.DataFrame:
    """Every number of the rows, a row for each token [time]. Arguments as for `rows`."""
    positions = np.arange(start + 1, start + 1 + len(tokens))
    return pd.DataFrame({"position": positions, "token": tokens, "as it is, bits": own, f"{what}, bits": changed})
