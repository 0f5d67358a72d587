"""Take the view away: the link, the numbers, and the lines of Python that make them again."""

from models.translation.experiments.edits import ALIKE, Sentence
from pages._attention import matrix
from pages._attention.compute import View
from pages._ui import export, uploads

KEY = "attention.export"


def panel(view: View, about: dict, shown: Sentence) -> None:
    """The link, the matrix, and a notebook's worth of code that is tested."""
    restores = "The address of this page restores sentence, network, row, edits and panel: copy it from the browser."
    numbers = [export.csv("csv", "The matrix (CSV)", view.model, lambda: matrix.frame(shown))] if shown.alignment is not None else []
    export.panel(KEY, restores, numbers, notebook(view))


def notebook(view: View) -> str:
    """Lines of Python that compute what the page shows, with nothing of the page."""
    source, load = uploads.in_lines(view.model)
    looks = [(edit.step, None if edit.value == ALIKE else edit.value) for edit in view.edits if edit.kind == "look"]
    writes = {edit.step: edit.value for edit in view.edits if edit.kind == "write"}
    return f"""{source}
from models.decoding import Edits
from models.translation.translate import GREEDY, by_words, source_of, translate, weights_on

loaded = {load}
text = {view.text!r}
source = source_of(loaded.vocab, text)
looks = {{step: weights_on(loaded.vocab, source, word) for step, word in {looks}}}
found = translate(loaded.module, loaded.vocab, text, GREEDY, Edits({writes}, looks))
best = found.hypotheses[0]
print(found.text, best.log_probabilities.sum())
if best.attention is not None:
    columns, rows, weights = by_words(loaded.vocab, found.source, best.tokens, best.attention)
    print(weights.round(2))  # target word, source word
"""
