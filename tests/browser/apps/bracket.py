"""A made-up network on a page: what it holds is computed by hand, so that every colour is known. `?n=` sets the length.

`?rows=words` reads it as words, `?rows=numbers` as three series by the day.
"""

import re

import numpy as np
import streamlit as st

from explorer.figures.inputs import Inputs
from explorer.figures.scales import scale_of
from explorer.figures.states import StateFigure
from pages._components.state_view import state_choice, state_view

TEXT = """{{Infobox building | name = Harbour light | height = 41 m}}
'''Harbour light''' is a [[lighthouse]] on the [[Isle of Rook|island]] of Rook.<ref name="sea">\
{{cite web|url=http://www.rook-harbour.org/light|title=The light}}</ref>\
 It was built in [[1861]] & is still <b>lit</b>.

== History ==
* The first keeper, [[Anna Morn]], wrote a diary of 412 pages.
* In 1902 the lamp was replaced by an [[arc lamp|electric]] one.\tCafé Ωmega 😀 e\u0301 שלום
"""


@st.cache_resource
def made(length: int, units: int = 512) -> dict:
    """Text, states and guesses: unit 21 is on inside [[ ]], unit 7 counts the line, the rest forget at many speeds."""
    rng = np.random.default_rng(0)
    text = (TEXT * (length // len(TEXT) + 1))[:length] if length else TEXT
    kicks = rng.normal(size=(len(text), units)).astype(np.float32)
    keep = (1 - np.exp(rng.uniform(-5.5, -0.3, units))).astype(np.float32)
    states = np.zeros((len(text), units), np.float32)
    for t in range(len(text)):
        states[t] = keep * states[t - 1] + np.sqrt(1 - keep**2) * kicks[t] * (rng.random(units) < 0.4)
    values = np.tanh(states * 1.4)
    depth = np.array([1.0 if text.rfind("[[", 0, t) > text.rfind("]]", 0, t) else 0.0 for t in range(len(text))])
    line = np.array([t - text.rfind("\n", 0, t) for t in range(len(text))])
    values[:, 21] = 1.7 * depth - 0.85 + 0.1 * kicks[:, 3].clip(-1, 1)
    values[:, 7] = np.tanh(line / 40 - 1)
    letters = sorted(set(text))
    p = np.sort(rng.dirichlet(np.full(6, 0.35), len(text)), 1)[:, ::-1][:, :5]
    guesses = [[str(c) for c in rng.choice(letters, 5, replace=False)] for _ in text]
    for t in range(len(text) - 1):
        if rng.random() < 0.6 and text[t + 1] not in guesses[t]:
            guesses[t][0] = text[t + 1]
    order = np.argsort(-keep, kind="stable")
    return {"text": text, "values": values, "p": p, "guesses": guesses, "order": order, "bits": rng.gamma(1.2, 1.4, len(text))}


@st.cache_resource
def weather(days: int) -> Inputs:
    """Rain that falls on every tenth day, a temperature that turns with the year and lacks ten days, and the day's number."""
    day = np.arange(days)
    warm = np.where((day >= 20) & (day < 30), np.nan, 10 - 12 * np.cos(2 * np.pi * day / 365.25))
    return Inputs(("rain, mm", "temperature", "day"), np.stack([4.0 * (day % 10 == 5), warm, day], 1), np.datetime64("2001-03-05") + day)


st.set_page_config(layout="wide")
query = st.query_params
data = made(int(query.get("n", 0)))
chosen = state_choice("map")
unit = chosen.unit if chosen else 21
st.session_state.setdefault("runs", 0)
st.session_state.runs += 1
if st.button("Unit 7", key="chip"):
    unit = 7
text = data["text"]
if st.toggle("Take the brackets away", key="open"):
    text = text.replace("]]", "[[")
words = re.findall(r"\n|\S+", text)
tokens, guesses = (words, [words[i : i + 5] for i in range(30)] * 9) if query.get("rows") == "words" else (text, data["guesses"])
is_series = query.get("rows") == "numbers"
figure = StateFigure(
    tokens=tokens,
    values=data["values"][: len(tokens)],
    quantity="tanh(cell)",
    unit=unit,
    order=data["order"],
    order_name="memory time",
    scale=scale_of("tanh(cell)", data["values"]),
    next_tokens=None if is_series else guesses[: len(tokens)],
    next_p=None if is_series else data["p"][: len(tokens)],
    bits=data["bits"][: len(tokens)],
    title="made-up network",
    inputs=weather(len(tokens)) if is_series else None,
)
choice = state_view(figure, key="map")
selected = "none" if choice.selection is None else f"{choice.selection[0]} to {choice.selection[1]}"
st.write(f"Told: unit {choice.unit}, cursor {choice.cursor}, selection {selected}, alone {choice.alone}, runs {st.session_state.runs}")
