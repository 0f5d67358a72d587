"""A cache that all visitors share, limited in bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def size(value: Any) -> int:
    """Approximate memory of a value in bytes: arrays, texts and weights, also inside records, dicts and tuples."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(size(item) for item in value.values())
    if isinstance(value, list | tuple):
        return 8 * len(value) + sum(size(item) for item in value if not isinstance(item, str | float | int))
    if is_dataclass(value):
        return sum(size(getattr(value, f.name)) for f in fields(value))
    if hasattr(value, "state_dict"):  # a module of torch
        return sum(map(size, value.state_dict().values()))
    if hasattr(value, "element_size"):
        return value.element_size() * value.nelement()
    return 0


class SharedCache:
    """Values by key; the least recently used are dropped first. Each is made once, even if twenty visitors ask at the same time.

    Args:
        limit: Maximum bytes of all values together. A single larger value is returned but not kept.
    """

    def __init__(self, limit: int):
        self.limit, self.held = limit, 0
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value of a key; `make()` is called if there is none yet. An error in `make` leaves nothing behind."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][0]
            making = self._making.setdefault(key, threading.Lock())
        try:
            with making:
                with self._lock:
                    if key in self._values:
                        return self._values[key][0]
                value = make()
                self._keep(key, value)
                return value
        finally:
            with self._lock:
                if self._making.get(key) is making and not making.locked():
                    del self._making[key]

    def has(self, key: Hashable) -> bool:
        """Whether the value of a key is there already."""
        with self._lock:
            return key in self._values

    def _keep(self, key: Hashable, value: Any) -> None:
        bytes_ = size(value)
        if bytes_ > self.limit:
            return
        with self._lock:
            self._values[key] = (value, bytes_)
            self.held += bytes_
            while self.held > self.limit:
                _, (_, dropped) = self._values.popitem(last=False)
                self.held -= dropped


_SHARED: dict[str, SharedCache] = {}
_MAKING = threading.Lock()


def shared_cache(name: str, megabytes: int) -> SharedCache:
    """The cache with this name, shared by all visitors of the server: a dict, because a page asks for it some fifteen times a run."""
    if name not in _SHARED:
        with _MAKING:
            _SHARED.setdefault(name, SharedCache(megabytes << 20))
    return _SHARED[name]


def forget_shared() -> None:
    """Drop every shared cache."""
    _SHARED.clear()
