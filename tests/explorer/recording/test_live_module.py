"""A module of this session in the app: the app starts and ends, and what it asks for is what the module does at that moment."""

import gc
import json
import os
import threading
import urllib.request
import weakref
from multiprocessing.connection import Client
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import explorer
from explorer.errors import CheckpointError
from explorer.recording import live_module
from explorer.recording.module_server import Served
from models.foreign.experiments.python_file import LiveModule
from tests.browser.chromium import ROOT

LETTERS = "abcdefghij "


class Net(nn.Module):
    """Letters to letters."""

    def __init__(self):
        super().__init__()
        self.embed, self.gru, self.out = nn.Embedding(11, 4), nn.GRU(4, 6, batch_first=True), nn.Linear(6, 11)

    def forward(self, ids):
        return self.out(self.gru(self.embed(ids))[0])


def encode(text: str) -> tuple[list[int], list[str]]:
    return [LETTERS.index(letter) for letter in text], list(text)


def test_the_app_opens_on_a_module_and_ends_with_close(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(ROOT)  # where recurrent_explorer_app lies
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    app = explorer.open(Net().eval(), encode, LETTERS)
    try:
        assert app.address.endswith("/your_model") and app.address in repr(app)
        assert urllib.request.urlopen(app.address, timeout=60).status == 200
        assert [folder.name for folder in tmp_path.glob("explorer-live-*")]
    finally:
        app.close()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(app.address, timeout=5)
    assert not list(tmp_path.glob("explorer-live-*"))


def test_an_app_that_is_missing_or_does_not_start_is_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live_module, "APP", "no_package_of_this_name")
    with pytest.raises(live_module.AppError, match="not installed here"):
        explorer.open(Net(), encode)
    monkeypatch.setattr(live_module, "APP", "json")  # `python -m json` ends at once
    with pytest.raises(live_module.AppError, match="did not start"):
        explorer.open(Net(), encode)


def test_what_the_app_reads_is_the_module_of_that_moment():
    network = Net().eval()
    door = live_module.Door(Served(network, encode, None, LETTERS))
    live = LiveModule(known(door))

    def states() -> np.ndarray:
        with torch.no_grad():
            return network.gru(network.embed(torch.tensor([encode("a bad cab")[0]])))[0].numpy()

    first = live.read("a bad cab")
    np.testing.assert_allclose(first.trace.hidden[:, 0], states()[0], atol=1e-6)
    with torch.no_grad():
        network.get_parameter("gru.weight_hh_l0").mul_(-3)
    second = live.read("a bad cab")
    assert np.abs(second.trace.hidden - first.trace.hidden).max() > 0.01
    np.testing.assert_allclose(second.trace.hidden[:, 0], states()[0], atol=1e-6)
    with pytest.raises(CheckpointError, match=r"<module> raised ValueError.*substring not found"):
        live.read("z")
    assert live.read("a").trace.tokens == ("a",)
    live.close()
    door.close()
    with pytest.raises(CheckpointError, match="Net is gone: the Python session that opened it has ended"):
        live.read("a")


def test_a_stranger_without_the_key_gets_nothing_and_who_leaves_early_disturbs_nobody():
    door = live_module.Door(Served(Net(), encode))
    with pytest.raises(CheckpointError, match="is gone"):
        LiveModule(known(door) | {"key": os.urandom(32).hex()}).read("a")
    early = Client(door.address, authkey=door.key)
    early.send_bytes(json.dumps({"text": "a bad cab " * 300, "path": None}).encode())
    early.close()
    owner = LiveModule(known(door))
    assert owner.read("a").trace.tokens == ("a",), "and its owner is still served"
    owner.close()
    door.close()


def test_a_closed_door_holds_neither_thread_nor_module():
    network, before = Net(), threading.active_count()
    held = weakref.ref(network)
    door = live_module.Door(Served(network, encode))
    assert threading.active_count() == before + 1
    door.close()
    del network, door
    gc.collect()
    assert threading.active_count() == before and held() is None


def known(door: live_module.Door) -> dict[str, str]:
    """What the app is told of a door."""
    return {"name": "Net", "address": str(door.address), "key": door.key.hex()}
