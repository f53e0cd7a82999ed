"""Tables: CSV files and DataFrames as sources, their missing values, and models that put means in their place."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer

from diabolo import Autoencoder, artifact, cli
from diabolo.errors import Mistake
from diabolo.events import Event, Note
from diabolo.latents import Linear
from diabolo.model import Model
from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.sources import Arrays, Joined, Source, open_source
from diabolo.training import fit

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


# --- missing values in training and in use --------------------------------------------------------------------------

DRAW = np.random.default_rng(3)
PLANE = DRAW.normal(size=(90, 2)) @ DRAW.normal(size=(2, 5)) + 0.1 * DRAW.normal(size=(90, 5))
WHOLE = PLANE * [1, 9, 1e3, 1, 1] + [0, 50, 1e6, 1, -3]
HOLED = np.where(DRAW.random(WHOLE.shape) < 0.1, NAN, WHOLE)
NAMES = ["age", "height", "weight", "pulse", "mood"]
LINEAR = {"latent.size": 2, "validation": 0}
DEEP = {"latent.size": 2, "epochs": 2, "architecture.width": 8, "architecture.depth": 1}


def learned(data: Any, name: str = "linear", heard: list[Event] | None = None, **options: Any) -> Model:
    recipe = with_options(named(name), (LINEAR if name == "linear" else DEEP) | options)
    return fit(open_source(data), recipe, listen=[].append if heard is None else heard.append)


def imputing(data: Any, name: str = "linear", **options: Any) -> Model:
    return learned(data, name, **{"preprocessing.impute": True}, **options)


@pytest.mark.parametrize("name", ["linear", "deep"])
def test_imputing_is_to_put_the_columns_means_there(name: str) -> None:
    """Against the same model, trained on a table that NumPy and scikit-learn have filled and standardised."""
    model = imputing(HOLED, name)
    filled = SimpleImputer().fit_transform(HOLED)
    spread = np.nanstd(HOLED, 0)
    np.testing.assert_allclose(model.conversion.offset, np.nanmean(HOLED, 0), rtol=1e-12)
    np.testing.assert_allclose(model.conversion.scale, spread, rtol=1e-9)
    network = model.conversion.to_network(HOLED, torch.float64).numpy()
    np.testing.assert_allclose(network, (filled - np.nanmean(HOLED, 0)) / spread, atol=1e-9)
    assert (network[np.isnan(HOLED)] == 0).all()
    assert model.conversion.low == pytest.approx(network.min(), abs=1e-6)
    assert model.conversion.high == pytest.approx(network.max(), abs=1e-6)
    if name == "linear":
        parts = PCA(2).fit(network)
        rebuilt = parts.inverse_transform(parts.transform(network)) * spread + np.nanmean(HOLED, 0)
        np.testing.assert_allclose(model.reconstruct(HOLED), rebuilt, rtol=1e-6, atol=1e-6)
    for verb in (model.encode, model.reconstruct, model.score_samples, model.residual):
        np.testing.assert_allclose(verb(HOLED), verb(filled), rtol=1e-6, atol=1e-6)
        assert np.isfinite(verb(HOLED)).all()


def test_imputing_fills_a_linear_table_better_than_means_do() -> None:
    missing = np.isnan(HOLED)
    model = imputing(HOLED)
    scale = np.array(model.conversion.scale)
    errors = (model.reconstruct(HOLED) - WHOLE)[missing] / np.broadcast_to(scale, WHOLE.shape)[missing]
    means = (SimpleImputer().fit_transform(HOLED) - WHOLE)[missing] / np.broadcast_to(scale, WHOLE.shape)[missing]
    assert np.square(errors).mean() < 0.7 * np.square(means).mean()


def test_a_table_without_holes_is_only_standardised() -> None:
    one, other = imputing(WHOLE), learned(WHOLE, **{"preprocessing.scaling": "columns"})
    assert one.conversion == dataclasses.replace(other.conversion, impute=True)
    np.testing.assert_array_equal(one.encode(WHOLE), other.encode(WHOLE))
    assert not other.conversion.impute


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_table_of_one_column(dtype: type) -> None:
    data = HOLED[:, 2:3].astype(dtype)
    standard = np.array([[1], [-1], [NAN]] * 20, dtype)  # has the mean 0 and the standard deviation 1 already
    for column in (data, standard, np.where(data > 1e6, 1, data * 0).astype(dtype)):
        model = imputing(column, **{"latent.size": 1})
        again = model.reconstruct(column)
        there = ~np.isnan(column)
        np.testing.assert_allclose(again[there], column[there], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(again[~there], np.nanmean(column), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(model.encode(column)[~there], 0, atol=1e-4)


def test_two_values_and_holes_are_standardised_too() -> None:
    votes = np.where(np.isnan(HOLED), NAN, np.nanmedian(HOLED, 0) < HOLED).astype(float)
    model = imputing(votes, "deep")
    assert type(model.recipe.likelihood).__name__ == "Gaussian"
    assert model.encode(votes).shape == (90, 2)


def test_first_values_may_be_missing_and_means_far_from_zero() -> None:
    data = 1.7e9 + DRAW.random((600, 2)) / 1000
    data[:400, 1] = NAN
    data[200:, 0] = NAN
    conversion = imputing(data).conversion
    np.testing.assert_allclose(conversion.scale, np.nanstd(data, 0), rtol=1e-3)


def test_whole_numbers_have_nothing_to_impute() -> None:
    data = DRAW.integers(0, 256, (50, 4), np.uint8)
    model = imputing(data)
    assert model.reconstruct(data).dtype == np.uint8
    np.testing.assert_allclose(
        model.encode(np.where(data > 99, NAN, data / 255)),
        model.encode(np.where(data > 99, data.mean(0) / 255, data / 255)),
        rtol=1e-5,
        atol=1e-6,
    )
    with pytest.raises(Mistake, match=r"uint8; float64 stands for 0..1: got 0 to 255"):
        model.encode(np.array([[0, NAN, 255.0, 1]]))


def frame(data: np.ndarray = HOLED, **columns: Any) -> Any:
    return pandas.DataFrame(data, columns=NAMES).assign(**columns)


ONE_HOLE = WHOLE.copy()
ONE_HOLE[6, 1] = NAN
TWO_HOLES = ONE_HOLE.copy()
TWO_HOLES[[7, 8], 4] = NAN
ENDLESS = TWO_HOLES.copy()
ENDLESS[3, 2] = -np.inf


@pytest.mark.parametrize(
    ("data", "impute", "words"),
    [
        (
            frame(ONE_HOLE),
            False,
            r"missing values \(NaN\) in the table: got 1 in column 'height'; the first in row 7, ",
        ),
        (ONE_HOLE, False, r"got 1 in column 2; the first in image 06, column 2; .*try: --impute \(.*__impute=True\)"),
        (frame(TWO_HOLES), False, "got 3 in column 'height', column 'mood'; the first in row 7, column 'height'"),
        (
            frame(ENDLESS),
            False,
            "infinity in the table: got 1 in column 'weight'; the first in row 4.*try: leave these",
        ),
        (frame(ENDLESS), True, "infinity in the table: got 1 in column 'weight'; the first in row 4"),
        (frame(mood=NAN, age=NAN), True, "nothing is known of a column: got no value in column 'age', column 'mood'"),
        (np.full((5, 2), NAN), True, "nothing is known of a column: got no value in column 1, column 2"),
        (np.zeros((9, 4, 4)), True, r"only tables have missing values to impute: got images of shape \(4, 4\)"),
    ],
)
def test_what_cannot_be_learned_from_names_the_columns(data: Any, impute: bool, words: str) -> None:
    with pytest.raises(Mistake, match=words) as caught:
        learned(data, **{"preprocessing.impute": impute})
    assert "\n" not in str(caught.value)
    assert ("--impute" in str(caught.value)) == ("missing values (NaN)" in str(caught.value))


def test_rows_of_a_picture_are_no_columns_of_a_table() -> None:
    source = Arrays(np.where(np.arange(6) > 4, NAN, np.ones((9, 5, 6))))
    with pytest.raises(Mistake, match=r"45 such values, the first \(NaN\) in image 0 at \(0, 5\)"):
        learned(source)


def test_a_model_that_does_not_impute_names_the_columns_in_use() -> None:
    model = learned(WHOLE)
    for array, words in (
        (ONE_HOLE, "got 1 such values in column 2"),
        (TWO_HOLES, "got 3 such values in column 2, column 5"),
    ):
        with pytest.raises(Mistake, match=rf"NaN or infinity in the data: {words}.*--impute"):
            model.encode(array)
    for one in (model, imputing(HOLED)):
        with pytest.raises(Mistake, match=r"infinity in the data: got \d such values in .*column 3"):
            one.reconstruct(ENDLESS)


def test_columns_that_never_change_are_told() -> None:
    heard: list[Event] = []
    data = frame(pulse=0.1, mood=np.where(np.arange(90) > 3, NAN, 1e6))
    model = learned(data, heard=heard, **{"preprocessing.impute": True})
    told = [event.text for event in heard if isinstance(event, Note) and event.warning]
    assert told == ["never changes in the training data, and keeps its own unit: column 'pulse', column 'mood'"]
    assert model.conversion.scale[3:] == (1.0, 1.0)
    assert model.conversion.offset[3:] == (0.1, 1e6)
    again = model.reconstruct(data.to_numpy(float))
    np.testing.assert_allclose(again[:, 3:], np.broadcast_to([0.1, 1e6], (90, 2)), rtol=1e-6)
    for data, scaling in ((WHOLE, "columns"), (WHOLE * 0 + 1, "auto"), (WHOLE[:1], "columns")):
        heard.clear()
        learned(data, "deep", heard=heard, **{"preprocessing.scaling": scaling})
        assert not [event for event in heard if isinstance(event, Note) and "never changes" in event.text]


def test_a_saved_model_still_imputes(tmp_path: Path) -> None:
    model = imputing(frame(HOLED), "deep")
    artifact.save(model, tmp_path / "m.diabolo")
    again = artifact.load(tmp_path / "m.diabolo")
    assert again.conversion == model.conversion
    assert again.recipe.preprocessing.impute
    for verb in ("encode", "reconstruct", "score_samples"):
        np.testing.assert_array_equal(getattr(again, verb)(HOLED), getattr(model, verb)(HOLED))


def rewritten(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the conversion that a file tells, with a digest that is right again."""
    with safetensors.safe_open(path, framework="pt") as file:
        told = json.loads(file.metadata()["diabolo"])
        held = {name: file.get_tensor(name) for name in list(file.keys())}
    change(told["conversion"])
    told["digest"] = artifact._digest(told, held)
    path.write_bytes(safetensors.torch.save(held, {"diabolo": json.dumps(told)}))


def test_files_that_are_older_than_imputing_are_read_and_nonsense_is_not(tmp_path: Path) -> None:
    path = tmp_path / "m.diabolo"
    model = learned(WHOLE)
    artifact.save(model, path)
    rewritten(path, lambda conversion: conversion.pop("impute"))
    assert artifact.load(path).conversion == model.conversion
    changes = [{"impute": value} for value in (1, "true", None, [], True)]  # True: there is one scale for all columns
    for change in [*changes, {"filled": True}]:
        artifact.save(model, path)
        rewritten(path, lambda conversion, change=change: conversion.update(change))
        with pytest.raises(Mistake, match="conversion"):
            artifact.load(path)


def test_the_estimator_imputes_and_names_columns() -> None:
    estimator = Autoencoder("flat", Linear(size=2), "gaussian").set_params(architecture__depth=0)
    with pytest.raises(Mistake, match=r"missing values.*in column 'age', column 'height', column 'weight' and 2 more"):
        estimator.fit(frame())
    estimator.set_params(preprocessing__impute=True).fit(frame())
    np.testing.assert_allclose(estimator.reconstruct(frame()), imputing(HOLED).reconstruct(HOLED), rtol=1e-6)
    assert estimator.__sklearn_tags__().input_tags.allow_nan
    plain = estimator.set_params(preprocessing__impute=False, preprocessing__scaling="columns").fit(frame(WHOLE))
    assert not plain.__sklearn_tags__().input_tags.allow_nan
    with pytest.raises(Mistake, match="got 3 such values in column 'height', column 'mood'"):
        plain.transform(frame(TWO_HOLES))


def test_from_a_csv_file_to_codes_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    frame().to_csv("t.csv", index=False)
    line = "fit linear t.csv -o m.diabolo --latent.size 2"
    assert cli.main(line.split()) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "missing values (NaN) in the table: got" in said
    assert "the first in row" in said
    assert "try: --impute" in said
    for flag in ("--impute", "--preprocessing.impute", "--impute true"):
        assert cli.main([*line.split(), *flag.split()]) == 0
        model = artifact.load("m.diabolo")
        assert model.conversion.impute
        assert model.provenance["command"].endswith("--preprocessing.impute true")
        assert model.provenance["columns"] == NAMES
    assert cli.main(["encode", "t.csv", "-m", "m.diabolo", "-o", "c.npz"]) == 0
    with np.load("c.npz") as file:
        np.testing.assert_array_equal(file["codes"], model.encode(HOLED))
        assert list(file["names"][:2]) == ["row 1", "row 2"]
    frame(WHOLE).to_csv("u.csv", index=False, sep=";")
    assert cli.main([*line.replace("t.csv", "t.csv u.csv").split(), "--impute"]) == 0
    assert artifact.load("m.diabolo").provenance["columns"] == NAMES
