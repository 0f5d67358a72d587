"""Page "Your model": open a checkpoint of any kind, or record a module in Python."""

import streamlit as st

from pages._hidden_states.own_model import RECORD
from pages._ui import uploads
from pages._ui.glossary import terms
from pages._ui.layout import through_app
from pages._ui.progress import guard
from pages._your_model import data, opening

through_app()
st.title("What happens inside your own network?", anchor=False)
st.markdown(
    "Drop a checkpoint or the weights of a recurrent network: the page finds its layers and shows what its neurons do. "
    "Values that you recorded yourself (tokens or series with activations, or alignments) are drawn too. "
    "The file is parsed and checked, never executed."
)
with guard():
    opening.uploader()
kept = "until room is needed" if data.is_showing() else f"until you have uploaded {uploads.OWN_MOST} others"
st.caption(f"The file stays on this server until it restarts, or {kept}. Only people who know its name can open it.")
if not opening.is_showing():
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(
            "**A network for translation, pictures or names** needs a card beside its weights, which says how to build it. "
            "Each room has the code:"
        )
        st.markdown("\n".join(f"- a network that {room.opens}: [{room.title}]({room.address})" for room in opening.ROOMS))
    with right:
        st.markdown("**Any recurrent PyTorch module**, recorded in Python: every gate and state of every layer")
        st.code(RECORD, language="python", wrap_lines=True)
terms("checkpoint", "gate", "hidden state", "linear probe")
