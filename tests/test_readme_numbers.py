"""The numbers in the README's tables are those on the cards of the checkpoints that ship."""

from pathlib import Path

import pytest

from models.checkpoint import read_card

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def card(name: str) -> dict:
    return read_card(ROOT / f"checkpoints/{name}.safetensors")


def tables() -> list[list[list[str]]]:
    """Every table: its rows, the first its header, as cells without the marks of code."""
    found, lines = [], README.splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("|"):
            if not before.startswith("|"):
                found.append([])
            found[-1].append([cell.strip().replace("`", "") for cell in line.strip("|").split("|")])
    return [[rows[0], *rows[2:]] for rows in found]


def rows(*columns: str) -> list[list[str]]:
    """The rows of all tables whose header has these columns."""
    return [row for header, *body in tables() if set(columns) <= set(header) for row in body]


def test_character_networks():
    for name, size, parameters, nats, best, ratio in rows("best n-gram", "ratio"):
        told, scores = card(name), card(name)["scores"]
        order = min(scores["ngram_nats"], key=scores["ngram_nats"].get)
        least, own = scores["ngram_nats"][order], scores["nats_per_character"]
        assert size == f"{told['arguments']['layers']} x {told['arguments']['units']}" and parameters == f"{told['parameters']:,}", name
        assert (nats, best, ratio) == (f"{own:.3f}", f"{least:.3f} ({order}-gram)", f"{own / least:.3f}"), name


@pytest.mark.parametrize("row", rows("concept", "unit"), ids=lambda row: f"{row[0]} {row[1]}")
def test_units(row: list[str]):
    name, concept, place, r, auc, *baselines, verdict = row
    unit = next(each for each in card(name)["units"] if each["concept"] == concept.removeprefix("a "))
    told = unit["baselines"]
    lookups = [told[key] for key in told if key.startswith("last ")]
    assert place == f"layer {unit['layer'] + 1}, {unit['unit']}" and r == f"{unit['r']:.2f}"
    assert auc == ("" if unit["auc"] is None else f"{unit['auc']:.2f}")
    assert baselines == [f"{each:.2f}" for each in (told["chance"]["r"], told["untrained"]["r"], max(each["r"] for each in lookups))]
    assert verdict.split(",")[0].split(" ")[0].strip(":") == ("yes" if unit["clears_all"] else "no")
    if "balanced accuracy" in verdict:
        assert f"balanced accuracy {unit['balanced_accuracy']:.2f}" in verdict
    if "AUC" in verdict:
        assert f"{max(each['auc'] for each in lookups):.2f}" in verdict


def test_translators():
    for name, bleu, *others in rows("network", "BLEU"):
        scores = card(name)["scores"]
        low, high = scores["interval"]
        assert bleu == f"{scores['bleu']:.1f} ({low:.1f} to {high:.1f})", name
        told = [scores["greedy_bleu"], scores["one_reference"]["bleu"], scores["far_from_training"]["bleu"]]
        assert others == [f"{each:.1f}" for each in (*told, *(each["bleu"] for each in scores["bleu_by_length"].values()))], name


@pytest.mark.parametrize("name", ["en-fr-none", "en-fr-uniform"])
def test_without_attention_more_is_lost_the_longer_the_sentence(name: str):
    lengths = {key: told for key, told in card(name)["paired"].items() if key not in ("against", "all")}
    kept = [told[name]["bleu"] / told["en-fr-additive"]["bleu"] for told in lengths.values()]
    assert len(kept) == 5 and kept == sorted(kept, reverse=True) and all(told[name]["p"] < 0.002 for told in lengths.values())
    assert "by a larger share with every length" in README


def test_classifiers():
    keys = ("accuracy", "macro_recall", "macro_f1", "nats_per_name", "brier", "calibration_error")
    scores: dict = {}
    for name, parameters, *told in rows("macro F1", "Brier"):
        if name == "n-grams":
            scores = scores["ngram_logistic"]  # of the network above
        else:
            scores = card(name)["scores"]
            assert parameters == f"{card(name)['parameters']:,}", name
        assert told == [f"{scores[key]:.3f}" for key in keys], name


def test_captioners():
    for name, width, *told in rows("beam", "CIDEr-D"):
        scores = card(name.split(",")[0] if name.startswith("caption") else "caption-soft")["scores"]
        if not name.endswith(("soft", "none")):
            found = scores["against_four"]["people" if name.startswith("people") else width]
            assert told[:4] == [f"{each:.1f}" for each in found["bleu"]], name
            continue
        found = scores["beams"][width]
        low, high = found["intervals"][3]
        *short, longest = [f"{each:.1f}" for each in found["bleu"]]
        plain = " / ".join(f"{each:.1f}" for each in found["without_brevity_penalty"])
        assert told == [*short, f"{longest} ({low:.1f} to {high:.1f})", f"{found['cider_d']:.3f}", plain], name
