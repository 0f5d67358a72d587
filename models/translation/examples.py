"""Example sentences for the Attention page, and the search for the most instructive one for a given network."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from models.checkpoint import Loaded

COUNT = 200
SURE = 0.5  # least attention weight that counts as a link
# English noun, French noun with its article; adjectives in both French genders.
NOUNS = (
    ("car", "la voiture"), ("house", "la maison"), ("dog", "le chien"), ("cat", "le chat"), ("coat", "le manteau"),
    ("dress", "la robe"), ("book", "le livre"), ("chair", "la chaise"), ("flower", "la fleur"), ("hat", "le chapeau"),
    ("door", "la porte"), ("bag", "le sac"), ("table", "la table"), ("boat", "le bateau"), ("shirt", "la chemise"),
)  # fmt: skip
COLOURS = (("red", "rouge rouge"), ("white", "blanc blanche"), ("black", "noir noire"), ("green", "vert verte"), ("blue", "bleu bleue"))
NAMES = {name for english, french in COLOURS for name in (english, *french.split())}
FRAMES = (
    ("The {0} is in front of the big {1}.", "{the_0} est devant {the} grand{e} {1}."),
    ("I see a {0} and a {1}.", "Je vois {a_0} et {a_1}."),
    ("My {0} is on the {1}.", "{my_0} est sur {the_1}."),
    ("She bought a {0} and a {1}.", "Elle a acheté {a_0} et {a_1}."),
)


@dataclass(frozen=True)
class Example:
    """The example with which the page opens; words are counted from 0, the end mark included.

    Args:
        sentence: The source.
        truth: A reference translation.
        row: Index of the target word of interest.
        step: Decoder step at which that word is written.
        column: Index of the source word it attends to.
        other: Index of the source word to attend to instead.
        looks: The source word at `column`.
        looks_instead: The source word at `other`.
        word: The target word at `row` before the edit.
        becomes: The target word at `row` after the edit.
        crossing: Two source words that appear in the opposite order in the translation.
    """

    sentence: str
    truth: str
    row: int
    step: int
    column: int
    other: int
    looks: str
    looks_instead: str
    word: str
    becomes: str
    crossing: tuple[str, str]


def pairs(direction: str = "en-fr") -> list[tuple[str, str]]:
    """Two hundred sentences with translations: four frames filled with coloured things, after one fixed first sentence."""
    made = [("The red car is in front of the big white house.", "La voiture rouge est devant la grande maison blanche.")]
    for (first, colour), (second, paint), frame in product(product(NOUNS, COLOURS), product(NOUNS, COLOURS), FRAMES):
        remainder = (NOUNS.index(first) * 7 + COLOURS.index(colour) * 3 + NOUNS.index(second) + COLOURS.index(paint) * 5) % 53
        if remainder == FRAMES.index(frame) and first != second and colour != paint:
            made.append(_framed(frame, (first, colour), (second, paint)))
    return [(pair[0], pair[1]) if direction == "en-fr" else (pair[1], pair[0]) for pair in made[:COUNT]]


def _framed(frame: tuple[str, str], *things: tuple[tuple[str, str], tuple[str, str]]) -> tuple[str, str]:
    """A frame filled with two coloured things, in English and in French."""
    words: dict[str, str] = {}
    for index, ((_, noun), (_, colour)) in enumerate(things):
        article, name = noun.split()
        is_feminine = article == "la"
        phrase = f"{name} {colour.split()[is_feminine]}"
        words |= {f"the_{index}": f"{article} {phrase}", f"a_{index}": f"un{'e' * is_feminine} {phrase}"}
        words |= {f"my_{index}": f"m{'a' if is_feminine else 'on'} {phrase}", "the": article, "e": "e" * is_feminine, f"n{index}": phrase}
    english = frame[0].format(*(f"{colour[0]} {noun[0]}" for noun, colour in things))
    french = frame[1].format(words["n0"], words["n1"], **words)
    return english, french[0].upper() + french[1:]


def best_example(loaded: "Loaded") -> dict[str, Any] | None:
    """The sentence with the clearest crossing alignment and the most certain change of a word when its attention is moved.

    Sentences whose translation equals the reference are preferred, and then a colour that becomes another colour, because
    the edited translation is then still a natural sentence.

    Args:
        loaded: A translation network.

    Returns:
        An Example as a dict, for the card; None if the network has no attention or no sentence shows both effects.
    """
    tried = [(value, example) for pair in pairs(loaded.card["direction"]) for value, example in _shown(loaded, *pair)]
    return asdict(max(tried, key=lambda scored: scored[0])[1]) if tried else None


def _is_colour_for_colour(example: Example) -> bool:
    return {example.looks, example.looks_instead, example.word, example.becomes} <= NAMES


def _shown(loaded: "Loaded", sentence: str, truth: str) -> Iterator[tuple[tuple[bool, bool, float], Example]]:
    """Candidates of one sentence: words that cross an earlier one and change when their attention moves, each with its quality."""
    from models.translation.translate import GREEDY, by_words, translate

    module: Any = loaded.module
    own = translate(module, loaded.vocab, sentence, GREEDY)
    best = own.hypotheses[0]
    if best.attention is None or not best.finished:
        return
    source, target, weights = by_words(loaded.vocab, own.source, best.tokens, best.attention)
    places = [places for _, places in loaded.vocab.words(best.tokens)]
    for row, earlier in _crossings(weights):
        if len(places[row]) > 1:
            continue  # a word of several subwords changes only in part
        column, step = int(weights[row].argmax()), places[row][0]
        sure = min(weights[row].max(), weights[earlier].max(), np.exp(best.log_probabilities[step]))
        crossing = (source[column], source[int(weights[earlier].argmax())])
        for other in sorted(set(weights[:-1].argmax(1).tolist()) - {column, len(source) - 1}):
            p, becomes = _instead(loaded, sentence, step, other)
            if becomes and becomes != target[row]:
                names = source[column], source[other], target[row], becomes
                example = Example(sentence, truth, row, step, column, other, *names, crossing)
                yield (own.text == truth, _is_colour_for_colour(example), min(sure, p)), example


def _crossings(weights: np.ndarray) -> Iterator[tuple[int, int]]:
    """Target words [row] that clearly attend to the left of an earlier word's source word; each with the nearest such word."""
    links, clear = weights.argmax(1), weights.max(1) >= SURE
    for row in np.flatnonzero(clear):
        before = [earlier for earlier in np.flatnonzero(clear[:row]) if links[earlier] > links[row]]
        if before and (links == links[row]).sum() == 1:
            yield int(row), int(before[-1])


def _instead(loaded: "Loaded", sentence: str, step: int, word: int) -> tuple[float, str]:
    """Probability and word written at a step when all attention is on another source word."""
    from models.decoding import Edits
    from models.translation.translate import GREEDY, source_of, translate, weights_on

    edits = Edits(attention={step: weights_on(loaded.vocab, source_of(loaded.vocab, sentence), word)})
    module: Any = loaded.module
    changed = translate(module, loaded.vocab, sentence, GREEDY, edits).hypotheses[0]
    if not changed.finished or len(changed.tokens) <= step + 1:
        return 0.0, ""
    written = next(word for word, places in loaded.vocab.words(changed.tokens) if step in places)
    return float(np.exp(changed.log_probabilities[step])), written
