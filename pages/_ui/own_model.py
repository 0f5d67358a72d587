"""A visitor's own network on a page: the uploader, what is wrong with files that do not open, and lines of Python to start from."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from explorer.errors import ExplorerError
from models import family
from pages._ui import networks, uploads

# A module with a tap: what it reads, of how many places; before it stand imports, after it what is done with the alignment.
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
            weights = self.attention((state @ {memory}.T).softmax(-1))  # through which your weights pass
            state = self.decoder(word[None], state + weights @ {memory})
        return state

module = Mine().eval()
with explorer.record(module) as recording:
    module(torch.randn({count}, 6), torch.randn(2, 4))
{after}
"""


@dataclass(frozen=True)
class OwnModel:
    """What a page declares of the networks that visitors bring.

    Args:
        page: What the keys of its widgets begin with; `page.model` holds the chosen network.
        emits: What a network has to give so that the page can show it, keys of models.family.EMITS.
        opened: Called after another network was chosen.
        made, save: Title, and lines of Python that write such a file.
        recorded, record: Title, and lines of Python that record any module without the page.
    """

    page: str
    emits: tuple[str, ...]
    opened: Callable[[], None]
    made: str
    save: str
    recorded: str
    record: str

    def panel(self, *_: object) -> None:
        """The uploader, the damaged files of the folder, and lines of Python that are tested; what the page shows plays no part."""
        self._uploader()
        for column, title, lines in zip(st.columns(2), (self.made, self.recorded), (self.save, self.record), strict=True):
            column.markdown(title)
            column.code(lines, language="python")

    def _uploader(self) -> None:
        st.file_uploader("Open a checkpoint of your own", type="safetensors", key=f"{self.page}.own.file", on_change=self._open)
        if error := st.session_state.pop(f"{self.page}.own.error", None):
            st.error(error, icon=":material/error:")
        st.caption(
            "It stays on this server for as long as that runs, is seen by nobody without its name, and nothing in it is executed: "
            "a file is parsed and compared with what it promises."
        )
        if damaged := networks.damaged():
            st.markdown("**Files in `checkpoints/` that do not open**")
            for name, sentence in damaged.items():
                st.warning(f"{name}: {sentence}", icon=":material/broken_image:")

    def _open(self) -> None:
        file, state = st.session_state[f"{self.page}.own.file"], st.session_state
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
