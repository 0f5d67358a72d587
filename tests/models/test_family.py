"""Families: every name in them exists, kinds and recipes are unique, and listing them does not import torch."""

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from torch import nn

import models
from explorer.errors import CheckpointError
from models import family, training
from models.card import Card
from models.family import EMITS, FAMILIES, Family, TrainingError
from pages._ui import networks
from tests.models.command_line import call

ROOT = Path(__file__).parents[2]
EVERY = family.families()


def by_name(entry: Family) -> str:
    return entry.network


@pytest.mark.parametrize("entry", EVERY, ids=by_name)
def test_every_name_in_a_family_is_there(entry: Family):
    assert issubclass(family.named(entry.network), nn.Module)
    assert entry.vocabulary is None or callable(family.named(entry.vocabulary).of_card)
    assert entry.card is None or issubclass(family.named(entry.card), Card)
    assert entry.check is None or callable(family.named(entry.check))
    assert entry.commands is None or isinstance(family.named(f"{entry.commands}:app"), typer.Typer)
    if entry.recipes:
        training, data = family.named(entry.training), family.named(entry.data)
        assert all(callable(getattr(training, name)) for name in ("trainers", "finish", "evaluate"))
        assert hasattr(training, "compare") == entry.compares
        assert ("width" in inspect.signature(training.evaluate).parameters) == entry.searches
        assert callable(data.find) and callable(data.read) and entry.headline
        if any(not corpus.not_fetched for corpus in entry.corpora.values()):
            assert callable(data.fetch) and callable(data.summary)


def test_no_name_is_used_twice():
    for names in (
        [entry.kind for entry in EVERY if entry.kind],
        [name for entry in EVERY for name in entry.recipes],
        [name for entry in EVERY for name in entry.corpora],
    ):
        assert len(set(names)) == len(names) > 5
    for entry in EVERY:
        assert {recipe["corpus"] for recipe in entry.recipes.values()} <= entry.corpora.keys()


def test_every_folder_with_a_family_is_listed():
    folders = [path.parent.name for path in (ROOT / "models").glob("*/__init__.py") if "FAMILY = " in path.read_text(encoding="utf-8")]
    assert sorted(folders) == sorted(FAMILIES)


def test_pickers_keep_their_order():
    order = {entry.kind: list(entry.recipes) for entry in EVERY if entry.recipes}
    before = {
        "char_lm": ["wiki-lstm", "wiki-gru", "wiki-rnn", "linux-lstm", "shakespeare-lstm"],
        "seq2seq": ["en-fr-additive", "en-fr-none", "en-fr-bilinear", "en-fr-uniform", "fr-en-additive", "en-fr-fake"],
        "captioner": ["caption-soft", "caption-none"],
        "scenes": ["scenes-soft", "scenes-soft-2", "scenes-soft-3"],
        "classifier": ["names-gru", "names-lstm", "names-rnn", "names18-gru"],
    }
    assert [(kind, names) for kind, names in order.items() if kind in before] == list(before.items())
    assert list(family.recipes()) == [name for names in order.values() for name in names]
    shipped = {kind: [name for name, card in models.available().items() if card["kind"] == kind] for kind in order}
    assert all(names == [name for name in order[kind] if name in names] for kind, names in shipped.items())


def test_kinds_are_looked_up_by_what_they_emit():
    kinds = {
        "char_lm": ("trace", "any_text", "next_token"),
        "seq2seq": ("trace", "alignment"),
        "classifier": ("trace", "class_probabilities"),
    }
    kinds |= {"captioner": ("trace", "regions"), "scenes": ("trace", "regions", "known_truth"), "encoder": ()}
    for kind, names in kinds.items():
        assert {name for name in EMITS if kind in family.emitting(name)} == set(names)
    assert family.emitting("regions")[:2] == ("captioner", "scenes") and "classifier" not in family.emitting("trace", "next_token")
    for ask in (lambda: family.emitting("alignments"), lambda: Family("x", "x:X", emits=frozenset({"alignments"}))):
        with pytest.raises(ValueError, match=r"No network gives 'alignments'\. Expected some of trace, "):
            ask()


def test_an_unknown_name_gets_a_sentence():
    assert family.of_kind("encoder") in family.of_kind("captioner").needs and family.of_recipe("names-gru").kind == "classifier"
    with pytest.raises(CheckpointError, match=rf"is of kind 'x'\. Known kinds: {', '.join(sorted(family.kinds()))}\."):
        family.of_kind("x")
    with pytest.raises(TrainingError, match=r"There is no recipe called 'x'\. Known: wiki-lstm, wiki-gru"):
        family.of_recipe("x")
    assert family.of_corpus("x") is None
    with pytest.raises(ValueError, match="has no such part"):
        family.named(None)


def test_the_list_of_families_costs_no_torch():
    code = "from models import family; assert family.recipes() and family.corpora() and family.emitting('trace')\n"
    code += "import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


HANDED_ON = """
from models.captioning import Captioner, Encoder
from models.char_lm import CharLM, costs, first_logits, gate_held, silenced, untrained
from models.memory_tasks import Learner, Setup
from models.names import Classifier, Names, VOCABULARY, find, is_held_out, read, surnames
from models.scenes import COLOURS, DEV, SHAPES, Scene, SceneCaptioner, captions, is_true, named_things, picture, scene
from models.translation import Seq2Seq
"""


def test_a_folder_gives_the_names_that_scripts_import():
    exec(HANDED_ON, given := {})
    assert given["CharLM"] is family.named("models.char_lm.network:CharLM")
    with pytest.raises(ImportError, match=r"cannot import name 'Nothing' from 'models\.char_lm'"):
        exec("from models.char_lm import Nothing", {})


@pytest.fixture
def another(monkeypatch, tmp_path: Path) -> None:
    """Adds a family: a folder, and its name in FAMILIES."""
    monkeypatch.setitem(sys.modules, "models.bag", importlib.import_module("tests.models.bag"))
    monkeypatch.setattr(family, "FAMILIES", (*FAMILIES, "bag"))
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "checkpoints"))


def test_a_new_family_is_trained_listed_opened_scored_and_shown(another, tmp_path: Path, capsys):
    (tmp_path / "words.txt").write_text("aba bab abi ebb eba bib bbe aie")
    code, out, _ = call(capsys, "train", "bag-tiny", "--data", tmp_path / "words.txt", "--folder", tmp_path / "states", "--json")
    assert code == 0 and json.loads(out)["accuracy"] == 1
    assert "bag-tiny: 6 parameters, accuracy 1.00 on dev" in call(capsys, "list")[1]
    loaded = models.load("bag-tiny")
    assert loaded.vocab.tokens == ("\N{REPLACEMENT CHARACTER}", *"abei") and loaded.card["seed"] == 1 and loaded.card["curve"]
    code, out, _ = call(capsys, "evaluate", "bag-tiny", "--data", tmp_path / "words.txt", "--json")
    assert code == 0 and json.loads(out) == {"accuracy": 1}
    assert "bag-tiny is made up." in call(capsys, "fetch", "bag-tiny")[2]
    assert "of kind bag, which does not use beam search" in call(capsys, "evaluate", "bag-tiny", "--data", "x", "--beam", "2")[2]
    shown = networks.emitting("class_probabilities")
    assert list(shown) == ["bag-tiny"] and shown["bag-tiny"]["scores"] == {"accuracy": 1}
    assert shown["bag-tiny"]["data"]["licence"] == "unknown"  # filled in by its schema
    with pytest.raises(TrainingError, match="does not fit bag-tiny"):
        training.restore(nn.Linear(2, 2), tmp_path / "states/bag-tiny.pt", "bag-tiny")
    with pytest.raises(TrainingError, match=r"cannot resume from .* was written by another recipe"):
        list(family.named("tests.models.bag.network").trainers("bag-tiny", None, tmp_path / "states/bag-tiny.pt", "cpu", 1))
