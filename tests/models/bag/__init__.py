"""A family that does not ship: a bag of letters that predicts whether a word has more vowels than consonants."""

from models.family import Corpus, Family

FAMILY = Family(
    kind="bag",
    network="tests.models.bag.network:Bag",
    card="tests.models.bag.network:Card",
    recipes={"bag-tiny": {"corpus": "words", "arguments": {"vocab_size": 5}, "recipe": {"epochs": 60, "batch": 2, "learning_rate": 0.1}}},
    corpora={"words": Corpus("Words", "this test", "none", not_fetched="{name} is made up.")},
    data="tests.models.bag.network",
    training="tests.models.bag.network",
    headline={"accuracy": "accuracy {:.2f}"},
    emits=frozenset({"class_probabilities"}),
)
