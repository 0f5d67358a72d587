"""The network that the weights of a file make up: an embedding or one-hot vectors, recurrent layers, linear layers."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from models.foreign.stepwise import Stepwise
from models.recurrent import CELLS, has_cell

if TYPE_CHECKING:
    import numpy as np

    from models.foreign.layout import Choice, Linear, Stack
    from models.foreign.vocabulary import FoundVocabulary

ACTIVATIONS = {"none": nn.Identity, "relu": nn.ReLU, "tanh": nn.Tanh}
# Added to the logit of the unknown mark where a network has none: its probability is 0 in every precision.
NEVER = -1e4


class FoundNetwork(nn.Module):
    """A language model as found in a file: logits for the next token after each token.

    Token 0 is the unknown mark. Where the file has none, its input is a vector of zeros and its probability is 0.

    Args:
        vocab_size: Number of tokens, the unknown mark included.
        cell, layers, units: Of the recurrent layers that are shown.
        inputs: Numbers that they read per step.
        embedding: Width of the embedding; 0: one-hot vectors.
        below, above: Kind, layers, units and inputs of the recurrent layers before and after those that are shown.
        outputs: Outputs of each linear layer between them and the last one, whose outputs are the tokens; None: there are no
            output layers, and the network gives the output of its recurrent layers.
        activation: Function between linear layers, "none", "relu" or "tanh".
        nonlinearity: Of a plain RNN, "tanh" or "relu".
        bias: Whether recurrent layers have biases.
        projection: Width to which an LSTM projects its output; 0 if it does not.
        directions: 2 if the layers that are shown also read from the end; `below` and `above` say it for themselves.
        variant: How the cell that is shown differs from torch's, see models.foreign.stepwise; `below` and `above` may have one too.
        classes: Outputs of the last linear layer where these are classes; 0: they are the tokens.
    """

    def __init__(
        self,
        vocab_size: int,
        cell: str,
        layers: int,
        units: int,
        inputs: int,
        embedding: int,
        below: Sequence[Mapping[str, Any]] = (),
        above: Sequence[Mapping[str, Any]] = (),
        outputs: Sequence[int] | None = (),
        activation: str = "none",
        nonlinearity: str = "tanh",
        bias: bool = True,
        projection: int = 0,
        directions: int = 1,
        variant: Mapping[str, Any] | None = None,
        classes: int = 0,
    ):
        super().__init__()
        if activation not in ACTIVATIONS or nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"activation is {activation!r} and nonlinearity {nonlinearity!r}.")
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(vocab_size, embedding) if embedding else None
        shared = {"nonlinearity": nonlinearity, "bias": bias}
        self.below = nn.ModuleList(recurrent(**part, **shared) for part in below)
        self.rnn = recurrent(cell, layers, units, inputs, projection, variant=variant, directions=directions, **shared)
        self.above = nn.ModuleList(recurrent(**part, **shared) for part in above)
        widths = [] if outputs is None else [_width([*self.below, self.rnn, *self.above][-1]), *outputs, classes or vocab_size]
        linears = [nn.Linear(*pair) for pair in pairwise(widths)]
        self.readout = nn.Sequential(*[part for linear in linears for part in (linear, ACTIVATIONS[activation]())][:-1])

    @property
    def predicts(self) -> bool:
        """Whether it has output layers."""
        return len(self.readout) > 0

    @property
    def reads_from_the_end_too(self) -> bool:
        """Whether some of its layers read from the end, so that every state depends on the whole text."""
        return any(layers.bidirectional for layers in self._order)

    def forward(self, ids: Tensor, state: Tensor | tuple[Tensor, ...] | None = None) -> tuple[Tensor, Tensor | tuple[Tensor, ...]]:
        """Logits [batch, time, vocab] for the token after each of `ids` [batch, time], and the final state.

        The state is that of the layers that are shown, in torch's form; where there are other layers, a tuple that begins with it.
        """
        order = self._order
        given = dict(zip(order, self._split(state, order), strict=True))
        ends: dict[nn.Module, tuple[Tensor, ...]] = {}
        x = self._through([*self.below, self.rnn, *self.above], self._embedded(ids), given, ends)
        parts = tuple(part for layers in order for part in ends[layers])
        (first, *others) = parts
        return self.readout(x), (first, *others) if others else first

    def input_of_shown(self, ids: Tensor, state: Tensor | tuple[Tensor, ...] | None = None) -> Tensor:
        """What the layers that are shown read, [batch, time, input], at `ids` [batch, time]: embeddings, or what the layers below give."""
        return self._through(
            list(self.below), self._embedded(ids), dict(zip(self._order, self._split(state, self._order), strict=True)), {}
        )

    def from_shown(self, x: Tensor, state: Tensor | tuple[Tensor, ...] | None = None) -> Tensor:
        """Logits [batch, time, vocab] from what the layers that are shown read, x [batch, time, input], and a state as for `forward`."""
        given = dict(zip(self._order, self._split(state, self._order), strict=True))
        return self.readout(self._through([self.rnn, *self.above], x, given, {}))

    @property
    def _order(self) -> list[Any]:
        """All recurrent layers in the order of a state: those that are shown first."""
        return [self.rnn, *self.below, *self.above]

    def _embedded(self, ids: Tensor) -> Tensor:
        if self.embedding is not None:
            return self.embedding(ids)
        return nn.functional.one_hot(ids, self.vocab_size).to(next(self.rnn.parameters()).dtype)

    @staticmethod
    def _through(every: list, x: Tensor, given: Mapping, ends: dict) -> Tensor:
        """Output of some layers, one after the other, each from its own state; the states after them are added to `ends`."""
        for layers in every:
            x, end = layers(x, given[layers])
            ends[layers] = end if isinstance(end, tuple) else (end,)
        return x

    @staticmethod
    def _split(state: Tensor | tuple[Tensor, ...] | None, order: list) -> list:
        """The state of each of the layers, in torch's form."""
        if state is None:
            return [None] * len(order)
        parts = iter(state if isinstance(state, tuple) else (state,))
        return [(next(parts), next(parts)) if has_cell(layers) else next(parts) for layers in order]


class FoundClassifier(FoundNetwork):
    """A classifier as found in a file: log probabilities of the classes after each token; its prediction is that after the last one."""

    @property
    def predicts(self) -> bool:
        """Whether it predicts the next token: it does not."""
        return False

    def forward(self, ids: Tensor, state: Tensor | tuple[Tensor, ...] | None = None) -> tuple[Tensor, Tensor | tuple[Tensor, ...]]:
        """Log probabilities [batch, time, class] after each of `ids` [batch, time], and the final state, as FoundNetwork gives it."""
        logits, after = super().forward(ids, state)
        return logits.log_softmax(-1), after


def recurrent(cell: str, layers: int, units: int, inputs: int, projection: int = 0, **more: Any) -> nn.RNNBase | Stepwise:
    """Recurrent layers that read [batch, time, input]: those of torch, or one layer whose cell torch does not have.

    `nonlinearity` is for a plain RNN alone; `variant` is how the cell differs from torch's, see models.foreign.stepwise.
    """
    variant, both = more.pop("variant", None), more.pop("directions", 1) == 2
    if variant and (cell, dict(variant)) != ("rnn", {"state": "relu"}):
        return Stepwise(cell, inputs, units, variant, more["bias"])
    more = more | ({"nonlinearity": "relu"} if variant else {})
    extra = {"proj_size": projection} if cell == "lstm" else {}
    kept = {name: value for name, value in more.items() if name != "nonlinearity" or cell == "rnn"}
    return CELLS[cell](inputs, units, layers, batch_first=True, bidirectional=both, **kept, **extra)


def _width(layers: nn.RNNBase | Stepwise) -> int:
    return (layers.proj_size or layers.hidden_size) * (2 if layers.bidirectional else 1)


def arguments(chosen: "Choice", vocab: "FoundVocabulary", shown: int = 0, **more: Any) -> dict[str, Any]:
    """Arguments of a FoundNetwork for a choice of tensors.

    Args:
        chosen: The tensors.
        vocab: The tokens, with the unknown mark.
        shown: Index of the recurrent layers that are shown.
        more: Further arguments: `activation`, `nonlinearity`, and `variants`, how cells differ from torch's, by path.
    """
    variants = more.pop("variants", {})
    stacks = chosen.stacks
    one = stacks[shown]
    has_bias = any(role.startswith("bias") for stack in stacks for role in stack.names)
    return {
        "vocab_size": len(vocab),
        "cell": one.kind,
        "layers": one.layers,
        "units": one.units,
        "inputs": _inputs(one, chosen, vocab),
        "projection": one.projection,
        "embedding": one.inputs if shown == 0 and chosen.embedding else stacks[0].inputs if chosen.embedding else 0,
        "below": [_part(stack, chosen, vocab) | _variant(stack, variants) for stack in stacks[:shown]],
        "above": [_part(stack, chosen, vocab) | _variant(stack, variants) for stack in stacks[shown + 1 :]],
        "directions": one.directions,
        "outputs": [linear.outputs for linear in chosen.outputs[:-1]] if chosen.outputs else None,
        "bias": has_bias,
        **_variant(one, variants),
        **more,
    }


def _variant(stack: "Stack", variants: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {"variant": dict(variants[stack.path])} if stack.path in variants else {}


def _part(stack: "Stack", chosen: "Choice", vocab: "FoundVocabulary") -> dict[str, Any]:
    inputs = _inputs(stack, chosen, vocab)
    sizes = {"cell": stack.kind, "layers": stack.layers, "units": stack.units, "inputs": inputs}
    return sizes | {"projection": stack.projection, "directions": stack.directions}


def _inputs(stack: "Stack", chosen: "Choice", vocab: "FoundVocabulary") -> int:
    """Numbers that layers read: for one-hot vectors, one for the unknown mark too."""
    return len(vocab) if stack is chosen.stacks[0] and not chosen.embedding else stack.inputs


def weights(
    tensors: Mapping[str, "np.ndarray"], chosen: "Choice", vocab: "FoundVocabulary", shown: int = 0, classes: int = 0
) -> dict[str, Tensor]:
    """The state dict of the FoundNetwork: the tensors [...] of a file under its names, with rows in the order of its vocabulary."""
    named = {} if chosen.embedding is None else {"embedding.weight": vocab.rows(tensor(tensors[chosen.embedding]), 0.0)}
    has_bias = any(role.startswith("bias") for stack in chosen.stacks for role in stack.names)
    for index, stack in enumerate(chosen.stacks):
        before = "rnn" if index == shown else f"below.{index}" if index < shown else f"above.{index - shown - 1}"
        own = layer_weights(tensors, stack, has_bias)
        if index == 0 and chosen.embedding is None:
            own |= {role: vocab.rows(own[role].T, 0.0).T.contiguous() for role in own if role.startswith("weight_ih_l0")}
        named |= {f"{before}.{role}": value for role, value in own.items()}
    for index, linear in enumerate(chosen.outputs):
        weight, bias = _of_linear(tensors, linear)
        if index == len(chosen.outputs) - 1 and classes:
            # One output is the log odds of the second of two classes: sigmoid(z) is the softmax of 0 and z.
            weight, bias = (torch.cat([part.new_zeros(classes - len(part), *part.shape[1:]), part]) for part in (weight, bias))
        elif index == len(chosen.outputs) - 1:
            weight, bias = vocab.rows(weight, 0.0), vocab.rows(bias[:, None], NEVER)[:, 0]
        named |= {f"readout.{2 * index}.weight": weight.contiguous(), f"readout.{2 * index}.bias": bias.contiguous()}
    return named


def layer_weights(tensors: Mapping[str, "np.ndarray"], stack: "Stack", has_bias: bool = True) -> dict[str, Tensor]:
    """The weights of recurrent layers, from tensors [...], under torch's names; a missing bias is one of zeros."""
    own = {}
    for role, name in stack.names.items():
        value = tensor(tensors[name])
        own[role] = value.reshape(-1) if role.startswith("bias") else value.T.contiguous() if stack.is_turned else value
    for role in [role for role in own if role.startswith("weight_hh")] if has_bias else ():
        for kind in ("ih", "hh"):
            own.setdefault(role.replace("weight_hh", f"bias_{kind}"), torch.zeros(len(own[role])))
    return own


def _of_linear(tensors: Mapping[str, "np.ndarray"], linear: "Linear") -> tuple[Tensor, Tensor]:
    """Weight [output, input] and bias [output] of a linear layer; a missing bias is one of zeros."""
    weight = tensor(tensors[linear.weight]).reshape(tensors[linear.weight].shape[:2])
    weight = weight.T if linear.is_turned else weight
    return weight, tensor(tensors[linear.bias]).reshape(-1) if linear.bias else torch.zeros(linear.outputs)


def tensor(array: "np.ndarray") -> Tensor:
    """An array [...] as float32."""
    return torch.from_numpy(array.copy()).float()
