"""What the cards of the shipped classifiers claim, on the checkpoints themselves and the names that every machine has."""

import numpy as np
import pytest
from sklearn import metrics

import models
from models.names import data
from models.names.baselines import by_stem
from models.names.network import after_each_letter, probabilities
from models.names.romanise import spelling

SHIPPED = [name for name, card in models.available().items() if card["kind"] == "classifier" and card["data"]["corpus"] == "names"]


@pytest.fixture(scope="module")
def lists():
    return data.surnames()


@pytest.fixture(scope="module")
def dev(lists):
    return lists.split()[1]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_opening_name_is_held_out_and_its_last_letter_changes_the_answer_more_than_any_others(name: str, lists, dev):
    loaded = models.load(name)
    rows, labels = loaded.card["examples"], loaded.card["labels"]
    assert all(data.is_held_out(row["name"]) and row["name"] not in lists.shared for row in rows)
    changes = []
    for row in rows:
        before, after = after_each_letter(loaded, row["name"])[-2:]
        changes.append(float(np.abs(after - before).sum() / 2))
        assert changes[-1] == pytest.approx(row["change"], abs=1e-3)
        assert (labels[before.argmax()], labels[after.argmax()]) == (row["before"], row["after"]) and row["before"] != row["after"]
        assert (row["name"], row["after"]) in zip(dev.texts, (labels[target] for target in dev.targets), strict=True)
    assert changes == sorted(changes, reverse=True)
    # No other held-out name beats the first: its change is at most what a batch of whole names and of their beginnings says.
    longer = [index for index, text in enumerate(dev.texts) if len(text) >= 4 and spelling(text[:-1]) == text[:-1]]
    texts = [dev.texts[index] for index in longer]
    after, before = probabilities(loaded, texts), probabilities(loaded, [text[:-1] for text in texts])
    turns = (after.argmax(1) == dev.targets[longer]) & (before.argmax(1) != after.argmax(1))
    turns &= np.array([dev.texts.count(text) == 1 for text in texts], bool)
    assert (np.abs(after - before).sum(1) / 2)[turns].max() <= rows[0]["change"] + 1e-3


@pytest.mark.parametrize("name", SHIPPED)
def test_the_scores_of_the_card_are_those_of_scikit_learn_on_the_shipped_weights(name: str, lists, dev):
    loaded = models.load(name)
    card, p = loaded.card, probabilities(loaded, dev.texts)
    assert card["data"]["sha256"] == lists.sha256()
    predicted = p.argmax(1)
    wanted = metrics.confusion_matrix(dev.targets, predicted, labels=range(len(card["labels"])))
    assert np.abs(wanted - np.array(card["confusion"]["dev"])).sum() <= 4  # another processor rounds a tie the other way
    assert card["scores"]["macro_f1"] == pytest.approx(metrics.f1_score(dev.targets, predicted, average="macro"), abs=2e-3)
    assert card["scores"]["nats_per_name"] == pytest.approx(
        metrics.log_loss(dev.targets, p / p.sum(1, dtype=float, keepdims=True), labels=range(p.shape[1])), abs=1e-3
    )
    stem = by_stem(predicted, lists.split()[0], dev)
    assert card["scores"]["by_stem"]["known"]["names"] == stem["known"]["names"] > 500
    assert card["scores"]["by_stem"]["new"]["accuracy"] == pytest.approx(stem["new"]["accuracy"], abs=2e-3)
