"""Layers of Keras in torch's terms: names, order of the gates, transposes and biases of their weights.

Keras stores a kernel as [input, gate * unit], torch as [gate * unit, input]. Both have the gates of an LSTM in the order input,
forget, candidate, output; those of a GRU are update, reset, candidate in Keras and reset, update, candidate in torch.

Sources: the classes LSTM, GRU, SimpleRNN of Keras; CuDNNLSTM and CuDNNGRU of Keras 2, whose input kernels are those of cuDNN,
[unit, input] for each gate in one piece, in an array of the shape [input, gate * unit].
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

BLOCKS = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}  # of weights for each unit: one for each gate, and the candidate
CUDNN = {"CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU"}
RECURRENT = (*BLOCKS, *CUDNN)
WRAPPERS = {"TimeDistributed": "layer", "Bidirectional": "layer", "RNN": "cell"}  # where their configuration has the inner one


@dataclass(frozen=True, eq=False)
class KerasLayer:
    """One layer of a file.

    Args:
        name: Its name.
        kind: Its class in Keras; "" if the file does not say.
        arrays: Its weights [...] in the order in which Keras has them.
        config: What the configuration of the model says of it.
        labels: Names of the weights in the file.
    """

    name: str
    kind: str
    arrays: tuple[np.ndarray, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()

    @property
    def inner(self) -> "KerasLayer":
        """The layer or cell that another one wraps, under the name of the wrapper; the layer itself if it wraps none."""
        wrapped = self.config.get(WRAPPERS.get(self.kind, ""))
        if self.kind not in WRAPPERS:
            return self
        parts = wrapped if isinstance(wrapped, Mapping) else {}
        config = parts.get("config")
        kind = str(parts.get("class_name", "")).removesuffix("Cell")
        return replace(self, kind=kind, config=config if isinstance(config, Mapping) else {})

    @property
    def cell(self) -> str:
        """Class of its recurrent layer, "LSTM" also for a CuDNNLSTM; "" if it is none."""
        kind = CUDNN.get(self.inner.kind, self.inner.kind)
        if kind in BLOCKS:
            return kind
        is_cell = any("recurrent_kernel" in label or "cell/" in label for label in self.labels)
        return _cell_by_shape(self.arrays) if is_cell and not kind else ""


def _cell_by_shape(arrays: Sequence[np.ndarray]) -> str:
    """The class of recurrent layer whose kernels have these shapes."""
    if len(arrays) not in (2, 3, 4, 6) or arrays[0].ndim != 2 or arrays[1].ndim != 2:
        return ""
    units, wide = arrays[1].shape
    same = arrays[0].shape[1] == wide
    return next((kind for kind, gates in BLOCKS.items() if same and wide == gates * units), "")


def is_embedding(layer: KerasLayer) -> bool:
    """Whether a layer is an embedding: by its class, or by the names of its weights or its own."""
    one = [(array.ndim, array.dtype.kind) for array in layer.arrays] == [(2, "f")]
    named = any("embeddings" in label for label in layer.labels) or layer.name.lower().split("/")[-1].startswith("emb")
    return one and (layer.kind == "Embedding" or (not layer.kind and named))


def is_dense(layer: KerasLayer) -> bool:
    """Whether a layer is a Dense layer: by its class, or by the shapes of a kernel and its bias."""
    shapes = [array.shape for array in layer.arrays]
    with_bias = len(shapes) == 2 and len(shapes[0]) == 2 and shapes[1] == shapes[0][1:]
    alone = len(shapes) == 1 and len(shapes[0]) == 2
    if any(array.dtype.kind != "f" for array in layer.arrays):  # quantised
        return False
    if layer.inner.kind:
        return layer.inner.kind == "Dense" and (with_bias or alone)
    return with_bias or (alone and not is_embedding(layer))


def width_of(layer: KerasLayer) -> int:
    """Numbers that an embedding, recurrent or Dense layer gives per step; 0 for any other."""
    shapes = [array.shape for array in layer.arrays]
    if layer.cell and len(shapes) > 1:
        return shapes[1][0] * (2 if layer.kind == "Bidirectional" or len(shapes) in (4, 6) else 1)
    return shapes[0][1] if is_embedding(layer) or is_dense(layer) else 0


def converted(layer: KerasLayer) -> tuple[dict[str, np.ndarray], bool]:
    """The weights [...] of a layer under torch's names, and whether they are those of a GRU whose reset gate acts before the product.

    Weights of other layers keep their names in the file. What does not fit its class does so too.
    """
    if is_embedding(layer):
        return {f"{layer.name}.weight": layer.arrays[0]}, False
    if layer.cell and (both := _recurrent(layer)) is not None:
        return both
    if is_dense(layer):
        return {f"{layer.name}.{role}": array.T for role, array in zip(("weight", "bias"), layer.arrays, strict=False)}, False
    names = [label.split("/")[-1].split(":")[0] for label in layer.labels]
    return {f"{layer.name}.{name}": array for name, array in zip(names, layer.arrays, strict=True)}, False


def _recurrent(layer: KerasLayer) -> tuple[dict[str, np.ndarray], bool] | None:
    """The weights of a recurrent layer; the second half of those of a Bidirectional one are its backward direction."""
    arrays = layer.arrays
    both = layer.kind == "Bidirectional" or (not layer.kind and len(arrays) in (4, 6))
    half = len(arrays) // 2
    if both and len(arrays) % 2:
        return None
    parts = [(arrays[:half], ""), (arrays[half:], "_reverse")] if both else [(arrays, "")]
    named, before = {}, False
    for own, back in parts:
        roles = _one_direction(layer.cell, own)
        if roles is None:
            return None
        before |= layer.cell == "GRU" and _resets_before(own, layer.inner.config)
        named |= {f"{layer.name}.{role}_l0{back}": np.ascontiguousarray(value) for role, value in roles.items()}
    return named, before


def _resets_before(arrays: Sequence[np.ndarray], config: Mapping[str, Any]) -> bool:
    """Whether the reset gate of a GRU acts before the product: its shape of bias says so, or the configuration where it has none."""
    if len(arrays) == 3:
        return arrays[2].size == 3 * arrays[1].shape[0]
    return bool(config) and config.get("reset_after") is not True


def _one_direction(cell: str, arrays: Sequence[np.ndarray]) -> dict[str, np.ndarray] | None:
    """Weights of one direction by torch's names; None if their shapes are not those of the class."""
    if len(arrays) not in (2, 3) or arrays[0].ndim != 2 or arrays[1].ndim != 2:
        return None
    kernel, recurrent = arrays[:2]
    gates, units = BLOCKS[cell], recurrent.shape[0]
    if not units or kernel.shape[1] != gates * units or recurrent.shape[1] != gates * units or any(one.dtype.kind != "f" for one in arrays):
        return None
    blocks = [np.hsplit(kernel, gates), np.hsplit(recurrent, gates)]
    cudnn = cell != "SimpleRNN" and len(arrays) == 3 and arrays[2].shape == (2 * gates * units,)
    ours = [[part.reshape(units, -1) for part in blocks[0]], blocks[1]] if cudnn else [[part.T for part in parts] for parts in blocks]
    roles = {role: np.concatenate(_in_order(cell, parts)) for role, parts in zip(("weight_ih", "weight_hh"), ours, strict=True)}
    if len(arrays) == 2:
        return roles
    if arrays[2].size not in (gates * units, 2 * gates * units):
        return None
    for role, values in zip(("bias_ih", "bias_hh"), arrays[2].reshape(-1, gates * units), strict=False):
        roles[role] = np.concatenate(_in_order(cell, np.split(values, gates)))
    return roles


def _in_order(cell: str, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Parts of the gates, each [unit, ...], from Keras' order to torch's."""
    return [parts[1], parts[0], *parts[2:]] if cell == "GRU" else list(parts)
