"""Export from the Attention page: the link, the matrix as CSV, and Python code that computes it again."""

from models.translation.experiments.edits import ALIKE, Sentence
from pages._attention import matrix
from pages._attention.compute import View
from pages._ui import export, uploads

KEY = "attention.export"


def panel(view: View, about: dict, shown: Sentence) -> None:
    """The link, the matrix, and tested code for a notebook."""
    restores = "Copy the address of this page: it restores the sentence, network, row, edits and panel."
    numbers = [export.csv("csv", "The matrix (CSV)", view.model, lambda: matrix.frame(shown))] if shown.alignment is not None else []
    export.panel(KEY, restores, numbers, notebook(view))


def notebook(view: View) -> str:
    """Python code that computes what the page shows, without the page."""
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
translation = translate(loaded.module, loaded.vocab, text, GREEDY, Edits({writes}, looks))
best = translation.hypotheses[0]
print(translation.text, best.log_probabilities.sum())
if best.attention is not None:
    columns, rows, weights = by_words(loaded.vocab, translation.source, best.tokens, best.attention)
    print(weights.round(2))  # target word, source word
"""
