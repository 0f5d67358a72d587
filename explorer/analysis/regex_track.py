"""A track from a user's regular expression. The search runs in a process that can be stopped."""

import json
import subprocess
import sys

import numpy as np

from explorer.axes import Float
from explorer.errors import AnalysisError

LONGEST_PATTERN, LONGEST_TEXT, SECONDS, MEMORY = 500, 1_000_000, 3.0, 1 << 30

# Python's re cannot be interrupted, and a pattern such as (a+)+b takes for ever: so a process of its own does the search.
_SEARCH = """
import json, re, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
except (ImportError, ValueError, OSError):
    pass
pattern, text = json.load(sys.stdin)
try:
    compiled = re.compile(pattern, re.MULTILINE)
except (re.error, OverflowError, RecursionError) as error:
    print(json.dumps({"error": str(error)}))
else:
    part = 1 if compiled.groups else 0
    print(json.dumps({"spans": [m.span(part) for m in compiled.finditer(text)]}))
"""


def regex_track(text: str, pattern: str) -> Float[np.ndarray, "time"]:
    """1 at every character that a pattern matches, 0 elsewhere: float32 [time], one value a character.

    Where the pattern has a group, the first group is what counts: `\\[\\[(.*?)\\]\\]` marks the inside of links.
    ^ and $ mean the ends of lines.

    Raises:
        AnalysisError: the pattern is empty, too long, no regular expression, takes too long, or matches nothing.
    """
    if not pattern or len(pattern) > LONGEST_PATTERN:
        raise AnalysisError(f"The pattern has {len(pattern)} characters; expected 1 to {LONGEST_PATTERN}.")
    if len(text) > LONGEST_TEXT:
        raise AnalysisError(f"The text has {len(text):,} characters; a pattern can be searched in at most {LONGEST_TEXT:,}.")
    values = np.zeros(len(text), np.float32)
    for start, stop in _spans(text, pattern):
        values[max(start, 0) : max(stop, 0)] = 1  # a group that took no part has the span -1, -1
    if not values.any():
        raise AnalysisError(f"The pattern {pattern!r} matches nothing in this text.")
    return values


def _spans(text: str, pattern: str) -> list[list[int]]:
    command = [sys.executable, "-I", "-S", "-c", _SEARCH, str(MEMORY)]
    question = json.dumps([pattern, text])
    try:
        done = subprocess.run(command, input=question, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise AnalysisError(
            f"The pattern {pattern!r} took more than {SECONDS:g} seconds. Repeats inside repeats, as in (a+)+b, can take this long: "
            "write it without them."
        ) from None
    if done.returncode != 0:
        raise AnalysisError(f"The pattern {pattern!r} needs too much memory. Use smaller repeat counts.")
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise AnalysisError(f"The pattern {pattern!r} is not a regular expression: {answer['error']}.")
    return answer["spans"]
