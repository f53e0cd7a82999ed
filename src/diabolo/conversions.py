"""A conversion as a model's file tells it: every number must be one that training could have given."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from diabolo.errors import Mistake
from diabolo.preprocessing import UNIT, Conversion

LARGEST_SIDE = 2**24  # of an image or a code; keeps products far from overflow
_NUMBERS = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint32", "uint64")


def read_conversion(plain: Any) -> Conversion:
    names = {field.name for field in dataclasses.fields(Conversion)}
    if isinstance(plain, dict):
        plain = {"impute": False} | plain  # older files do not say
    if not isinstance(plain, dict) or set(plain) != names:
        raise Mistake("its conversion is not what it should be")
    lists = all(isinstance(plain[key], list) for key in ("shape", "offset", "scale"))
    words = isinstance(plain["layout"], str) and isinstance(plain["dtype"], str)
    words = words and isinstance(plain["any_size"], bool) and isinstance(plain["impute"], bool)
    if not (lists and words and _is_shape(plain["shape"], plain["layout"]) and _is_scaling(plain)):
        raise Mistake("its conversion holds values that cannot be")
    return Conversion(**plain | {key: tuple(plain[key]) for key in ("shape", "offset", "scale")})


def _is_shape(shape: list[Any], layout: str) -> bool:
    sound = all(type(side) is int and 0 < side <= LARGEST_SIDE for side in shape)
    sound = sound and len(shape) == {"vector": 1, "grey": 3, "channels": 3}.get(layout)
    return sound and (layout != "grey" or shape[0] == 1)


def _is_scaling(plain: dict[str, Any]) -> bool:
    """Whether every number of a conversion is one, and there is one scale, or one for each column of a table."""
    allowed = {1, plain["shape"][0]} if plain["layout"] == "vector" else {1}
    numbers = [plain["low"], plain["high"], *plain["offset"], *plain["scale"]]
    return (
        len(plain["offset"]) == len(plain["scale"])
        and len(plain["scale"]) in allowed
        and all(is_number(number) for number in numbers)
        and all(number != 0 for number in plain["scale"])
        and (plain["dtype"] in UNIT or plain["dtype"] in _NUMBERS)
        and (not plain["impute"] or (plain["layout"] == "vector" and len(plain["scale"]) == plain["shape"][0]))
    )


def is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
