"""What a file says of tokens, series and units, by its names and shapes."""

import numpy as np
import pytest

from explorer.errors import CheckpointError
from explorer.records import Trace
from models.foreign.experiments.arrays.activations import Recorded, recorded
from models.foreign.experiments.arrays.contents import contents
from models.foreign.experiments.arrays.opening import ACTIVATIONS, ALIGNMENTS, is_recording, open_arrays
from tests.models.foreign.arrays.test_contents import DAYS, npz

FIVE = np.array(list("hello"))
FIVE = np.array(list("hello"))
HIDDEN = np.arange(30, dtype=np.float32).reshape(5, 2, 3)


def opened(**arrays) -> Recorded:
    return recorded(contents(npz(**arrays), "a.npz"))


def test_tokens_and_layers_of_units():
    made = opened(tokens=np.array(list("hello")), hidden=HIDDEN, cell=HIDDEN[:, 0])
    assert made.tokens == tuple("hello") and list(made.units) == ["hidden, layer 1", "hidden, layer 2", "cell"]
    np.testing.assert_array_equal(made.units["hidden, layer 2"], HIDDEN[:, 1])
    assert made.inputs == () and made.steps == 5


def test_a_text_is_its_characters_and_an_axis_of_one_sequence_falls_away():
    made = opened(text=np.array("hello"), hidden=HIDDEN[None, :, 0])
    assert made.tokens == tuple("hello") and made.units["hidden"].shape == (5, 3)
    assert opened(h=HIDDEN[:, :1]).units["h"].shape == (5, 3)


def test_series_with_names_dates_and_an_untrained_network():
    read = np.stack([np.arange(5.0), np.full(5, np.nan)], 1)
    days = np.datetime64("2001-01-01") + np.arange(5)
    made = opened(
        inputs=read, names=np.array(["rain", "sun"]), time=days, hidden=HIDDEN[:, 0], untrained_hidden=-HIDDEN[:, 0], soil=np.ones(5)
    )
    assert made.inputs == ("rain", "sun") and list(made.columns) == ["rain", "sun", "soil"]
    assert made.times is not None and made.read(made.inputs).stamp(1) == "2001-01-02"
    np.testing.assert_array_equal(made.fresh["hidden"], -HIDDEN[:, 0])


def test_columns_with_numbers_are_units_and_the_rest_is_read():
    text = "when,rain,h_0,h_1,layer2.unit[0],layer2.unit[1],y1\n" + "".join(f"{i}.5,{i},1,2,3,4,{i * i}\n" for i in range(4))
    made = recorded(contents(text.encode(), "a.csv"))
    assert {name: values.shape for name, values in made.units.items()} == {"h": (4, 2), "layer2.unit": (4, 2)}
    assert made.units["h"].tolist() == [[1, 2]] * 4 and made.times is not None and made.times.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert list(made.columns) == ["rain", "y1"] and made.inputs == ("rain", "y1") and made.tokens is None


def test_a_table_of_tokens():
    made = recorded(contents(b'token\tunit 0\tunit 1\n"a"\t1\t2\n" "\t3\t4\n', "a.tsv"))
    assert made.tokens == ("a", " ") and made.units["unit"].tolist() == [[1, 2], [3, 4]]


def test_a_saved_trace_opens_with_its_tokens_and_gates(tmp_path):
    states = np.tanh(HIDDEN)
    trace = Trace(tuple("he<>o"), states, states, {"forget": np.abs(states)}, states[0], states[0])
    trace.save(tmp_path / "trace.npz")
    content = (tmp_path / "trace.npz").read_bytes()
    made = recorded(contents(content, "trace.npz"))
    assert is_recording(content, "trace.npz") and made.tokens == tuple("he<>o") and not made.notes
    assert list(made.units) == [f"{name}, layer {layer}" for name in ("hidden", "gate.forget", "cell") for layer in (1, 2)]


def test_tokens_that_are_digits_stay_tokens():
    made = recorded(contents(b"token,h0,h1\n7,1,2\n12,3,4\n", "a.csv"))
    assert made.tokens == ("7", "12") and made.columns == {} and made.units["h"].shape == (2, 2)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"tokens": FIVE, "hidden": np.zeros((3, 5))}, "has shape (3, 5); expected (5, units) = [time, unit]"),
        (
            {"tokens": np.array(list("hello")), "hidden": np.zeros((3, 5))},
            "because there are 5 tokens. It looks transposed: save hidden.T.",
        ),
        ({"tokens": np.array(list("hello"))}, "holds no numbers, one row per step"),
        ({"hidden": np.full((5, 2), np.nan)}, "has values that cannot be drawn; expected finite numbers"),
        ({"hidden": np.full((5, 2), 1e300)}, "below 1e+30. Remove these steps, or the unit."),
        ({"hidden": np.zeros((1, 4, 2, 2)), "x": np.zeros(1)}, "has 1 steps; expected 2 to"),
        ({"x": np.array(3.0)}, "holds no numbers, one row per step"),
    ],
)
def test_what_does_not_fit_is_said(arrays: dict, sentence: str):
    with pytest.raises(CheckpointError) as error:
        opened(**arrays)
    assert sentence in str(error.value)


def test_a_file_is_told_apart_by_its_content():
    assert is_recording(npz(tokens=np.array(["a"]), hidden=HIDDEN), "a.npz")
    assert is_recording(npz(source=np.array(["a"]), target=np.array(["b"]), weights=np.ones((1, 1))), "a.npz")
    assert not is_recording(npz(Wxh=HIDDEN, Whh=HIDDEN), "a.npz") and not is_recording(npz(weights=HIDDEN), "a.npz")
    assert not is_recording(b"x,y\n", "a.csv")
    table = b",the,cat\nle,.9,.1\nchat,.2,.8\n"
    assert open_arrays(table, "a.csv").ways == [ALIGNMENTS, ACTIVATIONS]
    assert open_arrays(npz(attention=np.eye(3)), "a.npz").ways == [ALIGNMENTS, ACTIVATIONS]
    assert open_arrays(npz(hidden=HIDDEN), "a.npz").ways == [ACTIVATIONS]
    assert open_arrays(b"day,rain\n" + b"".join(f"{day:%Y-%m-%d},1\n".encode() for day in DAYS), "a.csv").ways == [ACTIVATIONS]
