"""Small texts: words that stay text inside Markdown, probabilities, changes."""

import difflib


def plain(text: str) -> str:
    """Text that stays text inside Markdown."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]()#+-.!|<>~$:" else sign for sign in text)


def share(p: float) -> str:
    """A probability with two digits."""
    return f"{p:.2f}" if p >= 0.005 else "< 0.005"


def count(number: int, what: str) -> str:
    """So many of something, in the singular where it is one."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def marked(before: str, after: str) -> str:
    """The new text with the words that are new in bold."""
    old, new = before.split(), after.split()
    parts = []
    for kind, _, _, start, stop in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if words := plain(" ".join(new[start:stop])):
            parts.append(words if kind == "equal" else f"**{words}**")
    return " ".join(parts)
