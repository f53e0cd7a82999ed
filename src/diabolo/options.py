"""Parts and their options: one declaration that checks arguments, fills files, and makes the command line's flags.

A part is a small frozen dataclass. Each of its fields is declared with `option`, which carries the default, the
help line, the unit and the limits. A `Family` is the literal table of the parts of one axis.
"""

from __future__ import annotations

import dataclasses
import numbers
import re
import typing
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, dataclass_transform

from diabolo.errors import Mistake, unknown

T = TypeVar("T")

MOST_NUMBERS = 64  # in one option or list of parts; no sane description has more, and a hostile one could hang


@dataclasses.dataclass(frozen=True)
class Option:
    """What is known of one field of a part beside its name, type and default.

    A field of type `tuple[int, ...]` or `tuple[float, ...]` holds one value, or a range (low, high), or with `longest`
    above 2 a list of up to so many.
    """

    help: str
    unit: str = ""
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    family: Family | None = None
    many: bool = False  # a tuple of the family's parts instead of one
    longest: int = 2  # numbers in a tuple; more than 2 are allowed in a list that is no range

    def limits(self) -> str:
        """The allowed values in words; empty where every value of the type is allowed."""
        if self.choices:
            return ", ".join(self.choices)
        if self.family:
            return ", ".join(self.family.names()) + (" (several with commas, or none)" if self.many else "")
        bounds = (
            (self.at_least, "at least"),
            (self.above, "more than"),
            (self.at_most, "at most"),
            (self.below, "less than"),
        )
        return " and ".join(f"{word} {bound:.10g}" for bound, word in bounds if bound is not None)

    def check(self, name: str, kind: Any, value: Any) -> Any:
        """`value` as plain data of type `kind`, or a `Mistake` that names the option."""
        if self.family:
            return self.family.several(value) if self.many else self.family.one(value)
        value = _typed(name, kind, value, self.limits())
        if isinstance(value, tuple):
            self._check_length(name, value)
        for single in value if isinstance(value, tuple) else (value,):
            if not self._allows(single):
                raise Mistake(f"{name} is not allowed", got=repr(single), allowed=self.limits())
        return value

    def _check_length(self, name: str, value: tuple[Any, ...]) -> None:
        if self.longest > 2 and not 1 <= len(value) <= self.longest:
            raise Mistake(f"{name} is too long or empty", got=repr(value), allowed=f"1 to {self.longest} numbers")
        if self.longest == 2 and not (len(value) in (1, 2) and value[0] <= value[-1]):
            raise Mistake(f"{name} is neither a value nor a range", got=repr(value), allowed="one value, or low,high")

    def _allows(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        bounded = (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )
        return bounded and value == value  # a NaN is never allowed


def option(default: Any, help: str, **known: Any) -> Any:
    """Declare a field of a part: its default, one line of help, and what else `Option` lists."""
    return dataclasses.field(default=default, metadata={"option": Option(help, **known)})


@dataclass_transform(frozen_default=True)
def part(cls: type[T]) -> type[T]:
    """Make a class a part: a frozen dataclass whose fields are checked, and made plain data, when it is built."""

    def check(self: Any) -> None:
        for name, kind, known in fields(type(self)):
            value = known.check(f"{name_of(self)}.{name}", kind, getattr(self, name))
            object.__setattr__(self, name, value)

    cls.__post_init__ = check  # type: ignore[attr-defined]
    return dataclasses.dataclass(frozen=True)(cls)


def fields(cls: type) -> tuple[tuple[str, Any, Option], ...]:
    """The (name, type, Option) of every option of a part's class, in the order of declaration."""
    kinds = typing.get_type_hints(cls)
    return tuple(
        (f.name, kinds[f.name], f.metadata["option"]) for f in dataclasses.fields(cls) if "option" in f.metadata
    )


def name_of(part: Any) -> str:
    """The name a part goes by in tables, files and flags: its class's name in lower case with dashes."""
    cls = part if isinstance(part, type) else type(part)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()


class Family:
    """The literal table of the parts of one axis.

    >>> LATENTS = Family("latent", Plain, Sparse)  # doctest: +SKIP
    >>> LATENTS.one("sparse")                      # doctest: +SKIP
    Sparse(size=32)
    """

    def __init__(self, axis: str, *parts: type) -> None:
        self.axis = axis
        self.parts = {name_of(cls): cls for cls in parts}

    def names(self) -> list[str]:
        return list(self.parts)

    def one(self, value: Any) -> Any:
        """The part meant by a name, a part's class, or a part (which is returned as it is)."""
        if isinstance(value, str):
            if value not in self.parts:
                raise unknown(self.axis, value, self.parts)
            return self.parts[value]()
        if isinstance(value, type):
            return value()
        if not dataclasses.is_dataclass(value):
            raise Mistake(f"not a {self.axis}", got=repr(value), allowed=", ".join(self.parts))
        return value

    def several(self, value: Any) -> tuple[Any, ...]:
        """The parts meant by a list, one part, or names with commas; `None`, "none" and "" mean no part."""
        if value is None or value in ("", "none", ()):
            return ()
        if isinstance(value, str):
            value = value.split(",")
        if not isinstance(value, list | tuple):
            return (self.one(value),)
        if len(value) > MOST_NUMBERS:
            raise Mistake(f"too many parts of {self.axis}", got=str(len(value)), allowed=f"at most {MOST_NUMBERS}")
        return tuple(self.one(v) for v in value)


def walk(part: Any, prefix: str = "") -> Iterator[tuple[str, Any, Option, Any]]:
    """Every option of a tree of parts as (dotted path, type, Option, value), the parts themselves before theirs."""
    for name, kind, known in fields(type(part)):
        value, path = getattr(part, name), prefix + name
        yield path, kind, known, value
        if known.family and not known.many:
            yield from walk(value, path + ".")
        for called, member in numbered(value if known.many else ()).items():
            yield from walk(member, f"{path}.{called}.")


def numbered(members: tuple[Any, ...]) -> dict[str, Any]:
    """Parts of a list by the names that paths call them: the second of a kind is "noise-2"."""
    names = [name_of(member) for member in members]
    counts = [names[: i + 1].count(name) for i, name in enumerate(names)]
    return {n if c == 1 else f"{n}-{c}": member for n, c, member in zip(names, counts, members, strict=True)}


def replace(part: Any, path: str, value: Any) -> Any:
    """The same tree of parts with the option at a dotted path changed; a `Mistake` if there is no such option."""
    head, _, rest = path.partition(".")
    known = {name: known for name, _, known in fields(type(part))}
    if head not in known:
        raise unknown(f"option of {name_of(part)}", head, known)
    if rest and not known[head].family:
        raise unknown(f"option of {name_of(part)}", path, known)
    if rest and known[head].many:
        member, _, rest = rest.partition(".")
        members = numbered(getattr(part, head))
        if member not in members:
            raise unknown(f"part of {head}", member, members)
        value = tuple(replace(m, rest, value) if called == member else m for called, m in members.items())
    elif rest:
        value = replace(getattr(part, head), rest, value)
    return dataclasses.replace(part, **{head: value})


def to_plain(part: Any) -> dict[str, Any]:
    """A tree of parts as JSON data: each part a dictionary of its options and its name under "part"."""

    def plain(value: Any) -> Any:
        if isinstance(value, tuple):
            return [plain(v) for v in value]
        return to_plain(value) if dataclasses.is_dataclass(value) else value

    return {"part": name_of(part)} | {name: plain(getattr(part, name)) for name, _, _ in fields(type(part))}


def from_plain(cls: type[T], plain: Mapping[str, Any], known: Mapping[str, type] | None = None) -> T:
    """The tree of parts that `to_plain` described. `known` adds the parts, by name, that stand in no table."""
    if not isinstance(plain, Mapping) or plain.get("part") != name_of(cls):
        raise Mistake(f"not the description of a {name_of(cls)}", got=repr(plain)[:80])
    options = {name: described for name, _, described in fields(cls)}
    values: dict[str, Any] = {}
    for name, value in plain.items():
        if name == "part":
            continue
        if name not in options:
            raise unknown(f"option of {name_of(cls)}", name, options)
        family = options[name].family
        if family and options[name].many:
            if not isinstance(value, list):
                raise Mistake(f"{name_of(cls)}.{name} is not a list of parts", got=repr(value)[:80])
            value = tuple(_member(family, v, known) for v in value[: MOST_NUMBERS + 1])
        elif family:
            value = _member(family, value, known)
        values[name] = value
    return cls(**values)


def _member(family: Family, plain: Any, known: Mapping[str, type] | None) -> Any:
    parts = family.parts | dict(known or {})
    name = plain.get("part") if isinstance(plain, Mapping) else None
    if name not in parts:
        mistake = unknown(family.axis, str(name), parts)
        own = "known=[YourPart], if it is a part of your own"
        raise mistake if mistake.remedy else Mistake(mistake.wrong, mistake.got, mistake.allowed, own)
    return from_plain(parts[name], plain, known)


def _typed(name: str, kind: Any, value: Any, limits: str) -> Any:
    """`value` as the type `kind` says (int, float, bool, str or a tuple of these); text is read as that type."""
    if typing.get_origin(kind) is tuple:
        value = value.split(",") if isinstance(value, str) else value
        value = value if isinstance(value, list | tuple) else (value,)
        if len(value) <= MOST_NUMBERS:
            return tuple(_typed(name, typing.get_args(kind)[0], v, limits) for v in value)
    elif kind is str and isinstance(value, str):
        return value
    elif kind is bool and isinstance(value, bool | str) and str(value) in ("true", "false", "True", "False"):
        return value in (True, "true", "True")
    elif kind in (int, float) and not isinstance(value, bool):
        number = numbers.Integral if kind is int else numbers.Real
        try:
            return kind(value) if isinstance(value, number | str) else _wrong_type(name, kind, value, limits)
        except (ValueError, OverflowError):  # OverflowError: a whole number beyond every float
            pass
    return _wrong_type(name, kind, value, limits)


def _wrong_type(name: str, kind: Any, value: Any, limits: str) -> typing.NoReturn:
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    raise Mistake(f"{name} is not {words.get(kind, 'numbers with commas')}", got=repr(value), allowed=limits)
