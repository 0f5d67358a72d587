"""The family of photograph captioners: a convolutional encoder and an LSTM decoder that attends to image regions."""

from models.family import Corpus, Family, handed_on

FOLDER, LICENCE = "flickr8k", "for non-commercial research and teaching only; the photographs belong to their authors"
ADDRESS = "https://github.com/jbrownlee/Datasets/releases/tag/Flickr8k"
CORPORA = {
    "flickr8k": Corpus(
        title="Flickr8k: photographs with five English captions each, 224 x 224, squashed",
        source="Hodosh, Young and Hockenmaier, Framing Image Description as a Ranking Task, 2013",
        licence=LICENCE,
        address=ADDRESS,
        path=FOLDER,
        not_fetched=f"It is {LICENCE}: download it yourself from {ADDRESS} and put images/ and the text files into data/{FOLDER}, "
        "or give their folder with --data.",
    ),
}

# view: one of models.captioning.encoder.VIEWS. at_least: minimum count of a word in the vocabulary. mirrored: whether to train on
# mirrored pictures too. loss: see models.captioning.losses. then: a second training stage, on captions sampled from the network
# itself. samples: number of captions sampled per picture.
RECIPES = {
    f"caption-{attention}": {
        "corpus": "flickr8k",
        "view": "late",
        "arguments": {"attention": attention, "units": 512, "embedding": 300, "width": 256, "dropout": 0.4},
        "at_least": 5,
        "mirrored": True,
        "loss": {"smoothing": 0.1, "coverage": 1.0},
        "recipe": {"epochs": 16, "batch": 32, "learning_rate": 1e-3, "clip": 5.0, "checks": 1, "patience": 16},
        "then": {"epochs": 5, "batch": 32, "learning_rate": 1e-4, "clip": 5.0, "checks": 2, "patience": 10},
        "samples": 5,
    }
    for attention in ("soft", "none")
}

ENCODER = Family(kind="encoder", network="models.captioning.encoder:Encoder", vocabulary=None)  # trained elsewhere

FAMILY = Family(
    kind="captioner",
    network="models.captioning.network:Captioner",
    vocabulary="models.vocabulary.words:Words",
    card="models.captioning.card:Card",
    recipes=RECIPES,
    corpora=CORPORA,
    data="models.captioning.data",
    training="models.captioning.training",
    headline={"bleu_4": "BLEU-4 {:.1f}"},
    emits=frozenset({"trace", "regions"}),
    commands="models.captioning.commands",
    searches=True,
    compares=True,
    needs=(ENCODER,),
)

__getattr__ = handed_on(__name__, {"network": ("Captioner",), "encoder": ("Encoder",)})
