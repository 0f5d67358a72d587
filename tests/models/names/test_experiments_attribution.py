"""Which letters a predicted language depends on: deletion against classifying each shorter name, and the measurement."""

import json
from pathlib import Path

import numpy as np
import pytest

from explorer.analysis.attribution import INTEGRATED, METHODS
from explorer.errors import AnalysisError, RecordingError
from models.names.experiments.attribution import comparison
from models.names.network import probabilities
from tests.models.command_line import call
from tests.models.names.tiny_names import save_tiny_namer, tiny_namer


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
@pytest.mark.parametrize("label", [None, 3])
def test_deletion_is_the_shorter_name(cell: str, label: int | None):
    loaded = tiny_namer(cell)
    labels = loaded.card["labels"]
    compared = comparison(loaded, "Müller", None if label is None else labels[label])
    whole, *shorter = probabilities(loaded, ["muller", "uller", "mller", "muler", "muler", "mullr", "mulle"])
    answer = int(whole.argmax()) if label is None else label
    expected = np.log(whole[answer]) - np.log([p[answer] for p in shorter])
    np.testing.assert_allclose(compared.deleted, expected, atol=1e-5)
    assert compared.tokens == tuple("muller") and compared.predicted == labels[answer]
    assert [one.method for one in compared.attributions] == list(METHODS) and compared.of(INTEGRATED).completeness < 1e-3


def test_what_is_refused():
    with pytest.raises(AnalysisError, match=r"^The name has fewer than 2 letters; expected some that can be deleted\.$"):
        comparison(tiny_namer(), "A")
    with pytest.raises(RecordingError, match="is made of Taps"):
        comparison(tiny_namer("linear"), "Muller")


def test_the_measurement_writes_every_classifier_of_a_collection(monkeypatch, tmp_path: Path, capsys):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    save_tiny_namer(tmp_path / "names-gru.safetensors", cell="gru")
    code, out, err = call(capsys, "measure", "names-gru", "attribution", "--names", 4)
    assert code == 0, err
    (about,) = json.loads((tmp_path / "names-attribution.json").read_text(encoding="utf-8"))["networks"].values()
    assert about["predictions"] == 4 and about["methods"]["occlusion"]["size"] is not None and "names-gru, occlusion: size" in out
