"""The classifier that also reads n-grams: which n-grams it reads at each letter, and that it reads nothing beyond them."""

import torch

from models.names.data import VOCABULARY
from models.names.network import Classifier
from models.names.ngram_network import BUCKETS, LENGTHS, NgramClassifier


def buckets(text: str, length: int) -> list[int]:
    return tiny()._buckets(torch.tensor([VOCABULARY.encode(text)]), length)[0].tolist()


def tiny() -> NgramClassifier:
    torch.manual_seed(0)
    return NgramClassifier(len(VOCABULARY), 3, "gru", 6, dropout=0.5, recurrent=0.5, letters=0.5).eval()


def test_an_ngram_has_one_bucket_wherever_it_is_and_others_differ():
    for length in LENGTHS:
        bucket_of = {}
        for text in ("novakova", "kovaova", "ova"):
            for end, bucket in enumerate(buckets(text, length), 1):
                ngram = text[max(0, end - length) : end].rjust(length, "^")
                assert bucket_of.setdefault(ngram, bucket) == bucket
        assert len(set(bucket_of.values())) == len(bucket_of) > 8
    assert all(0 <= bucket < BUCKETS for length in LENGTHS for bucket in buckets("zzzzzz", length))
    spread = {bucket for first in "abcdefghij" for second in "abcdefghij" for bucket in buckets(f"{first}{second}", 2)[1:]}
    assert len(spread) == 100


def test_the_input_is_the_letter_and_the_sum_of_the_ngrams_that_end_there():
    module, ids = tiny(), torch.tensor([VOCABULARY.encode("novak")])
    given = module._inputs(ids)
    assert torch.equal(given[..., : len(VOCABULARY)], Classifier._inputs(module, ids))
    total = sum(module.vectors.weight[buckets("novak", length)[3]] for length in LENGTHS)
    torch.testing.assert_close(given[0, 3, len(VOCABULARY) :], total)
    whole, start = module(ids)[0], module(ids[:, :3])[0]
    torch.testing.assert_close(whole[:, :3], start)  # later letters change nothing
    loss = module.train()(ids)[0][0, -1, 0]
    loss.backward()
    assert module.vectors.weight.grad is not None and module.vectors.weight.grad.abs().sum() > 0
