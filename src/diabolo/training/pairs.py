"""Pairs: for every picture another one that it is to become."""

from __future__ import annotations

from pathlib import PurePosixPath

from diabolo.errors import Mistake
from diabolo.training.pictures import Pictures


def paired(pictures: Pictures, targets: Pictures) -> Pictures:
    """`targets` in the order of `pictures`, found by name without the suffix; a `Mistake` for one that has none.

    Pictures whose names are mere numbers, as an array's are, are paired in their order.
    """
    places = {_stem(targets.name(i)): i for i in range(len(targets))}
    missing = [pictures.name(i) for i in range(len(pictures)) if _stem(pictures.name(i)) not in places]
    if missing:
        got = f"{len(missing)} of {len(pictures)} without a partner, {missing[0]} first"
        raise Mistake("the pictures and their targets are no pairs", got, "the same names in both places")
    chosen = [places[_stem(pictures.name(i))] for i in range(len(pictures))]
    ordered = targets.chosen(chosen)
    if (ordered.dtype, ordered.channels) != (pictures.dtype, pictures.channels):
        got = f"{ordered.channels} channels of {ordered.dtype} beside {pictures.channels} of {pictures.dtype}"
        raise Mistake("the pictures and their targets are of different kinds", got, "one kind")
    for i in range(len(pictures)) if pictures.in_memory and ordered.in_memory else ():
        if pictures.read(i).shape != ordered.read(i).shape:
            got = f"{pictures.name(i)}: {pictures.read(i).shape} and {ordered.read(i).shape}"
            raise Mistake("a picture and its target have different sizes", got, "one size")
    return ordered


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))
