"""Answers to rows: unknown labels, spellings that belong to several classes, and names that were trained on."""

import numpy as np

from models.names.answers import answers_to_rows, answers_to_split
from models.names.experiments import confusions, confusions_of_card, rows_of, trace
from models.names.network import probabilities
from models.names.romanise import spelling
from models.names.table import Labelled
from tests.models.names.tiny_names import source, tiny_namer


def test_rows_with_unknown_labels_are_counted_separately():
    loaded = tiny_namer()
    answers = answers_to_rows(loaded, Labelled(("Nowak", "Smith", "Nowak", "Pappas"), ("POLISH", "Klingon", "Polish", "Klingon")))
    assert answers.texts == ("Nowak", "Nowak") and answers.unknown == {"Klingon": 2} and answers.learnt is None
    np.testing.assert_array_equal(answers.probabilities[0], answers.probabilities[1])
    assert answers.predicted.tolist() == [int(probabilities(loaded, ["Nowak"])[0].argmax())] * 2


def test_no_row_gives_no_answer():
    answers = answers_to_rows(tiny_namer(), Labelled(("Smith",), ("Klingon",)))
    assert answers.texts == () and answers.predicted.tolist() == [] and answers.shared.tolist() == []


def test_names_in_the_training_data_are_marked_where_the_collection_is_present():
    train, dev = source().split()
    rows = Labelled((train.texts[0], dev.texts[0]), (train.labels[train.targets[0]], dev.labels[dev.targets[0]]))
    answers = answers_to_rows(tiny_namer(), rows, source())
    assert answers.learnt is not None and answers.learnt.tolist() == [True, False]


def test_confusions_of_a_split_count_every_name_of_it():
    loaded, dev = tiny_namer(), source().split()[1]
    answers = answers_to_split(loaded, source(), True)
    counted = confusions(loaded.card["labels"], answers)
    assert counted.matrix.counts.sum() == len(dev.texts) == len(answers.texts)
    assert counted.shared is not None and counted.shared.counts.sum() == answers.shared.sum()
    true, answer = np.unravel_index(counted.matrix.counts.argmax(), counted.matrix.counts.shape)
    cell = rows_of(answers, loaded.card["labels"], (loaded.card["labels"][true], loaded.card["labels"][answer]))
    assert len(cell["name"]) == counted.matrix.counts.max() and (np.diff(cell["p"]) <= 0).all()
    assert len(rows_of(answers, loaded.card["labels"])["name"]) == len(answers.texts)


def test_a_card_keeps_counts_without_names():
    card = tiny_namer().card
    dev, train = (confusions_of_card(card, split) for split in ("dev", "train"))
    assert dev is not None and train is not None and dev.answers is None
    assert dev.shared is not None and dev.shared.counts[2, 3] == 4 and dev.reliability is not None
    assert train.shared is None and train.reliability is None
    assert confusions_of_card(card, "own") is None


def test_states_are_recorded_letter_by_letter():
    recorded = trace(tiny_namer("lstm"), "Müller")
    assert "".join(recorded.tokens) == spelling("Müller") and recorded.cell is not None
