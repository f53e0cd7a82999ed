"""Tables of numbers and categories: read, learned, kept, made anew, measured."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import refused, run
from hypothesis import given, settings
from hypothesis import strategies as st

from diabolo import Generator, Mistake, artifact
from diabolo.fidelity import shape_errors
from diabolo.sources import is_mixed, open_mixed
from diabolo.sources.columns import KNOTS, learn_encoding
from diabolo.sources.encoding import Categories, Encoding, Numbers
from diabolo.sources.mixed import read_mixed
from diabolo.tasks.quality import measure_quality


def people(count: int = 400, seed: int = 0) -> dict[str, list[str]]:
    """Rows of every kind of column: whole numbers, fixed and free decimals, a spike, categories, cells missing."""
    draw = np.random.default_rng(seed)
    ill = draw.random(count) < 0.4
    age = draw.integers(20, 80, count)
    weight = 50 + age / 4 + 12 * ill + draw.normal(0, 5, count)
    cost = np.where(draw.random(count) < 0.3, 0, np.exp(draw.normal(3 + ill, 1, count)))
    ward = np.where(weight > 75, "north", np.where(draw.random(count) < 0.5, "south", "east"))
    return {
        "age": [str(value) for value in age],
        "weight": [
            "" if gone else f"{value:.1f}" for value, gone in zip(weight, draw.random(count) < 0.15, strict=True)
        ],
        "cost": [f"{value:.2f}" for value in cost],
        "ward": ["" if gone else str(value) for value, gone in zip(ward, draw.random(count) < 0.1, strict=True)],
        "outcome": ["ill" if value else "well" for value in ill],
    }


def write(path: Path, cells: dict[str, list[str]]) -> Path:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(cells)
        writer.writerows(zip(*cells.values(), strict=True))
    return path


def numeric(cells: dict[str, list[str]]) -> list[np.ndarray]:
    texts = ("ward", "outcome")
    return [np.array(c) if n in texts else np.array([float(x or "nan") for x in c]) for n, c in cells.items()]


NAMED = [False, False, False, True, True]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("tables") / "people.csv", people())


@pytest.fixture(scope="module")
def model(table: Path) -> Path:
    out = table.with_name("people.diabolo")
    Generator().fit(str(table), "outcome").save(out)
    return out


# ------------------------------------------------------------------ the encoding

CELLS = st.one_of(
    st.just(""),
    st.integers(-(10**9), 10**9).map(str),
    st.sampled_from(["0", "0.25", "1e-3", "-7.5"]),
)


@settings(max_examples=60, deadline=None)
@given(
    number=st.lists(CELLS, min_size=5, max_size=40),
    word=st.lists(st.sampled_from(["", "a", "b", "x y", "è"]), min_size=40, max_size=40),
)
def test_rows_come_back(number: list[str], word: list[str]) -> None:
    cells = {"number": number, "word": word[: len(number)]}
    encoding = learn_encoding(cells)
    vectors = encoding.encode(cells)
    assert vectors.shape == (len(number), encoding.width)
    assert np.isfinite(vectors).all()
    back = encoding.decode(vectors)
    assert back["word"] == cells["word"]
    assert [cell == "" for cell in back["number"]] == [cell == "" for cell in number]
    known = [float(cell) for cell in number if cell]
    for was, now in zip(number, back["number"], strict=True):
        if was:
            assert min(known) - 1e-6 <= float(now) <= max(known) + 1e-6
            assert abs(float(now) - float(was)) <= 1e-3 * (max(known) - min(known)) + 1e-9 * abs(float(was))


def test_kinds_of_columns() -> None:
    encoding = learn_encoding(people(), categorical=["age"])
    assert [type(column) for column in encoding.columns] == [Categories, Numbers, Numbers, Categories, Categories]
    assert encoding.columns[1].decimals == (1, 1)
    assert encoding.columns[1].missing == pytest.approx(0.15, abs=0.06)
    assert set(encoding.columns[3].values) == {"", "east", "north", "south"}


def test_drawn_noise_has_the_columns_shares() -> None:
    cells = people()
    encoding = learn_encoding(cells)
    drawn = encoding.decode(np.random.default_rng(0).standard_normal((20_000, encoding.width)))
    assert shape_errors(numeric(cells), numeric(drawn), NAMED).max() < 0.015
    assert 0.25 < np.mean([cell == "0.00" for cell in drawn["cost"]]) < 0.35
    skewed = np.random.default_rng(0).standard_normal((20_000, encoding.width)) * 0.8 + 0.3
    assert shape_errors(numeric(cells), numeric(encoding.decode(skewed)), NAMED).max() > 0.1
    tuned = encoding.tuned(skewed).decode(skewed)
    assert shape_errors(numeric(cells), numeric(tuned), NAMED).max() < 0.015


def test_columns_of_one_value_and_of_none() -> None:
    cells = {"same": ["7"] * 20, "gone": [""] * 20, "free": [str(i) for i in range(20)]}
    encoding = learn_encoding(cells)
    back = encoding.decode(np.random.default_rng(1).standard_normal((50, encoding.width)))
    assert set(back["same"]) == {"7"}
    assert set(back["gone"]) == {""}
    assert {int(cell) for cell in back["free"]} <= set(range(20))


@given(
    st.lists(st.sampled_from([0.0, 0.5, 1 / 3, 7.25, -1e9]), max_size=300),
    st.lists(st.floats(-100, 100), max_size=600),
)
@settings(max_examples=60)
def test_shares_ascend_from_nothing_to_all(repeated: list[float], others: list[float]) -> None:
    values = [*repeated, *others] or [1.0]
    (column,) = learn_encoding({"x": [str(value) for value in values]}).columns
    assert isinstance(column, Numbers)
    assert len(column.values) == len(column.shares) <= 2 * KNOTS
    assert list(column.shares) == sorted(column.shares)
    assert list(column.values) == sorted(column.values)
    assert (column.shares[0], column.shares[-1]) == (0, 1)
    assert (column.values[0], column.values[-1]) == (min(values), max(values))


def test_values_that_repeat_come_back_with_all_their_digits() -> None:
    draw = np.random.default_rng(0)
    few = draw.random(20)[draw.integers(20, size=1000)]  # sixteen digits each
    spiked = np.where(draw.random(1000) < 0.6, 1 / 3, draw.random(1000))
    cells = {name: [repr(float(value)) for value in column] for name, column in (("few", few), ("spiked", spiked))}
    encoding = learn_encoding(cells)
    back = encoding.decode(draw.standard_normal((4000, encoding.width)))
    made = {name: np.array(column, dtype=float) for name, column in back.items()}
    assert set(made["few"]) == set(few)
    assert np.mean(made["spiked"] == 1 / 3) == pytest.approx(np.mean(spiked == 1 / 3), abs=0.02)
    assert shape_errors([spiked], [made["spiked"]], [False])[0] < 0.02
    assert max(len(cell) for cell in back["spiked"] if float(cell) != 1 / 3) <= 14  # no digits that say nothing


def test_columns_that_repeat_together_are_made_together() -> None:
    draw = np.random.default_rng(0)
    on = draw.random(600) < 0.5
    columns = {"on": on.astype(int), "lamp": 5 * on, "noise": draw.random(600)}
    made = Generator().fit(columns).sample(3000)
    assert np.mean((made["on"] == 1) == (made["lamp"] == 5)) > 0.97


# ------------------------------------------------------------------ reading


def test_what_is_read(tmp_path: Path, table: Path) -> None:
    assert read_mixed(str(table))[0] == people()
    assert is_mixed(str(table))
    assert not is_mixed("digits")
    assert not is_mixed(np.zeros((3, 2)))
    columns = {
        "n": np.array([1, 2, 3]),
        "f": [1.5, float("nan"), 2.0],
        "t": ["a", None, "NA"],
        "b": [True, False, True],
    }
    assert read_mixed(columns)[0] == {
        "n": ["1", "2", "3"],
        "f": ["1.5", "", "2.0"],
        "t": ["a", "", ""],
        "b": ["True", "False", "True"],
    }
    scalars = [np.int64(3), np.float32(0.1), np.bool_(True), np.float64("nan")]
    assert read_mixed({"n": scalars})[0] == {"n": ["3", "0.1", "True", ""]}
    two = [str(table), str(write(tmp_path / "more.csv", people(30, 1)))]
    assert len(open_mixed(two)) == 430


@pytest.mark.parametrize(
    ("cells", "how", "message"),
    [
        (
            {"n": list("123456789012"), "t": [f"word {i}" for i in range(12)]},
            {},
            "column 't' is free text.*12 different",
        ),
        ({"n": ["1", "inf", "3"], "t": ["a", "b", "a"]}, {}, "'n' is not finite: got inf in row 2"),
        ({"n": ["1", "2"], "t": ["a", "b"]}, {"label": "no"}, "has no column 'no': allowed: n, t"),
        ({"n": ["1", "2"], "t": ["a", "b"]}, {"categorical": ["x"]}, "has no column 'x'"),
        ({"t": ["a", "b"]}, {"label": "t"}, "nothing but labels"),
        ({"n": ["1", "2"], "t": ["a" * 200, "b"]}, {}, "too long"),
        ({"n": [1, 2], "t": ["a"]}, {}, "columns of one length"),
        ({"n": [object(), 2]}, {}, "neither a number nor a text"),
        ({f"c{i}": ["1", "2"] for i in range(300)}, {}, "too many columns"),
        ({"n": []}, {}, "not a table"),
    ],
)
def test_tables_that_are_refused(cells: Any, how: Any, message: str) -> None:
    with pytest.raises(Mistake, match=message):
        open_mixed(cells, **how)


def test_files_that_are_refused(tmp_path: Path) -> None:
    for text, message in (
        ("5.1,setosa\n4.9,setosa\n6.3,virginica\n", "has no names of columns: got the first row's 'setosa'"),
        ("a,b\n1\n", "another number of cells"),
        ("a,b\n", "no rows"),
        ("a,a\n1,x\n", "the same name"),
    ):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(Mistake, match=message):
            open_mixed(str(tmp_path / "t.csv"))


# ------------------------------------------------------------------ the task


def test_what_is_made_is_like_what_was_learned(model: Path) -> None:
    generator = Generator.load(model)
    made = generator.sample(4000)
    assert list(made) == list(people())
    assert made["age"].dtype == np.int64
    assert made["weight"].dtype == np.float64
    assert set(made["ward"]) == {"", "east", "north", "south"}
    texts = [made[n] if named else made[n].astype(float) for n, named in zip(made, NAMED, strict=True)]
    assert shape_errors(numeric(people()), texts, NAMED).max() < 0.03
    ill = made["outcome"] == "ill"
    assert np.nanmean(made["weight"][ill]) - np.nanmean(made["weight"][~ill]) == pytest.approx(12, abs=2.5)
    assert np.nanmean(made["weight"][made["ward"] == "north"]) > np.nanmean(made["weight"][made["ward"] == "east"]) + 5
    assert set(generator.sample(20, "ill")["outcome"]) == {"ill"}
    for verb in (lambda: generator.vary(made), lambda: generator.interpolate(made, made)):
        with pytest.raises(Mistake, match="nothing to draw"):
            verb()


def test_a_dictionary_of_columns_in_and_out() -> None:
    cells = people(120)
    columns = {"age": np.array([int(cell) for cell in cells["age"]]), "outcome": np.array(cells["outcome"])}
    made = Generator(categorical=["age"]).fit(columns).sample(60, seed=3)
    assert set(made["outcome"]) <= {"ill", "well"}
    assert set(made["age"]) <= set(cells["age"])
    again = Generator(categorical=["age"]).fit(columns).sample(60, seed=3)
    assert all(np.array_equal(made[name], again[name]) for name in made)


def test_a_column_of_numbers_or_of_truths_is_asked_for_by_these() -> None:
    for column, value in (([1.0, 2.0], 2.0), ([True, False], True)):
        made = Generator().fit({"age": np.arange(40), "of": column * 20}, "of").sample(5, value)
        assert set(made["of"]) == {str(value)}


def test_the_model_file_keeps_the_encoding(model: Path, tmp_path: Path) -> None:
    whole = artifact.load(model)
    assert isinstance(whole.encoding, Encoding)
    artifact.save(whole, tmp_path / "again.diabolo")
    assert artifact.load(tmp_path / "again.diabolo").encoding == whole.encoding


@pytest.mark.parametrize(
    "harm",
    [
        {"label": "no such column"},
        {"columns": []},
        {"columns": [{"name": "age", "values": [2.0, 1.0], "shares": [0.0, 1.0], "decimals": [0, 0], "missing": 0.0}]},
        {"columns": [{"name": "w", "values": ["a", "b"], "shares": [0.9, 0.9]}]},
        {"columns": [{"name": "w", "values": ["a", 1], "shares": [0.5, 0.5]}]},
        {"columns": [{"name": "w", "values": [], "shares": []}]},
        {"columns": ["w"]},
        {"columns": [{"name": "w", "values": ["a"], "shares": ["1"]}]},
        {"columns": [{"name": "n", "values": [1.0], "shares": [1.0], "decimals": [3, 0], "missing": 0.0}]},
    ],
)
def test_encodings_that_cannot_be(model: Path, harm: dict[str, Any]) -> None:
    import dataclasses

    from diabolo.encodings import read_encoding

    whole = artifact.load(model)
    assert whole.encoding is not None
    plain = json.loads(json.dumps(dataclasses.asdict(whole.encoding)))
    assert read_encoding(plain, whole.conversion) == whole.encoding
    with pytest.raises(Mistake, match="encoding"):
        read_encoding(plain | harm, whole.conversion)


# ------------------------------------------------------------------ the commands


def test_table_to_model_to_table(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, out = tmp_path / "m.diabolo", tmp_path / "new.csv"
    assert run("fit", "generate", table, "--labels", "outcome", "-o", made) == 0
    assert "mixture (outcome: 2)" in capsys.readouterr().out
    assert run("generate", "-m", made, "-n", 300, "-o", out, "--seed", 4) == 0
    assert "300 new rows" in capsys.readouterr().out
    cells, _ = read_mixed(str(out))
    assert list(cells) == list(people())
    assert len(cells["age"]) == 300
    expected = Generator(made).sample(300, seed=4)
    assert [int(cell) for cell in cells["age"]] == expected["age"].tolist()
    assert cells["ward"] == expected["ward"].tolist()
    assert re.search(
        "no room for so many: got .* for 1,000,000,000,000 rows; ",
        refused(capsys, "generate", "-m", made, "-n", 10**12, "-o", out),
    )
    assert "*.csv" in refused(capsys, "generate", "-m", made, "-n", 3, "-o", tmp_path / "new.npy")
    assert "allowed: ill, well" in refused(capsys, "generate", "-m", made, "--label", "dead", "-o", out)
    assert run("synthesize", table, "-o", tmp_path / "s.csv", "--categorical", "age") == 0
    cells, _ = read_mixed(str(tmp_path / "s.csv"))
    assert len(cells["age"]) == 400
    assert set(cells["age"]) <= set(people()["age"])
    (tmp_path / "free.csv").write_text("name,age\n" + "".join(f"person {i},{i}\n" for i in range(40)))
    assert "column 'name' is free text" in refused(
        capsys, "synthesize", tmp_path / "free.csv", "-o", tmp_path / "t.csv"
    )
    assert "are of use where" in refused(capsys, "fit", "deep", table, "--categorical", "age", "-o", made)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (("-o", "people.csv"), "the output is the input"),
        (("-o", "people.csv", "--keep", "m.diabolo"), "the output is the input"),
        (("-o", "new.csv", "--keep", "people.csv"), "the output is the input"),
        (("-o", "new.csv", "-n", 0), "that many"),
        (("-o", "new.csv", "--guidance", 2), "the model knows no labels"),
        (("-o", "new.csv", "--balanced"), "people.csv, 400 rows of 5 columns has no labels: got balanced"),
        (("-o", "new.csv", "--seed", -1), "not a seed"),
        (("-o", "new.csv", "--labels-from-folders"), "people.csv, 400 rows of 5 columns has no folder for every class"),
        (("-o", "new"), "rows of a table go to a table"),
    ],
)
def test_a_synthetic_table_is_refused_before_the_training(
    how: tuple[Any, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Generator, "fit", lambda *_: pytest.fail("it was trained"))
    before = write(Path("people.csv"), people()).read_bytes()
    assert message in refused(capsys, "synthesize", "people.csv", *how)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


def test_a_table_of_too_few_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = write(tmp_path / "few.csv", people(3))
    message = "the table has too few rows: got 3; allowed: [0-9]+ or more, since its columns become [0-9]+ numbers$"
    assert re.search(message, refused(capsys, "fit", "generate", few, "-o", tmp_path / "m.diabolo"))


def test_quality_of_tables_with_text(table: Path, tmp_path: Path) -> None:
    out, held = tmp_path / "new.csv", write(tmp_path / "held.csv", people(100, 9))
    assert run("synthesize", table, "--labels", "outcome", "-n", 150, "-o", out) == 0
    found = measure_quality(str(table), str(out), held_out=str(held), labels="outcome", seeds=2)
    assert found.columns is not None
    assert found.columns.names == ("age", "weight", "cost", "ward", "outcome")
    assert found.columns.categorical == (False, False, False, True, True)
    assert found.usefulness is not None
    assert not found.memory.copies.any()  # rows that met by chance were drawn anew
    write(tmp_path / "other.csv", {"age": ["1"] * 30, "ward": ["a"] * 30})
    with pytest.raises(Mistake, match="different columns"):
        measure_quality(str(table), str(tmp_path / "other.csv"))
