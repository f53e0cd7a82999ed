"""The tutorials: notebooks in jupytext's percent format, run when the site is built, so that no output is stale.

A cell with the tag "solution" goes into the `<details>` of the text cell before it, hidden until it is asked for.
"""

from __future__ import annotations

import base64
import contextlib
import io
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
import matplotlib as mpl
import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

FOLDER = "tutorials/"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the pages, the pictures and the notebooks that can be downloaded in the place of the sources."""
    for source in [f for f in files if f.src_uri.startswith(FOLDER) and f.src_uri.endswith(".py")]:
        files.remove(source)
        notebook = executed(Path(source.abs_src_path or ""))
        name = Path(source.src_uri).stem
        page, pictures = as_markdown(notebook, name)
        files.append(File.generated(config, f"{FOLDER}{name}.md", content=page))
        files.append(File.generated(config, f"{FOLDER}{name}.ipynb", content=nbformat.writes(notebook)))
        for picture, data in pictures.items():
            files.append(File.generated(config, FOLDER + picture, content=data))
    return files


def executed(path: Path) -> Any:
    """The notebook of a source with what its cells print and draw; an error in a cell ends the build.

    The cells run in this process and not in a kernel: they need none of a kernel's commands.
    """
    mpl.use("agg")
    notebook = jupytext.read(path)
    module = types.ModuleType(path.stem)
    sys.modules[path.stem] = module
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(cell.source, f"{path.name}, cell {number}", "exec"), module.__dict__)
            cell.outputs = list(_outputs(printed.getvalue()))
    return notebook


def _outputs(printed: str) -> Iterator[Any]:
    """One cell's printed text and its figures, which are closed."""
    from matplotlib import pyplot as plt

    if printed:
        yield nbformat.v4.new_output("stream", name="stdout", text=printed)
    for number in plt.get_fignums():
        drawn = io.BytesIO()
        plt.figure(number).savefig(drawn, bbox_inches="tight")
        yield nbformat.v4.new_output("display_data", {"image/png": base64.b64encode(drawn.getvalue()).decode()})
    plt.close("all")


def as_markdown(notebook: Any, name: str) -> tuple[str, dict[str, bytes]]:
    """The page's text, and its pictures by file name."""
    pages: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook.cells:
        text = cell.source.replace(".py)", ".md)") if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```"
        for output in cell.get("outputs", ()):
            text += "\n\n" + _shown(output, name, pictures)
        if "solution" in cell.metadata.get("tags", ()) and pages[-1].endswith("</details>"):
            pages[-1] = f"{pages[-1].removesuffix('</details>')}\n\n{text}\n\n</details>"
        else:
            pages.append(text)
    pages.insert(1, f"[Download this notebook]({name}.ipynb){{ .md-button }}")
    return "\n\n".join(pages), pictures


def _shown(output: Any, name: str, pictures: dict[str, bytes]) -> str:
    if output.output_type == "stream":
        return f'```text title="Output"\n{output.text.rstrip()}\n```'
    file = f"{name}-{len(pictures) + 1}.png"
    pictures[file] = base64.b64decode(output.data["image/png"])
    return f"![]({file})"
