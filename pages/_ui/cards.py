"""What the pages believe of a checkpoint's card: whatever stands in a file may be missing or of the wrong form."""

from typing import Any

UNKNOWN = {"corpus": "", "source": "a text its card does not name", "licence": "unknown"}
OF_A_UNIT = {"concept": str, "layer": int, "unit": int, "sign": int, "clears_all": bool, "verdict": str, "baselines": dict, "r": float}

BESIDE = ("majority", "ngram_logistic", "ceiling")
SPLITS = ("dev", "train", "dev_shared")
QUESTIONS = ("looks", "beyond_position", "used", "points")


def believed(card: dict[str, Any]) -> dict[str, Any] | None:
    """The card with every field that pages read in its right form; None where the network cannot be shown."""
    read = {
        "char_lm": _of_characters,
        "seq2seq": _of_translation,
        "classifier": _of_names,
        "captioner": _of_captions,
        "scenes": _of_captions,
    }.get(card["kind"])
    return read(card) if read else None


def _of_characters(card: dict[str, Any]) -> dict[str, Any] | None:
    size = card.get("arguments")
    if not isinstance(size, dict) or size.get("cell") not in ("rnn", "lstm", "gru"):
        return None
    if not all(type(size.get(name)) is int and size[name] > 0 for name in ("layers", "units")):
        return None
    scores, units = card.get("scores"), card.get("units")
    told = _of_any(card) | {"scores": scores if _are_numbers(scores) else {}}
    told["units"] = [unit for unit in units if _is_unit(unit, size)] if isinstance(units, list) else []
    return card | told


def _of_translation(card: dict[str, Any]) -> dict[str, Any] | None:
    if not isinstance(card.get("direction"), str):
        return None
    scores, example = card.get("scores"), card.get("example")
    told = _of_any(card) | {"scores": scores if isinstance(scores, dict) and _is_bleu(scores) else {}}
    told["answers"] = _answers(card.get("answers"))
    told["paired"] = _paired(card.get("paired"))
    return card | told | {"example": example if _is_example(example) else None}


def _paired(paired: Any) -> dict[str, Any]:
    """With which network a paired bootstrap compared this one on all of dev, and how often chance gives so large a difference."""
    scores = paired.get("all") if isinstance(paired, dict) else None
    if not isinstance(scores, dict) or not all(isinstance(each, dict) for each in scores.values()):
        return {}
    chances = [each.get("p") for name, each in scores.items() if name != paired.get("against")]
    is_sound = isinstance(paired.get("against"), str) and len(chances) == 1 and isinstance(chances[0], float | int)
    return {"against": paired["against"], "p": chances[0]} if is_sound else {}


def _of_names(card: dict[str, Any]) -> dict[str, Any] | None:
    labels, size = card.get("labels"), card.get("arguments")
    if not isinstance(labels, list) or len(labels) < 2 or not all(isinstance(label, str) and label for label in labels):
        return None
    if not isinstance(size, dict) or size.get("cell") not in ("rnn", "lstm", "gru", "linear"):
        return None
    scores, counts, bins, examples = (card.get(name) for name in ("scores", "confusion", "reliability", "examples"))
    told = _of_any(card) | {"scores": _scores_of_names(scores) if isinstance(scores, dict) else {}}
    tables = counts.items() if isinstance(counts, dict) else ()
    told["confusion"] = {name: rows for name, rows in tables if name in SPLITS and _is_square(rows, len(labels))}
    told["reliability"] = bins if _are_bins(bins) else None
    rows = examples if isinstance(examples, list) else []
    return card | told | {"examples": [row for row in rows if isinstance(row, dict) and _is_turn(row)]}


def _scores_of_names(scores: dict[str, Any]) -> dict[str, Any]:
    """The scores that are numbers, and those of what stands beside the network."""
    told = {name: value for name, value in scores.items() if isinstance(value, int | float) and name not in BESIDE}
    if isinstance(scores.get("prior"), str):
        told["prior"] = scores["prior"]
    if _are_by_stem(scores.get("by_stem")):
        told["by_stem"] = scores["by_stem"]
    beside = {name: scores[name] for name in BESIDE if isinstance(scores.get(name), dict)}
    return told | {name: _scores_of_names(each) for name, each in beside.items()}


def _are_by_stem(told: Any) -> bool:
    """Whether it is an accuracy on names of known stems, and one on new ones, each with how many they were."""
    if not isinstance(told, dict) or type(told.get("letters")) is not int:
        return False
    parts = [told.get(part) for part in ("known", "new")]
    return all(isinstance(part, dict) and part.get("names") and isinstance(part.get("accuracy"), float) for part in parts)


def _is_square(rows: Any, size: int) -> bool:
    if not isinstance(rows, list) or len(rows) != size:
        return False
    return all(isinstance(row, list) and len(row) == size and all(type(n) is int and n >= 0 for n in row) for row in rows)


def _are_bins(bins: Any) -> bool:
    if not isinstance(bins, dict):
        return False
    columns = [bins.get(name) for name in ("names", "right", "confidence")]
    lists = [column for column in columns if isinstance(column, list) and all(isinstance(n, int | float) for n in column)]
    return len(lists) == 3 and 0 < len(lists[0]) == len(lists[1]) == len(lists[2]) and sum(lists[0]) > 0


def _is_turn(row: dict[str, Any]) -> bool:
    texts = all(isinstance(row.get(name), str) and row[name] for name in ("name", "before", "after"))
    return texts and isinstance(row.get("change"), float | int)


def _of_captions(card: dict[str, Any]) -> dict[str, Any] | None:
    arguments, scores = card.get("arguments"), card.get("scores")
    if not isinstance(arguments, dict) or arguments.get("attention", "soft") not in ("none", "soft"):
        return None
    told = _of_any(card) | {"arguments": {"attention": "soft"} | arguments}
    scores = scores if isinstance(scores, dict) else {}
    if card["kind"] == "scenes":
        is_whole = all(isinstance(scores.get(name), float | int) for name in ("true_captions", "named_right", "scenes"))
        pointing = scores.get("pointing", {})
        is_whole = is_whole and isinstance(pointing, dict) and all(_is_game(row) for row in pointing.values())
    else:
        beams = scores.get("beams")
        is_whole = isinstance(beams, dict) and all(_is_caption_score(each) for each in beams.values())
        told["features"] = _features(card.get("features"))
        four = scores.get("against_four")
        four = four if isinstance(four, dict) else {}
        scores = scores | {"against_four": {who: row for who, row in four.items() if isinstance(row, dict) and _are_four(row.get("bleu"))}}
    examples = card.get("examples")
    examples = examples if isinstance(examples, list) else []
    return card | told | {"scores": scores if is_whole else {}, "examples": [row for row in examples if _is_hiding(row)]}


def _is_hiding(row: Any) -> bool:
    """Whether it is an example of a word that changes, or stays, when the place is hidden that was looked at for it."""
    if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in ("says", "pixels", "mean")):
        return False
    scene, word = row.get("scene"), row.get("word")
    return row.get("kind") in ("changes", "stays") and type(scene) is int and scene >= 0 and word in range(len(row["says"].split()))


def _is_game(row: Any) -> bool:
    """Whether it is a row of the pointing game: numbers, or nothing where there was nothing to ask."""
    return (
        isinstance(row, dict) and type(row.get("n")) is int and all(each is None or isinstance(each, float | int) for each in row.values())
    )


def _is_caption_score(score: Any) -> bool:
    if not isinstance(score, dict) or not isinstance(score.get("cider_d"), float | int) or type(score.get("images")) is not int:
        return False
    return _are_four(score.get("bleu")) and _are_four(score.get("without_brevity_penalty"))


def _are_four(values: Any) -> bool:
    """Whether these are the BLEU of orders 1 to 4."""
    return isinstance(values, list) and len(values) == 4 and all(isinstance(each, float | int) for each in values)


def _features(told: Any) -> dict[str, Any]:
    """The views of a picture that were tried in short trainings, see models/captioning/experiments.py."""
    rows = told.get("views") if isinstance(told, dict) else None
    rows = [row for row in rows if isinstance(row, dict) and isinstance(row.get("bleu_4"), float | int)] if isinstance(rows, list) else []
    if not rows:
        return {}
    whole = told.get("whole")
    return {"pictures": told.get("pictures"), "epochs": told.get("epochs"), "views": rows, "whole": whole if _is_whole(whole) else {}}


def _is_whole(told: Any) -> bool:
    """Whether it holds the scores of two trainings after each epoch."""
    if not isinstance(told, dict) or not isinstance(told.get("view"), str):
        return False
    both = [told.get(name) for name in ("bleu_4", "ships")]
    lists = [each for each in both if isinstance(each, list) and all(isinstance(value, float | int) for value in each)]
    return len(lists) == 2 and 0 < len(lists[0]) == len(lists[1])


def _of_any(card: dict[str, Any]) -> dict[str, Any]:
    data = card.get("data")
    texts = {k: v for k, v in data.items() if isinstance(v, str | int)} if isinstance(data, dict) else {}
    return {"data": UNKNOWN | texts, "parameters": card["parameters"] if type(card.get("parameters")) is int else 0}


def _is_bleu(score: Any) -> bool:
    """Whether it is a BLEU with its interval and number of sentences, and so are those by length."""
    if not isinstance(score, dict) or not isinstance(score.get("bleu"), float | int) or type(score.get("sentences")) is not int:
        return False
    ends, parts = score.get("interval"), score.get("bleu_by_length", {})
    is_pair = isinstance(ends, list) and len(ends) == 2 and all(isinstance(end, float | int) for end in ends)
    return is_pair and isinstance(parts, dict) and all(_is_bleu(part) for part in parts.values())


def _answers(answers: Any) -> dict[str, Any]:
    """The four answers, where all are there in their right form, and the one held against people's links, where it is."""
    if not isinstance(answers, dict) or not all(_is_answer(answers.get(question)) for question in QUESTIONS):
        return {}
    hand, told = answers.get("points_by_hand"), {question: answers[question] for question in QUESTIONS}
    if _is_answer(hand) and hand and all(isinstance(hand.get(name), float | int) for name in ("ibm1", "diagonal")):
        told["points_by_hand"] = hand
    return told


def _is_answer(answer: Any) -> bool:
    """Whether it is one of the answers on attention: what it says, its number with an interval, and of how many sentences."""
    if not isinstance(answer, dict) or answer.get("says") not in ("yes", "no", "cannot tell"):
        return False
    numbers = all(isinstance(answer.get(name), float | int) for name in ("value", "low", "high"))
    return numbers and isinstance(answer.get("unit"), str) and type(answer.get("sentences")) is int


def _is_example(example: Any) -> bool:
    if not isinstance(example, dict):
        return False
    numbers = all(type(example.get(name)) is int and example[name] >= 0 for name in ("row", "step", "column", "other"))
    texts = all(isinstance(example.get(name), str) for name in ("sentence", "truth", "looks", "looks_instead", "word", "becomes"))
    crossing = example.get("crossing")
    return numbers and texts and isinstance(crossing, list) and len(crossing) == 2 and all(isinstance(word, str) for word in crossing)


def of_module(card: dict[str, Any], module: Any) -> dict[str, Any]:
    """The card of a file nobody vouches for: its size read off the network itself; claims about it are left out."""
    told = {"kind": card["kind"], "arguments": card["arguments"], "parameters": sum(p.numel() for p in module.parameters())}
    told |= {"data": UNKNOWN, "scores": {}}
    if card["kind"] == "char_lm":
        size = {"layers": module.rnn.num_layers, "units": module.rnn.hidden_size}
        return told | {"arguments": card["arguments"] | size, "units": []}
    if card["kind"] in ("captioner", "scenes"):
        return told | {"arguments": card["arguments"] | {"attention": "soft" if module.looks else "none"}, "examples": []}
    direction = card.get("direction")
    return told | {"direction": direction if isinstance(direction, str) else "", "answers": {}, "paired": {}, "example": None}


def _are_numbers(scores: Any) -> bool:
    if not isinstance(scores, dict) or not isinstance(scores.get("nats_per_character", 0.0), int | float):
        return False
    table = scores.get("ngram_nats", {})
    return isinstance(table, dict) and all(isinstance(nats, int | float) for nats in table.values())


def _is_unit(unit: Any, size: dict[str, Any]) -> bool:
    if not isinstance(unit, dict) or not all(isinstance(unit.get(name), form) for name, form in OF_A_UNIT.items()):
        return False
    return 0 <= unit["layer"] < size["layers"] and 0 <= unit["unit"] < size["units"]
