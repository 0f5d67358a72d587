"""Result tables of translation networks: BLEU, BLEU by length, paired comparisons, and the attention tests."""

from collections.abc import Mapping
from typing import Any

from models.results import Cards, Table, code, interval, paired, split_of

QUESTIONS = {
    "looks": "looks at the source states",
    "beyond_position": "uses more than position",
    "used": "the output depends on it",
    "points": "points at the right word (IBM model 1)",
    "points_by_hand": "points at the right word (human alignments)",
}
# Units as older cards name them, in plain words.
UNITS = {"share that follows": "share that moves with the states", "bits a row": "bits per row", "nats a word": "nats per word"}


def tables(cards: Cards) -> list[Table]:
    """Tables of BLEU, BLEU by length, paired comparisons by length, and the answers of the attention tests."""
    bleu = Table(
        "Translation networks",
        f"Case-sensitive BLEU (sacreBLEU) on {split_of(cards)} with all known references and beam width 5, and its bootstrap interval; "
        "higher is better. Then BLEU with greedy decoding, with one reference only, and on sentences that differ in at least two words "
        "from every training sentence; chrF; the share of exact matches; the p-value of a paired bootstrap against the named network. "
        f"Signature: {', '.join(dict.fromkeys(code(card['scores']['signature']) for card in cards.values()))}.",
        ("network", "parameters", "sentences", "BLEU", "greedy", "one reference", "unlike training", "chrF", "exact match", "p-value"),
        [_row(name, card) for name, card in cards.items()],
    )
    lengths = list(dict.fromkeys(length for card in cards.values() for length in card["scores"]["bleu_by_length"]))
    by_length = Table(
        "Translation networks by length",
        "BLEU and its interval, by number of words in the source sentence.",
        ("network", *lengths),
        [
            [code(name), *(interval(part["bleu"], part["interval"]) for part in card["scores"]["bleu_by_length"].values())]
            for name, card in cards.items()
        ],
    )
    worth = Table(
        "Gain from attention by length",
        "BLEU divided by that of the network compared with, by number of words in the source sentence; in brackets the p-value of a paired "
        "bootstrap.",
        ("network", "compared with", *lengths),
        [_shares(name, card["paired"], lengths) for name, card in cards.items() if "paired" in card],
    )
    answers = Table(
        "Is the attention real?",
        "Four tests on dev sentence pairs, each with its value and interval. The last one compares the attention with the alignments of "
        "IBM model 1, a statistical word aligner, and with alignments by hand; baselines are IBM model 1 itself and the diagonal, which "
        "aligns each word with the word at the same relative position. Values for attentions that are known to be real or fake are in "
        "models/translation/attention_references.json. None of the four tests shows that the weights are the reason for a word.",
        ("network", "test", "answer", "value", "unit", "sentences"),
        [_answer(name, key, card["answers"][key]) for name, card in cards.items() if card.get("answers") for key in QUESTIONS],
    )
    return [bleu, by_length, worth, answers]


def _row(name: str, card: Mapping[str, Any]) -> list[str]:
    scores = card["scores"]
    others = [scores["greedy_bleu"], scores["one_reference"]["bleu"], scores["far_from_training"]["bleu"], scores["chrf"]]
    row = [code(name), f"{card['parameters']:,}", f"{scores['sentences']:,}", interval(scores["bleu"], scores["interval"])]
    return [*row, *(f"{score:.1f}" for score in others), f"{scores['exact_match']:.3f}", paired(name, card)]


def _shares(name: str, test: Mapping[str, Any], lengths: list[str]) -> list[str]:
    against = test["against"]
    parts = [test[length] for length in lengths]
    return [code(name), code(against), *(f"{part[name]['bleu'] / part[against]['bleu']:.2f} ({part[name]['p']:.3f})" for part in parts)]


def _answer(name: str, key: str, answer: Mapping[str, Any]) -> list[str]:
    value = interval(answer["value"], (answer["low"], answer["high"]), ".2f")
    if "ibm1" in answer:
        value += f"; IBM model 1 {answer['ibm1']:.2f}, diagonal {answer['diagonal']:.2f}"
    return [code(name), QUESTIONS[key], answer["says"], value, UNITS.get(answer["unit"]) or answer["unit"], f"{answer['sentences']:,}"]
