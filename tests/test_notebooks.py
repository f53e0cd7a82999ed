"""The tutorials run from beginning to end in their short version, and the README says nothing that is not so."""

from __future__ import annotations

import re
import runpy
import shlex
import warnings
from pathlib import Path

import jupytext
import pytest

from diabolo.cli.commands import COMMANDS, command
from diabolo.cli.parser import Parser
from diabolo.options import Family
from diabolo.recipe import LIKELIHOOD_CHOICES, Recipe
from diabolo.recipes import RECIPES

ROOT = Path(__file__).parent.parent
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "guide").glob("*.md"))]


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[str]:
    """The command lines of a page that begin with `diabolo`, without their comments."""
    lines = "\n".join(blocks(page.read_text(encoding="utf-8"), "sh")).splitlines()
    return [line for line in lines if line.startswith("diabolo ")]


def test_there_are_five_tutorials() -> None:
    assert [path.name[0] for path in TUTORIALS] == list("12345")


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    monkeypatch.setenv("DIABOLO_FAST", "1")
    mpl.use("agg")
    with mpl.rc_context(), warnings.catch_warnings():
        runpy.run_path(str(path), run_name="__main__")
    plt.close("all")


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_is_a_notebook(path: Path) -> None:
    cells = jupytext.read(path).cells
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith(f"# {path.name[0]}. ")
    assert sum(cell.cell_type == "code" for cell in cells) > 4


def test_the_solutions_of_the_lab_are_hidden() -> None:
    tagged = [cell for cell in jupytext.read(TUTORIALS[4]).cells if "solution" in cell.metadata.get("tags", ())]
    texts = [cell.source for cell in tagged if cell.cell_type == "markdown"]
    code = [cell for cell in tagged if cell.cell_type == "code"]
    assert len(texts) == len(code) == 5
    assert all(text.startswith("<details") and text.endswith("</details>") for text in texts)
    assert all(cell.metadata["jupyter"]["source_hidden"] for cell in code)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_a_page_can_be_typed(page: Path) -> None:
    for line in commands(page):
        _, verb, *rest = shlex.split(line, comments=True)
        module = command(verb)
        parser = Parser(module)
        module.add(parser, rest) if getattr(module, "NEEDS_ARGUMENTS", False) else module.add(parser)
        parser.parse(rest)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "\n".join(blocks(page.read_text(encoding="utf-8"), "python"))
    script = tmp_path / "page.py"
    script.write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runpy.run_path(str(script), run_name="page")


def axes() -> dict[str, Family]:
    known = {option.name: option.metadata["option"].family for option in Recipe.__dataclass_fields__.values()}
    named = {axis: known[axis] for axis in ("architecture", "latent", "corruption")}
    return named | {"likelihood": LIKELIHOOD_CHOICES, "term": known["terms"]}


def test_readme_lists_every_part() -> None:
    axis = "architecture|latent|likelihood|corruption|term|recipe"
    rows = dict(re.findall(rf"^\| ({axis}) \| (.*) \|$", README, re.MULTILINE))
    listed = {axis: re.findall(r"`([a-z-]+)`", row) for axis, row in rows.items()}
    assert listed == {axis: family.names() for axis, family in axes().items()} | {"recipe": list(RECIPES)}


def test_readme_justifies_every_dependency() -> None:
    import tomllib

    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    table = README.split("## Dependencies")[1].split("\n## ")[0]
    listed = re.findall(r"^\| ([a-z0-9-]+) \| ", table, re.MULTILINE)[1:]
    assert sorted(listed) == sorted(re.split(r"[<>=]", line)[0] for line in wanted)


def test_readme_shows_a_small_picture_that_is_there() -> None:
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert 0 < (ROOT / picture).stat().st_size < 200_000


def test_readme_names_commands_that_exist() -> None:
    assert {line.split()[1] for line in commands(ROOT / "README.md")} <= set(COMMANDS)
