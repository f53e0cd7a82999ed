"""The house holds: imports go down its floors only, each dangerous or heavy thing stays in its one room."""

from __future__ import annotations

import ast
import graphlib
import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import diabolo

PACKAGE = Path(__file__).parent.parent / "src" / "diabolo"
FILES = sorted(PACKAGE.rglob("*.py"))

FLOORS = {
    "errors": 1,
    "events": 1,
    "files": 1,
    "calibration": 2,
    "conformal": 2,
    "fidelity": 2,
    "interpolation": 2,
    "metrics": 2,
    "noise_level": 2,
    "learned": 2,
    "options": 2,
    "pixels": 2,
    "tiles": 2,
    "weights": 2,
    "architectures": 3,
    "corruptions": 3,
    "latents": 3,
    "objectives": 3,
    "preprocessing": 3,
    "priors": 3,
    "sources": 3,
    "views": 3,
    "witnesses": 3,
    "conversions": 4,
    "normal": 4,
    "recipe": 4,
    "recipes": 4,
    "sampler": 4,
    "encodings": 5,
    "judgement": 5,
    "model": 5,
    "network": 5,
    "artifact": 6,
    "inputs": 6,
    "training": 6,
    "estimator": 7,
    "starters": 7,
    "tasks": 7,
    "__init__": 8,
    "__main__": 8,
    "cli": 8,
    "studio": 8,
}
# Who may import whom on the same floor, one way only. Nobody on floors 3 and 6.
SIDEWAYS = {
    ("__main__", "cli"),
    ("calibration", "conformal"),
    ("cli", "__init__"),
    ("files", "errors"),
    ("judgement", "model"),
    ("model", "network"),
    ("recipes", "recipe"),
    ("studio", "__init__"),
    ("studio", "cli"),
    ("tasks", "estimator"),
    ("tasks", "starters"),
}
# An outside package, and the only files or folders that may import it.
ROOMS = {
    "PIL": {"pixels"},
    "cloudpickle": set(),
    "constriction": {"tasks/compress/symbols"},
    "dill": set(),
    "marshal": set(),
    "pickle": set(),
    "png": {"pixels"},
    "safetensors": {"artifact", "training/checkpoint"},
    "simplejpeg": {"pixels"},
    "tifffile": {"pixels"},
    "torchvision": set(),
}
HEAVY = ("matplotlib", "numpy", "PIL", "rich", "scipy", "skimage", "sklearn", "torch")
LINES = 260


def module(file: Path) -> str:
    """`training/loop` for src/diabolo/training/loop.py."""
    return file.relative_to(PACKAGE).with_suffix("").as_posix()


def room(name: str) -> str:
    return name.split("/")[0]


def within(name: str, places: set[str]) -> bool:
    return any(name == place or name.startswith(place + "/") for place in places)


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def statements(node: ast.AST, but_typing: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not (but_typing and typing_only(child)):
            yield child
            yield from statements(child, but_typing)


def imports(file: Path) -> Iterator[tuple[str, int]]:
    """Every dotted name that a file imports, with its line; what `from` names is joined to where it comes from.

    The type checker's imports count too, but for those of `__init__`, which name what it loads lazily.
    """
    base = ["diabolo", *file.relative_to(PACKAGE).parts[:-1]]
    for node in statements(tree(file), but_typing=file == PACKAGE / "__init__.py"):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = base[: len(base) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((f"{origin}.{alias.name}", node.lineno) for alias in node.names)


def inner(file: Path) -> Iterator[tuple[str, int]]:
    """The package's own modules that a file imports, as `module` names them, with the line."""
    for dotted, line in imports(file):
        parts = dotted.split(".")
        if parts[0] != "diabolo":
            continue
        found = "__init__"
        for end in range(2, len(parts) + 1):
            path = PACKAGE.joinpath(*parts[1:end])
            if path.with_suffix(".py").is_file():
                found = module(path.with_suffix(".py"))
            elif (path / "__init__.py").is_file():
                found = module(path / "__init__.py")
        yield found, line


def is_allowed(importer: str, imported: str) -> bool:
    """May one room import another? Down always, inside itself always, on its own floor where SIDEWAYS has it."""
    down = FLOORS[imported] < FLOORS[importer]
    return down or importer == imported or (importer, imported) in SIDEWAYS


def place(file: Path, line: int) -> str:
    return f"src/diabolo/{file.relative_to(PACKAGE).as_posix()}:{line}"


def calls(file: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(file)) if isinstance(node, ast.Call))


def test_every_module_has_a_floor() -> None:
    unknown = sorted({room(module(file)) for file in FILES} - set(FLOORS))
    assert not unknown, f"modules without a floor: {', '.join(unknown)}; add them to FLOORS in tests/test_house.py"


def test_imports_go_down_only() -> None:
    wrong = [
        f"{place(file, line)} imports {imported}"
        for file in FILES
        for imported, line in inner(file)
        if not is_allowed(room(module(file)), room(imported))
    ]
    assert not wrong, "\n".join(wrong)


def test_no_file_imports_itself_by_a_detour() -> None:
    graph = {module(file): {imported for imported, _ in inner(file)} for file in FILES}
    try:
        list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        pytest.fail("a circle of imports: " + " <- ".join(error.args[1]))


def test_nothing_sideways_on_the_floors_of_the_parts_and_of_training() -> None:
    assert not [pair for pair in SIDEWAYS if FLOORS[pair[0]] in (3, 6)]
    assert all(FLOORS[one] == FLOORS[other] for one, other in SIDEWAYS)


def test_outside_packages_stay_in_their_rooms() -> None:
    wrong = [
        f"{place(file, line)} imports {dotted}; allowed in: {', '.join(ROOMS[dotted.split('.')[0]]) or 'no file'}"
        for file in FILES
        for dotted, line in imports(file)
        if not within(module(file), ROOMS.get(dotted.split(".")[0], {module(file)}))
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_command_line_prints() -> None:
    wrong = [
        place(file, call.lineno)
        for file in FILES
        if room(module(file)) != "cli"
        for call in calls(file)
        if isinstance(call.func, ast.Name) and call.func.id == "print"
    ]
    assert not wrong, f"print( outside cli: {wrong}"


def test_only_training_calls_backward() -> None:
    wrong = [
        place(file, call.lineno)
        for file in FILES
        if room(module(file)) != "training"
        for call in calls(file)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "backward"
    ]
    assert not wrong, f".backward( outside training: {wrong}"


def test_nothing_that_is_read_can_execute() -> None:
    def dangerous(call: ast.Call) -> bool:
        pickled = any(k.arg == "allow_pickle" and getattr(k.value, "value", True) is True for k in call.keywords)
        return pickled or ast.unparse(call.func) in ("eval", "exec", "torch.load", "joblib.load")

    wrong = [place(file, call.lineno) for file in FILES for call in calls(file) if dangerous(call)]
    assert not wrong, f"eval, exec, a pickle's loader, or allow_pickle=True: {wrong}"


def test_files_are_small() -> None:
    long = {module(file): n for file in FILES if (n := len(file.read_text(encoding="utf-8").splitlines())) > LINES}
    assert not long, f"files over {LINES} lines: {long}"


def loaded_after(code: str) -> set[str]:
    """The heavy packages that a fresh Python has loaded after running `code`."""
    report = "import sys; sys.stderr.write(' '.join(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split()) & set(HEAVY)


def test_import_is_light() -> None:
    assert loaded_after("import diabolo; dir(diabolo); diabolo.Mistake") == set()


def test_help_is_light() -> None:
    code = "import contextlib, diabolo.cli\nwith contextlib.suppress(SystemExit): diabolo.cli.main(['--help'])"
    assert "torch" not in loaded_after(code)


@pytest.mark.parametrize("name", diabolo.__all__)
def test_public_name_resolves(name: str) -> None:
    assert getattr(diabolo, name) is not None
    assert name in dir(diabolo)


def test_public_names_are_told_once() -> None:
    """The list, the table of homes, and the imports that the type checker and editors see are the same."""
    blocks = [node for node in tree(PACKAGE / "__init__.py").body if typing_only(node)]
    seen = {
        alias.name: f for block in blocks for f in ast.walk(block) if isinstance(f, ast.ImportFrom) for alias in f.names
    }
    assert {name: node.module for name, node in seen.items()} == diabolo._HOMES
    assert {"__version__", *diabolo._HOMES} == set(diabolo.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Autoencodr"):
        diabolo.Autoencodr  # noqa: B018


def test_version_is_the_installed_one() -> None:
    assert importlib.metadata.version("diabolo") == diabolo.__version__
