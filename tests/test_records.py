"""Records of several modalities: read, learned, kept, drawn whole, completed from any of them."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from commands import interrupted, refused, run
from PIL import Image
from sklearn.datasets import load_digits

from diabolo import Generator, Mistake, artifact
from diabolo.files import reading
from diabolo.pixels import Picture, read_picture, write_picture
from diabolo.priors import MaskedFlowMatching, Space
from diabolo.recipes import suited
from diabolo.sources import open_mixed, open_rows, read_table
from diabolo.sources.encoding import Numbers
from diabolo.sources.modalities import Modalities, PictureCode, Tokens, learn_modalities
from diabolo.tasks.generate import record_files
from diabolo.tasks.generate.record_files import generate_records
from diabolo.tasks.generate.records import RecordWish
from diabolo.tasks.generate.synthesize import synthesize
from diabolo.tasks.places import write_image

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PRIOR = {"width": 96, "depth": 2, "steps": 1200, "batch_size": 128, "ema": 0.98, "evaluations": 20}
OPTIONS: dict[str, Any] = {"steps": 400, "batch_size": 64, "architecture.width": 8, "latent.size": 12}
OPTIONS |= {f"priors.masked-flow-matching.{name}": value for name, value in PRIOR.items()}
QUICK = OPTIONS | {"steps": 20, "priors.masked-flow-matching.steps": 30}  # where it matters not what is learned
FLAGS = [word for name, value in QUICK.items() for word in (f"--{name.replace('_', '-')}", value)]


def digits(count: int = 1000) -> dict[str, Any]:
    """Four modalities: picture, label, ink as a number, caption."""
    data = load_digits()
    images = (data.images[:count] * 15).astype(np.uint8)
    ink = images.mean((1, 2))
    heavy = ink > np.median(ink)
    return {
        "picture": images,
        "digit": [str(label) for label in data.target[:count]],
        "ink": np.round(ink, 1),
        "caption": [f"{'dark' if h else 'light'} {WORDS[i]}" for h, i in zip(heavy, data.target, strict=False)],
    }


def with_holes(records: dict[str, Any], share: float = 0.3) -> dict[str, Any]:
    """The same with a share of the cells and of the pictures missing."""
    draw = np.random.default_rng(0)
    count = len(records["picture"])
    gone = {name: draw.random(count) < share for name in records}
    return {
        "picture": [None if g else picture for g, picture in zip(gone["picture"], records["picture"], strict=True)],
        "digit": ["" if g else cell for g, cell in zip(gone["digit"], records["digit"], strict=True)],
        "ink": np.where(gone["ink"], np.nan, records["ink"]),
        "caption": [None if g else cell for g, cell in zip(gone["caption"], records["caption"], strict=True)],
    }


def written(folder: Path, records: dict[str, Any]) -> Path:
    """Records as a table whose column `picture` names files beside it."""
    (folder / "seen").mkdir(parents=True)
    paths = []
    for number, picture in enumerate(records["picture"]):
        paths.append("" if picture is None else f"seen/{number}.png")
        if picture is not None:
            write_picture(folder / paths[-1], Picture(picture))
    columns = records | {"picture": paths, "ink": ["" if np.isnan(ink) else str(ink) for ink in records["ink"]]}
    with open(folder / "records.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return folder / "records.csv"


def read(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("records"), with_holes(digits()))


@pytest.fixture(scope="module")
def model(table: Path) -> Path:
    out = table.with_name("digits.diabolo")
    Generator(options=OPTIONS, categorical=["digit"]).fit(str(table)).save(out)
    return out


@pytest.fixture(scope="module")
def generator(model: Path) -> Generator:
    return Generator(model)


def share(one: Any, other: Any) -> float:
    return float(np.mean(np.asarray(one) == np.asarray(other)))


# ------------------------------------------------------------------ the columns


def test_columns_are_what_they_hold(table: Path) -> None:
    source = open_rows(str(table), ["digit"])
    kinds = [type(column) for column in source.modalities.columns]
    assert kinds == [PictureCode, Tokens, Numbers, Tokens]
    assert source.modalities.columns[3].places == (("dark", "light"), tuple(sorted(WORDS)))
    assert source.modalities.columns[2].missing == 0
    assert len(source) == (source.places >= 0).sum() == len(list((table.parent / "seen").iterdir()))
    assert source.read(0).shape == (8, 8)
    assert suited("generate", {(8, 8, 1)}, "records") == "generate-records"
    assert type(open_rows({"a": ["x", "y"] * 9, "b": range(18)})) is type(open_mixed({"a": ["x", "y"], "b": [1, 2]}))


def test_rows_come_back() -> None:
    cells = {"class": ["New York", "Rome", ""], "said": ["a b c", "a", ""], "size": ["1.5", "", "2.5"]}
    texts = [f"{i} {j} c" for i in "ab" for j in "abcdefg"]
    said = learn_modalities(["said"], {"said": [*texts, "a"]}, "").columns[0]
    sized = learn_modalities(["size"], {"size": cells["size"]}, "").columns[0]
    modalities = Modalities((Tokens("class", (("Rome", "New York"),)), PictureCode("p", 2), said, sized))
    codes = np.array([[1.0, 2.0], [3.0, 4.0], [np.nan, np.nan]])
    rows = modalities.encode(cells, codes)
    assert rows.shape == (3, sum(modalities.widths))
    known = [[not np.isnan(part).any() for part in np.split(row, np.cumsum(modalities.widths)[:-1])] for row in rows]
    assert known == [[True, True, True, True], [True, True, True, False], [False, False, False, True]]
    back, found = modalities.decode(np.nan_to_num(rows))
    assert back["class"][:2] == cells["class"][:2]
    assert back["said"][:2] == cells["said"][:2]
    assert back["size"][0] == "1.5"
    assert np.array_equal(found[:2], codes[:2])
    assert np.isnan(modalities.encode({}, codes)[:, 4:]).all()


@pytest.mark.parametrize(
    ("changed", "how", "message"),
    [
        ({"digit": [f"word{i}" for i in range(1000)]}, {}, r"'digit' is free text.*1000 different texts.*256 words in"),
        ({"digit": [""] * 1000}, {}, "nothing is known of column 'digit'"),
        ({"ink": ["inf"] * 1000}, {}, "'ink' is not finite"),
        ({}, {"categorical": ["ward"]}, "no column 'ward'"),
        ({"other": np.zeros((1000, 3, 3))}, {}, "several columns of pictures: got picture, other"),
        ({"digit": ["1"] * 5}, {}, "columns of"),
        ({"picture": [None] * 999 + [np.full((4, 4), np.nan)]}, {}, "has no pictures"),
        ({"picture": [np.zeros((4, 4)), np.zeros((5, 5))] * 500}, {}, "different sizes"),
    ],
)
def test_tables_that_are_refused(changed: dict[str, Any], how: dict[str, Any], message: str) -> None:
    with pytest.raises(Mistake, match=message):
        open_rows(digits() | changed, **how)


def test_files_that_are_refused(table: Path, tmp_path: Path) -> None:
    (tmp_path / "gone.csv").write_text("picture,a\n,1\nseen/no.png,2\n")
    with pytest.raises(Mistake, match=r"a picture is not there: got seen/no.png in row 2 of column 'picture'"):
        open_rows(str(tmp_path / "gone.csv"))
    (tmp_path / "alone.csv").write_text(f"picture\n{next((table.parent / 'seen').iterdir())}\n")
    with pytest.raises(Mistake, match="nothing but pictures"):
        open_rows(str(tmp_path / "alone.csv"))
    with pytest.raises(Mistake, match="records come from one table"):
        open_rows([str(table), str(table)])
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "broken.csv").write_text("picture,a\nbroken.png,1\n")
    with pytest.raises(Mistake, match=r"broken\.png"):
        open_rows(str(tmp_path / "broken.csv"))


# ------------------------------------------------------------------ the prior


def test_masks_leave_something_to_be_drawn_and_give_nothing_unknown() -> None:
    prior = MaskedFlowMatching(simple=0.5).build(Space((6,), widths=(1, 2, 3)))
    known = torch.rand(4000, 3, generator=torch.Generator().manual_seed(0)) < 0.6
    given = prior._masks(known, torch.Generator().manual_seed(1))
    assert not (given & ~known).any()
    some = known.any(1)
    assert (known & ~given)[some].any(1).all()
    whole = given[known.all(1)].sum(1)
    assert {int(count) for count in whole} == {0, 1, 2}
    assert (whole == 0).float().mean() > 0.2


def test_what_is_missing_is_not_learned_from_and_changes_nothing() -> None:
    """What stands in place of a missing modality must not matter: rows with it cost what they cost without."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        prior = MaskedFlowMatching(width=32, depth=1).build(Space((3,), widths=(1, 2)))
        torch.nn.init.normal_(prior.last.weight)
    codes, nothing = torch.randn(64, 3), torch.zeros(64, 0, dtype=torch.long)
    prior.learn(codes, nothing, torch.Generator())
    lacking = codes.clone()
    lacking[:, 1:] = torch.nan
    costs = prior.loss(lacking, nothing, torch.Generator().manual_seed(0))
    assert costs.isfinite().all()
    costs.sum().backward()
    assert (prior.last.weight.grad[1:] == 0).all()
    assert (prior.last.weight.grad[0] != 0).any()
    assert (prior.guess[-1].weight.grad[1:] == 0).all()
    assert (prior.guess[-1].weight.grad[0] != 0).any()
    assert (prior.loss(codes * torch.nan, nothing, torch.Generator().manual_seed(0)) == 0).all()


def test_what_is_given_stays_to_the_bit() -> None:
    prior = MaskedFlowMatching(width=16, depth=1).build(Space((3,), widths=(1, 2)))
    codes = torch.randn(50, 3)
    nothing = torch.zeros(50, 0, dtype=torch.long)
    prior.learn(codes, nothing, torch.Generator())
    some = codes.clone()
    some[::2, 0], some[1::2, 1:] = torch.nan, torch.nan
    whole = prior.complete(some, nothing, torch.Generator().manual_seed(0), 1.5)
    assert whole.isfinite().all()
    assert torch.allclose(whole[~some.isnan()], codes[~some.isnan()], atol=1e-5)


# ------------------------------------------------------------------ the task


def test_any_from_any(generator: Generator) -> None:
    """Far above chance, each way, from a training with a third of all missing; what it comes to is benchmarked."""
    records = digits(400)
    said = np.array([caption.split()[1] for caption in records["caption"]])
    from_picture = generator.complete({"picture": records["picture"]})
    assert share(from_picture["digit"], records["digit"]) > 0.85
    assert share([caption.split()[1] for caption in from_picture["caption"]], said) > 0.85
    assert np.corrcoef(from_picture["ink"], records["ink"])[0, 1] > 0.6
    from_digit = generator.complete({"digit": records["digit"]})
    assert share([caption.split()[1] for caption in from_digit["caption"]], said) > 0.8
    means = np.stack([records["picture"][np.array(records["digit"]) == str(i)].mean(0) for i in range(10)])
    nearest = np.abs(from_digit["picture"][:, None] - means[None]).mean((2, 3)).argmin(1)
    assert share(nearest.astype(str), records["digit"]) > 0.6
    from_ink = generator.complete({"ink": records["ink"]})
    assert np.corrcoef(from_ink["picture"].mean((1, 2)), records["ink"])[0, 1] > 0.6


def test_cells_are_read_off_a_picture_without_chance(generator: Generator) -> None:
    """What is completed does not depend on the seed; what is sampled beside the same picture does."""
    pictures = digits(60)["picture"]
    read, again = (generator.complete({"picture": pictures}, seed=seed) for seed in (0, 1))
    assert all(np.array_equal(read[name], again[name]) for name in read)
    drawn = generator.sample(60, given={"picture": pictures[0]})
    assert len(set(drawn["ink"])) > 5
    assert abs(np.median(drawn["ink"]) - read["ink"][0]) < 2 * drawn["ink"].std()


def test_the_best_of_several_pictures_fits_better(generator: Generator) -> None:
    """As a linear regression of real records sees it, the ink of pictures is nearer to what was asked for."""
    sampler, modalities = generator._model.sampler, generator._model.modalities
    assert sampler is not None
    assert modalities is not None
    cells = generator.sample(400, seed=2)
    asked = {name: cells[name].astype(str).tolist() for name in ("digit", "ink", "caption")}
    table = read_table({**asked, "picture": [None] * 400}, "picture")
    rows = torch.from_numpy(modalities.encode(table.cells, np.full((400, 12), np.nan), 0)).float()
    missed = {}
    for best in (False, True):
        chance = torch.Generator().manual_seed(5)
        shown = RecordWish(generator._model, table).shown
        drawn = sampler.best(rows, chance, 2.0, shown) if best else sampler.complete(rows, chance, 2.0)
        images = generator._model.decode(modalities.decode(drawn.double().numpy())[1])
        missed[best] = np.abs(images.mean((1, 2)) - cells["ink"]).mean()
    assert missed[True] < 0.95 * missed[False]


def test_what_is_there_stays(generator: Generator) -> None:
    records = with_holes(digits(60))
    whole = generator.complete(records, seed=3)
    again, other = generator.complete(records, seed=3), generator.complete(records, seed=4)
    assert list(whole) == ["picture", "digit", "ink", "caption"]
    assert all(np.array_equal(whole[name], again[name]) for name in whole)
    assert any(not np.array_equal(whole[name], other[name]) for name in whole)
    for name in ("digit", "caption"):
        assert all(cell for cell in whole[name])
        assert all(was == now for was, now in zip(records[name], whole[name], strict=True) if was)
    known = ~np.isnan(records["ink"])
    assert np.array_equal(whole["ink"][known], records["ink"][known])
    for was, now in zip(records["picture"], whole["picture"], strict=True):
        assert was is None or np.array_equal(was, now)


@pytest.mark.parametrize(("dtype", "factor"), [(np.float32, 1 / 255), (np.float64, 1 / 255), (np.uint16, 256.9)])
def test_a_picture_stays_what_it_is_in_any_numbers(generator: Generator, dtype: Any, factor: float) -> None:
    pictures = digits(5)["picture"]
    other = (pictures.astype(float) * factor).astype(dtype)
    assert np.array_equal(generator.complete({"picture": other})["picture"], pictures)
    assert np.array_equal(generator.sample(2, given={"picture": other[0]})["picture"], pictures[[0, 0]])


def test_new_records(generator: Generator) -> None:
    made = generator.sample(300, seed=1, given={"digit": np.int64(3), "ink": np.float32(80)})
    assert set(made["digit"]) == {"3"}
    assert set(made["ink"]) == {80.0}
    assert share([caption.split()[1] for caption in made["caption"]], "three") > 0.8
    assert made["picture"].shape == (300, 8, 8)
    assert made["picture"].dtype == np.uint8
    assert len({picture.tobytes() for picture in made["picture"]}) > 250
    one = digits(1)["picture"][0]
    near = generator.sample(5, given={"picture": one}, guidance=1.5)
    assert all(np.array_equal(one, picture) for picture in near["picture"])
    assert generator.labelled_sample(3)[0].shape == (3, 8, 8)
    assert next(generator.stream(3))[0].shape == (3, 8, 8)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"colour": "red"}, "unknown column: got 'colour'; allowed: picture, digit, ink, caption"),
        ({"digit": "11"}, r"unknown value of 'digit': got '11'; allowed: 0, 1, 2, 3"),
        ({"caption": "dark three again"}, "unknown word 3 of 'caption'|at most 2 words"),
        ({"caption": "dark thre"}, "unknown word 2 of 'caption': got 'thre'.*did you mean three"),
        ({"ink": "much"}, "no number"),
        ({"ink": 1e6}, "no record has such a value of 'ink'"),
        ({"picture": "three"}, "a picture is not there: got three in row 1"),
        ({"picture": "no.png"}, "a picture is not there: got no.png in row 1"),
        ({"picture": np.zeros((9, 9), np.uint8)}, "8"),
    ],
)
def test_what_cannot_be_given(generator: Generator, given: dict[str, Any], message: str) -> None:
    with pytest.raises(Mistake, match=message):
        generator.sample(2, given=given)


def test_models_that_know_no_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = digits(200)["picture"]
    quick = {"steps": 10, "architecture.width": 8, "latent.size": 4, "priors": "normal"}
    plain = Generator(options=quick).fit(images)
    plain.save(tmp_path / "m.diabolo")
    for call in (lambda: plain.sample(2, given={"digit": 3}), lambda: plain.complete({"digit": ["3"]})):
        with pytest.raises(Mistake, match=r"no records of several modalities: try: diabolo fit generate RECORDS\.csv"):
            call()
    line = refused(capsys, "generate", "-m", tmp_path / "m.diabolo", "--given", "digit=3", "-o", tmp_path / "x.csv")
    assert "knows no records" in line
    with pytest.raises(Mistake, match=r"one prior that can complete them: got normal.*--priors masked-flow-matching"):
        Generator(options=quick).fit(digits(200))


# ------------------------------------------------------------------ the file


def test_kept_in_one_file(generator: Generator, model: Path) -> None:
    assert generator._model.modalities == artifact.load(model).modalities
    assert [column.name for column in generator._model.modalities.columns] == ["picture", "digit", "ink", "caption"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda told: told.pop("modalities"), "its prior is not one of its codes"),
        (lambda told: told["modalities"]["columns"].pop(1), "its prior is not one of its codes"),
        (lambda told: told["modalities"]["columns"].pop(0), "columns that cannot be"),
        (lambda told: told["modalities"]["columns"][0].update(width=11), "not those of its codes"),
        (lambda told: told["modalities"]["columns"][1].update(places=[["a", "a"]]), "words that cannot be"),
        (lambda told: told["modalities"]["columns"][1].update(places=[[]]), "words that cannot be"),
        (lambda told: told["modalities"]["columns"][2].update(missing=0.5), "a column that is none"),
        (lambda told: told["modalities"]["columns"][2].update(values=["a"], shares=[0.5]), "cannot be|no values"),
        (lambda told: told["modalities"].update(columns=3), "not what they should be"),
        (lambda told: told["recipe"].update(priors=[{"name": "flow-matching"}]), "its prior|cannot be read"),
    ],
)
def test_files_that_lie(model: Path, tmp_path: Path, change: Any, message: str) -> None:
    with reading(model) as path, safetensors.safe_open(path, "pt") as file:
        told = json.loads(file.metadata()["diabolo"])
        held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(told)
    told["digest"] = artifact._digest(told, held)
    safetensors.torch.save_file(held, tmp_path / "lie.diabolo", {"diabolo": json.dumps(told)})
    with pytest.raises(Mistake, match=message):
        artifact.load(tmp_path / "lie.diabolo")


# ------------------------------------------------------------------ the commands


def test_table_to_model_to_table(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.diabolo"
    assert run("fit", "generate", table, "--categorical", "digit", "-o", model, *FLAGS) == 0
    assert run("info", model) == 0
    assert "caption" in capsys.readouterr().out
    assert run("generate", "-m", model, "-n", 12, "--given", "digit=3,caption=dark three", "-o", tmp_path / "new") == 0
    rows = read(tmp_path / "new" / "records.csv")
    assert list(rows[0]) == ["picture", "digit", "ink", "caption"]
    assert {(row["digit"], row["caption"]) for row in rows} == {("3", "dark three")}
    pictures = [tmp_path / "new" / row["picture"] for row in rows]
    assert len(set(pictures)) == 12
    told = json.loads(Image.open(pictures[3]).text["diabolo"])
    assert told["label"] == "digit=3, caption=dark three"
    assert told["number"] == 3
    assert len(told["model"]) == 64
    expected = Generator(model).sample(12, given={"digit": 3, "caption": "dark three"})
    assert np.array_equal(read_picture(pictures[3]).values, expected["picture"][3])
    assert run("generate", "-m", model, "-n", 5, "-o", tmp_path / "pictures.npy") == 0
    assert np.load(tmp_path / "pictures.npy").shape == (5, 8, 8)
    line = refused(capsys, "generate", "-m", model, "-o", tmp_path / "new")
    assert "is not empty" in line


def test_a_partial_table_is_completed(
    table: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "whole.csv"
    assert run("generate", "-m", model, "--from", table, "-o", out, "--seed", 2) == 0
    was, now = read(table), read(out)
    assert len(was) == len(now)
    for before, after in zip(was, now, strict=True):
        assert all(after.values())
        for name, cell in before.items():
            if cell and name == "picture":
                assert (tmp_path / after[name]).resolve() == (table.parent / cell).resolve()
            elif cell:
                assert after[name] == cell
            elif name == "picture":
                assert read_picture(tmp_path / after[name]).values.shape == (8, 8)
    again = read_table(str(out))
    assert (again.places >= 0).all()
    assert "--from with --given" in refused(
        capsys, "generate", "-m", model, "--from", table, "--given", "digit=3", "-o", tmp_path / "x.csv"
    )


def test_a_set_of_records_is_synthesized(table: Path, tmp_path: Path) -> None:
    assert run("synthesize", table, "-o", tmp_path / "new.csv", "-n", 10, *FLAGS) == 0
    assert len(list((tmp_path / "new").iterdir())) == len(read(tmp_path / "new.csv")) == 10
    assert synthesize(str(table), str(tmp_path / "whole"), count=5, options=QUICK)["records"] == 5
    paths = [row["picture"] for row in read(tmp_path / "whole" / "records.csv")]
    assert paths == [f"pictures/{i}.png" for i in range(5)]
    assert all((tmp_path / "whole" / path).is_file() for path in paths)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (("-o", "records.csv"), "the output is the input"),
        (("-o", "full.csv"), "full is not empty"),
        (("-o", "full"), "full is not empty"),
        (("-o", "new.npz"), "records go to a table, or to a folder"),
        (("-o", "new.csv", "--balanced"), "records have no labels, but columns: got balanced"),
        (("-o", "new.csv", "--guidance", 50), "guidance is out of range"),
        (("-o", "new.csv", "-n", 0), "that many"),
    ],
)
def test_a_set_of_records_is_refused_before_the_training(
    how: tuple[Any, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(written(tmp_path / "set", digits(30)).parent)
    monkeypatch.setattr(Generator, "fit", lambda *_: pytest.fail("it was trained"))
    Path("full").mkdir()
    Path("full/1.png").touch()
    before = Path("records.csv").read_bytes()
    assert message in refused(capsys, "synthesize", "records.csv", *how)
    assert Path("records.csv").read_bytes() == before
    assert {path.name for path in Path().iterdir()} == {"records.csv", "seen", "full"}


def test_a_table_is_not_completed_into_itself(generator: Generator, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("digit\n3\n")
    with pytest.raises(Mistake, match="the output is the input"):
        generate_records(generator._model, None, str(tmp_path / "a.csv"), start=str(tmp_path / "a.csv"))
    assert (tmp_path / "a.csv").read_text() == "digit\n3\n"


@pytest.mark.parametrize("out", ["new", "new.csv"])
def test_an_interruption_leaves_nothing(
    generator: Generator, out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(record_files, "write_image", interrupted(write_image, after=2))
        with pytest.raises(KeyboardInterrupt):
            generate_records(generator._model, 4, out)
    assert not list(tmp_path.iterdir())
    generate_records(generator._model, 4, out)
    assert len(list(tmp_path.rglob("*.png"))) == 4
    assert not list(tmp_path.rglob(".*"))


def test_pictures_that_png_would_cut_off(generator: Generator, tmp_path: Path) -> None:
    conversion = dataclasses.replace(generator._model.conversion, dtype="float32", scale=(16.0,))
    model = dataclasses.replace(generator._model, conversion=conversion)
    with pytest.raises(Mistake, match=r"PNG from 0 to 1.*go from 0 to 16; try: -o OUT\.npy"):
        generate_records(model, 4, str(tmp_path / "new"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--label", "3", "-o", "new"), "records have no labels, but columns"),
        (("--balanced", "-o", "new"), "--balanced"),
        (("--given", "three", "-o", "new"), "--given is not a list of pairs"),
        (("--given", "digit=12", "-o", "new"), "unknown value of 'digit'"),
        (("--guidance", "50", "-o", "new"), "guidance is out of range"),
        (("-o", "new.txt"), "records go to a table, or to a folder"),
        (("-n", "0", "-o", "new"), "that many"),
        (("--from", "no.csv", "-o", "new"), "no.csv"),
    ],
)
def test_commands_that_are_refused(
    model: Path, arguments: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, "generate", "-m", model, *arguments)
    assert not list(tmp_path.iterdir())
