"""Pictures: turned, squashed and measured exactly; files that are no pictures get a sentence, whatever they hold."""

import contextlib
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from models.captioning import decoder
from models.captioning.images import LARGEST_BYTES, Box, PictureError, cell_at, cell_box, opened, spread, squashed

ROOT = Path(__file__).parents[3]
RED, BLUE = (255, 0, 0), (0, 0, 255)


def halves(size=(60, 40)) -> Image.Image:
    """Red above, blue below."""
    picture = Image.new("RGB", size, BLUE)
    picture.paste(RED, (0, 0, size[0], size[1] // 2))
    return picture


def written(picture: Image.Image, form: str = "PNG", **more) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **more)
    return file.getvalue()


def near(pixel, colour) -> bool:
    return bool(np.abs(np.array(pixel, int) - colour).max() < 30)


def decoded_here(content: bytes, name: str = "x") -> Image.Image:
    """A picture as the process for other formats returns it, without the process, which tests/models/captioning/test_decoder.py starts."""
    answer = decoder.answer(name, content)
    if answer[:1] == b"E":
        raise PictureError(answer[1:].decode())
    return Image.frombytes("RGB", decoder.SIZE.unpack(answer[1:9]), answer[9:])


@pytest.fixture(autouse=True, scope="module")
def one_process():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "decoded", decoded_here)
        yield


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_three_forms_open_from_a_file_and_from_bytes(tmp_path, form: str):
    content = written(halves(), form)
    (tmp_path / "a").write_bytes(content)
    for picture in (opened(content), opened(tmp_path / "a"), opened(str(tmp_path / "a"))):
        assert picture.mode == "RGB" and picture.size == (60, 40)
        assert near(picture.getpixel((30, 5)), RED) and near(picture.getpixel((30, 35)), BLUE)


# Where the red half is after each EXIF orientation, and whether the sides change places.
TURNED = {1: ("top", False), 2: ("top", False), 3: ("bottom", False), 4: ("bottom", False),
          5: ("left", True), 6: ("right", True), 7: ("right", True), 8: ("left", True)}  # fmt: skip


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("form", ["JPEG", "WEBP", "PNG"])
def test_the_exif_orientation_is_applied(orientation: int, form: str):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = opened(written(halves(), form, exif=exif))
    side, turned = TURNED[orientation]
    width, height = picture.size
    assert (width, height) == ((40, 60) if turned else (60, 40))
    points = {"top": (width // 2, 3), "bottom": (width // 2, height - 4), "left": (3, height // 2), "right": (width - 4, height // 2)}
    opposite = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}[side]
    assert near(picture.getpixel(points[side]), RED) and near(picture.getpixel(points[opposite]), BLUE)


def test_other_colours_become_red_green_blue():
    assert near(opened(written(halves().convert("CMYK"), "JPEG")).getpixel((30, 5)), RED)
    assert opened(written(Image.new("L", (4, 4), 77))).getpixel((0, 0)) == (77, 77, 77)
    deep = Image.fromarray(np.full((4, 4), 77 * 256 + 13, np.uint16))
    assert opened(written(deep)).getpixel((0, 0)) == (77, 77, 77)
    assert opened(written(Image.new("RGBA", (4, 4), (0, 0, 0, 0)))).getpixel((0, 0)) == (255, 255, 255)
    assert opened(written(halves().convert("P"))).getpixel((30, 5)) == RED
    pages = [halves(), Image.new("RGB", (60, 40))]
    assert near(opened(written(pages[0], "WEBP", save_all=True, append_images=pages[1:])).getpixel((30, 5)), RED)  # the first


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that promises many pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


PNG, JPEG, WEBP = (written(halves((300, 200)), form) for form in ("PNG", "JPEG", "WEBP"))
LONG_TEXT = PNG[:33] + struct.pack(">I", 60_000) + b"zTXt" + b"a\0\0" + zlib.compress(bytes(50_000_000))[:59_997] + b"1234" + PNG[33:]
HOSTILE = {
    "empty": (b"", "x is empty. Expected a picture, such as a JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF or BMP file."),
    "text": (b"not a picture at all" * 9, "x is not a readable picture"),
    "cut gif": (written(halves(), "GIF")[:40], "x is truncated or damaged"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "x is not a readable picture"),
    "magic": (b"\x89PNG\r\n\x1a\n", "x is not a readable picture, or is truncated"),
    "cut png": (PNG[: len(PNG) * 2 // 3], "x is truncated or damaged"),
    "cut jpeg": (JPEG[: len(JPEG) // 2], "x is truncated or damaged"),
    "cut webp": (WEBP[: len(WEBP) // 2], "x is"),
    "long text": (LONG_TEXT, "x is"),
    "large": (bytes(LARGEST_BYTES + 1), "x is larger than 10 MB. Expected a smaller picture"),
    "41 megapixels": (bomb(8_200, 5_000), "x has 8,200 x 5,000 pixels; expected at most 40 megapixels"),
    "bomb": (bomb(60_000, 60_000), "x has far too many pixels; expected at most 40 megapixels"),
    "lie": (bomb(3_000, 3_000), "x is truncated or damaged"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_get_a_sentence(name: str, tmp_path):
    content, sentence = HOSTILE[name]
    with pytest.raises(PictureError) as error:
        opened(content, "x")
    assert sentence in str(error.value) and "Expected" in str(error.value).replace("expected", "Expected")
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(PictureError, match=str(tmp_path)):
        opened(tmp_path / "x")


def test_a_picture_that_is_too_large_gets_its_sentence_and_no_warning(tmp_path):
    (tmp_path / "x.png").write_bytes(bomb(12_000, 12_000))
    program = f"from models.captioning.images import opened\nopened({str(tmp_path / 'x.png')!r})"  # under pytest warnings are errors
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "x.png has 12,000 x 12,000 pixels; expected at most 40 megapixels." in done.stderr and "Warning" not in done.stderr


def test_a_missing_file_and_a_folder_get_a_sentence(tmp_path):
    with pytest.raises(PictureError, match="does not exist"):
        opened(tmp_path / "nothing.png")
    with pytest.raises(PictureError, match="cannot be read"):
        opened(tmp_path)


@given(at=st.integers(0, len(JPEG) - 1), value=st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_a_damaged_byte_gives_a_picture_or_a_sentence(at: int, value: int):
    for content in (JPEG, PNG, WEBP):
        damaged = bytearray(content)
        damaged[at % len(content)] = value
        with contextlib.suppress(PictureError):
            assert opened(bytes(damaged)).mode == "RGB"


def test_squashing_keeps_shares_of_the_sides():
    seen = squashed(halves((300, 100)), 224)
    assert seen.shape == (224, 224, 3) and near(seen[100, 5], RED) and near(seen[124, 220], BLUE)
    same = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    assert (squashed(Image.fromarray(same)) == same).all()


SIZES = [(224, 224), (500, 375), (37, 211), (9, 5), (3, 2)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("grid", [(7, 7), (14, 14), (2, 3)])
def test_a_weight_paints_its_part_of_the_original_picture_and_no_other(size, grid):
    width, height = size
    rows, columns = grid
    total = np.zeros((height, width), int)
    for row in range(rows):
        for column in range(columns):
            weights = np.zeros(rows * columns)
            weights[row * columns + column] = 0.5
            box = cell_box(row, column, grid, size)
            y, x = np.mgrid[:height, :width] + 0.5
            inside = (box.left <= x) & (x < box.right) & (box.top <= y) & (y < box.bottom)
            painted = spread(weights, grid, size)
            assert (painted == 0.5 * inside).all()
            total += painted > 0
            middle = (box.left + box.right) / 2, (box.top + box.bottom) / 2
            assert cell_at(*middle, grid, size) == (row, column)
    assert (total == 1).all()  # every pixel once


def test_geometry_by_hand():
    assert cell_box(1, 2, (7, 7), (700, 350)) == Box(200, 50, 300, 100)
    assert cell_box(13, 0, (14, 14), (140, 28)) == Box(0, 26, 10, 28)
    assert cell_at(199.9, 50, (7, 7), (700, 350)) == (1, 1) and cell_at(200, 49.9, (7, 7), (700, 350)) == (0, 2)
    assert cell_at(700, 350, (7, 7), (700, 350)) == (6, 6) and cell_at(-3, -3, (7, 7), (700, 350)) == (0, 0)


@pytest.mark.parametrize("size", [(500, 300), (300, 500)])
def test_what_lies_in_a_cell_of_the_original_lies_there_for_the_network(size):
    """A white cell in a black picture, squashed: bright in the same cell of the square, dark in the next but one."""
    for row, column in ((0, 0), (2, 5), (6, 3)):
        picture = Image.new("RGB", size)
        box = cell_box(row, column, (7, 7), size)
        picture.paste((255, 255, 255), tuple(round(edge) for edge in box))
        seen = squashed(picture).mean(2).reshape(7, 32, 7, 32).mean((1, 3))
        assert np.unravel_index(seen.argmax(), (7, 7)) == (row, column) and seen[row, column] > 240
        assert np.sort(seen.ravel())[-2] < 12
