"""The family of name classifiers: a recurrent network that reads a name letter by letter and predicts its language."""

from models.family import Corpus, Family, handed_on

LANGUAGES = {  # locales of the package Faker, see models.names.data for how they were chosen
    "Arabic": ("fr_DZ",), "Armenian": ("hy_AM",), "Chinese": ("zh_CN", "zh_TW"), "Croatian": ("hr_HR",), "Dutch": ("nl_NL",),
    "English": ("en_GB",), "Estonian": ("et_EE",), "Finnish": ("fi_FI",), "French": ("fr_FR", "fr_CA"), "Georgian": ("ka_GE",),
    "German": ("de_DE", "de_AT"), "Greek": ("el_GR",), "Irish": ("ga_IE",), "Italian": ("it_IT",), "Polish": ("pl_PL",),
    "Russian": ("ru_RU",), "Slovak": ("sk_SK",), "Spanish": ("es_ES",), "Swedish": ("sv_SE",), "Ukrainian": ("uk_UA",),
    "Zulu": ("zu_ZA",),
}  # fmt: skip

CORPORA = {
    "names": Corpus(
        title="Surnames of 21 languages",
        source="package Faker, locales " + ", ".join(locale for locales in LANGUAGES.values() for locale in locales),
        licence="MIT, the authors of Faker",
        address="https://pypi.org/project/Faker/",
        not_fetched="'names' needs no download: these names come with the package Faker.",
    ),
    "names18": Corpus(
        title="Surnames of 18 languages, the data of the PyTorch tutorial",
        source="collected by S. Robertson for the tutorial on classifying names with a character RNN",
        licence="the tutorial's code is MIT; the lists carry no statement of their own",
        address="https://download.pytorch.org/tutorial/data.zip",
        path="names_by_language/names",
        sha256="fb317e80248faeb62dc25ef3390ae24ca34b94e276bbc5141fd8862c2200bff5",  # as the tutorials' own tests download it
        size=(18_000, 22_000),
    ),
}

SEEDS = 5  # networks of a recipe that differ in their random seed, to show how much it matters

RECIPES = {  # loss and seeds: see models.names.training
    name: {
        "corpus": name.split("-")[0],
        "arguments": {"cell": cell, "units": units, "dropout": 0.2, "letters": 0.02, "recurrent": 0.1},
        "loss": {"letters": 0.2, "weighting": 0.5, "recombined": 150_000},
        "recipe": {"epochs": 14, "batch": 64, "learning_rate": rate, "decay": 0.01, "checks": 1},
    }
    for name, cell, units, rate in (
        ("names-gru", "gru", 256, 4e-3),
        ("names-lstm", "lstm", 192, 4e-3),
        ("names-rnn", "rnn", 256, 1e-3),
        ("names18-gru", "gru", 256, 4e-3),
    )
}
for name in ("names-gru", "names18-gru"):
    RECIPES[name]["loss"] |= {"weighting": 0.3, "teachers": 4}
    RECIPES[name]["recipe"] |= {"epochs": 20, "precision": "bfloat16"}
    RECIPES[name]["seeds"] = SEEDS

FAMILY = Family(
    kind="classifier",
    network="models.names.network:Classifier",
    card="models.names.card:Card",
    check="models.card:check_labels",
    recipes=RECIPES,
    corpora=CORPORA,
    data="models.names.data",
    training="models.names.experiments.scoring",
    headline={"accuracy": "accuracy {:.3f}", "macro_f1": "macro F1 {:.3f}"},
    emits=frozenset({"trace", "class_probabilities"}),
    commands="models.names.commands",
)

__getattr__ = handed_on(
    __name__,
    {"network": ("Classifier",), "data": ("VOCABULARY", "Names", "fetch", "find", "is_held_out", "read", "surnames")},
)
