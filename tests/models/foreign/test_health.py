"""The quick look: what it finds, and the command `check`."""

import json
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn

from models import Loaded
from models.foreign import health
from models.foreign.experiments import behaviour
from models.foreign.experiments.reading import read_text
from models.foreign.experiments.report import report
from models.foreign.opening import Assumptions, fitting, network_of, open_file
from models.foreign.tokens import ALPHABETS
from tests.models.command_line import call
from tests.models.foreign.strangers import LETTERS, CharRNN, TwoWidths, npz, saved

PRINTABLE = ALPHABETS["string.printable"]


def bigram(tokens: str) -> dict:
    """Weights of a network that predicts as the pairs of letters of the sample: an orthogonal code for each character, read off exactly."""
    size = len(tokens)
    counts = np.full((size, size), 0.05)
    for first, second in zip(behaviour.SAMPLE, behaviour.SAMPLE[1:], strict=False):
        counts[tokens.index(first), tokens.index(second)] += 1
    logs = np.log(counts / counts.sum(1, keepdims=True)).astype(np.float32)
    network = CharRNN("RNN", 1, size, size, size, nonlinearity="relu")
    with torch.no_grad():
        for weight in network.rnn.parameters():
            weight.zero_()
        network.rnn.weight_ih_l0.copy_(torch.eye(size))
        network.encoder.weight.copy_(torch.eye(size))
        network.decoder.weight.copy_(torch.tensor(logs.T) / np.tanh(1))  # read through the tanh that is assumed
        network.decoder.bias.zero_()
    return network.state_dict()


def run(content: bytes, tokens: Sequence[str]) -> Loaded:
    """The network of a file."""
    one = open_file(content, "x.pt")
    assert one.choice is not None
    return network_of(one, one.choice, tokens)


def of_run(loaded: Loaded, text: str = behaviour.SAMPLE) -> list[health.Finding]:
    return behaviour.of_run(loaded, read_text(loaded, text))


def codes(findings) -> list[str]:
    return [(one["code"] if isinstance(one, dict) else one.code) for one in findings]


def test_the_right_order_of_the_tokens_is_noticed_by_behaviour():
    content = saved(bigram(PRINTABLE))
    right, wrong = (run(content, tokens) for tokens in (PRINTABLE, PRINTABLE[::-1]))
    assert [(f.code, f.level) for f in of_run(right)][-1] == ("bits", "info")
    said = next(f for f in of_run(wrong) if f.code == "bits")
    assert said.level == "warning" and "the tokens are in another order" in said.text
    bits, uniform, unigram = behaviour.surprise(right, read_text(right, behaviour.SAMPLE))
    assert bits < unigram < uniform == pytest.approx(np.log2(100))
    one = open_file(content, "x.pt")
    assert one.choice is not None
    best = behaviour.best_list(one, one.choice, Assumptions())
    assert best is not None and best[0].source == "string.printable" and best[1][best[0].source] == pytest.approx(bits)


def test_unigram_and_uniform_are_those_of_the_text():
    """A uniform guess is among the tokens that the network can predict; frequencies are those of the tokens that it had to predict."""
    for letters, text in ((LETTERS, "caabb"), ((*LETTERS[:30], "<unk>"), "c" + "a\u00c4abb")):
        loaded = run(saved(CharRNN().state_dict()), letters)
        read = read_text(loaded, text)
        bits, uniform, unigram = behaviour.surprise(loaded, read)
        assert uniform == pytest.approx(np.log2(31)) and unigram == 1.0
        assert read.bits is not None and bits == pytest.approx(np.nanmean(read.bits), abs=1e-6)
    assert np.isnan(behaviour.surprise(loaded, read_text(loaded, "b\u00c4"))).all(), "no known token after the first"


def test_dead_and_constant_units():
    weights = CharRNN("RNN", 1).state_dict()
    for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
        weights[f"rnn.{name}"][:5] = 0
    weights["rnn.bias_ih_l0"][3:5] = 0.5
    findings = {f.code: f.text for f in of_run(run(saved(weights), LETTERS), "the cat sat on the mat " * 5)}
    assert findings["dead_units"].startswith("3 of 12 units stay at 0") and findings["constant_units"].startswith(
        "2 of 12 units never change"
    )


def test_findings_on_weights():
    weights = CharRNN("RNN").state_dict()
    weights["decoder.bias"][2] = float("inf")
    weights["encoder.weight"][0, 0] = 500.0
    network = CharRNN("RNN")
    one = open_file(saved(weights), "x.pt")
    findings = health.of_weights(one, one.choice, LETTERS[:-2])
    assert codes(findings)[0] == "not_finite" and {"large", "vocabulary_size", "assumed"} <= set(codes(findings))
    assert "tanh in the plain RNN" in findings[-1].text
    for is_training in (True, False):
        whole = open_file(saved(network.train(is_training)), "x.pt")
        assert ("training_mode" in codes(health.of_weights(whole, whole.choice))) == is_training


def assumed_of(content: bytes, *assumed: Assumptions) -> str:
    one = open_file(content, "x.npz")
    return next(f.text for f in health.of_weights(one, one.choice, None, *assumed) if f.code == "assumed")


def test_what_was_chosen_is_not_called_assumed():
    network = TwoWidths()
    network.lstm1, network.lstm2 = nn.RNN(6, 10), nn.RNN(10, 8)
    content = saved(network.state_dict())
    for assumed in ((), (Assumptions(),)):
        assert "tanh in the plain RNN, not relu, relu between the output layers" in assumed_of(content, *assumed)
    assert "plain RNN" not in assumed_of(content, Assumptions("relu")) and "between" in assumed_of(content, Assumptions("relu"))
    assert "plain RNN" in assumed_of(content, Assumptions(activation="none"))
    assert "between" not in assumed_of(content, Assumptions(activation="none"))


G2P = {"emb": (31, 6), "enc_w_ih": (24, 6), "enc_w_hh": (24, 8), "fc_w": (31, 8)}
SAID = {
    # shapes; whether the order of the gates and how matrices are stored are assumed
    "a GRU of numpy": (G2P, True, False),
    "a GRU of torch": ({"rnn.weight_ih_l0": (24, 6), "rnn.weight_hh_l0": (24, 8), "rnn.bias_ih_l0": (24,)}, False, False),
    "a cell of torch": ({"cell.weight_ih": (24, 6), "cell.weight_hh": (24, 8)}, False, False),
    "a plain RNN": ({"Wxh": (8, 31), "Whh": (8, 8), "Why": (31, 8)}, False, False),
    "a square RNN": ({"emb": (31, 8), "Wxh": (8, 8), "Whh": (8, 8), "Why": (31, 8)}, False, True),
    "a square RNN of torch": ({"rnn.weight_ih_l0": (8, 8), "rnn.weight_hh_l0": (8, 8)}, False, False),
    "square linear layers": ({"i2h.weight": (8, 8), "h2h.weight": (8, 8)}, False, False),
    "a square output": ({"Wxh": (8, 8), "Whh": (8, 8), "Why": (8, 8)}, False, True),
    "a square output of a GRU": ({"emb": (8, 6), "enc_w_ih": (24, 6), "enc_w_hh": (24, 8), "fc_w": (8, 8)}, True, True),
}


@pytest.mark.parametrize(("shapes", "order", "turn"), SAID.values(), ids=SAID)
def test_names_that_are_not_torch_s_leave_more_to_assume(shapes, order: bool, turn: bool):
    said = assumed_of(npz(**{name: np.full(shape, 0.1, np.float32) for name, shape in shapes.items()}))
    assert ("torch's order of gates" in said, "[output, input] weights" in said) == (order, turn)


def test_check_prints_what_was_found(tmp_path, capsys):
    torch.manual_seed(0)
    network = CharRNN("LSTM", 2, tokens=100)
    (tmp_path / "mine.pt").write_bytes(saved({"state_dict": network.state_dict(), "tokens": PRINTABLE}))
    code, out, _ = call(capsys, "check", tmp_path / "mine.pt", "--json")
    answer = json.loads(out)
    assert code == 0 and answer["paths"] == [{"path": "rnn", "kind": "lstm", "layers": 2, "units": 12, "directions": 1}]
    assert (answer["embedding"], answer["output"], answer["vocabulary"]) == ([100, 7], 100, 100)
    assert {one["name"] for one in answer["tensors"]} == set(network.state_dict()) and all(one["sure"] for one in answer["tensors"])
    assert {"bits", "vocabulary", "assumed"} <= set(codes(answer["findings"]))
    (tmp_path / "letters.json").write_text(json.dumps(list(LETTERS)), encoding="utf-8")
    code, out, _ = call(capsys, "check", tmp_path / "mine.pt", "--vocabulary", tmp_path / "letters.json")
    assert code == 0 and "rnn: LSTM, 2 layers of 12 units" in out and "has 31 tokens, the network 100" in out
    code, _, err = call(capsys, "check", tmp_path / "none.pt")
    assert code == 1 and "does not exist" in err


@pytest.mark.parametrize(("more", "used"), [(-3, False), (-2, True), (0, True), (2, True), (3, False)])
def test_the_file_s_own_list_of_nearly_the_right_length_is_used_with_a_warning(more: int, used: bool):
    letters = [chr(0x4E00 + index) for index in range(31 + more)]
    content = saved({"state": CharRNN().state_dict(), "letters": letters})
    one = open_file(content, "x.pt")
    assert [listed.source for listed in fitting(one, 31)] == ["letters"] * used
    answer = report(content, "x.pt")
    said = {finding["code"]: finding["text"] for finding in answer["findings"]}
    assert answer["vocabulary"] == (31 + more if used else None)
    assert ("vocabulary_size" in said) == (used and more != 0)
    if used and more:
        assert said["vocabulary"] == f"Tokens: assumed to be letters, a list in the file with {31 + more} (31 in the network)."
        assert said["vocabulary_size"].startswith(f"The vocabulary has {31 + more} tokens, the network 31")


def test_a_network_without_tokens_is_described_and_not_run():
    answer = report(saved(CharRNN(tokens=77).state_dict()), "x.pt")
    assert answer["vocabulary"] is None and "no_vocabulary" in codes(answer["findings"]) and "bits" not in codes(answer["findings"])
    only = nn.LSTM(5, 8, bidirectional=True)
    answer = report(saved(only.state_dict()), "x.pt")
    assert answer["paths"][0]["directions"] == 2 and answer["embedding"] is None and answer["output"] is None


class Normalised(CharRNN):
    """A normalisation stands before the output."""

    def __init__(self):
        super().__init__()
        self.ln = nn.LayerNorm(12)


def test_tensors_that_the_run_leaves_out_are_a_warning():
    for network, levels in ((Normalised(), ["warning"]), (CharRNN(), [])):
        one = open_file(saved(network.state_dict()), "x.pt")
        left = [finding for finding in health.of_weights(one, one.choice, LETTERS) if finding.code == "left_out"]
        assert [finding.level for finding in left] == levels
        assert all("ln.weight, ln.bias are left out" in finding.text for finding in left)


def test_a_short_text_of_words_gives_no_false_alarm():
    """The frequencies of a text of few tokens fit it so well that no network of words can predict it better."""
    words = ["<unk>", *(f"word{index}" for index in range(40)), "the", "king", "will", "not", "go", "to"]
    said = {
        f.code: f for f in of_run(run(saved(CharRNN("GRU", 1, tokens=len(words)).state_dict()), words), "The king will not go to the king")
    }
    assert said["bits"].level == "warning" and "no better than chance" in said["bits"].text
    biased = CharRNN("GRU", 1, tokens=len(words)).state_dict()
    biased["decoder.bias"][-6:] += 3.0
    said = {f.code: f for f in of_run(run(saved(biased), words), "The king will not go to the king")}
    assert said["bits"].level == "info" and "too few tokens for a verdict" in said["bits"].text
