"""The sentence of the page of gradients: which lines it compares, and with which numbers."""

from dataclasses import replace

import numpy as np
import pytest

from pages._gradient_flow import curves
from pages._gradient_flow import state as gradient_flow_state
from pages._gradient_flow.compute import Network, View
from pages._ui.text import plain
from tests.pages.app import sound
from tests.pages.test_gradient_flow import TEXT, open_page, save_networks, text_of

__all__ = ["save_networks"]  # the fixtures of this module save the networks with it

pytestmark = pytest.mark.usefixtures("opened")


def test_the_first_screen_says_what_its_lines_say():
    page = sound(open_page())
    view = View(tuple(map(Network, ("wiki-rnn", "wiki-gru", "wiki-lstm"))), Network("wiki-lstm"), gradient_flow_state.example("wiki"), 0)
    view = view.of(at=gradient_flow_state.first_index(view.text))
    assert view.text[view.at] == "]" and view.at > 200
    lines = curves.curves(view)
    left = {line.name: curves._share(line.log10[100]) for line in lines}
    text = text_of(page)
    assert f"**{left['wiki-lstm']}** in the trained LSTM, **{left['wiki-rnn']}** in the trained RNN, " in text
    assert "100 characters back, the gradient of the loss at “\\]” is down to **" in text
    assert "untrained LSTM, forget bias 0" in text


def test_without_an_lstm_and_an_rnn_the_sentence_names_the_best_and_the_worst_line():
    view = View((Network("wiki-gru"), Network("wiki-rnn")), Network("wiki-rnn"), TEXT, 60)
    lines = curves.curves(view)
    far = len(lines[0].log10) - 1
    lowest, highest = (end(lines, key=lambda line: line.log10[far]) for end in (min, max))
    said = curves.sentence(view, lines)
    assert said.startswith(f"{far} characters back, the gradient of the loss at ")
    assert f"**{curves._share(highest.log10[far])}** in **{plain(highest.name)}**, " in said
    assert f"**{curves._share(lowest.log10[far])}** in **{plain(lowest.name)}**." in said
    deep = [replace(line, log10=line.log10 - 30 * np.arange(len(line.log10)) / far) for line in lines]
    assert curves.sentence(view, deep).endswith(" The figure ends at 10⁻¹²; the full range is behind *Lines*.")
    assert "The figure ends" not in curves.sentence(view.of(whole=True), deep)
    assert [curves._share(log10) for log10 in (0.3, -1.0, -20.4, float("-inf"))] == ["2", "1/10", "10⁻²⁰", "nothing"]
