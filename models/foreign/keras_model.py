"""What the configuration of a Keras model says: its layers in order, their activations, and whether torch's layers compute the same.

A model is run here if it is a chain: ids or one-hot vectors, at most one Embedding, recurrent layers, Dense layers. Nothing of it is
built or called; a Lambda layer is a name.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.foreign.described import GATES, STATES, Described
from models.foreign.keras_layers import CUDNN, KerasLayer, is_dense, is_embedding

# Layers that do nothing to a prediction.
IDLE = (
    "InputLayer",
    "Dropout",
    "SpatialDropout1D",
    "GaussianDropout",
    "GaussianNoise",
    "AlphaDropout",
    "ActivityRegularization",
    "Identity",
)
TEXTS = ("TextVectorization", "StringLookup")
BETWEEN = {"linear": "none", "relu": "relu", "tanh": "tanh"}  # activations between Dense layers, by their names here
LAST = ("softmax", "linear", "log_softmax")  # activations of the last Dense layer after which the likeliest token and its odds are the same
ALIASES = {"swish": "silu"}


def entries(model: Any) -> list[Mapping[str, Any]]:
    """The layers of a model's configuration, each {"class_name", "config", ...}."""
    config = model.get("config") if isinstance(model, Mapping) else None
    listed = config.get("layers") if isinstance(config, Mapping) else config  # a Sequential of Keras 2.0 is a list
    return [entry for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []


def config_of(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration of one layer."""
    config = entry.get("config")
    return config if isinstance(config, Mapping) else {}


def name_of(entry: Mapping[str, Any]) -> str:
    """The name of one layer."""
    return str(config_of(entry).get("name") or entry.get("name") or "")


def kind_of(entry: Mapping[str, Any]) -> str:
    """The class of one layer; a class of the file's owner has its package before its name."""
    return str(entry.get("registered_name") or entry.get("class_name") or "")


def activation(config: Mapping[str, Any], key: str, default: str = "linear") -> str:
    """The name of an activation in a configuration; that of a class of one's own is the name of the class."""
    value = config.get(key, default)
    if isinstance(value, Mapping):
        inside = value.get("config")
        value = inside if isinstance(inside, str) else value.get("class_name")
    name = "linear" if value is None else str(value)
    return ALIASES.get(name, name)


def in_order(model: Any) -> tuple[list[Mapping[str, Any]], str]:
    """The layers of a model from input to output, and a sentence if they are no chain."""
    listed = entries(model)
    if not listed or model.get("class_name") == "Sequential":
        return listed, ""
    before = {name_of(entry): list(dict.fromkeys(_inputs(entry))) for entry in listed}
    masks = {name_of(entry) for entry in listed if entry.get("class_name") == "NotEqual"}  # of an Embedding with mask_zero
    branched = next((name for name, names in before.items() if len(names) > 1 and name not in masks), "")
    if branched:
        several = " and ".join(map(repr, before[branched][:3]))
        return listed, f"{branched!r} reads {several}; only layers that follow one another are run here."
    chain = [entry for entry in listed if name_of(entry) not in masks]
    firsts = [entry for entry in chain if not before[name_of(entry)]]
    after = {before[name_of(entry)][0]: entry for entry in chain if before[name_of(entry)]}
    if len(firsts) != 1 or len(after) != len(chain) - 1:
        return listed, "Its layers have several inputs or outputs, or share layers; only layers that follow one another are run here."
    order = firsts
    while name_of(order[-1]) in after and len(order) <= len(chain):
        order.append(after[name_of(order[-1])])
    state = "One of its layers reads the final state of another; only layers that follow one another are run here."
    return order, "" if len(order) == len(chain) else state


def _inputs(entry: Mapping[str, Any]) -> Iterator[str]:
    """Names of the layers that a layer of a Functional model reads, in the form of Keras 2 or 3; masks do not count."""
    nodes = entry.get("inbound_nodes")
    waiting = [nodes]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            history = config_of(value).get("keras_history")
            if isinstance(history, list) and len(history) == 3:
                yield _output(*history)
            else:
                waiting += [part for key, part in value.items() if key != "mask"]
        elif isinstance(value, list):
            if len(value) >= 3 and isinstance(value[0], str) and all(isinstance(index, int) for index in value[1:3]):
                yield _output(*value[:3])
                waiting += value[3:]
            else:
                waiting += value


def _output(name: Any, _: Any, index: Any) -> str:
    """The name of a layer whose output is read; with a mark that no name has, if it is not the first output but a final state."""
    return str(name) if index == 0 else f"{name} (state {index})"


def described(order: Sequence[KerasLayer], reason: str, version: int) -> Described:
    """What a model's layers, from input to output, say of the network.

    Args:
        order: The layers.
        reason: Why they are no chain, if they are none.
        version: First number of the version of Keras that wrote the file.
    """
    result = Described(reason=reason)
    activations: list[str] = []
    for layer in order:
        if layer.cell and layer.arrays:
            result.recurrent.append(layer.name)
            reason = _add_recurrent(result, layer, version) or ("" if not activations else _between(layer, "recurrent layers"))
        elif is_embedding(layer):
            reason = _between(layer, "recurrent layers") if result.chain or result.embedding else ""
            result.embedding = layer.name
            if layer.config.get("mask_zero"):
                result.notes.append(f"{layer.name} masks id 0, as padding: Keras leaves out such steps, here they are read.")
        elif is_dense(layer):
            reason = "" if result.chain else f"{layer.name!r} is a Dense layer before the recurrent ones, which is not run here."
            activations.append(activation(layer.inner.config, "activation"))
            result.outputs.append(layer.name)
        else:
            reason = _add_other(layer, activations)
        result.reason = result.reason or reason
    result.reason = result.reason or _of_activations(result, activations)
    return result


def _between(layer: KerasLayer, what: str) -> str:
    return f"{layer.name!r} comes after other layers than an Embedding or {what}; such an order is not run here."


def _add_recurrent(result: Described, layer: KerasLayer, version: int) -> str:
    """Add a recurrent layer to the chain; a sentence if it cannot be run."""
    config, name = layer.inner.config, layer.name
    result.chain.append(name)
    if config.get("go_backwards") and layer.kind != "Bidirectional":
        return f"{name!r} reads from the end (go_backwards), so it predicts no next token."
    if layer.kind == "Bidirectional" and layer.config.get("merge_mode", "concat") != "concat":
        result.notes.append(f"{name} joins its two directions by {layer.config.get('merge_mode')!r}; torch puts them side by side.")
    if config.get("stateful"):
        result.notes.append(f"{name} is stateful: in Keras its state lasts from call to call; here a text starts from zero.")
    if any(config.get(key) for key in ("dropout", "recurrent_dropout")):
        result.notes.append(f"{name} has dropout, which acts in training alone.")
    variant = variant_of(layer, version)
    if variant:
        result.variants[name] = variant
    if variant.get("gates", "sigmoid") not in GATES:
        return f"The gates of {name!r} use the function {variant['gates']!r}, which is not known here."
    if variant.get("state", "tanh") not in STATES:
        return f"{name!r} uses the activation {variant['state']!r}, which is not known here."
    return ""


def variant_of(layer: KerasLayer, version: int) -> dict[str, Any]:
    """How a recurrent layer of Keras differs from torch's; empty if it does not.

    Before version 3, hard_sigmoid(x) was 0.2 x + 0.5, and the default of Keras' own package before 2.3; since 3 it is x / 6 + 0.5.
    """
    config, kind = layer.inner.config, layer.inner.kind
    if kind in CUDNN or not config:
        return {}
    gates, state = activation(config, "recurrent_activation", "sigmoid"), activation(config, "activation", "tanh")
    variant: dict[str, Any] = {}
    if layer.cell != "SimpleRNN" and gates != "sigmoid":
        variant["gates"] = "hard_sigmoid_6" if gates == "hard_sigmoid" and version >= 3 else gates
    if state != "tanh":
        variant["state"] = state
    return variant


def in_words(variant: Mapping[str, Any]) -> str:
    """How a cell differs from torch's, as a part of a sentence."""
    parts = ["the reset gate is applied before the matrix product"] if variant.get("reset_after") is False else []
    parts += [f"its gates use {variant['gates'].replace('_6', '')}"] if "gates" in variant else []
    parts += [f"its state uses {variant['state']}"] if "state" in variant else []
    return ", ".join(parts)


def _add_other(layer: KerasLayer, activations: list[str]) -> str:
    """A layer that is neither recurrent nor Embedding nor Dense: nothing, an activation after a Dense layer, or a reason."""
    own = {"Activation": activation(layer.config, "activation"), "Softmax": "softmax"}.get(layer.kind, "")
    own = "relu" if layer.kind == "ReLU" and not any(layer.config.get(key) for key in ("max_value", "negative_slope", "threshold")) else own
    if own == "linear" or layer.kind in (*IDLE, *TEXTS, "Masking"):
        return ""
    if own and activations and activations[-1] == "linear":
        activations[-1] = own
        return ""
    kind = layer.kind or "layer of an unknown class"
    return f"{layer.name!r} is a {kind}, which is not run here: only Embedding, recurrent and Dense layers are."


def _of_activations(result: Described, activations: Sequence[str]) -> str:
    """Set the function between the Dense layers; a sentence if theirs cannot be run."""
    if not activations:
        return ""
    if activations[-1] not in LAST:
        return f"{result.outputs[-1]!r} gives its outputs through {activations[-1]!r}; a distribution over tokens needs softmax."
    between = set(activations[:-1])
    if len(between) > 1 or not between <= BETWEEN.keys():
        return f"Its Dense layers use {' and '.join(sorted(between))} between them; here they are all linear, relu or tanh."
    result.activation = BETWEEN[between.pop()] if between else "none"
    return ""
