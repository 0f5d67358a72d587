"""Build hook of recurrent-explorer-app: the parts that lie outside this folder, for its wheel and its source distribution."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "recurrent_explorer_app"  # of a wheel: all files are in it
PARTS = ("LICENSE", ".streamlit/config.toml", "app.py", "pages", "models", "checkpoints")


class Parts(BuildHookInterface):
    """Adds the parts: from the project's tree, where they are next to this folder, or from a source distribution, where they are in it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Tell hatchling where each part is and where it goes."""
        here = Path(self.root)
        home = here if (here / "app.py").exists() else here.parent
        target = Path(FOLDER if self.target_name == "wheel" else "")
        build_data["force_include"] |= {str(home / part): str(target / part) for part in PARTS}
