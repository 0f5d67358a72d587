"""Small networks on tasks that need memory: initialised as in torch, trained as written by hand, reproducible."""

import threading

import pytest
import torch
from torch import nn

from models.memory_tasks.network import BATCH, RATES, Setup, held_out, job, learner, recipe, scores
from models.memory_tasks.tasks import TaskError
from models.training import Trainer, rate

SHORT = Setup(length=10, updates=120, looks=4)


def trained(setup: Setup) -> nn.Module:
    begun = job(setup, lambda module: scores(module, setup)[0])
    Trainer(begun, recipe(setup), None).run()
    return begun.module.eval()


def test_training_learns_and_is_reproducible_even_beside_another(monkeypatch):
    monkeypatch.setitem(RATES, "lstm", 1e-2)  # a short sequence allows a high learning rate
    alone, beside = trained(SHORT), []
    threads = [threading.Thread(target=lambda: beside.append(trained(SHORT))) for _ in range(2)]
    for thread in threads:
        thread.start()
    torch.rand(5)  # random numbers drawn meanwhile make no difference
    for thread in threads:
        thread.join()
    loss, accuracy = scores(alone, SHORT)
    assert accuracy > 0.9 and loss < 0.5
    for other in beside:
        for one, two in zip(alone.parameters(), other.parameters(), strict=True):
            assert torch.equal(one, two)


def test_the_training_agrees_with_one_written_by_hand():
    setup, task = Setup("adding", "gru", 10, 4, updates=12, looks=2), Setup("adding", length=10).what
    module, begun = learner(setup), job(setup, lambda module: 0.0)
    optimiser = torch.optim.AdamW(module.parameters(), weight_decay=0.0, fused=True)
    for update, (x, wanted) in enumerate(begun.batches(0)):
        optimiser.param_groups[0]["lr"] = rate(update, 12, recipe(setup))
        loss = ((module.readout(module.rnn(x)[0][:, -1])[:, 0] - wanted[:, 0]) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        assert x.shape == (BATCH, 10, task.features)
    Trainer(begun, recipe(setup), None).run()
    for one, two in zip(module.parameters(), begun.module.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_weights_are_drawn_as_torch_draws_them(kind: str):
    module = learner(Setup(kind=kind, units=64))
    weights = torch.cat([part.detach().flatten() for name, part in module.named_parameters() if "weight" in name])
    torchs = torch.cat(
        [part.detach().flatten() for part in (*getattr(nn, kind.upper())(6, 64).parameters(), *nn.Linear(64, 4).parameters())]
    )
    assert weights.abs().max() <= 1 / 8 and weights.std().item() == pytest.approx(torchs.std().item(), rel=0.05)
    if kind == "lstm":
        assert torch.equal((module.rnn.bias_ih_l0 + module.rnn.bias_hh_l0)[64:128], torch.ones(64))


def test_scores_are_of_sequences_that_nothing_is_trained_on():
    x, _ = held_out(SHORT)
    for seed in range(1, 4):
        batch, _ = next(iter(job(Setup(length=10, seed=seed), lambda module: 0.0).batches(0)))
        assert not torch.equal(batch, x[:BATCH])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"kind": "cnn"}, "no network of kind 'cnn'. Known: rnn, lstm, gru"),
        ({"units": 0}, "units, updates and looks are 0, 1000, 40; expected 1 or more"),
        ({"length": 5}, "A sequence of 5 steps is too short for temporal order"),
    ],
)
def test_what_cannot_be_trained_gets_a_sentence(arguments: dict, sentence: str):
    with pytest.raises(TaskError, match=sentence):
        Setup(**arguments)
