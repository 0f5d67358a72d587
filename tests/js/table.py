"""Writes scales.json: what explorer/figures/scales.py says, for the browser's colours to be held against. `python -m tests.js.table`."""

import json
from pathlib import Path

import numpy as np

from explorer.figures.scales import STEPS, Scale, ink

FILE = Path(__file__).parent / "scales.json"
SCALES = (Scale("diverging", -1, 1), Scale("symlog", -53.0, 53.0, fixed=False), Scale("sequential", 0, 1))


def table() -> list[dict]:
    """Colours, inks and values of every scale in every look."""
    rows = []
    for scale in SCALES:
        stored = [-STEPS, -20_000, -4000, -1, 0, 1, 300, 12_345, STEPS]
        values = [float(scale.value(np.float64(s / STEPS / 2 + 0.5))) for s in stored]
        for dark in (False, True):
            for lecture in (False, True):
                colours = scale.colours(dark, lecture)
                rows.append(
                    {
                        "scale": {"kind": scale.kind, "low": scale.low, "high": scale.high},
                        "stops": scale.stops(dark, lecture),
                        "colours": colours[::15].tolist(),
                        "inks": [ink(c) for c in colours[::15].tolist()],
                        "stored": stored,
                        "values": values,
                    }
                )
    return rows


if __name__ == "__main__":
    FILE.write_text(json.dumps(table(), indent=None), encoding="utf-8")
