"""Translation from a recipe to a checkpoint, and its commands: trained, stopped, packed, scored, compared, used."""

import io
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import models
from models.decoding import Search
from models.family import TrainingError
from models.training import Recipe
from models.translation import FAMILY, data, training
from models.translation import examples as translation_examples
from models.translation.network import Seq2Seq
from models.translation.training import examples_of, job, like_lengths
from models.translation.translate import GREEDY, by_words, translate, translate_all
from models.vocabulary.subwords import END, START
from tests.models.command_line import call
from tests.models.translation.tiny_translation import save_tiny_translator, sentences, tiny_translator, vocabulary

PAIRS = sentences(700)
TINY = {
    "corpus": "tatoeba",
    "direction": "en-fr",
    "arguments": {"attention": "additive", "units": 64, "embedding": 32, "width": 32, "dropout": 0.05},
    "smoothing": 0.05,
    "recipe": {"epochs": 5, "batch": 8, "learning_rate": 5e-3, "checks": 1},
}


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """Quick recipes, and folders of their own."""
    monkeypatch.setitem(FAMILY.recipes, "tiny", TINY)
    monkeypatch.setattr(training, "VOCABULARY", 400)
    monkeypatch.setattr(translation_examples, "COUNT", 3)
    monkeypatch.setattr(data, "QUOTAS", (40, 40, 0, 0, 0))
    monkeypatch.setattr(data.split, "__defaults__", ((40, 40, 0, 0, 0),))
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "checkpoints"))
    (tmp_path / "pairs.tsv").write_text("".join(f"{english}\t{french}\n" for english, french in PAIRS))


def train(capsys, tmp_path, state: str, *more: str, name: str = "tiny"):
    return call(capsys, "train", name, "--data", tmp_path / "pairs.tsv", "--folder", tmp_path / state, "--json", *more)


def give(monkeypatch, text: str | bytes) -> None:
    """What stands on stdin."""
    content = text.encode() if isinstance(text, str) else text
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_a_word_for_word_language_is_learnt_and_its_scores_are_in_the_card(tmp_path, capsys, monkeypatch):
    code, out, _ = train(capsys, tmp_path, "states")
    scores = json.loads(out)
    assert code == 0 and scores["bleu"] > 90 and scores["exact_match"] > 0.8
    card = models.available()["tiny"]
    assert {"direction", "merges", "data", "recipe", "seed", "commit", "parameters", "curve", "scores"} <= card.keys()
    assert card["recipe"]["smoothing"] == 0.05 and card["data"]["train_pairs"] + card["data"]["dev_pairs"] == len(PAIRS)
    assert card["curve"][-1]["bleu"] > 80 > card["curve"][0]["bleu"] and card["curve"][-1]["train"] < card["curve"][0]["train"]
    card_scores = card["scores"]
    by_length = card_scores["bleu_by_length"]
    assert set(by_length) == {"1-5", "6-8"} and sum(row["sentences"] for row in by_length.values()) == 80
    assert card_scores["one_reference"]["sentences"] == card["data"]["dev_pairs"]
    assert card_scores["far_from_training"]["sentences"] < card_scores["sentences"] == 80
    loaded = models.load("tiny")
    give(monkeypatch, "the cat sees two dog.\n\n\u00a0 the  blue cat.\nJunk 東京 <b>&\n\n")
    code, out, err = call(capsys, "translate", "tiny")
    assert code == 0 and out.split("\n")[:3] == ["le chat voit deux chien .", "", "le bleu chat ."] and out.count("\n") == 5
    assert "translating" in err
    dev = data.split(PAIRS).dev
    assert share_of_links_that_are_right(loaded, [source for source, _ in dev]) > 0.75
    (tmp_path / "dev.tsv").write_text("".join(f"{english}\t{french}\tsomeone\n" for english, french in dev))
    code, out, _ = call(capsys, "evaluate", "tiny", "--data", tmp_path / "dev.tsv", "--json")
    printed = json.loads(out)
    assert {"bleu", "chrf", "signature", "sentences", "bleu_by_length"} <= printed.keys()
    assert {key: printed[key] for key in printed} == {key: card_scores[key] for key in printed}
    assert call(capsys, "list")[1].startswith(f"tiny: {card['parameters']:,} parameters, BLEU {card_scores['bleu']:.1f} on dev")


def share_of_links_that_are_right(loaded, sources: list[str]) -> float:
    """For a word-for-word language: how often target word i looks most at source word i."""
    right = []
    for translation in translate_all(loaded.module, loaded.vocab, sources, GREEDY):
        best = translation.hypotheses[0]
        source, _, weights = by_words(loaded.vocab, translation.source, best.tokens, best.attention)
        right += [row == column for row, column in enumerate(weights.argmax(1)[: len(source) - 1])]
    return float(np.mean(right))


def stopped(monkeypatch, updates: int):
    """Training that gets Ctrl-C after some updates of this run."""
    import signal

    plain, count = training.Trainer._step, []

    def step(self, batch):
        count.append(1)
        if len(count) == updates:
            signal.raise_signal(signal.SIGINT)
        return plain(self, batch)

    monkeypatch.setattr(training.Trainer, "_step", step)


def test_a_stopped_training_goes_on_and_ends_the_same(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(FAMILY.recipes, "tiny", TINY | {"recipe": TINY["recipe"] | {"epochs": 1}})
    assert train(capsys, tmp_path, "whole")[0] == 0
    whole = models.load("tiny")
    with monkeypatch.context() as patch:
        stopped(patch, 50)
        code, out, err = train(capsys, tmp_path, "parts")
        assert code == 130 and out == "" and "Stopped after 50 of" in err
    learn = training.Subwords.learn
    monkeypatch.setattr(training.Subwords, "learn", None)  # the vocabulary lies beside the state
    assert train(capsys, tmp_path, "parts")[0] == 0
    monkeypatch.setattr(training.Subwords, "learn", learn)
    for name, tensor in models.load("tiny").module.state_dict().items():
        assert torch.equal(tensor, whole.module.state_dict()[name]), name
    code, out, _ = call(capsys, "pack", "tiny", tmp_path / "parts/tiny.pt", "--data", tmp_path / "pairs.tsv", "--json")
    assert code == 0 and models.available()["tiny"]["scores"] == whole.card["scores"]
    (tmp_path / "parts/tiny.pieces.json").write_text("{}")
    code, _, err = train(capsys, tmp_path, "parts")
    assert code == 1 and "tiny.pieces.json is not a valid vocabulary (It lists no vocabulary.). Delete it and tiny.pt" in err


def test_a_state_of_another_network_is_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(FAMILY.recipes, "tiny", TINY | {"recipe": TINY["recipe"] | {"epochs": 0.1}})
    train(capsys, tmp_path, "states")
    assert "another recipe" in train(capsys, tmp_path, "states", "--epochs", "2")[2]
    monkeypatch.setitem(FAMILY.recipes, "tiny", FAMILY.recipes["tiny"] | {"arguments": TINY["arguments"] | {"attention": "none"}})
    assert "cannot resume from" in train(capsys, tmp_path, "states")[2]
    with pytest.raises(TrainingError, match="does not fit tiny"):
        training.finish("tiny", tmp_path / "states/tiny.pt", PAIRS, tmp_path / "x.safetensors")


def test_the_loss_is_smoothed_cross_entropy_per_piece_under_teacher_forcing():
    loaded = tiny_translator()
    batch = examples_of(loaded.vocab, PAIRS[:3])
    module = loaded.module.eval()
    made = job(module, batch, lambda module: 0.0, Recipe(1, batch=3), 0.1)
    loss, carry = made.loss(module, batch, None)
    costs = []
    for source, target in batch:
        logits = module(torch.tensor([source]), torch.tensor([[START, *target[:-1]]]))[0].log_softmax(-1)
        costs += [0.9 * logits[at, token] + 0.1 * logits[at].mean() for at, token in enumerate(target)]
    assert loss.item() == pytest.approx(-sum(costs).item() / len(costs), rel=1e-5) and carry is None
    assert made.updates == 1


def test_batches_hold_each_pair_once_and_like_lengths_together():
    examples = [([index + 3] * (index % 7 + 1), [9] * (index % 5 + 1)) for index in range(100)]
    first, again, other = (list(like_lengths(examples, 8, seed)) for seed in (1, 1, 2))
    assert first == again != other and len(first) == 13
    assert sorted(pair for batch in first for pair in batch) == sorted(examples)
    assert sum(len({len(source) for source, _ in batch}) > 1 for batch in first) <= 6  # only at the border between two lengths
    assert [len(batch[0][0]) for batch in first] != sorted(len(batch[0][0]) for batch in first)


def test_examples_end_with_their_mark():
    pieces = vocabulary()
    (source, target), *_ = examples_of(pieces, [("the cat.", "le chat .")])
    assert source == [*pieces.encode("the cat."), END] and target == [*pieces.encode("le chat ."), END]


def test_dev_score_is_minus_bleu_of_greedy_translations(monkeypatch):
    loaded = tiny_translator(seed=1)
    references = data.grouped(PAIRS[:40])
    own = {source: [translate(loaded.module, loaded.vocab, source, GREEDY).text] for source in references}
    assert training.dev_score(loaded.vocab, own)(loaded.module) < -50 < training.dev_score(loaded.vocab, references)(loaded.module)
    # By hand: 10 of 11, 7 of 9, 5 of 7 and 3 of 5 of the 1- to 4-grams match; no sentence is too short.
    outputs = {"a": "there is a cat on a mat", "b": "go away now please"}
    wanted = {"a": ["the cat is on the mat", "there is a cat on the mat"], "b": ["go away now please"]}
    with monkeypatch.context() as patch:
        patch.setattr(training, "translate_all", lambda *given: [SimpleNamespace(text=outputs[source]) for source in given[2]])
        score = training.dev_score(loaded.vocab, wanted)(loaded.module)
    assert score == pytest.approx(-100 * (10 / 11 * 7 / 9 * 5 / 7 * 3 / 5) ** 0.25)
    monkeypatch.setattr(training, "LISTENED", 10)
    asked = []
    monkeypatch.setattr(training, "translate_all", lambda module, pieces, sources, search: asked.extend(sources) or [])
    with pytest.raises(Exception):  # noqa: B017  (no translation fits no reference)
        training.dev_score(loaded.vocab, references)(loaded.module)
    assert asked == list(references)[::4]


def test_json_lines_hold_the_alignment(tmp_path, capsys, monkeypatch):
    for attention in ("additive", "none"):
        loaded = save_tiny_translator(tmp_path / "checkpoints/tiny.safetensors", attention=attention)
        give(monkeypatch, "the red cat.\r\n\nzz")
        code, out, _ = call(capsys, "translate", "tiny", "--json", "--beam", "3")
        first, empty, last = map(json.loads, out.splitlines())
        assert code == 0 and empty == {"source": "", "translation": ""} and last["source"] == "zz"
        whole = translate(loaded.module, loaded.vocab, "the red cat.", Search(3))
        assert first["translation"] == whole.text and first["score"] == pytest.approx(whole.hypotheses[0].score, abs=1e-5)
        assert first["pieces"]["target"] == [loaded.vocab.tokens[n] for n in whole.hypotheses[0].tokens]
        if attention == "none":
            assert "words" not in first and "weights" not in first["pieces"]
            continue
        assert first["words"]["source"] == ["the", "red", "cat", ".", "</s>"]
        weights = np.array(first["words"]["weights"])
        assert weights.shape == (len(first["words"]["target"]), 5)
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)
        np.testing.assert_allclose(first["pieces"]["weights"], whole.hypotheses[0].attention, atol=1e-5)


def test_networks_are_compared_and_the_result_is_in_the_cards_of_the_others(tmp_path, capsys):
    for seed, name in enumerate(("a", "b")):
        loaded = tiny_translator(seed=seed)
        models.checkpoint.save(loaded.module, loaded.card, tmp_path / f"checkpoints/{name}.safetensors")
    code, out, _ = call(capsys, "compare", "a", "b", "--data", tmp_path / "pairs.tsv", "--json")
    printed = json.loads(out)
    assert code == 0 and list(printed) == ["all", "1-5", "6-8"] and list(printed["all"]) == ["a", "b"]
    assert (
        {"against": "a"} | printed == models.available()["b"]["paired"]
        and printed["all"]["a"]["p"] is None
        and 0 <= printed["1-5"]["b"]["p"] <= 1
    )
    out = call(capsys, "compare", "a", "b", "--data", tmp_path / "pairs.tsv")[1]
    assert json.loads(out.splitlines()[0].removeprefix("all: ")) == printed["all"]
    loaded = tiny_translator()
    models.checkpoint.save(loaded.module, loaded.card | {"direction": "fr-en"}, tmp_path / "checkpoints/c.safetensors")
    code, _, err = call(capsys, "compare", "a", "c", "--data", tmp_path / "pairs.tsv")
    assert code == 1 and "translate en-fr and fr-en; expected one direction" in err


def test_where_every_dev_sentence_has_a_twin_in_training_no_score_is_far_from_training():
    few = tuple(PAIRS[:20])
    scores = training.card_scores(tiny_translator(), data.Split(train=few, dev=few), lambda done, total: None)
    assert "far_from_training" not in scores and scores["one_reference"]["sentences"] == len(few)


def test_a_network_of_the_other_direction_reads_the_other_language(tmp_path):
    loaded = tiny_translator()
    loaded.card["direction"] = "fr-en"
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "translations", lambda loaded, sources, search, report: asked.extend(sources) or ["x"] * len(sources))
        training.evaluate(loaded, tmp_path / "pairs.tsv")
    assert asked == [french for _, french in PAIRS]


@pytest.mark.parametrize(
    ("arguments", "stdin", "sentence"),
    [
        (["translate", "nothing"], "", "No checkpoint is called 'nothing'."),
        (["translate", "tiny"], b"abc\xff", "stdin is not UTF-8 text (byte 3 is 0xff)."),
        (["translate", "letters"], "", "letters is of kind char_lm; expected seq2seq. Available: tiny."),
        (["generate", "tiny"], "", "tiny is of kind seq2seq; expected char_lm. Available: letters."),
        (
            ["evaluate", "tiny", "--data", "WRONG"],
            "",
            "wrong.tsv holds no pairs; expected lines of English, a tab, French. Line 1: it does not hold",
        ),
        (
            ["train", "tiny", "--data", "WRONG"],
            "",
            "wrong.tsv holds no pairs; expected lines of English, a tab, French. Line 1: it does not hold",
        ),
        (["pack", "tiny", "no.pt", "--data", "PAIRS"], "", "no.pt does not exist."),
    ],
)
def test_a_failure_is_a_sentence_on_stderr(tmp_path, capsys, monkeypatch, arguments: list[str], stdin, sentence: str):
    from tests.models.tiny import save_tiny

    save_tiny_translator(tmp_path / "checkpoints/tiny.safetensors")
    save_tiny(tmp_path / "checkpoints/letters.safetensors")
    (tmp_path / "wrong.tsv").write_text("no tab\n")
    monkeypatch.chdir(tmp_path)  # packing writes a vocabulary beside its state
    paths = {"WRONG": tmp_path / "wrong.tsv", "PAIRS": tmp_path / "pairs.tsv"}
    give(monkeypatch, stdin)
    code, out, err = call(capsys, *(paths.get(argument, argument) for argument in arguments))
    assert code == 1 and out == "" and sentence in err and "Traceback" not in err


def test_the_recipes_differ_in_nothing_but_attention_and_direction():
    shipped = {name: about for name, about in FAMILY.recipes.items() if name not in ("tiny", "en-fr-fake")}
    assert set(shipped) == {"en-fr-none", "en-fr-additive", "en-fr-bilinear", "en-fr-uniform", "fr-en-additive"}
    common = set()
    for name, about in shipped.items():
        assert name == f"{about['direction']}-{about['arguments']['attention']}"
        rest = {key: value for key, value in about["arguments"].items() if key != "attention"}
        common.add(json.dumps([rest, about["recipe"], about["smoothing"], about["corpus"]], sort_keys=True))
        with torch.device("meta"):
            Seq2Seq(4_000, **about["arguments"])
        assert Recipe(**about["recipe"]).epochs > 0
    assert len(common) == 1 and FAMILY.network == "models.translation.network:Seq2Seq"
