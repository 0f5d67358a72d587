"""Measurements of networks: their subject, their result, and the files in which the result is saved.

A family with measurements has a module `experiments` with a table MEASUREMENTS: name -> "module:function", the default first.
Functions are given by name and not imported, because pages do not need them. Each is called with (subject, options, report):
`options` is a frozen dataclass whose fields are `Annotated` with a help text, from which the command line makes its options;
`report` is called with a line of text after each part of the work. The function returns a `Measured`.
"""

import importlib
import importlib.util
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from reprlib import repr as short
from typing import Any

import models
from explorer.errors import CheckpointError, ExplorerError, RecordingError
from models import checkpoint
from models.family import PROGRAM, families, kinds, of_recipe, recipes
from models.files import write_atomically

Report = Callable[[str], None]


@dataclass(frozen=True)
class Subject:
    """The subject of a measurement: one network, all networks of one training text, or a whole family.

    Args:
        name: The name as given.
        family: Folder of models/ that measures it.
        file: The checkpoint of the network; None if no network was named.
        corpus: The training data; None if only a family was named, or if the card does not name it.
    """

    name: str
    family: str
    file: Path | None = None
    corpus: str | None = None

    def network(self) -> checkpoint.Loaded:
        """The network.

        Raises:
            CheckpointError: no network was named, or its file is missing or damaged.
        """
        if self.file is None:
            raise CheckpointError(f"{self.name!r} is not a network; expected one of `{PROGRAM} list`, or a .safetensors file.")
        return checkpoint.load(self.file)

    def measured(self, network: checkpoint.Loaded, values: Any, lines: Iterable[str], **fields: Any) -> "Measured":
        """The result of measuring the network; `fields` go into its card."""
        files = {self.file: fields} if self.file else {}
        return Measured(values, tuple(lines), files, dict.fromkeys(files, network))

    def training_data(self) -> str:
        """The name of the training data.

        Raises:
            CheckpointError: only a family was named, or the card of the network does not name its training data.
        """
        if self.corpus is None:
            known = _listed(corpus for corpus, folder in _corpora().items() if folder == self.family)
            raise CheckpointError(
                f"{self.name!r} does not determine the training data; expected a network whose card names it, or one of {known}."
            )
        return self.corpus


@dataclass(frozen=True, eq=False)
class Measured:
    """The result of a measurement, and the cards and files it goes into.

    Args:
        values: The result as JSON values.
        lines: The result as lines of text.
        cards: Fields to add to the card of each checkpoint file.
        networks: The networks that were measured, by file. A card gets no field if its file has other weights by then.
        files: Text of all other files to write.
    """

    values: Any
    lines: tuple[str, ...]
    cards: Mapping[Path, Mapping[str, Any]] = field(default_factory=dict)
    networks: Mapping[Path, checkpoint.Loaded] = field(default_factory=dict)
    files: Mapping[Path, str] = field(default_factory=dict)

    def save(self) -> list[Path]:
        """Writes the cards and the files, and returns their paths; see models.own_copy.

        Raises:
            CheckpointError: a checkpoint is missing or damaged, or was trained again during the measurement.
            OSError: a file cannot be written.
        """
        written = []
        for path, fields in self.cards.items():
            written.append(models.own_copy(path))
            checkpoint.update_card(written[-1], self.networks.get(path), **fields)
        for path, text in self.files.items():
            write_atomically(path, text.encode())
        return [*written, *self.files]


Measurement = Callable[[Subject, Any, Report], Measured]


def of_networks(
    names: Iterable[str],
    one: Callable[[checkpoint.Loaded], Mapping[str, Any]],
    as_text: Callable[[Mapping[str, Any]], Iterable[str]],
    file: Path,
    report: Report,
    **about: Any,
) -> Measured:
    """A measurement of several networks, in one file that names the weights of each. One that cannot be recorded is left out.

    Args:
        names: Of the networks.
        one: Measures a network.
        as_text: The result of a network as lines of text.
        file: Where the result is saved.
        report: Called with a line after each network.
        about: What the file says beside `networks`.
    """
    networks, lines = {}, []
    for name in names:
        try:
            loaded = models.load(name)
            result = one(loaded)
        except RecordingError as error:
            report(f"{name}: left out. {error}")
            continue
        networks[name] = {"weights": checkpoint.fingerprint(loaded), **result}
        lines += [f"{name}, {line}" for line in as_text(result)]
        report(f"{name}: done")
    values = {**about, "networks": networks}
    return Measured(values, tuple(lines), files={file: json.dumps(values, separators=(",", ":")) + "\n"})


def subject(name: str) -> Subject:
    """The subject with a given name: a network, a .safetensors file, a recipe, training data, or a family.

    Raises:
        CheckpointError: the name is unknown, or its file is missing, damaged or of an unknown kind.
    """
    is_path = name.endswith(".safetensors")
    file = Path(name) if is_path else models.file_of(f"{name}.safetensors")
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
        f"Nothing is called {name!r}. Expected a network of `{PROGRAM} list`, a .safetensors file, "
        f"training data ({_listed(_corpora())}) or a family ({_listed(measurable())})."
    )


def measurements(family: str) -> dict[str, Measurement]:
    """The measurements of a family, the default first; empty if there are none."""
    name = f"models.{family}.experiments"
    table = getattr(importlib.import_module(name), "MEASUREMENTS", {}) if importlib.util.find_spec(name) else {}
    pairs = {what: where.split(":") for what, where in table.items()}
    return {what: getattr(importlib.import_module(module), function) for what, (module, function) in pairs.items()}


def measurable() -> list[str]:
    """The families with measurements."""
    folders = sorted(file.parent.name for file in Path(__file__).parent.glob("*/__init__.py"))
    return [folder for folder in folders if measurements(folder)]


def measurement(about: Subject, what: str | None = None) -> tuple[str, Measurement]:
    """Name and function of a measurement of a subject's family; the default measurement if no name is given.

    Raises:
        ExplorerError: the family has no measurements, or none of that name; the message lists the known ones.
    """
    known = measurements(about.family)
    if not known:
        raise ExplorerError(f"{about.name} has no measurements yet. Expected a network of {_listed(measurable())}.")
    name = next(iter(known)) if what is None else what
    if name not in known:
        raise ExplorerError(f"{about.name} has no measurement called {name!r}. Expected one of {_listed(known)}.")
    return name, known[name]


def family_of(kind: Any) -> str:
    """The folder of models/ for a kind of network."""
    if not isinstance(kind, str) or kind not in kinds():
        raise CheckpointError(f"The card is of kind {short(kind)}. Known kinds: {_listed(sorted(kinds()))}.")
    return kinds()[kind].folder


def _corpora() -> dict[str, str]:
    """The folder of models/ for each set of training data."""
    return {corpus: family.folder for family in families() for corpus in family.corpora}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
