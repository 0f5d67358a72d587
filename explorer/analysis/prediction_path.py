"""Predictions of a classifier after each step of its input: the leading classes, and the step after which the answer is stable."""

import numpy as np

from explorer.axes import Float
from explorer.errors import AnalysisError


def leading(probabilities: Float[np.ndarray, "step n"], most: int = 4) -> list[int]:
    """Leading classes: the final answer and the classes with the highest peaks at any step, sorted by the last step.

    Args:
        probabilities: After each step, [step, class].
        most: How many.

    Raises:
        AnalysisError: there is no step.
    """
    _check(probabilities)
    last = probabilities[-1]
    peaks = probabilities.max(0) + (np.arange(len(last)) == last.argmax())  # the answer is in, whatever came before
    chosen = np.argsort(-peaks, kind="stable")[:most]
    return [int(index) for index in chosen[np.argsort(-last[chosen], kind="stable")]]


def slots(probabilities: Float[np.ndarray, "step n"], most: int = 4) -> dict[int, int]:
    """A place for each leading class, 0 to most - 1, that it keeps as long as it is among the leading ones of every step so far.

    Found by going through the steps, each of which gives the places that became free to the classes that are new. So a
    series that is one step shorter or longer gives every class that leads in both the same place: its colour stays.

    Args:
        probabilities: After each step, [step, class].
        most: How many.

    Raises:
        AnalysisError: there is no step.
    """
    _check(probabilities)
    held: dict[int, int] = {}
    for step in range(1, len(probabilities) + 1):
        shown = leading(probabilities[:step], most)
        held = {index: slot for index, slot in held.items() if index in shown}
        free = iter(sorted(set(range(most)) - set(held.values())))
        held |= {index: next(free) for index in shown if index not in held}
    return held


def settled(probabilities: Float[np.ndarray, "step n"]) -> int:
    """The step, counted from 0, from which on the likeliest class is the last one's and stays it.

    Args:
        probabilities: After each step, [step, class].

    Raises:
        AnalysisError: there is no step.
    """
    _check(probabilities)
    answers = probabilities.argmax(1)
    other = np.flatnonzero(answers != answers[-1])
    return int(other[-1]) + 1 if len(other) else 0


def _check(probabilities: np.ndarray) -> None:
    if not len(probabilities):
        raise AnalysisError("Nothing was read: there are no probabilities; expected a row for each step.")
