"""Which earlier characters a prediction depends on: deletion against reading each shortened text by itself, and the measurement."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients

import models
from explorer.analysis.attribution import INTEGRATED, METHODS, OCCLUSION, RECENCY
from explorer.errors import AnalysisError
from explorer.gradients.rerun import Rerun
from models.char_lm.experiments.attribution import Prediction, comparison
from models.char_lm.network import first_logits
from tests.models.command_line import call
from tests.models.tiny import save_tiny, tiny

TEXT, WARM_UP = "ab[cd]ef gh\nabc", "hgf "


def log_p(loaded, text: str) -> torch.Tensor:
    """Log probabilities [vocab] of the next character after a text, read in one call from the zero state."""
    if not text:
        return first_logits(loaded.module).double().log_softmax(-1)
    with torch.inference_mode():
        return loaded.module(torch.tensor([loaded.vocab.encode(text)]))[0][0, -1].double().log_softmax(-1)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize(("span", "target"), [(6, None), (60, "d"), (6, "z")])
def test_deletion_is_the_text_without_the_character_read_anew(cell: str, span: int, target: str | None):
    loaded = tiny(cell)
    reports: list[tuple[int, int]] = []
    compared = comparison(loaded, Prediction(TEXT, span, target, WARM_UP), report=lambda done, total: reports.append((done, total)))
    assert reports == [*[(0, 5)] * (span < len(TEXT)), *((done, 5) for done in (1, 2, 3, 4))]
    whole = log_p(loaded, WARM_UP + TEXT)
    answer = int(whole.argmax()) if target is None else loaded.vocab.encode(target)[0]
    first = max(0, len(TEXT) - span)
    without = [float(log_p(loaded, WARM_UP + TEXT[:at] + TEXT[at + 1 :])[answer]) for at in range(first, len(TEXT))]
    np.testing.assert_allclose(compared.deleted, float(whole[answer]) - np.array(without), atol=1e-5)
    assert compared.tokens == tuple(TEXT[first:]) and compared.log_p == pytest.approx(float(whole[answer]), abs=1e-5)
    assert compared.predicted == (target or loaded.vocab.tokens[answer])
    assert [one.method for one in compared.attributions] == list(METHODS) and np.abs(compared.deleted).max() > 0.01


@pytest.mark.parametrize("embedding", [4, 0])
def test_the_methods_explain_the_log_probability_from_the_state_that_was_read_before(embedding: int):
    loaded = tiny("lstm", embedding=embedding)
    compared = comparison(loaded, Prediction(TEXT, 6, None, WARM_UP))
    module, answer = loaded.module, loaded.vocab.encode(compared.predicted)[0]
    ids = torch.tensor([loaded.vocab.encode(WARM_UP + TEXT)])
    x = module.embedding(ids) if embedding else torch.nn.functional.one_hot(ids, len(loaded.vocab)).float()
    with torch.no_grad():
        _, state = module.rnn(x[:, :-6])

    def read(x: torch.Tensor) -> torch.Tensor:
        many = tuple(part.expand(-1, len(x), -1).contiguous() for part in state)
        return module.readout(module.rnn(x, many)[0][:, -1]).log_softmax(-1)[:, answer]

    expected = IntegratedGradients(read).attribute(x[:, -6:], n_steps=50, method="gausslegendre")[0].sum(1)
    np.testing.assert_allclose(compared.of(INTEGRATED).scores, expected.detach().numpy(), rtol=1e-3, atol=1e-5)
    assert compared.of(INTEGRATED).completeness < 1e-3
    hidden = x[:, -6:].clone()
    hidden[0, 2] = 0
    lost = compared.log_p - float(read(hidden)[0])
    assert compared.of(OCCLUSION).scores[2] == pytest.approx(lost, abs=1e-4)


def test_a_known_state_takes_the_place_of_the_warm_up():
    loaded = tiny("gru")
    with torch.no_grad():
        _, state = loaded.module(torch.tensor([loaded.vocab.encode(WARM_UP)]))
    read, known = (comparison(loaded, Prediction(TEXT, 6, None, text), state=given) for text, given in ((WARM_UP, None), ("", state)))
    np.testing.assert_allclose(read.deleted, known.deleted, atol=1e-6)
    other = comparison(loaded, Prediction(TEXT, 6), "mean")
    assert other.of(OCCLUSION).baseline == "mean" and np.abs(other.deleted - read.deleted).max() > 1e-6


def test_the_network_is_checked_once_for_all_methods_and_may_be_stopped_between_them(monkeypatch):
    checks, check = [], Rerun.check
    monkeypatch.setattr(Rerun, "check", lambda rerun: checks.append(rerun) or check(rerun))
    loaded = tiny()
    comparison(loaded, Prediction(TEXT, 6))
    assert len(checks) == 1

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise InterruptedError(f"{done} of {total}")

    with pytest.raises(InterruptedError, match=r"^2 of 5$"):
        comparison(loaded, Prediction(TEXT, 6), report=stop)
    assert not any(part._forward_pre_hooks for part in loaded.module.modules()) and torch.is_grad_enabled()


def test_one_character_cannot_be_deleted():
    for text, span in (("a", 60), ("abc", 1)):
        with pytest.raises(AnalysisError, match=r"^There are fewer than 2 characters before the prediction; expected some that can be"):
            comparison(tiny(), Prediction(text, span))


def test_the_measurement_writes_every_network_of_a_text(monkeypatch, tmp_path: Path, capsys):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    for cell in ("lstm", "rnn"):
        save_tiny(tmp_path / f"wiki-{cell}.safetensors", cell=cell)
    text = tmp_path / "dev.txt"
    text.write_text("ab[cd] efgh\n" * 60, encoding="utf-8")
    code, out, err = call(capsys, "measure", "wiki", "attribution", "--data", text, "--predictions", 5, "--span", 8)
    assert code == 0, err
    measured = json.loads((tmp_path / "wiki-attribution.json").read_text(encoding="utf-8"))
    assert list(measured["networks"]) == ["wiki-lstm", "wiki-rnn"] and measured["span"] == 8
    for name, about in measured["networks"].items():
        assert about["weights"] == models.checkpoint.fingerprint(models.load(name)) and about["predictions"] == 5
        assert list(about["methods"]) == [*METHODS, RECENCY] and about["methods"]["gradient"]["signed"] is None
        for method in METHODS:
            mean, low, high = about["methods"][method]["size"]
            assert -1 <= low <= mean <= high <= 1
        assert about["methods"][RECENCY]["over_recency"] == [0, 0, 0] and about["completeness"]["largest"] < 0.1
        assert f"{name}, completeness error: median" in out
