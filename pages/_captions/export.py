"""Export from the Captions page: the link, the words as CSV, and Python code that computes them again."""

import pandas as pd

from models import Loaded
from models.captioning.experiments.captions import CaptionRun
from pages._captions import gallery
from pages._captions.compute import View
from pages._ui import export, uploads

KEY = "captions.export"


def panel(view: View, about: dict, network: Loaded, run: CaptionRun) -> None:
    """The link, the words, and tested code for a notebook."""
    is_own = view.picture.startswith(gallery.OWN)
    restores = (
        "Copy the address of this page: it restores everything but your own picture."
        if is_own
        else "Copy the address of this page: it restores the picture, network, word and hidden regions."
    )
    frame = pd.DataFrame({"word": run.words, "log_probability": run.hypothesis.log_probabilities, "visual_nats": run.visual})
    if run.gates is not None:
        frame["visual_gate"] = run.gates
    if run.without:
        frame[[f"change_{view.fill}", "change_mean_features"]] = run.without.change.T
    export.panel(KEY, restores, [export.csv("csv", "Words (CSV)", view.model, lambda: frame)], notebook(view))


def notebook(view: View) -> str:
    """Python code that computes what the page shows, without the page."""
    source, load = uploads.in_lines(view.model)
    is_scene = view.picture.startswith(gallery.SCENE)
    picture = f"scenes.picture(scenes.scene({view.picture.removeprefix(gallery.SCENE)}))" if is_scene else f"opened({_file(view)})"
    files = "from importlib.resources import files\n\n" if "files(" in picture else ""
    return f"""{files}{source}
from models.captioning.experiments.captions import caption_with_regions
from models.captioning.images import opened, squashed
from models.scenes import data as scenes

picture = squashed({picture})
run = caption_with_regions({load}, picture, hidden={list(view.hidden)}, fill={view.fill!r})
print(run.text, run.hypothesis.log_probabilities.sum())
print(run.visual.round(2))  # nats that each word gains from the picture
print(run.needed.shape)  # occlusion map: word, region
print(run.without.change.round(2))  # change of each log probability with hidden regions: other pixels, mean features
"""


def _file(view: View) -> str:
    """The path of a picture on any machine: a file of this project or of scikit-learn."""
    photo = gallery.PHOTOS.get(view.picture.removeprefix(gallery.PHOTO))
    if photo is None:
        return "'your picture.jpg'"
    if (gallery.HERE / photo.file).is_file():
        return f"'pages/_captions/photographs/{photo.file}'"
    return f"files('sklearn') / 'datasets' / 'images' / {photo.file!r}"
