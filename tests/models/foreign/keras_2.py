"""Files in the layouts of Keras 2 and 3, written with h5py: in that of Keras 2 an attribute of each layer names its weights."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

LSTM = ("kernel", "recurrent_kernel", "bias")
Arrays = Mapping[str, Sequence[np.ndarray]]


def layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    """One layer of a configuration."""
    return {"class_name": kind, "config": {"name": name, **config}}


def written(arrays: Arrays, layers: Sequence[dict] = (), version: str = "2.2.4") -> bytes:
    """A file with weights by layer, in the order of the model; a whole model if the layers of its configuration are given."""
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        root = h5.create_group("model_weights") if layers else h5
        root.attrs["layer_names"] = [name.encode() for name in arrays]
        h5.attrs["keras_version"] = version.encode()
        if layers:
            h5.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "mine", "layers": list(layers)}}).encode()
            h5.create_group("optimizer_weights")["iterations:0"] = np.zeros(3)
        for name, values in arrays.items():
            group = root.create_group(name)
            names = ("embeddings",) if name.startswith("emb") else LSTM if len(values) in (3, 6) else ("kernel", "bias")
            names = [f"{name}/{'back' if index > 2 else 'own'}/{names[index % 3]}:0" for index in range(len(values))]
            group.attrs["weight_names"] = [one.encode() for one in names]
            for one, value in zip(names, values, strict=True):
                group[one] = value
    return file.getvalue()


def random(*shapes: tuple[int, ...], seed: int = 0) -> list[np.ndarray]:
    """Arrays of random numbers [...] of these shapes."""
    rng = np.random.default_rng(seed)
    return [rng.normal(0, 0.6, shape).astype(np.float32) for shape in shapes]


def char_lstm(tokens: int = 8, units: int = 5) -> tuple[dict[str, list[np.ndarray]], list[dict]]:
    """Weights and configuration of the network of the Keras example that writes text: an LSTM on one-hot vectors, a Dense layer."""
    arrays = {
        "lstm_1": random((tokens, 4 * units), (units, 4 * units), (4 * units,)),
        "dense_1": random((units, tokens), (tokens,)),
    }
    return arrays, [
        layer("LSTM", "lstm_1", units=units, activation="tanh", recurrent_activation="hard_sigmoid", dropout=0.2, stateful=True),
        layer("Dense", "dense_1", units=tokens, activation="softmax"),
    ]


def archived(tokens: int = 8, units: int = 5) -> bytes:
    """The same network as a .keras file as TensorFlow 2.13 wrote it: keys by class, with numbers left out."""
    arrays, layers = char_lstm(tokens, units)
    layers.insert(1, layers[0] | {"config": layers[0]["config"] | {"name": "lstm_2", "recurrent_activation": "sigmoid"}})
    arrays["lstm_2"] = random((units, 4 * units), (units, 4 * units), (4 * units,), seed=1)
    keys = {"lstm/cell": "lstm_1", "lstm_2/cell": "lstm_2", "dense": "dense_1"}
    weights, archive = io.BytesIO(), io.BytesIO()
    with h5py.File(weights, "w") as h5:
        for key, name in keys.items():
            for index, value in enumerate(arrays[name]):
                h5[f"_layer_checkpoint_dependencies/{key}/vars/{index}"] = value
    config = {"class_name": "Sequential", "config": {"name": "mine", "layers": layers}}
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("metadata.json", json.dumps({"keras_version": "2.13.1"}))
        file.writestr("config.json", json.dumps(config))
        file.writestr("model.weights.h5", weights.getvalue())
    return archive.getvalue()
