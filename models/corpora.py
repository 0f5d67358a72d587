"""Training data: where it is looked for, how texts are downloaded, read, and cut into training and dev."""

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

ROOT = HOME if IS_PROJECT else Path.cwd()  # data/ and runs/ lie here
MOST = 50_000_000  # bytes of a download; ours have at most 7 million
SECONDS = 900  # that a download may take
Progress = Callable[[int, int], None]
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
    raise DataError(f"The training text {name!r} is not here ({file} in none of the data folders). Get it: {PROGRAM} fetch {name}")


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
        DataError: its size or checksum is another, or it is not UTF-8 text.
    """
    least, most = text(name).size
    if not least <= len(content) <= most:
        expected = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        raise DataError(f"The text {name!r} has {len(content):,} bytes; expected {expected}. {_ADVICE}")
    expected = text(name).text_sha256
    if expected is not None and hashlib.sha256(content).hexdigest() != expected:
        raise DataError(f"The text {name!r} has another checksum than {expected}. {_ADVICE}")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"The text {name!r} is not UTF-8 (byte {error.start:,}). {_ADVICE}") from None


_ADVICE = "Its address may hold something else by now; pass a text of your own with --data."


def fetch(name: str, folder: str | os.PathLike | None = None, progress: Progress = lambda done, total: None) -> Path:
    """Download a training text from its public address, check it, and put it where `find` looks.

    Args:
        name: One of `texts()`.
        folder: Data folder; `data/` of the project if left out.
        progress: Called with (done, total) bytes.

    Raises:
        DataError: the address does not answer, the connection breaks, the file is not the expected one, or the folder cannot be
            written. Nothing is left behind then; a file that was there before stays.
        BusyError: another process fetches it.
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
    """Fetch one file or folder at a time; where it cannot be written is a sentence.

    Raises:
        DataError: the folder cannot be written, or is a file.
        BusyError: another process fetches it.
    """
    try:
        with alone(target, patience=0):
            yield
    except OSError as error:
        raise DataError(f"{target} cannot be written ({error.strerror or error}). Name another folder with --folder.") from None


def download(address: str, sha256: str | None, progress: Progress = lambda done, total: None) -> bytes:
    """The bytes at a public address, of the checksum given: at most MOST of them, within SECONDS.

    Raises:
        DataError: the address does not answer, the connection breaks or is too slow, or the file is too large or another one.
    """
    import requests

    answer: Future[bytes] = Future()
    # A thread of its own, given up after SECONDS: a server can draw out any step, a byte at a time.
    Thread(target=_receive, args=(address, progress, answer), daemon=True).start()
    try:
        content = answer.result(SECONDS)
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(f"SHA256 hash of downloaded file is {hashlib.sha256(content).hexdigest()}; expected {sha256}")
    except (requests.RequestException, TimeoutError) as error:
        # What requests says of a missing network is three lines of its own classes.
        reason = "nobody answers there" if isinstance(error, requests.ConnectionError) else _reason(error)
        reason = f"it took more than {SECONDS:,} seconds" if isinstance(error, TimeoutError) else reason
        advice = "Check the network and try again, or train on data of your own with --data"
        raise DataError(f"{address} cannot be fetched: {reason}. {advice}.") from None
    except ValueError as error:
        raise DataError(f"{address} is not the expected file: {_reason(error)}. {_ADVICE}") from None
    finally:
        answer.cancel()
    return content


def _receive(address: str, progress: Progress, answer: "Future[bytes]") -> None:
    """Download until the answer is complete, or no longer wanted."""
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
