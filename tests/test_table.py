"""Tables: CSV files and DataFrames as sources, their missing values, and models that put means in their place."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from diabolo.errors import Mistake
from diabolo.sources import Arrays, Joined, Source, open_source

pandas = pytest.importorskip("pandas", reason="needs pandas: pip install 'diabolo[test]'")

NAN = np.nan


def table(path: Path, text: str | bytes) -> Arrays:
    """The source that a file of this text is."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    source = open_source(path)
    assert isinstance(source, Arrays)
    assert isinstance(source, Source)
    return source


# --- files ----------------------------------------------------------------------------------------------------------

WINES = """\
"number, of the wine";"fixed acidity";"the ""true"" pH";alcohol;proline
1;7.4;3.51; 9.4 ;1e3
2;;3.2;NA;-1.5E-2
3;7.8;?;9.8;null
"4";"11.2";3.16;NaN;.5
"""

FILES = {
    "semicolons": WINES,
    "semicolons, and numbers without a name row": "1.5;2\n3;4\n",
    "commas": "a,b,c\n1,2,3\n4,5,6\n",
    "commas, the name row with semicolons": '"a; b","c; d"\n1,2\n3,4\n',
    "tabs": "a\tb\n1\t2\n\t4\n",
    "a byte order mark": "\ufeffa,b\n1,2\n",
    "a byte order mark, and no names": "\ufeff1,2\n3,4\n",
    "Windows' ends of lines": "a,b\r\n1,2\r\n3,NA\r\n",
    "no end of the last line": "a,b\n1,2",
    "empty lines": "a,b\n\n1,2\n\n\n3,4\n\n",
    "an index without a name": ",b\n0,2.5\n1,3.5\n",
    "one column": "x\n1\n2\n",
    "a missing value of one column": 'x\n1\n""\n3\n',
    "names of other scripts": "größe,длина,幅\n1,2,3\n",
    "a name of two lines": '"a\nb",c\n1,2\n',
    "missing in the first row": "NA,2\n3,4\n",
    "an empty last column": "a,b,c\n1,2,\n3,4,\n",
    "all digits of a double": "x,y\n0.1,1.7976931348623157e308\n-5e-324,0.30000000000000004\n",
}


@pytest.mark.filterwarnings("ignore:The 'float_precision'")
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_holds_what_pandas_reads(name: str, packed: bool, tmp_path: Path) -> None:
    text = FILES[name]
    has_names = not text.lstrip("\ufeff").startswith(("1", "NA"))
    delimiter = next(d for d in "\t;," if d in text.replace("; ", "") or d == ",")
    known = {"encoding": "utf-8-sig", "header": 0 if has_names else None, "na_values": "?"}
    frame = pandas.read_csv(io.BytesIO(text.encode()), sep=delimiter, float_precision="round_trip", **known)
    data = text.encode()
    source = table(tmp_path / ("t.csv.gz" if packed else "t.csv"), gzip.compress(data) if packed else data)
    np.testing.assert_array_equal(source.array, frame.to_numpy(float))
    assert source.array.dtype == np.float64
    assert source.array.flags.writeable
    if not has_names:
        assert source.columns == [f"column {i + 1}" for i in range(frame.shape[1])]
    elif not text.startswith(","):
        assert source.columns == [str(column) for column in frame.columns]
    assert source.name(0) == "row 1"
    assert f"{len(frame)} row" in source.description


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".CSV", ".tsv.gz"])
def test_the_name_says_that_it_is_a_table(suffix: str, tmp_path: Path) -> None:
    data = b"a\tb\n1\t2\n"
    assert table(tmp_path / f"t{suffix}", gzip.compress(data) if suffix.endswith("gz") else data).columns == ["a", "b"]


def test_every_word_for_a_missing_value(tmp_path: Path) -> None:
    words = ["", " ", "NA", "N/A", "#N/A", "NaN", "nan", "-nan", "null", "NULL", "None", "<NA>", "?", '""']
    source = table(tmp_path / "t.csv", "a,b\n" + "".join(f"{word},1\n" for word in words))
    assert np.isnan(source.array[:, 0]).all()
    assert (source.array[:, 1] == 1).all()


def test_a_column_without_a_name_has_its_number(tmp_path: Path) -> None:
    assert table(tmp_path / "t.csv", ",b, \n0,2,1\n").columns == ["column 1", "b", "column 3"]


_NAMES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9).map(lambda t: f"x{t}".strip()),
    min_size=1,
    max_size=6,
    unique=True,
)


@hypothesis.given(st.data(), _NAMES, st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: Any, names: list[str], delimiter: str, end: str, marked: bool
) -> None:
    number = st.floats(allow_infinity=False)
    rows = data.draw(st.lists(st.lists(number, min_size=len(names), max_size=len(names)), min_size=1, max_size=5))
    path = tmp_path_factory.mktemp("t") / "t.csv"
    with open(path, "w", encoding="utf-8-sig" if marked else "utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
        writer.writerows([names, *rows])
    source = open_source(path)
    np.testing.assert_array_equal(source.array, rows)
    assert source.columns == names


MISTAKES: dict[str, tuple[str | bytes, str]] = {
    "a column of text": (
        "age,name\n1,2\n3,4\n5,abc\n",
        r"column 'name' is not numbers: got 'abc' in row 3; .*try: leave these columns out of the file, or encode",
    ),
    "many columns of text": (
        "a,b,c,d,e,f\n1,q,r,s,t,u\n",
        r"column 'b', column 'c', column 'd' and 2 more are not numbers: got 'q' in row 1",
    ),
    "text without names": ("1,2\n3,x\n", r": column 2 is not numbers: got 'x' in row 2"),
    "text after missing values": ("a,b\nNA,NA\n?,x\n", r"column 'b' is not numbers: got 'x' in row 2"),
    "a decimal comma": ("a;b\n1,5;2\n", r"column 'a' is not numbers: got '1,5' in row 1.*try: a point as the decimal"),
    "decimal commas without names": ("1,5;2,5\n1,5;3,5\n", "try: a point as the decimal"),
    "underscores": ("a,b\n1,1_000\n", r"column 'b' is not numbers: got '1_000'"),
    "digits of other scripts": ("a,b\n1,१\n", r"column 'b' is not numbers"),
    "blanks between numbers": ("a b\n1 2\n", r"column 'a b' is not numbers: got '1 2'"),
    "a cell too many": ("a,b\n1,2\n1,2,3\n", r"row 2 has another number of cells: got 3; allowed: 2; try: quotes"),
    "a cell too few": ("a,b\n1,2\n\n1\n", r"row 2 has another number of cells: got 1; allowed: 2; try: a cell"),
    "names that are the same": ("a,b,a,a\n1,2,3,4\n", r"two columns of .*t.csv have the same name: got 'a'"),
    "nothing": ("", "no rows in .*t.csv: got an empty file"),
    "empty lines": ("\n\n", "no rows in .*t.csv: got an empty file"),
    "a byte order mark alone": ("\ufeff", "no rows in .*t.csv: got an empty file"),
    "names alone": ("a,b\n", "no rows in .*t.csv: got the names of columns alone"),
    "infinity": ("a,b\n1,2\n1,-inf\n", "column 'b' is not finite: got -inf in row 2"),
    "a number beyond doubles": ("a,b\n1,1e999\n", "column 'b' is not finite: got inf in row 1"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), r"t.csv is not text: got the bytes ff.*allowed: UTF-8"),
    "Latin-1": ("größe,b\n1,2\n".encode("latin1"), r"t.csv is not text: got the bytes f6 df.*UTF-8"),
    "Latin-1 far below": ("a,b\n" + "1,2\n" * 99 + "1,\udcf6\n", "t.csv is not text: got the bytes"),
    "bytes": (bytes(99), "t.csv is not text: got bytes that are 0"),
    "a cell without end": ('a,b\n1,"' + "9" * 200_000, "t.csv is not a table"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_no_table_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    text, words = MISTAKES[name]
    data = text.encode(errors="surrogateescape") if isinstance(text, str) else text
    with pytest.raises(Mistake, match=words) as caught:
        table(tmp_path / "t.csv", data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-40], lambda data: b"a,b\n1,2\n", lambda data: data[:-8] + b"12345678"]
)
def test_a_packed_table_that_is_damaged(damage: Any, tmp_path: Path) -> None:
    data = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(999)))
    with pytest.raises(Mistake, match=r"t.csv.gz is damaged or cut short"):
        table(tmp_path / "t.csv.gz", damage(data))


# --- DataFrames, and several tables ---------------------------------------------------------------------------------


def test_a_data_frame_tells_its_columns() -> None:
    frame = pandas.DataFrame({"age": [1, 2], "on": [True, False], 3: [0.5, NAN]})
    source = open_source(frame)
    assert source.columns == ["age", "on", "3"]
    np.testing.assert_array_equal(source.array, [[1, 1, 0.5], [2, 0, NAN]])
    assert source.name(1) == "row 2"
    assert open_source(np.ones((2, 3))).columns is None


def test_a_data_frame_of_pandas_own_types() -> None:
    frame = pandas.DataFrame({"a": [1, None, 3], "b": [True, None, False], "c": [0.5, None, 1]})
    frame = frame.astype({"a": "Int64", "b": "boolean", "c": "Float64"})
    np.testing.assert_array_equal(open_source(frame).array, [[1, 1, 0.5], [NAN, NAN, NAN], [3, 0, 1]])
    with pytest.raises(Mistake, match="got town"):
        open_source(frame.assign(town=["Ulm", None, "Bonn"]))
    with pytest.raises(Mistake, match="two columns of the table have the same name: got 'a'"):
        open_source(pandas.DataFrame([[1, 2, 3]], columns=["a", "a", "b"]))


def test_tables_are_joined_where_their_columns_agree(tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    table(one, "a,b\n1,2\n")
    table(two, "a;b\n3;4\n5;6\n")
    source = open_source([one, two])
    assert isinstance(source, Joined)
    assert source.columns == ["a", "b"]
    assert [source.name(i) for i in range(3)] == ["1/row 1", "2/row 1", "2/row 2"]
    np.testing.assert_array_equal([source.read(i) for i in range(3)], [[1, 2], [3, 4], [5, 6]])
    assert open_source([one, Arrays(np.ones((1, 2)))]).columns is None


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("a,c\n1,2\n", r"differ in column 2: got 'c' in two.csv.*; allowed: 'b', as in one.csv"),
        ("b,a\n1,2\n", r"differ in column 1: got 'b' in two.csv"),
        ("a,b,c\n1,2,3\n", r"differ in column 3: got 'c' in two.csv.*allowed: 2 columns"),
        ("a\n1\n", r"differ in column 2: got none in two.csv.*allowed: 'b'"),
    ],
)
def test_tables_that_differ_are_not_joined(other: str, words: str, tmp_path: Path) -> None:
    table(tmp_path / "one.csv", "a,b\n1,2\n")
    table(tmp_path / "two.csv", other)
    with pytest.raises(Mistake, match=words):
        open_source([tmp_path / "one.csv", tmp_path / "two.csv"])
