"""Descriptions of the families of networks: kind, modules, recipes, corpora, and the outputs of a run.

Modules are given by name and not imported, so listing the families does not import torch. To add a family, add a folder with a
`FAMILY` in its `__init__`, and its name to FAMILIES.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.errors import CheckpointError, ExplorerError

HOME = Path(__file__).parent.parent
IS_PROJECT = (HOME / "pyproject.toml").is_file()  # the project's tree; else the folder that recurrent-explorer-app installed
PROGRAM = "python -m models" if IS_PROJECT else "recurrent-explorer"  # the command as users type it

FAMILIES = (  # folders, in the order of lists and menus
    "char_lm",
    "translation",
    "captioning",
    "scenes",
    "names",
    "memory_tasks",
    "foreign",
)

# Possible outputs of a run, which determine the panels that can show a network.
EMITS = {
    "trace": "hidden states and gates for each token of a text",
    "any_text": "hidden states and gates for each token of any text that is typed, as Hidden states shows them",
    "next_token": "the probability of every next token of any text",
    "alignment": "weights over the tokens of the input, for each token of the output",
    "regions": "weights over the regions of a picture, for each word of a caption",
    "known_truth": "captions of pictures whose content is known exactly",
    "class_probabilities": "the probability of each class, after each token",
}


class TrainingError(ExplorerError):
    """The training cannot start or resume."""


@dataclass(frozen=True)
class Corpus:
    """Training data: its description for cards, its location and its origin.

    Args:
        title: Title for people.
        source: Origin for people.
        licence: Licence for people.
        address: Address of the download, if there is one.
        path: File or folder below a data folder; empty if nothing is read from there.
        boundary: Pattern of positions between pages, source files or speeches, where a text may be split; empty for other data.
        sha256: Checksum of the download, if known.
        text_sha256: Checksum of the text in the download, if only that is known.
        size: Minimum and maximum size of the public data: bytes of a file, or rows of lists.
        characters: Number of characters of the text, if it is known while the checksum is not.
        not_fetched: A sentence on why it cannot be downloaded, with {name} for the requested name; empty if it can.
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
    characters: int | None = None
    not_fetched: str = ""


@dataclass(frozen=True, eq=False)
class Family:
    """Everything that the command line and the pages need of one kind of network. Modules are given as "module" or "module:name".

    Args:
        kind: Kind in the header of checkpoints; must never change. None: its networks are trained live and not saved.
        network: Class from which a checkpoint is rebuilt.
        vocabulary: Class with `of_card(card)`, which raises ValueError for a damaged vocabulary. None: it reads no text.
        card: Schema of its cards for display, a models.card.Card. None: its cards are not shown.
        check: Function that raises ValueError, with the end of a sentence, for a damaged card. None: only the vocabulary is checked.
        recipes: Recipes by name: `corpus`, `arguments` of the network, `recipe` (models.training.Recipe), and further settings of
            its training.
        corpora: Training data by name.
        data: Module with `find(corpus)` and `read(path)` and, if a corpus can be downloaded, `fetch(corpus, folder, progress)` and
            `summary(corpus, path)`.
        training: Module with `trainers(name, data, state, device, epochs)`, `finish(name, state, data, target, report)` and
            `evaluate(loaded, path, report)`.
        headline: Format of the scores that `list` shows, by their key in a card.
        emits: Outputs of its runs, from EMITS; panels ask for these, never for a kind.
        commands: Module of its commands, with a Typer called `app`.
        searches: Whether it uses beam search: `evaluate` then takes the `width` of the beam.
        compares: Whether `training` has `compare(loaded, data, report)`.
        needs: Families of other networks that its own networks need, or that its folder holds beside them.
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
    """All families in the order of FAMILIES, each followed by the families it needs."""
    named_here = (importlib.import_module(f"models.{folder}").FAMILY for folder in FAMILIES)
    return [member for family in named_here for member in (family, *family.needs)]


def kinds() -> dict[str, Family]:
    """The family of every kind of checkpoint."""
    return {family.kind: family for family in families() if family.kind}


def of_kind(kind: str) -> Family:
    """The family of a kind of checkpoint.

    Raises:
        CheckpointError: no family has that kind; the message lists the known kinds.
    """
    if kind not in kinds():
        raise CheckpointError(f"No network is of kind {kind!r}. Known kinds: {', '.join(sorted(kinds()))}.")
    return kinds()[kind]


def emitting(*names: str) -> tuple[str, ...]:
    """The kinds of checkpoints whose runs have all the given outputs; `emitting("alignment")` gives those with attention.

    Raises:
        ValueError: a name is not in EMITS.
    """
    _known(*names)
    return tuple(kind for kind, family in kinds().items() if family.emits.issuperset(names))


def _known(*names: str) -> None:
    for name in names:
        if name not in EMITS:
            raise ValueError(f"No network gives {name!r}. Expected some of {', '.join(EMITS)}.")


def recipes() -> dict[str, dict[str, Any]]:
    """All recipes by name, in the order of the families."""
    return {name: recipe for family in families() for name, recipe in family.recipes.items()}


def of_recipe(name: str) -> Family:
    """The family that trains a recipe.

    Raises:
        TrainingError: there is no such recipe; the message lists the known ones.
    """
    for family in families():
        if name in family.recipes:
            return family
    raise TrainingError(f"There is no recipe called {name!r}. Known: {', '.join(recipes())}.")


def corpora() -> dict[str, Corpus]:
    """All training data by name."""
    return {name: corpus for family in families() for name, corpus in family.corpora.items()}


def of_corpus(name: str) -> Family | None:
    """The family that is trained on a corpus; None if there is none."""
    return next((family for family in families() if name in family.corpora), None)


def named(path: str | None) -> Any:
    """The object named "module" or "module:name".

    Raises:
        ValueError: the path is None, because the family has no such part.
    """
    if path is None:
        raise ValueError("This family has no such part.")
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name) if name else importlib.import_module(module)


def handed_on(package: str, modules: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """A `__getattr__` for a family's folder that gives names of its modules, loading each module when first needed (PEP 562).

    Args:
        package: Name of the folder, "models.char_lm".
        modules: Names that the folder exports, by the module that defines them.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return named(f"{package}.{homes[name]}:{name}")

    return get
