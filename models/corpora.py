"""Training data: where it is looked for, how texts are downloaded, read, and cut into training and dev."""

import bz2
import hashlib
import io
import os
import re
import zipfile
from pathlib import Path
from typing import Any

from explorer.errors import ExplorerError
from models import family
from models.family import Corpus
from models.files import write_atomically

ROOT = Path(__file__).parent.parent
SHARE = 0.95  # of a text is for training


class DataError(ExplorerError):
    """A text is missing, broken, or not what was expected."""


def texts() -> dict[str, Corpus]:
    """Training data that is one text, by name."""
    return {name: corpus for name, corpus in family.corpora().items() if corpus.boundary}


def text(name: str) -> Corpus:
    """What is known of a training text.

    Raises:
        DataError: there is no such text; the message lists those there are.
    """
    if name not in texts():
        raise DataError(f"No training text is called {name!r}. Known: {', '.join(texts())}.")
    return texts()[name]


def origin(name: str) -> dict[str, str]:
    """What a card says of where its data comes from: corpus, title, source, licence and address."""
    corpus = family.corpora()[name]
    about = {"corpus": name, "title": corpus.title, "source": corpus.source, "licence": corpus.licence}
    return about | ({"address": corpus.address} if corpus.address else {})


def folders() -> list[Path]:
    """Where training texts are looked for, first to last: `data/` of the project, EXPLORER_DATA, `shared/data` beside the project."""
    named = os.environ.get("EXPLORER_DATA")
    return [ROOT / "data", *([Path(named)] if named else []), ROOT.parent / "shared" / "data"]


def find(name: str) -> Path:
    """The file of a training text.

    Raises:
        DataError: it lies in none of `folders()`.
    """
    file = text(name).path
    for folder in folders():
        if (folder / file).is_file():
            return folder / file
    raise DataError(f"The training text {name!r} is not here ({file} in none of the data folders). Get it: python -m models fetch {name}")


def read_text(path: str | os.PathLike) -> str:
    """A text file as it is: UTF-8, line ends untouched.

    Raises:
        DataError: the file is missing, empty, or not UTF-8.
    """
    try:
        content = decoded(Path(path).read_bytes(), path)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist. Expected a text file.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Expected a text file.") from None
    if not content:
        raise DataError(f"{path} is empty; expected at least one character.")
    return content


def decoded(content: bytes, name: str | os.PathLike) -> str:
    """The text of some bytes, line ends untouched; `name` stands in the sentence if they are none.

    Raises:
        DataError: they are not UTF-8.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8 text (byte {error.start:,} is {error.object[error.start]:#04x}). Convert it first.") from None


def split(name: str, content: str) -> tuple[str, str]:
    """A text in two: training, and dev that nothing is trained on.

    The cut lies at the boundary nearest to 95 % of the text; where the text has none, at the line end nearest to it.

    Raises:
        DataError: the text is too short to be cut.
    """
    target = SHARE * len(content)
    for boundary in (text(name).boundary, r"\n", r"(?s)(?<=.)(?=.)"):
        cuts = [match.start() for match in re.finditer(boundary, content) if 0 < match.start() < len(content)]
        if cuts:
            at = min(cuts, key=lambda cut: abs(cut - target))
            return content[:at], content[at:]
    raise DataError(f"The text has {len(content)} characters; expected at least 2, to be cut into training and dev.")


def dev_text(name: str, path: str | os.PathLike | None = None) -> str:
    """The dev part of a training text, or the whole of another file where one is given.

    Raises:
        DataError: the text is not here, or broken.
    """
    return read_text(path) if path else split(name, read_text(find(name)))[1]


def check(name: str, content: bytes) -> None:
    """Refuse a downloaded text that is not what its address promises.

    Raises:
        DataError: its size is another, or it is not UTF-8 text.
    """
    least, most = text(name).size
    if not least <= len(content) <= most:
        expected = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        raise DataError(f"The text {name!r} has {len(content):,} bytes; expected {expected}. {_ADVICE}")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"The text {name!r} is not UTF-8 (byte {error.start:,}). {_ADVICE}") from None


_ADVICE = "Its address may hold something else by now; pass a text of your own with --data."


def fetch(name: str, folder: str | os.PathLike | None = None, progress: Any = False) -> Path:
    """Download a training text from its public address, check it, and put it where `find` looks.

    Args:
        name: One of `texts()`.
        folder: Data folder; `data/` of the project if left out.
        progress: A progress bar as pooch wants it (`total`, `update`, `reset`, `close`), or False.

    Raises:
        DataError: the address does not answer, the connection breaks, or the file is not the expected one. Nothing is left
            behind then; a file that was there before stays.
    """
    corpus = text(name)
    target = Path(folder or ROOT / "data") / corpus.path
    content = download(corpus.address, corpus.sha256, target.parent, progress)
    try:
        content = _unpacked(content, corpus)
        check(name, content)
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{corpus.address} is not the expected file: {_reason(error)}. {_ADVICE}") from None
    try:
        write_atomically(target, content)
    except OSError as error:
        raise DataError(f"{target} cannot be written ({error.strerror or error}). Name another folder with --folder.") from None
    return target


def download(address: str, sha256: str | None, folder: Path, progress: Any = False) -> bytes:
    """The bytes at a public address, of the checksum given; kept in `folder` only while they come.

    Raises:
        DataError: the address does not answer, the connection breaks, or the checksum is another.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("ERROR")
    packed = folder / f".{address.rsplit('/', 1)[1]}.partial"
    loader = pooch.HTTPDownloader(progressbar=progress, timeout=30)
    packed.unlink(missing_ok=True)
    try:
        pooch.retrieve(address, sha256 and f"sha256:{sha256}", packed.name, folder, downloader=loader)  # pyright: ignore[reportArgumentType]
        return packed.read_bytes()
    except requests.RequestException as error:
        # What requests says of a missing network is three lines of its own classes.
        reason = "nobody answers there" if isinstance(error, requests.ConnectionError) else _reason(error)
        advice = "Check the network and try again, or train on data of your own with --data"
        raise DataError(f"{address} cannot be fetched: {reason}. {advice}.") from None
    except (ValueError, OSError) as error:
        raise DataError(f"{address} is not the expected file: {_reason(error)}. {_ADVICE}") from None
    finally:
        packed.unlink(missing_ok=True)


def _unpacked(content: bytes, corpus: Corpus) -> bytes:
    """What was fetched, out of its archive: never more than the text may have, however small the archive."""
    most = corpus.size[1] + 1
    if corpus.address.endswith(".bz2"):
        return bz2.BZ2Decompressor().decompress(content, most)
    if corpus.address.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(Path(corpus.path).name) as member:
            return member.read(most)
    return content


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def summary(name: str, path: Path) -> dict[str, Any]:
    """What was fetched, in numbers."""
    content = read_text(path)
    return {"characters": len(content), "sha256": sha256(content), "licence": text(name).licence}


def sha256(content: str) -> str:
    """Checksum of a text, for its card."""
    return hashlib.sha256(content.encode()).hexdigest()
