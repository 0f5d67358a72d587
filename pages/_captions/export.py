"""Take the view away: the link, the numbers, and the lines of Python that make them again."""

import numpy as np
import pandas as pd
import streamlit as st

from pages._captions import compute, gallery
from pages._captions.compute import Told, View
from pages._ui import uploads

KEY = "captions.export"


def panel(view: View, about: dict, told: Told) -> None:
    """Downloads, and a notebook's worth of code that is tested."""
    is_own = view.picture.startswith(gallery.OWN)
    st.caption(
        "Your own picture is in no link: the address of this page restores the rest."
        if is_own
        else "The address of this page restores picture, network, word and hidden places: copy it from the browser."
    )
    frame = pd.DataFrame({"word": told.words, "log_probability": told.hypothesis.log_probabilities, "visual_nats": told.visual})
    if told.gates is not None:
        frame["visual_gate"] = told.gates
    if view.hidden:
        frame[[f"change_{view.fill}", "change_mean_features"]] = np.transpose(compute.without(view).change)
    st.download_button("The words (CSV)", frame.to_csv(index=False), f"{view.model}.csv", "text/csv", key=f"{KEY}.csv", on_click="ignore")
    st.markdown("**The same in a notebook**, in the folder of this project:")
    st.code(notebook(view), language="python")


def notebook(view: View) -> str:
    """Lines of Python that compute what the page shows, with nothing of the page."""
    source, load = uploads.in_lines(view.model)
    number = view.picture.removeprefix(gallery.SCENE)
    picture = f"scenes.picture(scenes.scene({number}))" if number != view.picture else f"opened({_file(view)})"
    files = "from importlib.resources import files\n\n" if "files(" in picture else ""
    return f"""{files}{source}
from models.scenes import data as scenes
from models.captioning.caption import describe, eye, log_probabilities, needed, visual, without
from models.captioning.images import opened, squashed

loaded = {load}
picture = {picture}
features = eye(loaded)([squashed(picture)])[0]
caption = describe(loaded.module, loaded.vocab, features)
best = caption.hypotheses[0]
print(caption.text, best.log_probabilities.sum())
print(visual(loaded.module, features, best.tokens).round(2))  # nats that each word owes to the picture
print(needed(loaded.module, features, best.tokens).shape)  # word, region
hidden = without(loaded.module, features, {list(view.hidden)})
print((log_probabilities(loaded.module, hidden[None], best.tokens)[0] - best.log_probabilities).round(2))
"""


def _file(view: View) -> str:
    """Where a picture lies on any machine: a file of this project, or one of scikit-learn's."""
    photo = gallery.PHOTOS.get(view.picture.removeprefix(gallery.PHOTO))
    if photo is None:
        return "'your picture.jpg'"
    if (gallery.HERE / photo.file).is_file():
        return f"'pages/_captions/photographs/{photo.file}'"
    return f"files('sklearn') / 'datasets' / 'images' / {photo.file!r}"
