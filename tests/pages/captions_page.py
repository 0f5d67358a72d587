"""The page of captions, and what it draws and says."""

from streamlit.testing.v1 import AppTest

from pages._components import picture_view
from tests.pages import app


def open_page(**query: str) -> AppTest:
    return app.open_page("captions", **query)


def drawn(monkeypatch) -> list[dict]:
    """What the component is sent from now on."""
    sent: list[dict] = []
    monkeypatch.setattr(picture_view, "_view", lambda: lambda **options: sent.append(options["data"]))
    return sent


def markdown(page: AppTest) -> str:
    return "\n".join(each.value for each in page.markdown)
