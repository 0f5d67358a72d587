"""Files of Keras, read in a child process without Keras: .h5 and .hdf5 (whole models and weights), .weights.h5, .keras.

Only numbers and texts are read. Nothing that a file describes is built or called.
"""

import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import CheckpointError
from models.foreign import hdf5, keras_model
from models.foreign.child import ARRAYS
from models.foreign.described import Described
from models.foreign.keras_layers import KerasLayer, converted, is_dense, is_embedding, width_of
from models.foreign.tokens import PADDING, lookup_tokens, token_list

LARGEST_TEXT = 64_000_000  # bytes of a configuration or a vocabulary
WEIGHTS, CONFIG, ABOUT = "model.weights.h5", "config.json", "metadata.json"
# "layers/lstm/cell/vars/0", "layers/bidirectional/forward_layer/cell/vars/0", "layers/time_distributed/layer/vars/0"
VARS = re.compile(r"(?P<layer>.*?)/(?P<part>(?:forward_layer/|backward_layer/|layer/)*(?:cell/)?vars/\d+)")
CONTAINERS = re.compile(r"^(layers|_layer_checkpoint_dependencies)/")
BY_KEY = {"embedding": "Embedding", "dense": "Dense", "lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}
BY_KEY |= {"bidirectional": "Bidirectional", "time_distributed": "TimeDistributed"}
KEPT = ("activation", "recurrent_activation", "stateful", "dropout", "recurrent_dropout", "reset_after", "unit_forget_bias", "mask_zero")


def read(path: Path, folder: Path) -> dict[str, Any]:
    """Tensors in torch's terms, settings, lists of tokens and a description of the network. The tensors are written into the folder.

    Raises:
        CheckpointError: the end of a sentence on why it cannot be read.
    """
    try:
        return _answer(path, folder)
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:  # whatever a damaged file makes of zipfile and numpy; this process reads this file alone
        first = (str(error).splitlines() or ["no reason given"])[0][:150].rstrip(".")
        raise CheckpointError(f"is a damaged Keras file ({first}). Copy or download it again.") from None


def _answer(path: Path, folder: Path) -> dict[str, Any]:
    from safetensors.numpy import save_file

    with path.open("rb") as file:
        zipped = file.read(2) == b"PK"
    config, texts, path = _unpacked(path, folder) if zipped else (None, {}, path)
    inside = hdf5.contents(path)
    config = config or _json(inside.texts.get(("", "model_config")))
    version = _version(inside, _json(texts.pop(ABOUT, None)))
    layers, is_keras = _layers(inside, config)
    whole = bool(keras_model.entries(config))
    order, reason = _in_order(layers, config)
    tensors, said = _converted(layers, order, reason, version)
    save_file(tensors, folder / ARRAYS)
    said.is_whole, notes = whole, said.notes
    if inside.left:
        notes.append(f"Left out, because they are links, texts or no numbers: {', '.join(inside.left[:4])}.")
    if is_keras and not whole:
        notes.append("The file holds weights without the model: activations are taken to be the defaults of Keras, tanh and sigmoid.")
    return {
        "form": _form(zipped, is_keras, whole),
        "order": list(tensors),
        "settings": _settings(layers),
        "tokens": _tokens(config, texts),
        "notes": notes,
        "described": asdict(said) if is_keras else None,
    }


def _form(zipped: bool, is_keras: bool, whole: bool) -> str:
    if not is_keras:
        return "an HDF5 file"
    return "a Keras file" if zipped else "a Keras model in HDF5" if whole else "weights of Keras in HDF5"


def _unpacked(path: Path, folder: Path) -> tuple[Any, dict[str, str], Path]:
    """Configuration, vocabularies by their path, and the unpacked weights of a .keras file."""
    with zipfile.ZipFile(path) as archive:
        sizes = {part.filename: part.file_size for part in archive.infolist()}
        if WEIGHTS not in sizes or CONFIG not in sizes:
            raise CheckpointError(
                f"is a zip archive without {CONFIG} and {WEIGHTS}, so no .keras file, and none of torch.save or numpy.savez. "
                "Save a Keras model by `model.save('model.keras')`."
            )
        texts = {
            name: archive.read(name).decode("utf-8", "replace")
            for name, size in sizes.items()
            if (name in (CONFIG, ABOUT) or (name.startswith("assets/") and name.endswith("vocabulary.txt"))) and size <= LARGEST_TEXT
        }
        if sizes[WEIGHTS] > hdf5.LARGEST:
            raise CheckpointError(f"holds weights of more than {hdf5.LARGEST // 1_000_000:,} MB, the most that can be opened here.")
        content = archive.read(WEIGHTS)
    unpacked = folder / "weights.h5"
    unpacked.write_bytes(content)
    config = _json(texts.pop(CONFIG, None))
    return config, texts, unpacked


def _json(text: Any) -> Any:
    """A model's configuration; None if there is none, or it is no JSON object."""
    if not isinstance(text, str) or len(text) > LARGEST_TEXT:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, Mapping) else None


def _version(inside: hdf5.Contents, about: Any) -> int:
    """First number of the version of Keras that wrote a file; if it does not say, that of the layout."""
    written = [text for (_, name), text in inside.texts.items() if name == "keras_version"]
    written += [about.get("keras_version")] if about else []
    numbers = [match[0] for text in written if (match := re.match(r"\d{1,3}", str(text)))]
    return int(numbers[0]) if numbers else 3 if any(VARS.fullmatch(name) for name in inside.arrays) else 2


def _layers(inside: hdf5.Contents, config: Any) -> tuple[list[KerasLayer], bool]:
    """The layers of a file with their weights, and whether it is one that Keras wrote."""
    for root in ("model_weights", ""):
        if ("layer_names" in {name for path, name in inside.texts if path == root}) or (root, "layer_names0") in inside.texts:
            return list(_of_keras_2(inside, root, config)), True
    if any(VARS.fullmatch(name.replace("\\", "/")) for name in inside.arrays):
        return list(_of_keras_3(inside, config)), True
    parents = {name: name.rpartition("/")[0].replace("/", ".") for name in inside.arrays}
    return [KerasLayer(parents[name], "?", (array,), {}, (name,)) for name, array in inside.arrays.items()], False


def _listed(inside: hdf5.Contents, path: str, name: str) -> list[str]:
    """A list of names that Keras keeps in one attribute, or in numbered ones where it is long."""
    parts = [inside.texts.get((path, name)), *(inside.texts.get((path, f"{name}{index}")) for index in range(1_000))]
    return [one for part in parts if isinstance(part, list) for one in part]


def _of_keras_2(inside: hdf5.Contents, root: str, config: Any) -> Iterator[KerasLayer]:
    """Layers in the layout of Keras 2: a group for each, whose attribute names its weights."""
    known = {keras_model.name_of(entry): entry for entry in keras_model.entries(config)}
    for name in _listed(inside, root, "layer_names"):
        group = f"{root}/{name}".lstrip("/")
        paths = {label: f"{group}/{label}" for label in _listed(inside, group, "weight_names")}
        labels = [label for label, path in paths.items() if path in inside.arrays]
        entry = known.get(name, {})
        kind = keras_model.kind_of(entry)
        yield KerasLayer(name, kind, tuple(inside.arrays[paths[label]] for label in labels), keras_model.config_of(entry), tuple(labels))


def _of_keras_3(inside: hdf5.Contents, config: Any) -> Iterator[KerasLayer]:
    """Layers in the layout of Keras 3: "layers/lstm/cell/vars/0", under names made of their classes."""
    groups: dict[str, dict[str, np.ndarray]] = {}
    for path, array in inside.arrays.items():
        if (match := VARS.fullmatch(path.replace("\\", "/"))) and not match["layer"].endswith("seed_generator"):
            groups.setdefault(match["layer"], {})[match["part"]] = array
    entries = _by_key(groups, config)
    known = {keras_model.name_of(entry): entry for entry in keras_model.entries(config)}
    names = {key: str(inside.texts.get((f"{key}/vars", "name"), "")) for key in groups}
    for key, parts in sorted(groups.items(), key=lambda group: _natural(group[0])):
        short = CONTAINERS.sub("", key)
        own = names[key] if names[key] and list(names.values()).count(names[key]) == 1 else short.replace("/", ".")
        entry = known.get(names[key]) or entries.get(key, {})
        kind = keras_model.kind_of(entry) or BY_KEY.get(_without_number(short) if key != short else "", "")
        labels = sorted(parts, key=lambda label: ("backward_layer" in label, int(label.rpartition("/")[2])))
        name = keras_model.name_of(entry) or own
        yield KerasLayer(name, kind, tuple(parts[label] for label in labels), keras_model.config_of(entry), tuple(labels))


def _by_key(keys: Iterable[str], config: Any) -> dict[str, Mapping[str, Any]]:
    """The layers of a configuration by the keys of their weights: "lstm", "lstm_1" and so on, in the order of the layers of a class.

    Some versions leave out numbers, so that the order counts and not the number.
    """
    waiting: dict[str, list[Mapping[str, Any]]] = {}
    for entry in keras_model.entries(config):
        kind = re.sub(r"\W+", "", str(entry.get("class_name", "")))
        snake = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind)).lower()
        waiting.setdefault(snake, []).append(entry)
    keyed = {}
    for key in sorted(keys, key=_natural):
        if alike := waiting.get(_without_number(CONTAINERS.sub("", key))):
            keyed[key] = alike.pop(0)
    return keyed


def _without_number(name: str) -> str:
    return re.sub(r"_\d+$", "", name)


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def _in_order(layers: list[KerasLayer], config: Any) -> tuple[list[KerasLayer], str]:
    """The layers from input to output, those without weights too, and a sentence if they are no chain."""
    if not keras_model.entries(config):
        return _guessed_order(layers), ""
    own = {layer.name: layer for layer in layers}
    listed, reason = keras_model.in_order(config)
    named = [(keras_model.name_of(entry), entry) for entry in listed]
    order = [own.get(name) or KerasLayer(name, keras_model.kind_of(entry), (), keras_model.config_of(entry)) for name, entry in named]
    return order, reason


def _guessed_order(layers: list[KerasLayer]) -> list[KerasLayer]:
    """Layers of a file that does not say how they follow one another: each reads as many numbers as the one before it gives."""
    order = [layer for layer in layers if is_embedding(layer)]
    rest = [layer for layer in layers if layer not in order]
    width = width_of(order[-1]) if order else None
    for wanted in (lambda layer: bool(layer.cell), is_dense, lambda layer: True):
        waiting = [layer for layer in rest if wanted(layer)]
        while waiting:
            first = next((layer for layer in waiting if layer.arrays and layer.arrays[0].shape[:1] == (width,)), waiting[0])
            waiting.remove(first)
            rest.remove(first)
            order.append(first)
            width = width_of(first) or width
    return order


def _converted(layers: list[KerasLayer], order: list[KerasLayer], reason: str, version: int) -> tuple[dict[str, np.ndarray], Described]:
    """The tensors of all layers, those of the model in its order first, and the description of the network."""
    said = keras_model.described(order, reason, version)
    tensors: dict[str, np.ndarray] = {}
    rest = [layer for layer in layers if layer not in order]
    for layer in [*order, *rest]:
        named, before = converted(layer)
        tensors |= {name: np.ascontiguousarray(array) for name, array in named.items() if name not in tensors}
        if before and layer.kind != "Bidirectional":
            said.variants[layer.name] = {"reset_after": False, **said.variants.get(layer.name, {})}
    cells = {layer.name: layer.cell for layer in layers}
    said.notes += [
        f"{name} is not torch's {cells[name]}: {keras_model.in_words(variant)}. It is computed as in Keras."
        for name, variant in said.variants.items()
        if (cells[name], variant) != ("SimpleRNN", {"state": "relu"})
    ]
    said.notes += [
        f"{layer.name} has no bias, so the file does not say where its reset gate acts: after the matrix product is assumed, as by default."
        for layer in layers
        if layer.cell == "GRU" and not layer.inner.config and len(layer.arrays) == 2
    ]
    return tensors, said


def _settings(layers: list[KerasLayer]) -> dict[str, Any]:
    """Numbers, switches and short texts of the configuration by "layer.setting"."""
    settings = {}
    for layer in layers:
        for key in KEPT:
            value = layer.inner.config.get(key)
            if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) < 100):
                settings[f"{layer.name}.{key}"] = value
    return settings


def _tokens(config: Any, texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Lists of tokens of TextVectorization and StringLookup layers, special tokens first, from the configuration or the assets."""
    tokens = {}
    for entry in keras_model.entries(config):
        kind = entry.get("class_name")
        listed = lookup_tokens(keras_model.config_of(entry), kind == "TextVectorization") if kind in keras_model.TEXTS else None
        tokens |= {keras_model.name_of(entry): listed} if listed is not None else {}
    for path, text in texts.items():
        lines = text.split("\n")
        tokens[path] = [PADDING if index == 0 and not line else line for index, line in enumerate(lines)]
    return {name: list(kept) for name, listed in tokens.items() if (kept := token_list(listed)) is not None}
