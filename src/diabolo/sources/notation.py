"""How the numbers of a column are written: with a point or a comma before the decimals, as dates, as times of day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np

from diabolo.sources.table import MISSING, value_of

POINT, COMMA = "point", "comma"
DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")  # of two that fit, the first
TIMES = ("%H:%M", "%H:%M:00", "%H:%M:%S")  # the coarser first, where it fits all
MOMENTS = tuple(f"{day}{b}{clock}" for day in DATES for b in " T" for clock in ("00:00", "00:00:00", *TIMES))
NOTATIONS = (POINT, COMMA, *DATES, *TIMES, *MOMENTS)
AS_IS = -1  # decimals: as many as it takes
_BEGIN = datetime(1970, 1, 1)
_DAY, _MINUTE = 24 * 60 * 60, 60  # seconds
_OLDEST = 1000  # a year of four digits


def notation_of(cells: Sequence[str]) -> str | None:
    """The first notation in which every cell is a number, or missing; None for text.

    A comma is a decimal one only where some cell shows that it does not part thousands.
    """
    present = [cell for cell in cells if cell.strip().lower() not in MISSING]
    for notation in NOTATIONS:
        if all(number_in(cell, notation) is not None for cell in present):
            return notation if notation != COMMA or any(_is_decimal(cell) for cell in present) else None
    return None


def number_in(cell: str, notation: str) -> float | None:
    """A cell's number, NaN where it is missing, None where it is none in this notation.

    Dates count from 1970 on, times from midnight, in the smallest thing that is written: days, minutes or seconds.
    """
    plain = cell.strip()
    if notation == POINT or plain.lower() in MISSING:
        return value_of(plain)
    if notation == COMMA:
        return None if "." in plain or plain.count(",") > 1 else value_of(plain.replace(",", "."))
    try:
        moment = datetime.strptime(plain, notation) if plain.isascii() else None
    except ValueError:
        return None
    if moment is None or (notation not in TIMES and moment.year < _OLDEST):
        return None
    begin = datetime(1900, 1, 1) if notation in TIMES else _BEGIN  # where strptime puts a time of day
    return (moment - begin).total_seconds() // _unit(notation)


def text_of(number: float, notation: str, fewest: int, most: int) -> str:
    """A number as a cell, with the digits after the point that there have to be and may be.

    Raises OverflowError for what is no date of four digits' years.

    >>> text_of(3.2, COMMA, 2, 2), text_of(19723.4, "%d.%m.%Y", 0, 0), text_of(755, "%H:%M", 0, 0)
    ('3,20', '01.01.2024', '12:35')
    """
    if notation in (POINT, COMMA):
        text = written(number, fewest, most)
        return text.replace(".", ",") if notation == COMMA else text
    moment = _BEGIN + timedelta(seconds=round(number) * _unit(notation))
    if moment.year < _OLDEST:
        raise OverflowError(f"the year {moment.year}")
    return moment.strftime(notation)


def values_of(cells: Sequence[str], notation: str, whole: bool) -> np.ndarray:
    """Cells as an array (n,): int64 if all are there and `whole`, float64 with NaN, datetime64 with NaT, or texts."""
    if notation in TIMES:
        return np.array(cells, dtype=str)
    values = [number_in(cell, notation) for cell in cells]
    if notation not in (POINT, COMMA):
        unit = {_DAY: "datetime64[D]", _MINUTE: "datetime64[m]"}.get(_unit(notation), "datetime64[s]")
        return np.array([np.datetime64("NaT") if v is None or math.isnan(v) else int(v) for v in values], dtype=unit)
    numbers = np.array(values, dtype=np.float64)
    return numbers.astype(np.int64) if whole and all(cells) and (numbers == np.rint(numbers)).all() else numbers


def written(number: float, fewest: int, most: int) -> str:
    """A number as text, with the digits after the point that there have to be and may be.

    >>> written(3.14159, 0, 2), written(3.2, 0, 2), written(3.2, 2, 2), written(-0.2, 0, 0), written(1e-20, -1, -1)
    ('3.14', '3.2', '3.20', '0', '1e-20')
    """
    text = str(number).removesuffix(".0") if most == AS_IS else f"{number:.{most}f}"
    while most > fewest and text[-1] in "0.":
        text, most = text[:-1].removesuffix("."), most - 1
    return text.removeprefix("-") if float(text) == 0 else text


def decimals_of(cells: Sequence[str], notation: str, at_most: int) -> tuple[int, int]:
    """The fewest and the most digits after the point of any cell; `AS_IS` for powers of ten, or very many digits."""
    if notation not in (POINT, COMMA):
        return 0, 0
    counts = [len(cell.replace(",", ".").partition(".")[2]) for cell in cells]
    powers = any("e" in cell.lower() for cell in cells)
    return (AS_IS, AS_IS) if powers or max(counts) > at_most else (min(counts), max(counts))


def delimiter_of(notations: Sequence[str]) -> str:
    """What stands between the cells of a table with such columns: a comma, unless it is a decimal one of several."""
    return ";" if COMMA in notations and len(notations) > 1 else ","


def kind_of(notation: str) -> str:
    """What its cells are, in a word: only such of one kind can be compared, and those by `in_one_unit`."""
    return "number" if notation in (POINT, COMMA) else "time" if notation in TIMES else "date"


def in_one_unit(cell: str, notation: str) -> float | None:
    """`number_in`, of dates and times in seconds."""
    number = number_in(cell, notation)
    return number if number is None or kind_of(notation) == "number" else number * _unit(notation)


def cell_of(value: Any, notation: str | None) -> Any:
    """A number, date or time of Python or numpy as a cell in this notation; anything else, or without one, as it is."""
    if notation is None:
        return value
    if isinstance(value, np.datetime64) and not np.isnat(value):
        value = value.astype("datetime64[s]").item()
    if isinstance(value, date) and kind_of(notation) == "date":
        return value.strftime(notation)
    if isinstance(value, time) and kind_of(notation) == "time":
        return value.strftime(notation)
    if isinstance(value, int | float | np.number) and notation == COMMA:
        return str(value).replace(".", ",")
    return value


def _unit(notation: str) -> int:
    """Seconds in the smallest thing that is written."""
    return 1 if "%S" in notation else _MINUTE if "%M" in notation else _DAY


def _is_decimal(cell: str) -> bool:
    before, comma, after = cell.strip().lstrip("+-").partition(",")
    return bool(comma) and (len(after) != 3 or not after.isdigit() or not 1 <= len(before) <= 3 or before == "0")
