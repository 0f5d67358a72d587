"""Files that claim more than they hold, or that are made to fill memory, time or a terminal: each ends in one short sentence."""

import io
import struct
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save

from explorer.errors import CheckpointError
from models.foreign import archives, weights
from models.foreign.opening import network_of, open_file
from models.foreign.torch_file import read as read_torch
from tests.models.command_line import call
from tests.models.foreign.strangers import npz, saved


def archive(parts: dict[str, bytes], way: int = zipfile.ZIP_STORED) -> bytes:
    """The bytes of a zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", way) as written:
        for name, content in parts.items():
            written.writestr(name, content)
    return file.getvalue()


def array(header: str, held: bytes = b"") -> bytes:
    """The bytes of one array of numpy with any header."""
    text = header.encode("latin-1").ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + held


def encrypted() -> bytes:
    """An archive whose part says that it is encrypted."""
    content = bytearray(npz(w=np.ones(3)))
    content[6] |= 1
    content[content.find(archives.ENTRY) + 8] |= 1
    return bytes(content)


def with_damaged_deflate() -> bytes:
    """A compressed array, damaged in its middle."""
    file = io.BytesIO()
    np.savez_compressed(file, w=np.arange(1000.0))
    content = file.getvalue()
    return content[:80] + b"\xff" * 10 + content[90:]


NPZ = {
    "claims 40 GB": (
        archive({"w.npy": array("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999,), }", bytes(16))}),
        "values, but",
    ),
    "less than none": (
        archive({"w.npy": array("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -4), }", bytes(16))}),
        "values, but",
    ),
    "a header without end": (archive({"w.npy": array("{'descr': '<f4', 'shape': (3,")}), "damaged .npz"),
    "no array": (archive({"w.npy": b"not an array at all"}), "damaged .npz"),
    "another version": (archive({"w.npy": b"\x93NUMPY\x09\x00" + bytes(40)}), "the format of an array"),
    "encrypted": (encrypted(), "is encrypted"),
    "LZMA": (archive({"w.npy": bytes(100)}, zipfile.ZIP_LZMA), "compressed in a way"),
    "damaged inside": (with_damaged_deflate(), "damaged .npz"),
    "zeros": (archive({"w.npy": bytes(60_000_000)}, zipfile.ZIP_DEFLATED), "unpacks to more than 50 MB"),
}


@pytest.mark.parametrize(("content", "said"), NPZ.values(), ids=NPZ)
def test_an_npz_that_claims_what_it_does_not_hold(content, said):
    with pytest.raises(CheckpointError, match=said) as error:
        weights.read(content, "x.npz")
    assert len(str(error.value)) < 300


def test_arrays_in_every_order_and_type_are_those_of_numpy():
    made = {
        "c": np.arange(6.0).reshape(2, 3),
        "f": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "one": np.float64(3),
        "b": np.array([True]),
    }
    made |= {"half": np.ones(3, np.float16), "big": np.arange(4, dtype=">i4")}
    tensors = weights.read(npz(**made, date=np.array(["2020"], "M8[D]"), pair=np.zeros(2, "i4,f4")), "x.npz").tensors
    assert tensors.keys() == made.keys() and all((tensors[name] == value).all() for name, value in made.items())


def test_too_many_parts_are_counted_before_they_are_read(monkeypatch):
    monkeypatch.setattr(archives, "MOST_PARTS", 3)
    with pytest.raises(CheckpointError, match="more than 3 parts"):
        weights.read(npz(a=np.ones(1), b=np.ones(1), c=np.ones(1), d=np.ones(1)), "x.npz")


def test_one_number_that_claims_to_be_many(tmp_path):
    (tmp_path / "x.pt").write_bytes(saved({"rnn.weight_hh_l0": torch.ones(1).expand(200_000_000)}))
    with pytest.raises(CheckpointError, match="more than 50 MB of tensors"):
        read_torch(tmp_path / "x.pt", tmp_path)


def test_long_names_and_many_layers_are_refused():
    with pytest.raises(CheckpointError, match="a name of 5,012 characters"):
        open_file(save({"1" * 5_000 + "weight_ih_l0": torch.ones(4, 1)}), "x.safetensors")
    many = {f"m{index}x.weight_{kind}_l0": torch.ones(4, 1) for index in range(65) for kind in ("ih", "hh")}
    with pytest.raises(CheckpointError, match="65 groups of recurrent layers; at most 64"):
        open_file(save(many), "x.safetensors")


def test_one_hot_vectors_in_both_directions():
    torch.manual_seed(0)
    module = torch.nn.LSTM(9, 5, bidirectional=True, batch_first=True)
    weights_of_both = {f"rnn.{name}": value for name, value in module.state_dict().items()}
    one = open_file(save(weights_of_both | {"fc.weight": torch.ones(9, 10)}), "x.safetensors")
    assert one.choice is not None
    ids = torch.tensor([[3, 1, 4, 1, 5, 8]])
    expected = module(torch.nn.functional.one_hot(ids, 9).float())[0]
    torch.testing.assert_close(network_of(one, one.choice, "abcdefghi").module(ids + 1)[0], expected)


def test_names_do_not_move_the_cursor_of_a_terminal(tmp_path, capsys):
    (tmp_path / "x.safetensors").write_bytes(save({"\x1b[2Jred\x07.weight": torch.full((4, 1), torch.nan)}))
    code, out, _ = call(capsys, "check", tmp_path / "x.safetensors")
    assert code == 0 and "\x1b" not in out and "\x07" not in out and r"\x1b[2Jred\x07.weight  4 x 1" in out
