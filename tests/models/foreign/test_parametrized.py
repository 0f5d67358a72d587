"""Weights that files keep in parts, as torch itself writes them: the network must compute what the module computes."""

import warnings

import pytest
import torch
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

from models.foreign.health import of_weights
from models.foreign.opening import network_of, open_file
from models.foreign.parametrized import effective
from tests.models.foreign.strangers import LETTERS, CharRNN, npz

WAYS = {
    "weight norm": lambda network: weight_norm(network.decoder),
    "weight norm of a recurrent weight": lambda network: weight_norm(network.rnn, "weight_hh_l0"),
    "one length in all": lambda network: weight_norm(network.decoder, dim=None),
    "weight norm as a parametrization": lambda network: parametrizations.weight_norm(network.decoder),
    "spectral norm": lambda network: spectral_norm(network.decoder),
    "spectral norm as a parametrization": lambda network: parametrizations.spectral_norm(network.decoder),
    "pruning": lambda network: prune.l1_unstructured(network.decoder, "weight", 0.5),
    "pruning of a bias": lambda network: prune.random_unstructured(network.decoder, "bias", 0.5),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_weights_in_parts_make_up_the_weight_that_runs(way):
    torch.manual_seed(0)
    network = CharRNN("LSTM", 1, 12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        way(network)
        ids = torch.arange(len(LETTERS))[None]
        network(ids)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.mul_(1.7)
            expected = network.eval()(ids)
        one = open_file(npz(**{name: value.numpy() for name, value in network.state_dict().items()}), "x.npz")
    assert one.choice is not None
    torch.testing.assert_close(network_of(one, one.choice, LETTERS).module(ids + 1)[0][..., 1:], expected)
    assert not [finding for finding in of_weights(one, one.choice, LETTERS) if finding.level != "info"]


def test_the_weight_before_its_dropout_is_the_one_that_runs():
    weights = {name: value.numpy() for name, value in CharRNN("LSTM", 1).state_dict().items()}
    dropped = dict(weights) | {"rnn.weight_hh_l0_raw": weights["rnn.weight_hh_l0"], "rnn.weight_hh_l0": 0 * weights["rnn.weight_hh_l0"]}
    assert effective(dropped).keys() == weights.keys()
    assert (effective(dropped)["rnn.weight_hh_l0"] == weights["rnn.weight_hh_l0"]).all()


def test_parts_that_do_not_fit_stay_as_they_are():
    weights = {name: value.numpy() for name, value in CharRNN().state_dict().items()}
    odd = {"a.weight_v": weights["decoder.weight"], "a.weight_g": weights["rnn.weight_hh_l0"], "b.weight_orig": weights["decoder.bias"]}
    assert effective(odd).keys() == odd.keys()
