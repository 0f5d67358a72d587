"""The instrument: record any recurrent PyTorch network and look inside. Knows no model and no Streamlit.

>>> import explorer
>>> with explorer.record(module) as recording:
...     out = module(x)
>>> trace = recording.trace(tokens)
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.errors import ExplorerError
    from explorer.records import Trace

# Public name -> module that gives it. Loaded when first asked for (PEP 562), so that records cost no torch.
_PLACES = {
    "ExplorerError": "explorer.errors",  # what every refusal is; its message is a sentence
    "Trace": "explorer.records",  # everything a recurrent path held while it read one sequence
}

__all__ = ["ExplorerError", "Trace"]


def __getattr__(name: str):
    if name not in _PLACES:
        raise AttributeError(f"explorer has no {name!r}; it gives {', '.join(sorted(_PLACES))}.")
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted(_PLACES)
