"""What identifies a view on screen: the values of its widgets, its link, and its numbers in short; no prose."""

import json
import math
import re
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from streamlit.testing.v1 import AppTest

CHOSEN_WITH = {
    "selectbox",
    "multiselect",
    "button_group",
    "slider",
    "number_input",
    "toggle",
    "text_input",
    "text_area",
    "radio",
    "select_slider",
}
SAID_WITH = ("error", "warning", "info", "exception")
WORDY = 60  # texts of this many characters are identified by length and checksum
DIGITS = 4
DRAWN = {"x", "y", "x2", "y2", "size", "angle", "thick"}
Column = list[float]  # count of values, their mean, and a weighted mean that depends on their order


def view_of(page: AppTest) -> dict[str, Any]:
    """Widgets by key, parameters of the link, counts of errors, warnings and notes, and columns of numbers."""
    parts = list(_parts(page.main))
    widgets = {part.key: _short(part.value) for part in parts if part.type in CHOSEN_WITH and part.key and " " not in part.key}
    widgets |= {part.key: part.proto.icon for part in parts if part.type == "button" and (part.key or "").endswith(".gesture")}
    link = {key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in page.query_params.items()}
    says = {kind: count for kind in SAID_WITH if (count := sum(part.type == kind for part in parts))}
    columns = [column for part in parts for column in _columns(part)]
    return {"widgets": widgets, "link": link, "says": says, "columns": _distinct(columns)}


def _parts(block: Any) -> Iterator[Any]:
    for part in block.children.values():
        if hasattr(part, "children"):
            yield from _parts(part)
        else:
            yield part


def _short(value: Any) -> Any:
    """A value as it can stand in a table; of a long text its length and checksum."""
    if isinstance(value, str) and len(value) > WORDY:
        return f"{len(value)} characters, {zlib.crc32(value.encode()):08x}"
    if isinstance(value, list | tuple):
        return [_short(item) for item in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def _columns(part: Any) -> Iterator[Column]:
    """The numbers of a chart, a table, a component or a metric."""
    if part.type == "vega_lite_chart":
        for dataset in part.proto.datasets:
            yield from _of_frame(pa.ipc.open_stream(dataset.data.data).read_pandas())
        yield from _of_spec(json.loads(part.proto.spec))
    elif part.type == "dataframe":
        yield from _of_frame(part.value)
    elif part.type == "metric":
        yield from (_column(np.array([float(digits)])) for digits in re.findall(r"-?\d+\.?\d*", f"{part.value} {part.delta}"))
    elif part.type == "plotly_chart":
        yield from _of_json(json.loads(part.proto.spec))
    elif part.type == "bidi_component":
        yield from _of_component(part.proto)


def _of_frame(frame: pd.DataFrame) -> Iterator[Column]:
    """Its columns, without those that only place things in the drawing; texts count only where they are numbers."""
    for name, values in frame.items():
        if name not in DRAWN and not is_bool_dtype(values):
            numbers = pd.to_numeric(values if is_numeric_dtype(values) else values.astype(str).str.replace("−", "-"), errors="coerce")
            yield _column(numbers.to_numpy(float))


def _of_spec(spec: Any) -> Iterator[Column]:
    """Limits of the scales of a chart, and values inside its description."""
    if isinstance(spec, list):
        for item in spec:
            yield from _of_spec(item)
    if isinstance(spec, dict):
        for name, item in spec.items():
            is_limit = name == "domain" and isinstance(item, list) and all(isinstance(end, int | float) for end in item)
            if is_limit:
                yield _column(np.array(item, float))
            elif name == "datasets" or (name == "values" and isinstance(item, list)):
                yield from _of_json(item)
            else:
                yield from _of_spec(item)


def _of_json(value: Any) -> Iterator[Column]:
    """A column for each list of numbers; for rows, a column for each field."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _of_json(item)
    elif isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        for name in value[0]:
            yield from _of_json([row.get(name) for row in value])
    elif isinstance(value, list) and value and all(isinstance(item, int | float | None) for item in value):
        yield _column(np.array(value, float))
    elif isinstance(value, list):
        for item in value:
            yield from _of_json(item)


def _of_component(proto: Any) -> Iterator[Column]:
    kind = proto.WhichOneof("data")
    if kind == "bytes":
        yield from _of_arrays(proto.bytes)
    if kind not in ("json", "mixed"):
        return
    data = json.loads(proto.json if kind == "json" else proto.mixed.json)
    for item in data.values() if isinstance(data, dict) else [data]:
        if isinstance(item, list) and item and all(isinstance(word, str) and " " not in word for word in item):
            yield _column(np.array([zlib.crc32(word.encode()) % 1000 for word in item], float))
        elif numbers := list(_numbers(item)):
            yield _column(np.array(numbers))


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, bool | str) or value is None:
        return
    if isinstance(value, int | float):
        yield float(value)
    else:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _numbers(item)


def _of_arrays(data: bytes) -> Iterator[Column]:
    """The arrays of the state view: sixteen letters, the length of a header, a header with the offset of each."""
    data = data[16:]
    start = 4 + int.from_bytes(data[:4], "little")
    for about in json.loads(data[4:start])["arrays"].values():
        values = np.frombuffer(data, about["type"], math.prod(about["shape"]), start + about["offset"])
        yield _column(values.astype(float))


def _column(values: np.ndarray) -> Column:
    values = values[np.isfinite(values)]
    waves = np.cos(np.arange(len(values)))
    means = (values.mean(), (values * waves).mean()) if len(values) else (0.0, 0.0)
    return [len(values), *(float(f"{mean:.{DIGITS}g}") for mean in means)]


def _distinct(columns: list[Column]) -> list[Column]:
    return [column for at, column in enumerate(columns) if column[0] and column not in columns[:at]]


def is_like(one: Column, other: Column) -> bool:
    """Whether two columns hold the same numbers, up to the rounding of another processor."""
    slack = 2e-3 * max(abs(one[1]), abs(one[2])) + 1e-6
    return one[0] == other[0] and all(abs(a - b) <= slack for a, b in zip(one[1:], other[1:], strict=True))
