"""From a recipe to a checkpoint, and the command line: stopped, resumed, packed, scored, used."""

import json
import random

import pytest
import torch

import models
from models import corpora
from models.char_lm import FAMILY, data, training
from models.char_lm.network import CharLM
from models.cli import commands
from models.family import TrainingError
from models.training import Recipe, rate
from models.vocabulary.characters import Vocabulary
from tests.models.command_line import call

TEXT = "".join(random.Random(0).choices(["[[cat]] ", "a dog. ", "the rat\n", "\n\n"], k=900))


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """One quick recipe, and folders of its own."""
    recipe = {"epochs": 2, "batch": 4, "steps": 16, "learning_rate": 1e-2}
    about = {
        "corpus": "wiki",
        "arguments": {"cell": "gru", "layers": 1, "units": 8, "embedding": 4, "dropout": 0.2},
        "recipe": recipe,
    }
    monkeypatch.setitem(FAMILY.recipes, "tiny", about)
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "checkpoints"))
    (tmp_path / "text.txt").write_text(TEXT, newline="")


def by_hand() -> tuple[list[float], CharLM]:
    """The same training written out: AdamW, clipping, truncated backpropagation with the state carried."""
    train, _ = corpora.split("wiki", TEXT)
    vocab, recipe = Vocabulary.of_text(train, 5), Recipe(**FAMILY.recipes["tiny"]["recipe"])
    torch.manual_seed(1)
    module = CharLM(len(vocab), **FAMILY.recipes["tiny"]["arguments"]).train()
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-2, weight_decay=0.0, fused=True)
    ids = torch.tensor(vocab.encode(train))
    length = (len(ids) - 1) // 4
    updates, losses = length // 16, []
    for update in range(2 * updates):
        at = update % updates * 16
        state = None if at == 0 else state.detach()
        x = torch.stack([ids[row * length + at :][:16] for row in range(4)])
        y = torch.stack([ids[row * length + at + 1 :][:16] for row in range(4)])
        optimiser.param_groups[0]["lr"] = rate(update, 2 * updates, recipe)
        logits, state = module(x, state)
        loss = torch.nn.functional.cross_entropy(logits.transpose(1, 2), y)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        losses.append(loss.item())
    return losses, module


def test_training_agrees_with_one_written_by_hand(tmp_path):
    (trainer,) = training.trainers("tiny", TEXT, tmp_path / "tiny.pt")
    trainer.run()
    losses, module = by_hand()
    assert len(losses) == trainer.total
    for name, tensor in module.state_dict().items():
        torch.testing.assert_close(trainer.job.module.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)
    checks = trainer.job.updates // 2
    assert trainer.curve[0]["train"] == pytest.approx(sum(losses[:checks]) / checks, rel=1e-5)
    assert trainer.curve[-1]["dev"] < trainer.curve[0]["dev"] < 3


def test_dev_nats_are_those_of_the_rows_in_one_piece():
    vocab = Vocabulary.of_text(TEXT, 5)
    module = CharLM(len(vocab), "lstm", 1, 8, 4).eval()
    ids = torch.tensor(vocab.encode(TEXT))[:1601]
    with torch.no_grad():
        whole = torch.nn.functional.cross_entropy(module(ids[:-1].view(16, 100))[0].flatten(0, 1), ids[1:])
    assert training.dev_nats(module, ids, steps=30) == pytest.approx(whole.item(), rel=1e-5)


def stop_after(monkeypatch, updates: int) -> None:
    """As if Ctrl-C came after some updates of this run."""
    from contextlib import contextmanager

    plain = commands._interruptible

    @contextmanager
    def interrupted(report, trainer):
        with plain(report, trainer) as every:
            count = []

            def counting(update: int, total: int) -> None:
                count.append(update)
                if len(count) == updates:
                    import signal

                    signal.raise_signal(signal.SIGINT)
                every(update, total)

            yield counting

    monkeypatch.setattr(commands, "_interruptible", interrupted)


def train(capsys, tmp_path, state: str, *more: str):
    return call(capsys, "train", "tiny", "--data", tmp_path / "text.txt", "--folder", tmp_path / state, *more)


def test_a_stopped_training_goes_on_and_ends_the_same(tmp_path, capsys, monkeypatch):
    code, out, _ = train(capsys, tmp_path, "whole", "--json")
    whole = models.load("tiny")
    assert code == 0 and json.loads(out)["nats_per_character"] == whole.card["scores"]["nats_per_character"]
    with monkeypatch.context() as patch:
        stop_after(patch, 37)
        code, out, err = train(capsys, tmp_path, "parts")
        assert code == 130 and out == "" and "Stopped after 37 of" in err and "The same command resumes" in err
        code, out, err = train(capsys, tmp_path, "parts")
        assert code == 130 and "Stopped after 74 of" in err
    assert train(capsys, tmp_path, "parts")[0] == 0
    for name, tensor in models.load("tiny").module.state_dict().items():
        assert torch.equal(tensor, whole.module.state_dict()[name]), name


def test_a_finished_training_is_only_packed_and_its_card_is_full(tmp_path, capsys):
    train(capsys, tmp_path, "states")
    first = models.available()["tiny"]
    (tmp_path / "checkpoints/tiny.safetensors").unlink()
    code, out, _ = train(capsys, tmp_path, "states", "--json")
    assert code == 0 and models.available()["tiny"] == first
    code, packed, _ = call(capsys, "pack", "tiny", tmp_path / "states/tiny.pt", "--data", tmp_path / "text.txt", "--json")
    assert code == 0 and packed == out and models.available()["tiny"] == first
    keys = {"kind", "name", "arguments", "vocabulary", "data", "recipe", "seed", "commit", "parameters", "curve", "scores", "units"}
    assert keys <= first.keys() and first["recipe"]["epochs"] == 2 and first["seed"] == 1
    assert first["data"]["sha256"] == corpora.sha256(TEXT) and first["data"]["dev_characters"] == first["scores"]["characters"]
    assert list(first["scores"]["ngram_nats"]) == [str(n) for n in range(1, 11)]
    dev = corpora.split("wiki", TEXT)[1]
    scores = training.reading.score(models.load("tiny"), dev)
    assert scores["nats_per_character"] == pytest.approx(first["scores"]["nats_per_character"], rel=1e-9)
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["tiny.safetensors"]


def test_float16_weights_cost_almost_nothing(tmp_path, capsys):
    train(capsys, tmp_path, "states")
    state = torch.load(tmp_path / "states/tiny.pt", weights_only=True)
    loaded = models.load("tiny")
    halves = loaded.card["scores"]["nats_per_character"]
    loaded.module.load_state_dict(state["best"])
    assert training.reading.score(loaded, corpora.split("wiki", TEXT)[1])["nats_per_character"] == pytest.approx(halves, abs=2e-3)


def test_counts_are_written_and_their_scores_used_again(tmp_path, capsys, monkeypatch):
    code, out, _ = call(capsys, "count", "wiki", "--data", tmp_path / "text.txt", "--order", "3", "--rarest", "2", "--json")
    answer = json.loads(out)
    assert code == 0 and answer["nats_per_character"] >= answer["ngram_nats"]["3"] and models.available() == {}
    train_text, dev = corpora.split("wiki", TEXT)
    vocab = Vocabulary.of_text(train_text, 5)
    monkeypatch.setattr(training.ngram, "fit", None)
    assert training.ngram_nats("wiki", train_text, dev, vocab) == answer["ngram_nats"]
    with pytest.raises(TypeError):  # another text is counted anew
        training.ngram_nats("wiki", train_text, dev + "x", vocab)


def test_a_trained_network_is_listed_scored_and_writes(tmp_path, capsys):
    train(capsys, tmp_path, "states")
    code, out, err = call(capsys, "list", "--json")
    assert code == 0 and list(json.loads(out)["networks"]) == ["tiny"]
    assert call(capsys, "list")[1].startswith("tiny: ")
    for name in ("tiny", tmp_path / "checkpoints/tiny.safetensors"):
        code, out, err = call(capsys, "evaluate", name, "--data", tmp_path / "text.txt", "--json")
        scores = json.loads(out)
        assert code == 0 and out.count("\n") == 1 and "scoring" in err
        assert set(scores) == {"nats_per_character", "bits_per_character", "characters", "unknown"}
        assert scores["characters"] == len(TEXT)
    code, out, _ = call(capsys, "generate", "tiny", "--prompt", "[[", "--length", "40", "--seed", "3", "--json")
    assert code == 0 and len(json.loads(out)["text"]) == 40
    assert call(capsys, "generate", "tiny", "--prompt", "[[", "--length", "40", "--seed", "3")[1] == json.loads(out)["text"] + "\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "nothing"], "There is no recipe called 'nothing'. Known: wiki-lstm"),
        (["evaluate", "nothing", "--data", "x"], "No checkpoint is called 'nothing'. Available: none"),
        (["evaluate", "no/such.safetensors", "--data", "x"], "no/such.safetensors does not exist."),
        (["fetch", "nothing"], "No training data is called 'nothing'. Known: wiki, linux, shakespeare, tatoeba, names18, or a recipe"),
        (["pack", "tiny", "no.pt", "--data", "TEXT"], "no.pt does not exist."),
        (["pack", "tiny", "TEXT", "--data", "TEXT"], "is not the state file of a training"),
        (["fetch", "scenes-soft"], "scenes-soft needs no download: scenes are generated when they are needed."),
        (["fetch", "shakespeare", "--folder", "TEXT"], "input.txt cannot be written (Not a directory). Name another folder with --folder."),
        (["pack", "tiny", "EMPTY", "--data", "TEXT"], "is not the state file of a training (it ends at once)"),
        (["compare", "one"], "Only one was given; expected two or more networks"),
        (["generate", "tiny", "--prompt", "a\udcff"], "--prompt is not UTF-8 text (byte 1 is 0xff)."),
        (["train", "tiny", "--device", "xyz"], "--device is 'xyz', on which torch cannot compute here (Expected one of cpu"),
        (["train", "tiny", "--epochs", "nan"], "--epochs is nan; expected more than 0."),
        (["train", "tiny", "--epochs", "0"], "--epochs is 0.0; expected more than 0."),
        (["train", "tiny", "--data", "SHORT", "--folder", "STATES"], "The text is too short; expected at least 65 characters"),
    ],
)
def test_a_failure_is_a_sentence_on_stderr(tmp_path, capsys, arguments: list[str], sentence: str):
    (tmp_path / "short.txt").write_text("only a few words")
    (tmp_path / "empty.pt").touch()
    paths = {"TEXT": tmp_path / "text.txt", "EMPTY": tmp_path / "empty.pt", "SHORT": tmp_path / "short.txt", "STATES": tmp_path / "states"}
    code, out, err = call(capsys, *(paths.get(argument, argument) for argument in arguments))
    assert code == 1 and out == "" and sentence in err and "Traceback" not in err


def test_a_state_of_another_recipe_or_text_is_refused(tmp_path, capsys):
    train(capsys, tmp_path, "states")
    code, _, err = train(capsys, tmp_path, "states", "--epochs", "1")
    assert code == 1 and "cannot resume from" in err and "another recipe" in err
    (tmp_path / "text.txt").write_text(TEXT.replace("cat", "bug"))
    code, _, err = train(capsys, tmp_path, "states")
    assert code == 1 and "cannot resume from" in err
    with pytest.raises(TrainingError, match="does not fit tiny and this text"):
        training.finish("tiny", tmp_path / "states/tiny.pt", TEXT.replace("cat", "bug"), tmp_path / "x.safetensors")


def test_fetch_describes_the_text(tmp_path, capsys, monkeypatch):
    def fetched(corpus, folder, progress):
        progress(4, 10)
        progress(10, 10)
        assert corpus == "wiki"
        return tmp_path / "text.txt"

    monkeypatch.setattr(data, "fetch", fetched)
    code, out, err = call(capsys, "fetch", "wiki-lstm", "--json")
    assert code == 0 and json.loads(out)["characters"] == len(TEXT) and "fetching wiki" in err


def test_every_recipe_can_be_built():
    assert {"wiki-lstm", "linux-lstm", "shakespeare-lstm"} <= FAMILY.recipes.keys()
    for name in FAMILY.recipes:
        corpus, arguments, recipe = training.recipe_of(name)
        assert corpus in FAMILY.corpora and recipe.epochs > 0
        with torch.device("meta"):
            CharLM(100, **arguments)
    assert FAMILY.network == "models.char_lm.network:CharLM"
