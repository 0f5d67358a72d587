"""What is attacked: each target makes one case by chance and runs it. An ExplorerError, a sentence, is an answer; no other error is."""

import io
import json
import os
import random
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

import models
from explorer.errors import ExplorerError
from explorer.figures import alignment as alignments
from models import checkpoint, tables
from models.captioning import images
from models.foreign.experiments.arrays.opening import open_arrays
from models.foreign.health import of_weights
from models.foreign.layout import uses
from models.foreign.listed import read_list
from models.foreign.opening import open_file
from models.foreign.tokens import typed_tokens
from models.names import table as names_table
from models.names.romanise import spelling
from models.translation import data as pairs
from pages._ui import cards, link
from pages._your_model import data
from tests.fuzz.mutations import changed, damaged, text
from tests.models.captioning.tiny_captions import save_tiny_scenes
from tests.models.foreign import keras_2 as keras
from tests.models.foreign import strangers, subword_files
from tests.models.names.tiny_names import save_tiny_namer
from tests.models.tiny import save_tiny
from tests.models.translation.tiny_translation import save_tiny_translator
from tests.pages.app import open_page

FORMATS = ("JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP", "PPM", "TGA", "ICO", "PCX")
MODES = ("RGB", "L", "RGBA", "P", "1", "I;16", "CMYK")
TABLE = "name,language\nPapadakis,Greek\nNowak,Polish\n“de Vries”,Dutch\nMüller;x,German\n" * 3
PAGES = ("hidden_states", "attention", "captions", "confusions", "gradient_flow", "one_step", "glossary")
ROWS = 1_000  # of a table
FORMATS_OF_WEIGHTS = ("npz", "keras", "torch")
IN_CHILDREN = (*FORMATS_OF_WEIGHTS, "parquet", "subwords")  # targets of which a case takes up to seconds
STOPPED: Counter[str] = Counter()  # child processes that a damaged file has stopped, by format; the app goes on


@dataclass(frozen=True)
class Ground:
    """The networks and links that cases start from.

    Args:
        folder: Of the checkpoints, where a damaged one is put too.
        links: Addresses of pages that open, as parameters by page.
    """

    folder: Path
    links: list[tuple[str, dict[str, str]]]

    @property
    def checkpoints(self) -> list[Path]:
        """Sound checkpoints, one of each family."""
        return sorted(path for path in self.folder.glob("*.safetensors") if path.stem != "damaged")


def prepared(folder: Path, links: list[tuple[str, dict[str, str]]]) -> Ground:
    """Ground with a tiny network of each family; pages see its folder."""
    os.environ["EXPLORER_CHECKPOINTS"] = str(folder)
    save_tiny(folder / "wiki-lstm.safetensors")
    save_tiny(folder / "wiki-gru.safetensors", cell="gru")
    save_tiny_translator(folder / "en-fr-additive.safetensors", attention="additive")
    save_tiny_scenes(folder / "scenes-soft.safetensors")
    save_tiny_namer(folder / "names-gru.safetensors", cell="gru")
    return Ground(folder, links)


def of_checkpoint(rng: random.Random, ground: Ground) -> None:
    """A checkpoint with a damaged header, card or weights; beside sound ones it must not hide them."""
    path, sound = ground.folder / "damaged.safetensors", ground.checkpoints
    content = rng.choice(sound).read_bytes()
    path.write_bytes(_with_header(content, rng) if rng.random() < 0.6 else damaged(content, rng))
    try:
        known = set(models.available()) | set(models.damaged())
        assert known >= {file.stem for file in sound}, (
            f"a damaged file hides {sorted(file.stem for file in sound if file.stem not in known)}"
        )
        loaded = checkpoint.load(path)
        cards.believed(loaded.card)
        cards.of_module(loaded.card, loaded.module)
    finally:
        path.unlink()


def _with_header(content: bytes, rng: random.Random) -> bytes:
    """The file with another header: something in the places of its arrays, or in its card, is changed."""
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    if rng.random() < 0.7:
        card = changed(json.loads(header["__metadata__"]["card"]), rng)
        header["__metadata__"]["card"] = json.dumps(card)
    else:
        header = changed(header, rng)
    packed = json.dumps(header).encode()
    return struct.pack("<Q", len(packed)) + packed + content[8 + length :]


def of_table(rng: random.Random, ground: Ground) -> None:
    """A table in any encoding, damaged, read as names and as pairs of sentences."""
    encoding = rng.choice([*tables.ENCODINGS, "utf-8", "utf-8-sig", "utf-16"])
    content = (TABLE.replace(",", rng.choice(",;\t|")) + text(rng)).encode(encoding, "replace")
    content = damaged(content, rng) if rng.random() < 0.8 else content
    path = ground.folder / "table.csv"
    path.write_bytes(content)
    named = rng.choice([None, None, *tables.ENCODINGS])
    for read in (lambda: names_table.table_of(content, "table.csv", named, ROWS), lambda: pairs.read(path)):
        answered(read)
    path.unlink()


def of_picture(rng: random.Random, ground: Ground) -> None:
    """A picture of any format and mode, damaged."""
    made, file = Image.new("RGB", (rng.randrange(1, 40), rng.randrange(1, 40)), "red"), io.BytesIO()
    try:
        made.convert(rng.choice(MODES)).save(file, rng.choice(FORMATS))
    except (OSError, ValueError, KeyError):  # a format that does not have this mode
        made.save(file, "PNG")
    picture = images.opened(damaged(file.getvalue(), rng), "damaged.png")
    images.squashed(picture)


def of_text(rng: random.Random, ground: Ground) -> None:
    """A text: packed into a link and back, romanised, read by a character network."""
    from models.char_lm.experiments.window import Layer, read_window

    given = text(rng, 3_000)
    clean = link.clean(given, 2_000)
    assert link.unpacked(link.packed(clean)) == clean, "a text changes in its link"
    spelling(clean)
    answered(lambda: link.unpacked(damaged(link.packed(clean).encode(), rng).decode("latin-1")))
    loaded = checkpoint.load(ground.folder / f"wiki-{rng.choice(('lstm', 'gru'))}.safetensors")
    read_window(loaded, clean, Layer(0, "hidden", "index"), warm_up=link.clean(text(rng), 200))


def of_link(rng: random.Random, ground: Ground) -> None:
    """A link with some parameters changed, invented or exchanged between pages: the page opens, without an exception."""
    page, query = rng.choice(ground.links)
    query = dict(query)
    for _ in range(rng.randrange(1, 4)):
        other = rng.choice(ground.links)[1]
        key = rng.choice([*query, *other] or ["panel"])
        way = rng.random()
        query[key] = text(rng) if way < 0.5 else str(rng.choice((-1, 0, 7, 10**12, 1e999, "nan"))) if way < 0.7 else other.get(key, "")
        if way < 0.1 and query[key]:
            query[key] = damaged(query[key].encode("utf-8", "replace"), rng).decode("latin-1")
    opened = open_page(page, **{key: link.clean(value, 4_000) for key, value in query.items()})
    assert not opened.exception, f"{page} {query}: {[error.value for error in opened.exception]}"


@cache
def samples(form: str) -> tuple[bytes, ...]:
    """Sound files of weights of strangers' networks, by the format."""
    if form == "npz":
        return (strangers.npz(**strangers.min_char_rnn()),)
    if form == "torch":
        return strangers.saved(strangers.CharRNN().state_dict()), strangers.saved({"model": strangers.CharRNN(), "epoch": 3})
    arrays, layers = keras.char_lstm()
    return keras.written(arrays, layers), keras.written(arrays), keras.archived()


def _of_weights(form: str) -> Callable[[random.Random, Ground], None]:
    """A target: weights in this format, damaged, and laid out; what is read in a child process may stop that process."""

    def target(rng: random.Random, ground: Ground) -> None:
        content = damaged(rng.choice(samples(form)), rng)
        try:
            opened = open_file(content, "damaged")
            uses(opened.layout, opened.choice)
            of_weights(opened, opened.choice)
        except ExplorerError as error:
            STOPPED[form] += any(words in str(error) for words in ("made its reader stop", "could not be read here"))
            raise

    return target


@cache
def recordings() -> dict[str, bytes]:
    """Sound files of arrays without a model, by a name with their ending."""
    read = np.stack([np.arange(40.0), np.cos(np.arange(40.0))], 1)
    days = np.datetime64("2001-01-01") + np.arange(40)
    states = np.tanh(np.random.default_rng(0).normal(size=(40, 2, 3)))
    table, packed = io.StringIO(), io.BytesIO()
    columns = {"date": days, "rain": read[:, 0], "soil": read[:, 1], "h0": states[:, 0, 0], "h1": states[:, 0, 1]}
    pd.DataFrame(columns).to_csv(table, index=False)
    pd.DataFrame(columns | {"h": list(states[:, 0]), "word": ["to", "be"] * 20}).to_parquet(packed)
    return {
        "tokens.npz": strangers.npz(tokens=np.array(list("to be or " * 5))[:40], hidden=states),
        "series.npz": strangers.npz(inputs=read, names=np.array(["rain", "soil"]), time=days, hidden=states[:, 0]),
        "series.csv": table.getvalue().encode(),
        "matrix.tsv": b"\tthe\tcat\nle\t0.9\t0.1\nchat\t0.2\t0.8\n",
        "soft.txt": b"0 ||| yes no ||| -1.5 ||| ja ||| 2 3\n0.9 0.1\n0.25 0.75\n0.5 0.5\n\n",
        "marian.txt": b"le chat ||| 0.9,0.1,0 0.2,0.8,0 0,0,1\n",
        "links.txt": b"the cat sat ||| le chat ||| 0-0 1-1\n",
        "one.json": json.dumps({"source": ["a", "b"], "target": ["x"], "weights": [[0.25, 0.75]]}).encode(),
        "series.parquet": packed.getvalue(),
    }


def of_arrays(rng: random.Random, ground: Ground) -> None:
    """A file of arrays without a model, damaged, read in every way that it allows, and drawn."""
    _drawn(rng, rng.choice([name for name in recordings() if not name.endswith("parquet")]))


def of_parquet(rng: random.Random, ground: Ground) -> None:
    """The same for a Parquet file, which a child process reads."""
    try:
        _drawn(rng, "series.parquet")
    except ExplorerError as error:
        STOPPED["parquet"] += any(words in str(error) for words in ("made its reader stop", "could not be read here"))
        raise


def _drawn(rng: random.Random, name: str) -> None:
    content = recordings()[name]
    if name.endswith("json") and rng.random() < 0.5:
        content = json.dumps(changed(json.loads(content), rng)).encode()
    else:
        content = damaged(content, rng)
    read = open_arrays(content, rng.choice([name, name, "x.csv", "x.json", "x"]))
    for alignment in read.alignments[:3]:
        alignments.matrix(alignment)
    if read.activations is not None and read.activations.steps <= 1_000:
        quantity = next(iter(read.activations.units), "")
        made = data.figure(read.activations, quantity, tuple(read.activations.inputs[:3]), slice(0, 100))
        made.to_bytes()
        made.to_svg()


LISTS = (
    b'["a", "b", "c"]',
    b'{"a": 0, "b": 1, "<unk>": 2}',
    b"a\nb\n \nc\t5\n",
    b'{"class_name": "Tokenizer", "config": {"word_index": "{\\"b\\": 1, \\"a\\": 2}"}}',
    b'{"config": {"vocabulary": ["a", "b"], "num_oov_indices": 1, "mask_token": ""}}',
)


def of_tokens(rng: random.Random, ground: Ground) -> None:
    """A list of tokens, damaged; and one that is typed."""
    content = rng.choice(LISTS)
    is_json = content[:1] in b"[{" and rng.random() < 0.5
    content = json.dumps(changed(json.loads(content), rng)).encode() if is_json else damaged(content, rng)
    answered(lambda: typed_tokens(text(rng)))
    read_list(content, rng.choice(["x.json", "x.txt"]))


def of_subwords(rng: random.Random, ground: Ground) -> None:
    """A file of subwords, damaged, which a child process reads; and a text that it splits."""
    make = rng.choice((subword_files.byte_level, subword_files.word_piece, subword_files.metaspace, subword_files.sentence_piece))
    sound = make()
    if isinstance(sound, str) and rng.random() < 0.5:
        content = json.dumps(changed(json.loads(sound), rng)).encode()
    else:
        content = damaged(sound.encode() if isinstance(sound, str) else sound, rng)
    try:
        file = read_list(content, "x.json" if isinstance(sound, str) else "x.model").file
        if file is not None:
            file.encode(text(rng))
    except ExplorerError as error:
        STOPPED["subwords"] += any(words in str(error) for words in ("made its reader stop", "could not be read here"))
        raise


def answered(read: Callable[[], Any]) -> None:
    """Run something that may refuse what it reads with a sentence."""
    try:
        read()
    except ExplorerError as error:
        assert str(error) and len(str(error)) < 1_000, "no sentence, or one of a thousand characters"


TARGETS: dict[str, Callable[[random.Random, Ground], None]] = {
    "checkpoint": of_checkpoint,
    "table": of_table,
    "picture": of_picture,
    "text": of_text,
    "link": of_link,
    "arrays": of_arrays,
    "parquet": of_parquet,
    "tokens": of_tokens,
    "subwords": of_subwords,
    **{form: _of_weights(form) for form in FORMATS_OF_WEIGHTS},
}
