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
    parsed, lines = [], README.splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("|"):
            if not before.startswith("|"):
                parsed.append([])
            parsed[-1].append([cell.strip().replace("`", "") for cell in line.strip("|").split("|")])
    return [[rows[0], *rows[2:]] for rows in parsed]


def rows(*columns: str) -> list[list[str]]:
    """The rows of all tables whose header has these columns."""
    return [row for header, *body in tables() if set(columns) <= set(header) for row in body]


def test_character_networks():
    for name, size, parameters, nats, best, ratio in rows("best n-gram", "ratio"):
        facts, scores = card(name), card(name)["scores"]
        order = min(scores["ngram_nats"], key=scores["ngram_nats"].get)
        least, own = scores["ngram_nats"][order], scores["nats_per_character"]
        assert size == f"{facts['arguments']['layers']} x {facts['arguments']['units']}" and parameters == f"{facts['parameters']:,}", name
        assert (nats, best, ratio) == (f"{own:.3f}", f"{least:.3f} ({order}-gram)", f"{own / least:.3f}"), name


@pytest.mark.parametrize("row", rows("concept", "unit"), ids=lambda row: f"{row[0]} {row[1]}")
def test_units(row: list[str]):
    name, concept, where, r, auc, *baselines, verdict = row
    unit = next(entry for entry in card(name)["units"] if entry["concept"] == concept.removeprefix("a "))
    by_baseline = unit["baselines"]
    lookups = [by_baseline[key] for key in by_baseline if key.startswith("last ")]
    assert where == f"layer {unit['layer'] + 1}, {unit['unit']}" and r == f"{unit['r']:.2f}"
    assert auc == ("" if unit["auc"] is None else f"{unit['auc']:.2f}")
    assert baselines == [
        f"{r:.2f}" for r in (by_baseline["chance"]["r"], by_baseline["untrained"]["r"], max(lookup["r"] for lookup in lookups))
    ]
    assert verdict.split(",")[0].split(" ")[0].strip(":") == ("yes" if unit["clears_all"] else "no")
    if "balanced accuracy" in verdict:
        assert f"balanced accuracy {unit['balanced_accuracy']:.2f}" in verdict
    if "AUC" in verdict:
        assert f"{max(lookup['auc'] for lookup in lookups):.2f}" in verdict


def test_translators():
    for name, bleu, *others in rows("network", "BLEU"):
        scores = card(name)["scores"]
        low, high = scores["interval"]
        assert bleu == f"{scores['bleu']:.1f} ({low:.1f} to {high:.1f})", name
        scores_of_card = [scores["greedy_bleu"], scores["one_reference"]["bleu"], scores["far_from_training"]["bleu"]]
        assert others == [f"{bleu:.1f}" for bleu in (*scores_of_card, *(part["bleu"] for part in scores["bleu_by_length"].values()))], name


@pytest.mark.parametrize("name", ["en-fr-none", "en-fr-uniform"])
def test_without_attention_more_is_lost_the_longer_the_sentence(name: str):
    lengths = {key: networks for key, networks in card(name)["paired"].items() if key not in ("against", "all")}
    kept = [networks[name]["bleu"] / networks["en-fr-additive"]["bleu"] for networks in lengths.values()]
    assert len(kept) == 5 and kept == sorted(kept, reverse=True) and all(networks[name]["p"] < 0.002 for networks in lengths.values())
    assert "by a larger share with every length" in README


def test_classifiers():
    keys = ("accuracy", "macro_recall", "macro_f1", "nats_per_name", "brier", "calibration_error")
    scores: dict = {}
    for name, parameters, *figures in rows("macro F1", "Brier"):
        if name == "n-grams":
            scores = scores["ngram_logistic"]  # of the network above
        else:
            scores = card(name)["scores"]
            assert parameters == f"{card(name)['parameters']:,}", name
        assert figures == [f"{scores[key]:.3f}" for key in keys], name


def test_captioners():
    for name, width, *figures in rows("beam", "CIDEr-D"):
        scores = card(name.split(",")[0] if name.startswith("caption") else "caption-soft")["scores"]
        if not name.endswith(("soft", "none")):
            results = scores["against_four"]["people" if name.startswith("people") else width]
            assert figures[:4] == [f"{bleu:.1f}" for bleu in results["bleu"]], name
            continue
        results = scores["beams"][width]
        low, high = results["intervals"][3]
        *short, longest = [f"{bleu:.1f}" for bleu in results["bleu"]]
        plain = " / ".join(f"{bleu:.1f}" for bleu in results["without_brevity_penalty"])
        assert figures == [*short, f"{longest} ({low:.1f} to {high:.1f})", f"{results['cider_d']:.3f}", plain], name
