"""What a table holds, as a model's file tells it: every number must be one that a table could have given."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Sequence
from typing import Any

from diabolo.conversions import is_number
from diabolo.errors import Mistake
from diabolo.preprocessing import Conversion
from diabolo.sources.columns import CATEGORIES, COLUMNS, DECIMALS, KNOTS
from diabolo.sources.encoding import Categories, Column, Encoding, Numbers
from diabolo.sources.modalities import MOST_WORDS, Modalities, PictureCode, Tokens
from diabolo.sources.notation import AS_IS, NOTATIONS, POINT, text_of

CATEGORY = {"name", "values", "shares"}
NUMBERS = CATEGORY | {"decimals", "missing", "notation"}
TOKENS = {"name", "places"}
PICTURE = {"name", "width"}
CLOSE = 1e-6  # to 1, which shares sum up to


def read_encoding(plain: Any, conversion: Conversion) -> Encoding:
    """The encoding of a file; a `Mistake` where it cannot be one of the vectors that the conversion takes."""
    if not isinstance(plain, dict) or set(plain) != {"columns", "label"} or not isinstance(plain["columns"], list):
        raise Mistake("its encoding is not what it should be")
    columns = tuple(_column(column) for column in plain["columns"][: COLUMNS + 1])
    names, label = [column.name for column in columns], plain["label"]
    if not 0 < len(names) <= COLUMNS or len(set(names)) < len(names) or label not in ("", *names):
        raise Mistake("its encoding has columns that cannot be")
    encoding = Encoding(columns, label)
    if conversion.layout != "vector" or (encoding.width,) != conversion.shape:
        raise Mistake("its encoding is not one of its vectors", f"{encoding.width} numbers", str(conversion.shape))
    return encoding


def read_modalities(plain: Any, code: Sequence[int]) -> Modalities:
    """The modalities of a file; a `Mistake` where they cannot be those beside pictures of codes of that shape."""
    if not isinstance(plain, dict) or set(plain) != {"columns"} or not isinstance(plain["columns"], list):
        raise Mistake("its modalities are not what they should be")
    columns = tuple(_modality(column) for column in plain["columns"][: COLUMNS + 1])
    names, pictures = [c.name for c in columns], [c for c in columns if isinstance(c, PictureCode)]
    if not 1 < len(names) <= COLUMNS or len(set(names)) < len(names) or len(pictures) != 1:
        raise Mistake("its modalities have columns that cannot be")
    if pictures[0].width != math.prod(code):
        raise Mistake("its modalities are not those of its codes", str(pictures[0].width), str(math.prod(code)))
    return Modalities(columns)


def _modality(plain: Any) -> Numbers | Tokens | PictureCode:
    if isinstance(plain, dict) and isinstance(plain.get("name"), str):
        if set(plain) == PICTURE and type(plain["width"]) is int:
            return PictureCode(plain["name"], plain["width"])
        if set(plain) == TOKENS:
            return _tokens(plain)
    column = _column(plain)
    if not isinstance(column, Numbers) or column.missing:
        raise Mistake("its modalities have a column that is none")
    return column


def _tokens(plain: dict[str, Any]) -> Tokens:
    places = plain["places"]
    sound = isinstance(places, list) and 0 < len(places) <= MOST_WORDS
    for words in places if sound else ():
        sound = sound and isinstance(words, list) and 0 < len(words) <= CATEGORIES
        sound = sound and all(isinstance(word, str) for word in words) and len(set(words)) == len(words)
    if not sound:
        raise Mistake(f"the column {plain['name']!r:.40} of its modalities has words that cannot be")
    return Tokens(plain["name"], tuple(map(tuple, places)))


def _column(plain: Any) -> Column:
    if not isinstance(plain, dict) or not isinstance(plain.get("name"), str):
        raise Mistake("its encoding has a column that is none")
    values, shares = plain.get("values"), plain.get("shares")
    if not (isinstance(values, list) and isinstance(shares, list) and 0 < len(values) == len(shares)):
        raise Mistake(f"the column {plain['name']!r:.40} of its encoding has no values")
    column: Column | None = None
    if all(is_number(share) and 0 <= share <= 1 for share in shares):
        column = (
            _numbers(plain)
            if set(plain) | {"notation"} == NUMBERS
            else _categories(plain)
            if set(plain) == CATEGORY
            else None
        )
    if column is None:
        raise Mistake(f"the column {plain['name']!r:.40} of its encoding holds values that cannot be")
    return column


def _categories(plain: dict[str, Any]) -> Categories | None:
    values, shares = plain["values"], plain["shares"]
    sound = all(isinstance(value, str) for value in values) and len(set(values)) == len(values) <= CATEGORIES + 1
    sound = sound and abs(sum(shares) - 1) < CLOSE
    return Categories(plain["name"], tuple(values), tuple(shares)) if sound else None


def _is_range(decimals: Any) -> bool:
    whole = isinstance(decimals, list) and len(decimals) == 2 and all(type(number) is int for number in decimals)
    return whole and AS_IS <= decimals[0] <= decimals[1] <= DECIMALS


def _numbers(plain: dict[str, Any]) -> Numbers | None:
    values, shares, decimals, missing = (plain[key] for key in ("values", "shares", "decimals", "missing"))
    notation = plain.get("notation", POINT)  # which files of before do not tell
    sound = all(is_number(number) for number in (*values, missing)) and len(values) <= 2 * KNOTS
    sound = sound and all(a <= b for numbers in (values, shares) for a, b in itertools.pairwise(numbers))
    sound = sound and _is_range(decimals) and 0 <= missing < 1
    sound = sound and notation in NOTATIONS and all(_is_written(end, notation) for end in (values[0], values[-1]))
    return Numbers(plain["name"], tuple(values), tuple(shares), tuple(decimals), missing, notation) if sound else None


def _is_written(number: float, notation: str) -> bool:
    with contextlib.suppress(OverflowError):
        return bool(text_of(number, notation, 0, 0))
    return False
