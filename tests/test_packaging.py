"""What the app's distributions hold, asked of its build hook: no file is packed here. tests/browser/test_installed.py builds the wheel."""

from pathlib import Path

import pytest

from recurrent_explorer_app.hatch_build import PARTS, Parts

ROOT = Path(__file__).parent.parent
APP = ROOT / "recurrent_explorer_app"


def included(root: Path, target: str) -> dict[str, str]:
    """Files of the project by their path, as the hook adds them to a distribution that is built in a folder."""
    build_data: dict = {"force_include": {}}
    hook = Parts(str(root), {}, None, None, str(root), target)  # type: ignore[arg-type]
    hook.initialize("standard", build_data)
    return build_data["force_include"]


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """A folder with the parts that the hook gives a source distribution, as links."""
    for path, part in included(APP, "sdist").items():
        (tmp_path / part).parent.mkdir(exist_ok=True)
        (tmp_path / part).symlink_to(path)
    return tmp_path


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_every_part_is_taken_from_the_tree(target: str):
    parts = included(APP, target)
    assert list(parts) == [str(ROOT / part) for part in PARTS] and all(Path(path).exists() for path in parts)
    prefix = f"{APP.name}/" if target == "wheel" else ""
    assert list(parts.values()) == [prefix + part for part in PARTS]


def test_a_wheel_can_be_built_from_the_source_distribution(unpacked: Path):
    parts = included(unpacked, "wheel")
    assert all(Path(path).exists() and Path(path).is_relative_to(unpacked) for path in parts)
    assert list(parts.values()) == list(included(APP, "wheel").values())
