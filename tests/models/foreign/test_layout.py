"""What is found in the names and shapes of tensors as people write them."""

import pytest

from models.foreign.layout import choice, layout, unused, uses


def under(path: str, shapes: dict, more: str = "") -> dict:
    return {f"{path}{name}{more}": shape for name, shape in shapes.items()}


def layers(kind: int, inputs: int, units: int, count: int = 1, path: str = "rnn.", both: bool = False) -> dict:
    """Shapes of recurrent layers of torch with `kind` blocks per unit."""
    shapes = {}
    for layer in range(count):
        for back in ("", "_reverse")[: 1 + both]:
            reads = inputs if layer == 0 else units * (1 + both)
            own = {
                "weight_ih": (kind * units, reads),
                "weight_hh": (kind * units, units),
                "bias_ih": (kind * units,),
                "bias_hh": (kind * units,),
            }
            shapes |= {f"{path}{name}_l{layer}{back}": shape for name, shape in own.items()}
    return shapes


CELL = {"weight_ih": (24, 6), "weight_hh": (24, 8), "bias_ih": (24,), "bias_hh": (24,)}
TABLE = {
    # shapes; stacks as (path, kind, layers, units, directions); embedding; outputs
    "char-rnn": (
        {"encoder.weight": (50, 5)} | layers(4, 5, 8, 2) | {"decoder.weight": (50, 8), "decoder.bias": (50,)},
        [("rnn", "lstm", 2, 8, 1)],
        "encoder.weight",
        ["decoder.weight"],
    ),
    "one-hot": (layers(3, 50, 8, 1, "gru.") | {"fc.weight": (50, 8), "fc.bias": (50,)}, [("gru", "gru", 1, 8, 1)], None, ["fc.weight"]),
    "both directions": (
        layers(4, 5, 8, 2, "lstm.", True) | {"emb.weight": (9, 5), "out.weight": (9, 16)},
        [("lstm", "lstm", 2, 8, 2)],
        "emb.weight",
        ["out.weight"],
    ),
    "cells": (
        {"embed.weight": (9, 6)} | under("cells.0.", CELL) | under("cells.1.", CELL | {"weight_ih": (24, 8)}) | {"h2o.weight": (9, 8)},
        [("cells", "gru", 2, 8, 1)],
        "embed.weight",
        ["h2o.weight"],
    ),
    "g2p": (
        {
            "enc_emb": (29, 6),
            "enc_w_ih": (24, 6),
            "enc_w_hh": (24, 8),
            "enc_b_ih": (24,),
            "enc_b_hh": (24,),
            "dec_emb": (74, 6),
            "dec_w_ih": (24, 6),
            "dec_w_hh": (24, 8),
            "fc_w": (74, 8),
            "fc_b": (74,),
        },
        [("dec", "gru", 1, 8, 1), ("enc", "gru", 1, 8, 1)],
        "dec_emb",
        ["fc_w"],
    ),
    "min-char-rnn": ({"Wxh": (8, 50), "Whh": (8, 8), "bh": (8, 1), "Why": (50, 8), "by": (50, 1)}, [("", "rnn", 1, 8, 1)], None, ["Why"]),
    "two linear layers": (
        {"i2h.weight": (8, 50), "i2h.bias": (8,), "h2h.weight": (8, 8), "h2h.bias": (8,), "h2o.weight": (50, 8), "h2o.bias": (50,)},
        [("", "rnn", 1, 8, 1)],
        None,
        ["h2o.weight"],
    ),
    "other widths": (
        {"embedding.weight": (9, 5)}
        | layers(4, 5, 8, 1, "lstm1.")
        | layers(4, 8, 6, 1, "lstm2.")
        | {"fc1.weight": (20, 6), "fc2.weight": (9, 20)},
        [("lstm1", "lstm", 1, 8, 1), ("lstm2", "lstm", 1, 6, 1)],
        "embedding.weight",
        ["fc1.weight", "fc2.weight"],
    ),
    "fastai": (
        {"0.encoder.weight": (9, 5)} | layers(4, 5, 8, 1, "0.rnns.0.module.") | {"1.decoder.weight": (9, 8), "1.decoder.bias": (9,)},
        [("0.rnns.0", "lstm", 1, 8, 1)],
        "0.encoder.weight",
        ["1.decoder.weight"],
    ),
    "tied": ({"emb.weight": (9, 8)} | layers(4, 8, 8), [("rnn", "lstm", 1, 8, 1)], "emb.weight", ["emb.weight"]),
    "a projection": (
        {"emb.weight": (9, 5), "rnn.weight_hr_l0": (4, 8)} | layers(4, 5, 8) | {"rnn.weight_hh_l0": (32, 4), "fc.weight": (9, 4)},
        [("rnn", "lstm", 1, 8, 1)],
        "emb.weight",
        ["fc.weight"],
    ),
    "nothing recurrent": ({"conv.weight": (3, 3, 2), "fc.weight": (9, 4)}, [], None, []),
}


@pytest.mark.parametrize(("shapes", "stacks", "embedding", "outputs"), TABLE.values(), ids=TABLE)
def test_the_parts_of_a_network(shapes, stacks, embedding, outputs):
    parts = layout(shapes)
    assert sorted((one.path.removesuffix(".0"), one.kind, one.layers, one.units, one.directions) for one in parts.stacks) == sorted(
        (path.removesuffix(".0"), *rest) for path, *rest in stacks
    )
    chosen = choice(parts)
    assert (chosen.embedding if chosen else None) == embedding
    assert ([linear.weight for linear in chosen.outputs] if chosen else []) == outputs
    table = {use.name: use for use in uses(parts, chosen)}
    assert list(table) == list(shapes), "every tensor has its row"
    if embedding:
        assert "embedding" in table[embedding].used_as and table[embedding].sure == (embedding not in outputs)


def test_what_is_taken_by_shape_alone_is_a_guess():
    parts = layout(layers(4, 5, 8) | {"a.weight": (40, 5), "b.weight": (40, 8), "b.bias": (40,), "c.weight": (3, 3)})
    chosen = choice(parts)
    assert (
        chosen is not None and chosen.embedding == "a.weight" and chosen.outputs[0].weight == "b.weight" and chosen.sure == (False, False)
    )
    rows = {use.name: (use.used_as, use.sure) for use in uses(parts, chosen)}
    assert (
        rows["a.weight"] == ("embedding", False) and rows["b.bias"] == ("output: bias", False) and rows["c.weight"] == ("not used", False)
    )
    assert rows["rnn.weight_hh_l0"] == ("lstm rnn: weight_hh_l0", True)


def test_recurrent_names_of_odd_shapes_are_said():
    parts = layout({"rnn.weight_ih_l0": (10, 5), "rnn.weight_hh_l0": (10, 4)})
    assert not parts.stacks and "rnn.weight_hh_l0, rnn.weight_ih_l0 look recurrent by name" in parts.odd[0]


GUESSED = {
    # shapes; embedding; outputs
    "a second table": (
        {"table.weight": (27, 6), "case_emb.weight": (3, 6)} | layers(3, 6, 8) | {"top.weight": (27, 8)},
        "table.weight",
        ["top.weight"],
    ),
    "a square table": ({"table.weight": (31, 31)} | layers(4, 31, 8) | {"fc.weight": (31, 8)}, "table.weight", ["fc.weight"]),
    "a table of another network": (
        {"input.weight": (60, 8), "encoder2.weight": (63, 8)} | layers(4, 8, 8) | {"classifier.weight": (60, 8)},
        "input.weight",
        ["classifier.weight"],
    ),
}


@pytest.mark.parametrize(("shapes", "embedding", "outputs"), GUESSED.values(), ids=GUESSED)
def test_a_table_with_as_many_rows_as_there_are_answers_is_the_likeliest_embedding(shapes, embedding, outputs):
    chosen = choice(layout(shapes))
    assert chosen is not None and chosen.embedding == embedding and not chosen.sure[0]
    assert [linear.weight for linear in chosen.outputs] == outputs


TIED = {"emb.weight": (24, 8)} | layers(3, 8, 8)
BIASES = {
    # tensors beside tied weights; the bias of their output
    "its own": ({"decoder.bias": (24,)}, "decoder.bias"),
    "without a layer": ({"a.bias": (24,), "bias": (24, 1)}, "bias"),
    "of a layer called out": ({"attn.bias": (24,), "out.bias": (24,)}, "out.bias"),
    "of a normalisation": ({"ln.weight": (24,), "ln.bias": (24,), "out_norm.bias": (24,)}, None),
    "of something else": ({"first.bias": (24,)}, None),
    "of another weight": ({"head.weight": (24, 5), "head.bias": (24,)}, None),
    "of another length": ({"decoder.bias": (23,)}, None),
}


@pytest.mark.parametrize(("more", "bias"), BIASES.values(), ids=BIASES)
def test_the_bias_of_tied_weights_is_one_of_an_output(more, bias):
    chosen = choice(layout(TIED | more))
    assert chosen is not None and [(one.weight, one.bias) for one in chosen.outputs] == [("emb.weight", bias)]


def test_the_bias_of_tied_weights_is_not_that_of_the_recurrent_layer():
    own = {f"{name}.{kind}": (8, 8)[: 2 if kind == "weight" else 1] for name in ("i2h", "h2h") for kind in ("weight", "bias")}
    chosen = choice(layout({"emb.weight": (8, 8)} | own))
    assert chosen is not None and [(one.weight, one.bias) for one in chosen.outputs] == [("emb.weight", None)]


@pytest.mark.parametrize("is_turned", [False, True])
def test_a_plain_rnn_says_by_its_input_weights_how_matrices_are_stored(is_turned):
    parts = layout({"Wxh": (50, 8) if is_turned else (8, 50), "Whh": (8, 8), "bh": (8,)})
    assert [(one.inputs, one.units, one.is_turned) for one in parts.stacks] == [(50, 8, is_turned)]


def test_a_counter_of_a_normalisation_is_not_counted_as_left_out():
    norm = {"bn.weight": (8,), "bn.running_mean": (8,), "bn.num_batches_tracked": ()}
    parts = layout({"emb.weight": (9, 5)} | layers(3, 5, 8) | {"fc.weight": (9, 8)} | norm)
    chosen = choice(parts)
    assert chosen is not None and unused(parts, chosen) == ["bn.weight", "bn.running_mean"]


LEFTOVERS = {
    "a layer without its state": {"rnn.weight_ih_l1": (24, 8)},
    "a direction without its weights": {"rnn.bias_ih_l0_reverse": (24,)},
    "a projection of a GRU": {"rnn.weight_hr_l0": (8, 8)},
}


@pytest.mark.parametrize("more", LEFTOVERS.values(), ids=LEFTOVERS)
def test_layers_with_leftovers_fit_no_layer_of_torch(more):
    parts = layout(layers(3, 5, 8) | more)
    assert not parts.stacks and "look recurrent by name" in parts.odd[0]
