"""Rows of a table that come out as rows that were learned from: drawn anew where these hardly repeat."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from commands import run

from diabolo.sources.columns import learn_encoding
from diabolo.sources.mixed import read_mixed
from diabolo.tasks.generate.copies import Learned

NAMES = ("a", "b", "c", "d")


def table(path: Path, rows: list[tuple[int, ...]]) -> Path:
    path.write_text("\n".join(",".join(map(str, row)) for row in (NAMES, *rows)) + "\n")
    return path


def rows_of(path: Path) -> list[tuple[int, ...]]:
    cells, _ = read_mixed(str(path))
    return list(zip(*([int(cell) for cell in cells[name]] for name in NAMES), strict=True))


def different(values: int, count: int) -> list[tuple[int, ...]]:
    every = list(itertools.product(range(values), repeat=len(NAMES)))
    return [every[i] for i in np.random.default_rng(0).permutation(len(every))[:count]]


def test_rows_that_do_not_repeat_do_not_come_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learned = different(5, 200)  # of 625
    source, out = table(tmp_path / "real.csv", learned), tmp_path / "new.csv"
    assert run("synthesize", source, "-o", out, "-n", 600, "--keep", tmp_path / "m.diabolo") == 0
    told = capsys.readouterr()
    assert "rows came out as rows of the table, and were drawn anew" in told.out + told.err
    made = rows_of(out)
    assert len(made) == 600
    assert not set(made) & set(learned)
    assert run("generate", "-m", tmp_path / "m.diabolo", "-n", 600, "-o", tmp_path / "plain.csv") == 0
    plain = rows_of(tmp_path / "plain.csv")
    kept = [(a, b) for a, b in zip(plain, made, strict=True) if a not in set(learned)]
    assert 200 < len(kept) < 550  # about a third of what is drawn would have been copies
    assert all(a == b for a, b in kept)
    assert run("synthesize", source, "-o", tmp_path / "again.csv", "-n", 600) == 0
    assert rows_of(tmp_path / "again.csv") == made


def test_rows_that_repeat_may_come_again(tmp_path: Path) -> None:
    learned = different(3, 40) * 5
    assert run("synthesize", table(tmp_path / "real.csv", learned), "-o", tmp_path / "new.csv") == 0
    assert set(rows_of(tmp_path / "new.csv")) & set(learned)


def test_a_table_of_all_that_can_be_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learned = different(3, 81)
    assert run("synthesize", table(tmp_path / "real.csv", learned), "-o", tmp_path / "new.csv", "-n", 90) == 0
    told = capsys.readouterr()
    assert "90 of them are still such, since the table holds nearly all that there can be" in told.out + told.err
    assert len(rows_of(tmp_path / "new.csv")) == 90


def test_numbers_are_the_same_however_they_are_written() -> None:
    cells = {"x": ["1", "2.50", "", "4", "7"], "of": ["a", "b", "a", "", "b"]}
    others = {"x": ["1.00", "2.5", "", "4", "1"], "of": ["a", "b", "a", "a", "b"]}
    assert Learned(cells, learn_encoding(cells)).among(others) == [0, 1, 2]
    assert Learned(cells, learn_encoding(cells, label="of")).among(others) == [0, 1, 2, 3, 4]  # whatever their label
