"""Component for a caption and its two pictures: words as buttons, maps that change with the word, regions that a click hides."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from explorer.figures import image_attention
from explorer.figures.image_attention import Seen
from pages._ui.made import made

HERE = Path(__file__).parent


@dataclass(frozen=True, eq=False)
class Caption:
    """What the component shows.

    Args:
        seen: The picture, the words and their attention; all weights are 0 if the network has no attention.
        lost: Occlusion map of each word, [out, in], nats; None if it was not computed.
        notes: A line of numbers for each word, [out].
        names: Headings of the two pictures.
        hidden: Hidden regions.
        smooth: Whether maps are interpolated between the centres of regions.
        heat: Heat maps in place of dimming.
    """

    seen: Seen
    lost: np.ndarray | None
    notes: tuple[str, ...]
    names: tuple[str, str]
    hidden: tuple[int, ...] = ()
    smooth: bool = True
    heat: bool = False


def _view():
    """The component, registered with the running server; registering it again changes nothing."""
    html, css, js = ((HERE / f"view.{name}").read_text(encoding="utf-8") for name in ("html", "css", "js"))
    return component("picture_view", html=html, css=css, js=js)


def chosen_word(key: str) -> int | None:
    """The word last chosen in the browser, None before that. What a browser sends is checked."""
    sent: Any = (st.session_state.get(key) or {}).get("word")
    return sent if type(sent) is int and sent >= 0 else None


def clicked_region(key: str, grid: tuple[int, int]) -> tuple[int, int] | None:
    """The region (row, column) clicked just now, or None."""
    sent: Any = (st.session_state.get(key) or {}).get("place")
    if not isinstance(sent, dict):
        return None
    region = sent.get("row"), sent.get("column")
    inside = all(type(at) is int and 0 <= at < cells for at, cells in zip(region, grid, strict=True))
    return region if inside else None  # type: ignore[return-value]


def picture_view(caption: Caption, word: int, asked: str, key: str, acts: tuple[Any, Any]) -> None:
    """Draw a caption. The browser keeps its own selected word until `asked` changes; then it shows `word`.

    Args:
        caption: What to draw.
        word: Index of the word to start with.
        asked: Changes when Python wants another word shown.
        key: Of the component; see `chosen_word` and `clicked_region`.
        acts: Called when another word, or a region, was chosen.
    """
    on_word, on_place = acts
    data = made(data_of, caption) | {"word": word, "asked": asked}
    _view()(key=key, data=data, on_word_change=on_word, on_place_change=on_place)


def data_of(caption: Caption) -> dict[str, Any]:
    """The data sent to the browser."""
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
    return about | {"masks": masks, "values": values, "descriptions": spoken, "hidden": list(caption.hidden)}


def _mask(seen: Seen, word: int, caption: Caption) -> str:
    return image_attention.address(image_attention.mask(seen, word, caption.smooth, caption.heat))
