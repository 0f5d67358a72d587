"""The encoder compared with the package whose weights it takes, and the shapes of its views."""

import efficientnet_lite_pytorch
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image

import models
from models import checkpoint
from models.captioning import encoder
from models.captioning.encoder import VIEWS, Encoder, folded, published, regions
from models.captioning.images import SIDE, squashed
from tests.models.command_line import call


@pytest.fixture(scope="module")
def flower() -> list:
    return [squashed(Image.fromarray(load_sample_image("flower.jpg")))]


@pytest.fixture(scope="module")
def ours() -> Encoder:
    module = Encoder()
    module.load_state_dict(folded(published()))
    return module.eval()


def test_the_last_map_is_that_of_the_package(flower, ours):
    theirs = efficientnet_lite_pytorch.EfficientNet.from_name("efficientnet-lite0").eval()
    theirs.load_state_dict(published())
    with torch.inference_mode():
        seen = (torch.from_numpy(flower[0].copy()).movedim(-1, 0)[None].float() - 127) / 128
        expected = theirs.extract_features(seen)[0]
    assert expected.shape == (1280, 7, 7) and expected.std() > 0.3
    features = regions(ours, flower, "late")[0]
    torch.testing.assert_close(features, expected.flatten(1).T, atol=2e-4, rtol=1e-4)


def test_views_have_the_right_shapes_and_regions(flower, ours):
    features = {name: regions(ours, flower, name) for name in VIEWS}
    for name, view in VIEWS.items():
        assert features[name].shape == (1, view.grid[0] * view.grid[1], view.channels), name
    both = features["both"][0].view(14, 14, -1)
    assert torch.equal(both[..., :112].flatten(0, 1), features["middle"][0])
    assert torch.equal(both[0, 0, 112:], both[1, 1, 112:]) and not torch.equal(both[0, 0, 112:], both[0, 2, 112:])
    pale = [picture.copy() for picture in flower]
    pale[0][:32, :32] = 255
    for name in ("middle", "enlarged"):
        moved = (regions(ours, pale, name) - features[name])[0].norm(dim=1).view(14, 14)
        assert moved[:2, :2].mean() > 3 * moved[10:, 10:].mean(), name  # row by row from the upper left


def test_the_shipped_encoder_is_the_published_one_at_half_precision(flower, ours):
    loaded = models.load(encoder.NAME, models.FOLDER)
    assert loaded.card["kind"] == "encoder" and loaded.card["data"]["licence"] == "Apache-2.0" and loaded.vocab == ()
    module: Encoder = loaded.module
    shipped, expected = (regions(network, flower, "late") for network in (module, ours))
    assert 0 < (shipped - expected).norm() / expected.norm() < 0.01
    assert (models.FOLDER / f"{encoder.NAME}.safetensors").stat().st_size < 7_000_000


def test_it_is_packed_from_its_package_alone(tmp_path, monkeypatch):
    card = encoder.packed(tmp_path / "x.safetensors")
    theirs = efficientnet_lite_pytorch.EfficientNet.from_name("efficientnet-lite0")
    scales = sum(len(part.weight) for part in theirs.modules() if isinstance(part, torch.nn.BatchNorm2d))  # folded away
    expected = sum(p.numel() for name, p in theirs.named_parameters() if not name.startswith("_fc")) - scales
    assert card["parameters"] == expected and str(SIDE) in card["data"]["input"]
    assert checkpoint.load(tmp_path / "x.safetensors").module.state_dict().keys() == Encoder().state_dict().keys()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(checkpoint.CheckpointError, match="Install requirements-dev"):
        encoder.packed(tmp_path / "y.safetensors")


def test_what_has_no_score_is_listed_with_its_size(capsys):
    assert "\ncaption-encoder: 3,350,000 parameters\n" in call(capsys, "list")[1]
