"""The picture under its mask: a weight at grid cell (r, c) paints that part of the original picture, and no other."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from explorer.figures import image_attention
from explorer.figures.export import to_svg
from explorer.figures.image_attention import DIMMED, HEAT, HEATED, Seen
from models.captioning.images import cell_box, spread, squashed
from tests.explorer.figures.facts import says

LEFT = 89  # of white where nothing was looked at: 35 % of 255
SIZES = [(224, 224), (500, 333), (97, 640), (13, 29)]


def one_cell(row: int, column: int, grid: tuple[int, int], size: tuple[int, int], side: int = 255) -> Seen:
    """A white picture and all weight on one cell."""
    weights = np.zeros((1, grid[0] * grid[1]))
    weights[0, row * grid[1] + column] = 1
    return Seen(np.full((size[1], size[0], 3), side, np.uint8), ("dog",), weights, grid)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", [(0, 0), (3, 5), (6, 6)])
def test_a_weight_paints_its_cell_of_the_original_picture(size, cell):
    shown = image_attention.dimmed(one_cell(*cell, (7, 7), size), 0)
    box = cell_box(*cell, (7, 7), size)
    rows, columns = np.arange(size[1]) + 0.5, np.arange(size[0]) + 0.5
    inside = ((rows >= box.top) & (rows < box.bottom))[:, None] & ((columns >= box.left) & (columns < box.right))[None]
    assert inside.any() and (shown[inside] == 255).all()
    assert (shown[~inside] == LEFT).all()


@pytest.mark.parametrize("size", SIZES)
def test_every_pixel_has_the_weight_of_its_cell(size):
    weights = np.random.default_rng(0).random(14 * 14)
    np.testing.assert_allclose(image_attention.spread(weights, (14, 14), size), spread(weights, (14, 14), size), atol=1e-12)


def test_the_squash_puts_the_painted_part_where_the_network_saw_it():
    shown = image_attention.dimmed(one_cell(2, 4, (7, 7), (980, 420)), 0)
    small = squashed(Image.fromarray(shown))[..., 0]
    assert (small[2 * 32 + 4 : 3 * 32 - 4, 4 * 32 + 4 : 5 * 32 - 4] == 255).all()
    outside = np.ones((224, 224), bool)
    outside[2 * 32 - 4 : 3 * 32 + 4, 4 * 32 - 4 : 5 * 32 + 4] = False
    assert (small[outside] == LEFT).all()


def test_smooth_is_the_weight_at_the_centres_of_cells_and_straight_between():
    weights = np.random.default_rng(0).random(6)
    weight = image_attention.spread(weights, (2, 3), (90, 60), smooth=True)
    table = weights.reshape(2, 3)
    for row, column in ((0, 0), (1, 2), (0, 1)):
        near = weight[row * 30 + 14 : row * 30 + 16, column * 30 + 14 : column * 30 + 16].mean()
        assert near == pytest.approx(table[row, column], abs=0.02)
    middle = weight[14:16, 29:31].mean()  # between the first two cells of the first row
    assert middle == pytest.approx(table[0, :2].mean(), abs=0.02)


def test_the_mask_over_the_picture_is_the_picture_dimmed():
    rng = np.random.default_rng(0)
    seen = Seen(rng.integers(0, 256, (56, 84, 3), np.uint8), ("a", "b"), rng.random((2, 49)), (7, 7))
    for heat in (False, True):
        over = Image.open(io.BytesIO(image_attention.mask(seen, 1, heat=heat)))
        assert over.size == (7, 7) and over.mode == "RGBA"
        over = over.resize((84, 56), Image.Resampling.NEAREST)
        both = Image.alpha_composite(Image.fromarray(seen.picture).convert("RGBA"), over)
        assert np.abs(np.asarray(both)[..., :3].astype(int) - image_attention.dimmed(seen, 1, heat=heat)).max() <= 2


def test_one_scale_for_the_whole_caption():
    white, weights = np.full((8, 8, 3), 255, np.uint8), np.array([[1.0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]])
    seen = Seen(white, ("a", "b"), weights, (2, 2))
    assert (image_attention.dimmed(seen, 1) == round((1 - 0.75 * DIMMED) * 255)).all() and image_attention.dimmed(seen, 0)[0, 0, 0] == 255
    lower = replace(seen, weights=weights - 0.5)  # what is below 0 is dimmed like 0
    assert image_attention.dimmed(lower, 1).min() == image_attention.dimmed(lower, 1).max() == LEFT
    root = replace(seen, root=True)  # sqrt(1/4) = 1/2
    assert (image_attention.dimmed(root, 1) == round((1 - 0.5 * DIMMED) * 255)).all()


def test_a_heat_map_goes_from_dark_to_bright_over_the_whole_picture():
    seen = Seen(np.zeros((2, 2, 3), np.uint8), ("a",), np.array([[0.0, 0.25, 0.5, 1.0]]), (2, 2))
    shown = image_attention.dimmed(seen, 0, heat=True).reshape(4, 3)
    np.testing.assert_allclose(shown, HEATED * np.array([HEAT[0], HEAT[1], HEAT[2], HEAT[4]]), atol=0.5)
    light = shown @ (0.3, 0.6, 0.1)
    assert (np.diff(light) > 0).all()  # it can be read without colours


def test_it_says_where_each_word_looked():
    seen = one_cell(0, 6, (7, 7), (70, 70))
    assert image_attention.in_words(seen) == "Largest value of each word: dog: top right, 1."
    assert [image_attention.where(*at) for at in ((0.5, 0.5), (0.9, 0.1), (1.0, 1.0), (0.1, 0.5))] == [
        "centre", "bottom left", "bottom right", "top",
    ]  # fmt: skip


def test_figures_are_exported_with_their_pictures_and_the_map_with_its_numbers():
    seen = one_cell(1, 2, (2, 3), (120, 60))
    assert to_svg(image_attention.multiples(seen, ["0.90"])).count("data:image/png") == 1
    values = np.array([0.0, 1, -2, 3, 0, 0])
    spec = image_attention.region_map(seen, 0, values, "nats lost").to_dict()
    cells = next(rows for rows in spec["datasets"].values() if "value" in rows[0])
    assert [row["value"] for row in cells] == values.tolist()
    assert (cells[4]["left"], cells[4]["right"], cells[4]["top"], cells[4]["bottom"]) == (40, 80, 30, 60)
    assert says(spec["description"], "2", "1", "2", "3", "3")


def test_a_strip_is_drawn_wide_enough_to_be_pressed_and_other_pictures_keep_their_shape():
    sizes = {
        size: image_attention.fitted(np.zeros((size[1], size[0], 3), np.uint8)).shape[1::-1] for size in ((1, 5000), (600, 60), (13, 29))
    }
    assert sizes == {(1, 5000): (112, 448), (600, 60): (448, 112), (13, 29): (13, 29)}
    assert image_attention.fitted(np.zeros((1000, 500, 3), np.uint8)).shape == (448, 224, 3)
