"""Two collections of surnames with their languages, and their split by spelling.

`names` needs no download: it consists of the lists in the package Faker, romanised with anyascii. From its 70 locales 21
languages were chosen by four rules. At least 220 spellings, so that about 35 are held out. Real surnames of one language (the
Kenyan and Indian lists mix several languages, the Tamil and Pakistani lists are given names, the American list has Garcia and
Nguyen). A script that writes vowels, or a list in Latin letters (Hebrew, Arabic, Hindi and Thai letters romanise to consonant
skeletons that nobody types, so Arabic is the Algerian list in French spelling). Related languages that can be confused: Russian
and Ukrainian; Polish, Slovak and Croatian; Finnish and Estonian; German, Dutch and Swedish; Spanish, Italian and French. Irish
is the list in the Irish language. Masculine and feminine forms are both included (Russian, Ukrainian, Slovak, Polish, Greek).
They are different spellings, so one form may be in training and the other held out; the n-gram baseline has the same advantage.

`names18` holds the 18 languages of the well-known PyTorch tutorial; its lists cannot be redistributed with this project.
"""

import hashlib
import importlib
import io
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from models import corpora, tables
from models.corpora import DataError
from models.family import PROGRAM
from models.files import write_folder
from models.names import FAMILY, LANGUAGES
from models.names.romanise import spelling
from models.names.table import labelled
from models.vocabulary.characters import UNKNOWN, Vocabulary

LISTS = ("last_names", "last_names_male", "last_names_female", "unisex_last_names", "male_last_names")  # names of Faker's lists, by locale
PLACEHOLDER = "Doe"  # Faker's entry if a locale uses other lists

LABELS18 = 18  # languages of names18
MOST_OF_LIST = 500_000  # maximum bytes read of a list; the longest has 85,168
DEV_SHARE = 0.15  # share of spellings that are held out
VOCABULARY = Vocabulary((UNKNOWN, *" -abcdefghijklmnopqrstuvwxyz"))


def is_held_out(spelled: str) -> bool:
    """Whether a spelling belongs to dev; decided by its checksum alone, so that no spelling is in both parts."""
    return int.from_bytes(hashlib.sha256(spelled.encode()).digest()[:4]) < DEV_SHARE * 2**32


@dataclass(frozen=True, eq=False)
class Names:
    """Names and their languages: distinct pairs of a spelling and a language.

    Args:
        labels: The languages, in alphabetical order, [label].
        texts: Spellings, [name]; a spelling of several languages occurs once for each.
        targets: Index of the language, [name].
        times: Number of rows of the source with this pair, [name].
    """

    labels: tuple[str, ...]
    texts: tuple[str, ...]
    targets: np.ndarray
    times: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def shared(self) -> dict[str, tuple[str, ...]]:
        """The languages of every spelling that belongs to more than one language."""
        return {text: labels for text, labels in sorted(self.languages.items()) if len(labels) > 1}

    @cached_property
    def languages(self) -> dict[str, tuple[str, ...]]:
        """The languages of every spelling, in alphabetical order."""
        table: dict[str, tuple[str, ...]] = {}
        for text, target in sorted(zip(self.texts, self.targets.tolist(), strict=True)):
            table[text] = (*table.get(text, ()), self.labels[target])
        return table

    def split(self) -> tuple["Names", "Names"]:
        """Training and dev: about 15 % of the spellings are held out, with all their languages."""
        held = np.array([is_held_out(text) for text in self.texts], bool)
        return self._where(~held), self._where(held)

    def _where(self, chosen: np.ndarray) -> "Names":
        texts = tuple(text for text, keep in zip(self.texts, chosen, strict=True) if keep)
        return Names(self.labels, texts, self.targets[chosen], self.times[chosen])

    def sha256(self) -> str:
        """Checksum of the pairs and their counts, for the card."""
        rows = zip(self.texts, self.targets, self.times, strict=True)
        return corpora.sha256("\n".join(f"{text}\t{self.labels[target]}\t{times}" for text, target, times in rows))


def _gathered(rows: Iterable[tuple[str, str]]) -> Names:
    """Pairs of text and label as Names: normalised, counted and sorted."""
    pairs = Counter((label, spelled) for text, label in rows if (spelled := spelling(text)))
    labels = tuple(sorted({label for label, _ in pairs}))
    order = sorted(pairs)
    targets = np.array([labels.index(label) for label, _ in order], np.int64)
    return Names(labels, tuple(text for _, text in order), targets, np.array([pairs[pair] for pair in order], np.int64))


def surnames() -> Names:
    """The collection `names`: Faker's surnames of LANGUAGES, each spelling once per language."""
    rows = set()
    for label, locales in LANGUAGES.items():
        for locale in locales:
            provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
            rows |= {(spelling(name), label) for part in LISTS for name in getattr(provider, part, ()) if name != PLACEHOLDER}
    return _gathered(rows)


def find(name: str) -> Path | None:
    """The folder of a collection; None for `names`, which comes with Faker.

    Raises:
        DataError: there is no such collection, or it has not been downloaded.
    """
    if name not in FAMILY.corpora:
        raise DataError(f"No collection of names is called {name!r}. Known: {', '.join(FAMILY.corpora)}.")
    path = FAMILY.corpora[name].path
    if not path:
        return None
    for folder in corpora.folders():
        if any((folder / path).glob("*.txt")):
            return folder / path
    raise DataError(f"The names {name!r} are missing ({path} is in none of the data folders). Download them: {PROGRAM} fetch {name}")


def read(source: Path | None) -> Names:
    """A collection for training, from a folder of `<Label>.txt` or a CSV of text and label; None for Faker's surnames.

    Raises:
        DataError: the source is missing, or holds fewer than two labels.
    """
    if source is None:
        return surnames()
    table = labelled(source)
    tables.warn(source, table.problems, table.notes)
    if len(set(table.labels)) > len(set(table.texts)):
        raise DataError(f"{source} has more labels than texts: are the columns swapped? Expected text, then label, or a header.")
    names = _gathered(zip(table.texts, table.labels, strict=True))
    if len(names.labels) < 2:
        raise DataError(f"{source} holds {len(names.labels)} labels; expected at least two, with one text file each.")
    return names


def fetch(name: str, folder: str | os.PathLike | None = None, progress: corpora.Progress = lambda done, total: None) -> Path:
    """Downloads a collection from its public address, checks it, and saves its lists for `find`; returns their folder.

    Raises:
        DataError: it needs no download, the connection failed, or the archive is not the expected one.
    """
    corpus = FAMILY.corpora[name]
    if corpus.not_fetched:
        raise DataError(corpus.not_fetched)
    target = Path(folder or corpora.ROOT / "data") / corpus.path
    with corpora.written_to(target):
        write_folder(target, _lists(name, corpora.download(corpus.address, corpus.sha256, progress)))
    return target


def summary(name: str, path: Path) -> dict[str, Any]:
    """Counts of the downloaded names."""
    names, licence = read(path), FAMILY.corpora[name].licence
    return {"names": int(names.times.sum()), "languages": len(names.labels), "sha256": names.sha256(), "licence": licence}


def _start(archive: zipfile.ZipFile, entry: str) -> bytes:
    """The start of a file in an archive, longer than any list: a small archive can expand to gigabytes."""
    with archive.open(entry) as file:
        return file.read(MOST_OF_LIST)


def _lists(name: str, content: bytes) -> dict[str, bytes]:
    """The lists of an archive by file name, after checking the number of labels, the encoding UTF-8 and the number of rows."""
    corpus = FAMILY.corpora[name]
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inside = [
                entry for entry in archive.namelist() if re.fullmatch(r"(.*/)?names/[A-Za-z]+\.txt", entry) and "__MACOSX" not in entry
            ]
            lists = {entry.rsplit("/", 1)[1]: _start(archive, entry) for entry in inside[: LABELS18 + 1]}
        rows = sum(len(text.decode("utf-8").split()) for text in lists.values())
    except (zipfile.BadZipFile, UnicodeDecodeError, RuntimeError, OSError) as error:
        raise DataError(f"{corpus.address} is not the expected archive ({error}).") from None
    least, most = corpus.size
    if len(lists) != LABELS18 or not least <= rows <= most:
        raise DataError(f"{corpus.address} holds {len(lists)} lists with {rows:,} rows; expected {LABELS18} with {least:,} to {most:,}.")
    return lists
