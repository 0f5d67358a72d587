"""Concept tracks: one number per token, computed from the text alone, that a unit may follow.

A track says what someone who reads along knows: a value depends on what came before and on the mark that begins here (only
a speaker's name and a character constant look to the end of their line), so "inside [[ ]]" stays on where nobody closes. The
marks themselves are outside: a link is on from the character after the second "[" up to the one before "]]".
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.axes import Bool, Float
from explorer.errors import AnalysisError


@dataclass(frozen=True)
class Concept:
    """A named track.

    Args:
        values: Gives its values for each character of a text, [time].
        sentence: What they mean.
        is_binary: Whether they are 0 or 1.
        needed: Gives the characters of a text, [time], that cannot be predicted well without the concept; None: those at which its
            value falls, such as the first ] of ]] or the line break.
    """

    values: Callable[[str], np.ndarray]
    sentence: str
    is_binary: bool = True
    needed: Callable[[str], np.ndarray] | None = None


def track(tokens: Sequence[str], concept: str) -> Float[np.ndarray, "time"]:
    """A concept over a text, float32 [time]; a token of several characters counts as its last one.

    Raises:
        AnalysisError: no such concept; the message lists those there are.
    """
    if concept not in CONCEPTS:
        raise AnalysisError(f"There is no concept {concept!r}; expected one of {', '.join(CONCEPTS)}.")
    text = "".join(tokens)
    values = CONCEPTS[concept].values(text).astype(np.float32)
    if len(text) == len(tokens):
        return values
    last = np.cumsum([len(token) for token in tokens]) - 1
    return values[np.maximum(last, 0)] if len(values) else np.zeros(len(tokens), np.float32)


def needed(text: str, concept: str) -> Bool[np.ndarray, "time"]:
    """Where a concept is needed: the characters that cannot be predicted well without it, [time].

    They are those at which its value falls: the first ] of ]], the end of a heading, the line break. For the indentation they are
    the first characters after it.

    Raises:
        AnalysisError: no such concept.
    """
    values, own = track(text, concept), CONCEPTS[concept].needed
    return own(text) if own else np.diff(values, prepend=values[:1]) < 0


def fitting(tokens: Sequence[str], at_least: int = 20) -> dict[str, Float[np.ndarray, "time"]]:
    """The concepts that occur in a text often enough to be scored, with their tracks.

    A 0/1 track needs `at_least` tokens on and as many off, a numeric one must change.

    Returns:
        Concept -> track [time], in the order of `CONCEPTS`.
    """
    tracks = {name: track(tokens, name) for name in CONCEPTS}

    def fits(name: str, values: np.ndarray) -> bool:
        on = int(np.count_nonzero(values))
        return min(on, len(values) - on) >= at_least if CONCEPTS[name].is_binary else bool(len(values) and np.ptp(values) > 0)

    return {name: values for name, values in tracks.items() if fits(name, values)}


def range_track(length: int, start: int, stop: int) -> Float[np.ndarray, "time"]:
    """1 for the tokens start..stop-1 that were brushed, 0 elsewhere: float32 [time].

    Raises:
        AnalysisError: the range is empty or leaves the text.
    """
    if not 0 <= start < stop <= length:
        raise AnalysisError(f"The range {start}..{stop} does not fit; expected 0 <= start < stop <= {length}, the number of tokens.")
    values = np.zeros(length, np.float32)
    values[start:stop] = 1
    return values


def _depth(text: str, opens: str, closes: str, resets: str = r"(?!)", nested: bool = True) -> np.ndarray:
    """How many pairs are open at each character, the marks not counted as inside; `resets` closes all open pairs."""
    change, depth = np.zeros(len(text) + 1, np.int32), 0
    for match in re.finditer(f"(?P<open>{opens})|(?P<reset>{resets})|(?P<close>{closes})", text):
        if match.lastgroup == "open":
            step = 1 if nested or depth == 0 else 0
            change[match.end()] += step
        else:
            step = -depth if match.lastgroup == "reset" else -min(depth, 1)
            change[match.start()] += step
        depth += step
    return np.cumsum(change)[: len(text)]


def _between(opens: str, closes: str, resets: str = r"(?!)", nested: bool = False) -> Callable[[str], np.ndarray]:
    return lambda text: _depth(text, opens, closes, resets, nested) > 0


# Comments, strings and character constants of C, in one pass: a quote in a comment opens nothing, and the other way round.
_C = re.compile(
    r"""(?P<block>/\*.*?(?:\*/|\Z))|(?P<line>(?<!:)//[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*(?:"|\Z|(?=\n)|\\))|'(?:\\.|[^'\\\n]){1,4}'""",
    re.DOTALL,
)


def _c_parts(text: str, *kinds: str) -> np.ndarray:
    """1 inside comments ("block", "line") or strings ("string") of C, their marks outside."""
    values = np.zeros(len(text), np.float32)
    for match in _C.finditer(text):
        if match.lastgroup in kinds:
            mark = 1 if match.lastgroup == "string" else 2
            closed = match.group().endswith({"string": '"', "block": "*/"}.get(match.lastgroup, "\n")) and len(match.group()) >= 2 * mark
            values[match.start() + mark : match.end() - (mark if closed else 0)] = 1
    return values


def _nesting(text: str) -> np.ndarray:
    """Open brackets of C; a brace in the first column ends a function, so a miscount of one (#ifdef) does not last."""
    code = _C.sub(lambda match: " " * len(match.group()), text)
    return _depth(code, r"[({\[]", r"[)}\]]", resets=r"(?m:^\})")


def _since(text: str, mark: str) -> np.ndarray:
    """Characters since the last match of a one-character pattern; 0 at the match; before any, as if one stood in front of the text."""
    positions = np.arange(len(text))
    starts = np.full(len(text), -1)
    matches = [match.start() for match in re.finditer(mark, text)]
    starts[matches] = matches
    return positions - np.maximum.accumulate(starts) if len(text) else positions


def _indentation(text: str) -> np.ndarray:
    """Columns of white space at the front of the line, as far as read; a tab goes on to the next multiple of 8."""
    values = np.zeros(len(text), np.float32)
    for match in re.finditer(r"(?m)^([ \t]*)([^\n]*)", text):
        column = 0
        for position in range(match.start(), match.end(1)):
            column += 1 if text[position] == " " else 8 - column % 8
            values[position] = column
        values[match.start(2) : match.end()] = column
    return values


def _after_indentation(text: str) -> np.ndarray:
    """The first character after the white space at the front of a line."""
    values = np.zeros(len(text), bool)
    values[[match.end() for match in re.finditer(r"(?m)^[ \t]+(?=\S)", text)]] = True
    return values


def _speaker(text: str) -> np.ndarray:
    values = np.zeros(len(text), np.float32)
    for match in re.finditer(r"(?:\A|(?<=\n\n))[A-Z][^\n:]{0,40}(?=:\n)", text):
        values[match.start() : match.end()] = 1
    return values


_LT, _GT = r"(?:<|&lt;)", r"(?:>|&gt;)"
_REF = rf"{_LT}ref(?:\s(?:(?!&gt;|[<>\n]).)*)?(?<!/){_GT}"
_PAGE = r"</?page>"  # a page ends what was left open, so one slip of an author does not count for the rest of the text
_BLANK = rf"{_PAGE}|\n\s*\n"

CONCEPTS: dict[str, Concept] = {
    "inside [[ ]]": Concept(
        _between(r"\[\[", r"\]\]", _BLANK, nested=True),
        "From the character after the second [ up to the one before ]]. A blank line or a new page ends a link left open.",
    ),
    "inside {{ }}": Concept(
        _between(r"\{\{", r"\}\}", _PAGE, nested=True), "Inside a template of wiki markup, between {{ and }}, at any depth."
    ),
    "inside <ref>": Concept(
        _between(_REF, rf"{_LT}/ref{_GT}", _BLANK), "Between <ref ...> and </ref>, written with < > or with &lt; &gt;."
    ),
    "inside < >": Concept(_between(_LT, _GT, r"\n"), "Inside a tag, between < and > (or &lt; and &gt;), within one line."),
    "URL": Concept(
        _between(r"(?:https?|ftp)://", r"""[\s|\]}<>"]|&(?:lt|gt|quot);"""),
        "From the character after :// of a web address up to the white space, bar, bracket or quote that ends it.",
    ),
    "heading": Concept(_between(r"(?m:^)={2,6}", r"=|\n"), "In a heading of wiki markup, between == and ==."),
    "inside { }": Concept(
        lambda text: _depth(_C.sub(lambda m: " " * len(m.group()), text), r"\{", r"\}", r"(?m:^\})") > 0,
        "Inside braces of C code, at any depth; braces in strings and comments do not count.",
    ),
    "inside ( )": Concept(_between(r"\(", r"\)", r"\n\s*\n", nested=True), "Inside round brackets; a blank line ends one left open."),
    "quotes": Concept(lambda text: _c_parts(text, "string"), 'Inside a C string "..." within one line; not in comments.'),
    "comment": Concept(lambda text: _c_parts(text, "block", "line"), "Inside a C comment: /* ... */, or // to the end of the line."),
    "speaker's name": Concept(
        _speaker, "In a line with the name of a speaker in a play: after a blank line, at most 41 characters, up to the colon."
    ),
    "nesting depth": Concept(_nesting, "Number of open ( [ { in C code, without strings and comments.", is_binary=False),
    "indentation": Concept(
        _indentation, "Columns of white space at the start of the line; a tab counts up to 8.", is_binary=False, needed=_after_indentation
    ),
    "position in line": Concept(
        lambda text: _since(text, r"\n"), "Characters since the start of the line; 0 at the line break.", is_binary=False
    ),
    "since the line began": Concept(
        lambda text: np.log2(1 + _since(text, r"\n")),
        "log2(1 + characters since the start of the line): differences near the start of a line count most.",
        is_binary=False,
    ),
    "since the word began": Concept(
        lambda text: _since(text, r"[^\w]"), "Characters since the last one that was neither a letter nor a digit.", is_binary=False
    ),
}
