"""What a link or a file may cost: work is bounded before it begins, whatever its few letters unpack to."""

import pytest

from models.translation import translate as translating
from pages._attention import compute as attention
from pages._ui import progress
from pages._ui.link import packed
from pages._ui.pool import Cost, Pool
from tests.pages.app import sound
from tests.pages.attention_page import matrix_of, translators
from tests.pages.attention_page import open_page as open_attention

EMOJI = "😀" * 2_000


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
    assert max(lengths) <= attention.SUBWORDS + 1  # and the end mark
    assert matrix_of(page).shape[1] <= attention.SUBWORDS + 1
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
    assert max(fed) <= attention.SUBWORDS + 1
