"""Panel "Your own network": an uploader, errors of files that cannot be opened, and Python code to start from."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from explorer.errors import ExplorerError
from models import family
from pages._ui import networks, uploads
from pages._ui.glossary import terms
from pages._ui.text import failure, plain

# Code of a module with a tap. To fill in: imports, name and length of its memory, and what follows the recording.
TAPPED = """from pathlib import Path

{imports}

class Mine(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.decoder = torch.nn.GRUCell(4, 6)
        self.attention = explorer.Tap("attention")  # a tap

    def forward(self, {memory}, words):  # [in, 6], [out, 4]
        state = torch.zeros(1, 6)
        for word in words:
            weights = self.attention((state @ {memory}.T).softmax(-1))  # pass your weights through it
            state = self.decoder(word[None], state + weights @ {memory})
        return state

module = Mine().eval()
with explorer.record(module) as recording:
    module(torch.randn({count}, 6), torch.randn(2, 4))
{after}
"""


@dataclass(frozen=True)
class OwnModel:
    """What a page declares about uploaded networks.

    Args:
        page: Prefix of the keys of its widgets; `page.model` holds the chosen network.
        emits: What a run of a network must give for this page, keys of models.family.EMITS.
        opened: Called after another network was chosen.
        made, save: Title, and Python code that writes a checkpoint.
        recorded, record: Title, and Python code that records any module without the page.
    """

    page: str
    emits: tuple[str, ...]
    opened: Callable[[], None]
    made: str
    save: str
    recorded: str
    record: str

    def panel(self, *_: object) -> None:
        """The uploader, the damaged files of the folder, and Python code; independent of the view."""
        self._uploader()
        for column, title, lines in zip(st.columns(2), (self.made, self.recorded), (self.save, self.record), strict=True):
            column.markdown(title)
            column.code(lines, language="python")
        terms("checkpoint")

    def _uploader(self) -> None:
        st.file_uploader("Open your own checkpoint", type="safetensors", key=f"{self.page}.own.file", on_change=self._open)
        if error := st.session_state.pop(f"{self.page}.own.error", None):
            failure(error)
        st.caption(
            f"The file stays on this server until it restarts, or until you have uploaded {uploads.OWN_MOST} others. "
            "Only people who know its name can open it. "
            "It is parsed and checked, never executed."
        )
        if damaged := networks.damaged():
            st.markdown("**Files in `checkpoints/` that cannot be opened**")
            for name, sentence in damaged.items():
                st.warning(plain(f"{name}: {sentence}"), icon=":material/broken_image:")

    def _open(self) -> None:
        file, state = st.session_state[f"{self.page}.own.file"], st.session_state
        state.pop(f"{self.page}.own.error", None)
        if file is None:
            return
        try:
            name = uploads.keep(file.name, file.getvalue(), *family.emitting(*self.emits))
        except ExplorerError as error:
            state[f"{self.page}.own.error"] = f"{error} Nothing was changed."
            return
        uploads.remember(name)
        state[f"{self.page}.model"] = name
        self.opened()
