"""Figures and tables, made once for all visitors: a rerun that changes none of their arguments shows what is there."""

import hashlib
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from explorer.figures.export import unchecked
from pages._ui.cache import shared_cache
from pages._ui.show import is_still, specification

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
_DIGESTS: weakref.WeakKeyDictionary[Any, bytes] = weakref.WeakKeyDictionary()  # of records, which never change


@dataclass(frozen=True)
class Made:
    """A value, and for a figure what is sent of it, by which the cache knows its size."""

    value: Any
    specification: dict[str, Any] | None


def made(make: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
    """What `make(*arguments)` returns, made anew only for arguments that nobody had before. It must not be changed.

    Args:
        make: A function of a module whose result depends on its arguments alone.
        arguments, named: Compared by their whole content: numbers, texts, arrays, tables, records, and lists and dicts of them.
    """

    def one() -> Made:
        with unchecked():
            value = make(*arguments, **named)
        return Made(value, specification(value) if is_still(value) else None)

    key = (make.__module__, make.__qualname__, digest((arguments, named)))
    return shared_cache("made", 64).get(key, one).value


def digest(value: Any) -> bytes:
    """A checksum of a value and all that it holds.

    Raises:
        TypeError: it holds something whose content cannot be read.
    """
    if is_dataclass(value) and type(value).__eq__ is object.__eq__:  # a record: the same as long as it lives
        if value not in _DIGESTS:
            _DIGESTS[value] = _of(value)
        return _DIGESTS[value]
    return _of(value)


def _of(value: Any) -> bytes:
    total = hashlib.blake2b(type(value).__qualname__.encode(), digest_size=16)
    for part in _parts(value):
        total.update(len(part).to_bytes(8, "little"))
        total.update(part)
    return total.digest()


def _parts(value: Any) -> Iterable[bytes]:
    """The content of a value, piece by piece."""
    if value is None or isinstance(value, bool | int | float | str | np.generic):
        return [repr(value).encode("utf-8", "surrogatepass")]
    if isinstance(value, bytes):
        return [value]
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return [str((value.dtype, value.shape)).encode(), value.tobytes()]
    if isinstance(value, np.ndarray):
        return [digest(value.tolist())]
    if isinstance(value, pd.DataFrame):
        return [digest(list(value.columns)), digest(value.index.to_numpy()), *(digest(value[name].to_numpy()) for name in value)]
    if isinstance(value, dict):
        return [digest(item) for pair in value.items() for item in pair]
    if isinstance(value, list | tuple):
        return map(digest, value)
    if is_dataclass(value):
        return [digest(getattr(value, field.name)) for field in fields(value)]
    raise TypeError(f"{type(value).__name__} cannot be compared by its content")
