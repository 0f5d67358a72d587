"""The structure of the house in numbers: files in each folder, import edges, floors, circles, lines.

    python -m tests.structure [--root CHECKOUT]

It counts what `tests/test_architecture.py` holds: imports between the files of explorer, models and pages, also those inside
functions. An edge is one file that imports another; seen from a folder, one of its entries that imports another of its entries.
"""

import argparse
import ast
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("explorer", "models", "pages")


def lines_of_code(node: ast.AST, source: list[str]) -> int:
    """Lines that hold code: docstrings, comments and blank lines left out."""
    skip: set[int] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(inner) is not None:
            doc = inner.body[0]
            skip |= set(range(doc.lineno, (doc.end_lineno or doc.lineno) + 1))
    first, last = (1, len(source)) if isinstance(node, ast.Module) else (node.lineno, node.end_lineno)  # type: ignore[attr-defined]
    rows = range(first, last + 1)
    return sum(1 for row in rows if row not in skip and source[row - 1].strip() and not source[row - 1].strip().startswith("#"))


def javascript_functions(text: str) -> list[tuple[str, int]]:
    """Name and length of each top-level function of a file written one function after the other."""
    lengths, name, start = [], "", 0
    for index, line in enumerate(text.splitlines()):
        if line.startswith(("function ", "export function ", "export default function")):
            name, start = line.split("(")[0].split()[-1], index
        if line == "}" and name:
            lengths.append((name, index - start + 1))
            name = ""
    return lengths


def bound_names(nodes: list[ast.AST]) -> set[str]:
    """Names of parameters, locals and loop variables."""
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return stored | {node.arg for node in nodes if isinstance(node, ast.arg)}


def arguments_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Names of its parameters beside self."""
    args = function.args
    return [a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs) if a.arg not in ("self", "cls")]


def module_of(path: Path, root: Path) -> str:
    """The dotted name of a file."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def source_of(node: ast.ImportFrom, package: list[str]) -> str:
    """The module that a from-import names; `package` resolves a relative one."""
    start = package[: len(package) - node.level + 1] if node.level else []
    return ".".join([*start, *([node.module] if node.module else [])])


def module_name(path: Path) -> str:
    """The dotted name of a file of this checkout."""
    return module_of(path, ROOT)


def imports(path: Path, nodes: list[ast.AST]) -> set[str]:
    """Every module that a file names in an import, inside functions too, relative ones resolved."""
    package = module_name(path).split(".") if path.name == "__init__.py" else module_name(path).split(".")[:-1]
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            module = source_of(node, package)
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names if exists(f"{module}.{alias.name}")}
    return names


@cache
def exists(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def functions(nodes: Iterable[ast.AST]) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions among them."""
    return [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


class File:
    """A file, read, parsed and walked through once for all rules."""

    def __init__(self, path: Path):
        text = path.read_text(encoding="utf-8")
        self.path, self.tree, self.source = path, ast.parse(text), text.splitlines()
        self.nodes = list(ast.walk(self.tree))
        self.imports = imports(path, self.nodes)


def imported(tree: ast.AST, package: list[str], modules: set[str]) -> set[str]:
    """The modules of the house that a file names in an import; `package` resolves relative ones."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            module = source_of(node, package)
            inside = {f"{module}.{alias.name}" for alias in node.names} & modules
            names |= inside or {module}
    return names & modules


def graph(root: Path = ROOT) -> dict[str, set[str]]:
    """Which files each file imports, by dotted name."""
    files = {module_of(path, root): path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py"))}
    edges = {}
    for name, path in files.items():
        package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
        edges[name] = imported(ast.parse(path.read_text(encoding="utf-8")), package, set(files)) - {name}
    return edges


def circles(edges: dict[str, set[str]]) -> list[set[str]]:
    """Groups of modules that import each other in a circle (Tarjan, 1972)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[set[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for used in edges[name]:
            if used not in order:
                visit(used)
                low[name] = min(low[name], low[used])
            elif used in stack:
                low[name] = min(low[name], order[used])
        if low[name] == order[name]:
            at = stack.index(name)
            group = set(stack[at:])
            del stack[at:]
            groups.extend([group] * (len(group) > 1))

    for name in edges:
        if name not in order:
            visit(name)
    return groups


def floor(name: str) -> int:
    """The floor of a module, 0 to 3; see HOUSE in README: records below, pages on top."""
    if name.startswith("pages"):
        return 3
    if name.startswith("explorer.figures") or ".experiments" in name:
        return 2
    return 0 if name in ("explorer.errors", "explorer.tap") or name.startswith("explorer.records") else 1


def entry(name: str, folder: str) -> str:
    """What of a folder a module belongs to: the next part of its name."""
    return name.removeprefix(folder).lstrip(".").split(".")[0]


def edges_inside(edges: dict[str, set[str]], folder: str) -> int:
    """How many pairs of entries of a folder import one another; the folder's own __init__ is no entry."""
    inside = {name: used for name, used in edges.items() if name.startswith(f"{folder}.")}
    pairs = {(entry(name, folder), entry(u, folder)) for name, used in inside.items() for u in used if u.startswith(f"{folder}.")}
    return sum(a != b for a, b in pairs)


def lines(root: Path, folder: str) -> int:
    """Lines of the Python files of a folder."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (root / folder).rglob("*.py"))


def report(root: Path = ROOT) -> str:
    """All of it as text, a table of folders first."""
    edges = graph(root)
    rows = [f"{'folder':10} {'files':>5} {'lines':>6} {'entries':>7} {'edges between entries':>21}"]
    for folder in FOLDERS:
        names = [name for name in edges if name.startswith(f"{folder}.")]
        entries = {entry(name, folder) for name in names}
        files = sum(1 for _ in (root / folder).rglob("*.py"))
        rows.append(f"{folder:10} {files:5} {lines(root, folder):6} {len(entries):7} {edges_inside(edges, folder):21}")
    rows.append(f"{'tests':10} {sum(1 for _ in (root / 'tests').rglob('*.py')):5} {lines(root, 'tests'):6}")
    flat = Counter(str(path.parent.relative_to(root)) for folder in FOLDERS for path in (root / folder).rglob("*.py"))
    rows.append("largest folders: " + ", ".join(f"{folder} {count}" for folder, count in flat.most_common(8)))
    floors = Counter(floor(name) for name in edges)
    rows.append("floors: " + ", ".join(f"{level}: {floors[level]} files" for level in sorted(floors)))
    up = sorted(f"{name} -> {used}" for name, uses in edges.items() for used in uses if floor(used) > floor(name))
    rows.append(f"edges between files: {sum(map(len, edges.values()))}; upwards: {len(up)} {' '.join(up)}".rstrip())
    rows.append(f"circles: {len(circles(edges))}")
    return "\n".join(rows)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout to count; this one if left out")
    print(report(parser.parse_args().root.resolve()))


if __name__ == "__main__":
    main()
