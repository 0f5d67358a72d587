"""The state figure as a value: it checks itself, travels as bytes, and draws itself on paper."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import vl_convert

from explorer.errors import ExplorerError, RecordError
from explorer.figures import characters, states_svg
from explorer.figures.scales import STEPS, Scale, ink, ramp, scale_of
from explorer.figures.states import StateFigure
from tests.explorer.figures.facts import says

TOKENS = (*"<b>\n[ \t]&", "é", "\u0301", "😀", "ש", "\x00")


def figure(**changes) -> StateFigure:
    rng = np.random.default_rng(0)
    time = len(changes.get("tokens", TOKENS))
    values = rng.uniform(-1, 1, (time, 4)).astype(np.float32)
    given = {"tokens": TOKENS, "values": values, "quantity": "tanh(cell)", "unit": 2, "order": (3, 2, 0, 1)}
    given |= {"order_name": "memory time", "scale": Scale("diverging", -1, 1), "title": "net"}
    return StateFigure(**given | changes)


def with_next() -> StateFigure:
    time = len(TOKENS)
    return figure(
        next_tokens=[list("abcd ")] * time, next_p=np.full((time, 5), 0.1, np.float32), bits=np.arange(time, dtype=np.float32), start=50
    )


def unpacked(blob: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    length = int.from_bytes(blob[:4], "little")
    header, body = json.loads(blob[4 : 4 + length]), blob[4 + length :]
    arrays = {}
    for name, about in header["arrays"].items():
        assert about["offset"] % 8 == 0
        count = int(np.prod(about["shape"]))
        arrays[name] = np.frombuffer(body, about["type"], count, about["offset"]).reshape(about["shape"])
    return header, arrays


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"values": np.zeros((3, 4), np.float32)}, r"values has shape \(3, 4\); expected \(14, units\) = \[time, unit\]"),
        ({"tokens": (), "values": np.zeros((0, 4), np.float32)}, "The text is empty"),
        ({"values": np.full((14, 4), np.nan, np.float32)}, "not all numbers"),
        ({"values": np.full((14, 4), 3, np.float32)}, r"lie in 3..3, beyond the scale from -1 to 1. Use scales.scale_of"),
        ({"order": (0, 1, 2)}, "order names 3 rows; expected each of the 4 units once"),
        ({"order": (0, 1, 2, 2)}, "expected each of the 4 units once"),
        ({"unit": 4}, "There is no unit 4; expected 0 to 3"),
        ({"next_p": np.zeros((14, 5), np.float32)}, "belong together"),
        ({"next_p": np.zeros((14, 4), np.float32), "next_tokens": [list("abcde")] * 14}, r"next_p has shape \(14, 4\); expected \(14, 5\)"),
        ({"bits": np.zeros(3, np.float32)}, r"bits has shape \(3,\); expected \(14,\)"),
    ],
)
def test_a_figure_refuses_with_a_sentence(changes: dict, sentence: str):
    with pytest.raises(RecordError, match=sentence):
        figure(**changes)


def test_a_figure_too_long_to_draw_asks_for_a_window():
    with pytest.raises(RecordError, match="16,001 characters; at most 16,000"):
        figure(tokens="x" * 16_001).to_bytes()


def test_bytes_hold_every_number_and_not_the_choice():
    made = with_next()
    header, arrays = unpacked(made.to_bytes())
    assert (header["time"], header["units"], header["start"]) == (14, 4, 50)
    assert [header["alphabet"][i]["token"] for i in arrays["ids"]] == list(TOKENS)
    np.testing.assert_allclose(arrays["plane"].T / STEPS, made.values, atol=0.51 / STEPS)
    np.testing.assert_array_equal(arrays["order"], made.order)
    np.testing.assert_array_equal(arrays["next_p"], made.next_p)
    assert [header["alphabet"][i]["token"] for i in arrays["next_ids"][0]] == list("abcd ")
    np.testing.assert_array_equal(arrays["bits"], made.bits)
    other = StateFigure(**{name: getattr(made, name) for name in made.__dataclass_fields__} | {"unit": 0, "cursor": 55})
    assert other.to_bytes() == made.to_bytes()


def test_arrays_start_where_typed_arrays_can():
    odd = np.zeros((3, 3), np.float32)
    _, arrays = unpacked(figure(tokens="abc", values=odd, order=(2, 1, 0)).to_bytes())
    assert arrays["order"].tolist() == [2, 1, 0]


def test_arrays_cost_two_bytes_a_value():
    assert len(figure(tokens="x" * 3000, values=np.zeros((3000, 4), np.float32)).to_bytes()) < 2 * 3000 * 4 + 4 * 3000 + 3000


def test_frame_is_full_precision():
    made = with_next()
    frame = made.to_frame()
    assert list(frame["position"]) == list(range(50, 64))
    np.testing.assert_array_equal(frame["tanh(cell) of unit 2"].to_numpy(), made.values[:, 2])
    assert list(frame.columns[-2:]) == ["likely next 5", "p 5"] and frame["likely next 5"][0] == " "


def test_alt_tells_the_extremes():
    values = np.zeros((14, 4), np.float32)
    values[5, 2], values[3, 2] = 0.875, -0.5
    said = figure(values=values).alt()
    assert says(said, "2", "highest", "0.88", "space", "lowest", "-0.5", "newline")
    assert says(said, "14", "4", "tanh(cell)", "memory time")


def test_alt_counts_characters_from_1_as_the_picture_does():
    values = np.zeros((14, 4), np.float32)
    values[5, 2], values[3, 2] = 0.875, -0.5
    said = figure(values=values).alt()
    assert "at character 6 (space)" in said and "at character 4 (newline)" in said
    made = replace(with_next(), cursor=60)  # its window begins at the 51st character
    picture = made.to_svg(columns=100)
    top = int(made.of(2).argmax())
    assert f"at character {51 + top} (" in made.alt() and "character 61" in picture


@pytest.mark.parametrize("dark", [False, True])
def test_svg_is_sound_xml_and_shows_the_text_as_text(dark: bool):
    tree = ElementTree.fromstring(figure().to_svg(columns=5, dark=dark))
    name = "{http://www.w3.org/2000/svg}"
    group = next(g for g in tree.iter(f"{name}g") if g.get("text-anchor") == "middle")
    assert [t.text for t in group.iter(f"{name}text")] == [characters.sign(t) for t in TOKENS]
    assert {t.tag.removeprefix(name) for t in tree.iter()} == {"svg", "title", "desc", "rect", "g", "text", "image", "polyline"}
    fills = [r.get("fill") for r in group.iter(f"{name}rect") if r.get("height") == "20"]
    chosen = figure().of(2)
    colours = Scale("diverging", -1, 1).colours(dark)
    stored = [round(v * STEPS) for v in chosen.tolist()]
    assert fills == ["#{:02x}{:02x}{:02x}".format(*colours[(steps >> 8) + 128]) for steps in stored], "the colours of the page"


def test_a_part_of_a_longer_figure_keeps_its_places():
    made = replace(with_next(), cursor=60)
    part = made.around(60, 5)
    assert part is not made and made.around(60, 14) is made
    assert (part.start, part.tokens, part.title) == (58, TOKENS[8:13], "net, characters 59 to 63")
    np.testing.assert_array_equal(part.values, made.values[8:13])
    np.testing.assert_array_equal(part.bits, made.bits[8:13])
    assert (made.around(50, 5).start, made.around(63, 5).start) == (50, 59)
    drawn = part.to_svg(looks=("next",), selection=(51, 60))
    assert "character 61" in drawn and "2 selected (59 to 60)" in drawn and "selected" not in part.to_svg(selection=(50, 55))


def test_a_state_that_was_not_carried_is_marked_by_an_upright_line_and_said():
    carried = np.arange(len(TOKENS)) % 5 > 0
    carried[0] = True
    whole, cut = figure(), figure(carried=carried, start=50)
    assert whole.breaks == () and cut.breaks == (5, 10)
    assert cut.alt().startswith(figure(start=50).alt(with_unit=False) + " The state was reset or changed before numbers 56, 61. Unit 2")
    for drawn in (cut.to_svg(), cut.to_html(), cut.to_svg(dark=True)):
        assert "at upright lines the state was reset or changed" in drawn
    # Two lines in the text and two over the map, each of them a line on a wider one in the colour of the ground.
    assert cut.to_svg().count('width="1.5"') - whole.to_svg().count('width="1.5"') == 4
    part = cut.around(60, 6)
    assert [part.start + at for at in part.breaks] == [60]
    assert "number 61." in part.alt()
    with pytest.raises(RecordError, match=r"carried has shape \(3,\); expected \(14,\) = \[time\]"):
        figure(carried=np.ones(3, bool))


def test_svg_becomes_pixels_without_a_browser():
    assert vl_convert.svg_to_png(figure().to_svg())[:8] == b"\x89PNG\r\n\x1a\n"


WORDS = ("the", "lighthouse", "at", "Alexandria", "was", "not", "東京", "a", "new york")


def test_words_are_drawn_at_their_width_and_lines_break_between_them():
    assert states_svg.spans(tuple("ab"), 9) == [1, 1] and states_svg.spans(("ab", "c", "d"), 9) == [1, 1, 1]
    assert states_svg.spans(WORDS, 20) == [4, 11, 3, 11, 4, 4, 5, 2, 9]
    assert states_svg.lines(WORDS, 20, states_svg.spans(WORDS, 20)) == [(0, 3), (3, 6), (6, 9)]
    assert states_svg.lines(tuple("ab\ncdef"), 3, [1] * 7) == [(0, 3), (3, 6), (6, 7)]
    drawing = ElementTree.fromstring(figure(tokens=WORDS).to_svg(columns=20))
    texts = {one.text: one for one in drawing.iter("{http://www.w3.org/2000/svg}text")}
    assert texts["lighthouse"].get("textLength") == "100" and "new·york" in texts
    assert float(texts["lighthouse"].get("x", 0)) == 16 + 40 + 105 / 2
    assert figure(tokens=WORDS).alt().startswith("net: 9 words of text and a map") and "at word " in figure(tokens=WORDS).alt()


def test_a_byte_that_is_no_character_takes_two_columns_and_has_a_name():
    tokens = ("a", "<0xC3>", "<0xA9>", "b")
    assert states_svg.spans(tokens, 20) == [1, 2, 2, 1] and characters.noun(tokens) == "bytes"
    assert [characters.shown(token) for token in tokens] == ["a", "C3", "A9", "b"]
    assert [characters.name(token) for token in tokens] == ["", "byte C3", "byte A9", ""]
    assert characters.noun(("<0xD0>", "<0xB0>")) == "bytes" and not characters.has_words(("<0xD0>", "<0xB0>"))


def test_a_word_longer_than_a_line_is_cut_and_next_words_get_room():
    assert [characters.cut("lighthouse", columns) for columns in (10, 9, 1)] == ["lighthouse", "lighthou…", "…"]
    assert characters.cut("東京東京", 5) == "東京…"
    assert states_svg.spans(("lighthouse", "at"), 8) == [8, 3]
    assert states_svg.spans(("to", "be"), 100, np.array([["a", "lighthouse"], ["x" * 40, "b"]])) == [11, 13]
    drawing = ElementTree.fromstring(figure(tokens=WORDS).to_svg(columns=10))
    assert {"lighthou…", "Alexandr…"} <= {one.text for one in drawing.iter()}


def test_a_table_names_its_rows_by_what_they_are():
    nouns = {"word": WORDS, "token": ("▁the", "▁light", "house", "▁s"), "input": ("0.5", "1.25"), "character": tuple("abc")}
    for noun, tokens in nouns.items():
        assert list(figure(tokens=tokens).to_frame())[:2] == ["position", noun]


def test_kinds_of_tokens():
    series = characters.numbers_of(("0.5", "-2", "1e3"))
    assert series is not None and series.tolist() == [0.5, -2, 1000]
    assert characters.numbers_of(tuple("2026")) is None and characters.numbers_of(("1.5", "nan")) is None
    assert [characters.noun(tokens) for tokens in (tuple("a1"), ("to", "be", "</s>"), ("0.5", "1"), (*"abc", "</s>"))] == [
        "characters",
        "words",
        "steps",
        "characters",
    ]


def test_html_needs_nothing_from_outside_and_runs_nothing():
    page = figure(title="<script>alert(1)</script>").to_html()
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_signs_are_visible_and_never_break_a_line():
    for code in [*range(0x250), 0x301, 0x5E9, 0x200B, 0x202E, 0x2028, 0xD800, 0x1F600, 0xFFFD]:
        sign = characters.sign(chr(code))
        assert sign.strip() == sign != "" and sign.isprintable(), hex(code)
    assert [characters.sign(c) for c in " \n\t\u0301a"] == ["·", "⏎", "→", "\u25cc\u0301", "a"]
    assert [characters.name(c) for c in (" ", "\n", "a", "[", "\u200b")] == [
        "space",
        "newline",
        "",
        "left square bracket",
        "zero width space",
    ]


def test_scales_by_the_house_rules():
    unit = np.array([-0.5, 0.25], np.float32)
    assert scale_of("tanh(cell)", unit) == Scale("diverging", -1, 1, True)
    assert scale_of("forget", np.array([0.2], np.float32)) == Scale("sequential", 0, 1, True)
    assert scale_of("cell", np.array([-53.21, 3], np.float32)) == Scale("symlog", -54, 54, False)
    assert scale_of("hidden", unit, this_text=True) == Scale("diverging", -0.5, 0.5, False)
    assert scale_of("hidden", np.array([7.3], np.float32)) == Scale("diverging", -7.3, 7.3, False)
    assert scale_of("tanh(cell)", np.zeros(3, np.float32), this_text=True).high == 1
    assert Scale("sequential", 0, 1).ticks() == (0, 0.1, 0.9, 1)


def test_symlog_is_linear_to_one_and_comes_back():
    scale = Scale("symlog", -100, 100)
    values = np.array([-100, -7.0, -1, -0.4, 0, 0.8, 1, 12, 100])
    np.testing.assert_allclose(scale.value(scale.place(values)), values, atol=1e-9)
    np.testing.assert_allclose(scale.place(np.array([0.8])) - 0.5, 2 * (scale.place(np.array([0.4])) - 0.5))


@pytest.mark.parametrize(
    ("arguments", "sentence"), [(("log", 0, 1), "no scale of kind 'log'"), (("diverging", -1, 2), "no 0 in its middle")]
)
def test_a_scale_refuses_with_a_sentence(arguments: tuple, sentence: str):
    with pytest.raises(ExplorerError, match=sentence):
        Scale(*arguments)


def test_colours_of_the_house_and_ink_that_reads():
    assert ramp(("#000000", "#ffffff"))[[0, 255]].tolist() == [[0] * 3, [255] * 3]
    colours = Scale("diverging", -1, 1).colours()
    assert ["#{:02x}{:02x}{:02x}".format(*colours[k]) for k in (0, 255)] == ["#2166ac", "#b35806"]
    assert np.abs(colours[127].astype(int) - 0xF7).max() <= 2
    for scale in (Scale("diverging", -1, 1), Scale("sequential", 0, 1)):
        for dark in (False, True):
            for colour in scale.colours(dark).tolist():
                assert contrast(colour, ink(colour)) >= 4.5


def contrast(colour: list[int], text: str) -> float:
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    ground = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
    return 1.05 / (ground + 0.05) if text == "#ffffff" else (ground + 0.05) / 0.05
