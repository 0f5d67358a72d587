"""Pictures of other formats than JPEG, PNG and WebP: what Pillow reads opens, in a process that may fail."""

import base64
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from models.captioning import decoder
from models.captioning.images import PictureError, opened
from tests.models.captioning.test_images import BLUE, RED, decoded_here, halves, near, written

# Red above, blue below, 60 x 40, as pillow-heif writes it.
HEIC = base64.b85decode(
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0004fZDn*}000000000XXk=`10000000000aA{+700000000000000000000B57=IV*mgE07O6l0RRC200001p#T"
    "8@00000002Ay001LtX>Mi!000000RR916=`l}WdZ;I000310BCk&F#rGn01j|zbZr0t000010002}X>f9I0002pX>en20001XXm(>m0RwOV0058x000009`FGC{r"
    "LC*01pFT0096PKmiN^|NjGU00093kN^M!000939=ZZRVE_RDDnbDP18@KU0|1Z!00RI30{|YNAb|yz>g1-mxCm%4AOHXZ10VnZ0{|gn00967L;=Bbz=;3=025<xY"
    ";ta6Y<K_x01W^JfB*mh6lrsCWdHyG00000KmY&$KmY&$C}V74Z~y=RJOBUy0RR91C;$Ke0ssI1`~Uy|0{{R2=l}o!0ssI25O8UDX#fBK00RgJ2mk;87-?{AVE_OC"
    "000000RRC7fdT^sga7~lL~UeYbN~PVI4A+H6M%O-iJSk;6o2g|cy~3hgFo5+Xnwn&kuFBuRkSnDe*yx5@5bwxIi+GbR?v!HOVFxcH~"
)
FORMS = ("AVIF", "BMP", "DDS", "DIB", "GIF", "JPEG2000", "PCX", "PPM", "QOI", "SGI", "TGA", "TIFF")


def are_halves(picture: Image.Image) -> bool:
    return picture.size == (60, 40) and near(picture.getpixel((30, 5)), RED) and near(picture.getpixel((30, 35)), BLUE)


@pytest.mark.parametrize("form", FORMS)
def test_every_format_opens(form: str):
    assert are_halves(decoded_here(written(halves(), form)))


def test_a_photograph_of_a_phone_and_the_first_frame_of_an_animation_open_in_another_process(tmp_path):
    animated = written(halves(), "GIF", save_all=True, append_images=[Image.new("RGB", (60, 40))])
    (tmp_path / "animated.gif").write_bytes(animated)
    assert are_halves(opened(HEIC, "phone.heic")) and are_halves(opened(tmp_path / "animated.gif"))


def test_numbers_and_colours_that_pillow_would_clip_are_scaled():
    for top, value in ((1.0, 77 / 255), (255.0, 77), (65_535.0, 77 * 257)):
        values = np.full((4, 4), value, np.float32)
        values[0, 0] = top
        assert decoded_here(written(Image.fromarray(values), "TIFF")).getpixel((3, 3)) == (77, 77, 77)
    assert near(decoded_here(written(Image.new("LAB", (4, 4), (136, 208, 195)), "TIFF")).getpixel((0, 0)), RED)  # 53 %, a 80, b 67
    assert decoded_here(written(Image.new("1", (4, 4), 1), "TIFF")).getpixel((0, 0)) == (255, 255, 255)


REFUSED = {
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n", "x is not a readable picture"),
    "text": (b"not a picture at all" * 9, "x is not a readable picture, or is truncated. Expected a picture, such as a JPEG"),
    "cut": (written(halves(), "TIFF")[:2_000], "x is "),
    "cut HEIC": (HEIC[:300], "x is not a readable picture, or is truncated"),
    "large": (written(Image.new("1", (8_200, 5_000)), "TIFF", compression="group4"), "x has 8,200 x 5,000 pixels; expected at most 40"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_gets_a_sentence(name: str):
    content, sentence = REFUSED[name]
    with pytest.raises(PictureError, match=f"^{sentence}"):
        decoded_here(content)


def test_without_the_package_for_it_a_heic_picture_gets_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    with pytest.raises(
        PictureError, match=r"x is a HEIC picture, which needs the package pi-heif\. Install it, or save the picture as JPEG"
    ):
        decoded_here(HEIC)


def test_a_decoder_that_fails_or_takes_too_long_gets_a_sentence(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(PictureError, match=r"The decoder of x failed\. Save it as JPEG or PNG"):
        opened(HEIC, "x")
    monkeypatch.undo()
    monkeypatch.setattr(decoder, "SECONDS", 0.01)
    with pytest.raises(PictureError, match=r"x takes more than 0\.01 seconds to decode\. Save it as JPEG or PNG"):
        opened(HEIC, "x")


def test_too_little_memory_is_not_called_damage(monkeypatch):
    def load(picture):
        raise MemoryError

    monkeypatch.setattr(Image.Image, "load", load)
    with pytest.raises(PictureError, match="x needs more memory than is free"):
        decoder.loaded(Image.new("RGB", (2, 2)), "x")


def test_the_process_limits_its_memory():
    program = "from models.captioning import decoder; import resource; decoder._limit(); print(*resource.getrlimit(resource.RLIMIT_AS))"
    done = subprocess.run([sys.executable, "-c", program], cwd=decoder.HOME, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(decoder.MEMORY)] * 2
