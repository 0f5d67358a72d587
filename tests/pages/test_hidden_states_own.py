"""A network of the visitor's own on the page "Hidden states", and damaged files of the folder."""

from pathlib import Path

import streamlit as st
import torch

from pages._hidden_states import state
from pages._ui import networks
from tests.pages.app import as_read, sound
from tests.pages.test_hidden_states import CHARACTER_NETWORKS, HIDDEN, open_page


def own_checkpoint(folder: Path, layers: int = 1) -> bytes:
    from models import checkpoint
    from models.char_lm.network import CharLM

    torch.manual_seed(3)
    module, card = CharLM(4, "gru", layers, 6, 3), {"kind": "char_lm", "units": "lies", "data": ["lies"]}
    card |= {
        "arguments": {"vocab_size": 4, "cell": "gru", "layers": layers, "units": 6, "embedding": 3},
        "vocabulary": ["\ufffd", "a", "[", "]"],
    }
    checkpoint.save(module, card, folder / "mine.safetensors")
    return (folder / "mine.safetensors").read_bytes()


UPLOAD = "hidden_states.own.file"


def test_a_network_of_ones_own_opens_in_every_panel(tmp_path):
    content = own_checkpoint(tmp_path)
    page = open_page(HIDDEN, panel="Your own network")
    page.file_uploader(key=UPLOAD).set_value(("my net.safetensors", content, "application/octet-stream")).run()
    name = sound(page).selectbox(key=state.MODEL).value
    assert name.startswith("my-net-") and networks.loaded(name).module.rnn.hidden_size == 6
    for panel in ("Find a unit", "This unit", "All units", "Compare", "Export and link", "The network"):
        page.session_state["hidden_states.panel"] = panel
        sound(page.run())
    assert sound(open_page(HIDDEN, model=name)).selectbox(key=state.MODEL).value == name  # the link opens it for others
    assert sound(open_page(HIDDEN)).selectbox(key=state.MODEL).options == CHARACTER_NETWORKS


def test_a_file_that_is_no_checkpoint_gets_a_sentence_and_changes_nothing(tmp_path):
    page = open_page(HIDDEN, panel="Your own network")
    for content, words in ((b"PK\x03\x04" + b"0" * 90, "zip archive"), (own_checkpoint(tmp_path)[:-7], "cut short"), (b"", "is empty")):
        page.file_uploader(key=UPLOAD).set_value(("bad.safetensors", content, "application/octet-stream")).run()
        assert not page.exception and words in as_read(page.error[0])
        assert as_read(page.error[0]).startswith("'bad.safetensors' ") and as_read(page.error[0]).endswith("Nothing was changed.")
        assert page.selectbox(key=state.MODEL).value == "wiki-lstm"


def test_damaged_files_of_the_folder_are_named(tmp_path, monkeypatch):
    own_checkpoint(tmp_path)
    (tmp_path / "torn.safetensors").write_bytes(b"12345")
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    st.cache_data.clear()
    page = open_page(HIDDEN, panel="Your own network")
    st.cache_data.clear()
    assert not page.exception and page.selectbox(key=state.MODEL).value == "mine"
    assert as_read(page.warning[0]).startswith("torn: ")
