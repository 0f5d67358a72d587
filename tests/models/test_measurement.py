"""`python -m models measure`: what a name stands for, which measurements there are, their options, and what is refused."""

from pathlib import Path

import pytest

import models
from explorer.errors import CheckpointError
from models import measurement
from models.checkpoint import read_card
from models.measurement import Subject, measurable, measurements, subject
from tests.models.command_line import call
from tests.models.tiny import save_tiny


def test_a_name_stands_for_a_network_a_file_a_recipe_training_data_or_a_family(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    ours, recipe, own = (tmp_path / f"{name}.safetensors" for name in ("wiki-gru", "en-fr-additive", "own"))
    save_tiny(ours)
    save_tiny(own)
    assert subject("wiki-gru") == Subject("wiki-gru", "char_lm", ours, "wiki")
    assert subject(str(own)) == Subject(str(own), "char_lm", own, "wiki")
    assert subject("en-fr-additive") == Subject("en-fr-additive", "translation", recipe, "tatoeba")
    assert subject("tatoeba") == Subject("tatoeba", "translation", None, "tatoeba")
    assert subject("memory_tasks") == Subject("memory_tasks", "memory_tasks")
    assert subject("own").network().name == "own"


def test_every_shipped_network_has_a_family_that_is_a_folder():
    for name in models.available(models.FOLDER):
        family = subject(str(models.FOLDER / f"{name}.safetensors")).family
        assert (Path(models.__file__).parent / family / "network.py").exists(), name


def test_without_a_name_it_lists_every_measurement(capsys):
    code, out, _ = call(capsys, "measure")
    listed = [line.split(": ")[0] for line in out.splitlines()]
    assert code == 0 and listed == [f"{family} {what}" for family in measurable() for what in measurements(family)]
    assert {"char_lm units", "char_lm gap", "translation references", "captioning features", "memory_tasks learning"} < set(listed)


@pytest.mark.parametrize("family", measurable())
def test_help_of_each_measurement_names_its_options_and_no_others(family: str, capsys):
    for what in measurements(family):
        code, out, _ = call(capsys, "measure", family, what, "--help")
        assert code == 0 and "--json" in out and "--dry" in out
        assert ("--windows" in out) == (what == "gradients") and ("--studies" in out) == (what == "learning")


def test_an_option_of_another_measurement_is_refused(capsys):
    code, out, err = call(capsys, "measure", "wiki", "gap", "--windows", "3")
    assert code == 2 and not out and "No such option: --windows" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing"], "Nothing is called 'nothing'. Expected a network of"),
        (
            ["wiki", "weather"],
            "wiki has no measurement called 'weather'. Expected one of units, gradients, gap, probe, attribution, causes, wiring.",
        ),
        (["scenes-soft"], "scenes-soft has no measurements yet. Expected a network of captioning, char_lm, "),
        (["wiki", "units"], "'wiki' is not a network; expected one of `python -m models list`"),
        (
            ["char_lm", "gap"],
            "'char_lm' does not determine the training data; expected a network whose card names it, or one of wiki, ",
        ),
        (["gone.safetensors"], "gone.safetensors does not exist. Expected a .safetensors checkpoint."),
    ],
)
def test_what_cannot_be_measured_gets_a_sentence(arguments: list[str], sentence: str, capsys):
    code, out, err = call(capsys, "measure", *arguments)
    assert code == 1 and not out and err.startswith(sentence), err


@pytest.mark.parametrize("arguments", ["wiki gap", "wiki gradients", "wiki-lstm units", "en-fr-additive attention", "captioning features"])
def test_missing_data_get_a_sentence(arguments: str, capsys, tmp_path: Path):
    missing = tmp_path / "nothing"
    code, out, err = call(capsys, "measure", *arguments.split(), "--data", missing)
    assert code == 1 and not out and err.startswith(str(missing)) and "xpected" in err


@pytest.mark.parametrize("anew", [{"seed": 1}, {"units": 7}], ids=["same sizes", "other sizes"])
def test_numbers_of_earlier_weights_stay_out_of_the_card_of_a_network_trained_anew(anew: dict[str, int], tmp_path: Path):
    path = tmp_path / "own.safetensors"
    save_tiny(path)
    about = subject(str(path))
    loaded = about.network()
    about.measured(loaded, [1], ["one"], units=[1]).save()
    about.measured(loaded, [2], ["two"], units=[2]).save()  # another card, but the same weights
    assert read_card(path)["units"] == [2]
    save_tiny(path, **anew)
    kept = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"own\.safetensors was trained again during the measurement, so nothing was written"):
        about.measured(loaded, [3], ["three"], units=[3]).save()
    assert path.read_bytes() == kept
    about.measured(about.network(), [4], ["four"], units=[4]).save()
    assert read_card(path)["units"] == [4]


def test_a_card_of_an_unknown_kind_gets_a_sentence(monkeypatch, tmp_path: Path, capsys):
    save_tiny(tmp_path / "own.safetensors")
    monkeypatch.setattr(measurement, "kinds", dict)
    code, _, err = call(capsys, "measure", tmp_path / "own.safetensors")
    assert code == 1 and "is of kind 'char_lm'" in err
