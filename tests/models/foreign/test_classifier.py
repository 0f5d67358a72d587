"""A classifier found in a file: its classes, against the network itself, and the interface that the page of confusions asks for."""

import numpy as np
import pytest
import torch
from torch import nn

from explorer.errors import CheckpointError
from models import checkpoint
from models.foreign.opening import as_checkpoint, classes_of, classifier_of, labels_of, open_file
from models.names.answers import answers_to_rows
from models.names.experiments import confusions, trace
from models.names.experiments.attribution import comparison
from models.names.network import after_each_letter, letter_effects, letters, probabilities
from models.names.table import table
from tests.models.foreign.in_process import in_this_process
from tests.models.foreign.strangers import LETTERS, saved

__all__ = ["in_this_process"]

CLASSES = ["noun", "verb", "other"]
WORDS = ["<pad>", "<unk>", "good", "bad", "film", "a", "the", "was", "not", "."]


class Classifier(nn.Module):
    def __init__(self, tokens: int = len(LETTERS), classes: int = 3, width: int = 6):
        super().__init__()
        self.embed = nn.Embedding(tokens, width)
        self.gru = nn.GRU(width, 9, batch_first=True)
        self.fc = nn.Linear(9, classes)

    def forward(self, ids):
        return self.fc(self.gru(self.embed(ids))[0][:, -1])


def opened(module: nn.Module, **more):
    one = open_file(saved({"state": module.state_dict(), **more}), "mine.pt")
    assert one.choice is not None
    return one, one.choice


def test_its_probabilities_are_those_of_the_network(in_this_process, tmp_path):
    torch.manual_seed(3)
    module = Classifier().eval()
    one, chosen = opened(module, letters=LETTERS, all_categories=CLASSES)
    assert classes_of(one, chosen) == 3 and labels_of(one, chosen) == tuple(CLASSES)
    (tmp_path / "it.safetensors").write_bytes(as_checkpoint(classifier_of(one, chosen, LETTERS, CLASSES)))
    loaded = checkpoint.load(tmp_path / "it.safetensors")
    texts = ["the dog", "a", "it sat;"]
    with torch.no_grad():
        expected = [module(torch.tensor([[LETTERS.index(sign) for sign in text]])).softmax(-1)[0].numpy() for text in texts]
        prefixes = [module(torch.tensor([[LETTERS.index(sign) for sign in "it sat;"[:end]]])).softmax(-1)[0].numpy() for end in range(1, 8)]
    np.testing.assert_allclose(probabilities(loaded, texts), expected, atol=1e-6)
    np.testing.assert_allclose(after_each_letter(loaded, "it sat;"), prefixes, atol=1e-6)
    assert letters(loaded, "It's 5") == tuple("It's 5"), "nothing is romanised or left out"
    assert trace(loaded, "the dog").tokens == tuple("the dog") and loaded.card["labels"] == CLASSES
    effects = letter_effects(loaded, "dog")
    shorter = module(torch.tensor([[LETTERS.index("d"), LETTERS.index("g")]])).softmax(-1)[0, effects.answer]
    assert effects.without[1] == pytest.approx(float(shorter.detach()), abs=1e-6)
    compared = comparison(loaded, "dog")
    assert compared.tokens == tuple("dog") and compared.deleted[1] == pytest.approx(
        float(np.log(effects.p) - np.log(effects.without[1])), abs=1e-5
    )


def test_a_single_output_is_the_log_odds_of_the_second_class(in_this_process):
    module = Classifier(classes=1).eval()
    one, chosen = opened(module)
    assert classes_of(one, chosen) == 2 and labels_of(one, chosen) == ("class 1", "class 2")
    p = probabilities(classifier_of(one, chosen, LETTERS, ["no", "yes"]), ["the cat"])[0]
    with torch.no_grad():
        yes = module(torch.tensor([[LETTERS.index(sign) for sign in "the cat"]])).sigmoid().item()
    np.testing.assert_allclose(p, [1 - yes, yes], atol=1e-6)


def test_a_table_of_any_texts_is_counted(in_this_process):
    one, chosen = opened(Classifier(), letters=LETTERS)
    loaded = classifier_of(one, chosen, LETTERS, CLASSES)
    rows = table("text,class\n12 35,noun\n" + "a long text " * 40 + ",Verb\n,other\nthe cat,strange\n", of_names=False)
    assert rows.texts[0] == "12 35" and len(rows.texts) == 3 and rows.problems == ((4, "no text."),)
    answers = answers_to_rows(loaded, rows)
    counted = confusions(CLASSES, answers)
    assert answers.unknown == {"strange": 1} and counted.matrix.counts.sum() == 2
    assert list(answers.targets) == [0, 1] and answers.learnt is None
    with pytest.raises(Exception, match="no letter that can be romanised"):
        table("text,class\n12 35,noun\n")


def test_a_classifier_of_words_reads_words(in_this_process):
    torch.manual_seed(0)
    module = Classifier(len(WORDS), 2).eval()
    one, chosen = opened(module, words=WORDS)
    loaded = classifier_of(one, chosen, WORDS, ["negative", "positive"])
    assert letters(loaded, "The film was not good.") == ("the", "film", "was", "not", "good", ".")
    effects = letter_effects(loaded, "the film was not good")
    assert len(effects.letters) == len(effects.other) == 5 and tuple(effects.letters) == ("the", "film", "was", "not", "good")
    with torch.no_grad():
        expected = module(torch.tensor([[6, 4, 7, 8, 2]])).softmax(-1)[0].numpy()
    np.testing.assert_allclose(probabilities(loaded, ["the film was not good"])[0], expected, atol=1e-6)


@pytest.mark.parametrize("labels", [["a", "b"], ["a", "a", "b"], ["a", " ", "b"]])
def test_names_that_do_not_fit_are_refused(in_this_process, labels: list[str]):
    one, chosen = opened(Classifier())
    with pytest.raises(CheckpointError, match="expected 3 different ones"):
        classifier_of(one, chosen, LETTERS, labels)


def test_what_is_no_classifier_is_none(in_this_process):
    one, chosen = opened(Classifier(classes=len(LETTERS)))
    assert classes_of(one, chosen) == 0 and labels_of(one, chosen) == () and classes_of(one, None) == 0
    with pytest.raises(CheckpointError, match="is no classifier"):
        classifier_of(one, chosen, LETTERS, CLASSES)


class OneHotClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(len(LETTERS), 9, batch_first=True)
        self.h2o = nn.Linear(9, 3)

    def forward(self, ids):
        return self.h2o(self.gru(nn.functional.one_hot(ids, len(LETTERS)).float())[0][:, -1])


def test_one_hot_characters_are_recognised_by_the_list_of_the_file(in_this_process):
    torch.manual_seed(2)
    module = OneHotClassifier().eval()
    assert classes_of(*opened(module)) == 0, "31 numbers per step may be anything"
    one, chosen = opened(module, letters=LETTERS)
    p = probabilities(classifier_of(one, chosen, LETTERS, CLASSES), ["the cat", "no"])
    with torch.no_grad():
        expected = [module(torch.tensor([[LETTERS.index(sign) for sign in text]])).softmax(-1)[0].numpy() for text in ("the cat", "no")]
    np.testing.assert_allclose(p, expected, atol=1e-6)
