"""The family of character language models: a plain RNN, LSTM or GRU that predicts the next character."""

from models.family import Corpus, Family, handed_on

CORPORA = {
    "wiki": Corpus(
        title="English Wikipedia, raw mark-up of 206 pages",
        source="Wikipedia dump enwiki-latest-pages-articles1, revisions of about 2014-2015, as shortened for the tests of gensim",
        licence="CC BY-SA 3.0 and GFDL, Wikipedia contributors (page titles are in the file)",
        address="https://raw.githubusercontent.com/piskvorky/gensim/4.3.3/gensim/test/test_data/"
        "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2",
        path="wiki_markup/enwiki_shortened.xml",
        boundary=r"\n  <page>\n",
        sha256="a53f4648dec40467ebdcbc7a1307eddb51fe6e28e9309f6ebde81ba0d04bea2d",
        size=(6_089_746, 6_089_746),
    ),
    "linux": Corpus(
        title="Linux kernel, C sources",
        source="folder kernel/ of Linux 6.1 (Debian linux-source-6.1), files in random order; "
        "the public address holds an older snapshot of the kernel, of the same size and kind",
        licence="GPL-2.0-only WITH Linux-syscall-note",
        address="https://cs.stanford.edu/people/karpathy/char-rnn/linux_input.txt",
        path="linux_kernel_c/input.txt",
        boundary=r"(?m)^(?:/\* SPDX|// SPDX)",
        # No checksum of this file is published. Known are its number of characters (as printed by Flux.jl users who read it) and
        # its size to three digits (5.92 MiB, where it lies in a repository); fetch prints the checksum of what came.
        size=(6_206_993, 6_212_812),
        characters=6_206_993,
    ),
    "shakespeare": Corpus(
        title="Tiny Shakespeare",
        source="plays of Shakespeare, as joined by A. Karpathy for char-rnn",
        licence="public domain",
        address="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        path="tinyshakespeare/input.txt",
        boundary=r"\n\n",
        sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        size=(1_115_394, 1_115_394),
    ),
}

BODY = {"layers": 2, "units": 384, "embedding": 64, "dropout": 0.25, "recurrent": 0.2, "inputs": 0.05}
LONG = {"batch": 16, "steps": 128, "average": 0.999, "precision": "bfloat16", "shifted": True, "checks": 2, "patience": 8}
RECIPES = {
    "wiki-lstm": {
        "corpus": "wiki",
        "arguments": BODY | {"cell": "lstm"},
        "recipe": LONG | {"epochs": 20, "learning_rate": 2e-3},
    },
    "wiki-gru": {
        "corpus": "wiki",
        "arguments": {"cell": "gru", "layers": 2, "units": 384, "embedding": 64, "dropout": 0.1},
        "recipe": {"epochs": 5, "learning_rate": 1.5e-3},
    },
    "wiki-rnn": {
        "corpus": "wiki",
        "arguments": BODY | {"cell": "rnn", "dropout": 0.0, "recurrent": 0.0, "inputs": 0.0},
        "recipe": LONG | {"epochs": 8, "learning_rate": 1.2e-3, "precision": "float32"},
    },
    "linux-lstm": {
        "corpus": "linux",
        "arguments": {"cell": "lstm", "layers": 2, "units": 320, "embedding": 32, "dropout": 0.1},
        "recipe": {"epochs": 3, "learning_rate": 4e-3},
    },
    "shakespeare-lstm": {
        "corpus": "shakespeare",
        "arguments": {"cell": "lstm", "layers": 2, "units": 256, "embedding": 32, "dropout": 0.3},
        "recipe": {"epochs": 24, "steps": 128, "learning_rate": 3e-3, "checks": 1},
    },
}

FAMILY = Family(
    kind="char_lm",
    network="models.char_lm.network:CharLM",
    card="models.char_lm.card:Card",
    recipes=RECIPES,
    corpora=CORPORA,
    data="models.char_lm.data",
    training="models.char_lm.training",
    headline={"nats_per_character": "{:.4f} nats per character"},
    emits=frozenset({"trace", "any_text", "next_token"}),
    commands="models.char_lm.commands",
)

__getattr__ = handed_on(
    __name__,
    {
        "network": ("CharLM", "costs", "first_logits", "untrained"),
        "experiments.gate_clamping": ("gate_held", "silenced"),
    },
)
