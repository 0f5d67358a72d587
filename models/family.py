"""Families of networks as values: what each is called, what it is trained on, and what its runs give.

Everything is named, nothing imported: the list of families costs no torch. A new family is a folder with a `FAMILY` in its
`__init__`, and its name in FAMILIES.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from explorer.errors import CheckpointError, ExplorerError

FAMILIES = (  # folders, in the order of lists and pickers
    "char_lm",
    "translation",
    "captioning",
    "scenes",
    "names",
    "memory_tasks",
)

# What the run of a network can give, and so which panels can show it.
EMITS = {
    "trace": "hidden states and gates for each token of a text",
    "next_token": "the probability of every next token of any text",
    "alignment": "weights over the tokens of the input, for each token of the output",
    "regions": "weights over the regions of a picture, for each word of a caption",
    "known_truth": "captions of pictures of which everything true is known",
    "class_probabilities": "the probability of each class, after each token",
}


class TrainingError(ExplorerError):
    """A training that cannot start or go on."""


@dataclass(frozen=True)
class Corpus:
    """Data to train on: what a card says of it, where it lies, and where it comes from.

    Args:
        title, source, licence, address: For people; the address is that of the download, where there is one.
        path: File or folder below a data folder; empty where nothing is read from there.
        boundary: Where a text may be cut without tearing a page, a source file or a speech apart; empty where it is no one text.
        sha256: Checksum of the download, where it is known. text_sha256: that of the text in it, where only that is known.
        size: Of the whole public data, least and most: bytes of a file, rows of lists.
        not_fetched: Why it is not downloaded, in a sentence with {name} for what was asked for; empty where it is.
    """

    title: str
    source: str
    licence: str
    address: str = ""
    path: str = ""
    boundary: str = ""
    sha256: str | None = None
    text_sha256: str | None = None
    size: tuple[int, int] = (0, 0)
    not_fetched: str = ""


@dataclass(frozen=True, eq=False)
class Family:
    """One kind of network: everything that the command line and the pages ask of it. Modules are named, "module" or "module:name".

    Args:
        kind: As in the header of checkpoints; never changes. None: its networks are trained live and not kept.
        network: The module that a checkpoint is rebuilt as.
        vocabulary: What reads the vocabulary of a card: `of_card(card)`, which raises ValueError for a damaged one. None: it reads no text.
        card: The schema of its cards for those who show them, a models.card.Card. None: its cards are not shown.
        check: What refuses a damaged card, beside its vocabulary: raises ValueError with the end of a sentence. None: nothing more.
        recipes: What is trained, by name: `corpus`, `arguments` of the network, `recipe` (models.training.Recipe), and what else
            its training asks for.
        corpora: What it can be trained on, by name.
        data: Has `find(corpus)` and `read(path)`, and where a corpus can be downloaded `fetch(corpus, folder, progress)` and
            `summary(corpus, path)`.
        training: Has `trainers(name, data, state, device, epochs)`, `finish(name, state, data, target, report)` and
            `evaluate(loaded, path, report)`.
        headline: The scores that `list` shows, by their name in a card: how each is written.
        emits: What its runs give, some of EMITS: a panel asks for these, never for a kind.
        commands: Its part of the command line: has a Typer called `app`.
        searches: Whether its text is searched for: `evaluate` takes the `width` of the beam.
        compares: Whether `training` has `compare(loaded, data, report)`.
        needs: Other networks that its own cannot do without.
    """

    kind: str | None
    network: str
    vocabulary: str | None = "models.vocabulary.characters:Vocabulary"
    card: str | None = None
    check: str | None = None
    recipes: dict[str, dict[str, Any]] = field(default_factory=dict)
    corpora: dict[str, Corpus] = field(default_factory=dict)
    data: str | None = None
    training: str | None = None
    headline: Mapping[str, str] = field(default_factory=dict)
    emits: frozenset[str] = frozenset()
    commands: str | None = None
    searches: bool = False
    compares: bool = False
    needs: tuple["Family", ...] = ()

    def __post_init__(self) -> None:
        _known(*self.emits)

    @property
    def folder(self) -> str:
        """Its folder in models/."""
        return self.network.split(".")[1]


def families() -> list[Family]:
    """Every family, in the order of FAMILIES, each followed by what it needs."""
    named_here = (importlib.import_module(f"models.{folder}").FAMILY for folder in FAMILIES)
    return [member for family in named_here for member in (family, *family.needs)]


def kinds() -> dict[str, Family]:
    """The family of every kind of checkpoint."""
    return {family.kind: family for family in families() if family.kind}


def of_kind(kind: str) -> Family:
    """The family of a kind of checkpoint.

    Raises:
        CheckpointError: no family has that kind; the message lists those there are.
    """
    if kind not in kinds():
        raise CheckpointError(f"No network is of kind {kind!r}. Known kinds: {', '.join(sorted(kinds()))}.")
    return kinds()[kind]


def emitting(*names: str) -> tuple[str, ...]:
    """The kinds of checkpoints whose runs give all of some things; `emitting("alignment")`: those with something to look at.

    Raises:
        ValueError: a name is none of EMITS.
    """
    _known(*names)
    return tuple(kind for kind, family in kinds().items() if family.emits.issuperset(names))


def _known(*names: str) -> None:
    for name in names:
        if name not in EMITS:
            raise ValueError(f"No network gives {name!r}. Expected some of {', '.join(EMITS)}.")


def recipes() -> dict[str, dict[str, Any]]:
    """What is trained and how, by name, in the order of the families."""
    return {name: recipe for family in families() for name, recipe in family.recipes.items()}


def of_recipe(name: str) -> Family:
    """The family that trains a recipe.

    Raises:
        TrainingError: there is no such recipe; the message lists those there are.
    """
    for family in families():
        if name in family.recipes:
            return family
    raise TrainingError(f"There is no recipe called {name!r}. Known: {', '.join(recipes())}.")


def corpora() -> dict[str, Corpus]:
    """What networks are trained on, by name."""
    return {name: corpus for family in families() for name, corpus in family.corpora.items()}


def of_corpus(name: str) -> Family | None:
    """The family that is trained on a corpus; None where none is."""
    return next((family for family in families() if name in family.corpora), None)


def named(path: str | None) -> Any:
    """What is named "module", or "module:name".

    Raises:
        ValueError: nothing is named, for the family has no such part.
    """
    if path is None:
        raise ValueError("This family has no such part.")
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name) if name else importlib.import_module(module)


def handed_on(package: str, modules: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """A `__getattr__` for a family's folder: gives some names of its modules, each loaded when first asked for (PEP 562).

    Args:
        package: Name of the folder, "models.char_lm".
        modules: Names that the folder gives, by the module in it that has them.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return named(f"{package}.{homes[name]}:{name}")

    return get
