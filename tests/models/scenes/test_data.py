"""Drawn scenes: reproducible, with true captions and things inside their boxes; the pointing game by hand."""

import math
from collections import Counter

import numpy as np
import pytest

from models.captioning.images import Box
from models.scenes import data
from models.scenes.data import COLOURS, DEV, GROUNDS, SHAPES, SIZES, Scene, Thing, captions, picture, scene
from models.scenes.pointing_game import GroundedCaption, game, hit

MANY = [scene(index) for index in range(300)]


def test_the_same_index_gives_the_same_scene():
    assert scene(5) == scene(5) != scene(6) and scene(DEV) != scene(0)
    assert (np.asarray(picture(scene(5))) == np.asarray(picture(scene(5)))).all()
    assert picture(scene(5)).size == (224, 224) and picture(scene(5), 64).size == (64, 64)


def test_things_are_small_apart_inside_and_everywhere():
    thirds, sizes = [], Counter()
    for sample in MANY:
        names = [thing.name for thing in sample.things]
        assert len(set(names)) == len(names) in (2, 3)
        for thing in sample.things:
            box = thing.box(1)
            assert (box.right - box.left) * (box.bottom - box.top) <= 1 / 9 + 1e-9 and thing.side >= 1 / 14
            assert box.left >= -1e-9 and box.top >= -1e-9 and box.right <= 1 + 1e-9 and box.bottom <= 1 + 1e-9
            assert SIZES[thing.size][0] <= thing.side <= SIZES[thing.size][1]
            thirds.append((int(thing.x * 3), int(thing.y * 3)))
            sizes[thing.size] += 1
        for one in sample.things:
            for other in sample.things:
                a, b = one.box(1), other.box(1)
                assert one is other or a.right < b.left or b.right < a.left or a.bottom < b.top or b.bottom < a.top
    assert min(Counter(thirds).values()) > 30 and len(set(thirds)) == 9 and min(sizes.values()) > 150
    assert {thing.shape for sample in MANY for thing in sample.things} == set(SHAPES)
    assert {thing.colour for sample in MANY for thing in sample.things} == set(COLOURS)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_thing_is_drawn_in_its_box_and_fills_it(shape: str):
    for side in (0.12, 0.3):
        thing = Thing(shape, "red", 0.4, 0.6, side)
        pixels = np.asarray(picture(Scene(GROUNDS[0], (thing,)), is_flat=True)).astype(int)
        painted = np.abs(pixels - GROUNDS[0]).sum(2) > 60
        rows, columns = np.flatnonzero(painted.any(1)), np.flatnonzero(painted.any(0))
        box = thing.box()
        assert abs(rows[0] - box.top) < 2.5 and abs(columns[0] - box.left) < 4 and abs(columns[-1] + 1 - box.right) < 4
        assert rows[-1] + 1 < box.bottom + 2 and rows[-1] + 1 > box.bottom - 0.12 * (box.bottom - box.top) - 2
        assert np.abs(pixels[painted].mean(0) - COLOURS["red"]).max() < 30


@pytest.mark.parametrize("ground", GROUNDS)
def test_light_shadow_and_landscape_leave_a_thing_where_and_what_it_is(ground):
    thing, empty = Thing("square", "red", 0.4, 0.45, 0.3), np.asarray(picture(Scene(ground, ()))).astype(int)
    pixels, box = np.asarray(picture(Scene(ground, (thing,)))).astype(int), thing.box()
    rows, columns = (slice(math.ceil(start) + 1, math.floor(stop) - 1) for start, stop in ((box.top, box.bottom), (box.left, box.right)))
    inside = pixels[rows, columns]
    assert np.abs(inside.mean((0, 1)) - COLOURS["red"]).max() < 30 and inside[0, 0].sum() > inside[-1, -1].sum() + 60  # lit from upper left
    changed = pixels - empty
    changed[math.floor(box.top) : math.ceil(box.bottom), math.floor(box.left) : math.ceil(box.right)] = 0
    assert changed.max() <= 1 and changed.sum() < 0  # outside only a shadow, which is darker
    assert np.abs(changed[: math.floor(box.top) - 15]).max() == 0 and len(np.unique(empty[:, 0].sum(1))) > 20  # no flat ground


def test_every_caption_by_hand():
    red, blue = Thing("circle", "red", 0.2, 0.5, 0.2), Thing("star", "orange", 0.8, 0.55, 0.2)
    all_four = captions(Scene((0, 0, 0), (red, blue)))
    assert [caption.text for caption in all_four] == [
        "a red circle left of an orange star",
        "an orange star right of a red circle",
        "a red circle at the left",
        "an orange star at the right",
    ]
    assert all_four[0].things == (None, 0, 0, None, None, None, 1, 1) and all_four[3].things == (None, 1, 1, None, None, None)
    below = captions(Scene((0, 0, 0), (red, Thing("ring", "blue", 0.25, 0.9, 0.15))))
    assert [caption.text for caption in below][:2] == ["a red circle above a blue ring", "a blue ring below a red circle"]
    centre = captions(Scene((0, 0, 0), (Thing("ring", "blue", 0.5, 0.5, 0.15), Thing("ring", "red", 0.5, 0.1, 0.15))))
    assert {caption.text for caption in centre} >= {"a blue ring at the centre", "a red ring at the top"}


def test_captions_are_true_of_their_scenes():
    for sample in MANY[:100]:
        for caption in captions(sample):
            indices = [index for index in caption.things if index is not None]
            assert len(caption.words) == len(caption.things) and len(indices) in (2, 4)
            one = sample.things[indices[0]]
            assert caption.words[1:3] == (one.colour, one.shape) and caption.words[0] == ("an" if one.colour == "orange" else "a")
            if len(indices) == 4:
                other = sample.things[indices[2]]
                true = {"left": one.x < other.x, "right": one.x > other.x, "above": one.y < other.y, "below": one.y > other.y}
                assert true[caption.words[3]]


def peak(cell: int) -> np.ndarray:
    weights = np.full(49, 0.01)
    weights[cell] = 0.52
    return weights


def test_a_hit_is_a_cells_centre_in_the_box():
    assert hit(peak(0), Box(0, 0, 20, 20), 224) and hit(peak(48), Box(200, 200, 224, 224), 224)
    assert not hit(peak(0), Box(17, 0, 40, 40), 224)  # the cell is 0..32, its centre 16
    assert hit(peak(8), Box(40, 40, 60, 60), 224) and not hit(peak(9), Box(40, 40, 60, 60), 224)  # row by row


def test_the_pointing_game_by_hand():
    left, right = Box(0, 96, 64, 128), Box(160, 96, 224, 128)
    dark = np.zeros((224, 224, 3), np.uint8)
    dark[100:120, 170:215] = 255  # the right thing is bright
    words = ("a", "red", "ring", "left", "of", "a", "blue", "ring")
    boxes = (None, left, left, None, None, None, right, right)
    sizes = ("", "small", "small", "", "", "", "large", "large")
    # red ring: attended at its own position (row 3, column 1); blue ring: at the position of the left one
    rows = [peak(0), peak(0), peak(22), peak(27), peak(0), peak(0), peak(0), peak(22)]
    one = GroundedCaption(words, np.stack(rows), boxes, sizes, dark)
    other = GroundedCaption(("a", "ring"), np.stack([peak(0), peak(27)]), (None, None), ("", ""), dark)
    scores = game([one, other])
    assert list(scores) == ["all", "large", "small"] and scores["all"]["n"] == 2 and scores["all"]["attention"] == 0.5
    assert scores["small"] == {
        "n": 1, "attention": 1.0, "centre": 0.0, "brightest": 0.0, "another_word": pytest.approx(1 / 6), "another_picture": 0.0
    }  # fmt: skip
    assert scores["large"] == {
        "n": 1, "attention": 0.0, "centre": 0.0, "brightest": 1.0, "another_word": pytest.approx(1 / 6), "another_picture": 1.0
    }  # fmt: skip
    middle = GroundedCaption(("x", "ring"), np.stack([peak(0), peak(24)]), (None, Box(100, 100, 124, 124)), ("", "small"), dark)
    assert game([middle])["all"] == {
        "n": 1, "attention": 1.0, "centre": 1.0, "brightest": 0.0, "another_word": 0.0, "another_picture": None
    }  # fmt: skip
    assert game([other])["all"]["attention"] is None


def test_a_random_map_hits_in_proportion_to_the_area():
    """Without this the baselines would mean nothing: random maps hit in proportion to the area of the boxes."""
    drawn = np.random.default_rng(0)
    grounded, area = [], []
    for index in range(200):
        thing = scene(index).things[0]
        area.append(thing.side**2)
        box = thing.box()
        grounded.append(GroundedCaption(("x",), drawn.random((1, 196)), (box,), (thing.size,), np.zeros((224, 224, 3), np.uint8)))
    assert game(grounded)["all"]["attention"] == pytest.approx(np.mean(area), abs=0.04)


def test_the_last_scene_of_a_training_is_no_dev_scene():
    from models.scenes import FAMILY
    from models.scenes.training import UPDATES

    firsts = [stage["seed"] for about in FAMILY.recipes.values() for stage in (about["recipe"], about["then"])]
    assert len(firsts) == len(set(firsts))  # no stage sees the scenes of another
    for about in FAMILY.recipes.values():
        for stage in (about["recipe"], about["then"]):
            assert (stage["seed"] * 10_000 + 9_999) * UPDATES * stage["batch"] < data.DEV
