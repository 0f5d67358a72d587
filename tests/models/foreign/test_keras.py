"""Files of Keras 3, against what Keras itself predicts with them."""

import json
import os
import string
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

import explorer
from explorer.errors import CheckpointError
from explorer.recording import cells
from models.char_lm.experiments.gate_clamping import continuation, silenced
from models.char_lm.experiments.window import Layer, read_window
from models.char_lm.reading import read
from models.checkpoint import Loaded
from models.foreign import described, health, stepwise, weights
from models.foreign.experiments.reading import read_text
from models.foreign.opening import Assumptions, Opened, as_checkpoint, network_of, open_file, why_no_predictions
from tests.models.foreign.keras_models import FORMATS, TOKENS

LETTERS = string.ascii_lowercase[:TOKENS]
HOME = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the models that Keras made, with its own predictions."""
    folder = tmp_path_factory.mktemp("keras")
    environment = os.environ | {"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.models.foreign.keras_models", str(folder)]
    ended = subprocess.run(command, cwd=HOME, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2_000:]
    return folder


def opened(made: Path, name: str, form: str = "keras") -> Opened:
    return open_file((made / f"{name}.{form}").read_bytes(), f"{name}.{form}")


def results(made: Path, name: str) -> tuple[str, np.ndarray]:
    """The text that Keras read, and its predictions after each character, [time, token]."""
    with np.load(made / "results.npz") as arrays:
        return "".join(LETTERS[index] for index in arrays["ids"]), arrays[name]


def network(one: Opened) -> Loaded:
    assert one.choice is not None
    return network_of(one, one.choice, tuple(LETTERS), Assumptions())


def predicted(loaded: Loaded, text: str) -> np.ndarray:
    """Probabilities of the file's own tokens after each character, [time, token]."""
    with torch.inference_mode():
        logits, _ = loaded.module(torch.tensor([loaded.vocab.encode(text)]))
    p = logits[0].double().softmax(-1).numpy()
    assert (p[:, 0] == 0).all(), "the network has no unknown mark"
    return p[:, 1:]


SHAPES = {
    "lstm": [("lstm", 1, 5)],
    "one_hot": [("lstm", 1, 7)],
    "two_widths": [("lstm", 2, 6), ("lstm", 1, 4)],
    "gru": [("gru", 2, 5)],
    "gru_before": [("gru", 1, 5), ("gru", 1, 4)],
    "mixed": [("gru", 1, 6), ("lstm", 1, 6), ("rnn", 1, 5)],
    "simple": [("rnn", 1, 5), ("rnn", 1, 5)],
    "functions": [("lstm", 1, 5)],
    "gru_functions": [("gru", 1, 5)],
    "last_step": [("lstm", 1, 5)],
    "wrapped_cell": [("lstm", 1, 5)],
    "distributed": [("lstm", 1, 5)],
    "functional": [("lstm", 1, 5)],
}


@pytest.mark.parametrize("form", ["keras", "h5"])
@pytest.mark.parametrize("name", SHAPES)
def test_a_model_predicts_what_it_predicts_in_keras(made: Path, name: str, form: str):
    one = opened(made, name, form)
    assert not one.reason and one.choice is not None
    assert [(stack.kind, stack.layers, stack.units) for stack in one.choice.stacks] == SHAPES[name]
    text, own = results(made, name)
    p = predicted(network(one), text)
    if name == "simple":  # its outputs are logits
        own = np.exp(own - own.max(-1, keepdims=True))
        own /= own.sum(-1, keepdims=True)
    p = p[-1] if name == "last_step" else p
    assert p.std() > 0.01
    np.testing.assert_allclose(p, own, atol=1e-5)


@pytest.mark.parametrize("name", ["lstm", "one_hot", "two_widths", "gru", "gru_before", "mixed", "distributed"])
def test_weights_without_the_model_predict_the_same_where_functions_are_the_defaults(made: Path, name: str):
    one = opened(made, name, "weights.h5")
    text, own = results(made, name)
    if name == "gru_before":  # without a bias the weights do not say where the second GRU resets
        assert one.weights.described is not None and list(one.weights.described.variants.values()) == [{"reset_after": False}]
        return
    np.testing.assert_allclose(predicted(network(one), text), own, atol=1e-5)
    codes = [finding.text for finding in health.of_weights(one, one.choice)]
    assert any("weights without the model" in text for text in codes) and any("assumed" in text for text in codes)


REASONS = {
    "lambda": "'lambda' is a Lambda, which is not run here",
    "normalised": "'layer_normalization' is a LayerNormalization, which is not run here",
    "sigmoid": "gives its outputs through 'sigmoid'; a distribution over tokens needs softmax",
    "tanh_gates": "use the function 'tanh', which is not known here",
    "exponential": "uses the activation 'exponential', which is not known here",
    "mixed_dense": "Dense layers use relu and tanh between them",
    "backwards": "reads from the end (go_backwards)",
    "cell_state": "reads the final state of another; only layers that follow one another are run here",
    "branched": "; only layers that follow one another are run here",
}


@pytest.mark.parametrize("form", ["keras", "h5"])
@pytest.mark.parametrize("name", REASONS)
def test_what_torch_does_not_compute_is_not_run_and_says_why(made: Path, name: str, form: str):
    one = opened(made, name, form)
    with pytest.raises(CheckpointError) as refused:
        network(one)
    said = str(refused.value).replace("lambda_1", "lambda").replace("layer_normalization_1", "layer_normalization")
    assert REASONS[name] in said, said
    codes = [finding.code for finding in health.of_weights(one, one.choice)]
    assert "not_run" in codes


def test_a_bidirectional_network_reads_and_predicts_nothing(made: Path):
    one = opened(made, "bidirectional")
    assert one.choice is not None and "reads in both directions" in why_no_predictions(one, one.choice)
    assert not network(one).module.predicts


def test_every_weight_of_a_bidirectional_layer_is_torchs(made: Path):
    tensors = opened(made, "bidirectional").weights.tensors
    with np.load(made / "results.npz") as arrays:
        own = [arrays[f"bidirectional/{index}"] for index in range(9)]
    np.testing.assert_array_equal(next(iter(tensors.values())), own[0])
    (first,) = {name.partition(".")[0] for name in tensors if "reverse" in name}
    for (kernel, recurrent, bias), back in ((own[1:4], ""), (own[4:7], "_reverse")):
        layer = torch.nn.GRUCell(6, 5)
        roles = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        layer.load_state_dict({role: torch.from_numpy(tensors[f"{first}.{role}_l0{back}"]) for role in roles})
        x, h = np.ones((1, 6), np.float32), np.full((1, 5), 0.3, np.float32)
        a, d = x @ kernel + bias[0], h @ recurrent + bias[1]  # update, reset, candidate
        z, r = (1 / (1 + np.exp(-(a + d)[:, part])) for part in (slice(0, 5), slice(5, 10)))
        expected = z * h + (1 - z) * np.tanh(a[:, 10:] + r * d[:, 10:])
        np.testing.assert_allclose(layer(torch.from_numpy(x), torch.from_numpy(h)).detach(), expected, atol=1e-6)


def equation(own: torch.nn.Module, x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, ...]:
    """Reset, update, candidate and new state of the GRU that resets before the product, from x [input] and h [unit]."""
    W, U, b, d = (value.double().numpy() for value in own.parameters())
    r_z = 1 / (1 + np.exp(-(W @ x + b + U @ h + d)))
    r, z = r_z[:5], r_z[5:10]
    n = np.tanh((W @ x + b)[10:] + U[10:] @ (r * h) + d[10:])
    return r, z, n, (1 - z) * n + z * h


def test_the_gates_of_a_gru_that_resets_before_the_product_are_recorded(made: Path, monkeypatch: pytest.MonkeyPatch):
    loaded = network(opened(made, "gru_before"))
    text, _ = results(made, "gru_before")
    monkeypatch.setattr("models.char_lm.experiments.window.CALL", 4)  # several calls, each from the end of the one before
    whole = read_window(loaded, text, Layer())
    warm = read_window(loaded, text[6:], Layer(), warm_up=text[:6])
    module: Any = loaded.module
    rows = [module.embedding.weight[index].double().numpy() for index in loaded.vocab.encode(text)]
    h = np.zeros(5)
    for time, x in enumerate(rows):
        r, z, n, h = equation(module.rnn, x, h)
        trace = whole.trace
        recorded = [trace.gates["reset"], trace.gates["update"], trace.gates["candidate"], trace.hidden]
        for values, expected in zip(recorded, (r, z, n, h), strict=True):
            np.testing.assert_allclose(values[time, 0], expected, atol=1e-5)
    np.testing.assert_allclose(warm.trace.hidden, whole.trace.hidden[6:], atol=1e-6)
    np.testing.assert_allclose(warm.trace.initial_hidden, whole.trace.hidden[5], atol=1e-6)
    assert not silenced(module, 0, 0)(torch.tensor([loaded.vocab.encode(text)]))[1][0][..., 0].any()


def test_gradients_of_a_stepwise_layer_are_those_of_torch():
    torch.manual_seed(0)
    own, x = torch.nn.LSTM(3, 4, batch_first=True), torch.randn(1, 6, 3)
    like = stepwise.Stepwise("lstm", 3, 4, {})
    like.load_state_dict(own.state_dict())
    flows = []
    for module in (own, like):
        holder = torch.nn.ModuleDict({"rnn": module})
        with explorer.record(holder, gradients=True) as recording:
            output, (h, c) = module(x)
        flows.append(explorer.gradient_flow(recording, output[0, -1].sum() + c.sum(), tuple("abcdef"), path="rnn"))
        assert h.shape == c.shape == (1, 1, 4)
    np.testing.assert_allclose(flows[0].hidden_log10, flows[1].hidden_log10, atol=1e-5)


def test_functions_known_to_the_reader_are_those_that_are_computed():
    assert set(described.GATES) | set(described.STATES) == set(stepwise.FUNCTIONS)
    assert {"rnn": cells.GATES["tanh"]} | {kind: cells.GATES[kind] for kind in ("lstm", "gru")} == stepwise.NAMED


@pytest.mark.child
@pytest.mark.parametrize("form", FORMATS)
def test_each_format_is_read_in_a_child_process(made: Path, form: str):
    one = opened(made, "two_widths", form)
    assert list(one.weights.tensors)[-1].endswith(".bias") and one.choice is not None
    expected = {"keras": "a Keras file", "h5": "a Keras model in HDF5", "weights.h5": "weights of Keras in HDF5"}
    assert one.weights.form == expected[form] and not one.reason


def test_a_network_with_its_own_cell_is_saved_and_loaded(made: Path, tmp_path: Path):
    from models import checkpoint

    loaded = network(opened(made, "gru_functions"))
    path = tmp_path / "own.safetensors"
    path.write_bytes(as_checkpoint(loaded))
    text, own = results(made, "gru_functions")
    again = checkpoint.load(path)
    np.testing.assert_allclose(predicted(again, text), own, atol=1e-5)
    np.testing.assert_allclose(read(again, text).bits, read(loaded, text).bits, atol=1e-6)


def changed(path: Path, config: Callable[[dict], None], more: dict[str, str] = {}) -> bytes:  # noqa: B006
    """A .keras file with another configuration, and further files."""
    parts = {}
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    value = json.loads(parts["config.json"])
    config(value)
    parts |= {"config.json": json.dumps(value).encode()} | {name: text.encode() for name, text in more.items()}
    out = path.with_suffix(".changed")
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.read_bytes()


def test_the_vocabulary_of_a_lookup_layer_is_the_list_of_tokens(made: Path):
    def with_lookup(config: dict) -> None:
        table = {"name": "lookup", "vocabulary": list(LETTERS[1:]), "num_oov_indices": 1, "oov_token": "[UNK]", "mask_token": None}
        config["config"]["layers"].insert(1, {"class_name": "StringLookup", "config": table})

    assets = {"assets/layers/text_vectorization/vocabulary.txt": "\n[UNK]\n" + "\n".join(LETTERS[2:])}
    tokens = weights.read(changed(made / "lstm.keras", with_lookup, assets), "x.keras").tokens
    assert tokens["lookup"] == ("[UNK]", *LETTERS[1:])
    assert tokens["assets/layers/text_vectorization/vocabulary.txt"] == ("<pad>", "[UNK]", *LETTERS[2:])


def test_a_quantised_layer_is_not_read_as_if_it_were_not(made: Path, tmp_path: Path):
    path = tmp_path / "quantised.h5"
    path.write_bytes((made / "lstm.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        kernel = next(f"model_weights/{name}" for name in kernels(file["model_weights"]) if "dense" in name)
        values = (np.asarray(file[kernel]) * 40).astype(np.int8)
        del file[kernel]
        file[kernel] = values
    with pytest.raises(CheckpointError, match="is a Dense, which is not run here"):
        network(open_file(path.read_bytes(), "x.h5"))


def kernels(group: Any) -> list[str]:
    """Paths of all data sets named kernel."""
    names: list[str] = []
    group.visit(lambda name: names.append(name) if name.endswith("/kernel") else None)
    return names


def test_weights_that_do_not_say_where_the_reset_gate_acts_have_a_note(made: Path):
    said = [note for form in ("weights.h5", "h5") for note in opened(made, "gru_before", form).weights.notes if "reset gate acts" in note]
    assert len(said) == 1 and "has no bias" in said[0], "the weights alone do not say it, the whole model does"


def test_what_an_lstm_computed_as_in_keras_keeps_is_its_cell(made: Path):
    loaded = network(opened(made, "functions"))
    held = continuation(loaded, "", "abc", 0, 1).held
    trace = read_text(loaded, "abc").trace
    assert trace.cell is not None
    np.testing.assert_allclose(held, np.tanh(trace.cell[:, 0, 1]), atol=1e-6)
