"""Step through: the encoder reads, then the decoder writes; fed the truth and fed its own words, as two rows."""

import numpy as np
import pandas as pd
import streamlit as st

from explorer.analysis.quantities import HIDDEN
from explorer.figures import alignment as figures
from explorer.figures.scales import scale_of
from explorer.figures.states import StateFigure
from models.translation.examples import pairs
from models.translation.experiments.edits import Sentence
from models.translation.gold_alignments import by_hand
from pages._attention import compute, state
from pages._attention.compute import View
from pages._components.state_view import state_view
from pages._ui.link import link, linked_index
from pages._ui.show import draw, is_dark
from pages._ui.text import plain, share

KEY = "attention.steps"
STEP = f"{KEY}.step"


def panel(view: View, about: dict, shown: Sentence) -> None:
    """A slider over every step, from the first source piece to the last of the translation."""
    by_pieces = view.of(by_pieces=True)
    own = compute.sentence(by_pieces)
    assert own is not None
    reads = [f"read {index + 1}: {name}" for index, name in enumerate(own.source)]
    writes = [f"write {index + 1}: {name}" for index, name in enumerate(own.target)]
    steps = reads + writes
    first = steps[linked_index(STEP, len(steps), len(reads))]
    at = steps.index(st.select_slider("Step", steps, first, key=f"{STEP}.{len(reads)}.{len(writes)}"))
    link(STEP, str(at), str(len(reads)))
    if at < len(reads):
        st.markdown(
            f"The encoder reads **{plain(own.source[at])}**, piece {at + 1} of {len(reads)}: one network from the left, one from the "
            "right. hⱼ, what the decoder can look at, is both together."
        )
    else:
        _writing(by_pieces, own, at - len(reads))
    _states(view, own, at, len(reads))
    _two_phases(by_pieces, about)


def _writing(view: View, own: Sentence, step: int) -> None:
    before = own.target[step - 1] if step else "<s>"
    st.markdown(f"After **{plain(before)}** the decoder {'looks, and ' if own.alignment else ''}writes **{plain(own.target[step])}**.")
    left, right = st.columns(2)
    with left:
        if own.alignment is not None:
            draw(figures.row(own.alignment, step, is_dark()), f"{KEY}.row")
    with right:
        st.markdown("The likeliest pieces:")
        rows = [{"piece": name, "p": p} for _, name, p in compute.likely(view, own, step)]
        config = {"p": st.column_config.ProgressColumn(format="%.2f", min_value=0, max_value=1)}
        st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=config, key=f"{KEY}.likely")


def _states(view: View, own: Sentence, at: int, reads: int) -> None:
    """The state view of the first page, over the pieces that the encoder read or that the decoder was fed."""
    traces = compute.traces(view, own.hypothesis.tokens)
    paths = list(traces)
    start = paths.index("decoder") if at >= reads and "decoder" in paths else 0
    path = st.selectbox("Hidden state of", paths, start, key=f"{KEY}.path.{at >= reads}", width=220)
    trace = traces[path]
    letters = [(piece, letter) for piece, token in enumerate(trace.tokens) for letter in token.replace("·", " ")]
    values = np.ascontiguousarray(trace.hidden[[piece for piece, _ in letters], 0])
    at = at - reads if path == "decoder" else min(at, len(trace.tokens) - 1)
    figure = StateFigure(
        tokens=[letter for _, letter in letters],
        values=values,
        quantity=HIDDEN,
        unit=0,
        order=np.argsort(-values.var(0)),
        order_name="variance",
        scale=scale_of(HIDDEN, values),
        title=f"{view.model}, {path}",
        cursor=next((index for index, (piece, _) in enumerate(letters) if piece == at), 0),
    )
    state_view(figure, f"{KEY}.states.{path}")
    st.caption("All letters of a piece have the value that the unit held after the whole piece. At the top: the unit that moves most.")


def _two_phases(view: View, about: dict) -> None:
    """Training and test: the same network fed the truth, and fed what it wrote itself."""
    st.markdown("**Training and test.** In training the decoder is fed the true word before; in use, its own.")
    truth = st.text_input("The truth", _known(view.text, about), key=f"{KEY}.truth.{view.text}", max_chars=state.CHARACTERS)
    if not truth.strip():
        st.caption("Type a translation that you hold for true.")
        return
    if view.edits:
        st.caption("Without your edits.")
    view = view.of(edits=())
    own = compute.sentence(view)
    assert own is not None
    both = compute.phases(view, own, truth)
    fed, first = both.fed, both.differs_at
    rows = {
        "fed the truth": [*fed.target],
        "would write": [*both.predicted],
        "p of the truth": [share(p) for p in np.exp(fed.hypothesis.log_probabilities)],
        "fed its own words": [*own.target],
    }
    frame = pd.DataFrame({name: pd.Series(row) for name, row in rows.items()}).T.fillna("")
    frame.columns = [f"{n + 1}{' ≠' if n == first else ''}" for n in range(frame.shape[1])]
    st.dataframe(frame, key=f"{KEY}.phases")
    differs = "They never part." if first is None else f"They part at piece {first + 1} (≠): from there on each is fed something else."
    st.caption(f"{differs} The truth costs {both.nats_per_subword:.2f} nats a piece, what the network was trained to make small.")


def _known(text: str, about: dict) -> str:
    """A translation of our own, where there is one."""
    known = dict(pairs(about["direction"])) | {pair.source: pair.target for pair in by_hand(about["direction"])}
    return known.get(text, "")
