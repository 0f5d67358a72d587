"""What only happens in training: dropout of recurrent weights and inputs, averaged weights, shifted epochs, bfloat16."""

from dataclasses import replace

import pytest
import torch

from models import precision as precisions
from models.char_lm.network import CharLM
from models.char_lm.training import job
from models.precision import has_bfloat16
from models.training import Recipe, Trainer

TEXT = torch.arange(401) % 7
RECIPE = Recipe(epochs=2, batch=4, steps=10, learning_rate=1e-2, warmup=0.0)


def network(**arguments) -> CharLM:
    torch.manual_seed(3)
    return CharLM(7, "lstm", 2, 5, 4, **arguments)


def trainer(recipe: Recipe, path=None, **arguments) -> Trainer:
    return Trainer(job(network(**arguments), TEXT, TEXT[:80], recipe), recipe, path)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_recurrent_weights_are_dropped_for_the_whole_window_and_in_training_only(cell: str):
    module = CharLM(7, cell, 2, 5, 4, recurrent=0.5)
    ids = TEXT[:24].view(2, 12)
    plain = CharLM(7, cell, 2, 5, 4)
    plain.load_state_dict(module.state_dict())
    assert torch.equal(module.eval()(ids)[0], plain.eval()(ids)[0])
    torch.manual_seed(0)
    logits = module.train()(ids)[0]
    torch.manual_seed(0)
    with torch.no_grad():
        for layer in range(2):
            weights = getattr(plain.rnn, f"weight_hh_l{layer}")
            kept = torch.nn.functional.dropout(torch.ones_like(weights), 0.5)
            assert 0 < (kept == 0).float().mean() < 1
            weights.mul_(kept)
    torch.testing.assert_close(logits, plain.train()(ids)[0])


def test_dimensions_of_the_embedding_are_dropped_for_a_row_and_all_its_steps():
    module, seen = network(inputs=0.5).train(), []
    module.rnn.register_forward_pre_hook(lambda rnn, args: seen.append(args[0]))
    ids = torch.zeros(50, 6, dtype=torch.long)
    module(ids)
    module.eval()(ids)
    factor = seen[0] / module.embedding.weight[0]
    assert torch.equal(seen[1], module.embedding(ids))
    torch.testing.assert_close(factor, factor[:, :1].expand_as(factor))
    assert set(factor.round().int().flatten().tolist()) == {0, 2} and len(set(map(tuple, factor[:, 0].round().int().tolist()))) > 5


def test_dropout_rates_that_leave_nothing_are_refused():
    with pytest.raises(ValueError, match=r"recurrent is 1\.0 and inputs 0\.0; expected shares"):
        CharLM(7, "gru", recurrent=1.0)


def test_the_average_is_worked_out_by_hand_scored_and_kept():
    recipe = replace(RECIPE, average=0.75, checks=1, epochs=1)
    averaging, seen = trainer(recipe), []
    averaging.run(lambda update, total: seen.append(averaging.job.module.readout.weight.detach().clone()))
    expected = seen[0]
    for weight in seen[1:]:
        expected = 0.75 * expected + 0.25 * weight
    torch.testing.assert_close(averaging.best["readout.weight"], expected)
    plain = trainer(replace(recipe, average=0.0))
    plain.run()
    assert torch.equal(plain.best["readout.weight"], seen[-1]) and plain.curve[-1]["dev"] != averaging.curve[-1]["dev"]


def test_a_shifted_epoch_reads_the_same_text_from_another_character_on():
    shifted = job(network(), TEXT, TEXT[:80], replace(RECIPE, shifted=True)).batches
    plain = job(network(), TEXT, TEXT[:80], RECIPE).batches
    first, second, third = ([x for x, _ in shifted(epoch)] for epoch in range(3))
    assert all(torch.equal(a, b) for a, (b, _) in zip(first, plain(0), strict=True))
    assert all(torch.equal(a, b) for a, (b, _) in zip(second, shifted(1), strict=True)), "an epoch is the same each time it is read"
    rows = torch.cat(second, 1)
    starts = [start for start in range(len(TEXT)) if torch.equal(TEXT.roll(-start)[:400].view(4, 100), rows)]
    assert starts and 0 not in starts and not torch.equal(second[0], third[0])
    assert all(torch.equal(x[:, 1:], y[:, :-1]) for x, y in shifted(1))


def test_a_stopped_training_with_all_of_it_goes_on_and_ends_the_same(tmp_path):
    recipe = replace(RECIPE, average=0.9, shifted=True, precision="bfloat16")
    options = {"recurrent": 0.2, "inputs": 0.2, "dropout": 0.2}

    class StoppedError(Exception):
        pass

    def stop(update: int, total: int) -> None:
        if update == 13:
            halted.save()
            raise StoppedError

    torch.manual_seed(0)
    whole = trainer(recipe, tmp_path / "whole.pt", **options)
    whole.run()
    halted = trainer(recipe, tmp_path / "parts.pt", **options)
    with pytest.raises(StoppedError):
        halted.run(stop)
    resumed = trainer(recipe, tmp_path / "parts.pt", **options)
    assert resumed.update == 13
    resumed.run()
    assert all(torch.equal(tensor, resumed.best[name]) for name, tensor in whole.best.items())
    assert all(tensor.dtype == torch.float32 for tensor in whole.best.values())


@pytest.mark.skipif(not has_bfloat16("cpu"), reason="this processor lacks bfloat16")
def test_bfloat16_computes_with_eight_bits_of_mantissa_and_learns_the_same():
    losses = {}
    for precision in ("float32", "bfloat16"):
        run = trainer(replace(RECIPE, precision=precision, epochs=6))
        run.run()
        losses[precision] = run.curve[-1]["dev"]
    assert losses["float32"] != losses["bfloat16"] and losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.05)


def test_a_state_file_from_before_these_options_goes_on(tmp_path):
    old = trainer(replace(RECIPE, epochs=1), tmp_path / "old.pt")
    old.run()
    state = torch.load(tmp_path / "old.pt", weights_only=True)
    for name in ("average", "precision", "shifted"):
        del state["recipe"][name]
    torch.save(state, tmp_path / "old.pt")
    assert trainer(replace(RECIPE, epochs=1), tmp_path / "old.pt").update == old.update


def test_a_processor_without_bfloat16_trains_in_float32(monkeypatch):
    losses = []
    for precision in ("float32", "bfloat16"):
        monkeypatch.setattr(precisions, "has_bfloat16", lambda device: False)
        run = trainer(replace(RECIPE, precision=precision, epochs=2))
        run.run()
        losses.append(run.curve[-1]["dev"])
    assert losses[0] == losses[1]
