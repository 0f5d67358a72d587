"""The numbers of the page of captions agree with the library, and change only where something is hidden."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.captioning import caption, images, occlusion
from models.captioning.occlusion import CANNOT_TELL, WOULD, WOULD_NOT
from models.decoding import Search
from models.scenes import data
from models.vocabulary.subwords import END, PAD, START
from pages._captions import compute, gallery
from pages._captions.compute import View
from pages._ui import networks
from tests.models.captioning.tiny_captions import save_tiny_captioner, save_tiny_scenes
from tests.pages.captions_page import run_of, without

SCENE = View("scenes-soft", "scene:3")


pytestmark = pytest.mark.usefixtures("opened")


def save_networks(folder: Path) -> None:
    """Tiny captioners of photos and of scenes."""
    save_tiny_captioner(folder / "caption-soft.safetensors")
    for attention in ("soft", "none"):
        save_tiny_scenes(folder / f"scenes-{attention}.safetensors", attention=attention)


def looked(view: View) -> tuple:
    """Network and features, without the page."""
    loaded = networks.loaded(view.model)
    return loaded, caption.feature_extractor(loaded)([gallery.seen(view.picture)])[0]


def pixels(view: View) -> np.ndarray:
    """What the network sees, hidden regions filled."""
    return occlusion.filled(gallery.seen(view.picture), view.hidden, (14, 14), view.fill)


@pytest.mark.parametrize("view", [SCENE, View("scenes-none", "scene:3"), View("caption-soft", "photo:temple", width=1)])
def test_a_caption_is_what_the_library_writes(view: View):
    loaded, features = looked(view)
    wanted = caption.describe(loaded.module, loaded.vocab, features, Search(width=view.width, longest=caption.LONGEST))
    best, run = wanted.hypotheses[0], run_of(view)
    assert run.text == wanted.text and run.hypothesis.tokens == best.tokens
    assert [name for name in run.words if name != "</s>"] == wanted.text.split()
    np.testing.assert_allclose(run.visual, caption.visual(loaded.module, features, best.tokens), atol=1e-6)
    lost = caption.occlusion_importance(loaded.module, features, best.tokens, hidden=occlusion.squares(run.grid))
    np.testing.assert_allclose(run.needed, lost, atol=1e-6)
    if best.attention is None:
        assert run.alignment is None and run.gates is None
    else:
        assert run.alignment is not None and run.alignment.grid == run.grid == (14, 14)
        np.testing.assert_allclose(run.alignment.weights, best.attention, atol=1e-6)
    name, p = run.likely(0)[0]
    assert p == pytest.approx(np.exp(best.top_log_probabilities[0, 0])) and name == loaded.vocab.tokens[best.top[0, 0]]


def test_hiding_a_place_works_out_again_only_what_changes():
    network, reports = networks.loaded(SCENE.model), []
    report = lambda *progress: reports.append(progress)  # noqa: E731
    view = SCENE.of(picture="scene:4")  # that no other test asks for
    views = [view, view.of(hidden=(20,)), view.of(hidden=(20,), fill="blur"), view.of(hidden=(21,))]
    whole, *hidden = (compute.run(view, compute.picture_input(view, network), report) for view in views)
    assert reports == [(0, 196), (50, 196), (100, 196), (150, 196), (196, 196)] and whole.without is None
    assert all(run.needed is whole.needed and run.hypothesis is whole.hypothesis for run in hidden)
    assert len({run.without.change.tobytes() for run in hidden}) == 3
    greedy = compute.run(view.of(width=1), compute.picture_input(view, network), report)
    assert len(reports) == 10 and len(greedy.hypotheses) == 1


def test_hiding_nothing_changes_nothing():
    assert (pixels(SCENE) == np.asarray(data.picture(data.scene(3)))).all()
    hidden = without(SCENE)
    np.testing.assert_allclose(hidden.change, 0, atol=1e-6)
    assert hidden.pixels == hidden.mean == run_of(SCENE).text and set(hidden.says) == {WOULD}


@pytest.mark.parametrize("fill", occlusion.FILLS)
def test_hidden_pixels_are_those_of_the_cell_and_no_other(fill: str):
    before, after = pixels(SCENE), pixels(SCENE.of(hidden=(5 * 14 + 8,), fill=fill))
    left, top, right, bottom = map(int, images.cell_box(5, 8, (14, 14), (224, 224)))
    assert (right - left, bottom - top) == (16, 16)
    outside = np.ones((224, 224), bool)
    outside[top:bottom, left:right] = False
    assert (before[outside] == after[outside]).all()
    assert fill == "blur" or (after[top:bottom, left:right] == occlusion.GREY).all()
    everything = pixels(SCENE.of(hidden=tuple(range(196)), fill=fill)).astype(int)
    assert fill == "grey" or 0 < np.abs(np.diff(everything, axis=0)).max() < np.abs(np.diff(before.astype(int), axis=0)).max()


def test_what_the_original_words_cost_without_a_place():
    view = SCENE.of(hidden=(20, 21, 34, 35))
    loaded, features = looked(view)
    tokens = run_of(SCENE).hypothesis.tokens
    grey = np.array(gallery.seen(view.picture))
    grey[16:48, 96:128] = occlusion.GREY  # rows 1 and 2, columns 6 and 7
    mean = features.clone()
    mean[[20, 21, 34, 35]] = loaded.module.average[[20, 21, 34, 35]]
    variants = torch.stack([features, caption.feature_extractor(loaded)([grey])[0], mean])
    read = torch.tensor([[START, *tokens[:-1]]] * 3)
    costs = loaded.module(variants, read).log_softmax(-1)[:, range(len(tokens)), list(tokens)]
    hidden = without(view)
    np.testing.assert_allclose(hidden.change, (costs[1:] - costs[0]).numpy(), atol=1e-5)
    assert np.abs(hidden.change).max() > 0.003
    assert hidden.mean == caption.describe(loaded.module, loaded.vocab, mean).text
    assert hidden.pixels == caption.describe(loaded.module, loaded.vocab, variants[1]).text


def test_a_verdict_needs_both_ways_of_hiding_to_agree():
    change = np.array([[-0.70, -0.70, 0.5, -0.1], [-2.0, -0.69, -1.0, 0.2]])
    assert occlusion.says(change) == (WOULD_NOT, CANNOT_TELL, CANNOT_TELL, WOULD)


def test_samples_are_drawn_from_what_the_network_expects():
    loaded, features = looked(SCENE)
    greedy = caption.describe(loaded.module, loaded.vocab, features, Search(longest=caption.LONGEST))
    assert compute.samples(SCENE, networks.loaded(SCENE.model), 0.0, 2)[1].tokens == greedy.hypotheses[0].tokens
    drawn = compute.samples(SCENE, networks.loaded(SCENE.model), 1.0, 5)
    again = caption.samples(loaded.module, features, 1.0, 5)
    assert [sample.tokens for sample in drawn] == [sample.tokens for sample in again] and len({sample.tokens for sample in drawn}) > 1
    for sample in drawn:
        wanted = caption.log_probabilities(loaded.module, features[None], sample.tokens)[0]
        np.testing.assert_allclose(sample.log_probabilities, wanted, atol=1e-5)
        assert not {PAD, START} & set(sample.tokens) and END not in sample.tokens[:-1]


def test_a_picture_of_ones_own_is_seen_as_the_command_line_sees_it(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (300, 2_000, 3), np.uint8)).save(tmp_path / "wide.png")
    name = gallery.keep("wide.png", (tmp_path / "wide.png").read_bytes())
    assert (gallery.seen(name) == images.squashed(images.opened(tmp_path / "wide.png"))).all()
    assert gallery.picture(name).size == (1_024, 154) and gallery.exists(name)


@pytest.mark.parametrize(
    "name", ["", "scene:", "scene:x", "scene:-1", "scene:²", "photo:unicorn", "own:00", "/etc/passwd", "scene:1" + "0" * 20]
)
def test_an_unknown_name_gets_a_sentence(name: str):
    assert not gallery.exists(name)
    with pytest.raises(images.PictureError, match="There is no picture"):
        gallery.picture(name)
