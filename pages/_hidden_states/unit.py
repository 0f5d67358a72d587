"""One unit in full: what values it takes, where it is highest and lowest, its gates, and what silencing it costs."""

import pandas as pd
import streamlit as st

from explorer.analysis.contexts import Context, highest, lowest, quantile_samples
from explorer.analysis.ledger import ledger
from explorer.analysis.quantities import is_gated
from explorer.analysis.units import memory_time, memory_time_meaning
from explorer.figures.unit import gates_and_ledger, histogram
from pages._hidden_states import compute
from pages._hidden_states.compute import View
from pages._hidden_states.state import guides, verdict
from pages._ui.show import draw, is_dark, save, scrolling, show

KEY = "hidden_states.unit"
STRETCH = 200
VISIBLE = str.maketrans({" ": "·", "\n": "⏎", "\t": "→", "\r": "␍"})


def panel(view: View, about: dict, chosen) -> None:
    """Histogram, contexts, gates and ledger over time, memory time, and the experiment of silencing."""
    values = compute.values(view)[:, view.unit]
    trace = compute.trace(view)
    _facts(view, about, trace)
    left, right = st.columns(2)
    with left:
        counts = pd.DataFrame({"position": range(len(values)), "value": values})
        show(
            histogram(values, f"{view.quantity} of unit {view.unit}", dark=is_dark()), f"{KEY}.histogram", "histogram", counts, stretch=True
        )
    with right:
        _silence(view, chosen)
    tokens = compute.window_tokens(view)
    columns = st.columns(3)
    for column, title, places in zip(
        columns,
        ("Highest", "Lowest", "From all over its range"),
        (highest(values, tokens), lowest(values, tokens), [c for level in quantile_samples(values, tokens).values() for c in level]),
        strict=True,
    ):
        with column:
            st.markdown(f"**{title}**")
            st.dataframe(_contexts(places), hide_index=True, key=f"{KEY}.{title}")
    if is_gated(trace):
        start = max(0, min((chosen.cursor or 0) - STRETCH // 2, len(tokens) - STRETCH))
        stop = min(len(tokens), start + STRETCH)
        st.caption(ledger(trace, view.layer).equation)
        figure = gates_and_ledger(trace, view.layer, view.unit, (start, stop), dark=is_dark())
        with scrolling("hidden_states-gates"):
            draw(figure, f"{KEY}.gates")
        save(figure, f"{KEY}.gates", "gates-and-ledger", _gates(trace, view, start, stop))


def _facts(view: View, about: dict, trace) -> None:
    times = memory_time(trace, view.layer)
    facts = [] if times is None else [f"memory {times[view.unit]:.2g} characters"]
    for guide in guides(about):
        if (guide["layer"], guide["unit"]) == (view.layer, view.unit) and guide.get("verdict"):
            facts.append(verdict(guide))
    st.markdown(" · ".join(facts) if facts else "No measured meaning.")
    st.caption(memory_time_meaning(trace))


def _silence(view: View, chosen) -> None:
    on = st.toggle("Silence this unit", key=f"{KEY}.silence", bind="query-params")
    st.caption(
        "The unit is held at 0 from the first character on; everything else is computed anew. Zero may be a value it never takes by itself."
    )
    if not on:
        return
    own, quiet = compute.reading(view), compute.silenced_reading(view)
    rise = quiet.bits - own.bits
    at = min((chosen.cursor or 0) + 1 + view.part * compute.WINDOW, len(rise) - 1)
    worst = int(rise.argmax())
    left, middle, right = st.columns(3)
    left.metric("Whole text, bits a character", f"{quiet.bits.mean():.3f}", f"{rise.mean():+.3f}", delta_color="inverse")
    for column, label, place in ((middle, "After the cursor", at), (right, "Where it costs most", worst)):
        column.metric(f"{label}: {_named(view.text[place])}", f"{quiet.bits[place]:.2f} bits", f"{rise[place]:+.2f}", delta_color="inverse")
        before = view.text[max(0, place - 24) : place].translate(VISIBLE)
        column.caption(f"p {2.0 ** -own.bits[place]:.2f} → {2.0 ** -quiet.bits[place]:.2f} after `{before.replace('`', 'ˋ')}`")


def _named(token: str) -> str:
    return f"`{token.translate(VISIBLE)}`" if token != "`" else "backtick"


def _contexts(places: list[Context]) -> pd.DataFrame:
    text = [f"{p.before[-16:]}▸{p.token}◂{p.after[:8]}".translate(VISIBLE) for p in places]
    return pd.DataFrame({"value": [round(p.value, 2) for p in places], "context": text})


def _gates(trace, view: View, start: int, stop: int) -> pd.DataFrame:
    entries = ledger(trace, view.layer)
    frame = {"position": range(start, stop), "character": trace.tokens[start:stop]}
    frame |= {name: values[start:stop, view.layer, view.unit] for name, values in trace.gates.items()}
    return pd.DataFrame(frame | {name: getattr(entries, name)[start:stop, view.unit] for name in ("kept", "written", "shown")})
