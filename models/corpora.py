"""Where each training text comes from, how it is read, and where it is cut into training and dev."""

import bz2
import hashlib
import io
import os
import re
import zipfile
from pathlib import Path
from typing import Any

from explorer.errors import ExplorerError
from models.checkpoint import write_atomically

ROOT = Path(__file__).parent.parent
SHARE = 0.95  # of a text is for training

# file: below a data folder. size: bytes of the whole public file, least and most. sha256: of what is downloaded, where known.
# boundary: where a text may be cut without tearing a page, a source file or a speech apart.
CORPORA: dict[str, dict[str, Any]] = {
    "wiki": {
        "title": "English Wikipedia, raw mark-up of 206 pages",
        "file": "wiki_markup/enwiki_shortened.xml",
        "boundary": r"\n  <page>\n",
        "source": "Wikipedia dump enwiki-latest-pages-articles1, revisions of about 2014-2015, as shortened for the tests of gensim",
        "licence": "CC BY-SA 3.0 and GFDL, Wikipedia contributors (page titles are in the file)",
        "address": "https://raw.githubusercontent.com/piskvorky/gensim/4.3.3/gensim/test/test_data/"
        "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2",
        "sha256": "a53f4648dec40467ebdcbc7a1307eddb51fe6e28e9309f6ebde81ba0d04bea2d",
        "size": (6_089_746, 6_089_746),
    },
    "linux": {
        "title": "Linux kernel, C sources",
        "file": "linux_kernel_c/input.txt",
        "boundary": r"(?m)^(?:/\* SPDX|// SPDX)",
        "source": "folder kernel/ of Linux 6.1 (Debian linux-source-6.1), files in random order; "
        "the public address holds an older snapshot of the kernel, of the same size and kind",
        "licence": "GPL-2.0-only WITH Linux-syscall-note",
        "address": "https://cs.stanford.edu/people/karpathy/char-rnn/linux_input.txt",
        "sha256": None,
        "size": (5_000_000, 8_000_000),
    },
    "shakespeare": {
        "title": "Tiny Shakespeare",
        "file": "tinyshakespeare/input.txt",
        "boundary": r"\n\n",
        "source": "plays of Shakespeare, as joined by A. Karpathy for char-rnn",
        "licence": "public domain",
        "address": "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        "sha256": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        "size": (1_115_394, 1_115_394),
    },
    "tatoeba": {
        "title": "Tatoeba, English-French sentence pairs",
        "file": "tatoeba_eng_fra/fra.txt",
        "boundary": r"\n",
        "source": "sentences of tatoeba.org as paired by manythings.org/anki (file of 2019-04-07)",
        "licence": "CC BY 2.0 FR, tatoeba.org and www.manythings.org/anki",
        "address": "https://raw.githubusercontent.com/modelexlab/data/adddaf33ac35572bcfeb421efec29435e7ea9332/fra-eng.zip",
        "sha256": None,
        "size": (11_669_748, 11_669_748),
    },
}


class DataError(ExplorerError):
    """A text is missing, broken, or not what was expected."""


def corpus(name: str) -> dict[str, Any]:
    """What is known of a training text.

    Raises:
        DataError: there is no such text; the message lists those there are.
    """
    if name not in CORPORA:
        raise DataError(f"No training text is called {name!r}. Known: {', '.join(CORPORA)}.")
    return CORPORA[name]


def folders() -> list[Path]:
    """Where training texts are looked for, first to last: `data/` of the project, EXPLORER_DATA, `shared/data` beside the project."""
    named = os.environ.get("EXPLORER_DATA")
    return [ROOT / "data", *([Path(named)] if named else []), ROOT.parent / "shared" / "data"]


def find(name: str) -> Path:
    """The file of a training text.

    Raises:
        DataError: it lies in none of `folders()`.
    """
    file = corpus(name)["file"]
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
        text = decoded(Path(path).read_bytes(), path)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist. Expected a text file.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Expected a text file.") from None
    if not text:
        raise DataError(f"{path} is empty; expected at least one character.")
    return text


def decoded(content: bytes, name: str | os.PathLike) -> str:
    """The text of some bytes, line ends untouched; `name` stands in the sentence if they are none.

    Raises:
        DataError: they are not UTF-8.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8 text (byte {error.start:,} is {error.object[error.start]:#04x}). Convert it first.") from None


def split(name: str, text: str) -> tuple[str, str]:
    """A text in two: training, and dev that nothing is trained on.

    The cut lies at the boundary nearest to 95 % of the text; where the text has none, at the line end nearest to it.

    Raises:
        DataError: the text is too short to be cut.
    """
    target = SHARE * len(text)
    for boundary in (corpus(name)["boundary"], r"\n", r"(?s)(?<=.)(?=.)"):
        cuts = [match.start() for match in re.finditer(boundary, text) if 0 < match.start() < len(text)]
        if cuts:
            at = min(cuts, key=lambda cut: abs(cut - target))
            return text[:at], text[at:]
    raise DataError(f"The text has {len(text)} characters; expected at least 2, to be cut into training and dev.")


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
    least, most = corpus(name)["size"]
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
        name: One of CORPORA.
        folder: Data folder; `data/` of the project if left out.
        progress: A progress bar as pooch wants it (`total`, `update`, `reset`, `close`), or False.

    Raises:
        DataError: the address does not answer, the connection breaks, or the file is not the expected one. Nothing is left
            behind then; a file that was there before stays.
    """
    about = corpus(name)
    target = Path(folder or ROOT / "data") / about["file"]
    content = download(about["address"], about["sha256"], target.parent, progress)
    try:
        content = _unpacked(content, about)
        check(name, content)
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{about['address']} is not the expected file: {_reason(error)}. {_ADVICE}") from None
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


def _unpacked(content: bytes, about: dict[str, Any]) -> bytes:
    """What was fetched, out of its archive: never more than the text may have, however small the archive."""
    most = about["size"][1] + 1
    if about["address"].endswith(".bz2"):
        return bz2.BZ2Decompressor().decompress(content, most)
    if about["address"].endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(Path(about["file"]).name) as member:
            return member.read(most)
    return content


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def told(name: str, path: Path) -> dict[str, Any]:
    """What was fetched, in numbers."""
    text = read_text(path)
    return {"characters": len(text), "sha256": sha256(text), "licence": CORPORA[name]["licence"]}


def sha256(text: str) -> str:
    """Checksum of a text, for its card."""
    return hashlib.sha256(text.encode()).hexdigest()
