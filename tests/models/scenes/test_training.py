"""The captioner of drawn scenes: what each region sees, trained, stopped, packed, used from the command line."""

import json

import numpy as np
import pytest
import torch

import models
from models.captioning import caption, training
from models.family import TrainingError
from models.scenes import FAMILY, data, examples
from models.scenes import training as scenes_training
from models.scenes.data import DEV, scene
from models.scenes.network import SceneCaptioner
from models.scenes.training import drawn, said_of, vocabulary
from models.training import kept_state as training_state
from models.vocabulary.subwords import START
from tests.models.captioning.tiny_captions import collection
from tests.models.command_line import call, stopped

TINY = {
    "corpus": "scenes",
    "arguments": {"attention": "soft", "units": 40, "embedding": 12, "width": 8},
    "loss": {"smoothing": 0.0, "coverage": 0.0},
    "recipe": {"epochs": 3, "batch": 4, "learning_rate": 5e-3, "checks": 1},
}


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """Quick recipes, and folders of their own."""
    monkeypatch.setitem(FAMILY.recipes, "tiny", TINY)
    for name, value in (("UPDATES", 4), ("LISTENED", 6), ("SCORED", 12)):
        monkeypatch.setattr(scenes_training, name, value)
    monkeypatch.setattr(examples, "SEARCHED", 3)
    monkeypatch.setattr(training.scored, "__defaults__", (20,))
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "checkpoints"))


def train(capsys, tmp_path, state: str, *more: str):
    return call(capsys, "train", "tiny", "--folder", tmp_path / state, "--json", *more)


def test_a_region_sees_31_of_112_pixels_around_its_centre():
    torch.manual_seed(0)
    module = SceneCaptioner(len(vocabulary()), units=36, embedding=6, width=4).eval()
    picture = torch.randint(0, 256, (1, 224, 224, 3)).float().requires_grad_()
    module.look(picture)[0, 5 * 14 + 8, :-28].sum().backward()  # row 5, column 8
    rows, columns = (np.flatnonzero(picture.grad[0].abs().sum((2, axis))) for axis in (1, 0))
    for seen, index in ((rows, 5), (columns, 8)):
        assert seen[-1] - seen[0] + 1 == 2 * 31  # a pixel of 112 is two of 224
        assert abs((seen[0] + seen[-1]) / 2 - (index + 0.5) * 16) < 16  # around its centre
    positions = module.look(picture.detach())[0, :, -28:].view(14, 14, 28)
    assert all(positions[row, column].nonzero()[:, 0].tolist() == [row, 14 + column] for row in range(14) for column in range(14))


def test_the_attended_vector_holds_its_row_and_column():
    """z_t ends with the row and the column of its weights, times the visual gate, whatever the picture shows."""
    torch.manual_seed(0)
    module = SceneCaptioner(len(vocabulary()), units=36, embedding=6, width=4).eval()
    with torch.inference_mode():
        memory = module.encode(module.look(drawn(range(1))[1]))
        weights = torch.zeros(1, 196)
        weights[0, 5 * 14 + 8] = 1.0
        seen: list[torch.Tensor] = []
        module.visual_gate.register_forward_hook(lambda tap, given, gate: seen.append(gate))
        module.decoder.register_forward_hook(lambda cell, given, out: seen.append(given[0]))
        module.step(memory, module.start(memory), torch.tensor([START]), weights)
        gate, where = seen[0].item(), seen[1][0, -28:]
    assert where.nonzero()[:, 0].tolist() == [5, 14 + 8]
    assert where[where > 0].tolist() == pytest.approx([gate, gate])
    forget = SceneCaptioner(len(vocabulary()), units=400).decoder.bias_ih[400:800]
    assert forget.mean().item() == pytest.approx(1, abs=0.02)
    with pytest.raises(ValueError, match="expected more than 28"):
        SceneCaptioner(len(vocabulary()), units=28)


def test_untrained_features_distinguish_figures_from_background():
    """With torch's default initialisation the features vary by 0.01 over a scene, and after 2,500 updates no figure was named."""
    torch.manual_seed(0)
    module = SceneCaptioner(len(vocabulary()), units=36, embedding=6, width=4)
    _, pictures = drawn(range(8))
    with torch.inference_mode():
        values = module.look(pictures)[..., :-28]
    assert values.std(1).mean() > 0.1


def test_every_word_of_every_scene_is_known():
    words = vocabulary()
    for index in range(100):
        for statement in data.captions(scene(index)):
            assert words.decode(words.encode(statement.text)) == statement.text
    assert len(said_of(scene(3), 3)) == 4 and said_of(scene(3), 3) == said_of(scene(3), 3)


def test_words_are_matched_with_the_things_in_the_scene():
    shown = data.Scene((0, 0, 0), (data.Thing("ring", "red", 0.2, 0.2, 0.2), data.Thing("star", "blue", 0.8, 0.8, 0.2)))
    words = ["a", "red", "ring", "left", "of", "a", "red", "star", "at", "a", "blue", "star"]
    assert data.named_things(shown, words) == (None, 0, 0, None, None, None, None, None, None, None, 1, 1)


def test_a_training_is_packed_scored_and_used(tmp_path, capsys):
    code, out, _ = train(capsys, tmp_path, "states")
    printed = json.loads(out)
    assert code == 0 and printed["scenes"] == 12 and 0 <= printed["true_captions"] <= 1
    card = models.available()["tiny"]
    assert card["curve"][-1]["dev"] < card["curve"][0]["dev"] and card["data"]["corpus"] == "scenes"
    assert len(card["data"]["sha256"]) == 64
    assert set(card["scores"]["pointing"]["all"]) == {"n", "attention", "centre", "brightest", "another_word", "another_picture"}
    loaded = models.load("tiny")
    assert card["examples"] == examples.occlusion_examples(loaded)
    expected = loaded.module.look(drawn(range(12))[1]).mean(0)
    torch.testing.assert_close(loaded.module.average, expected, atol=5e-3, rtol=5e-3)
    assert caption.grid(loaded) == (14, 14)
    data.picture(scene(DEV)).save(tmp_path / "a.png")
    code, out, _ = call(capsys, "caption", "tiny", tmp_path / "a.png", "--json", "--beam", "1")
    first = json.loads(out)
    assert code == 0 and set(first["caption"].split()) <= set(loaded.vocab.tokens) and len(first["attention"][0]) == 196
    collection(tmp_path / "flickr", 2, 1)
    code, out, _ = call(capsys, "evaluate", "tiny", "--data", tmp_path / "flickr", "--json", "--beam", "1")
    assert code == 0 and json.loads(out)["images"] == 3
    assert "of captions true on dev" in call(capsys, "list")[1]


def test_a_stopped_training_goes_on_and_ends_the_same(tmp_path, capsys, monkeypatch):
    assert train(capsys, tmp_path, "whole")[0] == 0
    whole = models.load("tiny").module.state_dict()
    with monkeypatch.context() as patch:
        stopped(patch, scenes_training.Trainer, "_step", 6)
        assert train(capsys, tmp_path, "parts")[0] == 130
    assert train(capsys, tmp_path, "parts")[0] == 0
    for name, tensor in models.load("tiny").module.state_dict().items():
        assert torch.equal(tensor, whole[name]), name
    monkeypatch.setitem(FAMILY.recipes, "tiny", TINY | {"arguments": TINY["arguments"] | {"units": 36}})
    assert "cannot resume from" in train(capsys, tmp_path, "parts")[2]
    with pytest.raises(TrainingError, match="does not fit tiny"):
        scenes_training.finish("tiny", tmp_path / "parts/tiny.pt", None, tmp_path / "x.safetensors")


def test_a_second_stage_goes_on_from_the_first_with_pictures_as_they_are_shown(tmp_path, capsys, monkeypatch):
    seen = []
    draw = scenes_training.drawn
    monkeypatch.setattr(scenes_training, "drawn", lambda numbers, is_flat=False: seen.append(is_flat) or draw(numbers, is_flat))
    monkeypatch.setitem(FAMILY.recipes, "tiny", TINY | {"then": TINY["recipe"] | {"epochs": 1, "seed": 9}})
    assert train(capsys, tmp_path, "states")[0] == 0
    assert seen == sorted(seen, reverse=True) and {True, False} == set(seen)  # flat ones first
    card = models.available()["tiny"]
    assert [row["stage"] for row in card["curve"]] == [1, 1, 1, 2] and card["recipe"]["then"]["seed"] == card["seed"] == 9
    flat = training_state(tmp_path / "states/tiny-flat.pt")
    assert any(not torch.equal(flat["best"][key], kept) for key, kept in training_state(tmp_path / "states/tiny.pt")["best"].items())


def test_no_scene_comes_twice_and_seeds_differ():
    from models.training import Recipe

    words = vocabulary()
    made = [scenes_training.job(None, words, lambda module: 0.0, Recipe(3, batch=4, seed=seed), {}) for seed in (1, 2)]
    indices = [index for one in made for epoch in range(3) for batch in one.batches(epoch) for index in batch]
    assert len(indices) == 2 * 3 * 4 * 4 == len(set(indices)) and max(indices) < DEV
    assert list(made[0].batches(1)) == list(made[0].batches(1))


def test_a_perfect_captioner_gets_perfect_scores(monkeypatch):
    """With captions that are true and maps that point, every score is 1."""
    loaded = models.Loaded("x", SceneCaptioner(len(vocabulary()), units=36, embedding=6, width=4).eval(), vocabulary(), {})
    scenes = iter(drawn(range(DEV, DEV + 12))[0])

    class Best:
        def __init__(self, statement, shown):
            maps = []
            for index in statement.things:
                x, y = (shown.things[index].x, shown.things[index].y) if index is not None else (0.0, 0.0)
                maps.append(np.eye(196)[int(y * 14) * 14 + int(x * 14)])
            self.attention = np.stack([*maps, maps[0]])  # the end mark's too

    def perfect(module, words, parts, search):
        answers = []
        for _ in range(len(parts[0])):
            shown = next(scenes)
            statement = data.captions(shown)[0]
            answers.append(caption.Caption(statement.text, (Best(statement, shown),)))
        return answers

    monkeypatch.setattr(scenes_training, "describe_all", perfect)
    scores = scenes_training.card_scores(loaded, lambda done, total: None)
    assert scores["true_captions"] == scores["named_right"] == scores["pointing"]["all"]["attention"] == 1
    assert scores["pointing"]["all"]["n"] >= 12 and scores["pointing"]["all"]["another_word"] < 0.6


def test_other_data_is_refused(tmp_path, capsys):
    code, _, err = call(capsys, "train", "tiny", "--data", tmp_path, "--folder", tmp_path)
    assert code == 1 and "expected none, because scenes are generated. Omit --data." in err
