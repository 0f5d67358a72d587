"""Transplant: the state of one text, or a part of it, is put into another text, and both go on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.char_lm.experiments.steered import Moved, Sampling, continuations, read_on
from models.char_lm.experiments.window import Window
from models.checkpoint import Loaded


@dataclass(frozen=True, eq=False)
class Place:
    """One token of a recorded window.

    Args:
        window: The window.
        at: Index of the token in it.
    """

    window: Window
    at: int


@dataclass(frozen=True, eq=False)
class Transplanted:
    """What the network predicts and writes in the text that gives, in the text that receives, and there with the state put in.

    Args:
        p: Probability of each token of the vocabulary as the next one, [giver or receiver or changed, vocab].
        written: Continuations of each of the three, from the same random numbers, [3][continuation][time].
        bits: Surprise of the first continuation of the giver in each of the three, [3, time].
    """

    p: np.ndarray
    written: tuple[list[tuple[str, ...]], ...]
    bits: np.ndarray

    @property
    def share(self) -> float:
        """How far the receiver was moved towards the giver: 0 as before, 1 like it, by the mean surprise; nan where both are alike."""
        giver, receiver, changed = self.bits.mean(axis=1)
        return float((receiver - changed) / (receiver - giver)) if receiver != giver else float("nan")


def transplant(
    loaded: Loaded,
    giver: Place,
    receiver: Place,
    part: tuple[int | None, int | None],
    sampling: Sampling,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Transplanted:
    """Put the state after one token of a text into another text.

    With all layers and units, the receiver goes on exactly as the giver does: the state is all that a recurrent network keeps. Where the
    top layer is put in, the first prediction is the giver's, because it is read from that layer alone; what comes later is not.

    Args:
        loaded: The network, which predicts.
        giver: Where the state is taken.
        receiver: Where it is put in, in place of the state after that token.
        part: Which layer, and which unit of it, counted from 0; None: all.
        sampling: Of the continuations.
        progress: Called with (done, total) tokens of each continuation; may raise to stop.

    Raises:
        InterventionError: there is no such layer or unit, or the network cannot be run with a changed state.

    Source of the share: Wang et al., "Interpretability in the Wild", 2023, section 3, there of the difference of two logits.
    """
    moved = Moved(giver.window.trace, giver.at, *part)
    ways = ((giver, None), (receiver, None), (receiver, moved))
    written = tuple(continuations(loaded, text.window, text.at, sampling, change, progress) for text, change in ways)
    reads = [read_on(loaded, text.window, text.at, change, written[0][0]) for text, change in ways]
    return Transplanted(np.stack([read.p for read in reads]), written, np.stack([read.bits for read in reads]))
