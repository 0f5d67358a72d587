"""What can be measured of a network: the question, the answer, and where the answer is kept.

A family that can be measured has a module `experiments` with a table MEASUREMENTS: name -> "module:function", the usual one first;
functions are named, not imported, because a page needs none of them. Each is called with (subject, options, report): `options` is a
frozen dataclass whose fields are `Annotated` with a sentence of help, from which the command line makes its options; `report` is
called with a line whenever a part of the work is done. The function gives a `Measured`.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from reprlib import repr as short
from typing import Any

import models
from explorer.errors import CheckpointError, ExplorerError
from models import checkpoint
from models.family import families, kinds, of_recipe, recipes
from models.files import write_atomically

Report = Callable[[str], None]


@dataclass(frozen=True)
class Subject:
    """What is measured: one network, all networks of one training text, or a whole family.

    Args:
        name: As it was given. family: the folder of models/ that measures it.
        file: The checkpoint of the network; None where no network was named.
        corpus: The training data; None where only a family was named, or a card does not say.
    """

    name: str
    family: str
    file: Path | None = None
    corpus: str | None = None

    def network(self) -> checkpoint.Loaded:
        """The network.

        Raises:
            CheckpointError: none was named, or its file is missing or damaged.
        """
        if self.file is None:
            raise CheckpointError(f"{self.name!r} is not a network; expected one of `python -m models list`, or a .safetensors file.")
        return checkpoint.load(self.file)

    def training_data(self) -> str:
        """The name of the training data.

        Raises:
            CheckpointError: only a family was named, or the card of the network does not say.
        """
        if self.corpus is None:
            known = _listed(corpus for corpus, folder in _corpora().items() if folder == self.family)
            raise CheckpointError(f"{self.name!r} does not say which training data; expected a network whose card does, or one of {known}.")
        return self.corpus


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured, and where it belongs.

    Args:
        values: As JSON holds them. lines: the same for reading.
        cards: The fields that go into the card of each checkpoint file. files: the text of every other file.
    """

    values: Any
    lines: tuple[str, ...]
    cards: Mapping[Path, Mapping[str, Any]] = field(default_factory=dict)
    files: Mapping[Path, str] = field(default_factory=dict)

    def save(self) -> None:
        """Write the cards and the files.

        Raises:
            CheckpointError: a checkpoint is missing or damaged.
            OSError: a file cannot be written.
        """
        for path, fields in self.cards.items():
            checkpoint.update_card(path, **fields)
        for path, text in self.files.items():
            write_atomically(path, text.encode())


Measurement = Callable[[Subject, Any, Report], Measured]


def subject(name: str) -> Subject:
    """What a name stands for: a network, a .safetensors file, a recipe, training data, or a family.

    Raises:
        CheckpointError: it stands for nothing, or its file is missing, damaged or of an unknown kind.
    """
    is_path = name.endswith(".safetensors")
    file = Path(name) if is_path else models.folder_of_checkpoints() / f"{name}.safetensors"
    recipe = recipes().get(file.stem)
    if is_path or file.exists():
        card = checkpoint.read_card(file)
        data = card.get("data")
        named = data.get("corpus") if isinstance(data, dict) else None
        corpus = named if isinstance(named, str) else None
        return Subject(name, family_of(card.get("kind")), file, corpus or (recipe["corpus"] if recipe else None))
    if recipe:
        return Subject(name, of_recipe(name).folder, file, recipe["corpus"])
    if name in _corpora():
        return Subject(name, _corpora()[name], corpus=name)
    if name in measurable():
        return Subject(name, name)
    raise CheckpointError(
        f"Nothing is called {name!r}. Expected a network of `python -m models list`, a .safetensors file, "
        f"training data ({_listed(_corpora())}) or a family ({_listed(measurable())})."
    )


def measurements(family: str) -> dict[str, Measurement]:
    """What can be measured of a family, the usual measurement first; empty where there is nothing."""
    name = f"models.{family}.experiments"
    table = getattr(importlib.import_module(name), "MEASUREMENTS", {}) if importlib.util.find_spec(name) else {}
    pairs = {what: where.split(":") for what, where in table.items()}
    return {what: getattr(importlib.import_module(module), function) for what, (module, function) in pairs.items()}


def measurable() -> list[str]:
    """The families that can be measured."""
    folders = sorted(file.parent.name for file in Path(__file__).parent.glob("*/__init__.py"))
    return [folder for folder in folders if measurements(folder)]


def measurement(about: Subject, what: str | None = None) -> tuple[str, Measurement]:
    """A measurement of a subject's family by name, the usual one if no name is given; its name comes first.

    Raises:
        ExplorerError: the family has none, or none of that name; the message lists those there are.
    """
    known = measurements(about.family)
    if not known:
        raise ExplorerError(f"Nothing can be measured of {about.name} yet. Expected a network of {_listed(measurable())}.")
    name = next(iter(known)) if what is None else what
    if name not in known:
        raise ExplorerError(f"{about.name} has no measurement called {name!r}. Expected one of {_listed(known)}.")
    return name, known[name]


def family_of(kind: Any) -> str:
    """The folder of models/ of a kind of network."""
    if not isinstance(kind, str) or kind not in kinds():
        raise CheckpointError(f"The card is of kind {short(kind)}. Known kinds: {_listed(sorted(kinds()))}.")
    return kinds()[kind].folder


def _corpora() -> dict[str, str]:
    """The folder of models/ that each training data are for."""
    return {corpus: family.folder for family in families() for corpus in family.corpora}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
