"""Result tables of name classifiers, with n-grams and the most frequent class as baselines."""

import statistics

from models.names import SEEDS
from models.results import Cards, Table, code, interval, split_of

BY_SEED = ("accuracy", "macro_f1", "nats_per_name")
T_95 = 2.776  # two-sided 95 % quantile of Student's t with SEEDS - 1 = 4 degrees of freedom

SCORES = {
    "accuracy": "accuracy",
    "macro_recall": "macro recall",
    "macro_f1": "macro F1",
    "nats_per_name": "nats per name",
    "brier": "Brier score",
    "calibration_error": "calibration error",
}
BASELINES = {"ngram_logistic": "character n-grams, logistic regression", "majority": "always the most frequent class"}


def tables(cards: Cards) -> list[Table]:
    """Scores of each network, followed by the baselines and the upper bounds of each collection; accuracy by stem."""
    rows = []
    collections = dict.fromkeys(card["data"]["corpus"] for card in cards.values())
    for corpus in collections:
        members = {name: card for name, card in cards.items() if card["data"]["corpus"] == corpus}
        for name, card in members.items():
            rows.append([code(name), f"{card['parameters']:,}", *_scores(card["scores"])])
        title, scores = card["data"]["title"], card["scores"]
        rows += [[f"{words} ({title})", "", f"{scores['names']:,}", *_scores(scores[key])[1:]] for key, words in BASELINES.items()]
        ceiling = [f"{scores['ceiling'][key]:.3f}" if key in scores["ceiling"] else "" for key in SCORES]
        rows.append([f"best score any spelling-based classifier can reach ({title})", "", f"{scores['names']:,}", *ceiling])
    about = (
        f"Held-out names of {split_of(cards)}. A spelling of several languages counts once for each of them, so a perfect score is "
        "impossible."
    )
    by_stem = Table(
        "Name classifiers by similarity to training names",
        "Accuracy on held-out names that share their first letters with a training name of their language, and on the others.",
        ("network", "letters shared", "names like training names", "accuracy", "other names", "accuracy"),
        [_stems(name, card["scores"]["by_stem"]) for name, card in cards.items() if "by_stem" in card["scores"]],
    )
    return [Table("Name classifiers", about, ("network", "parameters", "names", *SCORES.values()), rows), by_stem, _by_seed(cards)]


def _by_seed(cards: Cards) -> Table:
    """Mean scores of the networks of all seeds, each followed by the n-grams with and without a prior."""
    rows = []
    for name, card in cards.items():
        if len(card.get("seeds", ())) == SEEDS:
            grams = card["scores"]["ngram_logistic"]
            rows.append([code(name), *(_mean([row[key] for row in card["seeds"]]) for key in BY_SEED)])
            for words, scores in (("", grams), (f", prior to the power {grams['with_prior']['power']:.1f}", grams["with_prior"])):
                rows.append([f"n-grams for {code(name)}{words}", *(f"{scores[key]:.3f}" for key in BY_SEED)])
    about = (
        f"Mean over {SEEDS} seeds on dev with its 95 % interval (Student's t); the published network is that of the first seed. The "
        "n-grams weight all classes equally; with a prior, their probabilities are multiplied by the class sizes to the power that is "
        "best for them on dev."
    )
    return Table("Name classifiers by seed", about, ("network", *(SCORES[key] for key in BY_SEED)), rows)


def _mean(values: list[float]) -> str:
    middle, width = statistics.mean(values), T_95 * statistics.stdev(values) / SEEDS**0.5
    return interval(middle, (middle - width, middle + width), ".3f")


def _stems(name: str, parts: dict) -> list[str]:
    scores = [cell for key in ("known", "new") for cell in (f"{parts[key]['names']:,}", f"{parts[key]['accuracy']:.3f}")]
    return [code(name), str(parts["letters"]), *scores]


def _scores(scores: dict) -> list[str]:
    return [f"{scores['names']:,}", *(f"{scores[key]:.3f}" for key in SCORES)]
