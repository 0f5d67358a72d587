"""Losses of captioners compared with sums written out; drawn captions that score better become likelier."""

from functools import partial

import pytest
import torch

from models.captioning import caption as captioning_caption
from models.captioning import losses
from models.captioning.losses import Examples, drawn, in_numbers, job, nats, self_critical, teacher_forced
from models.metrics.cider import cider_d_of, rarity
from models.training import Recipe
from models.vocabulary.subwords import END, PAD, START
from models.vocabulary.words import RARE
from tests.models.captioning.test_network import pictures
from tests.models.captioning.tiny_captions import WORDS, network

SAID = [[[4, 5, 6, END], [4, 5, 7, END]], [[7, 8, END], [7, 8, 4, END]], [[6, 6, 9, END], [6, 9, END]]]
KNOWN = rarity([in_numbers(captions) for captions in SAID])


def test_the_loss_is_smoothed_cross_entropy_per_known_word_plus_coverage():
    module = network("soft", len(WORDS))
    said = [[[4, 5, RARE, 6, END], [5, END]], [[7, 4, 4, END]], [[6, END], [4, END], [5, 7, END]]]
    features = pictures(3)
    made = job(
        module,
        Examples((features,), (said,)),
        lambda module: 0.0,
        Recipe(1, batch=3),
        partial(nats, about={"smoothing": 0.1, "coverage": 0.7}),
    )
    (batch,) = made.batches(0)
    assert sorted(batch) == [(0, 0), (1, 0), (2, 0)] and made.updates == 1
    loss, carry = made.loss(module, batch, None)
    costs, covered = [], []
    for row, captions in enumerate(said):
        for caption in captions:
            memory = captioning_caption.encoded(module, features[row : row + 1])
            read = torch.tensor([[START, *caption[:-1]]])
            logits = module(features[row : row + 1], read)[0].log_softmax(-1)
            costs += [0.9 * logits[at, n] + 0.1 * logits[at].mean() for at, n in enumerate(caption) if n != RARE]
            covered += [(1 - module.written(memory, read).attention[0].sum(0)) ** 2]
    expected = -sum(costs) / len(costs) + 0.7 * torch.stack(covered).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5) and carry is None


def test_batches_take_each_picture_once_and_mirror_some():
    said = [[[4, END]]] * 50
    examples = Examples((pictures(50), -pictures(50)), (said, said))
    made = job(network(), examples, lambda module: 0.0, Recipe(1, batch=8), nats)
    first, again, other = (list(made.batches(epoch)) for epoch in (0, 0, 1))
    assert first == again != other and len(first) == made.updates == 7
    rows = [row for batch in first for row, _ in batch]
    assert sorted(rows) == list(range(50)) != rows
    assert 10 < sum(turned for batch in first for _, turned in batch) < 40


def test_each_predicted_word_keeps_the_index_of_its_caption():
    module, said = network("soft", len(WORDS)), [[[4, END], [5, 6, RARE, 7, END]], [[8, 4, END]]]
    forced = teacher_forced(module, pictures(2), said)
    captions = [caption for of_picture in said for caption in of_picture]
    for index, caption in enumerate(captions):
        assert forced.wanted[forced.caption == index].tolist() == [word for word in caption if word != RARE]


@pytest.mark.parametrize("attention", ["soft", "none"])
def test_drawn_captions_hold_words_alone_and_follow_the_distribution(attention: str):
    torch.manual_seed(0)
    module, features = network(attention, len(WORDS)), pictures(2)
    captions = drawn(module, features, 3_000)
    assert not {word for of_picture in captions for caption in of_picture for word in caption} & {PAD, START, RARE}
    assert all(END not in caption[:-1] and len(caption) <= losses.LONGEST for of_picture in captions for caption in of_picture)
    logits = module(features, torch.full((2, 1), START))[:, 0].index_fill(1, torch.tensor([PAD, START, RARE]), -torch.inf)
    for row, expected in enumerate(logits.softmax(-1)):
        counts = torch.bincount(torch.tensor([caption[0] for caption in captions[row]]), minlength=len(WORDS))
        assert (counts / 3_000 - expected).abs().max() < 0.04  # four standard errors


def test_the_loss_weights_each_caption_by_how_far_it_beats_the_others_of_its_picture(monkeypatch):
    module, features = network("soft", len(WORDS)), pictures(2)
    captions = [[[4, 5, 6, END], [9, END], [4, 5, END]], [[7, 8, END], [8, END], [7, 8, END]]]
    monkeypatch.setattr(losses, "drawn", lambda *given: captions)
    loss = self_critical(module.train(), features, SAID[:2], KNOWN, 3)
    assert not module.training  # trained in the mode in which it is used
    expected, words = 0.0, 0
    for row, of_picture in enumerate(captions):
        scores = [cider_d_of(" ".join(map(str, caption)), in_numbers(SAID[row]), KNOWN) for caption in of_picture]
        for index, caption in enumerate(of_picture):
            others = [score for other, score in enumerate(scores) if other != index]
            p = captioning_caption.log_probabilities(module, features[row : row + 1], caption)[0]
            expected -= (scores[index] - sum(others) / 2) * p.sum()
            words += len(caption)
    assert loss.item() == pytest.approx(expected / words, rel=1e-5)


def test_self_critical_training_improves_captions():
    torch.manual_seed(0)
    module, features = network("soft", len(WORDS)).requires_grad_(True), pictures(3)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.01)

    def score() -> float:
        captions = drawn(module, features, 200)
        return sum(cider_d_of(text, in_numbers(SAID[row]), KNOWN) for row in range(3) for text in in_numbers(captions[row])) / 600

    before = score()
    for _ in range(60):
        optimiser.zero_grad()
        self_critical(module, features, SAID, KNOWN, 8).backward()
        optimiser.step()
    assert score() > before + 0.3
