"""What a page shows that nobody should have to read: missing values as None, names of keys, numbers with all their digits."""

import json
import re
from collections.abc import Iterator
from typing import Any

from streamlit.testing.v1 import AppTest

from tests.pages.labels import parts_of

RAW = re.compile(r"(?<![\w.])(?:None|nan|NaN)(?!\w)|^(?:True|False)$|-?\d+\.0*[1-9]\d{6,}|\{\'")  # of Python
KEY = re.compile(r"^[a-z0-9]+(?:_[a-z0-9]+)+$")
PLACES = 6  # significant digits that a number without a format may have


def unreadable(page: AppTest) -> list[str]:
    """Cells and headings of tables, and titles and formats of charts, as they should not be; each in a few words."""
    faults = []
    for part in parts_of(page.main):
        if part.type == "dataframe":
            faults += [f"{part.proto.id.split('-')[-1]}: {what}" for what in _of_frame(part)]
        elif part.type == "vega_lite_chart" and not json.loads(part.proto.spec)["config"].get("numberFormat"):
            faults.append(f"a chart has no format of its numbers: {part.proto.spec[:80]}")
    return faults


def _of_frame(part: Any) -> Iterator[str]:
    given = json.loads(part.proto.columns or "{}")
    if not part.proto.placeholder:
        yield "missing values are shown as None"
    for name, values in part.value.items():
        own = given.get(str(name)) or {}
        if KEY.match(str(name)) or own.get("label") not in (None, name):  # a CSV is headed by the name, not by the label
            yield f"the column {name} has the heading {own.get('label') or name}"
        has_format = "format" in own.get("type_config", {})
        for value in values:
            if isinstance(value, str) and (RAW.search(value) or KEY.match(value)):
                yield f"{name}: {value[:80]!r}"
            elif isinstance(value, float) and value == value and not has_format and float(f"{value:.{PLACES}g}") != value:
                yield f"{name}: {value!r}"
            else:
                continue
            break
