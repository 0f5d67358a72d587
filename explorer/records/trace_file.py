"""The file of a Trace: its fields in a .npz archive, versioned, without pickle."""

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from explorer.errors import RecordError

VERSION = 2  # 2 added `carried`, `parts` and complex hidden states


def save(fields: Mapping[str, Any], path: str | os.PathLike) -> None:
    """Write the fields of a Trace, arrays as its docstring says: hidden [time, layer, unit] and so on.

    Raises:
        OSError: the folder cannot be written.
    """
    hidden, gates, parts, carried = (fields[name] for name in ("hidden", "gates", "parts", "carried"))
    arrays = {"hidden": hidden, "initial_hidden": fields["initial_hidden"]}
    arrays |= {f"gate.{name}": values for name, values in gates.items()}
    arrays |= {f"part.{name}": values for name, values in parts.items()}
    arrays |= {name: fields[name] for name in ("cell", "initial_cell", "logits") if fields[name] is not None}
    arrays |= {} if carried.all() else {"carried": carried}
    # What older versions of this library can hold is written as version 1, which they can read.
    is_new = not carried.all() or parts or np.iscomplexobj(hidden)
    about = {"version": VERSION if is_new else 1, "record": "Trace"} | {name: fields[name] for name in ("tokens", "vocab", "source")}
    path = Path(path)
    partial = path.with_name(f".{path.name}.{uuid4().hex}.partial")
    try:
        with partial.open("xb") as file:
            np.savez_compressed(file, about=np.frombuffer(json.dumps(about).encode(), np.uint8), allow_pickle=False, **arrays)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def load(path: str | os.PathLike) -> dict[str, Any]:
    """The fields of the Trace in a file.

    Raises:
        RecordError: the file is not a record, is damaged, or is of a later version.
        OSError: there is no such file, or it cannot be read.
    """
    try:
        # Opened here: numpy leaves a damaged file open.
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            about = json.loads(bytes(file["about"]))
            arrays = {name: file[name] for name in file.files if name != "about"}
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise RecordError(f"{path} is not a record of this project ({error}). Expected a .npz written by Trace.save.") from None
    if about.get("record") != "Trace" or about.get("version", 0) > VERSION:
        raise RecordError(f"{path} holds a {about.get('record')} of version {about.get('version')}; expected Trace, at most {VERSION}.")
    gates, parts = (
        {name.removeprefix(kind): arrays.pop(name) for name in list(arrays) if name.startswith(kind)} for kind in ("gate.", "part.")
    )
    vocab = None if about["vocab"] is None else tuple(about["vocab"])
    said = {"tokens": tuple(about["tokens"]), "vocab": vocab, "source": about["source"]}
    return {"cell": None, **arrays, **said, "gates": gates, "parts": parts}
