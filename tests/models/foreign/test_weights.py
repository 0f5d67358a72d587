"""Reading of files: every format, nothing executed, limits on size, and a crash of a reader is a sentence."""

import io
import pickle
import threading
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from explorer.errors import CheckpointError
from models.foreign import archives, child
from models.foreign.weights import read
from tests.models.foreign.strangers import CharRNN, npz, saved


class Danger:
    """A value that runs a function when it is unpickled."""

    def __init__(self, function, *arguments):
        self.way = (function, arguments)

    def __reduce__(self):
        return self.way


class Settings(dict):
    """A dictionary of the file's owner, as frameworks keep settings."""


class Vocab:
    """A class of the file's owner."""

    def __init__(self):
        self.itos, self.size = ["<unk>", "a", "b"], 3


@pytest.mark.child
def test_a_file_that_would_run_something_runs_nothing(tmp_path: Path):
    import os
    import subprocess

    mark = tmp_path / "ran"
    calls = [Danger(eval, f"open({str(mark)!r}, 'w')"), Danger(subprocess.call, ["touch", str(mark)]), Danger(os.system, f"touch {mark}")]
    with pytest.raises(CheckpointError, match=r"asks for .*no saved network needs.*Nothing of it was run"):
        read(saved({"weight": torch.ones(2, 2), "x": calls}), "x.pt")
    assert not mark.exists()


def test_a_call_of_a_harmless_module_is_an_empty_object(tmp_path: Path):
    mark = tmp_path / "ran"
    assert list(read(saved({"weight": torch.ones(2, 2), "x": Danger(eval, f"open({str(mark)!r}, 'w')")}), "x.pt").tensors) == ["weight"]
    assert not mark.exists()


def test_objects_of_unknown_classes_keep_their_values_and_nothing_else():
    one = read(saved({"model": CharRNN(), "vocab": Vocab(), "hp": defaultdict(int, units=12), "more": Settings(width=5)}), "x.pt")
    assert {name.removeprefix("model.") for name in one.tensors} == set(CharRNN().state_dict())
    assert one.tokens == {"vocab.itos": ("<unk>", "a", "b")} and one.settings["vocab.size"] == 3
    assert one.settings["hp.units"] == 12 and one.settings["more.width"] == 5
    assert any("strangers.CharRNN" in note and "nothing of them was imported or run" in note for note in one.notes)


def test_the_format_before_torch_1_6():
    file = io.BytesIO()
    torch.save(OrderedDict(CharRNN().state_dict()), file, _use_new_zipfile_serialization=False)
    assert read(file.getvalue(), "x.pth").tensors.keys() == CharRNN().state_dict().keys()


def test_values_are_those_of_the_file_in_every_type():
    values = torch.linspace(-1, 1, 6).reshape(2, 3)
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        for content in (saved({"w": values.to(dtype)}), save({"w": values.to(dtype)})):
            array = read(content, "x").tensors["w"]
            assert array.dtype == np.float32 and (array == values.to(dtype).float().numpy()).all()
    for dtype in (torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz):
        tensors = read(save({"w": values.to(dtype), "n": torch.tensor([2**53 + 1])}), "x").tensors
        assert (tensors["w"] == values.to(dtype).float().numpy()).all() and tensors["n"].tolist() == [2**53 + 1]
    turned = read(saved({"w": values.T, "n": torch.tensor(3)}), "x.pt").tensors
    assert (turned["w"] == values.T.numpy()).all() and turned["n"] == 3


WRONG = {
    "is empty": b"",
    "none of the formats": b"hello, this is a text",
    "damaged zip archive": b"PK\x03\x04" + bytes(40),
    "restricted reader": pickle.dumps({"a": 1}, protocol=2),
    "without a tensor": npz(),
    "tensors of type F8_E8M0, which is not read here": save({"w": torch.ones(4, dtype=torch.uint8).view(torch.float8_e8m0fnu)}),
    "damaged header": (40).to_bytes(8, "little") + b'{"a":{"data_offsets":[0,1e999]}}        ',
}


@pytest.mark.parametrize(("sentence", "content"), WRONG.items(), ids=WRONG)
def test_other_files_are_refused_with_a_sentence(sentence, content):
    with pytest.raises(CheckpointError, match=sentence):
        read(content, "x.pt")


def test_python_objects_in_an_npz_are_left_out():
    one = read(npz(w=np.ones(3), o=np.array([{"a": 1}], dtype=object), letters=np.array(list("abc"))), "x.npz")
    assert list(one.tensors) == ["w"] and one.tokens == {"letters": ("a", "b", "c")} and "'o' holds Python objects" in one.notes[0]


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(monkeypatch):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(2_000_000))
    monkeypatch.setattr(archives, "LARGEST", 1_000_000)
    with pytest.raises(CheckpointError, match="unpacks to more than 1 MB"):
        read(file.getvalue(), "x.npz")


def test_a_tensor_that_claims_more_than_its_storage_costs_no_memory():
    large = torch.ones(1).expand(400_000, 100_000)
    with pytest.raises(CheckpointError, match="MB of tensors"):
        read(saved({"w": large}), "x.pt")


@pytest.mark.child
@pytest.mark.skipif("sys.platform != 'linux'", reason="other systems have other limits")
@pytest.mark.parametrize(("reader", "sentence"), [("crash", "signal 11"), ("loop", "more time or memory"), ("swell", "more memory")])
def test_a_reader_that_crashes_hangs_or_swells_is_a_sentence(reader, sentence, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(CheckpointError, match=rf"'mine.h5' .*{sentence}"):
        child.run(f"tests.models.foreign.readers:{reader}", tmp_path / "file", "'mine.h5'", seconds=3, memory=2_000_000_000)


@pytest.mark.parametrize("beginning", [b"\x80\x02", b"\x80\x04", b"PK"])
def test_a_safetensors_file_whose_length_begins_as_another_format(beginning):
    sound = save({"rnn.weight_hh_l0": torch.ones(8, 2), "rnn.weight_ih_l0": torch.ones(8, 3)})
    size, wanted = int.from_bytes(sound[:8], "little"), int.from_bytes(beginning, "little")
    padded = wanted.to_bytes(8, "little") + sound[8 : 8 + size] + b" " * (wanted - size) + sound[8 + size :]
    assert list(read(padded, "x.safetensors").tensors) == ["rnn.weight_hh_l0", "rnn.weight_ih_l0"]


@pytest.mark.child
def test_two_files_are_read_at_once_and_no_more(monkeypatch, tmp_path: Path):
    running, most, gate = [0], [0], threading.Barrier(child.MOST)

    def note(*_: object) -> tuple[dict, bytes]:
        running[0] += 1
        most[0] = max(most[0], running[0])
        gate.wait(30)  # passes only if two are in here together
        running[0] -= 1
        return {}, b""

    monkeypatch.setattr(child, "_run", note)
    threads = [threading.Thread(target=child.run, args=("x:y", tmp_path, "'a'")) for _ in range(2 * child.MOST)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most[0] == child.MOST and running[0] == 0
    monkeypatch.setattr(child, "_TURNS", threading.BoundedSemaphore(1))
    with child._TURNS, pytest.raises(CheckpointError, match="others are being read"):
        child.run("x:y", tmp_path, "'a'", seconds=0)
