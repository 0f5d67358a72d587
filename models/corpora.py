"""Training data: search paths, and downloading, reading and splitting of texts into training and dev."""

import bz2
import hashlib
import io
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from explorer.errors import ExplorerError
from models import family
from models.family import HOME, IS_PROJECT, PROGRAM, Corpus
from models.files import alone, write_atomically

ROOT = HOME if IS_PROJECT else Path.cwd()  # folder of data/ and runs/
IN_WORDS = f"data/ of the {'project' if IS_PROJECT else 'current folder'}"
MOST = 50_000_000  # maximum bytes of a download; the largest has 7 million
SECONDS = 900  # maximum duration of a download
Progress = Callable[[int, int], None]
SHARE = 0.95  # share of a text used for training


class DataError(ExplorerError):
    """Training data is missing, damaged, or not what was expected."""


def texts() -> dict[str, Corpus]:
    """Corpora that consist of one text, by name."""
    return {name: corpus for name, corpus in family.corpora().items() if corpus.boundary}


def text(name: str) -> Corpus:
    """The description of a training text.

    Raises:
        DataError: there is no such text; the message lists the known ones.
    """
    if name not in texts():
        raise DataError(f"No training text is called {name!r}. Known: {', '.join(texts())}.")
    return texts()[name]


def origin(name: str) -> dict[str, str]:
    """Origin of training data for cards: corpus, title, source, licence and address."""
    corpus = family.corpora()[name]
    about = {"corpus": name, "title": corpus.title, "source": corpus.source, "licence": corpus.licence}
    return about | ({"address": corpus.address} if corpus.address else {})


def folders() -> list[Path]:
    """Search path of training data: `data/` of the project or the current folder, then EXPLORER_DATA, then `shared/data` next to it."""
    named = os.environ.get("EXPLORER_DATA")
    return [ROOT / "data", *([Path(named)] if named else []), ROOT.parent / "shared" / "data"]


def find(name: str) -> Path:
    """The file of a training text.

    Raises:
        DataError: it is in none of `folders()`.
    """
    file = text(name).path
    for folder in folders():
        if (folder / file).is_file():
            return folder / file
    raise DataError(f"The training text {name!r} is missing ({file} is in none of the data folders). Download it: {PROGRAM} fetch {name}")


def read_text(path: str | os.PathLike) -> str:
    """The content of a UTF-8 text file, with line ends unchanged.

    Raises:
        DataError: the file is missing, empty, or not UTF-8.
    """
    return decoded(read_bytes(path), path)


def read_bytes(path: str | os.PathLike) -> bytes:
    """The bytes of a text file.

    Raises:
        DataError: the file is missing, empty, or cannot be read.
    """
    try:
        read = Path(path).read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist. Expected a text file.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Expected a text file.") from None
    if not read:
        raise DataError(f"{path} is empty; expected at least one character.")
    return read


def decoded(content: bytes, name: str | os.PathLike) -> str:
    """The text of UTF-8 bytes, with line ends unchanged; `name` is used in the error sentence.

    Raises:
        DataError: they are not UTF-8.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8 text (byte {error.start:,} is {error.object[error.start]:#04x}). Convert it first.") from None


def split(name: str, content: str) -> tuple[str, str]:
    """Splits a text into training and dev.

    The split is at the boundary nearest to 95 % of the text or, if the text has no boundaries, at the nearest line end.

    Raises:
        DataError: the text is too short to be split.
    """
    target = SHARE * len(content)
    for boundary in (text(name).boundary, r"\n", r"(?s)(?<=.)(?=.)"):
        cuts = [match.start() for match in re.finditer(boundary, content) if 0 < match.start() < len(content)]
        if cuts:
            at = min(cuts, key=lambda cut: abs(cut - target))
            return content[:at], content[at:]
    raise DataError(f"The text has {len(content)} characters; expected at least 2, to be split into training and dev.")


def dev_text(name: str, path: str | os.PathLike | None = None) -> str:
    """The dev part of a training text, or the whole of another file if one is given.

    Raises:
        DataError: the text is missing or damaged.
    """
    return read_text(path) if path else split(name, read_text(find(name)))[1]


def check(name: str, content: bytes) -> None:
    """Checks the size and encoding of a downloaded text.

    Raises:
        DataError: its size, checksum or number of characters is not the expected one, or it is not UTF-8 text.
    """
    least, most = text(name).size
    if not least <= len(content) <= most:
        expected = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        raise DataError(f"The text {name!r} has {len(content):,} bytes; expected {expected}. {_ADVICE}")
    expected = text(name).text_sha256
    if expected is not None and hashlib.sha256(content).hexdigest() != expected:
        raise DataError(f"The text {name!r} has the wrong checksum; expected {expected}. {_ADVICE}")
    try:
        characters = len(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(f"The text {name!r} is not UTF-8 (byte {error.start:,}). {_ADVICE}") from None
    if characters != (text(name).characters or characters):
        raise DataError(f"The text {name!r} has {characters:,} characters; expected {text(name).characters:,}. {_ADVICE}")


_ADVICE = "The content of the address may have changed; use a text of your own with --data."


def fetch(name: str, folder: str | os.PathLike | None = None, progress: Progress = lambda done, total: None) -> Path:
    """Downloads a training text from its public address, checks it, and saves it where `find` looks.

    Args:
        name: One of `texts()`.
        folder: Data folder; default: `data/` of the project.
        progress: Called with (done, total) bytes.

    Raises:
        DataError: the connection fails, the file is not the expected one, or the folder cannot be written. No partial file remains
            then, and an older file is kept.
        BusyError: another process is downloading it.
    """
    corpus = text(name)
    target = Path(folder or ROOT / "data") / corpus.path
    with written_to(target):
        content = download(corpus.address, corpus.sha256, progress)
        try:
            content = _unpacked(content, corpus)
            check(name, content)
        except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise DataError(f"{corpus.address} is not the expected file: {_reason(error)}. {_ADVICE}") from None
        write_atomically(target, content)
    return target


@contextmanager
def written_to(target: Path) -> Iterator[None]:
    """Lock for downloading a file or folder; errors of writing become a DataError.

    Raises:
        DataError: the folder cannot be written, or is a file.
        BusyError: another process is downloading it.
    """
    try:
        with alone(target, patience=0):
            yield
    except OSError as error:
        raise DataError(f"{target} cannot be written ({error.strerror or error}). Name another folder with --folder.") from None


def download(address: str, sha256: str | None, progress: Progress = lambda done, total: None) -> bytes:
    """The bytes at a public address, checked against a checksum; limited to MOST bytes and SECONDS seconds.

    Raises:
        DataError: the connection fails or is too slow, or the file is too large or has another checksum.
    """
    import requests

    answer: Future[bytes] = Future()
    # A separate thread, abandoned after SECONDS, because a server can delay any step by sending single bytes.
    Thread(target=_receive, args=(address, progress, answer), daemon=True).start()
    try:
        content = answer.result(SECONDS)
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(f"SHA256 hash of downloaded file is {hashlib.sha256(content).hexdigest()}; expected {sha256}")
    except (requests.RequestException, TimeoutError) as error:
        # The message of requests for a missing network is three lines of class names.
        reason = "the connection failed" if isinstance(error, requests.ConnectionError) else _reason(error)
        reason = f"it took more than {SECONDS:,} seconds" if isinstance(error, TimeoutError) else reason
        advice = "Check the network and try again, or train on data of your own with --data"
        raise DataError(f"{address} cannot be downloaded: {reason}. {advice}.") from None
    except ValueError as error:
        raise DataError(f"{address} is not the expected file: {_reason(error)}. {_ADVICE}") from None
    finally:
        answer.cancel()
    return content


def _receive(address: str, progress: Progress, answer: "Future[bytes]") -> None:
    """Downloads until the response is complete or no longer needed."""
    import requests

    try:
        content = bytearray()
        with requests.get(address, stream=True, timeout=30) as response:
            response.raise_for_status()
            total = response.headers.get("Content-Length", "")
            for part in response.iter_content(65_536):
                content += part
                if len(content) > MOST:
                    raise ValueError(f"it has more than {MOST:,} bytes")
                if answer.cancelled():
                    return
                progress(len(content), max(len(content), int(total) if total.isdecimal() else 0))
        answer.set_result(bytes(content))
    except Exception as error:
        if not answer.cancelled():
            answer.set_exception(error)


def _unpacked(content: bytes, corpus: Corpus) -> bytes:
    """The content of a downloaded archive, limited to the expected size of the text."""
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
    """Counts of the downloaded text."""
    content = read_text(path)
    return {"characters": len(content), "sha256": sha256(content), "licence": text(name).licence}


def sha256(content: str) -> str:
    """Checksum of a text, for its card."""
    return hashlib.sha256(content.encode()).hexdigest()
