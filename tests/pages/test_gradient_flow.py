"""The page of gradients in process: its numbers agree with autograd, its widgets and its link work."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

import models
from explorer.analysis.brackets import closings
from explorer.textbook.activations import ACTIVATIONS
from explorer.textbook.jacobian_lab import run
from models.checkpoint import fingerprint
from pages._components import matrix_choice
from pages._gradient_flow import compute, curves, laboratory
from pages._gradient_flow import state as gradient_flow_state
from pages._gradient_flow.compute import Network, View
from pages._ui import networks
from pages._ui.link import packed
from tests.models.tiny import save_tiny
from tests.pages import app
from tests.pages.app import sound

TEXT = "a [[bad]] cab [[face] ab]] " * 4


pytestmark = pytest.mark.usefixtures("opened")


def save_networks(folder: Path) -> None:
    """Three tiny networks of one corpus, and what was measured of them."""
    for cell in ("lstm", "gru", "rnn"):
        save_tiny(folder / f"wiki-{cell}.safetensors", cell=cell)
    layer = {"lags": {"1/2": [1, 2, None]}, "factors": {"0-5": 0.5}, "half_life": None, "low": [0, -3, None], "high": [0, -1, -2]}
    record = {"weights": "", "losses": 7, "runs": {"trained": [layer, layer]}}
    (folder / "wiki-gradients.json").write_text(json.dumps({"wiki-rnn": record}))


def open_page(**query: str) -> AppTest:
    return app.open_page("gradient_flow", **query)


def text_of(page: AppTest) -> str:
    return "\n".join(part.value for part in [*page.markdown, *page.caption])


def by_autograd(network: Network, text: str, at: int) -> tuple[np.ndarray, np.ndarray]:
    """Norms of dL/dh_t of the last layer [time], and dL/dx_t [time, feature], from the plain module called step by step."""
    module, vocab = compute._opened(network).module.double(), networks.loaded(network.name).vocab
    inputs, states, state = [], [], None
    for index in vocab.encode(text[:at]):
        x = module.embedding(torch.tensor([[index]])).detach().requires_grad_()
        _, state = module.rnn(x, state)
        state = tuple(part.clone() for part in state) if isinstance(state, tuple) else state.clone()
        for part in state if isinstance(state, tuple) else (state,):
            part.requires_grad_().retain_grad()
        inputs.append(x)
        states.append(state)
    last = states[-1][0] if isinstance(states[-1], tuple) else states[-1]
    loss = -module.readout(last[-1, 0]).log_softmax(-1)[vocab.encode(text[at])[0]]
    loss.backward()
    parts = [state if isinstance(state, tuple) else (state,) for state in states]
    norms = [float(torch.cat([part.grad[-1, 0] for part in parts_of_step if part.grad is not None]).norm()) for parts_of_step in parts]
    module.float()
    return np.array(norms), torch.stack([x.grad[0, 0] for x in inputs]).numpy()


@pytest.mark.parametrize("network", [Network("wiki-rnn"), Network("wiki-gru"), Network("wiki-lstm"), Network("wiki-lstm", False, 2.0)])
def test_what_the_page_draws_agrees_with_autograd(network: Network):
    """The state's gradient, with h and c as separate inputs of the next step, and the gradient to each character's embedding."""
    at = TEXT.index("]]", 20)
    view = View((network,), network, TEXT, at, lags=400)
    norms, inputs = by_autograd(network, TEXT, at)
    drawn = curves.curves(view)[0]
    np.testing.assert_allclose(drawn.log10, np.log10(norms[::-1] / norms[-1]), atol=2e-4)
    felt = curves.felt(view)
    np.testing.assert_allclose(felt.log10, np.log10(np.linalg.norm(inputs, axis=1)), atol=2e-4)
    module, ids = networks.loaded(network.name).module, networks.loaded(network.name).vocab.encode(TEXT[:at])
    embedded = compute._opened(network).module.embedding(torch.tensor(ids)).detach().numpy()
    np.testing.assert_allclose(felt.times_input, (embedded * inputs).sum(1), atol=1e-4 * np.abs(inputs).max())
    assert not module.training


def test_a_window_far_into_the_text_begins_with_the_state_that_the_text_left():
    long, short = (View((Network("wiki-gru"),), Network("wiki-gru"), TEXT, 60, lags) for lags in (400, 10))
    far, near = (compute.flow(view, view.felt) for view in (long, short))
    assert len(near.norms.tokens) == 11 and far.probability == pytest.approx(near.probability, rel=1e-4)
    np.testing.assert_allclose(far.norms.state_log10[-11:], near.norms.state_log10, atol=1e-4)


def test_the_bias_moves_only_the_untrained_lstm_and_is_named():
    page = open_page()
    before = text_of(page)
    page.slider(key=gradient_flow_state.BIAS).set_value(2.0).run()
    after = text_of(sound(page))
    assert not page.query_params, "a run that writes more would put back an earlier value of the slider"
    rows = [[row for row in text.split("\n") if row.startswith("| ")] for text in (before, after)]
    moved = [(one, other) for one, other in zip(*rows, strict=True) if one != other]
    assert len(moved) == 1 and "forget bias 0" in moved[0][0] and "forget bias 2" in moved[0][1]
    said = [re.findall(r"\*\*([^*]+?)\*\* in an untrained LSTM with forget bias (\d)\.", text)[0] for text in (before, after)]
    assert [bias for _, bias in said] == ["0", "2"] and said[0][0] != said[1][0], "the sentence follows the slider"


def test_a_character_is_chosen_by_number_and_the_link_restores_it():
    page = open_page(text=packed(TEXT))
    page.number_input(key=gradient_flow_state.PLACE).set_value(34).run()  # counted from 1; in a link from 0
    assert sound(page).query_params["gradient_flow.at"] == "33"
    again = sound(open_page(text=packed(TEXT), at="33", bias="2.0", layer="layer 1", what="cell state c", back="50 characters"))
    assert again.number_input(key=gradient_flow_state.PLACE).value == 34 and again.slider(key=gradient_flow_state.BIAS).value == 2.0
    assert (
        again.selectbox(key=gradient_flow_state.LAYER).value == "layer 1"
        and again.selectbox(key=gradient_flow_state.WHAT).value == "cell state c"
    )
    assert "wiki\\-rnn" not in text_of(again), "an RNN has no cell"


@pytest.mark.parametrize("query", [{"at": "9999"}, {"at": "<b>", "layer": "9"}, {"at": "0", "what": "x", "bias": "x"}, {"lines": "x"}])
def test_smoke_a_nonsense_link_falls_back(query: dict):
    sound(open_page(text=packed(TEXT), **query))


@pytest.mark.parametrize("text", ["\n\n", "<b>&" + "🗼" * 40, "x" * 5_000], ids=["newlines", "unknown", "long"])
def test_smoke_any_text_is_followed(text: str):
    sound(open_page(text=packed(text)))


def test_a_text_of_one_character_gets_a_sentence():
    page = open_page(text=packed("a"))
    assert not page.exception and "two characters" in page.info[0].value


@pytest.mark.parametrize(
    ("panel", "says"),
    [
        ("In numbers", "At 7 other places"),
        ("In numbers", "| 2\u00a0\\(1\u00a0to\u00a0–\\) |"),  # no number is broken on a narrow screen
        ("What training sees", "no decay is visible"),
        ("Multiply", "**0** multiplications"),
        ("Laboratory", "the gradient vanishes."),
        ("Clipping", "the path is thrown off the cliff"),
    ],
)
def test_every_panel_draws(panel: str, says: str):
    assert says in text_of(sound(open_page(panel=panel)))


def test_each_press_multiplies_and_the_link_counts():
    page = open_page(panel="Multiply")
    for _ in range(3):
        page.button(key="gradient_flow.multiply.press").click().run()
    assert "**3** multiplications" in text_of(sound(page)) and page.query_params["gradient_flow.multiply.presses"] == "3"
    page.button(key="gradient_flow.multiply.preset.grow, then die").click().run()
    assert "**0** multiplications" in text_of(sound(page)) and "may grow first" in text_of(page)
    again = sound(open_page(panel="Multiply", **{"multiply.presses": "7", "multiply.a": "-1.5"}))
    assert "**7** multiplications" in text_of(again) and again.slider(key="gradient_flow.multiply.a").value == -1.5


@pytest.mark.parametrize(
    ("sent", "matrix"),
    [
        ({"columns": [[0.8, 0], [0.123, -9]]}, [[0.8, 0.1], [0.0, -1.5]]),  # columns are sent, rows come out; steps and limits are enforced
        (None, None),
        ({"columns": [[1, 2]]}, None),
        ({"columns": [[1, 2, 3], [1, 2]]}, None),
        ({"columns": [["1", 2], [3, 4]]}, None),
        ({"columns": [[float("nan"), 2], [3, 4]]}, None),
        ({"columns": [[True, 2], [3, 4]]}, None),
    ],
)
def test_a_matrix_sent_by_the_browser_is_checked(sent: object, matrix: list | None):
    chosen = matrix_choice.read(sent)
    assert (chosen is None) if matrix is None else chosen.tolist() == matrix


def test_a_preset_of_the_laboratory_sets_its_sliders():
    page = open_page(panel="Laboratory")
    page.button(key="gradient_flow.laboratory.preset.it explodes").click().run()
    assert "the gradient grows." in text_of(sound(page)) and page.slider(key="gradient_flow.laboratory.size").value == 2.0
    page.button(key="gradient_flow.laboratory.preset.LSTM, forget bias 2").click().run()
    assert page.slider(key="gradient_flow.laboratory.bias").value == 2.0 and "γ = " not in text_of(sound(page))
    lifted = factor(page)
    page.slider(key="gradient_flow.laboratory.bias").set_value(0.0).run()
    assert factor(sound(page)) < 0.7 < 0.85 < lifted


def factor(page: AppTest) -> float:
    return float(re.search(r"Measured factor per step = \*\*([\d.]+)", text_of(page))[1])


def test_a_text_too_short_to_follow_is_in_the_link_as_well():
    page = open_page(text=packed("abc"))
    assert page.query_params[gradient_flow_state.TEXT] == packed("abc")
    page.text_area(key="gradient_flow.draft").set_value("x")
    page.button(key="FormSubmitter:gradient_flow.form-Read it").click().run()
    assert "two characters or more" in sound(page).info[0].value and page.query_params[gradient_flow_state.TEXT] == packed("x")


def test_a_gradient_that_dies_far_back_is_not_said_to_die_at_once():
    setup = laboratory.PRESETS["identity and ReLU"]
    outcome = run(setup)
    left = int(np.isfinite(outcome.gradient).sum())
    assert 50 < left < setup.steps and f"**{left}** steps back, the gradient is exactly zero" in laboratory.sentence(setup, outcome)
    assert "One step back, the gradient is exactly zero" in laboratory.sentence(setup, replace(outcome, gradient=np.array([0.0, -np.inf])))


def test_the_laboratory_shows_sigma_and_radius_and_setting_the_other_keeps_the_network():
    page = open_page(panel="Laboratory", **{"laboratory.units": "16", "laboratory.size": "1.5"})
    before = re.search(r"σ = \*\*1.50\*\*, γ = \*\*1\*\*, spectral radius ρ = \*\*([\d.]+)", text_of(page))[1]
    page.selectbox(key="gradient_flow.laboratory.by").select("radius of W").run()
    assert page.slider(key="gradient_flow.laboratory.size").value == pytest.approx(float(before), abs=0.03)
    after = re.search(r"σ = \*\*([\d.]+)\*\*", text_of(sound(page)))[1]
    assert float(after) == pytest.approx(1.5, abs=0.06), "sliders go in steps of 0.05"


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_laboratory_takes_every_activation(name: str):
    page = sound(open_page(panel="Laboratory", **{"laboratory.activation": name, "laboratory.units": "4", "laboratory.steps": "20"}))
    assert ("γ = **" in text_of(page)) == (name != "maxout")
    named = {"leaky relu": ["Slope below 0"], "elu": ["Depth below 0"]}
    assert [slider.label for slider in page.slider if "below 0" in slider.label] == named.get(name, [])


def test_presets_and_sliders_of_clipping_change_the_paths_and_the_link():
    page = open_page(panel="Clipping")
    assert "Clipped by norm**, no step is longer than 0.1;" in text_of(page)
    page.button(key="gradient_flow.clipping.preset.Ω keeps gradients alive").click().run()
    assert "50 steps back keeps 0.003 of its size; without Ω, 2e-08" in text_of(sound(page)) and "Without clipping" not in text_of(page)
    assert float(page.query_params["gradient_flow.clipping.w"]) == 3
    page.toggle(key="gradient_flow.clipping.omega").set_value(False).run()
    assert "of its size" not in text_of(sound(page))
    page.slider(key="gradient_flow.clipping.threshold").set_value(0.02).run()
    assert "no step is longer than 0.006" in text_of(sound(page)), "step size 0.3 times the threshold"
    again = sound(open_page(panel="Clipping", **{"clipping.paths": "by value", "clipping.steps": "20"}))
    assert "Clipped by value" in text_of(again) and "Clipped by norm" not in text_of(again)


def test_the_gap_is_drawn_where_it_was_measured(shipped):
    page = open_page(panel="The gap")
    assert not page.exception and "measure NAME gap" in page.info[0].value
    band = {"from": 2, "to": 5, "n": 9, "p": 0.5, "low": 0.4, "high": 0.6}
    (shipped / "wiki-gap.json").write_text(json.dumps({"opener": "[[", "mark": "]]", "marks": 9, "bands": {"wiki-lstm": [band]}}))
    st.cache_data.clear()
    probed = {"lags": [1, 2], "most_frequent": 0.3, "networks": {"wiki-lstm": {"trained": [0.9, 0.2], "untrained": [1, 0.5]}}}
    (shipped / "wiki-probe.json").write_text(json.dumps(probed))
    text = text_of(sound(open_page(panel="The gap")))
    [(shipped / f"wiki-{name}.json").unlink() for name in ("gap", "probe")]
    st.cache_data.clear()
    assert "9 links in held-out text" in text
    assert "90% in wiki-lstm" in text and "after 1 character in wiki-lstm. Untrained, all hold the letters longer" in text


def test_the_cell_of_lines_without_one_gets_a_sentence():
    page = open_page(what="cell state c", lines="wiki-rnn")
    assert not page.exception and "only an LSTM has a cell" in page.info[0].value


def test_the_summed_cost_has_a_part_of_its_own_near_every_character():
    """With the summed cost a plain RNN shows no decay where the gradient of one character's cost decays."""
    network = Network("wiki-rnn")
    view = View((network,), network, TEXT, 60, 400)
    summed = compute.summed(view, network)
    assert summed.loss_at is None
    single = compute.flow(view, network).norms.state_log10[:, -1]
    assert np.ptp(summed.state_log10[:, -1]) < np.ptp(single)
    parts = [compute.flow(view.of(at=at), network).norms.state_log10[0, -1] for at in range(1, 61)]
    assert summed.state_log10[0, -1] <= np.log10(np.sum(10.0 ** np.array(parts))) + 1e-4, "a sum is at most the sum of its parts' norms"


def test_closing_marks_know_their_openers():
    marks = closings("a [[b [[c]] d]] ]] [[e", "[[", "]]")
    assert [(mark.at, mark.opened, mark.distance) for mark in marks] == [(9, 6, 3), (13, 2, 11)]


def test_the_measurements_are_of_the_networks_that_ship():
    measured = json.loads((models.FOLDER / "wiki-gradients.json").read_text())
    assert set(measured) == {"wiki-rnn", "wiki-gru", "wiki-lstm"}
    for name, about in measured.items():
        assert about["weights"] == fingerprint(models.load(name, models.FOLDER)), f"{name}: run `python -m models measure wiki gradients`"
    lags = {name: about["runs"]["trained"][-1]["lags"] for name, about in measured.items()}
    rnn, lstm = (lags[name]["1/1000"][1] or math.inf for name in ("wiki-rnn", "wiki-lstm"))  # None: not within the text
    assert rnn < 20 and lstm > 5 * rnn, "the gates carry the gradient further"
