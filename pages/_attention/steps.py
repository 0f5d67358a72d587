"""Step through a translation: the encoder reads, the decoder writes; teacher forcing and free running side by side."""

import numpy as np
import pandas as pd
import streamlit as st

from explorer.analysis.ordering import IN_WORDS, VARIANCE
from explorer.analysis.quantities import HIDDEN
from explorer.figures import alignment as figures
from explorer.figures.scales import scale_of
from explorer.figures.states import StateFigure
from explorer.records import Alignment
from models.translation.examples import pairs
from models.translation.experiments.edits import Sentence
from models.translation.gold_alignments import by_hand
from pages._attention import compute, state
from pages._attention.compute import View
from pages._ui.glossary import terms
from pages._ui.link import is_unread, link, link_text, linked, linked_index, linked_text
from pages._ui.made import made
from pages._ui.show import is_dark, scrolling, show
from pages._ui.state_link import linked_state_view
from pages._ui.text import grid, plain, share

KEY = "attention.steps"
STEP, PATH, TRUTH = (f"{KEY}.{name}" for name in ("step", "path", "truth"))


def panel(view: View, about: dict, shown: Sentence) -> None:
    """A slider over all steps, from the first source subword to the last subword of the translation."""
    by_subwords = view.of(by_subwords=True)
    own = compute.sentence(by_subwords)
    assert own is not None
    reads = [f"read {index + 1}: {name}" for index, name in enumerate(own.source)]
    writes = [f"write {index + 1}: {name}" for index, name in enumerate(own.target)]
    steps = reads + writes
    if is_unread(key := f"{STEP}.{len(reads)}.{len(writes)}"):
        st.session_state[key] = steps[linked_index(STEP, len(steps), len(reads))]
    at = steps.index(st.select_slider("Step", steps, format_func=plain, key=key))
    link(STEP, str(at), str(len(reads)))
    if at < len(reads):
        st.markdown(
            f"The encoder reads **{plain(own.source[at])}**, subword {at + 1} of {len(reads)}, once from the left and once from the right. "
            "It joins the two states to hⱼ, at which the decoder can look."
        )
    else:
        _writing(by_subwords, own, at - len(reads))
    _states(view, own, at, len(reads))
    _two_phases(by_subwords, about)
    terms("encoder and decoder", "bidirectional", "softmax", "hidden state", "probability p", "teacher forcing", "reference translation")


def _writing(view: View, own: Sentence, step: int) -> None:
    before = own.target[step - 1] if step else "<s>"
    st.markdown(
        f"After **{plain(before)}**, the decoder {'looks at the source and ' if own.alignment else ''}writes **{plain(own.target[step])}**."
    )
    left, right = st.columns(2)
    with left:
        if own.alignment is not None:
            scores = compute.scores(view, own.hypothesis.tokens)
            row = None if scores is None else scores[step]
            with scrolling("attention-steps-row"):
                show(made(figures.row, own.alignment, step, is_dark(), row), f"{KEY}.row", "weights", _weights(own.alignment, step, row))
            if row is not None:
                st.caption("The softmax turns the scores eᵢⱼ into weights αᵢⱼ that sum to 1; only differences between scores matter.")
    with right:
        st.markdown("Most likely subwords:")
        rows = [{"subword": name, "probability": p} for _, name, p in compute.likely(view, own, step)]
        config = {"probability": st.column_config.ProgressColumn(format="%.2f", min_value=0, max_value=1)}
        grid(pd.DataFrame(rows), f"{KEY}.likely", column_config=config)


def _weights(alignment: Alignment, step: int, scores: np.ndarray | None) -> pd.DataFrame:
    """The CSV: source, weight and score of each subword; `scores` [in]."""
    frame = pd.DataFrame({"source": alignment.source, "weight": alignment.weights[step]})
    return frame if scores is None else frame.assign(score=scores)


def _states(view: View, own: Sentence, at: int, reads: int) -> None:
    """The state view of the Hidden states page, over the subwords that the encoder read or the decoder was fed."""
    traces = compute.traces(view, own.hypothesis.tokens)
    paths = list(traces)
    start = paths.index("decoder") if at >= reads and "decoder" in paths else 0
    if is_unread(key := f"{PATH}.{at >= reads}") or st.session_state[key] not in paths:
        st.session_state[key] = asked if (asked := linked(PATH, "")) in paths else paths[start]
    path = st.selectbox("Hidden state of", paths, key=key, width=220)
    link(PATH, path, paths[start])
    trace = traces[path]
    letters = [(subword, letter) for subword, token in enumerate(trace.tokens) for letter in token.replace("·", " ")]
    values = np.ascontiguousarray(trace.hidden[[subword for subword, _ in letters], 0])
    at = at - reads if path == "decoder" else min(at, len(trace.tokens) - 1)
    figure = StateFigure(
        tokens=[letter for _, letter in letters],
        values=values,
        quantity=HIDDEN,
        unit=0,
        order=np.argsort(-values.var(0)),
        order_name=IN_WORDS[VARIANCE],
        scale=scale_of(HIDDEN, values),
        title=f"{view.model}, {path}",
        cursor=next((index for index, (subword, _) in enumerate(letters) if subword == at), 0),
    )
    linked_state_view(figure, f"{KEY}.states.{path}", f"{KEY}.states")
    st.caption("All letters of a subword show the state after the whole subword. Units are sorted by variance.")


def _two_phases(view: View, about: dict) -> None:
    """The same network fed the reference translation (teacher forcing), and fed its own output."""
    st.markdown("**Teacher forcing.** In training the decoder is fed the reference translation; in use, its own output.")
    known, key = _known(view.text, about), f"{TRUTH}.{view.text}"
    if is_unread(TRUTH):
        st.session_state[TRUTH], st.session_state[key] = True, linked_text(TRUTH, state.CHARACTERS) or known
    if key not in st.session_state:
        st.session_state[key] = known
    truth = st.text_input("Reference translation", key=key, max_chars=state.CHARACTERS)
    link_text(TRUTH, truth, known)
    if not truth.strip():
        st.caption("Type a reference translation.")
        return
    if view.edits:
        st.caption("Shown without your edits.")
    view = view.of(edits=())
    own = compute.sentence(view)
    assert own is not None
    both = compute.phases(view, own, truth)
    fed, first = both.fed, both.differs_at
    rows = {
        "reference": [*fed.target],
        "prediction": [*both.predicted],
        "probability of the reference": [share(p) for p in np.exp(fed.hypothesis.log_probabilities)],
        "own output": [*own.target],
    }
    frame = pd.DataFrame({name: pd.Series(row) for name, row in rows.items()}).T.fillna("")
    frame.columns = [f"{n + 1}{' ≠' if n == first else ''}" for n in range(frame.shape[1])]
    grid(frame.rename_axis("subword").reset_index(), f"{KEY}.phases")
    differs = (
        "The two never diverge." if first is None else f"The two diverge at subword {first + 1} (≠): from there on their inputs differ."
    )
    st.caption(f"{differs} Cross-entropy on the reference: {both.nats_per_subword:.2f} nats per subword (the training loss).")


def _known(text: str, about: dict) -> str:
    """Our own translation of a sentence, "" if there is none."""
    known = dict(pairs(about["direction"])) | {pair.source: pair.target for pair in by_hand(about["direction"])}
    return known.get(text, "")
