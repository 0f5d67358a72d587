"""What translating costs, as ratios taken side by side in one run: python -m tests.benchmarks.translation

One network of the size that ships, with random weights, one thread; the time from a sentence to the matrix on the page
beside the time of the translation alone.
"""

import torch

from explorer.figures import alignment as figures
from explorer.records import Alignment
from models.decoding import Search
from models.translation.network import Seq2Seq
from models.translation.translate import BEAM, GREEDY, by_words, translate, translate_all
from models.vocabulary.subwords import END
from tests.benchmarks.measure import interleaved, row
from tests.models.translation.tiny_translation import sentences, vocabulary

SENTENCES = 64
LONGEST = 12  # pieces of a translation: random weights never come to an end


def run() -> list[dict]:
    """Every ratio with its limit."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    pieces = vocabulary()
    module = Seq2Seq(4_000, "additive", units=320, embedding=256, width=192).eval().requires_grad_(False)
    module.bias[len(pieces) :] = -torch.inf  # pieces that this vocabulary does not hold are never written
    module.bias[END] = -torch.inf
    texts = [source for source, _ in sentences(SENTENCES)]
    greedy, beam = (Search(width=width, longest=LONGEST) for width in (GREEDY.width, BEAM.width))

    def one_by_one() -> None:
        for text in texts:
            translate(module, pieces, text, greedy)

    def drawn() -> None:
        translated = translate(module, pieces, texts[0], greedy)
        best = translated.hypotheses[0]
        assert best.attention is not None
        source, target, weights = by_words(pieces, translated.source, best.tokens, best.attention)
        figures.matrix(Alignment(tuple(source), tuple(target), weights), 0).to_dict()

    def together(search: Search) -> None:
        translate_all(module, pieces, texts, search)

    batched = interleaved(one_by_one, lambda: together(greedy), 3)
    wide = interleaved(lambda: together(beam), lambda: together(greedy), 3)
    pictured = interleaved(drawn, lambda: translate(module, pieces, texts[0], greedy))
    return [
        row(f"{SENTENCES} sentences one by one / in batches", batched, 3.0, False),
        row("beam of 5 / greedy", wide, 10.0),
        row("sentence to matrix / translation alone (Altair builds it)", pictured, 15.0),
    ]


if __name__ == "__main__":
    from tests.benchmarks.sessions import show

    show(run())
