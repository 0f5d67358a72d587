"""The page of captions, its texts, and what its component is sent."""

from streamlit.testing.v1 import AppTest

from models.captioning.experiments.captions import CaptionRun
from models.captioning.occlusion import Without
from models.decoding import no_report
from pages._captions import compute, state
from pages._captions.compute import View
from pages._components import picture_view
from pages._ui import networks
from tests.pages import app


def open_page(**query: str) -> AppTest:
    """The page on a scene; without `picture`, links that say more open one. See `opened_bare` for the page as it opens."""
    return app.open_page("captions", **(query or {"picture": state.FIRST}))


def opened_bare() -> AppTest:
    return app.open_page("captions")


def drawn(monkeypatch) -> list[dict]:
    """What the component is sent from now on."""
    sent: list[dict] = []
    monkeypatch.setattr(picture_view, "_view", lambda: lambda **options: sent.append(options["data"]))
    return sent


def markdown(page: AppTest) -> str:
    return "\n".join(part.value for part in page.markdown)


def run_of(view: View) -> CaptionRun:
    """What the page computes."""
    return compute.run(view, compute.picture_input(view, networks.loaded(view.model)), no_report)


def without(view: View) -> Without:
    """What the page computes with the regions of the view hidden."""
    return compute.without(view, networks.loaded(view.model))
