"""What a word depends on: the place, the picture and the previous words, each against a calculation of its own."""

import json

import numpy as np
import pytest

import models
from models.captioning import caption, occlusion
from models.captioning.card import answers
from models.captioning.experiments import photographs
from models.captioning.experiments.captions import PictureInput, caption_run
from models.captioning.experiments.dependence import dependence, looked_at
from models.captioning.images import opened, squashed
from models.captioning.photographs import FOLDER, listed
from models.checkpoint import fingerprint
from models.scenes import data
from models.vocabulary.subwords import START
from tests.models.captioning.tiny_captions import collection, save_tiny_captioner, tiny_scenes
from tests.models.command_line import call

ANIMALS = [name for name, photo in listed().items() if photo.thing]


def test_the_place_is_half_of_the_attention_in_a_coarse_grid_and_a_square_in_a_fine_one():
    weights = np.full(49, 0.02)
    weights[[3, 40]] = 0.3, 0.2
    weights /= weights.sum()
    most = list(looked_at(weights, (7, 7)))
    assert {3, 40} < set(most) and weights[most].sum() >= 0.5 > weights[most].sum() - weights[most].min()
    fine = np.zeros(196)
    fine[5 * 14 + 8] = 1
    assert looked_at(fine, (14, 14)) == occlusion.around((5, 8), (14, 14), 3) and len(looked_at(fine, (14, 14), 1)) == 1


def test_without_a_picture_only_the_previous_words_count():
    loaded = tiny_scenes()
    source = PictureInput(loaded, caption.feature_extractor(loaded), np.asarray(data.picture(data.scene(3))))
    run = caption_run(source)
    depends = dependence(source, run, 2, (20, 21))
    tokens = run.hypothesis.tokens
    expected = np.exp(caption.log_probabilities(loaded.module, loaded.module.average[None], tokens))[0, 2]
    assert depends.alone == pytest.approx(expected, abs=1e-6)
    every = caption.next_words(loaded.module, loaded.module.average, tokens[:2])
    assert every.sum() == pytest.approx(1, abs=1e-5)
    assert depends.guesses[0] == (loaded.vocab.tokens[every.argmax()], pytest.approx(every.max()))
    hidden = source.extract([occlusion.filled(source.picture, (20, 21), (14, 14))])[0]
    assert depends.without.pixels == caption.describe(loaded.module, loaded.vocab, hidden).text
    assert dependence(source, run, 2, ()).without is None and START not in tokens


@pytest.fixture
def shipped(monkeypatch):
    monkeypatch.delenv("EXPLORER_CHECKPOINTS", raising=False)
    return models.load("caption-soft")


def test_the_file_of_the_shipped_captioner_is_what_is_measured_now(shipped):
    kept = answers(models.file_of("caption-soft-photographs.json"))
    assert kept["weights"] == fingerprint(shipped) and list(kept["photographs"]) == ANIMALS
    for name, photo in listed().items():
        if photo.thing:
            for key, value in photographs.of_photograph(shipped, photo).items():
                wanted = pytest.approx(value, abs=2e-3) if isinstance(value, float) else value
                assert kept["photographs"][name][key] == wanted, (name, key)
    right = [name for name, answer in kept["photographs"].items() if answer["right"]]
    assert "dog" in right and "horses" not in right and kept["photographs"]["horses"]["said"] == "dogs"
    assert kept["photographs"]["dog"]["on"] > kept["photographs"]["dog"]["area"]  # the page says that it looked at the dog


def test_the_place_of_an_answer_is_hidden_as_by_hand(shipped):
    """The dog once more, without the functions under test."""
    photo = listed()["dog"]
    picture, look = squashed(opened(FOLDER / photo.file)), caption.feature_extractor(shipped)
    best = caption.describe(shipped.module, shipped.vocab, look([picture])[0]).hypotheses[0]
    word = [shipped.vocab.tokens[token] for token in best.tokens].index("dog")
    order, total, hidden = sorted(range(49), key=lambda cell: -best.attention[word][cell]), 0.0, picture.copy()
    regions = 0
    while total < 0.5:
        row, column = divmod(order[regions], 7)
        hidden[row * 32 : row * 32 + 32, column * 32 : column * 32 + 32] = occlusion.GREY
        total, regions = total + float(best.attention[word][order[regions]]), regions + 1
    kept = answers(models.file_of("caption-soft-photographs.json"))["photographs"]["dog"]
    assert kept["regions"] == regions
    assert kept["pixels"] == caption.describe(shipped.module, shipped.vocab, look([hidden])[0]).text


def test_the_command_counts_training_captions_and_writes_the_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    save_tiny_captioner(tmp_path / "caption-soft.safetensors")
    collection(tmp_path / "flickr", 2, 1)
    code, out, _ = call(capsys, "measure", "caption-soft", "photographs", "--data", tmp_path / "flickr", "--json")
    measured = answers(tmp_path / "caption-soft-photographs.json")
    assert code == 0 and measured == json.loads(out) and (measured["pictures"], measured["captions"]) == (2, 10)
    said = [("A dog runs.", "Two dogs; a cat"), ("a hotdog",)]
    assert photographs.captions_with(said, photographs.forms("dogs")) == 2 == photographs.captions_with(said, photographs.forms("dog"))
    (tmp_path / "caption-soft-photographs.json").write_text('{"pictures": "many"}')
    assert answers(tmp_path / "caption-soft-photographs.json") is None and answers(tmp_path / "none.json") is None
