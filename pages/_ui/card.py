"""The frame of a network's card: what it is, what it was trained on, and below a page's own tables how it was trained."""

from typing import Any

import pandas as pd
import streamlit as st

from pages._ui.text import plain


def head(model: str, about: dict[str, Any], form: str, licence: str = "Licence", is_titled: bool = False) -> None:
    """What the network is and what it was trained on; names and sources of a file stay text.

    Args:
        model: Its name.
        about: Its card.
        form: Markdown that follows the number of its parameters.
        licence: What the licence of the data is called.
        is_titled: Whether the title of the data is named too.
    """
    data = {name: plain(str(value)) for name, value in about["data"].items()}
    source = f"{data.get('title', data['source'])}. Source: {data['source']}" if is_titled else data["source"]
    st.markdown(f"**{plain(model)}**: {about['parameters']:,} parameters{form}")
    st.markdown(f"Trained on {source}. {licence}: {data['licence']}.")


def training(about: dict[str, Any], key: str, *more: str) -> None:
    """Recipe and training curve, folded.

    Args:
        about: The network's card.
        key: Of the panel, `page.card`.
        more: Entries of the card to show with the recipe.
    """
    recipe, curve = about.get("recipe", {}), about.get("curve")
    with st.expander("Recipe and training curve"):
        st.json({name: about.get(name, {}) for name in more} | {"recipe": recipe} if more else recipe, expanded=True)
        st.dataframe(pd.DataFrame(curve if isinstance(curve, list) else []), hide_index=True, key=f"{key}.curve")
