"""The page "Your model": a checkpoint of any kind leads to the rooms that show it; what is none gets a sentence."""

import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from explorer.records import Trace
from models.foreign.experiments import behaviour
from models.foreign.experiments.behaviour import SAMPLE
from models.foreign.experiments.reading import FoundRun, read_text
from models.foreign.given import VARIABLE, Given, give
from pages._ui import uploads
from pages._your_model import opening, tokens, weights
from tests.models.captioning.tiny_captions import save_tiny_scenes
from tests.models.foreign import keras_2
from tests.models.foreign.in_process import in_this_process
from tests.models.foreign.strangers import LETTERS, CharRNN, Tagger
from tests.models.foreign.strangers import saved as stranger
from tests.models.foreign.test_python_file import LETTERS as SIGNS
from tests.models.foreign.test_python_file import MINE
from tests.models.foreign.test_recording_code import saved
from tests.models.names.tiny_names import save_tiny_namer
from tests.models.tiny import save_tiny
from tests.models.translation.tiny_translation import save_tiny_translator
from tests.pages.app import as_read, open_page, sound

__all__ = ["in_this_process"]

KINDS = {
    "hidden_states": save_tiny,
    "attention": save_tiny_translator,
    "captions": save_tiny_scenes,
    "confusions": save_tiny_namer,
}


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept").mkdir()
    monkeypatch.setattr(uploads, "_folder", lambda: tmp_path / "kept")


def uploaded(content: bytes) -> AppTest:
    page = sound(open_page("your_model"))
    return page.file_uploader(key=opening.FILE).set_value(("mine.safetensors", content, "application/octet-stream")).run()


@pytest.mark.parametrize("room", KINDS)
def test_a_checkpoint_is_opened_in_the_room_that_shows_its_kind(room: str, tmp_path: Path):
    file = tmp_path / "mine.safetensors"
    KINDS[room](file)
    (said,) = sound(uploaded(file.read_bytes())).success
    links = re.findall(r"\[\*\*[^]]+\*\*\]\(\./([^)]+)\)", said.value)
    assert [urlsplit(link).path for link in links] == [room] + ["one_step"] * (room == "hidden_states")
    name = parse_qs(urlsplit(links[0]).query)[f"{room}.model"][0]
    page = sound(open_page(room, model=name))
    assert page.selectbox(key=f"{room}.model").value == name


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\x08" + b"\0" * 7 + b"{}      "])
def test_what_is_no_checkpoint_gets_a_sentence_and_changes_nothing(content: bytes):
    page = uploaded(content)
    (said,) = page.error
    assert as_read(said).endswith("Nothing was changed.") and "mine.safetensors" in as_read(said) and not page.success


def test_an_error_goes_with_its_file(tmp_path: Path):
    """The visitor brings a wrong file, a good one in a room, and comes back: the field is empty, and so is what is below it."""
    page = uploaded(b"no checkpoint")
    page.session_state[opening.FILE] = None
    assert not page.run().error
    save_tiny(tmp_path / "mine.safetensors")
    room = open_page("hidden_states", panel="Your own network")
    room.session_state["hidden_states.own.error"] = "of an upload whose run was ended before it was drawn"
    good = ("mine.safetensors", (tmp_path / "mine.safetensors").read_bytes(), "application/octet-stream")
    assert not room.file_uploader(key="hidden_states.own.file").set_value(good).run().error


def test_weights_that_are_no_language_model_are_described_with_code_that_records_them():
    page = sound(uploaded(saved(torch.nn.LSTM(4, 8, num_layers=2))))
    assert any("LSTM, 2 layers of 8 units, 4 inputs per step" in as_read(part) for part in page.markdown)
    assert any("reads 4 numbers per step. They are neither the rows of an embedding" in as_read(part) for part in page.markdown)
    assert "torch.nn.LSTM(4, 8, num_layers=2)" in page.code[0].value and "'mine.safetensors'" in page.code[0].value
    assert all(button.key != "your_model.weights.open" for button in page.button)
    page = page.file_uploader(key=opening.FILE).set_value(("x.safetensors", b"", "application/octet-stream")).run()
    assert len(page.code) == 1 and "is empty" in as_read(page.error[0])  # the code for any module stays


def opened(content: bytes, name: str = "mine.pt") -> AppTest:
    """The page after a file of weights was dropped; the reader's child process is replaced, as in the tests of readers."""
    return sound(open_page("your_model")).file_uploader(key=opening.FILE).set_value((name, content, "application/octet-stream")).run()


def test_from_a_state_dict_to_its_neurons(in_this_process):
    held = {"state_dict": CharRNN("LSTM", 2).state_dict(), "tokens": LETTERS}
    page = sound(opened(stranger(held)))
    assert page.selectbox(key="your_model.weights.embedding.rnn").value == "encoder.weight"
    assert page.selectbox(key="your_model.weights.output.rnn").value == "decoder.weight"
    assert any(f"Its {len(LETTERS)} tokens are" == box.label and box.value == "tokens" for box in page.selectbox)
    assert any("bits per token on this text" in as_read(part) for part in page.markdown)
    table = page.dataframe[0].value
    assert set(table["tensor"]) == set(held["state_dict"]) and set(table["sure"]) == {"sure"}
    page = sound(page.button(key="your_model.weights.open").click().run())
    link = parse_qs(urlsplit(re.findall(r"\]\(\./([^)]+)\)", page.success[0].value)[0]).query)
    name = link["hidden_states.model"][0]
    room = sound(open_page("hidden_states", **{key.removeprefix("hidden_states."): value[0] for key, value in link.items()}))
    assert room.selectbox(key="hidden_states.model").value == name
    assert room.session_state["hidden_states.text"] == SAMPLE and room.selectbox(key="hidden_states.layer").value == "layer 2"
    assert room.session_state["hidden_states.unit"] == int(link["hidden_states.unit"][0])
    (exported,) = [
        part.value for part in sound(open_page("hidden_states", panel="Export and link", model=name)).code if "read_window(" in part.value
    ]
    assert "warm_up=''" in exported and "Lighthouse" not in exported, "the network starts blank, on a text of plain English"
    assert sound(open_page("one_step", view="LSTM and GRU, a real unit", model=name)).selectbox(key="one_step.model").value == name


def test_a_keras_file_is_not_guessed_and_its_own_cell_opens_in_every_room(in_this_process):
    tokens, units = len(LETTERS), 6
    arrays = {"gru": keras_2.random((tokens, 18), (units, 18), (18,)), "dense": keras_2.random((units, tokens), (tokens,))}
    lookup = {"vocabulary": list(LETTERS), "num_oov_indices": 0, "mask_token": None}
    layers = [
        keras_2.layer("StringLookup", "letters", **lookup),
        keras_2.layer("GRU", "gru", units=units, reset_after=False),
        keras_2.layer("Dense", "dense", activation="softmax"),
    ]
    page = sound(opened(keras_2.written(arrays, layers), "mine.h5"))
    assert any("The file says how its layers follow" in as_read(part) for part in page.caption)
    assert not any(box.label in ("Inputs", "Output") for box in page.selectbox) and any(box.value == "letters" for box in page.selectbox)
    assert any("the reset gate is applied before the matrix product" in as_read(part) for part in page.markdown)
    page = sound(page.button(key="your_model.weights.open").click().run())
    name = parse_qs(urlsplit(re.findall(r"\]\(\./([^)]+)\)", page.success[0].value)[0]).query)["hidden_states.model"][0]
    sound(open_page("hidden_states", model=name))
    room = open_page("one_step", view="LSTM and GRU, a real unit", model=name)
    assert not room.exception


def typed(page: AppTest, text: str) -> AppTest:
    """The page after a list of tokens was typed."""
    page.text_area(key=tokens.TYPED).set_value(text)
    return next(button for button in page.button if button.label == "Use these tokens").click().run()


def test_a_wrong_guess_is_corrected_and_a_list_of_tokens_given(in_this_process):
    network = CharRNN("RNN", 1, tokens=40)
    extra = {"other.weight": torch.ones(40, 7), "last.weight": torch.zeros(40, 12)}
    page = sound(opened(stranger(dict(network.state_dict()) | extra)))
    assert any("no known alphabet has 40" in as_read(said) for said in page.warning)
    letters = json.dumps([*LETTERS, *"ABCDEFGHI"]).encode()
    page = sound(page.file_uploader(key="your_model.weights.tokens").set_value(("letters.json", letters, "application/json")).run())
    assert any(box.value == "letters.json" for box in page.selectbox)
    page = sound(page.selectbox(key="your_model.weights.output.rnn").set_value("last.weight").run())
    assert any("5.32 bits per token on this text; a uniform guess needs 5.32" in as_read(part) for part in page.markdown)
    page = sound(page.selectbox(key="your_model.weights.embedding.rnn").set_value("numbers, no tokens").run())
    assert any("neither the rows of an embedding" in as_read(part) for part in page.markdown)
    page = page.selectbox(key="your_model.weights.embedding.rnn").set_value("encoder.weight").run()
    page = sound(typed(page, "".join([*LETTERS, *"ABCDEFGHI"])))
    assert any(box.value == "your typed list" for box in page.selectbox)
    assert "has 'a' twice" in as_read(typed(page, "aa").error[0])
    page = page.file_uploader(key="your_model.weights.tokens").set_value(("letters.json", b"[1, 2]", "application/json")).run()
    assert any("letters.json is no list of tokens" in as_read(error) for error in page.error)


def test_what_the_visitor_chose_is_no_guess(in_this_process):
    own = {key.replace("decoder.", "x."): value for key, value in CharRNN("RNN", 1, tokens=100).state_dict().items()}
    page = sound(opened(stranger(own | {"y.weight": torch.zeros(100, 12)})))
    assert any("By shape alone the output was guessed" in as_read(part) for part in page.markdown)
    box = page.selectbox(key="your_model.weights.output.rnn")
    page = sound(box.set_value(next(option for option in box.options if option != box.value and option != "none")).run())
    assert not any("the output was guessed" in as_read(part) for part in page.markdown)


def test_another_file_forgets_the_first_one(in_this_process):
    page = sound(opened(stranger(CharRNN(tokens=100).state_dict())))
    assert any(box.value == "string.printable" for box in page.selectbox)
    page = page.file_uploader(key=opening.FILE).set_value(("other.npz", b"no weights", "application/octet-stream")).run()
    assert "none of the formats" in as_read(page.error[0]) and not page.selectbox


def test_a_checkpoint_whose_card_is_refused_is_opened_by_its_weights(tmp_path: Path):
    save_tiny(tmp_path / "mine.safetensors")
    content = (tmp_path / "mine.safetensors").read_bytes().replace(b"\\\\ufffd", b"qqqqqqq")
    page = sound(uploaded(content))
    assert not page.success and any(box.value == "card.vocabulary" for box in page.selectbox)
    assert any("Its card is not used, only its weights." in as_read(said) for said in page.warning)
    page = page.file_uploader(key=opening.FILE).set_value(("other.npz", b"no weights", "application/octet-stream")).run()
    assert not page.warning


def test_a_training_that_failed_is_described_all_the_same(in_this_process):
    weights = CharRNN("GRU", 1, tokens=len(LETTERS)).state_dict()
    weights["decoder.weight"][0, 0] = float("nan")
    page = sound(opened(stranger({"state_dict": weights, "tokens": LETTERS})))
    assert any("decoder.weight has 1 of" in as_read(part) for part in page.markdown)
    assert set(page.dataframe[0].value["tensor"]) == set(weights) and not any("bits per token" in as_read(part) for part in page.markdown)


def test_a_rerun_looks_at_nothing_again(in_this_process, monkeypatch: pytest.MonkeyPatch):
    page = sound(opened(stranger(CharRNN("RNN", 1, tokens=100).state_dict())))
    for name in ("of_weights", "of_run", "network_of", "read_text", "open_file"):
        monkeypatch.setattr(weights, name, None)
    monkeypatch.setattr(tokens, "best_list", None)
    again = sound(page.run())
    assert [as_read(part) for part in again.markdown] == [as_read(part) for part in page.markdown] and again.selectbox


def test_a_text_is_read_once_for_each_direction(in_this_process, monkeypatch: pytest.MonkeyPatch):
    calls = []
    monkeypatch.setattr(weights, "read_text", lambda *given: calls.append(given[2:]) or read_text(*given))
    monkeypatch.setattr(behaviour, "read_text", lambda *given: calls.append(given))
    page = sound(opened(stranger({"state": Tagger().state_dict(), "letters": LETTERS})))
    assert calls == [(False, 1)], "the check of its behaviour and the picture share a run"
    sound(page.segmented_control(key="your_model.weights.direction").set_value("from the end").run())
    assert calls == [(False, 1), (True, 1)]


def test_the_first_unit_is_the_one_with_the_longest_memory_of_those_that_move():
    trace = Trace(("a", "b"), np.zeros((2, 1, 4), np.float32), None, {}, np.zeros((1, 4), np.float32))
    values = np.array([[0, 0.1, 0.9, -0.5], [0, 0.1, -0.9, 0.5]], np.float32)
    run = FoundRun(trace, "hidden", values, "memory time", np.array([1, 3, 2, 0]), None, None, None, ())
    assert weights._first_unit(run) == 3
    assert weights._first_unit(replace(run, values=values * 0.01)) == 2, "none moves: the one that moves most"


def test_the_files_of_the_command_line_are_open(in_this_process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, "{}")  # given back after the test
    (tmp_path / "bare.pt").write_bytes(stranger(CharRNN().state_dict()))
    (tmp_path / "letters.txt").write_text("\n".join(LETTERS), encoding="utf-8")
    save_tiny(tmp_path / "whole.safetensors")
    give(Given((tmp_path / "bare.pt", tmp_path / "whole.safetensors"), tmp_path / "letters.txt"))
    page = sound(open_page("your_model"))
    assert any(box.value == "letters.txt" for box in page.selectbox) and not page.success
    page = sound(page.selectbox(key=opening.SERVED).set_value("whole.safetensors").run())
    assert "whole-" in page.success[0].value and not any(box.value == "letters.txt" for box in page.selectbox)
    (tmp_path / "bare.pt").unlink()
    page = page.selectbox(key=opening.SERVED).set_value("bare.pt").run()
    assert "bare.pt does not exist" in as_read(page.error[0]) and not page.success


def test_a_tagger_and_a_network_of_words_are_shown_here_and_not_in_the_rooms(in_this_process):
    page = sound(opened(stranger({"state": Tagger().state_dict(), "tokens": LETTERS})))
    page = sound(page.segmented_control(key="your_model.weights.direction").set_value("from the end").run())
    assert any("reads in both directions" in as_read(part) for part in page.markdown)
    words = ["<unk>", *(f"word{index}" for index in range(30)), "the", "network"]
    page = sound(opened(stranger({"state": CharRNN("GRU", 1, tokens=len(words)).state_dict(), "words": words})))
    assert any(as_read(part).startswith("Each word is coloured") for part in page.markdown)
    assert any("does not know" in as_read(said) for said in page.caption)
    page.session_state["your_model.weights.text"] = "   "
    page = page.run()
    assert (
        "no token that the network could read" in as_read(page.error[0]) and page.text_area(key="your_model.weights.draft").value == "   "
    )
    assert all(button.key != "your_model.weights.open" for button in page.button)


def test_a_python_file_of_the_command_line_runs_and_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, "{}")  # given back after the test
    (tmp_path / "mine.py").write_text(MINE.replace("import pages\nfrom models import LETTERS", f"LETTERS = {SIGNS!r}"), encoding="utf-8")
    (tmp_path / "wrong.py").write_text("x = 1", encoding="utf-8")
    give(Given((tmp_path / "mine.py", tmp_path / "wrong.py")))
    page = sound(open_page("your_model"))
    assert any("runs on this computer, in a process of its own" in as_read(part) for part in page.markdown)
    assert page.selectbox(key="your_model.code.layer.lstm.2").options == ["layer 1", "layer 2"]
    page = page.selectbox(key=opening.SERVED).set_value("wrong.py").run()
    assert "wrong.py does not define build() and encode()" in as_read(page.error[0])
