"""Numbers as cells write them: decimal commas, dates and times, in tables that are learned, drawn and measured."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import refused, run
from hypothesis import given
from hypothesis import strategies as st

from diabolo import Generator, Mistake, artifact
from diabolo.encodings import read_encoding
from diabolo.sources import open_mixed
from diabolo.sources.encoding import Categories, Numbers
from diabolo.sources.mixed import read_mixed
from diabolo.sources.notation import COMMA, DATES, MOMENTS, NOTATIONS, POINT, TIMES, notation_of, number_in, text_of
from diabolo.tasks.quality import measure_quality

DAYS = st.dates(dt.date(1000, 1, 1), dt.date(9999, 12, 31))


def days(count: int, form: str = "%d.%m.%Y", seed: int = 0) -> list[str]:
    """Dates of three years, more of them in the last."""
    draw = np.random.default_rng(seed)
    begin = dt.date(2021, 1, 1)
    return [f"{begin + dt.timedelta(days=int(1095 * math.sqrt(x))):{form}}" for x in draw.random(count)]


def visits(count: int = 300, seed: int = 0) -> dict[str, list[str]]:
    draw = np.random.default_rng(seed)
    hours = draw.integers(8 * 60, 18 * 60, count)
    price = (10 + hours / 60 + draw.normal(0, 1, count)).round(2)
    return {
        "day": [
            "" if gone else day for day, gone in zip(days(count, seed=seed), draw.random(count) < 0.1, strict=True)
        ],
        "hour": [f"{m // 60:02}:{m % 60:02}" for m in hours],
        "price": [f"{value:.2f}".replace(".", ",") for value in price],
        "kind": draw.choice(["a", "b"], count).tolist(),
    }


def write(path: Path, cells: dict[str, list[str]], delimiter: str = ";") -> Path:
    rows = [list(cells), *zip(*cells.values(), strict=True)]
    path.write_text("\n".join(delimiter.join(row) for row in rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("cells", "notation"),
    [
        (["1.5", "2", "?", ""], POINT),
        (["1,5", "2", "-0,25", "1,5e3"], COMMA),
        (["12,345", "1,2345"], COMMA),
        (["0,125", "0,375"], COMMA),
        (["12,345", "1,234"], None),  # thousands, as likely
        (["1,234.5", "2,0"], None),
        (["1,2,3"], None),
        (["2024-02-29", "1999-12-31", ""], "%Y-%m-%d"),
        (["2023-02-29"], None),
        (["03/04/2024", "25/12/2024"], "%d/%m/%Y"),
        (["03/04/2024", "12/25/2024"], "%m/%d/%Y"),
        (["13/13/2024"], None),
        (["2024-02-29T12:30:01", "2024-03-01T00:00:00"], "%Y-%m-%dT%H:%M:%S"),
        (["29.02.2024 7:05"], "%d.%m.%Y %H:%M"),
        (["7:05", "23:59"], "%H:%M"),
        (["24:00"], None),
        (["1,5e3", "2,5e3"], COMMA),
        (["2024-02-29 00:00:00", "2024-03-01 00:00:00"], "%Y-%m-%d 00:00:00"),
        (["2024-02-29T10:05:00", "2024-03-01T00:10:00"], "%Y-%m-%dT%H:%M:00"),
        (["10:05:00", "11:10:00"], "%H:%M:00"),
        (["0024-01-01"], None),
        (["2024-01-01", "12:00"], None),
        (["owl", "2024-01-01"], None),
        (["\u0662\u0660\u0662\u0664-01-01"], None),
        ([], POINT),
    ],
    ids=str,
)
def test_what_cells_are(cells: list[str], notation: str | None) -> None:
    assert notation_of(cells) == notation


@given(DAYS, st.times())
def test_dates_and_times_come_back(day: dt.date, time: dt.time) -> None:
    moment = dt.datetime.combine(day, time)
    for notation in (*DATES, *TIMES, *MOMENTS):
        cell = moment.strftime(notation)
        number = number_in(cell, notation)
        assert number is not None
        assert text_of(number, notation, 0, 0) == cell


def test_numbers_count_days_minutes_and_seconds() -> None:
    assert number_in("1970-01-03", "%Y-%m-%d") == 2
    assert number_in("01:02", "%H:%M") == 62
    assert number_in("01:02:03", "%H:%M:%S") == 3723
    assert number_in("02.01.1970 00:01", "%d.%m.%Y %H:%M") == 24 * 60 + 1
    assert number_in("-1,5", COMMA) == -1.5
    assert all(math.isnan(number_in("n/a", notation) or 0) for notation in NOTATIONS)


def test_columns_of_dates_are_numbers_and_come_back_within_what_was_seen() -> None:
    cells = visits()
    encoding = open_mixed(cells).encoding
    assert encoding is not None
    kinds = {column.name: column for column in encoding.columns}
    assert [getattr(kinds[name], "notation", None) for name in cells] == ["%d.%m.%Y", "%H:%M", COMMA, None]
    assert isinstance(kinds["kind"], Categories)
    vectors = open_mixed(cells).array
    back = encoding.decode(vectors)
    for name in ("hour", "price", "day"):
        column = kinds[name]
        assert isinstance(column, Numbers)
        before, after = ([number_in(c, column.notation) for c in of[name]] for of in (cells, back))
        np.testing.assert_allclose(after, before, atol=0.5 if name == "price" else 20)
    assert [bool(cell) for cell in back["day"]] == [bool(cell) for cell in cells["day"]]
    assert open_mixed(cells, categorical=["hour"] if len(set(cells["hour"])) < 256 else []).encoding is not None


def test_a_table_of_decimal_commas_gives_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, made = write(tmp_path / "visits.csv", visits()), tmp_path / "made.csv"
    assert run("synthesize", table, "-o", made) == 0
    assert made.read_text().splitlines()[0] == "day;hour;price;kind"
    cells, _ = read_mixed(str(made))
    assert [notation_of(column) for column in cells.values()] == ["%d.%m.%Y", "%H:%M", COMMA, None]
    real = visits()
    for name, notation in (("day", "%d.%m.%Y"), ("hour", "%H:%M")):
        seen, new = ([number_in(c, notation) for c in of[name] if c] for of in (real, cells))
        assert min(seen) <= min(new) <= max(new) <= max(seen)
        assert abs(np.median(seen) - np.median(new)) < 0.1 * (max(seen) - min(seen))
    assert 0.03 < np.mean([cell == "" for cell in cells["day"]]) < 0.2
    hours, prices = ([number_in(c, n) for c in cells[name]] for name, n in (("hour", "%H:%M"), ("price", COMMA)))
    assert np.corrcoef(hours, prices)[0, 1] > 0.8
    capsys.readouterr()
    assert run("quality", table, made, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["columns"]) == set(real)
    assert told["columns"]["day"]["shape_error"] < 0.15


def test_tables_that_write_the_same_in_another_way_are_compared() -> None:
    """As another tool writes it: points for commas, and months first, which only the other side shows."""
    cells, other = visits(200), visits(200, 1)
    other["price"] = [cell.replace(",", ".") for cell in other["price"]]
    cells["day"] = [f"{day[3:5]}/{day[:2]}/{day[6:]}" if day else "" for day in cells["day"]]
    other["day"] = [f"{day[:3]}{min(int(day[3:5]), 12):02}{day[5:]}" if day else "" for day in cells["day"]]
    found = measure_quality(cells, other, held_out=cells, seeds=2)
    assert found.columns is not None
    assert not any(found.columns.categorical[:3])
    assert found.columns.shapes[2] < 0.2
    assert found.columns.shapes[0] < 0.1


def test_days_and_moments_are_compared_in_one_unit_and_dates_and_numbers_not_at_all() -> None:
    cells = {"day": days(200, "%Y-%m-%d"), "hour": visits(200)["hour"]}
    other = {"day": [f"{day} 00:00:00" for day in cells["day"]], "hour": [f"{hour}:00" for hour in cells["hour"]]}
    found = measure_quality(cells, other, held_out=cells, seeds=2)
    assert found.columns is not None
    assert found.columns.shapes.max() == 0
    assert found.memory.copies.all()
    numbers = cells | {"day": [str(20000 + i) for i in range(200)]}
    with pytest.raises(Mistake, match="hold different things: got dates and numbers in column 'day'"):
        measure_quality(cells, numbers)


def test_a_table_of_dates_without_names_is_refused(tmp_path: Path) -> None:
    for row in ("2024-{m:02}-01,{m}", '"{m},5",{m}'):
        rows = [row.format(m=month) for month in range(1, 13)]
        (tmp_path / "t.csv").write_text("\n".join(rows))
        with pytest.raises(
            Mistake, match=r"has no names of columns: got the first row's '.*', which is a (date|number) as"
        ):
            read_mixed(str(tmp_path / "t.csv"))
    (tmp_path / "wide.csv").write_text("name,2024-01-01\n" + "\n".join(f"{'ab'[i % 2]},{i}" for i in range(9)))
    assert list(read_mixed(str(tmp_path / "wide.csv"))[0]) == ["name", "2024-01-01"]


def test_clocks_of_a_zone_stay_as_they_are() -> None:
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=5, tz="Europe/Berlin"), "x": range(5)})
    assert read_mixed(frame)[0]["day"][0] == "2024-01-01"


def test_one_column_of_decimal_commas_can_be_read_again(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("x\n" + "\n".join(f'"{i},{i}5"' for i in range(60)) + "\n")
    assert run("synthesize", tmp_path / "one.csv", "-o", tmp_path / "new.csv") == 0
    assert notation_of(read_mixed(str(tmp_path / "new.csv"))[0]["x"]) == COMMA


def test_dates_of_pandas_and_numpy_come_back_as_dates(tmp_path: Path) -> None:
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=90), "x": np.arange(90.0)})
    frame["moment"] = frame["day"] + pd.Timedelta(hours=7, seconds=5)
    frame.loc[4, "day"] = pd.NaT
    generator = Generator().fit(frame)
    made = generator.sample(40, seed=1)
    assert made["day"].dtype == np.dtype("datetime64[D]")
    assert made["moment"].dtype == np.dtype("datetime64[s]")
    known = made["day"][~np.isnat(made["day"])]
    assert (known >= np.datetime64("2024-01-01")).all()
    assert (known <= np.datetime64("2024-03-30")).all()
    generator.save(tmp_path / "m.diabolo")
    again = Generator(tmp_path / "m.diabolo").sample(40, seed=1)
    np.testing.assert_array_equal(again["moment"], made["moment"])
    plain = {"day": [dt.date(2024, 1, 1 + i % 28) for i in range(60)], "x": list(range(60))}
    assert Generator().fit(plain).sample(3)["day"].dtype == np.dtype("datetime64[D]")
    with pytest.raises(Mistake, match="neither a number nor a text nor a date: got timedelta"):
        open_mixed({"x": [dt.timedelta(1)] * 9, "y": list(range(9))})


def test_a_date_of_records_can_be_given() -> None:
    draw = np.random.default_rng(0)
    records: dict[str, Any] = {"picture": draw.integers(0, 255, (60, 8, 8)).astype(np.uint8), "day": days(60)}
    records["at"] = [f"2024-01-{1 + i % 9:02} {i % 24:02}:00" for i in range(60)]  # no captions of two words
    records["price"] = [f"{i % 7},{i % 3}5" for i in range(60)]
    records["count"] = list(range(60))
    quick = {"steps": 5, "architecture.width": 8, "priors.masked-flow-matching.steps": 5}
    generator = Generator(options=quick).fit(records)
    made = generator.sample(4, given={"day": records["day"][0]})
    assert made["day"].dtype == np.dtype("datetime64[D]")
    assert (made["day"] == np.datetime64(dt.datetime.strptime(records["day"][0], "%d.%m.%Y"))).all()
    for name, value in (("day", made["day"][0]), ("at", dt.datetime(2024, 1, 3, 5)), ("price", 3.25), ("count", 5.5)):
        again = generator.sample(2, given={name: value})[name]
        assert (again == (np.datetime64(value) if name in ("day", "at") else value)).all()
    with pytest.raises(
        Mistake, match=r"no record has such a value of 'day': got 01\.01\.1999; allowed: \d\d\.\d\d\.2021 to"
    ):
        generator.sample(1, given={"day": "01.01.1999"})
    with pytest.raises(Mistake, match=r"a value of 'day' is no date: got '1999'; allowed: dates, as \d\d\."):
        generator.sample(1, given={"day": "1999"})


@pytest.mark.parametrize("harm", [{"notation": "%c"}, {"notation": 1}, {"values": [1e15, 1e16], "shares": [0.0, 1.0]}])
def test_notations_of_a_file_that_cannot_be(harm: dict[str, Any], tmp_path: Path) -> None:
    Generator().fit({"day": days(60), "x": list(range(60))}).save(tmp_path / "m.diabolo")
    model = artifact.load(tmp_path / "m.diabolo")
    assert model.encoding is not None
    plain = json.loads(json.dumps(dataclasses.asdict(model.encoding)))
    assert read_encoding(plain, model.conversion) == model.encoding
    plain["columns"][0] |= harm
    with pytest.raises(Mistake, match="values that cannot be"):
        read_encoding(plain, model.conversion)


def test_files_of_before_have_no_notation(tmp_path: Path) -> None:
    Generator().fit({"y": list(range(60)), "x": list(range(60))}).save(tmp_path / "m.diabolo")
    model = artifact.load(tmp_path / "m.diabolo")
    assert model.encoding is not None
    plain = json.loads(json.dumps(dataclasses.asdict(model.encoding)))
    for column in plain["columns"]:
        assert column.pop("notation") == POINT
    assert read_encoding(plain, model.conversion) == model.encoding


def test_months_in_words_are_free_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = {"day": days(60, "%d %B %Y"), "x": [str(i) for i in range(60)]}
    write(tmp_path / "t.csv", cells)
    told = refused(capsys, "synthesize", tmp_path / "t.csv", "-o", tmp_path / "s.csv")
    assert "column 'day' is free text" in told
    assert "numbers, dates, or at most" in told
