"""The registry of step equations: by class or by its name, for subclasses too, with sentences for what does not fit."""

import pytest

import explorer
from explorer.errors import RecordingError
from explorer.steps import step_of


class Cell:
    """A class of a stranger."""


class Wider(Cell):
    """A class derived from it."""


def equation(module, x, state):
    return state, {}


def test_a_step_holds_for_its_class_and_those_derived_from_it():
    assert step_of(Cell()) is None
    assert explorer.step(Cell, states=("hidden", "cell"))(equation) is equation
    assert step_of(Cell()) is step_of(Wider()) and step_of(Cell()).states == ("hidden", "cell")
    explorer.step(f"{__name__}.Wider")(equation)
    assert step_of(Wider()).states == ("hidden",) and step_of(Cell()).states == ("hidden", "cell")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"states": ("cell",)}, r"^states is \('cell',\); expected different names, the first of them 'hidden'\.$"),
        ({"states": ("hidden", "hidden")}, r"^states is \('hidden', 'hidden'\); expected different names"),
        ({"reads": "time"}, r"^reads is 'time'; expected 'batch time', 'time batch', or None for a cell that takes one step per call\.$"),
    ],
)
def test_what_cannot_be_registered_is_a_sentence(options: dict, sentence: str):
    with pytest.raises(RecordingError, match=sentence):
        explorer.step(Cell, **options)
