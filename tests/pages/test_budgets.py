"""What a link or a file may cost: work is bounded before it begins, whatever its few letters unpack to."""

import pytest

from models.char_lm.reading import Stream
from models.translation import translate as translating
from pages._attention import compute as attention
from pages._captions import mistakes
from pages._confusions import compute as names
from pages._hidden_states import compute as hidden
from pages._ui import networks, progress
from pages._ui.link import packed
from pages._ui.pool import Cost, Pool
from tests.models.captioning.tiny_captions import save_tiny_scenes
from tests.models.tiny import save_tiny
from tests.pages.app import open_page, sound
from tests.pages.attention_page import matrix_of, translators
from tests.pages.attention_page import open_page as open_attention
from tests.pages.confusions_page import save_classifiers

EMOJI = "😀" * 2_000  # 8,000 subwords
MOST = 1_000  # subwords that a link may have translated


class Counted(Pool):
    """A pool that keeps the costs of the jobs that entered it."""

    def __init__(self):
        super().__init__()
        self.costs: list[Cost] = []

    def enter(self, job):
        self.costs.append(job.cost)
        super().enter(job)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    pool = Counted()
    monkeypatch.setattr(progress, "pool", lambda: pool)
    return pool


@pytest.fixture
def tiny_translators(monkeypatch, tmp_path):
    yield from translators(monkeypatch, tmp_path)


@pytest.mark.parametrize("panel", ["", "Step through", "Replace a word", "Beam", "Compare"])
def test_a_translation_is_limited_by_subwords_and_a_long_one_takes_its_turn(panel, tiny_translators, counted, monkeypatch):
    lengths, encoded = [], translating.encoded
    monkeypatch.setattr(translating, "encoded", lambda module, sources: lengths.extend(map(len, sources)) or encoded(module, sources))
    page = sound(open_attention(text=packed(EMOJI), units="pieces", panel=panel))
    assert max(lengths) <= MOST
    assert matrix_of(page).shape[1] <= MOST
    assert any("Only the first" in caption.value for caption in page.caption)
    assert len(counted.costs) == 1 + (panel == "Beam")
    sound(page.run())
    assert len(counted.costs) == 1 + (panel == "Beam"), "what is known already waits for nobody"


def test_a_short_sentence_never_enters_the_pool(tiny_translators, counted):
    sound(open_attention(text=packed("the red cat sees two dog."), panel="Beam"))
    assert not counted.costs


def test_a_reference_translation_is_limited_by_subwords_too(tiny_translators, monkeypatch):
    page = sound(open_attention(text=packed("the red cat"), panel="Step through"))
    (field,) = [box for box in page.text_input if box.label == "Reference translation"]
    fed, forced = [], attention.forced
    monkeypatch.setattr(attention, "forced", lambda view, tokens: fed.append(len(tokens)) or forced(view, tokens))
    sound(field.set_value(EMOJI).run())
    assert max(fed) <= MOST


LONG = "[[abc]] dead fed\n" * 5_883  # 100,000 characters in a link of 400 letters


@pytest.mark.parametrize("panel", ["", "Find a unit", "This unit", "Compare"])
def test_a_long_text_is_read_no_further_than_it_is_shown_and_takes_its_turn(panel, folder, counted, monkeypatch):
    for name in ("wiki-lstm", "wiki-gru"):
        save_tiny(folder / f"{name}.safetensors", cell=name[5:])
    most, read = [], Stream.read
    monkeypatch.setattr(Stream, "read", lambda self, ids: most.append(len(ids)) or read(self, ids))
    query = {"text": packed(LONG), "panel": panel, "unit.silence": "true"}
    sound(open_page("hidden_states", **query))
    passes = 1 if panel == "" else 2
    assert len(packed(LONG)) < 500 and sum(most) <= passes * (hidden.WINDOW + 200)
    assert len(counted.costs) == passes


def test_the_next_part_of_a_long_text_goes_on_where_the_part_before_ended(folder, monkeypatch):
    save_tiny(folder / "wiki-lstm.safetensors")
    first, second = (hidden.View("wiki-lstm", LONG, "abc", part=part) for part in (0, 1))
    loaded, most = networks.loaded("wiki-lstm"), []
    hidden.recorded(first, loaded)
    read = Stream.read
    monkeypatch.setattr(Stream, "read", lambda self, ids: most.append(len(ids)) or read(self, ids))
    assert hidden.recorded(second, loaded).start == hidden.WINDOW and sum(most) == hidden.WINDOW


def test_many_names_take_their_turn_and_a_few_do_not(folder, counted, monkeypatch):
    save_classifiers(folder)
    monkeypatch.setattr(names, "LIGHT", 3)
    few, many = ("\n".join(f"Pappas{'abcdefgh'[n]},Greek" for n in range(count)) for count in (3, 4))
    page = open_page("confusions", panel="Your own names")
    before = len(counted.costs)
    for text, costs in ((few, 0), (many, 1), (many, 1)):
        page.text_area(key="confusions.own.paste").set_value(text)
        page = sound(page.button(key="FormSubmitter:confusions.own.form-Classify these").click().run())
        assert len(counted.costs) - before == costs, text


def test_an_occlusion_map_and_the_captions_of_many_scenes_take_their_turn_once(folder, counted, monkeypatch):
    save_tiny_scenes(folder / "scenes-soft.safetensors")
    monkeypatch.setattr(mistakes, "CAPTIONED", 2)
    page = sound(open_page("captions"))
    assert len(counted.costs) == 1
    page.button_group(key="captions.panel").set_value("When it is wrong").run()
    assert len(counted.costs) == 2
    sound(page.run())
    assert len(counted.costs) == 2


def test_a_long_text_is_continued_in_turn(folder, counted):
    save_tiny(folder / "wiki-lstm.safetensors")
    for text, costs in (("abc fed ", 0), (LONG[:3_000], 2)):  # the long text itself is read in turn too
        page = sound(open_page("hidden_states", text=packed(text), panel="Generate", **{"generate.length": "10"}))
        page = sound(page.button(key="hidden_states.generate.start").click().run())
        assert page.code[0].value and len(counted.costs) == costs
