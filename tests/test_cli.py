"""The command line: what it prints where, what it leaves, and how it ends."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from diabolo import artifact, cli
from diabolo.cli.commands import COMMANDS, command
from diabolo.cli.show import Show
from diabolo.pixels import Picture, read_picture, write_picture
from diabolo.sources import open_source

FIT = "fit deep digits -o m.diabolo --latent.size 4 --architecture.width 16 --epochs 1"


class Said(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[[str], Said]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line in an empty folder, in this process."""
    monkeypatch.chdir(tmp_path)

    def call(line: str) -> Said:
        capsys.readouterr()
        try:
            code = cli.main(shlex.split(line))
        except SystemExit as end:  # --help
            code = int(end.code or 0)
        return Said(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "m.diabolo"
    assert cli.main([*shlex.split(FIT.replace("m.diabolo", str(path))), "--json"]) == 0
    return path


def one_object(said: Said) -> dict[str, Any]:
    """The one JSON object on stdout, strictly read, with nothing else around it."""

    def refuse(word: str) -> Any:
        raise AssertionError(f"{word} is no JSON")

    assert said.code == 0, said.err
    assert said.out.count("\n") == 1
    found = json.loads(said.out, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def test_every_verb_from_pictures_to_pictures(run: Run, model: Path) -> None:
    images = open_source("digits").array[:30]
    np.save("x.npy", images)
    assert one_object(run(f"reconstruct x.npy -m {model} -o r.npy --json")) == {"out": "r.npy", "images": 30}
    assert one_object(run(f"encode x.npy -m {model} -o c.npy --json"))["images"] == 30
    assert one_object(run(f"decode c.npy -m {model} -o d.npy --json"))["images"] == 30
    trained = artifact.load(model)
    for name, expected in (("c", trained.encode(images)), ("r", trained.reconstruct(images))):
        assert np.array_equal(np.load(f"{name}.npy"), expected)
    assert np.array_equal(np.load("d.npy"), np.load("r.npy"))
    Path("folder").mkdir()
    for i, image in enumerate(images[:12]):
        write_picture(f"folder/{i}.png", Picture(image))
    assert one_object(run(f"encode folder -m {model} -o c.npz --json"))["images"] == 12
    assert one_object(run(f"decode c.npz -m {model} -o back --json"))["images"] == 12
    assert one_object(run(f"reconstruct folder -m {model} -o seen --json"))["images"] == 12
    assert one_object(run("data digits -o all.npy --json"))["images"] == 1797
    names = sorted(path.name for path in Path("folder").iterdir())
    assert names == sorted(path.name for path in Path("back").iterdir())
    assert names == sorted(path.name for path in Path("seen").iterdir())
    assert np.array_equal(read_picture(f"seen/{names[5]}").values, read_picture(f"back/{names[5]}").values)
    one_object(run(f"reconstruct folder/{names[0]} -m {model} -o one.png --json"))
    assert np.array_equal(read_picture("one.png").values, read_picture(f"seen/{names[0]}").values)


def test_json_of_the_others(run: Run, model: Path) -> None:
    told = one_object(run(f"info {model} --json"))
    assert told["code"] == [4]
    assert len(told["digest"]) == 64
    assert told["recipe"]["latent"] == {"part": "plain", "size": 4, "activation": "linear"}
    assert len(told["metrics"]["history"]) == 1
    assert {row["name"] for row in one_object(run("data --json"))["sets"]} >= {"digits", "photos", "mnist"}
    fitted = one_object(run(f"{FIT} --json"))
    assert fitted["model"] == "m.diabolo"
    assert fitted["interrupted"] is False
    assert fitted["mse"] > 0


def test_text_for_people(run: Run, model: Path) -> None:
    said = run(FIT)
    assert said.code == 0
    assert said.out.startswith("m.diabolo: 1 x 8 x 8 numbers to 4 and back, mean squared error 0.0")
    assert "training on 1618 images (179 held out)" in said.err
    assert "\r" not in said.err
    assert "\x1b" not in said.err
    assert sorted(os.listdir()) == ["m.diabolo"]
    assert "latent.size" in run(f"info {model}").out
    assert run("data digits").out.startswith("digits ")


def test_the_command_is_kept_in_the_model(run: Run) -> None:
    run(FIT + " --flip")
    kept = artifact.load("m.diabolo").provenance["command"]
    assert kept.startswith("diabolo fit deep digits --latent.size 4 --architecture.width 16 --epochs 1 --flip true")


@pytest.mark.parametrize("verb", COMMANDS)
def test_help(verb: str, run: Run) -> None:
    said = run(f"{verb} --help")
    assert said.code == 0
    assert said.err == ""
    assert "examples:" in said.out
    assert all(line in said.out for line in command(verb).EXAMPLES)
    assert "--json" in said.out


def test_help_of_a_recipe_shows_its_own_options(run: Run) -> None:
    assert "--architecture.levels" in run("fit conv --help").out
    assert "--architecture.depth" in run("fit deep --help").out
    assert "--latent.free-bits" in run("fit deep --latent variational --help").out
    assert "--corruption.noise.sigma" in run("fit deep --corruption noise,blur --help").out
    assert "--crop" in run("fit --help").out


def test_options_before_the_recipe(run: Run) -> None:
    line = "fit --epochs 1 --architecture.levels 1 --architecture.width 2 -o m.diabolo conv digits --json"
    assert one_object(run(line))["model"] == "m.diabolo"


def test_overview_and_version(run: Run) -> None:
    for line in ("", "--help", "-h", "help"):
        said = run(line)
        assert said.code == 0
        assert all(f"  {verb} " in said.out for verb in COMMANDS)
    assert run("--version").out.startswith("diabolo 0.")


def test_help_is_quick_and_leaves_torch_alone() -> None:
    code = "import sys; from diabolo.cli import main; main(['--help']); sys.exit('torch' in sys.modules)"
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, timeout=60)
    assert time.monotonic() - began < 20  # a busy machine; benchmarks hold the 0.5 s


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ft deep digits", "unknown command: got 'ft'"),
        ("fitt deep digits", "did you mean fit?"),
        ("fit", "required: RECIPE, SOURCE, -o/--out"),
        ("fit deeep digits -o m.diabolo", "unknown recipe: got 'deeep'"),
        ("fit deeep digits -o m.diabolo", "did you mean deep?"),
        ("fit deep digts -o m.diabolo", "did you mean digits?"),
        ("fit deep digits -o m.diabolo --latent.sise 3", "did you mean --latent.size?"),
        ("fit deep digits -o m.diabolo --epoch 3", "did you mean --epochs?"),
        ("fit deep digits -o m.diabolo --latent spars", "did you mean sparse?"),
        ("fit deep digits -o m.diabolo --latent", "unknown latent"),
        ("fit deep digits -o m.diabolo --latent.size", "expected one argument"),
        ("fit deep digits -o m.diabolo --latent.size 0", "plain.size is not allowed: got 0; allowed: at least 1"),
        ("fit deep digits -o m.diabolo --latent.size -3", "plain.size is not allowed: got -3; allowed: at least 1"),
        ("fit deep digits -o m.diabolo --latent.size=-3", "got -3"),
        ("fit deep digits -o m.diabolo --latent.size many", "not a whole number: got 'many'"),
        ("fit deep digits -o m.diabolo --learning-rate nan", "learning_rate is not allowed: got nan"),
        ("fit deep digits -o m.diabolo --learning-rate 1e400", "learning_rate is not allowed: got inf"),
        ("fit deep digits -o m.diabolo --flip maybe", "not true or false"),
        ("fit deep digits -o m.diabolo --schedule linear", "one-cycle, cosine, constant"),
        ("fit deep digits -o m.diabolo --checkpoint-seconds x", "invalid float value"),
        ("fit deep digits more -o m.diabolo", "there is no file, folder or set 'more'"),
        ("fit deep digits -o m.npy", "allowed: *.diabolo; try: -o m.diabolo"),
        ("fit deep digits -o no/such/m.diabolo", "mkdir -p 'no/such'"),
        ("fit deep digits -o /proc/m.diabolo", "cannot write /proc/m.diabolo"),
        ("fit deep digits -o m.diabolo --device cuda:99", "no such device: got cuda:99; allowed: auto, cpu"),
        ("fit deep digits -o m.diabolo --crop 4", "flat cannot be trained on crops"),
        ("fit deep digits -o m.diabolo --architecture.norm batch --batch-size 1", "more than one image at a time"),
        ("data digts", "did you mean digits?"),
        ("data -o x.npy", "which set?"),
        ("data digits -o x.jpg", "pictures go to a folder or to .npy"),
        ("info none.diabolo", "no such file"),
        ("info .", "a folder"),
        ("reconstruct digits -o x.npy", "required: -m/--model"),
        ("reconstruct digits -m {model} -o x.png", "an array goes to an array file"),
        ("reconstruct digits -m {model} -o x.npy --device cuda:99", "no such device"),
        ("reconstruct photos -m {model} -o x.npy", "different sizes"),
        (
            "reconstruct faces -m {model} -o x.npy",
            "arrays of another size: got shape (100, 25, 25); allowed: shape (n, 8, 8)",
        ),
        ("reconstruct none -m {model} -o x.npy", "no file, folder or set 'none'"),
        ("reconstruct '' -m {model} -o x.npy", "no file, folder or set ''"),
        ("reconstruct digits -m {model} -o no/such/x.npy", "mkdir -p"),
        ("encode digits -m {model} -o codes.txt", "allowed: .npy, .npz"),
        ("decode digits -m {model} -o x.npy", "codes of another size"),
        ("decode . -m {model} -o x.npy", "pictures are not codes"),
        ("decode none.npz -m {model} -o x.npy", "no codes in none.npz"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(line: str, message: str, run: Run, model: Path) -> None:
    for extra in ("", " --json"):
        said = run(line.format(model=model) + extra)
        assert said.code == 2, said
        told = said.err.splitlines()[-1]
        assert told.startswith("diabolo: ")
        assert message in told
        assert "Traceback" not in said.err
        assert said.out == ""
        assert os.listdir() == []


def test_an_explosion_is_no_mistake_of_the_user(run: Run) -> None:
    said = run(FIT + " --learning-rate 10 --warmup 0 --epochs 3 --architecture.width 128 --architecture.depth 3")
    assert said.code == 1
    line = said.err.splitlines()[-1]
    assert line.startswith("diabolo: training diverged: the loss exploded at step")
    assert line.endswith("try: --learning-rate 1e+00; there is no model, since no epoch ended well")
    assert not Path("m.diabolo").exists()


def test_a_prior_that_explodes_leaves_the_network_and_is_learned_again(run: Run) -> None:
    line = "fit generate digits -o m.diabolo --steps 3 --priors flow --priors.flow.steps 200 --json"
    said = run(f"{line} --priors.flow.learning-rate 10")
    assert (said.code, said.out) == (1, "")
    told = said.err.splitlines()[-1]
    assert told.startswith("diabolo: the prior flow diverged at step")
    assert told.endswith("--resume, which learns the prior alone; the network as it was learned is in m.diabolo")
    learned = artifact.load("m.diabolo").network.state_dict()
    said = run(f"{line} --priors.flow.learning-rate 1e-4 --resume")
    assert said.code == 0, said
    model = artifact.load("m.diabolo")
    assert model.sampler is not None
    assert all(torch.equal(learned[name], value) for name, value in model.network.state_dict().items())


def test_the_best_epoch_before_an_explosion_is_written(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diabolo.training.loop.learning_rate", lambda training, step, steps: 1e-3 if step < 30 else 1e6)
    said = run(FIT + " --epochs 5 --json")
    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines()[-1].endswith("the weights of the best epoch are in m.diabolo")
    assert artifact.load("m.diabolo").metrics["best_epoch"] == 1


def test_an_unexpected_error_is_one_line_and_shown_with_debug(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diabolo.sources.list_sets", lambda: 1 / 0)
    said = run("data")
    assert (said.code, said.err) == (1, "diabolo: ZeroDivisionError: division by zero (--debug shows where)\n")
    assert "Traceback" in run("data --debug").err


def test_a_folder_goes_through_whatever_is_in_it(run: Run, model: Path) -> None:
    """Broken and foreign files are left out and told; names are kept, none is written over another."""
    image = open_source("digits").array[0]
    Path("in/sub").mkdir(parents=True)
    for name in ("a.png", "b.jpg", "sub/c.tiff"):
        write_picture(f"in/{name}", Picture(image))
    Image.fromarray(255 - image).save("in/a.gif")  # nothing writes GIF: it becomes a PNG
    Path("in/broken.png").write_bytes(Path("in/a.png").read_bytes()[:50])
    Path("in/notes.txt").write_text("hello")
    write_picture("in/large.png", Picture(np.kron(image, np.ones((2, 2), np.uint8))))
    said = run(f"reconstruct in -m {model} -o out")
    assert said.code == 0, said.err
    assert "warning: left out broken.png" in said.err
    assert "warning: left out large.png: arrays of another size" in said.err
    found = sorted(str(path.relative_to("out")) for path in Path("out").rglob("*.*"))
    assert found == ["a.gif.png", "a.png", "b.jpg", "sub/c.tiff"]
    made = artifact.load(model).reconstruct(np.stack([image, 255 - image]))
    assert np.array_equal(read_picture("out/a.png").values, made[0])
    assert np.abs(read_picture("out/a.gif.png").values.squeeze().astype(int) - made[1]).max() <= 2
    assert run(f"reconstruct in -m {model} -o strict --strict").code == 2
    assert run(f"reconstruct in -m {model} -o in").code == 2


def test_a_terminal_is_not_commanded_by_a_model(run: Run, model: Path) -> None:
    changed = artifact.load(model)
    changed.provenance["source"] = "\x1b]0;owned\x07\x1b[2J"
    artifact.save(changed, "evil.diabolo")
    said = run("info evil.diabolo")
    assert "owned" in said.out
    assert "\x1b" not in said.out


def limited(line: str, size: int) -> subprocess.CompletedProcess[str]:
    """Run a command that may write no file of more than `size` bytes, as on a disk that is full."""
    code = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
from diabolo.cli import main
from shlex import split
for line in {line.splitlines()!r}:
    print(main(split(line)))
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="the size of files is limited by the system's means")
def test_a_full_disk(run: Run, model: Path) -> None:
    run(f"encode digits -m {model} -o c.npy")
    lines = [
        f"reconstruct digits -m {model} -o r.npy",
        f"encode digits -m {model} -o c2.npy",
        f"encode digits -m {model} -o c.npz",
        f"decode c.npy -m {model} -o d.npy",
        "data digits -o x.npy",
        "fit deep digits -o m.diabolo --epochs 1",
    ]
    told = limited("\n".join(lines), 20_000)
    assert told.stdout.split() == ["2"] * len(lines), told.stderr
    refusals = [line for line in told.stderr.splitlines() if line.startswith("diabolo: cannot write")]
    assert len(refusals) == len(lines)
    assert all("too large" in line or "full" in line for line in refusals)
    assert "Traceback" not in told.stderr
    assert os.listdir() == ["c.npy"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_stdout_that_is_full_or_closed() -> None:
    with open("/dev/full", "w") as full:
        said = subprocess.run(
            [sys.executable, "-m", "diabolo", "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert "No space left" in said.stderr
    reader, writer = os.pipe()
    os.close(reader)
    said = subprocess.run(
        [sys.executable, "-m", "diabolo", "--help"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (said.returncode, said.stderr) == (1, "")


def test_of_several_processes_one_speaks(monkeypatch: pytest.MonkeyPatch, run: Run, model: Path) -> None:
    monkeypatch.setenv("RANK", "1")
    assert not Show().leading
    assert run(f"info {model} --json").out == ""
    assert run(f"info {model}").out == ""
