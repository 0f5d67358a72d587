"""Classifiers from a recipe to a checkpoint: losses by hand, trained, stopped, scored, the commands."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import metrics

import models
from models.corpora import DataError
from models.family import TrainingError
from models.names import FAMILY, augmentation, data, training
from models.names.data import VOCABULARY, Names
from models.names.experiments import scoring
from models.names.network import Classifier, after_each_letter, probabilities
from models.training import Recipe
from tests.models.command_line import call
from tests.models.names.test_network import tiny
from tests.models.names.tiny_names import invented
from tests.models.tiny import save_tiny

LOSS = {"letters": 0.3, "weighting": 0.5}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return invented(tmp_path / "lists")


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """One quick recipe, and checkpoints in a folder of their own."""
    about = {"corpus": "names", "arguments": {"cell": "gru", "units": 16, "dropout": 0.2}, "loss": LOSS}
    about["recipe"] = {"epochs": 12, "batch": 16, "learning_rate": 2e-2, "checks": 1}
    monkeypatch.setitem(FAMILY.recipes, "tiny", about)
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "checkpoints"))


def test_the_loss_agrees_with_one_written_by_hand(folder: Path):
    train, dev = data.read(folder).split()
    torch.manual_seed(0)
    module = Classifier(len(VOCABULARY), 3, "gru", 5).double().eval()
    made = training.job(module, train, dev, Recipe(1, batch=16), LOSS)
    batches = list(made.batches(0))
    assert len(batches) == made.updates == len(train) // 16
    ids, lengths, targets, weights = batches[3]
    sizes = np.bincount(train.targets)
    total = 0.0
    for row in range(16):
        assert sorted(targets[row].tolist()) == [0, 0, 1]
        logs = module(ids[row : row + 1, : lengths[row]])[0][0, :, targets[row].argmax()]
        assert weights[row] == pytest.approx((sizes.mean() / sizes[targets[row].argmax()]) ** 0.5, rel=1e-6)
        total += float(weights[row]) * float(0.7 * -logs[-1].detach() + 0.3 * -logs.mean().detach())
    assert made.loss(module, batches[3], None)[0].item() == pytest.approx(total / float(weights.sum()), rel=1e-6)
    expected = [
        -np.log(after_each_letter(models.Loaded("x", module, VOCABULARY, {}), t)[-1][y])
        for t, y in zip(dev.texts, dev.targets, strict=True)
    ]
    assert made.score(module) == pytest.approx(np.mean(expected), rel=1e-6)


def test_an_epoch_gives_every_name_once_with_its_language_in_a_new_order(folder: Path):
    train, dev = data.read(folder).split()
    made = training.job(Classifier(len(VOCABULARY), 3, "gru", 5), train, dev, Recipe(1, batch=4), LOSS)
    seen = []
    for ids, lengths, targets, _ in made.batches(1):
        rows = zip(ids, lengths.tolist(), targets.argmax(1).tolist(), strict=True)
        seen += [(VOCABULARY.decode(row[:n].tolist()), y) for row, n, y in rows]
        assert ids.shape[1] == lengths.max()
    known = list(zip(train.texts, train.targets.tolist(), strict=True))
    assert len(set(seen)) == len(seen) == len(train) // 4 * 4 and set(seen) <= set(known)
    first, again, other = ([b[0].tolist() for b in made.batches(epoch)] for epoch in (0, 0, 1))
    assert first == again != other


def test_recombined_names_are_new_begin_like_one_name_and_end_like_another(folder: Path):
    train, _ = data.read(folder).split()
    made = augmentation.recombined(train, 300, seed=3)
    assert made == augmentation.recombined(train, 300, seed=3) != augmentation.recombined(train, 300, seed=4)
    assert len(made) == 300 and not set(made) & set(train.texts) and not any(map(data.is_held_out, made))
    pairs = list(zip(train.texts, train.targets.tolist(), strict=True))
    heads = {(name[:at], y) for name, y in pairs for at in range(1, len(name))}
    tails = {(name[at:], y) for name, y in pairs for at in range(len(name))}  # with the letter of both in front
    for text in made:
        assert any((text[:at], y) in heads and (text[at - 1 :], y) in tails for at in range(1, len(text)) for y in range(3)), text
    few = Names(("A", "B"), ("abc", "bcd", "xyz"), np.array([0, 0, 1]), np.ones(3, int))
    assert len(augmentation.recombined(few, 40, seed=0)) < 40  # more than there are


def test_half_of_what_is_read_is_recombined_and_costs_the_cross_entropy_of_the_ngrams_answer(folder: Path):
    train, dev = data.read(folder).split()
    torch.manual_seed(0)
    module = Classifier(len(VOCABULARY), 3, "gru", 5).double().eval()
    texts, soft = augmentation.distillation_targets(train, 400, seed=1)
    made = training.job(module, train, dev, Recipe(1, batch=16), LOSS, (texts, soft))
    answers = dict(zip(texts, soft, strict=True))
    batch, *others = made.batches(0)
    sizes, total = np.bincount(train.targets), 0.0
    assert len(batch[0]) == 32 and made.updates == len(train) // 16
    read = [VOCABULARY.decode(row[:n].tolist()) for ids, lengths, *_ in (batch, *others) for row, n in zip(ids, lengths, strict=True)]
    assert sum(text in answers for text in read) == len({*read} & {*answers}) == len(read) / 2 == 16 * made.updates
    for ids, length, answer, weight in zip(*batch, strict=True):
        text = VOCABULARY.decode(ids[:length].tolist())
        if text in answers:
            np.testing.assert_allclose(answer, answers[text])
            assert weight == pytest.approx(float(answers[text] @ (sizes.mean() / sizes) ** 0.5), rel=1e-5)
        logs = (module(ids[None, :length])[0][0].detach().numpy() * answer.numpy()).sum(1)
        total += float(weight) * (0.7 * -logs[-1] + 0.3 * -logs.mean())
    assert made.loss(module, batch, None)[0].item() == pytest.approx(total / float(batch[3].sum()), rel=1e-5)


def trained(capsys, folder: Path, tmp_path: Path, *more: str):
    return call(capsys, "train", "tiny", "--data", folder, "--folder", tmp_path / "states", *more)


def test_a_trained_classifier_has_a_full_card_with_its_scores(folder: Path, tmp_path: Path, capsys):
    code, out, _ = trained(capsys, folder, tmp_path, "--json")
    loaded, source = models.load("tiny"), data.read(folder)
    card, (train, dev) = loaded.card, data.read(folder).split()
    assert code == 0 and json.loads(out)["macro_f1"] == card["scores"]["macro_f1"] > 0.85
    assert card["labels"] == ["Dutch", "Greek", "Polish"] and card["loss"] == LOSS and card["seed"] == 1
    assert card["parameters"] == sum(p.numel() for p in loaded.module.parameters()) and len(card["curve"]) >= 7
    p = probabilities(loaded, dev.texts)
    matrix = metrics.confusion_matrix(dev.targets, p.argmax(1))
    assert card["confusion"]["dev"] == matrix.tolist() and np.sum(card["confusion"]["train"]) == len(train)
    assert card["scores"]["accuracy"] == pytest.approx(np.trace(matrix) / len(dev))
    shared = np.zeros((3, 3), int)
    for text, true, answer in zip(dev.texts, dev.targets, p.argmax(1), strict=True):
        shared[true, answer] += source.labels[answer] in source.shared.get(text, ())
    assert card["confusion"]["dev_shared"] == shared.tolist() and shared.sum() >= 3
    rows = [(text, target) for text, target, times in zip(dev.texts, dev.targets, dev.times, strict=True) for _ in range(times)]
    again = scoring.scores(probabilities(loaded, [t for t, _ in rows]), np.array([y for _, y in rows]))
    assert card["scores"]["with_repetitions"] == pytest.approx(again, rel=1e-5) and again["names"] > len(dev)
    data_card = card["data"]
    assert data_card["sha256"] == source.sha256() and sum(data_card["dev_names"]) == len(dev) and data_card["shared_spellings"] == 3
    assert {"majority", "ngram_logistic", "ceiling", "train", "prior", "split"} <= card["scores"].keys()
    for row in card["examples"]:
        before, after = after_each_letter(loaded, row["name"])[-2:]
        assert row["name"] in dev.texts and row["change"] == pytest.approx(np.abs(after - before).sum() / 2, abs=1e-6)
        assert (row["before"], row["after"]) == (source.labels[before.argmax()], source.labels[after.argmax()])


def test_a_stopped_training_goes_on_and_a_second_packing_needs_no_ngrams(folder: Path, tmp_path: Path, capsys, monkeypatch):
    source, recipe = data.read(folder), FAMILY.recipes["tiny"]
    (whole,) = training.trainers("tiny", source, tmp_path / "whole.pt", epochs=2)
    whole.run()

    def stop(update: int, total: int) -> None:
        if update == 7:
            raise KeyboardInterrupt

    (part,) = training.trainers("tiny", source, tmp_path / "part.pt", epochs=2)
    with pytest.raises(KeyboardInterrupt):
        part.run(stop)
    part.save()
    (rest,) = training.trainers("tiny", source, tmp_path / "part.pt", epochs=2)
    assert rest.update == 7
    rest.run()
    assert all(torch.equal(rest.best[name], whole.best[name]) for name in whole.best)
    first = scoring.finish("tiny", tmp_path / "whole.pt", source, tmp_path / "checkpoints/tiny.safetensors")
    monkeypatch.setattr(scoring, "ngram_logistic", None)
    assert scoring.finish("tiny", tmp_path / "part.pt", source, tmp_path / "x.safetensors")["scores"] == first["scores"]
    with pytest.raises(TypeError):  # other names are counted anew
        scoring.finish("tiny", tmp_path / "part.pt", Names(source.labels, source.texts, source.targets, source.times + 1), tmp_path / "x")
    monkeypatch.setitem(FAMILY.recipes, "tiny", recipe | {"arguments": recipe["arguments"] | {"units": 4}})
    with pytest.raises(TrainingError, match="does not fit tiny and these names"):
        scoring.finish("tiny", tmp_path / "part.pt", source, tmp_path / "x.safetensors")
    with pytest.raises(TrainingError, match="cannot resume from"):
        next(iter(training.trainers("tiny", source, tmp_path / "part.pt")))


def test_too_few_names_are_refused(tmp_path: Path):
    (tmp_path / "A.txt").write_text("aa\n")
    (tmp_path / "B.txt").write_text("bb\n")
    with pytest.raises(TrainingError, match=r"expected at least one batch \(16\)"):
        next(iter(training.trainers("tiny", data.read(tmp_path), tmp_path / "x.pt")))


@pytest.fixture
def shipped(tmp_path: Path):
    loaded = tiny()
    models.checkpoint.save(loaded.module, loaded.card, tmp_path / "checkpoints/tiny.safetensors")
    return loaded


def test_evaluate_counts_every_row_and_lists_unknown_labels_separately(shipped, tmp_path: Path, capsys):
    rows = [("Pappas", "Greek"), ("Pappas", "Dutch"), ("Nowak", "Polish"), ("Nowak", "Polish"), ("Silva", "Portuguese")]
    (tmp_path / "rows.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in [*rows, ("17", "Greek")]))
    (tmp_path / "lists").mkdir()
    for label in {label for _, label in rows}:
        (tmp_path / f"lists/{label}.txt").write_text("".join(f"{text}\n" for text, other in rows if other == label))
    y, predicted = [1, 0, 2, 2], [int(probabilities(shipped, [text])[0].argmax()) for text, _ in rows[:4]]
    for source in ("rows.csv", "lists"):
        code, out, _ = call(capsys, "evaluate", "tiny", "--data", tmp_path / source, "--json")
        printed = json.loads(out)
        assert code == 0 and printed["names"] == 4 and printed["unknown_labels"] == {"Portuguese": 1}
        assert printed["rows_left_out"] == (1 if source == "rows.csv" else 0)
        assert printed["why_left_out"] == (["line 7: no letter that can be romanised."] if source == "rows.csv" else [])
        assert printed["accuracy"] == metrics.accuracy_score(y, predicted)
        assert printed["macro_recall"] == pytest.approx(metrics.balanced_accuracy_score(y, predicted))
        assert printed["macro_f1"] == pytest.approx(metrics.f1_score(y, predicted, labels=[0, 1, 2], average="macro", zero_division=0))
        assert 0 <= printed["calibration_error"] <= 1
    (tmp_path / "rows.csv").write_text("Silva,Portuguese\n")
    with pytest.raises(DataError, match=r"No row of .* has a label that is a class of tiny. Known: Dutch, Greek, Polish"):
        scoring.evaluate(shipped, tmp_path / "rows.csv")
    (tmp_path / "rows.csv").write_text("Greek,Pappas\nPolish,Nowak\n")
    code, out, err = call(capsys, "evaluate", "tiny", "--data", tmp_path / "rows.csv")
    assert code == 1 and not out and "The first column of" in err and "rows.csv holds labels: are the columns swapped?" in err


def give(monkeypatch, content: bytes) -> None:
    """What stands on stdin."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_classify_reads_names_on_stdin(shipped, capsys, monkeypatch):
    given = "Παππάς\n17\n\nvan der Berg\n"
    give(monkeypatch, given.encode())
    code, out, err = call(capsys, "classify", "tiny")
    rows = [line.split("\t") for line in out.splitlines()]
    expected = probabilities(shipped, ["Παππάς", "van der Berg"])
    assert code == 0 and [row[0] for row in rows] == ["Παππάς", "van der Berg"] and "Line 2, '17', has no letter" in err
    for row, p in zip(rows, expected, strict=True):
        assert row[1] == shipped.card["labels"][p.argmax()] and float(row[2]) == pytest.approx(p.max(), abs=1e-4)
    give(monkeypatch, b"\xef\xbb\xbf" + given.replace("\n", "\r\n").encode())  # as a Windows editor writes it
    answers = json.loads(call(capsys, "classify", "tiny", "--json")[1])["names"]
    assert [answer["read"] for answer in answers] == ["pappas", "van der berg"]
    for answer, p in zip(answers, expected, strict=True):
        assert list(answer["probabilities"].values()) == pytest.approx(p.tolist(), abs=1e-6)
        assert answer["probability"] == max(answer["probabilities"].values()) == answer["probabilities"][answer["language"]]
    assert [answer["name"] for answer in answers] == ["Παππάς", "van der Berg"]
    give(monkeypatch, b"\n")
    assert call(capsys, "classify", "tiny")[:2] == (0, "")
    give(monkeypatch, "Silva\n".encode("utf-16"))
    code, out, err = call(capsys, "classify", "tiny", "--json")
    assert code == 1 and out == "" and "stdin is not UTF-8 text (byte 0 is 0xff). Convert it first." in err


# Too short for a sure guess: in each file a letter that another encoding of the same bytes has as another letter.
SHORT = {
    "cp1254": ("Pappas;Greek\nYıldız;Çeşitli\n", "Çeşitli"),
    "cp1250": ("Pappas;Greek\nDvořák;Čeština\n", "Čeština"),
    "gb18030": ("Pappas;Greek\nWang;汉语\n", "汉语"),
    "big5": ("Pappas;Greek\nWang;漢語\n", "漢語"),
}


@pytest.mark.parametrize("encoding", SHORT)
def test_the_encoding_of_a_short_table_is_said_and_can_be_named(encoding: str, shipped, tmp_path: Path, capsys):
    text, label = SHORT[encoding]
    (tmp_path / "rows.csv").write_bytes(text.encode(encoding))
    code, out, _ = call(capsys, "evaluate", "tiny", "--data", tmp_path / "rows.csv", "--encoding", encoding, "--json")
    printed = json.loads(out)
    assert code == 0 and printed["unknown_labels"] == {label: 1} and not printed["notes"]
    code, out, _ = call(capsys, "evaluate", "tiny", "--data", tmp_path / "rows.csv", "--json")
    (note,) = json.loads(out)["notes"]
    assert code == 0 and note.startswith("The file is not UTF-8 and was read as ") and "choose another encoding" in note
    code, _, err = call(capsys, "evaluate", "tiny", "--data", tmp_path / "rows.csv", "--encoding", "klingon")
    assert code == 2 and "'klingon' is not known; expected one of cp1252" in " ".join(err.replace("│", " ").split())


def test_a_network_of_another_kind_cannot_classify(tmp_path: Path, capsys):
    save_tiny(tmp_path / "checkpoints/letters.safetensors")
    code, out, err = call(capsys, "classify", "letters")
    assert code == 1 and out == "" and "letters is of kind 'char_lm'; expected a classifier" in err


def test_list_shows_the_scores(folder: Path, tmp_path: Path, capsys):
    trained(capsys, folder, tmp_path, "--epochs", "1")
    assert "accuracy" in call(capsys, "list")[1] and "macro F1 " in call(capsys, "list")[1]


def test_every_recipe_can_be_built():
    assert {"names-rnn", "names-lstm", "names-gru", "names18-gru"} <= FAMILY.recipes.keys()
    for about in FAMILY.recipes.values():
        assert about["corpus"] in FAMILY.corpora and 0 < about["loss"]["letters"] < 1 and Recipe(**about["recipe"]).epochs > 0
        with torch.device("meta"):
            Classifier(len(VOCABULARY), 21, **about["arguments"])
