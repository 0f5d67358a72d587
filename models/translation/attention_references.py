"""What the four questions say of attentions that are known to be healthy or fake: what an answer is held against."""

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def known_attentions() -> dict[str, Any]:
    """Tables of tiny translation networks of toy languages, written by `python -m models measure translation references`.

    Returns:
        "limits"; "for_limits" and "for_table", of the seeds that the limits were chosen on and of the others, each with
        "seeds" and "kinds". A kind has task, healthy, expected, nats (cost of a word, by seed) and, for each question,
        "says" (how many seeds said yes, no, cannot tell), "each" (what each seed said), "values", "median", "least", "most", "unit".
    """
    return json.loads(Path(__file__).with_name("attention_references.json").read_text(encoding="utf-8"))
