"""Results of the four attention tests on reference attentions that are known to be real or fake."""

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def known_attentions() -> dict[str, Any]:
    """Tables for small translation networks of toy languages, written by `python -m models measure translation references`.

    Returns:
        "limits"; "for_limits", the table of the seeds on which the limits were chosen; "for_table", the table of the held-out
        seeds. Both tables have "seeds" and "kinds". A kind has task, healthy, expected, nats (nats per word, by seed) and for
        each test: "says" (number of seeds with yes, no, cannot tell), "each" (answer by seed), "values", "median", "least",
        "most", "unit".
    """
    return json.loads(Path(__file__).with_name("attention_references.json").read_text(encoding="utf-8"))
