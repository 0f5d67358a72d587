"""The family of translation networks: an encoder and a decoder with attention between them."""

from models.family import Corpus, Family, handed_on

CORPORA = {
    "tatoeba": Corpus(
        title="Tatoeba, English-French sentence pairs",
        source="sentences of tatoeba.org as paired by manythings.org/anki (file of 2019-04-07)",
        licence="CC BY 2.0 FR, tatoeba.org and www.manythings.org/anki",
        address="https://raw.githubusercontent.com/modelexlab/data/adddaf33ac35572bcfeb421efec29435e7ea9332/fra-eng.zip",
        path="tatoeba_eng_fra/fra.txt",
        boundary=r"\n",
        text_sha256="0bb85dbaa1c896844649094d7eaf2e34bee34e84fe362b26ce7e8f2e12aae104",
        size=(11_669_748, 11_669_748),
    ),
}

# direction: which language is the source. smoothing: label smoothing, see models.translation.training.job.
RECIPES = {
    **{
        f"{direction}-{attention}": {
            "corpus": "tatoeba",
            "direction": direction,
            "arguments": {"attention": attention, "units": 320, "embedding": 256, "width": 192, "dropout": 0.1},
            "smoothing": 0.1,
            "recipe": {"epochs": 4, "batch": 128, "learning_rate": 2e-3},
        }
        for direction, attention in (
            ("en-fr", "additive"),
            ("en-fr", "none"),
            ("en-fr", "bilinear"),
            ("en-fr", "uniform"),
            ("fr-en", "additive"),
        )
    },
    "en-fr-fake": {  # attention that does not depend on the source; shown for comparison with the real one
        "corpus": "tatoeba",
        "direction": "en-fr",
        "arguments": {"attention": "decoder", "units": 192, "embedding": 128, "dropout": 0.1},
        "smoothing": 0.1,
        "recipe": {"epochs": 2, "batch": 128, "learning_rate": 2e-3},
    },
}

FAMILY = Family(
    kind="seq2seq",
    network="models.translation.network:Seq2Seq",
    vocabulary="models.vocabulary.subwords:Subwords",
    card="models.translation.card:Card",
    recipes=RECIPES,
    corpora=CORPORA,
    data="models.translation.data",
    training="models.translation.training",
    headline={"bleu": "BLEU {:.1f}"},
    emits=frozenset({"trace", "alignment"}),
    commands="models.translation.commands",
    searches=True,
    compares=True,
)

__getattr__ = handed_on(__name__, {"network": ("Seq2Seq",)})
