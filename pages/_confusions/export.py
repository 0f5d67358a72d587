"""Export from the Confusions page: the link, the counts, every prediction, and Python code that computes them again."""

from explorer.figures import confusion as figures
from models.names.experiments import Confusions
from pages._confusions import matrix
from pages._confusions.compute import OWN, View
from pages._ui import export

KEY = "confusions.export"


def panel(view: View, about: dict, counted: Confusions | None) -> None:
    """The link, the counts, every prediction, and tested code for a notebook."""
    restores = "Copy the address of this page: it restores the view, without your own names."
    name, files = f"{view.model}-{view.part}", []
    if counted is not None:
        files.append(
            export.csv("matrix", "Confusion matrix (CSV)", f"{name}-matrix", lambda: figures.table(counted.matrix, counted.shared))
        )
    if counted is not None and (answers := counted.answers) is not None:
        label = "All names with predictions (CSV)"
        files.append(export.csv("names", label, f"{name}-names", lambda: matrix.frame(answers, about["labels"])))
    export.panel(KEY, restores, files, notebook(view, about))


def notebook(view: View, about: dict) -> str:
    """Python code that computes what the page shows, without the page."""
    own = "labelled('your file.csv')"
    side = "train" if view.part == "train" else "dev"
    rows = (
        f"table = {own}"
        if view.part == OWN
        else f"train, dev = names.read(names.find({about['data']['corpus']!r})).split()\n"
        f"table = Labelled({side}.texts, tuple({side}.labels[target] for target in {side}.targets))"
    )
    return f"""import models
from explorer.analysis.confusion import accuracy, class_scores, most_confused
from models.names import data as names
from models.names.answers import answers_to_rows
from models.names.experiments import confusions
from models.names.network import after_each_letter
from models.names.table import Labelled, labelled

loaded = models.load({view.model!r})
labels = loaded.card["labels"]
p = after_each_letter(loaded, {view.text!r})  # letter, class
print(labels[p[-1].argmax()], float(p[-1].max()))
{rows}
matrix = confusions(labels, answers_to_rows(loaded, table)).matrix
print(accuracy(matrix), class_scores(matrix).macro_f1)
for pair in most_confused(matrix, 5):
    print(pair.words)
"""
