"""Links that name a unit: unit numbers hold for one training of a network only, so the link carries a checksum of its weights."""

import streamlit as st

from pages._ui.link import link, linked
from pages._ui.networks import fingerprint
from pages._ui.text import plain

# The weights of version 0.1.0, with which every link without a checksum was made.
FIRST = {
    "linux-lstm": "dc37b441",
    "shakespeare-lstm": "79a04b35",
    "wiki-gru": "67d5fb71",
    "wiki-lstm": "1bfcfecc",
    "wiki-rnn": "dca09446",
}


def restore(page: str, unit: int | None) -> None:
    """Store the unit and the weights of the link, once per visitor.

    Args:
        page: Prefix of its keys.
        unit: The unit of the link, or None.
    """
    st.session_state[f"{page}.weights"] = (unit, linked(f"{page}.weights", ""))


def link_weights(page: str, model: str, unit: int) -> None:
    """Write the checksum of the weights into the link; show a notice if the link was made with earlier weights.

    Args:
        page: Prefix of its keys; its link may name a unit in the parameter `page.unit`.
        model: Name of the network.
        unit: The chosen unit.
    """
    now = fingerprint(model)[:8]
    of, weights = st.session_state[f"{page}.weights"]
    made = (weights or FIRST.get(model, now)) if of == unit else now
    link(f"{page}.weights", made if f"{page}.unit" in st.query_params else "", "")
    if made != now:
        st.info(f"This link was made with an earlier version of {plain(model)}, whose units had other numbers.", icon=":material/history:")
