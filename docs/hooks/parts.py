"""The tables of the grammar, made from the families themselves, so that they cannot be out of date.

`<!-- table:NAME -->` in a page becomes the table of that name in `TABLES`.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterable
from typing import Any

from diabolo.architectures import ARCHITECTURES
from diabolo.cli.commands import COMMANDS, command
from diabolo.corruptions import CORRUPTIONS
from diabolo.latents import LATENTS
from diabolo.objectives import TERMS
from diabolo.options import Family, Option, fields, name_of
from diabolo.preprocessing import Preprocessing
from diabolo.priors import PRIORS
from diabolo.recipe import LIKELIHOOD_CHOICES, Recipe, Training
from diabolo.recipes import RECIPES
from diabolo.sources import list_sets
from diabolo.starters import FOLDER, STARTERS, starter
from diabolo.views import VIEWS
from diabolo.witnesses import WITNESSES

MARK = re.compile(r"<!-- table:([a-z-]+) -->")
WORDS = {int: "whole number", float: "number", bool: "true or false", str: "text"}


def on_page_markdown(markdown: str, **page: Any) -> str:
    """Fill the marked places of a page; a name that is not in `TABLES` is a KeyError, which stops the build."""
    return MARK.sub(lambda found: TABLES[found[1]](), markdown)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = [list(head), *(list(row) for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def family(known: Family) -> str:
    """Every part of one axis: its name, what it is, and a table of its options."""
    return "\n\n".join(f"#### `{name}`\n\n{_about(cls)}\n\n{options(cls)}" for name, cls in known.parts.items())


def options(cls: type) -> str:
    """The options of one part; a sentence where it has none."""
    rows = [_row(name, kind, known, cls) for name, kind, known in fields(cls) if not known.family]
    return table(("option", "default", "allowed", "what it is"), rows) if rows else "It has no options."


def _about(cls: type) -> str:
    """The part's docstring as paragraphs, without the code of its examples; Markdown keeps the rest as it is."""
    lines = [line.strip() for line in (cls.__doc__ or "").strip().splitlines()]
    return "\n".join(lines)


def _row(name: str, kind: Any, known: Option, cls: type) -> tuple[str, ...]:
    default = cls.__dataclass_fields__[name].default  # type: ignore[attr-defined]
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
    unit = f" ({known.unit})" if known.unit else ""
    return (
        f"`{name}`",
        f"`{shown.lower() if kind is bool else shown}`",
        known.limits() or _kind(kind),
        known.help + unit,
    )


def _kind(kind: Any) -> str:
    many = typing.get_origin(kind) is tuple
    return WORDS[typing.get_args(kind)[0]] + "s with commas" if many else WORDS[kind]


def _recipes() -> str:
    rows = ((f"`{name}`", about, _parts(recipe)) for name, (recipe, about) in RECIPES.items())
    return table(("recipe", "what it is", "parts"), rows)


def _parts(recipe: Recipe) -> str:
    named = [recipe.architecture, recipe.latent, recipe.likelihood, *recipe.corruption]
    return ", ".join(f"`{name_of(part)}`" for part in named)


def _sets() -> str:
    columns = ("name", "description", "shape", "licence", "obtained")
    return table(columns, ([f"`{row['name']}`", *(row[column] for column in columns[1:])] for row in list_sets()))


def _commands() -> str:
    return table(("command", "what it does"), ((f"`diabolo {verb}`", command(verb).HELP) for verb in COMMANDS))


def _summary() -> str:
    axes = (ARCHITECTURES, LATENTS, LIKELIHOOD_CHOICES, CORRUPTIONS)
    return table(("axis", "parts"), ((known.axis, ", ".join(f"`{name}`" for name in known.names())) for known in axes))


def _starters() -> str:
    """What each starter is, and how it was made, as its own file tells."""
    rows = []
    for name in STARTERS:
        path = FOLDER / f"{name}.diabolo"
        told = starter(name)
        made = [told.provenance.get("start", ""), told.provenance["command"]]
        rows.append(
            (
                f"`{name}`",
                f"{told.metrics['parameters']:,}",
                f"{path.stat().st_size / 1e6:.2f} MB",
                "; then ".join(f"`{command}`" for command in made if command),
                f"{told.provenance['cpu_minutes']:.0f} CPU-minutes",
            )
        )
    return table(("starter", "numbers", "file", "made by", "in"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "architecture": lambda: family(ARCHITECTURES),
    "latent": lambda: family(LATENTS),
    "likelihood": lambda: family(LIKELIHOOD_CHOICES),
    "corruption": lambda: family(CORRUPTIONS),
    "term": lambda: family(TERMS),
    "view": lambda: family(VIEWS),
    "witness": lambda: family(WITNESSES),
    "prior": lambda: family(PRIORS),
    "training": lambda: options(Training),
    "preprocessing": lambda: options(Preprocessing),
    "recipes": _recipes,
    "starters": _starters,
    "sets": _sets,
    "commands": _commands,
    "summary": _summary,
}
