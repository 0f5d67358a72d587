"""A visitor's checkpoint of any kind: which room shows it, and the link that opens it there."""

import io
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import streamlit as st

from explorer.errors import ExplorerError
from models import checkpoint, family
from models.foreign.experiments.arrays import contents
from models.foreign.experiments.arrays.opening import is_recording
from models.foreign.given import content_of, given
from models.foreign.recording_code import recording_code
from models.foreign.weights import ENDINGS
from pages._attention import state as attention
from pages._captions import state as captions
from pages._confusions import compute as confusions
from pages._hidden_states import state as hidden_states
from pages._one_step import cell
from pages._one_step import state as one_step
from pages._ui import uploads
from pages._ui.link import packed
from pages._ui.progress import guard
from pages._ui.text import failure, plain
from pages._your_model import code, data, weights
from pages._your_model.weights import Kept

FILE, OPENED, ERROR, BARE, UNREAD = (f"your_model.{name}" for name in ("file", "opened", "error", "bare", "unread"))
CARD = "your_model.card"  # why the card of the shown file is not used
SERVED, READ = "your_model.served", "your_model.read"  # the file of the server that is chosen, and the one that was read
RUN = "your_model.run"  # the Python file of the server's folder that is chosen
TYPES = list(dict.fromkeys((*ENDINGS, *contents.ENDINGS)))
READ_AS, WEIGHTS, ARRAYS = "your_model.read_as", "weights of a network", "recorded values"


@dataclass(frozen=True)
class Room:
    """A page that opens a visitor's own network.

    Args:
        name: Of its file and its address.
        title: What the navigation calls it.
        opens: What a network does that it opens.
        panel: Name of its panel for own networks.
        emits: What a run of a network must give, keys of models.family.EMITS.
        view: Further parameters of the link that shows a network there.
    """

    name: str
    title: str
    opens: str
    panel: str
    emits: tuple[str, ...]
    view: str = ""

    @property
    def address(self) -> str:
        """Its panel for own networks, from any page."""
        return f"./{self.name}?{self.name}.panel={quote(self.panel)}"


OWN = "Your own network"
MOST = 3  # groups of recurrent layers of one file for which code is shown
ROOMS = (
    Room("hidden_states", "Hidden states", "predicts the next character", OWN, hidden_states.EMITS),
    Room("attention", "Attention", "translates with attention", OWN, attention.EMITS),
    Room("captions", "Captions", "describes pictures", OWN, captions.EMITS),
    Room("confusions", "Confusions", "classifies names", "Your own names", confusions.EMITS),
)
ONE_UNIT = Room("one_step", "One step", "", "", ("trace", "next_token"), f"&{one_step.VIEW}={quote(cell.TITLE)}")  # has no uploader


def uploader() -> None:
    """A field for a file; below it the links that open it, what was found in it, or why it cannot be opened."""
    label = "Open your own checkpoint, the weights of any recurrent network, or values of its states"
    file = st.file_uploader(label, type=TYPES, key=FILE, on_change=_given)
    if file is None:
        st.session_state[ERROR], st.session_state[BARE] = None, ()  # the visitor was on another page: the file is gone
        _of_the_server()
    elif st.session_state.pop(UNREAD, False):
        with st.spinner("Reading the file ..."):
            _open(file.name, file.getvalue())
    if READ_AS in st.session_state:
        st.segmented_control("The file holds", [WEIGHTS, ARRAYS], key=READ_AS, required=True, on_change=_again)
    if error := st.session_state.get(ERROR):
        failure(error)
    if refused := st.session_state.get(CARD):
        st.warning(plain(f"Its card is not used, only its weights. {refused}"), icon=":material/warning:")
    if kept := weights.panel():
        _opened(kept)
    data.panel()
    if opened := st.session_state.get(OPENED):
        links = " · ".join(f"[**{room.title}**]({_address(room, opened)})" for room in fitting(opened.kind))
        st.success(f"{plain(opened.name)} is open. See it in {links}.", icon=":material/check:")
    for lines, what in st.session_state.get(BARE, ()):
        st.markdown(f"**In Python.** This code records {plain(what)}.")
        st.code(lines, language="python", wrap_lines=True)


def _of_the_server() -> None:
    """The files that were given when the server was started: the chosen one is open until the visitor brings another."""
    if (live := given().live) is not None:
        with guard(stop=False):
            code.of_session(live)
    if _of_the_folder():
        return
    paths = given().files
    names = [file.name for file in paths]
    files = {file.name if names.count(file.name) == 1 else str(file): file for file in paths}
    if not files:
        return
    name = st.selectbox("Files with which this server was started", list(files), key=SERVED, width=320)
    is_new = _is_new(name)
    if name.endswith(".py"):
        with guard(stop=False):
            code.of_file(files[name])
    elif is_new:
        with st.spinner("Reading the file ..."), guard(stop=False):
            _open(name, content_of(files[name]))


def _is_new(name: str) -> bool:
    """Whether another file of the server was chosen than in the run before; what was shown of that one goes."""
    if st.session_state.get(READ) == name:
        return False
    if READ in st.session_state and not st.session_state.pop(UNREAD, False):
        st.session_state.pop(READ_AS, None)
        data.forget()
    st.session_state[OPENED], st.session_state[CARD], st.session_state[READ] = None, None, name
    weights.forget()
    return True


def _of_the_folder() -> bool:
    """The Python files of the folder with which the server was started; none runs before it is chosen. Returns whether one is."""
    folder = given().models
    if folder is None:
        return False
    files = given().python_files()
    name = st.selectbox(
        "Python files of this server",
        list(files),
        index=None,
        key=RUN,
        width=320,
        placeholder="Choose a file to run it",
        disabled=not files,
    )
    if name not in files:
        code_runs = "Its files are code: the one that you choose runs on the server, in a process of its own."
        holds = code_runs if files else "It holds no Python file now."
        st.caption(f"Whoever started this server named the folder {plain(folder.name)}. {holds}")
        return False
    _is_new(f"{RUN}.{name}")
    with guard(stop=False):
        code.of_file(files[name])
    return True


def is_showing() -> bool:
    """Whether the page shows a visitor's weights."""
    given_here = (given().live, given().files, st.session_state.get(RUN))
    return weights.FILE in st.session_state or data.is_showing() or any(given_here)


def fitting(kind: str) -> list[Room]:
    """The rooms that show networks of a kind."""
    return [room for room in (*ROOMS, ONE_UNIT) if kind in family.emitting(*room.emits)]


def _address(room: Room, opened: Kept) -> str:
    """The link that shows a network in a room, with the text and the unit that the visitor was looking at."""
    address = f"./{room.name}?{room.name}.model={quote(opened.name)}{room.view}"
    if not opened.text:
        return address
    layer = opened.layer if room.name == one_step.PAGE else quote(hidden_states.LAYER_NAME.format(opened.layer + 1))
    address += f"&{hidden_states.DIRECTION}=backwards" if opened.is_backward and room.name == hidden_states.PAGE else ""
    return f"{address}&{room.name}.layer={layer}&{room.name}.unit={opened.unit}&{room.name}.text={quote(packed(opened.text))}"


def _given() -> None:
    """A file was given, or taken away."""
    state = st.session_state
    state[UNREAD], state[ERROR], state[BARE], state[OPENED], state[READ] = state[FILE] is not None, None, (), None, None
    state[CARD] = None
    state.pop(READ_AS, None)
    weights.forget()
    data.forget()


def _again() -> None:
    """The same file is to be read as the other thing."""
    state = st.session_state
    state[UNREAD], state[ERROR], state[BARE], state[OPENED], state[CARD], state[READ] = True, None, (), None, None, None
    weights.forget()
    data.forget()


def _open(file: str, content: bytes) -> None:
    """Read a file: arrays are drawn, a checkpoint with a card is opened at once, of any other its weights are shown."""
    ending = Path(file).suffix.casefold().removeprefix(".")
    if ending == "npz":
        with guard(stop=False):
            st.session_state.setdefault(READ_AS, ARRAYS if is_recording(content, file) else WEIGHTS)
    if st.session_state.get(READ_AS) == ARRAYS or (ending in contents.ENDINGS and ending not in ENDINGS):
        try:
            data.keep(content, file)
        except ExplorerError as error:
            st.session_state[ERROR] = f"{error} Nothing was changed."
        return
    _open_network(file, content)


def _open_network(file: str, content: bytes) -> None:
    state = st.session_state
    try:
        name = uploads.keep(file, content, *dict.fromkeys(kind for room in ROOMS for kind in family.emitting(*room.emits)))
    except ExplorerError as error:
        try:
            weights.keep(content, file)
            state[CARD] = str(error) if _has_card(content) else None
        except ExplorerError as other:
            state[ERROR] = f"{error if file.endswith('.safetensors') else other} Nothing was changed."
        state[BARE] = recording_code(content, file)[:MOST]
        return
    card = uploads.card_of(name)
    if card:
        _opened(Kept(name, card["kind"]))


def _has_card(content: bytes) -> bool:
    """Whether a file has the card of a checkpoint of this app."""
    try:
        return "card" in checkpoint.metadata_of(io.BytesIO(content), Path("file"))
    except ExplorerError:
        return False


def _opened(kept: Kept) -> None:
    uploads.remember(kept.name)
    st.session_state[OPENED] = kept
