"""Arrays without a model: kept on the server under a name with a hash of their content, and drawn as units over time or as alignments."""

import hashlib
import re
import threading
from pathlib import Path

import numpy as np
import streamlit as st

from explorer.analysis.quantities import variance
from explorer.errors import CheckpointError
from explorer.figures.scales import scale_of
from explorer.figures.states import StateFigure
from models.files import temporary_folder, write_atomically
from models.foreign.experiments.arrays import contents
from models.foreign.experiments.arrays.activations import Recorded
from models.foreign.experiments.arrays.opening import ALIGNMENTS, Readings, open_arrays
from pages._ui.cache import shared_cache
from pages._ui.link import is_unread, link, linked, linked_index, linked_range, of_range, wholes
from pages._ui.state_link import linked_state_view
from pages._ui.text import count, plain
from pages._your_model import aligned, probe

KEY = "your_model.data"
NAME, FILE, WAY, UNITS, READ, RANGE = KEY, *(f"{KEY}.{part}" for part in ("file", "way", "units", "inputs", "steps"))
STORED = re.compile(r"[\w-]{1,30}-[0-9a-f]{16}\.[a-z]{2,7}")
MOST_FILES, MOST_BYTES = 20, 2_000_000_000  # of all visitors; the files that were used longest ago go first
LARGEST = 200_000_000
MEGABYTES = 512  # of all opened files together
SHOWN_TOKENS, SHOWN_STEPS, SHOWN_VALUES = 2_000, 10_000, 10_000_000  # of one picture
STANDARDISED = "inputs, standardised"
GONE = "The file of this link is no longer on the server. Upload it again."
_LOCK = threading.Lock()


@st.cache_resource
def _folder() -> Path:
    return temporary_folder("recurrent-explorer-data-")


def keep(content: bytes, file: str) -> None:
    """Read a file of arrays, keep it on the server, and show it from now on.

    Raises:
        CheckpointError: it cannot be read, or is too large; nothing is kept.
    """
    if len(content) > LARGEST:
        raise CheckpointError(f"{file} has more than {LARGEST // 1_000_000} MB, the most that this page shows. Save a part of it.")
    ending = Path(file).suffix.casefold().removeprefix(".")
    stem = re.sub(r"[^\w-]+", "-", Path(file).stem, flags=re.ASCII)[:30].strip("-") or "data"
    name = f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}.{ending if ending in contents.ENDINGS else 'csv'}"
    shared_cache("arrays", MEGABYTES).get(name, lambda: open_arrays(content, file))
    with _LOCK:
        write_atomically(_folder() / name, content)
        _make_room()
    if linked(NAME, "") != name:  # a reload keeps the choices of its link
        forget()
    st.session_state[FILE] = name


def _make_room() -> None:
    """Remove what was used longest ago, so that files and bytes stay within their limits."""
    files = sorted(_folder().iterdir(), key=lambda file: file.stat().st_mtime, reverse=True)
    total = 0
    for index, file in enumerate(files):
        total += file.stat().st_size
        if index and (index >= MOST_FILES or total > MOST_BYTES):
            file.unlink(missing_ok=True)


def forget() -> None:
    """Show no arrays."""
    for key in [key for key in st.session_state if str(key).startswith(f"{KEY}.")]:
        del st.session_state[key]
    for parameter in [parameter for parameter in st.query_params if parameter == NAME or parameter.startswith(f"{KEY}.")]:
        del st.query_params[parameter]


def is_showing() -> bool:
    """Whether arrays are shown: of a file of this visit, or of the link."""
    return bool(st.session_state.get(FILE) or linked(NAME, ""))


def panel() -> None:
    """The arrays of the file that was opened, or that the link names.

    Raises:
        CheckpointError: the file cannot be read any more.
    """
    if is_unread(FILE) and (named := linked(NAME, "")):
        st.session_state[FILE] = named
    name = st.session_state.get(FILE)
    if not name:
        return
    readings = _readings(name)
    if readings is None:
        st.info(GONE, icon=":material/upload_file:")
        return
    link(NAME, name, "")
    ways = readings.ways
    way = ways[0]
    if len(ways) > 1:
        way = _picked("Read it as", ways, WAY)
    if way == ALIGNMENTS:
        aligned.panel(readings.alignments, called(name), KEY)
    else:
        assert readings.activations is not None
        _recorded(readings.activations, name)


def _readings(name: str) -> Readings | None:
    """What a kept file holds; None if there is none of this name."""
    path = _folder() / name
    if not STORED.fullmatch(name) or not path.is_file():
        return None
    path.touch()
    return shared_cache("arrays", MEGABYTES).get(name, lambda: open_arrays(path.read_bytes(), name))


def called(name: str) -> str:
    """The visitor's name of a kept file."""
    return re.sub(r"-[0-9a-f]{16}(?=\.)", "", name)


def _recorded(recorded: Recorded, name: str) -> None:
    """Units over what was read, with its choices."""
    st.markdown(f"**{plain(called(name))}** is {recorded.form}: {_in_words(recorded)}.")
    for note in recorded.notes[:3]:
        st.caption(plain(note))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        quantity = _picked("Units", list(recorded.units), UNITS) if len(recorded.units) > 1 else next(iter(recorded.units), "")
        names = _inputs(recorded)
        start, stop = _range(recorded, quantity)
    st.markdown(_look(recorded, names))
    linked_state_view(figure(recorded, quantity, names, slice(start, stop)), f"{KEY}.view", KEY)
    if quantity:
        probe.panel(recorded, quantity, names, name)


def _in_words(recorded: Recorded) -> str:
    parts = [count(recorded.steps, "token" if recorded.tokens else "step")]
    if recorded.times is not None:
        inputs = recorded.read(())
        parts.append(f"from {inputs.stamp(0)} to {inputs.stamp(-1)}")
    parts += [f"{count(values.shape[1], 'unit')} of {plain(name)}" for name, values in list(recorded.units.items())[:4]]
    if recorded.columns:
        parts.append(f"columns {plain(', '.join(list(recorded.columns)[:6]))}{' and more' if len(recorded.columns) > 6 else ''}")
    return "; ".join(parts)


def _look(recorded: Recorded, names: tuple[str, ...]) -> str:
    """One sentence on what is drawn."""
    if not recorded.units:
        return "The file has no units. Each row of the map is a column, with mean 0 and standard deviation 1."
    if recorded.tokens is not None:
        return "Each token is coloured by one unit at that step. Click a row of the map to see another unit."
    lines = "Lines are what was read. " if names else ""
    return f"{lines}Each row of the map is a unit, each column a step. Click a row to see another unit."


def _inputs(recorded: Recorded) -> tuple[str, ...]:
    """The columns that are drawn as what was read."""
    if recorded.tokens is not None or not recorded.columns:
        return ()
    options = list(recorded.columns)
    usual = [options.index(name) for name in recorded.inputs]
    if is_unread(READ):
        chosen = wholes(linked(READ, ""), ".", len(options)) or usual
        st.session_state[READ] = [options[index] for index in chosen]
    with st.popover("Inputs", icon=":material/show_chart:", width="content"):
        names = st.multiselect("Columns that the network read", options, key=READ)
    link(READ, ".".join(str(options.index(name)) for name in names), ".".join(map(str, usual)))
    return tuple(names)


def _range(recorded: Recorded, quantity: str) -> tuple[int, int]:
    """First step and one past the last; a picture holds so many."""
    width = max(1, recorded.units[quantity].shape[1] if quantity else len(recorded.columns))
    most = min(SHOWN_TOKENS if recorded.tokens else SHOWN_STEPS, SHOWN_VALUES // width)
    if recorded.steps <= most:
        return 0, recorded.steps
    if is_unread(RANGE):
        st.session_state[RANGE] = 1 + (linked_range(RANGE, recorded.steps) or (0, most))[0]
    label = f"From step (of {recorded.steps:,}; {most:,} are shown)"
    first = st.number_input(label, 1, recorded.steps - 1, key=RANGE, step=max(1, most // 2), width=280)
    start = int(first) - 1
    shown = start, min(start + most, recorded.steps)
    link(RANGE, of_range(shown), of_range((0, most)))
    return shown


def _picked(label: str, options: list[str], key: str) -> str:
    """A menu whose choice is in the link."""
    if is_unread(key) or st.session_state[key] not in options:
        st.session_state[key] = options[linked_index(key, len(options))]
    picked = st.selectbox(label, options, key=key, width=220)
    link(key, str(options.index(picked)), "0")
    return picked


def figure(recorded: Recorded, quantity: str, names: tuple[str, ...], rows: slice) -> StateFigure:
    """The figure of some of the steps.

    Args:
        recorded: What was recorded.
        quantity: Name of its units; empty for a file without any, whose columns are drawn in their place.
        names: Columns that are drawn as inputs.
        rows: Which steps.
    """
    values = recorded.units[quantity][rows] if quantity else standardised(recorded)[rows]
    kind = quantity.partition(", layer")[0] if quantity else STANDARDISED
    order = np.argsort(-variance(values), kind="stable") if quantity else np.arange(values.shape[1])
    return StateFigure(
        tokens=recorded.tokens[rows] if recorded.tokens else ("",) * len(values),
        values=values,
        quantity=kind,
        unit=int(order[0]),
        order=order,
        order_name="largest variance first" if quantity else "in the order of the file",
        scale=scale_of(kind, values),
        start=rows.start,
        title=quantity or "columns",
        inputs=None if recorded.tokens else recorded.read(names).part(rows),
    )


def standardised(recorded: Recorded) -> np.ndarray:
    """The columns with mean 0 and standard deviation 1, float32 [time, column]; a missing value becomes the mean."""
    values = np.stack(list(recorded.columns.values()), 1)
    counts = np.maximum(np.isfinite(values).sum(0), 1)
    mean = np.nansum(values, 0) / counts
    centred = np.where(np.isfinite(values), values - mean, 0.0)
    spread = np.sqrt((centred**2).sum(0) / counts)
    return (centred / np.where(spread > 0, spread, 1)).astype(np.float32)
