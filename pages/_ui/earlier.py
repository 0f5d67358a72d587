"""Links that name a unit by its number: the number belongs to one training of a network, so the link says which."""

import streamlit as st

from pages._ui.link import link, linked
from pages._ui.networks import fingerprint

# The weights of version 0.1.0, with which every link without a checksum was made.
FIRST = {
    "linux-lstm": "dc37b441",
    "shakespeare-lstm": "79a04b35",
    "wiki-gru": "67d5fb71",
    "wiki-lstm": "1bfcfecc",
    "wiki-rnn": "dca09446",
}


def restore(page: str, unit: int | None) -> None:
    """Keep which unit of which weights the link names, once for each visitor.

    Args:
        page: Prefix of its keys.
        unit: The unit of the link; None where it names none.
    """
    st.session_state[f"{page}.weights"] = (unit, linked(f"{page}.weights", ""))


def link_weights(page: str, model: str, unit: int) -> None:
    """Write the weights that the unit of the link belongs to; one line where they are an earlier training of the network.

    Args:
        page: Prefix of its keys; its link names a unit in the parameter `page.unit`, or opens at the usual one.
        model: Name of the network.
        unit: What is looked at.
    """
    now = fingerprint(model)[:8]
    of, weights = st.session_state[f"{page}.weights"]
    made = (weights or FIRST.get(model, now)) if of == unit else now
    link(f"{page}.weights", made if f"{page}.unit" in st.query_params else "", "")
    if made != now:
        st.info(f"This link was made with an earlier {model}: its units have other numbers now.", icon=":material/history:")
