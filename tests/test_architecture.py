"""The house rules of the code, as a table: who may import whom, how long a piece may be, what must be said."""

import ast
import graphlib
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from models import family
from models.family import FAMILIES
from tests.structure import File, arguments_of, bound_names, exists, functions, javascript_functions, lines_of_code, module_name

ROOT = Path(__file__).parent.parent
FOLDERS = ("explorer", "models", "pages", "recurrent_explorer_app")
FILES = [*sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py")), ROOT / "app.py"]

# Floor of each place: imports point to the same place or down. The longest matching prefix counts.
FLOORS = {
    "explorer.axes": 0, "explorer.errors": 0, "explorer.records": 0, "explorer.steps": 0, "explorer.tap": 0,
    "explorer": 1, "models": 1,
    "explorer.figures": 2, **{f"models.{family}.experiments": 2 for family in FAMILIES},
    "pages": 3, "app": 3, "recurrent_explorer_app": 3,
}  # fmt: skip

# The front door names what every floor of `explorer` gives, and loads it when asked: it stands on the highest of them.
FRONT_DOORS = {"explorer": 2}

# Packages that only these places may import.
ONLY_IN = {
    "streamlit": ("pages", "app", "recurrent_explorer_app"),
    "plotly": ("explorer.figures",),
    "altair": ("explorer.figures",),
    "vl_convert": ("explorer.figures",),
    "torch": ("explorer.tap", "explorer.recording", "explorer.gradients", "explorer.edited_run", "explorer.interventions", "models"),
    "pydantic": ("models.card", "models.training_state", *(f"models.{folder}.card" for folder in FAMILIES)),
    "typer": ("models.cli", "recurrent_explorer_app", *(f"models.{folder}.commands" for folder in FAMILIES)),
}

# Ceilings in lines of code; docstrings, comments and blank lines are not counted, but in the files of tests they are.
FUNCTION_LINES, FILE_LINES, PAGE_LINES, PARAMETERS = 40, 300, 80, 6

# A ceiling lifted for one named place: (what, file, name or "*" for the file) -> (limit, reason).
LINES, ARGUMENTS = "lines of code", "parameters"
LIFTED: dict[tuple[str, str, str], tuple[int, str]] = {
    (ARGUMENTS, "explorer/recording/record.py", "trace"): (7, "all that a user may choose of a recording"),
    (ARGUMENTS, "explorer/gradients/contributions.py", "contributions"): (
        7,
        "all that a user may choose of a recording, the loss, and which weights",
    ),
    (ARGUMENTS, "explorer/gradients/attribution.py", "attribution"): (7, "all that a user may choose of a recording, and the method"),
    (ARGUMENTS, "explorer/gradients/attribution.py", "attributions"): (7, "the same for several methods"),
    (ARGUMENTS, "explorer/interventions.py", "intervene"): (9, "all that a user may choose of an intervention"),
}

# Imports between parts of `models` that point the wrong way: (who, whom) -> reason.
WRONG_WAY = {
    ("models.scenes", "models.captioning"): "scenes are captioned by the captioners' own decoder",
}

# Names of modules that give nothing away.
EMPTY_NAMES = {"utils", "helpers", "common", "core", "base", "misc"}

# Names of parameters and locals that fit everything and say nothing.
VAGUE_NAMES = {"told", "found", "place", "number", "each"}


def longest_match(table: dict, name: str):
    best = max((key for key in table if name == key or name.startswith(key + ".")), key=len, default=None)
    return table.get(best) if best else None


def floor_of(name: str) -> int:
    return FRONT_DOORS.get(name, longest_match(FLOORS, name))


def imports_point_down(file: File):
    name = module_name(file.path)
    floor = floor_of(name)
    for used in file.imports:
        if used.split(".")[0] in (*FOLDERS, "app"):
            assert floor_of(used) <= floor, f"{name} (floor {floor}) imports {used} (floor {floor_of(used)})"


def explorer_and_models_meet_only_in_experiments_and_pages(file: File):
    name = module_name(file.path)
    is_experiment = name.split(".")[2:3] == ["experiments"]
    for used in file.imports:
        if name.startswith("explorer"):
            assert used.split(".")[0] != "models", f"{name} imports {used}"
        if name.startswith("models") and used.startswith("explorer") and not is_experiment:
            assert used in ("explorer.tap", "explorer.errors", "explorer.steps"), f"{name} imports {used}"


def libraries_stay_in_their_places(file: File):
    name = module_name(file.path)
    for used in file.imports:
        allowed = ONLY_IN.get(used.split(".")[0])
        if allowed:
            assert any(name == a or name.startswith(a + ".") for a in allowed), f"{name} imports {used}; only {allowed} may"


def usual_lines(path: Path) -> int:
    """The ceiling of a file where none is lifted."""
    is_page = path.parent == ROOT / "pages" and not path.name.startswith("_")
    return PAGE_LINES if is_page else FILE_LINES


def ceilings(file: File):
    path, tree, source = file.path, file.tree, file.source
    relative = str(path.relative_to(ROOT))
    limit, _ = LIFTED.get((LINES, relative, "*"), (usual_lines(path), ""))
    assert lines_of_code(tree, source) <= limit, f"{relative} has {lines_of_code(tree, source)} lines of code; at most {limit}"
    for function in functions(file.nodes):
        limit, _ = LIFTED.get((LINES, relative, function.name), (FUNCTION_LINES, ""))
        length = lines_of_code(function, source)
        assert length <= limit, f"{relative}: {function.name} has {length} lines of code; at most {limit}"


def few_parameters(file: File):
    init_of_module = {
        f.name for c in file.nodes if isinstance(c, ast.ClassDef) for f in c.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"
    }
    for function in functions(file.nodes):
        is_command = any("command" in ast.unparse(d) for d in function.decorator_list)
        if is_command or function.name in init_of_module:
            continue
        limit, _ = LIFTED.get((ARGUMENTS, str(file.path.relative_to(ROOT)), function.name), (PARAMETERS, ""))
        count = len(arguments_of(function))
        assert count <= limit, f"{file.path.name}: {function.name} has {count} parameters"


def public_things_say_what_they_give(file: File):
    name = file.path.relative_to(ROOT)
    assert ast.get_docstring(file.tree), f"{name} has no docstring"
    for node in file.tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name}: {node.name} has no docstring"
            for inner in getattr(node, "body", []) if isinstance(node, ast.ClassDef) else []:
                if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                    is_override = inner.name == "forward" or any("override" in ast.unparse(d) for d in inner.decorator_list)
                    assert is_override or ast.get_docstring(inner), f"{name}: {node.name}.{inner.name} has no docstring"


def arrays_have_their_axes_in_the_docstring(file: File):
    tree = file.tree
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef) or function.name.startswith("_"):
            continue
        docstring = ast.get_docstring(function) or ""
        annotations = [ast.unparse(a.annotation) for a in (*function.args.args, *function.args.kwonlyargs) if a.annotation]
        if any("ndarray" in a or "Float[" in a or "Tensor" in a for a in annotations):
            assert "[" in docstring, f"{file.path.name}: {function.name} takes an array; name its axes in brackets"


def pages_ask_what_a_network_gives_and_never_its_kind(file: File):
    name = str(file.path.relative_to(ROOT))
    if name.startswith("pages/"):
        kinds = re.findall(rf"""(["'])({"|".join(family.kinds())})\1""", file.path.read_text(encoding="utf-8"))
        assert not kinds, f"{name} names kinds of networks: {kinds}; ask what their family emits (pages._ui.networks.emitting)"


def names_tell(file: File):
    assert not set(file.path.relative_to(ROOT).with_suffix("").parts) & EMPTY_NAMES


def names_say_what_they_hold(file: File):
    vague = bound_names(file.nodes) & VAGUE_NAMES
    assert not vague, f"name {', '.join(sorted(vague))} after what it holds"


def nothing_is_unpickled(file: File):
    for node in file.nodes:
        if isinstance(node, ast.Import):
            assert not {a.name for a in node.names} & {"pickle", "dill", "joblib", "shelve"}
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            assert "weights_only=True" in ast.unparse(node)


RULES = (
    imports_point_down, explorer_and_models_meet_only_in_experiments_and_pages, libraries_stay_in_their_places, ceilings, few_parameters,
    public_things_say_what_they_give, arrays_have_their_axes_in_the_docstring, pages_ask_what_a_network_gives_and_never_its_kind,
    names_tell, names_say_what_they_hold, nothing_is_unpickled,
)  # fmt: skip
RULES_OF_TESTS = (names_say_what_they_hold,)


@dataclass(frozen=True)
class Survey:
    """What a walk through all files gives: the faults under each rule, by its name, and what each module imports, by its name."""

    faults: dict[str, list[str]]
    imports: dict[str, set[str]]


@pytest.fixture(scope="module")
def survey() -> Survey:
    """Each file is read and parsed once for all rules: a test for each rule and file takes four times as long."""
    seen = Survey({rule.__name__: [] for rule in RULES}, {})
    for path in [*FILES, *sorted((ROOT / "tests").rglob("*.py"))]:
        file = File(path)
        if path in FILES:
            seen.imports[module_name(path)] = file.imports
        for rule in RULES if path in FILES else RULES_OF_TESTS:
            try:
                rule(file)
            except AssertionError as fault:
                seen.faults[rule.__name__].append(f"{path.relative_to(ROOT)}: {fault}")
    return seen


@pytest.mark.parametrize("rule", [rule.__name__ for rule in RULES])
def test_every_file_keeps_the_rule(survey: Survey, rule: str):
    assert survey.imports.keys() >= {"app", "explorer.tap", "pages.attention"}
    assert not survey.faults[rule], "\n".join(survey.faults[rule])


def part_of_models(name: str) -> str:
    """The family or other part of `models` that a module belongs to."""
    return ".".join(name.split(".")[:2])


def test_no_family_is_imported_from_outside_it(survey: Survey):
    families = {f"models.{folder}" for folder in FAMILIES}
    crossings = {
        (part_of_models(name), part_of_models(used))
        for name, imported in survey.imports.items()
        if name.startswith("models")
        for used in imported
        if part_of_models(used) in families
    }
    assert {(who, whom) for who, whom in crossings if who != whom} == WRONG_WAY.keys()


def test_no_import_circles(survey: Survey):
    graph = {}
    for name, imported in survey.imports.items():
        used = {u for u in imported if u.split(".")[0] in FOLDERS and exists(u)}
        graph[name] = {u for u in used if u != name and not name.startswith(u + ".")}
    graphlib.TopologicalSorter(graph).prepare()  # a CycleError names the circle


def test_pages_alone_have_the_ceiling_of_pages():
    pages = {str(path.relative_to(ROOT)) for path in FILES if usual_lines(path) == PAGE_LINES}
    assert {"pages/gradient_flow.py", "pages/hidden_states.py"} <= pages and all(page.startswith("pages/") for page in pages)
    assert all(usual_lines(ROOT / name) == FILE_LINES for name in ("explorer/steps.py", "pages/_hidden_states/compute.py", "app.py"))


def test_no_ceiling_is_lifted_without_need_and_reason():
    for (what, relative, name), (limit, reason) in LIFTED.items():
        file = File(ROOT / relative)
        if name == "*":
            counts, usual = [lines_of_code(file.tree, file.source)], usual_lines(file.path)
        else:
            same = [function for function in functions(file.nodes) if function.name == name]
            counts = [len(arguments_of(one)) if what == ARGUMENTS else lines_of_code(one, file.source) for one in same]
            usual = PARAMETERS if what == ARGUMENTS else FUNCTION_LINES
        assert max(counts, default=0) == limit > usual and reason, f"{relative}, {name}: {counts} {what}; take the row out or lower it"


def test_javascript_keeps_the_ceilings():
    for path in (ROOT / "pages").rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= FILE_LINES, f"{path.name} has {len(text.splitlines())} lines"
        for name, length in javascript_functions(text):
            assert length <= FUNCTION_LINES, f"{path.name}: {name} has {length} lines"


def test_test_files_keep_the_ceiling():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "tests").rglob("*.py")}
    long = {name: length for name, length in lengths.items() if length > FILE_LINES}
    assert lengths and not long, f"longer than {FILE_LINES} lines: {long}; split them by what is tested"


@pytest.mark.parametrize(
    "code",
    [
        "import explorer",
        "import explorer.records, explorer.errors",
        "import explorer.analysis, explorer.figures",
        "import models; models.available()",
    ],
)
def test_torch_is_imported_only_where_it_is_needed(code: str):
    check = f"{code}; import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0, f"`{code}` imports torch"
