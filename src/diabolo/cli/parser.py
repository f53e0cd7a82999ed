"""Arguments: argparse with one-line mistakes, and flags made from a recipe's own fields."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn

from diabolo.errors import Mistake, unknown
from diabolo.options import Option, fields, name_of, walk

if TYPE_CHECKING:
    from diabolo.cli.commands import Command
    from diabolo.recipe import Recipe


class Parser(argparse.ArgumentParser):
    """The parser of one command; mistakes become `Mistake`, unknown options are answered with the nearest one."""

    def __init__(self, command: Command) -> None:
        examples = "examples:\n" + "\n".join(f"  {line}" for line in command.EXAMPLES)
        super().__init__(
            prog=f"diabolo {command.NAME}",
            description=command.HELP,
            epilog=examples,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else")
        self.add_argument("--debug", action="store_true", help="show where an unexpected error came from")

    def parse(self, arguments: list[str]) -> argparse.Namespace:
        known, extra = self.parse_known_args(arguments)
        flags = [flag for action in self._actions for flag in action.option_strings if flag.startswith("--")]
        for word in extra:
            if word.startswith("-"):
                raise unknown(f"option of {self.prog}", word.split("=")[0], flags)
            raise Mistake(f"{self.prog}: one argument too many", got=repr(word), remedy=f"{self.prog} --help")
        return known

    def error(self, message: str) -> NoReturn:
        raise Mistake(f"{self.prog}: {message}", remedy=f"{self.prog} --help")


def add_recipe(parser: argparse.ArgumentParser, recipe: Recipe, without: Iterable[str] = ()) -> set[str]:
    """A flag for every option in the recipe's tree, its parts in groups: `--latent.size`, `--epochs`.

    `without` are the paths of options that have a flag already; with those added here they are returned.
    """
    done = {"training", "preprocessing", *without}
    groups: dict[str, Any] = {}
    for path, kind, known, value in walk(recipe):
        flag = path.removeprefix("training.").replace("_", "-")
        head = path.rpartition(".")[0]
        if path in done:
            continue
        done.add(path)
        if head not in groups:
            title = "recipe" if not head else head if "." in head else f"{head}: {name_of(getattr(recipe, head))}"
            groups[head] = parser.add_argument_group(title)
        extra = {"nargs": "?", "const": "true"} if kind is bool else {}
        groups[head].add_argument(
            f"--{flag}",
            dest=f"option:{path}",
            metavar=_metavar(kind, known),
            default=argparse.SUPPRESS,
            help=_help(known, value).replace("%", "%%"),
            **extra,
        )
    return done


def add_recipes(parser: argparse.ArgumentParser, name: str, arguments: list[str], without: Iterable[str] = ()) -> None:
    """Flags for a named recipe with the parts that were typed, and for its counterparts: the source tells which it is.

    Without a name, for the default recipe.
    """
    from diabolo.recipe import Recipe, with_options
    from diabolo.recipes import RECIPES, named

    recipe = named(name) if name else Recipe()
    known = add_recipe(parser, with_options(recipe, typed_parts(arguments, Recipe)), without)
    for other, (counterpart, _) in RECIPES.items():
        if name and other.startswith(f"{name}-"):
            known = add_recipe(parser, counterpart, known)


def chosen_options(arguments: argparse.Namespace) -> dict[str, str]:
    """The recipe's options that were typed, by dotted path."""
    return {key.removeprefix("option:"): value for key, value in vars(arguments).items() if key.startswith("option:")}


def typed_parts(arguments: list[str], recipe: type[Recipe]) -> dict[str, str]:
    """The parts chosen by name (`--latent sparse`), found before the flags are made, since these depend on them."""
    axes = {f"--{name}": name for name, _, known in fields(recipe) if known.family}
    found = {}
    for word, following in pairwise([*arguments, ""]):
        flag, equals, value = word.partition("=")
        if flag in axes:
            found[axes[flag]] = value if equals else following
    return found


def _metavar(kind: Any, known: Option) -> str:
    if known.choices:
        return "{" + ",".join(known.choices) + "}"
    return {int: "N", float: "X", bool: "true|false", str: "TEXT"}.get(kind, "NAME" if known.family else "X,X")


def _help(known: Option, value: Any) -> str:
    if known.family:
        members = value if known.many else (value,)
        default = ",".join(name_of(member) for member in members) or "none"
        return f"{known.help}: {', '.join(known.family.names())} [{default}]"
    default = ",".join(f"{v:g}" for v in value) if isinstance(value, tuple) else str(value)
    detail = ", ".join(text for text in (known.unit, "" if known.choices else known.limits()) if text)
    return f"{known.help}{f' ({detail})' if detail else ''} [{default.lower() if isinstance(value, bool) else default}]"
