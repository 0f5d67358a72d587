"""The committed table of fakes supports the claims about the four questions, and a rerun of one seed agrees with it."""

import json

import pytest
import torch

from explorer.analysis.attention_tests import LIMITS, diagonal, error_rate
from models.translation.attention_references import known_attentions
from models.translation.experiments import references
from models.translation.experiments.attention import QUESTIONS, lexicon_of
from models.translation.experiments.references import ASKED, KINDS, SEEDS, THROWN, answers_of, tables_of
from models.translation.experiments.toy_languages import ORDERS, language
from tests.models.command_line import call

KNOWN = known_attentions()
TABLE = KNOWN["for_table"]["kinds"]
RERUN = ("additive", "additive, monotone", "decoder only", "position only", "same row", THROWN)


def answers_per_seed(kind: str, questions=QUESTIONS) -> list[tuple[str, ...]]:
    """The answers of each seed to the questions."""
    return list(zip(*(TABLE[kind][question]["each"] for question in questions), strict=True))


def test_the_table_is_of_at_least_five_seeds_that_no_limit_was_chosen_on():
    for name, seeds in SEEDS.items():
        assert KNOWN[name]["seeds"] == list(seeds) and list(KNOWN[name]["kinds"]) == list(KINDS)
    assert len(SEEDS["for_table"]) >= 5 and not set(SEEDS["for_table"]) & set(SEEDS["for_limits"])
    assert KNOWN["limits"] == vars(LIMITS)
    for row in TABLE.values():
        for question in QUESTIONS:
            assert sum(row[question]["says"].values()) == len(row[question]["values"]) == len(SEEDS["for_table"])
            assert row[question]["least"] <= row[question]["median"] <= row[question]["most"]


def test_no_fake_gets_four_yeses_and_a_healthy_one_does_where_content_decides():
    every = {kind: [set(answers) == {"yes"} for answers in answers_per_seed(kind)] for kind in KINDS}
    for kind, about in KINDS.items():
        if not about.healthy:
            assert not any(every[kind]), kind
    assert all(every["additive"])


def test_a_healthy_one_is_never_called_a_fake():
    healthy = [kind for kind, about in KINDS.items() if about.healthy]
    assert "additive, monotone" in healthy
    for kind in healthy:
        assert not any("no" in answers for answers in answers_per_seed(kind, ("looks", "used", "points"))), kind


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_gives_the_expected_answers(kind: str):
    for question, expected in TABLE[kind]["expected"].items():
        if expected != "any":
            assert set(TABLE[kind][question]["each"]) == {expected}, question


def test_the_questions_need_each_other():
    """Each of three questions is passed by a fake: only together do they decide."""
    assert all(answer == ("no", "yes") for answer in answers_per_seed("decoder only", ("looks", "used")))
    assert all(answer == ("yes", "yes", "no", "yes") for answer in answers_per_seed(THROWN))
    assert all(answer == ("no", "yes") for answer in answers_per_seed("position only", ("beyond_position", "used")))


@pytest.fixture(scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # small matrices: more threads only wait for each other
    yield
    torch.set_num_threads(before)


def test_one_seed_again(one_thread):
    seed = SEEDS["for_table"][0]
    answered = answers_of(seed, RERUN)
    for kind in RERUN:
        for question in QUESTIONS:
            assert answered[kind][question]["says"] in TABLE[kind][question]["each"], (kind, question, answered[kind][question])
            assert answered[kind][question]["sentences"] >= 200


def test_a_report_counts_the_answers():
    def answer(says: str, value: float) -> dict:
        return {"says": says, "value": value, "unit": "bits"}

    first = {kind: dict.fromkeys(QUESTIONS, answer("yes", 0.25)) | {"nats": 0.5} for kind in KINDS}
    second = {kind: dict.fromkeys(QUESTIONS, answer("no", 0.75)) | {"nats": 1.5} for kind in KINDS}
    tables = tables_of({seed: first if index else second for index, seed in enumerate(SEEDS["for_table"][:3])})
    row = tables["for_table"]["kinds"]["uniform"]["looks"]
    assert row["says"] == {"yes": 2, "no": 1, "cannot tell": 0} and row["each"] == ["no", "yes", "yes"]
    assert (row["values"], row["median"], row["least"], row["most"]) == ([0.75, 0.25, 0.25], 0.25, 0.25, 0.75)
    assert "for_limits" not in tables and tables["for_table"]["seeds"] == list(SEEDS["for_table"][:3])


@pytest.mark.parametrize("task", ORDERS)
def test_links_of_the_toy_languages_are_true_and_ibm_model_1_finds_them(task: str):
    examples = language(task, ASKED, 5)
    lexicon = lexicon_of([example.pair for example in examples])
    key: dict[str, str] = {}
    for (source, target), links in examples:
        left, right = source.split(), target.split()
        assert 4 <= len(left) == len(right) == len(links) <= 6
        assert all(key.setdefault(left[column], right[row]) == right[row] for row, column in links)
    linked = [lexicon.links(source.split(), target.lower().split()) for (source, target), _ in examples]
    true = [links for _, links in examples]
    assert error_rate(linked, true, true) < 0.02
    straight = error_rate([diagonal(len(links), len(links)) for links in true], true, true)
    assert (straight == 0) == (task == "monotone") and (task == "monotone" or straight > 0.5)


def test_the_tables_are_written_and_torch_is_left_as_it_was(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(references, "KINDS", {"untrained": KINDS["untrained"]})
    monkeypatch.setattr(references, "SEEDS", {"for_limits": (1,), "for_table": (11,)})
    threads = torch.get_num_threads()
    code, out, err = call(capsys, "measure", "translation", "references", "--file", tmp_path / "tables.json")
    tables = json.loads((tmp_path / "tables.json").read_text())
    assert code == 0 and "seed 11" in err and "for_table, seeds [11]" in out and "untrained " in out
    assert tables["for_table"]["kinds"]["untrained"]["expected"] == TABLE["untrained"]["expected"]
    assert tables["for_table"]["kinds"]["untrained"]["looks"]["each"] == TABLE["untrained"]["looks"]["each"][:1]
    assert torch.get_num_threads() == threads and float(torch.tensor(1e-40) * 1) > 0
