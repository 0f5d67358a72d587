"""From the weights of a file to a network that runs: what was found, what was assumed, and what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from explorer.errors import CheckpointError
from models.foreign.layout import MOST_STACKS, Choice, Layout, layout
from models.foreign.layout import choice as likeliest
from models.foreign.listed import Listed
from models.foreign.tokens import ALPHABETS
from models.foreign.weights import Weights, read

if TYPE_CHECKING:
    from models.checkpoint import Loaded
    from models.foreign.vocabulary import FoundVocabulary

# Of networks that predict the next character, of classifiers, and of all others.
KIND, CLASSIFIER, READER = "found", "found_classifier", "found_reader"
MOST_CLASSES = 1_000
ACTIVATIONS = ("none", "relu", "tanh")


@dataclass(frozen=True, eq=False)
class Opened:
    """A file that was read, and the layout of its tensors.

    Args:
        weights: Its tensors.
        layout: What was found in them.
        choice: The most likely network among them; None if there are no recurrent layers.
        reason: A sentence on why the network that the file describes cannot be run; empty if it can, or the file describes none.
    """

    weights: Weights
    layout: Layout
    choice: Choice | None
    reason: str = ""

    @property
    def is_described(self) -> bool:
        """Whether the file describes its network, so that nothing was guessed."""
        return self.weights.described is not None and self.weights.described.is_whole


@dataclass(frozen=True)
class Assumptions:
    """What weights alone do not say.

    Args:
        nonlinearity: Of a plain RNN, "tanh" or "relu".
        activation: Between output layers, "none", "relu" or "tanh".
        shown: Index of the recurrent layers that are shown, among those of the choice.
    """

    nonlinearity: str = "tanh"
    activation: str = "relu"
    shown: int = 0


def open_file(content: bytes, file: str) -> Opened:
    """What a file of weights holds.

    Args:
        content: The bytes of the file.
        file: Its name.

    Raises:
        CheckpointError: it cannot be read, see models.foreign.weights.read.
    """
    weights = read(content, file)
    whole = layout({name: value.shape for name, value in weights.tensors.items()})
    if weights.described:
        whole, chosen, misfit = weights.described.laid_out(whole)
        return Opened(weights, whole, chosen, weights.described.reason or misfit)
    if len(whole.stacks) > MOST_STACKS:
        many = f"{len(whole.stacks):,} groups of recurrent layers; at most {MOST_STACKS} can be shown"
        raise CheckpointError(f"{weights.file} holds {many}.")
    return Opened(weights, whole, _with_one_hot(weights, likeliest(whole)))


def _with_one_hot(weights: Weights, chosen: Choice | None) -> Choice | None:
    """A choice without an embedding reads one-hot vectors if the file lists as many tokens as it has inputs."""
    if chosen is None or chosen.embedding or chosen.is_one_hot:
        return chosen
    fits = any(len(listed) == chosen.stacks[0].inputs for listed in weights.tokens.values())
    return replace(chosen, is_one_hot=True) if fits else chosen


def rows(opened: Opened, chosen: Choice | None) -> int | None:
    """Number of ids of a network's inputs: the rows of its embedding, or the width of its one-hot vectors; None if it reads no tokens."""
    if chosen is None:
        return None
    if chosen.embedding:
        return opened.layout.shapes[chosen.embedding][0]
    return chosen.stacks[0].inputs if chosen.is_one_hot else None


def fitting(opened: Opened, count: int) -> list[Listed]:
    """Lists of tokens for so many ids: those of the file itself first, then standard alphabets."""
    own = [Listed(name, tokens, True) for name, tokens in opened.weights.tokens.items() if len(tokens) == count]
    own += [Listed(name, tokens, False) for name, tokens in opened.weights.tokens.items() if 0 < abs(count - len(tokens)) <= 2]
    return own + [Listed(name, tuple(letters)) for name, letters in ALPHABETS.items() if len(letters) == count]


def why_not(opened: Opened, chosen: Choice | None) -> str:
    """A sentence on why a choice cannot read a text; empty if it can."""
    if chosen is None:
        odd = f" {opened.layout.odd[0]}" if opened.layout.odd else ""
        return f"No recurrent layer was found among {len(opened.layout.shapes)} tensors.{odd}"
    if opened.reason:
        return opened.reason
    first = chosen.stacks[0]
    if rows(opened, chosen) is None:
        given = f", as the output has {chosen.outputs[-1].outputs}," if chosen.outputs else ""
        return (
            f"{first.path or 'The first layer'} reads {first.inputs} numbers per step. They are neither the rows of an embedding nor"
            f"{given} one-hot vectors of tokens."
        )
    if len(functions := _functions(opened, chosen)) > 1:
        return f"Its plain RNNs use {' and '.join(functions)}; here all of a network use the same function."
    return ""


def why_no_predictions(opened: Opened, chosen: Choice) -> str:
    """A sentence on why a network that reads a text predicts no next token; empty if it does."""
    first, last = chosen.stacks[0], chosen.stacks[-1]
    if any(stack.directions == 2 for stack in chosen.stacks):
        return f"{first.path or 'The layer'} reads in both directions, so it predicts no next token: it has seen that one already."
    if not chosen.outputs:
        return f"No output layer was found that reads the {last.width} numbers of {last.path or 'the last layer'}."
    if chosen.outputs[-1].outputs != rows(opened, chosen):
        return f"The network reads {rows(opened, chosen)} tokens and gives {chosen.outputs[-1].outputs} outputs, so these are no tokens."
    return ""


def classes_of(opened: Opened, chosen: Choice | None) -> int:
    """Number of classes between which a network chooses after the last token; 0 if it does not. One output chooses between two."""
    if chosen is None or why_not(opened, chosen) or not chosen.outputs or any(stack.directions == 2 for stack in chosen.stacks):
        return 0
    outputs = chosen.outputs[-1].outputs
    return max(outputs, 2) if outputs != rows(opened, chosen) and outputs <= MOST_CLASSES else 0


def labels_of(opened: Opened, chosen: Choice | None) -> tuple[str, ...]:
    """Names of the classes: the file's own list of as many names, or numbers; none if the network is no classifier."""
    count = classes_of(opened, chosen)
    lists = [names for names in opened.weights.tokens.values() if len(names) == count and all(name.strip() for name in names)]
    return tuple(lists[0]) if lists else tuple(f"class {index + 1}" for index in range(count))


def known_function(opened: Opened, chosen: Choice) -> str | None:
    """The function of a plain RNN that a whole saved module names, "tanh" or "relu"; None if the file does not say."""
    named = _functions(opened, chosen)
    return named[0] if len(named) == 1 and named[0] in ("tanh", "relu") else None


def _functions(opened: Opened, chosen: Choice) -> list[str]:
    """The functions of plain RNNs that a whole saved module names, sorted, each once."""
    stacks = [stack for stack in chosen.stacks if stack.kind == "rnn"]
    owners = {stack.path for stack in stacks} | {name.rpartition(".")[0] for stack in stacks for name in stack.names.values()}
    endings = tuple(f".{owner}.nonlinearity" for owner in owners)
    return sorted({str(value) for key, value in opened.weights.settings.items() if f".{key}".endswith(endings)})


def assumptions(opened: Opened, chosen: Choice) -> Assumptions:
    """What is assumed of a file unless its owner says otherwise."""
    return Assumptions(nonlinearity=known_function(opened, chosen) or "tanh")


def network_of(opened: Opened, chosen: Choice, tokens: Sequence[str] | Listed, assumed: Assumptions = Assumptions()) -> "Loaded":
    """The network of a choice, ready to read texts. Where it predicts no next token, see `why_no_predictions`, it has no output layers.

    Args:
        opened: The file.
        chosen: Which of its tensors make up the network.
        tokens: Tokens by their ids, as many as the network has, or fewer; or a list with what splits a text into them.
        assumed: What the weights do not say.

    Raises:
        CheckpointError: it cannot be run, or its values are not finite.
    """
    return _built(opened, replace(chosen, outputs=()) if why_no_predictions(opened, chosen) else chosen, tokens, assumed)


def classifier_of(
    opened: Opened, chosen: Choice, tokens: Sequence[str] | Listed, labels: Sequence[str], assumed: Assumptions = Assumptions()
) -> "Loaded":
    """The network of a choice as a classifier, which predicts one of several classes after the last token.

    Args:
        opened, chosen, tokens, assumed: As for `network_of`.
        labels: Names of the classes in the order of its outputs, see `labels_of`; two for a single output, that of the second.

    Raises:
        CheckpointError: it is no classifier, the names do not fit, or as for `network_of`.
    """
    count, named = classes_of(opened, chosen), [label.strip() for label in labels]
    if not count:
        raise CheckpointError(f"{opened.weights.file} is no classifier that is read after its last token.")
    if len(named) != count or len(set(named)) < count or not all(named):
        raise CheckpointError(
            f"{len(named)} names of classes were given, {len(set(named))} of them different; expected {count} different ones."
        )
    return _built(opened, chosen, tokens, assumed, named)


def _built(opened: Opened, chosen: Choice, tokens: Sequence[str] | Listed, assumed: Assumptions, labels: Sequence[str] = ()) -> "Loaded":
    """The network of a choice with its card; with `labels` its outputs are classes."""
    from models.checkpoint import Loaded
    from models.foreign import network as build

    if reason := why_not(opened, chosen):
        raise CheckpointError(f"{opened.weights.file} cannot read a text here. {reason}")
    try:
        vocab = _vocabulary(tokens, rows(opened, chosen) or 0)
    except ValueError as error:
        raise CheckpointError(f"The list of tokens does not fit {opened.weights.file}. {error}") from None
    said = opened.weights.described
    if said and opened.is_described:
        assumed = replace(assumed, activation=said.activation, nonlinearity="tanh")
    arguments = build.arguments(
        chosen,
        vocab,
        assumed.shown,
        activation=assumed.activation if len(chosen.outputs) > 1 else "none",
        nonlinearity=assumed.nonlinearity,
        variants=said.variants if said else {},
        classes=len(labels),
    )
    module = (build.FoundClassifier if labels else build.FoundNetwork)(**arguments)
    module.load_state_dict(build.weights(opened.weights.tensors, chosen, vocab, assumed.shown, len(labels)))
    broken = [name for name, value in module.state_dict().items() if not value.isfinite().all()]
    if broken:
        raise CheckpointError(f"{opened.weights.file} has values in {broken[0]} that are not finite numbers. Its training failed.")
    kind = CLASSIFIER if labels else KIND if module.predicts and vocab.is_of_characters else READER
    card = _card(opened, kind, arguments, vocab) | ({"labels": list(labels)} if labels else {})
    return Loaded(opened.weights.file.strip("'"), module.eval().requires_grad_(False), vocab, card)


def _vocabulary(tokens: Sequence[str] | Listed, count: int) -> "FoundVocabulary":
    from models.foreign.subwords import SubwordVocabulary
    from models.foreign.vocabulary import FoundVocabulary

    if isinstance(tokens, Listed) and tokens.file is not None:
        return SubwordVocabulary.of_file(tokens.file, tokens.tokens, count)
    return FoundVocabulary.of_tokens(tokens.tokens if isinstance(tokens, Listed) else tokens, count)


def _card(opened: Opened, kind: str, arguments: dict[str, Any], vocab: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "arguments": arguments,
        "vocabulary": list(vocab.tokens),
        "unknown_id": vocab.unknown_id,
        "parameters": sum(opened.weights.tensors[name].size for name in opened.weights.tensors),
    }


def as_checkpoint(loaded: "Loaded") -> bytes:
    """The network as a checkpoint of this app, its weights unchanged."""
    from models.checkpoint import as_file

    return as_file(loaded.module, loaded.card, exact=True)
