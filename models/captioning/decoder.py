"""Decoding of picture files: JPEG, PNG and WebP here, the many other formats that Pillow reads, and HEIC, in a process of their own.

Their decoders are large and rarely used. A file made to harm one of them ends that process, which has little memory and time.
"""

import io
import os
import struct
import subprocess
import sys
import warnings
from contextlib import suppress
from threading import BoundedSemaphore

import numpy as np
from PIL import Image, ImageCms, ImageOps

from explorer.errors import ExplorerError
from models.family import HOME
from models.files import is_out_of_memory

EXPECTED = "Expected a picture, such as a JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF or BMP file"
LARGEST_PIXELS = 40_000_000

# EPS starts Ghostscript, IPTC writes files, and of the rest Pillow knows the name alone.
UNREAD = {"EPS", "IPTC", "WMF", "BUFR", "GRIB", "HDF5", "MPEG"}
HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}  # brands of its files
SECONDS = 20  # maximum duration
MEMORY = 2_000_000_000  # maximum bytes, where the system can limit them
SIZE = struct.Struct("<II")  # width and height, before the pixels
_TURNS = BoundedSemaphore(2)  # processes at once


# Pillow warns from 90 megapixels; larger pictures are refused below with an error sentence.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


class PictureError(ExplorerError):
    """The file is not a picture, or is refused."""


def identified(content: bytes, name: str, formats: list[str] | tuple[str, ...]) -> Image.Image | None:
    """A picture of one of some formats, whose size is read and nothing else; None if it is of none of them.

    Raises:
        PictureError: it has too many pixels.
    """
    try:
        picture = Image.open(io.BytesIO(content), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(_too_large(name)) from None
    except Exception:  # Pillow raises a dozen kinds of errors for files that are not pictures
        return None
    if picture.width * picture.height > LARGEST_PIXELS:
        raise PictureError(_too_large(name, (picture.width, picture.height)))
    return picture


def loaded(picture: Image.Image, name: str) -> Image.Image:
    """The pixels of a picture in RGB.

    Raises:
        PictureError: it is truncated or damaged, or there is too little memory for it.
    """
    try:
        picture.load()
        return _plain(ImageOps.exif_transpose(picture))
    except Exception as error:  # a damaged picture raises a dozen kinds of errors too
        if is_out_of_memory(error):
            raise PictureError(f"{name} needs more memory than is free. Expected a smaller picture: save it with fewer pixels.") from None
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise PictureError(f"{name} is truncated or damaged ({reason}). Expected a whole file: copy it again.") from None


def _too_large(name: str, size: tuple[int, int] | None = None) -> str:
    got = f"{size[0]:,} x {size[1]:,}" if size else "far too many"
    return f"{name} has {got} pixels; expected at most {LARGEST_PIXELS // 10**6} megapixels. Save it with fewer."


def _plain(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits per pixel, which Pillow would clip at 255
        picture = Image.fromarray((np.asarray(picture).astype(np.int64).clip(0, 65_535) >> 8).astype(np.uint8))
    if picture.mode == "F":  # numbers in a range of their own, which Pillow would clip too
        values = np.nan_to_num(np.asarray(picture)).clip(0)
        top = next((top for top in (1, 255, 65_535) if values.max() <= top), values.max())
        picture = Image.fromarray((values * (255 / top)).round().astype(np.uint8))
    if picture.mode == "LAB":
        lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        picture = ImageCms.profileToProfile(picture, lab, rgb, outputMode="RGB") or picture
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        picture = Image.new("RGBA", picture.size, "white")
        picture.alpha_composite(clear)
    return picture.convert("RGB")


def decoded(content: bytes, name: str) -> Image.Image:
    """A picture in RGB, as `models.captioning.images.opened` returns it.

    Raises:
        PictureError: it is not a picture, too large, truncated or damaged, or its decoder failed.
    """
    command = [sys.executable, "-m", "models.captioning.decoder", name]
    about = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    try:
        with _TURNS:
            done = subprocess.run(command, input=content, capture_output=True, cwd=HOME, env=about, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise PictureError(f"{name} takes more than {SECONDS} seconds to decode. Save it as JPEG or PNG.") from None
    kind, rest = done.stdout[:1], done.stdout[1:]
    if kind == b"P":
        return Image.frombytes("RGB", SIZE.unpack(rest[: SIZE.size]), rest[SIZE.size :])
    raise PictureError(rest.decode() if kind == b"E" else f"The decoder of {name} failed. Save it as JPEG or PNG.")


def answer(name: str, content: bytes) -> bytes:
    """What the process writes: P, the size and the pixels; or E and a sentence."""
    Image.init()
    has_heic = _add_heic()
    try:
        picture = identified(content, name, [form for form in Image.OPEN if form not in UNREAD])
        if picture is None and content[4:8] == b"ftyp" and content[8:12] in HEIC and not has_heic:
            raise PictureError(f"{name} is a HEIC picture, which needs the package pi-heif. Install it, or save the picture as JPEG.")
        if picture is None:
            raise PictureError(f"{name} is not a readable picture, or is truncated. {EXPECTED}.")
        picture = loaded(picture, name)
    except PictureError as error:
        return b"E" + str(error).encode()
    return b"P" + SIZE.pack(*picture.size) + picture.tobytes()


def _add_heic() -> bool:
    """Makes Pillow read HEIC, if the package for it is installed."""
    try:
        from pi_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


def _limit() -> None:
    """Limits memory and time of this process."""
    with suppress(ImportError, OSError, ValueError):  # not on every system
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    _limit()
    sys.stdout.buffer.write(answer(sys.argv[1], sys.stdin.buffer.read()))
