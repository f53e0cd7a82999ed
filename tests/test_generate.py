"""Generating: labels, the task in Python, and its three commands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import interrupted, refused, run
from PIL import Image

from diabolo import Flat, Gaussian, Generator, Mistake, Plain, open_source
from diabolo.cli.generate import wanted
from diabolo.pixels import Picture, read_picture, write_picture
from diabolo.preprocessing import Preprocessing
from diabolo.recipe import Recipe, Training
from diabolo.recipes import RECIPES, suited
from diabolo.sources import Chosen, Labelled, conditions_of, labelled, labels
from diabolo.sources.conditions import as_numbers
from diabolo.tasks.generate import drawing, files
from diabolo.tasks.generate.files import folder_names, generate_place
from diabolo.tasks.generate.synthesize import synthesize
from diabolo.tasks.models import recipe_for
from diabolo.tasks.places import write_image
from diabolo.training import fit, with_priors

QUICK = {"steps": 150, "batch_size": 32, "architecture.width": 8, "latent.size": 6, "priors": "mixture"}
FAST = QUICK | {"steps": 20}  # where nothing is asked of the pictures
FLAGS = [word for name, value in FAST.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def ways(kind: int, count: int, seed: int = 0) -> np.ndarray:
    """Pictures (n, 12, 12) of a bright bar that lies, stands, or leans, anywhere; uint8."""
    draw = np.random.default_rng([seed, kind])
    y, x = np.mgrid[:12, :12] - 5.5
    across = (y, x, (x + y) / 1.4)[kind] - draw.uniform(-3, 3, (count, 1, 1))
    return (230 * np.exp(-(across**2) / 2) + draw.integers(0, 20, (count, 12, 12))).astype(np.uint8)


KINDS = ("lies", "stands", "leans")


@pytest.fixture(scope="module")
def bars() -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([ways(kind, 80) for kind in range(3)]), np.repeat(KINDS, 80)


@pytest.fixture(scope="module")
def generator(bars: tuple[np.ndarray, np.ndarray]) -> Generator:
    return Generator(options=QUICK).fit(*bars)


@pytest.fixture(scope="module")
def place(generator: Generator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "bars.diabolo"
    generator.save(path)
    return path


@pytest.fixture(scope="module")
def folder(bars: tuple[np.ndarray, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bars")
    for i, (image, kind) in enumerate(zip(*bars, strict=True)):
        (root / kind).mkdir(exist_ok=True)
        write_picture(root / kind / f"{i}.png", Picture(image))
    return root


def kind_of(images: np.ndarray) -> np.ndarray:
    """What a bar does, told from which way the picture changes."""
    wide = images.astype(float)
    lies, stands = np.abs(np.diff(wide, axis=1)).sum((1, 2)), np.abs(np.diff(wide, axis=2)).sum((1, 2))
    ratio = np.log(lies / stands)
    return np.array(KINDS)[np.where(ratio > 0.4, 0, np.where(ratio < -0.4, 1, 2))]


# ------------------------------------------------------------------ labels


@pytest.mark.parametrize(
    ("given", "names", "texts"),
    [
        ([3, 1, 3], {"label": ("1", "3")}, ["3", "1", "3"]),
        (np.array([10.0, 9.0, np.nan]), {"label": ("9", "10")}, ["10", "9", ""]),
        (["b", None, ""], {"label": ("b",)}, ["b", "", ""]),
        ([1, -1, 0], {"label": ("0", "1")}, ["1", "", "0"]),
        ([True, False, True], {"label": ("no", "yes")}, ["yes", "no", "yes"]),
        (np.array([[0, 5], [1, 5], [0, -1]]), {"label 1": ("0", "1"), "label 2": ("5",)}, ["0, 5", "1, 5", "0, "]),
        ({"hat": ["no", "yes", ""], "age": [3, 4, 3]}, None, ["no, 3", "yes, 4", ", 3"]),
        ([{"hat"}, {"hat", "glasses"}, set()], None, ["no, yes", "yes, yes", "no, no"]),
        ([{"hat"}, None, ["glasses"]], {"glasses": ("no", "yes"), "hat": ("no", "yes")}, ["no, yes", ", ", "yes, no"]),
        ([np.int64(3), np.float32(1), np.str_("a")], None, ["3", "1", "a"]),
    ],
)
def test_labels_of_every_kind(given: Any, names: Any, texts: list[str]) -> None:
    found = conditions_of(given)
    assert found.texts() == texts
    if names:
        assert {attribute.name: attribute.values for attribute in found.attributes} == names


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": [1, 2], "b": [1]}, "different numbers of labels"),
        ([None, "", np.nan], "no label is known"),
        ([object(), object()], "neither a number nor a text"),
        (list(range(2000)), "are no classes"),
        (["a\nb"], "cannot be printed"),
        ([set(), set()], "no label is known"),
    ],
)
def test_what_are_no_labels(given: Any, message: str) -> None:
    with pytest.raises(Mistake, match=message):
        conditions_of(given)


def test_labels_stay_with_their_pictures(bars: tuple[np.ndarray, np.ndarray], folder: Path) -> None:
    source = labelled(open_source(bars[0]), bars[1])
    assert isinstance(source, Labelled)
    some = Chosen(source, [200, 3, 90])
    assert some.conditions is not None
    assert some.conditions.texts() == ["leans", "lies", "stands"]
    by_folder = labelled(open_source(str(folder)), "folders")
    assert by_folder.conditions.texts() == [by_folder.name(i).split("/")[0] for i in range(240)]
    with pytest.raises(Mistake, match="2 labels for 240 pictures"):
        labelled(open_source(bars[0]), [1, 2])


def test_a_picture_that_cannot_be_read_takes_its_label_along(tmp_path: Path) -> None:
    for i in range(30):
        kind = "dark" if i % 2 else "bright"
        (tmp_path / kind).mkdir(exist_ok=True)
        image = np.full((200, 200), 10 if i % 2 else 240, np.uint8) + np.uint8(i % 3)
        write_picture(tmp_path / kind / f"{i:02d}.png", Picture(image))
    broken = tmp_path / "bright" / "04.png"
    broken.write_bytes(broken.read_bytes()[:45])  # its header is whole
    for memory in (2048, 1):  # in memory, and streamed, where another picture stands in for it
        training = Training(epochs=1, batch_size=8, memory=memory, workers=0)
        flat = Flat(1, 8, activation="silu", decoder_activation="silu")
        recipe = Recipe(flat, Plain(2), Gaussian(), priors="normal", training=training)
        model = fit(labelled(open_source(str(tmp_path)), "folders"), recipe)
        assert model.sampler is not None
        assert model.sampler.counts.tolist() == [14, 15]
        prior = model.sampler.prior
        for place, kind in enumerate(("bright", "dark")):
            sound = [read_picture(p).values for p in sorted((tmp_path / kind).iterdir()) if p != broken]
            learned = prior.codes(prior.means, prior.space)[place].cpu().numpy()
            assert np.allclose(learned, model.encode(np.stack(sound)).mean(0), atol=1e-3)


def test_labels_from_files(tmp_path: Path) -> None:
    source = open_source(np.zeros((3, 4, 4), np.uint8))
    np.save(tmp_path / "y.npy", np.array([1, 0, 1]))
    np.savez(tmp_path / "y.npz", images=np.zeros((3, 4, 4)), labels=np.array(["b", "a", "b"]))
    np.savez(tmp_path / "t.npz", targets=np.array([2, 0, 2]))
    (tmp_path / "y-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 7]))
    (tmp_path / "y.csv").write_text("hat,age\nyes,3\nno,\nno,4\n")
    (tmp_path / "named.csv").write_text("file,hat\n2,yes\n7,no\n1,no\n0,no\n")
    (tmp_path / "excel.csv").write_text("file;hat;age\n2;yes;3\n1;no;2\n0;no;1\n2;yes;3\n", encoding="utf-8-sig")
    for name, texts in (
        ("y.npy", ["1", "0", "1"]),
        ("y.npz", ["b", "a", "b"]),
        ("t.npz", ["2", "0", "2"]),
        ("y-idx1-ubyte", ["7", "8", "7"]),
        ("y.csv", ["yes, 3", "no, ", "no, 4"]),
        ("named.csv", ["no", "no", "yes"]),
        ("excel.csv", ["no, 1", "no, 2", "yes, 3"]),
    ):
        found = labelled(source, str(tmp_path / name)).conditions
        assert found.texts() == texts, name
    (tmp_path / "short.csv").write_text("file,hat\n2,yes\n")
    (tmp_path / "both.csv").write_text("file,hat\n2,yes\n1,no\n0,no\n2,no\n")
    (tmp_path / "bare.csv").write_text("1\n0\n1\n")
    (tmp_path / "odd.csv").write_text("hat,age\nyes\n")
    np.save(tmp_path / "o.npy", np.array([None, 3]), allow_pickle=True)
    for name, message in (
        ("short.csv", "no row for 0"),
        ("both.csv", "says two things of 2: got yes and no"),
        ("bare.csv", "not a table of labels: got no names of columns"),
        ("odd.csv", "row 1 has another number of cells"),
        ("o.npy", "cannot be read"),
        ("y.txt", "no file of labels"),
        ("no.npy", "no such file"),
    ):
        with pytest.raises(Mistake, match=message):
            labelled(source, str(tmp_path / name))


def test_a_set_brings_its_own_labels() -> None:
    assert labelled(open_source("digits"), "own", "digits").conditions.texts()[:3] == ["0", "1", "2"]
    assert getattr(labelled(open_source("digits"), "none", "digits"), "conditions", None) is None
    assert getattr(labelled(open_source("faces"), "own", "faces"), "conditions", None) is None


# ------------------------------------------------------------------ the task


def test_what_is_asked_for_is_drawn(generator: Generator) -> None:
    assert generator.labels_ == {"label": ("leans", "lies", "stands")}
    for kind in KINDS:
        images = generator.sample(60, kind)
        assert images.shape == (60, 12, 12)
        assert images.dtype == np.uint8
        assert (kind_of(images) == kind).mean() > 0.9
        assert len(np.unique(images.reshape(60, -1), axis=0)) == 60


def test_the_same_seed_gives_the_same_pictures(generator: Generator, place: Path) -> None:
    assert np.array_equal(generator.sample(300, seed=4), Generator.load(place).sample(300, seed=4))
    assert not np.array_equal(generator.sample(5, seed=4), generator.sample(5, seed=5))
    streamed = np.concatenate([images for images, _ in generator.stream(600, seed=4)])
    assert np.array_equal(streamed, generator.sample(600, seed=4))


def test_classes_as_given_or_balanced(bars: tuple[np.ndarray, np.ndarray]) -> None:
    images, kinds = bars
    uneven = np.r_[0:80, 80:120, 160:200]
    generator = Generator(options=FAST).fit(images[uneven], kinds[uneven])
    _, said = generator.labelled_sample(60)
    assert {kind: int((said == kind).sum()) for kind in KINDS} == {"lies": 30, "stands": 15, "leans": 15}
    _, said = generator.labelled_sample(60, balanced=True)
    assert {kind: int((said == kind).sum()) for kind in KINDS} == dict.fromkeys(KINDS, 20)


def test_several_attributes(bars: tuple[np.ndarray, np.ndarray]) -> None:
    images, kinds = bars
    dark = np.arange(240) % 2 == 0
    images = np.where(dark[:, None, None], images // 2, images)
    options = QUICK | {"steps": 400, "latent.size": 8}
    generator = Generator(options=options).fit(images, {"kind": kinds, "dark": dark})
    drawn = generator.sample(50, {"kind": "lies", "dark": "yes"})
    assert (kind_of(drawn) == "lies").mean() > 0.6
    assert (drawn.max((1, 2)) < 180).mean() > 0.8
    _, said = generator.labelled_sample(40, {"dark": "no"})
    assert said.shape == (40, 2)
    assert set(said[:, 1]) == {"no"}
    for asked in (["dark"], {"dark"}, "dark", wanted("dark", generator.labels_)):
        assert set(generator.labelled_sample(4, asked)[1][:, 1]) == {"yes"}
    _, said = generator.labelled_sample(4, wanted("dark,kind=lies", generator.labels_))
    assert said.tolist() == [["lies", "yes"]] * 4
    with pytest.raises(Mistake, match=r"of which attribute\?: got stands; .*kind, dark; try: kind=stands"):
        generator.sample(1, "stands")
    with pytest.raises(Mistake, match=r"got no; .*try: dark=no"):
        generator.sample(1, ["dark", "no"])
    with pytest.raises(Mistake, match="unknown attribute: got 'hat'"):
        generator.sample(1, {"hat": "yes"})


def test_without_labels(bars: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    generator = Generator(options=FAST).fit(bars[0])
    assert generator.labels_ == {}
    images, said = generator.labelled_sample(4)
    assert images.shape == (4, 12, 12)
    assert list(said) == [""] * 4
    for asked in ({"label": "lies"}, {"balanced": True}):
        with pytest.raises(Mistake, match="the model knows no labels"):
            generator.sample(1, **asked)
    with pytest.raises(Mistake, match="there is nothing to guide by: got the model knows no labels"):
        generator.sample(1, guidance=2.0)
    generate_place(generator, 4, str(tmp_path / "new.npz"))
    assert np.load(tmp_path / "new.npz").files == ["images"]


@pytest.mark.parametrize("prior", ["normal", "mixture", "none"])
def test_between_two_and_near_one(bars: tuple[np.ndarray, np.ndarray], prior: str) -> None:
    images, kinds = bars
    generator = Generator(options=FAST | {"priors": prior}).fit(images, kinds)
    label = None if prior == "none" else "lies"
    seen = generator.model_.reconstruct(images[:2]).astype(int)
    way = generator.interpolate(images[0], images[1], 5, label=label).astype(int)
    assert np.abs(way[[0, -1]] - seen).max() <= 2
    steps = np.abs(np.diff(way, axis=0)).mean((1, 2))
    assert steps.max() < 0.8 * np.abs(seen[1] - seen[0]).mean() + 5
    same = generator.vary(images[0], 0.0, 2, label=label).astype(int)
    assert np.abs(same - seen[0]).max() <= 2
    near, far = (generator.vary(images[0], s, 20, label=label).astype(int) for s in (0.2, 1.0))
    assert np.abs(near - seen[0]).mean() < 0.7 * np.abs(far - seen[0]).mean()
    for strength in (-0.1, 1.5, "much"):
        with pytest.raises(Mistake, match="strength"):
            generator.vary(images[0], strength)
    with pytest.raises(Mistake, match="two ends"):
        generator.interpolate(images[0], images[1], 1)


@pytest.mark.parametrize("prior", ["mixture", "normal"])
def test_what_no_label_tells(generator: Generator, bars: tuple[np.ndarray, np.ndarray], prior: str) -> None:
    """Variations go to every class as these come, and a way between two images to none."""
    one = Generator(with_priors(generator.model_, labelled(open_source(bars[0]), bars[1]), prior))
    far = kind_of(one.vary(bars[0][0], 1.0, 60))
    assert min((far == kind).sum() for kind in KINDS) > 12
    seen = generator.model_.reconstruct(bars[0][:1]).astype(int)
    assert np.abs(one.vary(bars[0][0], 0.0, 9) - seen).max() <= 1
    start, end = generator.model_.encode(bars[0][[0, 100]])
    middle = generator.model_.decode((start + end)[None] / 2).astype(int)
    assert np.abs(one.interpolate(bars[0][0], bars[0][100], 3)[1] - middle[0]).max() <= 1


@pytest.mark.parametrize(
    ("learned", "asked"),
    [
        (np.repeat([1.0, 2.0, 3.0], 80), (3, 3.0, np.int64(3), np.float32(3), "3")),
        (np.arange(240) < 99, (True, np.bool_(True), "yes")),
    ],
)
def test_labels_are_asked_for_as_they_were_learned(
    bars: tuple[np.ndarray, np.ndarray], learned: np.ndarray, asked: tuple[Any, ...]
) -> None:
    one = Generator(options=FAST | {"priors": "normal"}).fit(bars[0], learned)
    drawn = [one.sample(3, label) for label in asked]
    assert all(np.array_equal(images, drawn[0]) for images in drawn)
    with pytest.raises(Mistake, match=r"unknown label: got '7\.0'"):
        one.sample(1, 7.0)


def test_a_variational_model_draws_without_a_prior_of_its_own(bars: tuple[np.ndarray, np.ndarray]) -> None:
    generator = Generator(options=FAST | {"priors": "none", "beta": 1.0}).fit(bars[0])
    assert generator.model_.sampler is None
    assert generator.sample(3).shape == (3, 12, 12)
    with pytest.raises(Mistake, match="there is nothing to guide by: got the model knows no labels"):
        generator.sample(1, guidance=2.0)


def test_models_that_cannot(bars: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    plain = fit(open_source(bars[0]), Recipe("flat", "plain", "gaussian", training=Training(epochs=1)))
    allowed = (
        r"the latents linear, variational, .*priors normal, mixture, flow, flow-matching.*try: diabolo fit generate"
    )
    with pytest.raises(Mistake, match=f"cannot make new pictures: got plain; allowed: {allowed}"):
        Generator(plain).sample(1)
    unet = fit(open_source(bars[0][:20]), Recipe("unet", "plain", "gaussian", training=Training(epochs=1)))
    with pytest.raises(Mistake, match="makes no new ones"):
        Generator(unet).sample(1)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"n": 0}, "that many pictures cannot be made: got 0"),
        ({"n": -3}, "got -3"),
        ({"n": 2.5}, "got 2.5"),
        ({"n": 10**15}, "that many"),
        ({"n": 10**9}, "do not fit the memory.*stream"),
        ({"n": 1, "label": "flies"}, "unknown label: got 'flies'; allowed: leans, lies, stands"),
        ({"n": 1, "label": ""}, "unknown label: got ''"),
        ({"n": 1, "guidance": 99.0}, "guidance is out of range"),
        ({"n": 1, "guidance": float("nan")}, "guidance is out of range"),
        ({"n": 1, "guidance": 2.0}, "the prior mixture has none"),
        ({"n": 1, "seed": -1}, "not a seed"),
    ],
)
def test_what_cannot_be_asked_for(generator: Generator, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(Mistake, match=message):
        generator.sample(**asked)


def test_few_pictures_of_a_class_are_told_of(bars: tuple[np.ndarray, np.ndarray]) -> None:
    images, kinds = bars
    told: list[Any] = []
    generator = Generator(options=FAST, listen=told.append).fit(images[:81], kinds[:81])
    notes = [event.text for event in told if hasattr(event, "warning") and event.warning]
    assert any("few pictures" in note and "stands (1)" in note for note in notes)
    assert generator.sample(3, "stands").shape == (3, 12, 12)


def test_the_recipe_that_fits_is_taken() -> None:
    assert suited("generate", {(28, 28, 1)}) == "generate-small"
    assert suited("generate", {(200, 300, 3)}) == "generate"
    assert suited("generate", {(9,)}) == "generate-table"
    for name in ("generate", "generate-small", "generate-table", "generate-records"):
        assert RECIPES[name][0].priors


@pytest.mark.parametrize(("verb", "small"), [("generate", "generate-small"), ("detect", "detect-small")])
def test_the_size_that_pictures_are_brought_to_counts(verb: str, small: str, tmp_path: Path) -> None:
    for i in range(6):
        write_picture(tmp_path / f"{i}.png", Picture(np.full((70 + i, 90), 30 * i, np.uint8)))
    folder, digits = open_source(str(tmp_path)), open_source("digits")
    for source, side, name in ((folder, 0, verb), (folder, 32, small), (folder, 128, verb), (digits, 128, verb)):
        assert recipe_for(verb, source, {"preprocessing.side": side, "epochs": 3}) == RECIPES[name][0]
    assert recipe_for(verb, folder, {"preprocessing": Preprocessing(side=32)}) == RECIPES[small][0]
    assert recipe_for(verb, open_source(np.eye(9)), {"preprocessing.side": 32}) == RECIPES[f"{verb}-table"][0]


# ------------------------------------------------------------------ the commands


def test_folder_to_model_to_folder(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, out = tmp_path / "m.diabolo", tmp_path / "new"
    assert run("fit", "generate", folder, "--labels-from-folders", "-o", model, *FLAGS) == 0
    assert "mixture (label: 3)" in capsys.readouterr().out
    assert run("generate", "-m", model, "-n", 30, "-o", out, "--balanced", "--seed", 5) == 0
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))
    assert len(names) == 30
    assert [len(list((out / kind).iterdir())) for kind in KINDS] == [10, 10, 10]
    first = Image.open(out / names[0])
    told = json.loads(first.text["diabolo"])
    assert told["seed"] == 5
    assert told["label"] == names[0].split("/")[0]
    assert told["number"] == int(Path(names[0]).stem)
    assert len(told["model"]) == 64
    assert first.text["Software"].startswith("diabolo ")
    assert "synthetic" in first.text["Comment"]
    expected = Generator(model).sample(30, balanced=True, seed=5)[told["number"]]
    assert np.array_equal(read_picture(out / names[0]).values, expected)
    line = refused(capsys, "generate", "-m", model, "-n", 3, "-o", out)
    assert "is not empty" in line
    assert run("info", model) == 0
    said = capsys.readouterr().out
    assert "leans, lies, stands" in said
    assert f"digest     {told['model']}\n" in said


def test_to_arrays(generator: Generator, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("generate", "-m", place, "-n", 300, "-o", tmp_path / "x.npy", "--json") == 0
    assert json.loads(capsys.readouterr().out)["images"] == 300
    assert np.array_equal(np.load(tmp_path / "x.npy"), generator.sample(300))
    assert run("generate", "-m", place, "-n", 300, "-o", tmp_path / "x.npz", "--label", "lies") == 0
    with np.load(tmp_path / "x.npz") as arrays:
        assert np.array_equal(arrays["images"], generator.sample(300, "lies"))
        assert set(arrays["labels"]) == {"lies"}
    assert len(labelled(open_source(str(tmp_path / "x.npz")), "own", str(tmp_path / "x.npz")).conditions) == 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-n", 0, "-o", "new"), "that many pictures cannot be made: got 0"),
        (("-n", 10**9, "-o", "new"), "the disk has no room for so many.*are free"),
        (("-n", 10**12, "-o", "new.npy"), "the disk has no room"),
        (("--label", "flies", "-o", "new"), "allowed: leans, lies, stands"),
        (("--label", "hat=yes", "-o", "new"), "unknown attribute: got 'hat'"),
        (("--guidance", "-1", "-o", "new"), "guidance is out of range"),
        (("-o", "new.txt"), "a folder or an array file"),
        (("-o", "no/new.npy"), "there is no folder no"),
    ],
)
def test_commands_that_are_refused(
    place: Path, arguments: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert re.search(message, refused(capsys, "generate", "-m", place, *arguments))
    assert not list(tmp_path.iterdir())


def test_larger_pictures_against_a_critic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The recipe of large pictures with both terms of images: the same bits twice, new pictures, one size alone."""
    (tmp_path / "in").mkdir()
    for i, image in enumerate(ways(0, 12)):
        Image.fromarray(image).resize((72, 80)).save(tmp_path / "in" / f"{i}.png")
    flags = ["--terms", "pyramid,adversarial", "--terms.adversarial.width", 4, "--architecture.width", 4]
    flags += ["--latent.size", 4, "--batch-size", 6, "--steps", 4, "--priors", "normal"]
    for name in ("one", "other"):
        model = tmp_path / f"{name}.diabolo"
        assert run("fit", "generate", tmp_path / "in", "-o", model, *flags) == 0
        assert run("generate", "-m", model, "-n", 2, "-o", tmp_path / f"{name}.npy") == 0
    new = np.load(tmp_path / "one.npy")
    assert new.shape == (2, 80, 72)
    assert np.array_equal(new, np.load(tmp_path / "other.npy"))
    Image.fromarray(ways(1, 1)[0]).resize((80, 72)).save(tmp_path / "in" / "other.png")
    capsys.readouterr()
    refusal = refused(capsys, "fit", "generate", tmp_path / "in", "-o", model, *flags)
    assert re.search("sizes.*--preprocessing.side", refusal)


def test_fits_that_are_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.diabolo"
    np.save(tmp_path / "y.npy", np.arange(7) % 2)
    write_picture(tmp_path / "loose.png", Picture(ways(0, 1)[0]))
    assert "7 labels for 240" in refused(
        capsys, "fit", "generate", folder, "--labels", tmp_path / "y.npy", "-o", model, *FLAGS
    )
    assert "no folder for every class" in refused(
        capsys, "fit", "generate", tmp_path, "--labels-from-folders", "-o", model, *FLAGS
    )
    assert "of use to priors alone" in refused(capsys, "fit", "deep", folder, "--labels-from-folders", "-o", model)
    assert not model.exists()


def test_a_synthetic_set_comes_in_the_layout_of_the_real_one(folder: Path, tmp_path: Path, capsys: Any) -> None:
    assert run("synthesize", folder, "-o", tmp_path / "new", "--keep", tmp_path / "m.diabolo", *FLAGS) == 0
    assert [len(list((tmp_path / "new" / kind).iterdir())) for kind in KINDS] == [80, 80, 80]
    assert capsys.readouterr().out.endswith("240 new pictures; label has 3 values\n")
    some = next((tmp_path / "new" / "lies").iterdir())
    assert json.loads(Image.open(some).text["diabolo"])["model"]
    assert Generator.load(tmp_path / "m.diabolo").labels_ == {"label": ("leans", "lies", "stands")}


def test_labels_of_a_table_come_back_in_a_table(bars: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    rows = ["file,kind,name"]
    (tmp_path / "old").mkdir()
    for i, (image, kind) in enumerate(zip(*bars, strict=True)):
        write_picture(tmp_path / "old" / f"{i}.png", Picture(image))
        rows.append(f"{i}.png,{kind},{'' if i % 3 else 'yes' if i % 2 else 'no'}")
    (tmp_path / "old" / "of.tsv").write_text("\n".join(rows).replace(",", "\t"))
    told = synthesize(str(tmp_path / "old"), str(tmp_path / "new"), labels=tmp_path / "old" / "of.tsv", options=FAST)
    assert told["images"] == 240
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        *(f"{i:03}.png" for i in range(240)),
        "of.csv",
    ]
    assert (tmp_path / "new" / "of.csv").read_text().startswith("file,kind,name\n")
    source = open_source(str(tmp_path / "new"))
    back = labelled(source, tmp_path / "new" / "of.csv").conditions
    assert [attribute.name for attribute in back.attributes] == ["kind", "name"]
    assert set(back.attributes[0].values) == set(KINDS)
    assert (back.indices[:, 1] < 0).sum() == 160  # as often not known as in what was learned from
    for i in (0, 100, 200):
        said = json.loads(Image.open(tmp_path / "new" / source.name(i)).text["diabolo"])["label"]
        assert back.attributes[0].values[back.indices[i, 0]] in said


def test_a_synthetic_set_of_arrays(bars: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    np.savez(tmp_path / "bars.npz", images=bars[0], labels=np.repeat([4, 7, 9], 80))
    told = synthesize(str(tmp_path / "bars.npz"), str(tmp_path / "new.npz"), count=50, options=FAST)
    assert told["labels"] == {"label": ["4", "7", "9"]}
    with np.load(tmp_path / "new.npz") as arrays:
        assert arrays["images"].shape == (50, 12, 12)
        assert arrays["labels"].dtype == np.int64
        assert set(arrays["labels"]) == {4, 7, 9}
    np.save(tmp_path / "bars.npy", bars[0])
    with pytest.raises(Mistake, match="has no labels"):
        synthesize(str(tmp_path / "bars.npy"), str(tmp_path / "other.npz"))
    with pytest.raises(Mistake, match="room for labels"):
        synthesize("digits", str(tmp_path / "other.npy"))


NOT_DRAWN = {
    "count": ({"count": 0}, "that many pictures cannot be made"),
    "guidance": ({"guidance": 99}, "guidance is out of range"),
    "unguided": ({"guidance": 2, "options": {"priors": "normal,mixture"}}, "the prior normal or mixture has none"),
    "one unguided": ({"guidance": 2, "options": {"priors": "normal,flow-matching"}}, "the prior normal has none"),
    "seed": ({"seed": -1}, "not a seed"),
    "disk": ({"count": 10**12}, "the disk has no room"),
    "place": ({"out": "bars.npz/new"}, r"cannot make the folder.*bars\.npz, a file"),
    "input": ({"out": "bars.npz"}, "the output is the input"),
    "kept": ({"keep": "bars.npz"}, "the output is the input"),
    "labels": ({"out": "y.npz", "labels": "y.npz"}, "the output is the input"),
    "vectors": ({"dataset": "rows.npz"}, "vectors are no pictures"),
    "floats": ({"dataset": "floats.npz"}, r"PNG from 0 to 1.*from 0 to 16; try: -o OUT\.npz"),
}


@pytest.mark.parametrize("name", NOT_DRAWN)
def test_a_synthetic_set_is_refused_before_the_training(
    name: str, bars: tuple[np.ndarray, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Generator, "fit", lambda *_: pytest.fail("it was trained"))
    sets = {"bars": bars[0], "rows": bars[0][:, 0], "floats": bars[0] / 15.9375}
    sets["floats"][0, 0, :2] = 0, 16
    for one, images in sets.items():
        np.savez(f"{one}.npz", images=images, labels=np.arange(240) % 3)
    np.savez("y.npz", labels=np.arange(240) % 2)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    changed, message = NOT_DRAWN[name]
    with pytest.raises(Mistake, match=message):
        synthesize(**{"dataset": "bars.npz", "out": "new"} | changed)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("there", [False, True])
def test_an_interruption_leaves_nothing(
    generator: Generator, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder that was not there, nothing hidden; and the same command then runs through."""
    monkeypatch.chdir(tmp_path)
    if there:
        Path("new").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_image", interrupted(write_image, after=2))
        with pytest.raises(KeyboardInterrupt):
            generate_place(generator, 5, "new")
    assert [path.name for path in tmp_path.rglob("*")] == ["new"] * there
    generate_place(generator, 5, "new")
    assert len(list(Path("new").rglob("*.png"))) == 5
    assert not list(tmp_path.rglob(".*"))


def test_floats_that_a_picture_would_cut_off(
    bars: tuple[np.ndarray, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Generator(options=FAST | {"likelihood": "gaussian"}).fit(bars[0].astype(np.float32)).save("m.diabolo")
    np.save("codes.npy", Generator("m.diabolo")._model.encode(bars[0][:2].astype(np.float32)))
    for verb in (("generate",), ("decode", "codes.npy")):
        line = refused(capsys, *verb, "-m", "m.diabolo", "-o", "new")
        assert re.search(r"PNG from 0 to 1.*learned from that go from 0 to 2\d\d; try: -o new\.npy", line)
    assert not Path("new").exists()
    assert run("generate", "-m", "m.diabolo", "-o", "new.npy") == 0


def test_a_folder_may_lie_above_but_no_name_leads_out_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write_image(Path("../new"), "a/1", np.zeros((4, 4), np.uint8))
    assert (tmp_path / "new" / "a" / "1.png").is_file()
    with pytest.raises(Mistake, match="leads out of the folder"):
        write_image(Path("../new"), "../1", np.zeros((4, 4), np.uint8))


def test_every_class_has_a_folder_of_its_own() -> None:
    long = "x" * 300
    classes = [f"{long}yes", f"{long}no", "a/b", "a:b", "..", "...", "Hat", "hat", "é" * 90, "owl"]
    names = folder_names(classes)
    assert len({name.casefold() for name in names.values()}) == len(classes)
    assert max(len(name.encode()) for name in names.values()) <= 100
    assert names["owl"] == "owl"
    assert names == folder_names(classes[::-1])


def test_labels_as_numbers_where_they_are() -> None:
    assert as_numbers(["-2", "0", "10"]).tolist() == [-2, 0, 10, -1]
    for texts in (["03", "10"], ["a", "1"], ["²"], ["9" * 30]):
        assert as_numbers(texts).tolist() == [*texts, ""]


def test_classes_come_back_as_they_were_given(bars: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    """Numbers as numbers, so that what learned from made images can be held against what is known of real ones."""
    numbers = np.array([KINDS.index(kind) for kind in bars[1]])
    numbers[::7] = -1
    generator = Generator(options=FAST).fit(bars[0], numbers)
    _, said = generator.labelled_sample(200)
    assert said.dtype == np.int64
    assert set(said.tolist()) == {-1, 0, 1, 2}
    generate_place(generator, 200, str(tmp_path / "new.npz"))
    assert (np.load(tmp_path / "new.npz")["labels"] == said).all()


def test_memory_holds_one_run(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are asked for, the first come at once, and no more than these are made."""
    made: list[int] = []
    decoded = drawing.decoded
    monkeypatch.setattr(drawing, "decoded", lambda model, codes: made.append(len(codes)) or decoded(model, codes))
    first = next(iter(generator.stream(10**11)))
    assert len(first[0]) == drawing.AT_ONCE
    assert made == [drawing.AT_ONCE]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_provenance_in_pictures_of_any_depth(bars: tuple[np.ndarray, np.ndarray], dtype: Any, tmp_path: Path) -> None:
    images = bars[0][:80]
    images = (
        images.astype(np.float32) / 255
        if dtype == np.float32
        else images.astype(dtype) * (257 if dtype == np.uint16 else 1)
    )
    Generator(options=FAST).fit(images).save(tmp_path / "m.diabolo")
    assert run("generate", "-m", tmp_path / "m.diabolo", "-n", 2, "-o", tmp_path / "new") == 0
    picture = Image.open(tmp_path / "new" / "0.png")
    assert json.loads(picture.text["diabolo"])["of"] == 2
    assert read_picture(tmp_path / "new" / "0.png").values.dtype == (np.uint16 if dtype == np.uint16 else np.uint8)


def test_labels_of_named_sets_are_those_of_the_set() -> None:
    source = labelled(open_source("digits"), "own", "digits")
    assert source.conditions.texts() == [str(label) for label in labels("digits")]
