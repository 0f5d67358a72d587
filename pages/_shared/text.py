"""Small texts: words that stay text inside Markdown, probabilities."""


def plain(text: str) -> str:
    """Text that stays text inside Markdown."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]()#+-.!|<>~$:" else sign for sign in text)


def share(p: float) -> str:
    """A probability with two digits."""
    return f"{p:.2f}" if p >= 0.005 else "< 0.005"
