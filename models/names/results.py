"""Result tables of name classifiers, with n-grams and the most frequent class as baselines."""

from models.results import Cards, Table, code, split_of

SCORES = {
    "accuracy": "accuracy",
    "macro_recall": "macro recall",
    "macro_f1": "macro F1",
    "nats_per_name": "nats per name",
    "brier": "Brier",
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
        "Accuracy on held-out names whose first letters begin a training name, and on the others.",
        ("network", "letters", "names like training names", "accuracy", "other names", "accuracy"),
        [_stems(name, card["scores"]["by_stem"]) for name, card in cards.items() if "by_stem" in card["scores"]],
    )
    return [Table("Name classifiers", about, ("network", "parameters", "names", *SCORES.values()), rows), by_stem]


def _stems(name: str, parts: dict) -> list[str]:
    scores = [cell for key in ("known", "new") for cell in (f"{parts[key]['names']:,}", f"{parts[key]['accuracy']:.3f}")]
    return [code(name), str(parts["letters"]), *scores]


def _scores(scores: dict) -> list[str]:
    return [f"{scores['names']:,}", *(f"{scores[key]:.3f}" for key in SCORES)]
