"""Both distributions, built once and installed without their dependencies: `import explorer` alone, and the console script."""

import json
import os
import socket
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import models
from tests.browser import chromium
from tests.browser.chromium import ROOT

APP = "recurrent_explorer_app"
BUILD = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
UNSHIPPED = {"__pycache__", "node_modules"}


def project(folder: Path) -> dict:
    """What a pyproject.toml says of its distribution."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


LIBRARY, WHOLE = project(ROOT), project(ROOT / APP)


@dataclass(frozen=True)
class Installed:
    """The wheel of a distribution, and the folder that it was installed into."""

    wheel: Path
    folder: Path

    def names(self) -> list[str]:
        """Files of the wheel."""
        with zipfile.ZipFile(self.wheel) as archive:
            return archive.namelist()


def installed(source: Path, folder: Path) -> Installed:
    """Build the wheel of a folder and install it, with nothing else, into a folder of its own."""
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=source, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    target = folder / "site-packages"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", str(target), str(wheel)], check=True, capture_output=True)
    return Installed(wheel, target)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return installed(ROOT, tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return installed(ROOT / APP, tmp_path_factory.mktemp("app"))


def closure(names: list[str]) -> set[str]:
    """Distributions of this environment that some need, with themselves."""
    needed, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            requirements = [Requirement(line) for line in metadata.requires(name) or ()]
            waiting += [need.name for need in requirements if need.marker is None or need.marker.evaluate({"extra": ""})]
    return needed


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what `import explorer` may need and nothing else: numpy, torch, and what these need."""
    folder = tmp_path_factory.mktemp("bare")
    for name in closure([Requirement(line).name for line in LIBRARY["dependencies"]]):
        for part in {file.parts[0] for file in metadata.files(name) or ()} - {"..", "__pycache__"}:
            (folder / part).symlink_to(Path(str(metadata.distribution(name).locate_file(part))))
    return folder


RECORD = """
import importlib, importlib.util, json, pkgutil, sys
sys.path[:0] = json.loads(sys.argv[1])
absent = [name for name in ("streamlit", "jaxtyping", "pandas", "models", "app") if importlib.util.find_spec(name) is None]
import explorer, torch
for module in pkgutil.walk_packages(explorer.__path__, "explorer."):
    if not module.name.startswith("explorer.figures."):
        importlib.import_module(module.name)
lstm = torch.nn.LSTM(8, 16, num_layers=2, batch_first=True).eval()
with explorer.record(lstm) as recording:
    lstm(torch.randn(1, 5, 8))
trace = recording.trace(tuple("hello"))
print(json.dumps({"absent": absent, "cell": trace.cell.shape, "gates": sorted(trace.gates), "file": explorer.__file__}))
"""


def test_the_library_needs_numpy_and_torch_alone(library: Installed, bare: Path, tmp_path: Path):
    paths = json.dumps([str(library.folder), str(bare)])
    done = subprocess.run([sys.executable, "-I", "-S", "-c", RECORD, paths], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["absent"] == ["streamlit", "jaxtyping", "pandas", "models", "app"]
    assert answer["cell"] == [5, 2, 16] and answer["gates"] == ["candidate", "forget", "input", "output"]
    assert answer["file"] == str(library.folder / "explorer/__init__.py")


def files(folder: Path) -> set[str]:
    """Files of a folder of the project that a wheel should hold."""
    paths = (path for path in folder.rglob("*") if path.is_file() and not UNSHIPPED & set(path.parts))
    return {str(path.relative_to(ROOT)) for path in paths}


def test_the_library_is_the_folder_explorer_alone(library: Installed):
    assert library.wheel.stat().st_size < 2_000_000
    assert {name for name in library.names() if ".dist-info/" not in name} == files(ROOT / "explorer")


def test_the_app_lies_under_one_folder(app: Installed):
    names = app.names()
    assert {name.split("/")[0] for name in names} == {APP, f"{APP}-{WHOLE['version']}.dist-info"}
    shipped = files(ROOT / "pages") | files(ROOT / "models") | files(ROOT / "checkpoints") | {"app.py", ".streamlit/config.toml", "LICENSE"}
    own = {f"{APP}/{name}" for name in ("__init__.py", "__main__.py", "headers.py", "server.py", "upload_limit.py")}
    assert {name for name in names if ".dist-info/" not in name} == own | {f"{APP}/{name}" for name in shipped}


def test_versions_and_requirements_agree():
    version = LIBRARY["version"]
    assert WHOLE["version"] == version and f"\n## {version}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert LIBRARY["optional-dependencies"]["app"] == [f"{WHOLE['name']}=={version}"]
    pins = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert WHOLE["dependencies"] == [f"{LIBRARY['name']}=={version}", *pins]
    assert [Requirement(line).name for line in LIBRARY["dependencies"]] == ["numpy", "torch"]
    tested = {Requirement(pin).name: next(iter(Requirement(pin).specifier)).version for pin in pins}
    asked = [Requirement(line) for line in (*LIBRARY["dependencies"], *LIBRARY["optional-dependencies"]["figures"])]
    assert all(tested[need.name] in need.specifier for need in asked)


@pytest.fixture(scope="module")
def environment(library: Installed, app: Installed) -> dict[str, str]:
    """An environment that sees both distributions and the libraries of the tests, and of this project nothing else."""
    return {"PYTHONPATH": os.pathsep.join([str(app.folder), str(library.folder)])}


def script(app: Installed) -> str:
    """The console script."""
    return str(app.folder / "bin/recurrent-explorer")


def test_the_script_runs_the_commands_of_the_models(app: Installed, environment: dict[str, str], tmp_path: Path):
    settings = os.environ | environment
    done = subprocess.run([script(app), "list", "--json"], cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(json.loads(done.stdout)["networks"]) == list(models.available(models.FOLDER))


def test_what_is_missing_is_asked_of_the_script_and_looked_for_here(app: Installed, environment: dict[str, str], tmp_path: Path):
    settings = {name: value for name, value in os.environ.items() if name != "EXPLORER_DATA"} | environment
    done = subprocess.run([script(app), "count", "shakespeare"], cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.endswith("recurrent-explorer fetch shakespeare\n"), done.stderr
    text = tmp_path / "data/tinyshakespeare/input.txt"
    text.parent.mkdir(parents=True)
    text.write_bytes(b"\xff")
    done = subprocess.run([script(app), "count", "shakespeare"], cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)
    assert f"{text} is not UTF-8 text" in done.stderr


@pytest.fixture(scope="module")
def server(app: Installed, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Server]:
    """The script without a command, started from an empty folder."""
    port = chromium.free_port()
    folder = tmp_path_factory.mktemp("server")
    start = chromium.Start([script(app), "--port", str(port)], tmp_path_factory.mktemp("empty"), environment)
    with chromium.running(start, port, folder) as server:
        yield server


def test_the_first_page_paints_with_the_settings_of_the_project(browser, server: chromium.Server, visit):
    settings = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))
    page = visit(f"{server.url}/?hidden_states.panel=Your+own+network", scheme="dark")
    page.wait_for_selector(".view[data-unit]", timeout=120_000)
    background = page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")
    red, green, blue = bytes.fromhex(settings["theme"]["dark"]["backgroundColor"].removeprefix("#"))
    assert background == f"rgb({red}, {green}, {blue})"
    assert f"{settings['server']['maxUploadSize']}MB" in page.get_by_test_id("stFileUploader").inner_text()
    assert (page.locator("link[rel='shortcut icon']").get_attribute("href") or "").startswith("data:image/png;base64,"), (
        "fetched from elsewhere"
    )
    with pytest.raises(OSError):  # only 127.0.0.1 listens: that is localhost
        socket.create_connection(("127.0.0.2", int(server.url.rsplit(":", 1)[1])), timeout=5).close()
