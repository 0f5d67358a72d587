"""BLEU (sacreBLEU) and chrF of translations and captions, with bootstrap intervals and paired tests."""

from collections.abc import Sequence
from typing import Any

DRAWS = 1_000  # bootstrap samples
References = Sequence[Sequence[str]]


def columns(references: References) -> list[list[str | None]]:
    """References [sentence][version] in sacrebleu's order [version][sentence], with None where a sentence has fewer."""
    most = max(map(len, references), default=1)
    return [[versions[version] if version < len(versions) else None for versions in references] for version in range(most)]


def bleu(translations: Sequence[str], references: References) -> float:
    """Corpus BLEU, 0..100: case-sensitive, on detokenised text, tokeniser 13a, with all references of each source."""
    return _metric("bleu").corpus_score(list(translations), columns(references)).score


def scores(translations: Sequence[str], references: References) -> dict[str, Any]:
    """BLEU and chrF of a corpus with their signatures, the share of exact matches with a reference, and n.

    Args:
        translations: One translation per source.
        references: All references of each source.
    """
    result: dict[str, Any] = {}
    for name, signature in (("bleu", "signature"), ("chrf", "chrf_signature")):
        metric = _metric(name)
        result[name] = metric.corpus_score(list(translations), columns(references)).score
        result[signature] = str(metric.get_signature())
    same = sum(translation in versions for translation, versions in zip(translations, references, strict=True))
    return result | {"exact_match": same / len(translations), "sentences": len(translations)}


def of_each(translations: Sequence[str], references: References) -> dict[str, list[float]]:
    """BLEU and chrF of each sentence, 0..100, by name.

    BLEU of one sentence uses the orders that it has (effective order), for a short sentence has no 4-gram at all; still it is noisy.

    Args:
        translations: One translation per source.
        references: All references of each source.
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    metrics = {"bleu": BLEU(effective_order=True), "chrf": CHRF()}
    pairs = list(zip(translations, references, strict=True))
    return {name: [metric.sentence_score(text, list(versions)).score for text, versions in pairs] for name, metric in metrics.items()}


def with_interval(translations: Sequence[str], references: References) -> dict[str, Any]:
    """BLEU of a corpus, its 95 % bootstrap interval over sentences, and n.

    Source: Koehn, "Statistical Significance Tests for Machine Translation Evaluation", 2004, as implemented in sacrebleu.
    """
    estimate = _metric("bleu").corpus_score(list(translations), columns(references), n_bootstrap=DRAWS)
    interval = [max(0.0, estimate._mean - estimate._ci), min(100.0, estimate._mean + estimate._ci)]
    return {"bleu": estimate.score, "interval": interval, "sentences": len(translations)}


def paired(systems: dict[str, list[str]], references: References) -> dict[str, dict[str, Any]]:
    """BLEU of several systems on the same sentences, each compared with the first by sacrebleu's paired bootstrap.

    Args:
        systems: Translations by name; the first system is the baseline.
        references: All references of each source.

    Returns:
        By name: bleu, its interval (95 %), and the p-value of the difference; None for the first system. If there is no
        difference at all, p is 1; sacrebleu, which counts only larger differences, would give its smallest value.
    """
    from sacrebleu.significance import PairedTest

    wanted: Any = columns(references)
    _, by_metric = PairedTest(list(systems.items()), {"BLEU": _metric("bleu")}, wanted, "bs", DRAWS)()
    results: Any = by_metric["BLEU"]
    compared = {}
    for name, result in zip(systems, results, strict=True):
        p = 1.0 if result.p_value is not None and result.score == results[0].score else result.p_value
        compared[name] = {"bleu": result.score, "interval": [result.mean - result.ci, result.mean + result.ci], "p": p}
    return compared


def _metric(name: str) -> Any:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return {"bleu": BLEU, "chrf": CHRF}[name]()


def by_order(translations: Sequence[str], references: References, draws: int = DRAWS) -> dict[str, Any]:
    """BLEU-1 to BLEU-4 of a corpus; BLEU-n is the geometric mean of the precisions up to order n, not the precision of order n.

    Args:
        translations: One translation per source.
        references: All references of each source.
        draws: Bootstrap samples; 0 for no intervals.

    Returns:
        bleu [4], without_brevity_penalty [4], brevity_penalty, length_ratio, signature, n; and intervals [4] (95 %) of bleu.
    """
    from sacrebleu.metrics.bleu import BLEU

    wanted: Any = columns(references)
    result: dict[str, Any] = {"bleu": [], "without_brevity_penalty": []} | ({"intervals": []} if draws else {})
    for order in range(1, 5):
        metric = BLEU(max_ngram_order=order)
        computed: Any = metric.corpus_score(list(translations), wanted, n_bootstrap=draws or 1)
        result["bleu"].append(computed.score)
        result["without_brevity_penalty"].append(computed.score / computed.bp if computed.bp else 0.0)
        if draws:
            result["intervals"].append([max(0.0, computed._mean - computed._ci), min(100.0, computed._mean + computed._ci)])
        result |= {"brevity_penalty": computed.bp, "length_ratio": computed.ratio, "signature": str(metric.get_signature())}
    return result | {"sentences": len(translations)}
