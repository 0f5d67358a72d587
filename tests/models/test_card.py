"""Cards as readers get them: whatever a file holds, each field has a valid value or its default, and no error is raised."""

import copy
import subprocess
import sys
from itertools import chain
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models
from models.card import UNKNOWN
from tests.models.captioning.tiny_captions import tiny_captioner, tiny_scenes
from tests.models.names.tiny_names import tiny_namer
from tests.models.tiny import tiny
from tests.models.translation.tiny_translation import tiny_translator

SHIPPED = {
    "char_lm": "wiki-lstm", "translation": "en-fr-additive", "captioning": "caption-soft", "scenes": "scenes-soft", "names": "names-gru",
}  # fmt: skip
TINY = {"char_lm": tiny, "translation": tiny_translator, "captioning": tiny_captioner, "scenes": tiny_scenes, "names": tiny_namer}
UNUSED = ("vocabulary", "merges", "curve", "recipe")
CARDS = {
    family: {field: value for field, value in models.available()[name].items() if field not in UNUSED} for family, name in SHIPPED.items()
}
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from([10**400, -(10**400), "", "\ud800", "dev", "soft"]),
    lambda value: st.lists(value, max_size=3) | st.dictionaries(st.sampled_from(["bleu", "n", "p", "dev"]), value, max_size=3),
    max_leaves=4,
)


def checked(family: str, card: dict[str, Any]) -> dict[str, Any] | None:
    return resolve_name(f"models.{family}.card:Card").checked(card)


@st.composite
def damaged(draw, family: str) -> dict[str, Any]:
    """A shipped card in which one to three values are gone, replaced, cut short, wrapped, or of another type."""
    card = copy.deepcopy(CARDS[family])
    for _ in range(draw(st.integers(1, 3))):
        node, key = card, draw(st.sampled_from(sorted(card)))
        while isinstance(node[key], dict | list) and node[key] and draw(st.integers(0, 3)):
            node = node[key]
            key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        value = node[key]
        others = [[value], str(value)[:9], value[:-1] if isinstance(value, list) else {"x": value}]
        others += [bool(value), -value, float(value)] if isinstance(value, int | float) and abs(value) < 1e300 else []
        if isinstance(node, dict) and draw(st.booleans()):
            del node[key]
        else:
            node[key] = draw(JUNK | st.sampled_from(others))
    return card


def numbers(*values: Any) -> None:
    assert all(isinstance(value, bool | int | float) and f"{value:.2f}" for value in values), values


def indices(*values: Any) -> None:
    assert all(type(value) is int and value >= 0 for value in values), values


def texts(*values: Any) -> None:
    assert all(isinstance(value, str) and value.encode() is not None for value in values), values


def use_char_lm(card: dict[str, Any]) -> None:
    size, scores = card["arguments"], card["scores"]
    assert size["cell"] in ("rnn", "lstm", "gru")
    indices(size["layers"] - 1, size["units"] - 1)
    numbers(scores.get("nats_per_character", 0), *scores.get("ngram_nats", {}).values())
    for unit in card["units"]:
        texts(unit["concept"], unit["verdict"])
        numbers(unit["r"], unit["sign"], unit["clears_all"], len(unit["baselines"].items()))
        indices(unit["layer"], unit["unit"], size["layers"] - 1 - unit["layer"], size["units"] - 1 - unit["unit"])


def use_bleu(score: dict[str, Any]) -> None:
    low, high = score["interval"]
    numbers(score["bleu"], low, high)
    assert f"{score['sentences']:,}"
    for part in score.get("bleu_by_length", {}).values():
        use_bleu(part)


def use_translation(card: dict[str, Any]) -> None:
    answers, paired, example = card["answers"], card["paired"] or {"against": "", "p": 0}, card["example"]
    texts(card["direction"], paired["against"])
    numbers(paired["p"])
    if card["scores"]:
        use_bleu(card["scores"])
    four = {"looks", "beyond_position", "used", "points"}
    assert not answers or four <= set(answers) <= four | {"points_by_hand"}
    for answer in answers.values():
        assert answer["says"] in ("yes", "no", "cannot tell") and f"{answer['sentences']:,}"
        texts(answer["unit"])
        numbers(answer["value"], answer["low"], answer["high"])
    if hand := answers.get("points_by_hand"):
        numbers(hand["ibm1"], hand["diagonal"])
    if example:
        texts(*example["crossing"], *(example[name] for name in ("sentence", "truth", "looks", "looks_instead", "word", "becomes")))
        indices(len(example["crossing"]) - 2, *(example[name] for name in ("row", "step", "column", "other")))


def use_occlusions(card: dict[str, Any]) -> None:
    assert card["arguments"]["attention"] in ("none", "soft")
    for row in card["examples"]:
        indices(row["scene"], row["word"])
        texts(row["says"].split()[row["word"]], row["pixels"], row["mean"])
        assert row["kind"] in ("changes", "stays")


def use_captioning(card: dict[str, Any]) -> None:
    use_occlusions(card)
    scores, features = card["scores"] or {"beams": {}, "against_four": {}}, card["features"]
    for beam in scores["beams"].values():
        numbers(beam["cider_d"], beam["images"], *beam["without_brevity_penalty"])
    for row in chain(scores["beams"].values(), scores["against_four"].values()):
        one, two, three, four = row["bleu"]
        numbers(one, two, three, four)
    if features:
        assert f"{features['pictures']:,} {features['epochs']:g}"
        numbers(features["views"][0]["bleu_4"], *(row["bleu_4"] for row in features["views"]))
    if whole := features.get("whole"):
        numbers(*chain(*zip(whole["bleu_4"], whole["ships"], strict=True)))
        texts(whole["view"])


def use_scenes(card: dict[str, Any]) -> None:
    use_occlusions(card)
    scores = card["scores"]
    numbers(*(scores[name] for name in ("true_captions", "named_right", "scenes") if scores))
    for row in scores.get("pointing", {}).values():
        assert f"{row['n']:,}"
        numbers(*(share for name, share in row.items() if name != "n" and share is not None))


def use_scores_of_names(scores: dict[str, Any]) -> None:
    scores = dict(scores)
    for name in {"majority", "ngram_logistic", "ceiling", "with_prior"} & set(scores):
        use_scores_of_names(scores.pop(name))
    texts(scores.pop("prior", ""))
    if stems := scores.pop("by_stem", None):
        indices(stems["known"]["names"] + stems["new"]["names"])
        numbers(stems["letters"], stems["known"]["accuracy"], stems["new"]["accuracy"])
    numbers(*scores.values())


def use_names(card: dict[str, Any]) -> None:
    labels, bins = card["labels"], card["reliability"]
    assert card["arguments"]["cell"] in ("rnn", "lstm", "gru", "linear") and len(labels) > 1 and all(labels)
    texts(*labels)
    use_scores_of_names(card["scores"])
    for split, rows in card["confusion"].items():
        assert split in ("dev", "train", "dev_shared") and [len(row) for row in rows] == [len(labels)] * len(labels)
        indices(*chain(*rows))
    if bins:
        numbers(*chain(*zip(bins["names"], bins["right"], bins["confidence"], strict=True)))
    for row in card["examples"]:
        texts(row["name"], row["before"], row["after"])
    numbers(*(row["change"] for row in card["examples"]), *(value for row in card["seeds"] for value in row.values()))


USE = {"char_lm": use_char_lm, "translation": use_translation, "captioning": use_captioning, "scenes": use_scenes, "names": use_names}


@pytest.mark.parametrize("family", SHIPPED)
@settings(deadline=None, max_examples=120)
@given(data=st.data())
def test_a_damaged_card_gives_none_or_every_field_in_its_right_form(family: str, data):
    card = data.draw(damaged(family))
    if readable := checked(family, card):
        assert all(isinstance(value, str | int) for value in readable["data"].values()) and set(UNKNOWN) <= set(readable["data"])
        assert f"{readable['parameters']:,}" and isinstance(readable["arguments"], dict)
        USE[family](readable)


@pytest.mark.parametrize("family", SHIPPED)
def test_a_shipped_card_passes_and_a_missing_field_costs_no_other(family: str):
    card = CARDS[family]
    whole = checked(family, card | {"notes": ["kept"]})
    assert whole is not None and whole["scores"] and whole["notes"] == ["kept"]
    USE[family](whole)
    required = {"kind", "arguments"} | {"direction", "labels"} & set(card)
    for field in card:
        shorter = checked(family, {name: value for name, value in card.items() if name != field})
        wrong = checked(family, card | {field: 1.5})
        assert (shorter is None) == (wrong is None) == (field in required), field
        for readable in (shorter, wrong):
            assert readable is None or {name for name in whole if name != "notes" and readable.get(name) != whole[name]} <= {field}


BLEU = {"bleu": 30, "sentences": 7, "interval": [29, 31.5]}
ROW = {"scene": 3, "word": 1, "kind": "stays", "says": "a ring", "pixels": "a ring", "mean": "a star"}
ANSWER = {"says": "yes", "value": 1.5, "low": 1, "high": 2, "unit": "nats", "sentences": 9}
FOUR = dict.fromkeys(("looks", "beyond_position", "used", "points"), ANSWER)
TRIED = {"pictures": 9, "epochs": 1.5, "views": [{"view": "late", "bleu_4": 1}], "whole": {}}
UNIT = {"concept": "x", "layer": 0, "unit": 1, "sign": 1, "clears_all": True, "verdict": "yes", "baselines": {}, "r": 0.5}
TURN = {"name": "Ho", "before": "Chinese", "after": "Dutch", "change": 1}
SEED = {"seed": 2, "accuracy": 0.8, "macro_f1": 0.7, "nats_per_name": 0.6}


@pytest.mark.parametrize(
    ("family", "field", "written", "readable"),
    [
        ("char_lm", "data", {"source": "a book", "bytes": 7, "split": None}, UNKNOWN | {"source": "a book", "bytes": 7}),
        ("char_lm", "data", ["a book"], UNKNOWN),
        ("char_lm", "parameters", True, 0),
        ("char_lm", "scores", {"nats_per_character": 2, "note": [1]}, {"nats_per_character": 2, "note": [1]}),
        ("char_lm", "scores", {"nats_per_character": 10**400}, {}),
        ("char_lm", "scores", {"ngram_nats": {"1": "low"}}, {}),
        ("char_lm", "units", [UNIT, UNIT | {"layer": 2}, UNIT | {"layer": True}, UNIT | {"layer": -1}, UNIT | {"r": 1}, 7], [UNIT]),
        ("translation", "scores", BLEU, BLEU),
        ("translation", "scores", BLEU | {"interval": [29]}, {}),
        ("translation", "scores", BLEU | {"interval": [29, 30, 31]}, {}),
        ("translation", "answers", FOUR | {"points_by_hand": ANSWER | {"ibm1": "low", "diagonal": 1}, "note": 1}, FOUR),
        ("translation", "answers", FOUR | {"used": ANSWER | {"says": "maybe"}}, {}),
        ("translation", "scores", BLEU | {"bleu_by_length": {"1-5": BLEU | {"bleu": "high"}}}, {}),
        ("translation", "paired", {"against": "a", "all": {"a": {}, "b": {"p": 0.5}}, "1-5": 3}, {"against": "a", "p": 0.5}),
        ("translation", "paired", {"against": "a", "all": {"a": {}, "b": {"p": 0.5}, "c": {"p": 0.5}}}, {}),
        ("translation", "paired", {"against": "a", "all": {"a": {}, "b": {"p": None}}}, {}),
        ("captioning", "arguments", {"units": 6}, {"attention": "soft", "units": 6}),
        ("captioning", "scores", {"beams": {}}, {"beams": {}, "against_four": {}}),
        ("captioning", "scores", {"beams": {}, "against_four": {"people": {"bleu": [1, 2, 3]}}}, {"beams": {}, "against_four": {}}),
        ("captioning", "features", TRIED | {"views": [{"bleu_4": "high"}]}, {}),
        ("captioning", "features", TRIED | {"pictures": None}, {}),
        ("captioning", "features", TRIED | {"units": 6, "whole": {"view": "late", "bleu_4": [1], "ships": [1, 2]}}, TRIED),
        ("scenes", "examples", [ROW, ROW | {"word": 2}, ROW | {"word": 1.0}, ROW | {"kind": "?"}, ROW | {"scene": -1}], [ROW]),
        ("scenes", "scores", {"true_captions": 1, "named_right": 1, "scenes": 9, "pointing": {"all": {"n": 1.0}}}, {}),
        ("names", "scores", {"ceiling": {"accuracy": None}, "accuracy": 1, "split": "dev"}, {"ceiling": {}, "accuracy": 1}),
        ("names", "confusion", {"dev": [[1, 2], [3, 4]], "test": [[1]], "train": [[1, 2], [3]]}, {}),
        ("names", "reliability", {"names": [0], "right": [0], "confidence": [0.0]}, None),
        ("names", "seeds", [SEED, SEED | {"seed": "2"}, 3], [SEED]),
        ("names", "examples", [TURN, TURN | {"after": ""}, TURN | {"change": "much"}], [TURN]),
    ],
)  # fmt: skip
def test_what_a_reader_gets(family: str, field: str, written: Any, readable: Any):
    card = checked(family, CARDS[family] | {field: written})
    assert card is not None and repr(card[field]) == repr(readable)


def test_scores_nested_without_end_are_no_scores():
    score = BLEU
    for _ in range(1_000):
        score = BLEU | {"bleu_by_length": {"1-5": score}}
    card = checked("translation", CARDS["translation"] | {"scores": score})
    assert card is not None and card["scores"] == {}


@pytest.mark.parametrize("family", SHIPPED)
def test_an_uploaded_card_keeps_only_what_describes_the_network(family: str):
    loaded, schema = TINY[family](), resolve_name(f"models.{family}.card:Card")
    own = {name: loaded.card[name] for name in ("kind", "direction", "labels") if name in loaded.card}
    claims = {name: value for name, value in CARDS[family].items() if name not in (*own, "arguments")}
    card = schema.of_module(loaded.card | claims, loaded.module)
    assert card == schema.checked(own | {"arguments": card["arguments"], "parameters": sum(p.numel() for p in loaded.module.parameters())})
    assert card["arguments"].items() >= loaded.card["arguments"].items() and not card["scores"] and card["data"] == UNKNOWN


def test_cards_are_listed_without_pydantic():
    code = "import models, sys; models.available(); sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0


def test_half_a_surrogate_pair_is_no_text():
    card = CARDS["translation"]
    assert checked("translation", card | {"direction": "\ud800"}) is None
    kept = checked("translation", card | {"data": card["data"] | {"source": "\udfff"}})
    assert kept is not None and kept["data"]["source"] == UNKNOWN["source"]
    of_module = resolve_name("models.translation.card:Card").of_module
    shown = of_module(card | {"direction": "en\ud800"}, tiny_translator().module)
    assert shown is not None and shown["direction"] == "en?"


@pytest.mark.parametrize("family", TINY)
def test_whole_numbers_too_large_for_a_table_count_as_missing(family: str):
    def larger(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: larger(part) for name, part in value.items()}
        if isinstance(value, list):
            return [larger(part) for part in value]
        return 2**64 if isinstance(value, int) and not isinstance(value, bool) else value

    def largest(value: Any) -> int:
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return max(map(largest, parts), default=value if isinstance(value, int) else 0)

    claims = {name: value for name, value in CARDS[family].items() if name not in ("kind", "arguments", "labels", "direction")}
    odd = CARDS[family] | larger(claims) | {"parameters": 10**400, "curve": [{"update": 10**400, "dev": 1.0}, {"update": 1, "dev": 2.0}]}
    card = checked(family, odd)
    assert card is not None and card["parameters"] == 0 and card["curve"] == [{"update": 1, "dev": 2.0}]
    schema = resolve_name(f"models.{family}.card:Card")
    read = schema.model_fields.keys() - {"kind", "arguments", "recipe", "scores"}  # these keep fields that nobody reads
    assert {name: card[name] for name in read if largest(card[name]) >= 2**63} == {}
