"""One call on a caption gives the same as its single measurements."""

import numpy as np

from models.captioning import caption, occlusion
from models.captioning.experiments.captions import PictureInput, caption_with_regions, region_names, run_of, taken_apart
from models.scenes import data
from tests.models.captioning.tiny_captions import tiny_scenes


def test_one_call_gives_what_each_measurement_gives():
    loaded, picture, hidden = tiny_scenes(), np.asarray(data.picture(data.scene(3))), (20, 21)
    run = caption_with_regions(loaded, picture, hidden, "blur")
    features = caption.feature_extractor(loaded)([picture])[0]
    best = caption.describe(loaded.module, loaded.vocab, features)
    assert run.text == best.text and [one.tokens for one in run.hypotheses] == [one.tokens for one in best.hypotheses]
    assert run.grid == (14, 14) and run.alignment is not None and run.alignment.target == run.words
    tokens = best.hypotheses[0].tokens
    np.testing.assert_array_equal(run.visual, caption.visual(loaded.module, features, tokens))
    np.testing.assert_array_equal(
        run.needed, caption.occlusion_importance(loaded.module, features, tokens, hidden=occlusion.squares(run.grid))
    )
    other = caption.feature_extractor(loaded)([occlusion.filled(picture, hidden, (14, 14), "blur")])[0]
    expected = occlusion.without(loaded, features, other, hidden, caption.BEAM, tokens)
    np.testing.assert_array_equal(run.without.change, expected.change)
    assert run.without.says == expected.says and np.abs(expected.change).max() > 0


def test_what_the_words_need_is_worked_out_once_whatever_is_hidden():
    loaded, picture, pictures, reports = tiny_scenes(), np.asarray(data.picture(data.scene(3))), [], []
    see = caption.feature_extractor(loaded)
    source = PictureInput(loaded, lambda seen: pictures.append(seen[0]) or see(seen), picture)
    whole = taken_apart(source, None, "grey", 3, None)
    assert whole.needed is None and whole.without is None and len(pictures) == 1
    first, second, again = (
        taken_apart(source, hidden, "grey", 3, lambda *progress: reports.append(progress)) for hidden in ((20, 21), (40,), (20, 21))
    )
    assert reports == [(0, 196), (50, 196), (100, 196), (150, 196), (196, 196)]
    assert first.needed is second.needed is not None and first.hypothesis is whole.hypothesis
    assert again.without is first.without and not np.array_equal(first.without.change, second.without.change)
    assert len(pictures) == 3 and pictures[0] is picture
    np.testing.assert_array_equal(pictures[2], occlusion.filled(picture, (40,), (14, 14)))


def test_any_other_caption_is_described_without_occlusion():
    loaded, picture = tiny_scenes(), np.asarray(data.picture(data.scene(3)))
    features = caption.feature_extractor(loaded)([picture])[0]
    second = caption.describe(loaded.module, loaded.vocab, features).hypotheses[1]
    run = run_of(loaded, features, second)
    assert run.hypothesis is second and run.needed is None and run.without is None
    word, p = run.likely(0)[0]
    assert word == loaded.vocab.tokens[second.top[0, 0]] and 0 < p <= 1


def test_regions_are_named_row_by_row():
    assert region_names((2, 2)) == ("row 1, column 1", "row 1, column 2", "row 2, column 1", "row 2, column 2")
