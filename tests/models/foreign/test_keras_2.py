"""Files in the layout of Keras 2, worked out by hand; and HDF5 files that lead outside, claim too much, or are damaged."""

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from explorer.errors import CheckpointError
from models.foreign import hdf5
from models.foreign.opening import Opened, network_of, open_file
from models.foreign.weights import read
from tests.fuzz.mutations import damaged
from tests.models.foreign import keras_2
from tests.models.foreign.keras_2 import layer, written


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def probabilities(one: Opened, letters: str, text: str) -> np.ndarray:
    """What the network predicts after each character, [time, token]."""
    assert one.choice is not None
    loaded = network_of(one, one.choice, tuple(letters))
    with torch.inference_mode():
        return loaded.module(torch.tensor([loaded.vocab.encode(text)]))[0][0, :, 1:].double().softmax(-1).numpy()


def test_an_lstm_of_keras_2_has_the_hard_sigmoid_of_its_time():
    arrays, layers = keras_2.char_lstm()
    kernel, recurrent, bias = arrays["lstm_1"]
    one = open_file(written(arrays, layers), "old.h5")
    h, c, expected = np.zeros(5), np.zeros(5), []
    for index in (0, 3, 7, 7, 2):
        i, f, g, o = np.split(kernel[index] + h @ recurrent + bias, 4)
        i, f, o = (np.clip(0.2 * gate + 0.5, 0, 1) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        logits = h @ arrays["dense_1"][0] + arrays["dense_1"][1]
        expected.append(np.exp(logits) / np.exp(logits).sum())
    np.testing.assert_allclose(probabilities(one, "abcdefgh", "adhhc"), expected, atol=1e-6)
    assert one.weights.form == "a Keras model in HDF5" and one.weights.settings["lstm_1.recurrent_activation"] == "hard_sigmoid"
    notes = " ".join(one.weights.notes)
    assert all(words in notes for words in ("stateful", "dropout", "its gates use hard_sigmoid"))
    assert next(iter(one.weights.tensors)) == "lstm_1.weight_ih_l0" and len(one.weights.tensors) == 5


def test_a_keras_file_of_keras_2_has_its_layers_in_order_and_the_functions_of_its_time():
    one = open_file(keras_2.archived(), "x.keras")
    assert one.weights.form == "a Keras file" and one.choice is not None and not one.reason
    assert [(stack.path, stack.inputs) for stack in one.choice.stacks] == [("lstm_1", 8), ("lstm_2", 5)]
    assert one.weights.described is not None and one.weights.described.variants == {"lstm_1": {"gates": "hard_sigmoid"}}
    assert one.weights.described.outputs == ["dense_1"]


def test_kernels_of_cudnn_are_turned_within_each_gate():
    """The input kernel of one gate, (2 inputs, 3 units), holds [unit, input] in one piece; its two biases are added."""
    gate = np.array([[0, 1, 2], [3, 4, 5]], np.float32)
    recurrent = np.arange(9, dtype=np.float32).reshape(3, 3)
    lstm, gru = (
        [*(np.hstack([kernel + 10 * n for n in range(gates)]) for kernel in (gate, recurrent)), np.arange(6.0 * gates, dtype=np.float32)]
        for gates in (4, 3)
    )
    layers = [layer("CuDNNLSTM", "a", units=3), layer("CuDNNGRU", "b", units=3)]
    for content in (written({"a": lstm, "b": gru}, layers), written({"a": lstm, "b": gru})):
        tensors = read(content, "cudnn.h5").tensors
        np.testing.assert_array_equal(tensors["a.weight_ih_l0"][3:6], [[10, 11], [12, 13], [14, 15]])  # forget
        np.testing.assert_array_equal(tensors["a.weight_hh_l0"][3:6], recurrent + 10)
        np.testing.assert_array_equal(tensors["a.bias_ih_l0"] + tensors["a.bias_hh_l0"], np.arange(12) * 2 + 12)
        np.testing.assert_array_equal(tensors["b.weight_ih_l0"][:3], [[10, 11], [12, 13], [14, 15]])  # reset comes first in torch
        np.testing.assert_array_equal(tensors["b.weight_ih_l0"][3:6], [[0, 1], [2, 3], [4, 5]])
        np.testing.assert_array_equal(tensors["b.weight_hh_l0"][6:], recurrent + 20)
        np.testing.assert_array_equal(tensors["b.bias_hh_l0"], [12, 13, 14, 9, 10, 11, 15, 16, 17])


def test_a_cudnn_gru_computes_what_its_class_says():
    tokens, units = 4, 3
    kernel, recurrent, bias, dense, last = keras_2.random((tokens, 9), (units, 9), (18,), (units, tokens), (tokens,))
    layers = [layer("CuDNNGRU", "gru", units=units), layer("Dense", "dense", activation="softmax")]
    one = open_file(written({"gru": [kernel, recurrent, bias], "dense": [dense, last]}, layers), "cudnn.h5")
    W = [kernel[:, part : part + 3].reshape(units, tokens) for part in (0, 3, 6)]  # of update, reset and candidate, each [unit, input]
    U = [recurrent[:, part : part + 3] for part in (0, 3, 6)]
    h, expected = np.zeros(units), []
    for index in (1, 3, 0):
        z, r = (sigmoid(W[n][:, index] + U[n] @ h + bias[3 * n : 3 * n + 3] + bias[9 + 3 * n : 12 + 3 * n]) for n in (0, 1))
        h = z * h + (1 - z) * np.tanh(W[2][:, index] + bias[6:9] + r * (U[2] @ h + bias[15:]))
        logits = h @ dense + last
        expected.append(np.exp(logits) / np.exp(logits).sum())
    np.testing.assert_allclose(probabilities(one, "abcd", "bda"), expected, atol=1e-6)


def test_weights_of_a_bidirectional_layer_are_those_forwards_and_then_backwards():
    both = keras_2.random((2, 12), (3, 12), (12,), (2, 12), (3, 12), (12,))
    tensors = read(written({"emb": keras_2.random((5, 2)), "bidirectional_1": both}), "x.h5").tensors
    np.testing.assert_array_equal(tensors["bidirectional_1.weight_ih_l0"], both[0].T)
    np.testing.assert_array_equal(tensors["bidirectional_1.weight_hh_l0_reverse"], both[4].T)
    assert tensors["emb.weight"].shape == (5, 2)


def with_h5(change: Callable[[Any], None]) -> bytes:
    """A sound file after a change."""
    arrays, layers = keras_2.char_lstm()
    file = io.BytesIO(written(arrays, layers))
    with h5py.File(file, "r+") as h5:
        change(h5)
    return file.getvalue()


KERNEL = "model_weights/dense_1/dense_1/own/kernel:0"


@pytest.mark.parametrize("link", [h5py.ExternalLink("secret.h5", "/kernel"), h5py.SoftLink("/model_weights/lstm_1/lstm_1/own/kernel:0")])
def test_a_link_is_not_followed(link: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with h5py.File("secret.h5", "w") as secret:
        secret["kernel"] = np.ones((5, 8), np.float32)

    def change(h5: Any) -> None:
        del h5[KERNEL]
        h5[KERNEL] = link

    one = open_file(with_h5(change), "x.h5")
    assert "dense_1.weight" not in one.weights.tensors and KERNEL in " ".join(one.weights.notes)


def test_values_that_lie_in_another_file_are_refused(tmp_path: Path):
    (tmp_path / "secret").write_bytes(bytes(160))

    def outside(h5: Any) -> None:
        h5.create_dataset("model_weights/more", (5, 8), "f4", external=[(str(tmp_path / "secret"), 0, 160)])

    def virtual(h5: Any) -> None:
        layout = h5py.VirtualLayout((5, 8), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "kernel", (5, 8))
        h5.create_virtual_dataset("model_weights/more", layout)

    for change in (outside, virtual):
        with pytest.raises(CheckpointError, match=r"'x.h5' keeps the values of 'model_weights/more' in another file, which is not read"):
            read(with_h5(change), "x.h5")


def test_an_array_that_unpacks_to_too_much_is_not_read():
    def bomb(h5: Any) -> None:
        h5.create_dataset("model_weights/bomb", (20_000, 20_000), "f4", compression="gzip", chunks=(1_000, 1_000))

    content = with_h5(bomb)
    assert len(content) < 200_000
    with pytest.raises(CheckpointError, match=r"'x.h5' holds more than 1,000 MB of arrays"):
        read(content, "x.h5")


def test_a_group_inside_itself_and_groups_without_end_are_answered():
    def circle(h5: Any) -> None:
        h5["model_weights/again"] = h5["model_weights"]

    def deep(h5: Any) -> None:
        h5["/".join("g" * (hdf5.DEEPEST + 2))] = np.zeros(3)

    assert read(with_h5(circle), "x.h5").tensors.keys() == read(with_h5(lambda h5: None), "x.h5").tensors.keys()
    with pytest.raises(CheckpointError, match="groups inside each other"):
        read(with_h5(deep), "x.h5")


def test_other_hdf5_files_and_other_archives():
    def plain(h5: Any) -> None:
        h5.clear()
        h5.attrs.clear()
        h5["rnn/weight_ih_l0"], h5["rnn/weight_hh_l0"], h5["note"] = np.ones((12, 4)), np.ones((12, 3)), "a text"

    one = open_file(with_h5(plain), "x.h5")
    assert one.weights.form == "an HDF5 file" and one.layout.stacks[0].path == "rnn" and one.weights.described is None
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("notes.txt", "a text")
    with pytest.raises(CheckpointError, match=r"'x.zip' is a zip archive without config.json and model.weights.h5"):
        read(file.getvalue(), "x.zip")


@pytest.mark.child
def test_damaged_files_are_answered_by_the_child():
    sound, rng = with_h5(lambda h5: None), random.Random(1)
    for _ in range(4):
        try:
            read(damaged(sound, rng), "x.h5")
        except CheckpointError as error:
            assert str(error).startswith("'x.h5' ") and str(error).endswith(".")
