"""Parts and their options: one declaration that checks, describes, and is read back."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diabolo.cli.commands import command
from diabolo.cli.parser import Parser, add_recipe, chosen_options
from diabolo.corruptions import Blur, Noise
from diabolo.errors import Diverged, Mistake, unknown
from diabolo.latents import Plain, Sparse
from diabolo.options import Family, Option, fields, from_plain, name_of, option, part, replace, to_plain, walk
from diabolo.recipe import Recipe, with_options
from diabolo.recipes import RECIPES, named


@part
class Sample:
    """One option of every type."""

    count: int = option(3, "how many", unit="pieces", at_least=1, at_most=9)
    share: float = option(0.5, "which share", above=0, below=1)
    kind: str = option("a", "which kind", choices=("a", "b"))
    on: bool = option(False, "whether")
    span: tuple[float, ...] = option((1.0,), "from where to where", at_least=0)
    sizes: tuple[int, ...] = option((1, 2, 3), "a list", at_least=1, longest=4)


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ({"count": "7"}, 7),
        ({"count": np.int64(7)}, 7),
        ({"share": "0.25"}, 0.25),
        ({"share": np.float32(0.25)}, 0.25),
        ({"kind": "b"}, "b"),
        ({"on": "true"}, True),
        ({"on": True}, True),
        ({"span": "2,3"}, (2.0, 3.0)),
        ({"span": [2, 3]}, (2.0, 3.0)),
        ({"span": 2}, (2.0,)),
        ({"sizes": "4,1,2"}, (4, 1, 2)),
    ],
)
def test_what_is_given_becomes_plain_data(given_: dict[str, Any], kept: Any) -> None:
    (name,) = given_
    value = getattr(Sample(**given_), name)
    assert value == kept
    assert type(value) is type(kept)
    if isinstance(kept, tuple):
        assert [type(v) for v in value] == [type(v) for v in kept]


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"count": 0}, "sample.count is not allowed: got 0; allowed: at least 1 and at most 9"),
        ({"count": 10}, "at most 9"),
        ({"count": 2.0}, "sample.count is not a whole number: got 2.0"),
        ({"count": True}, "not a whole number: got True"),
        ({"count": "x"}, "not a whole number: got 'x'"),
        ({"count": None}, "not a whole number: got None"),
        ({"share": 0}, "more than 0 and less than 1"),
        ({"share": 1.0}, "more than 0 and less than 1"),
        ({"share": float("nan")}, "got nan"),
        ({"share": 10**400}, "not a number"),
        ({"share": 1j}, "not a number"),
        ({"kind": "c"}, "allowed: a, b"),
        ({"kind": 1}, "not a text"),
        ({"on": "yes"}, "not true or false"),
        ({"on": 1}, "not true or false"),
        ({"span": (3, 2)}, "neither a value nor a range"),
        ({"span": (1, 2, 3)}, "neither a value nor a range"),
        ({"span": ()}, "neither a value nor a range"),
        ({"span": (-1, 2)}, "at least 0"),
        ({"span": (float("nan"), 1)}, "neither a value nor a range"),
        ({"span": "a,b"}, "not a number"),
        ({"sizes": (1,) * 5}, "1 to 4 numbers"),
        ({"sizes": ()}, "1 to 4 numbers"),
        ({"sizes": (0,)}, "at least 1"),
    ],
)
def test_what_is_not_allowed(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(Mistake) as caught:
        Sample(**given_)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_limits_in_words() -> None:
    assert Option("", at_least=1, at_most=9).limits() == "at least 1 and at most 9"
    assert Option("", above=0, below=1).limits() == "more than 0 and less than 1"
    assert Option("").limits() == ""


def test_parts_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Sample().count = 4  # type: ignore[misc]
    assert Sample() == Sample()
    assert hash(Sample()) == hash(Sample())


def test_names() -> None:
    assert name_of(Sample()) == "sample"
    assert name_of(type("SaltAndPepper", (), {})) == "salt-and-pepper"


FAMILY = Family("latent", Plain, Sparse)


def test_one_of_a_family() -> None:
    assert FAMILY.one("sparse") == FAMILY.one(Sparse) == FAMILY.one(Sparse()) == Sparse()
    with pytest.raises(Mistake, match=r"unknown latent: got 'spars'; allowed: plain, sparse; did you mean sparse\?"):
        FAMILY.one("spars")
    with pytest.raises(Mistake, match="not a latent: got 7"):
        FAMILY.one(7)


def test_several_of_a_family() -> None:
    corruptions = Family("corruption", Noise, Blur)
    for nothing in (None, "", "none", (), []):
        assert corruptions.several(nothing) == ()
    assert corruptions.several("noise,blur") == (Noise(), Blur())
    assert corruptions.several(Noise()) == (Noise(),)
    assert corruptions.several([Noise(), "blur"]) == (Noise(), Blur())
    with pytest.raises(Mistake, match="too many"):
        corruptions.several([Noise()] * 100)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_described_and_read_back(name: str) -> None:
    recipe = named(name)
    plain = json.loads(json.dumps(to_plain(recipe)))
    assert from_plain(Recipe, plain) == recipe
    for path, _, known, value in walk(recipe):
        assert known.help
        if not known.family:
            assert replace(recipe, path, value) == recipe
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            assert replace(recipe, path, text) == recipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_option_has_a_path_and_a_flag_of_its_own(name: str) -> None:
    paths = [path for path, *_ in walk(named(name))]
    assert len(paths) == len(set(paths))
    parser = Parser(command("fit"))
    add_recipe(parser, named(name))
    typed = [word for path, _, known, value in walk(named(name)) if not known.family for word in _typed(path, value)]
    assert with_options(named(name), chosen_options(parser.parse(typed))) == named(name)


def _typed(path: str, value: Any) -> tuple[str, str]:
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"--{path.removeprefix('training.').replace('_', '-')}", text


def test_parts_of_one_kind_are_numbered_from_the_second_on() -> None:
    recipe = Recipe(corruption=(Noise(), Blur(), Noise(), Noise()))
    changed = with_options(recipe, {"corruption.noise.sigma": 3, "corruption.noise-3.sigma": "4,5"})
    assert changed.corruption == (Noise((3.0,)), Blur(), Noise(), Noise((4.0, 5.0)))
    paths = [path for path, *_ in walk(recipe) if path.startswith("corruption.")]
    assert paths == [f"corruption.{name}.sigma" for name in ("noise", "blur", "noise-2", "noise-3")]
    with pytest.raises(Mistake, match=r"unknown part of corruption: got 'noise-4'; allowed: noise, blur, noise-2"):
        replace(recipe, "corruption.noise-4.sigma", 3)


def test_defaults_fill_what_an_older_description_lacks() -> None:
    plain = to_plain(Recipe())
    del plain["training"]["ema"], plain["corruption"]
    assert from_plain(Recipe, plain) == Recipe()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("latnt", "did you mean latent?"),
        ("latent.sise", "did you mean size?"),
        ("latent.size.more", "unknown option of plain"),
        ("beta.more", "unknown option of recipe"),
        ("corruption.blur.sigma", "unknown part of corruption"),
        ("", "unknown option of recipe"),
    ],
)
def test_paths_that_lead_nowhere(path: str, message: str) -> None:
    with pytest.raises(Mistake) as caught:
        replace(Recipe(corruption=(Noise(),)), path, 3)
    assert message in str(caught.value)


def test_whole_parts_change_before_their_options() -> None:
    recipe = with_options(Recipe(), {"latent.size": 7, "latent": "sparse", "epochs": 3, "training.batch_size": 5})
    assert recipe.latent == Sparse(size=7)
    assert (recipe.training.epochs, recipe.training.batch_size) == (3, 5)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_what_is_no_description(plain: Any) -> None:
    with pytest.raises(Mistake, match="not the description of a recipe"):
        from_plain(Recipe, plain)


@given(st.sampled_from([name for name, _, _ in fields(Sample)]), st.text() | st.integers() | st.floats() | st.none())
def test_any_value_is_kept_or_refused_in_one_line(name: str, value: Any) -> None:
    try:
        kept = Sample(**{name: value})
    except Mistake as mistake:
        message = str(mistake)
    else:
        message = ""
        assert from_plain(Sample, to_plain(kept)) == kept
    assert "\n" not in message
    assert len(message) < 1000


def test_messages_are_one_line_of_readable_length() -> None:
    mistake = Mistake("a\nb\x1b[2Jc", got="x" * 10_000, allowed="\r\n", remedy="do\tthis")
    assert "\n" not in str(mistake)
    assert "\x1b" not in str(mistake)
    assert len(str(mistake)) < 1000
    assert str(mistake).endswith("try: do this")
    assert isinstance(mistake, ValueError)
    assert Diverged("x").model is None


def test_the_nearest_name_is_offered() -> None:
    assert str(unknown("fruit", "aple", ["apple", "pear"])).endswith("did you mean apple?")
    assert "did you mean" not in str(unknown("fruit", "zzz", ["apple", "pear"]))
    many = [f"name-{i}" for i in range(50)]
    assert "name-49" not in str(unknown("name", "name-1", many))
    assert len(str(unknown("fruit", "x" * 10**6, ["apple"]))) < 1000
