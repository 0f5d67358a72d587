"""When a run of long work gives way: to a gesture of the visitor, not to a timer, and to the end of the session."""

from types import SimpleNamespace

import pytest
from streamlit.runtime.scriptrunner import RerunException, StopException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

from pages._ui import progress

GESTURE, TIMER = RerunData(fragment_id="page"), RerunData(fragment_id="watch", is_auto_rerun=True)
NESTED, BUTTON = RerunData(fragment_id="watch"), RerunData(fragment_id="other")


@pytest.fixture
def gives_way(monkeypatch):
    """Fragments of the run that follows, None if this run goes on."""

    def after(requests: ScriptRequests, running: list[str]) -> set[str] | None:
        context = SimpleNamespace(script_requests=requests, yield_check=lambda: None, fragment_ids_this_run=running)
        monkeypatch.setattr(progress, "get_script_run_ctx", lambda: context)
        try:
            progress.give_way()
        except RerunException as error:
            return set(error.rerun_data.fragment_id_queue)
        return None

    return after


@pytest.mark.parametrize(
    ("running", "asked", "then"),
    [
        ([], [], None),
        ([], [TIMER], None),
        ([], [TIMER, TIMER], None),
        ([], [GESTURE], set()),  # a whole run is followed by a whole run
        ([], [TIMER, GESTURE], set()),
        ([], [GESTURE, TIMER], set()),
        (["page"], [TIMER], None),
        (["page"], [NESTED], None),  # that part of the page runs after this one
        (["page"], [GESTURE], {"page"}),
        (["page"], [GESTURE, TIMER], {"page", "watch"}),
        (["page"], [BUTTON, GESTURE], {"page", "other"}),
        (["watch"], [GESTURE], None),
    ],
)
def test_a_run_gives_way_to_a_gesture_and_not_to_a_timer(gives_way, running: list[str], asked: list[RerunData], then: set[str] | None):
    requests = ScriptRequests()
    assert all(requests.request_rerun(data) for data in asked)
    assert gives_way(requests, running) == then
    assert gives_way(requests, running) is None, "what was asked for is given way to once"


def test_a_run_ends_with_its_session(gives_way, monkeypatch):
    requests = ScriptRequests()
    requests.request_rerun(GESTURE)
    ready = requests.on_scriptrunner_ready
    monkeypatch.setattr(requests, "on_scriptrunner_ready", lambda: (requests.request_stop(), ready())[1])
    with pytest.raises(StopException):
        gives_way(requests, ["page"])
