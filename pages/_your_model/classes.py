"""A classifier among a visitor's weights: the names of its classes, and a button that opens it in the rooms of classifiers."""

import streamlit as st

from explorer.errors import ExplorerError
from models.foreign.layout import Choice
from models.foreign.listed import Listed
from models.foreign.opening import Assumptions, Opened, as_checkpoint, classes_of, classifier_of, labels_of
from pages._ui import uploads
from pages._ui.text import failure
from pages._your_model.tokens import KEY

LABELS = f"{KEY}.labels"
SUBWORDS = "token"


def panel(opened: Opened, chosen: Choice, listed: Listed, assumed: Assumptions, noun: str) -> tuple[str, str] | None:
    """Asks for the names of the classes where the outputs are classes; returns name and kind of the network once it was opened.

    Args:
        opened, chosen, listed, assumed: What is run.
        noun: What one of its tokens is.
    """
    count = classes_of(opened, chosen)
    if not count or noun == SUBWORDS:
        return None
    one = " (it has one output, the log odds of the second class)" if chosen.outputs[-1].outputs == 1 else ""
    st.markdown(
        f"**A classifier?** Its {count} outputs may be classes{one}, read after the last {noun}. *Confusions* counts a test set of yours."
    )
    names = st.text_area(
        f"Names of the {count} classes, one per line", "\n".join(labels_of(opened, chosen)), key=f"{LABELS}.{count}", height=110, width=420
    )
    if not st.button("**Open it as a classifier**", key=f"{KEY}.classify", icon=":material/grid_on:"):
        return None
    try:
        loaded = classifier_of(opened, chosen, listed, [line for line in names.splitlines() if line.strip()], assumed)
        return uploads.keep(loaded.name, as_checkpoint(loaded), loaded.card["kind"]), loaded.card["kind"]
    except ExplorerError as error:
        failure(error)
        return None
