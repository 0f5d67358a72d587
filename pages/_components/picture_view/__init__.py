"""A caption and its pictures on a page: words as buttons, masks that change with the word in the browser, places to hide."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from explorer.figures import image_attention
from explorer.figures.image_attention import Seen

HERE = Path(__file__).parent


@dataclass(frozen=True, eq=False)
class Caption:
    """What the view shows.

    Args:
        seen: The picture, its words, and where they looked; weights of 0 where the network has no attention.
        lost: What each word loses without each region, [out, in], nats; None while it is not known.
        notes: A line for each word, [out].
        names: Headings of the two pictures.
        hidden: Regions that are hidden.
        smooth: Whether masks run smoothly between the centres of regions.
        dark: Colours for a dark ground.
    """

    seen: Seen
    lost: np.ndarray | None
    notes: tuple[str, ...]
    names: tuple[str, str]
    hidden: tuple[int, ...] = ()
    smooth: bool = True
    dark: bool = False


def _view():
    """Registered with the server that runs; registering the same again changes nothing."""
    html, css, js = ((HERE / f"view.{name}").read_text(encoding="utf-8") for name in ("html", "css", "js"))
    return component("picture_view", html=html, css=css, js=js)


def chosen_word(key: str) -> int | None:
    """The word that the browser last told; None before it told any. Nothing that it says is trusted to be of the right form."""
    sent: Any = (st.session_state.get(key) or {}).get("word")
    return sent if type(sent) is int and sent >= 0 else None


def clicked_region(key: str, grid: tuple[int, int]) -> tuple[int, int] | None:
    """The region (row, column) that was clicked just now, or None."""
    sent: Any = (st.session_state.get(key) or {}).get("place")
    if not isinstance(sent, dict):
        return None
    region = sent.get("row"), sent.get("column")
    inside = all(type(at) is int and 0 <= at < cells for at, cells in zip(region, grid, strict=True))
    return region if inside else None  # type: ignore[return-value]


def picture_view(caption: Caption, word: int, asked: str, key: str, acts: tuple[Any, Any]) -> None:
    """Draw a caption. The word belongs to the browser, until `asked` is another than before: then `word` is shown.

    Args:
        caption: What to draw.
        word: Where to start.
        asked: Tells wishes apart from echoes.
        key: Of the component; see `chosen_word` and `clicked_region`.
        acts: Called before the run in which another word, or a place, was chosen.
    """
    on_word, on_place = acts
    data = data_of(caption) | {"word": word, "asked": asked}
    _view()(key=key, data=data, on_word_change=on_word, on_place_change=on_place)


def data_of(caption: Caption) -> dict[str, Any]:
    """What the browser is sent."""
    seen = caption.seen
    picture = image_attention.fitted(seen.picture)
    both = [seen if seen.weights.any() else None]
    both.append(None if caption.lost is None else Seen(seen.picture, seen.words, caption.lost, seen.grid))
    masks = [shown and [_mask(shown, word, caption) for word in range(len(seen.words))] for shown in both]
    spoken = [shown and image_attention.in_words(shown) for shown in both]
    values = [shown and [[float(f"{value:.3g}") for value in row] for row in shown.weights] for shown in both]
    about = {
        "picture": image_attention.address(image_attention.png(picture)),
        "size": [picture.shape[1], picture.shape[0]],
        "grid": list(seen.grid),
    }
    about |= {"words": list(seen.words), "notes": list(caption.notes), "names": list(caption.names), "smooth": caption.smooth}
    return about | {"masks": masks, "values": values, "told": spoken, "hidden": list(caption.hidden)}


def _mask(seen: Seen, word: int, caption: Caption) -> str:
    return image_attention.address(image_attention.mask(seen, word, caption.smooth, caption.dark))
