"""The sets of pictures that go by a name: `diabolo fit linear digits`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from diabolo.errors import Mistake, unknown
from diabolo.sources import download, wheels
from diabolo.sources.base import Arrays, Source
from diabolo.sources.idx import read_idx


@dataclasses.dataclass(frozen=True)
class NamedSet:
    """A set of pictures, how it is had, and the functions that load its pictures and its labels."""

    name: str
    description: str
    shape: str
    licence: str
    obtained: str
    load: Callable[[], Source]
    labels: Callable[[], np.ndarray] | None = None


_IN_IMAGE = "inside scikit-image"
_IN_LEARN = "inside scikit-learn"
_PHOTO_LICENCE = "public domain, CC0, CC BY 2.0 (china, flower); motorcycle: Middlebury 2014, research"


def _idx(name: str, description: str, licence: str) -> NamedSet:
    count = 10000 if name.endswith("-test") else 60000
    images, labels = download.IMAGES[name], download.LABELS[name]

    def load() -> Source:
        return Arrays(read_idx(download.fetch(images)), f"{name}, {count} pictures of 28 x 28")

    def load_labels() -> np.ndarray:
        return read_idx(download.fetch(labels))

    obtained = f"DIABOLO_DATA, or downloaded from {images.home}"
    return NamedSet(name, description, f"{count} x 28 x 28 uint8", licence, obtained, load, load_labels)


_SETS = (
    NamedSet(
        "digits",
        "handwritten digits; the counts 0..16 as round(count * 255 / 16)",
        "1797 x 8 x 8 uint8",
        "CC BY 4.0 (UCI, Alpaydin and Kaynak, 1998)",
        _IN_LEARN,
        wheels.digits,
        wheels.digit_labels,
    ),
    NamedSet(
        "faces",
        "grey faces of Labeled Faces in the Wild, 0..1",
        "100 x 25 x 25 float32",
        "research use, cite Huang et al., 2007",
        _IN_IMAGE,
        wheels.faces,
    ),
    NamedSet(
        "photos",
        "colour photographs of 300 to 741 pixels",
        "7 pictures, uint8",
        _PHOTO_LICENCE,
        f"{_IN_IMAGE} and scikit-learn",
        wheels.photos,
    ),
    NamedSet(
        "photo-tiles",
        "overlapping tiles of five of the photos at half size",
        "4000 x 32 x 32 x 3 uint8",
        _PHOTO_LICENCE,
        f"{_IN_IMAGE} and scikit-learn",
        wheels.tiles,
    ),
    NamedSet(
        "photo-tiles-test",
        "tiles of the other two photos at half size",
        "415 x 32 x 32 x 3 uint8",
        _PHOTO_LICENCE,
        f"{_IN_IMAGE} and scikit-learn",
        wheels.tiles_of_others,
    ),
    _idx("mnist", "handwritten digits, for training", "research use, cite LeCun et al., 1998"),
    _idx("mnist-test", "handwritten digits, for testing", "research use, cite LeCun et al., 1998"),
    _idx("fashion-mnist", "clothes of a shop's catalogue, for training", "MIT (Zalando, 2017)"),
    _idx("fashion-mnist-test", "clothes of a shop's catalogue, for testing", "MIT (Zalando, 2017)"),
)
NAMED = {named.name: named for named in _SETS}


def labels(name: str) -> np.ndarray:
    """(n,) whole numbers, the class of each picture of a named set; `Mistake` for a set that has none."""
    if name not in NAMED:
        raise unknown("set", name, NAMED)
    loader = NAMED[name].labels
    if loader is None:
        allowed = ", ".join(known for known, named in NAMED.items() if named.labels)
        raise Mistake(f"the set {name} has no labels", allowed=allowed)
    return loader()


def list_sets() -> list[dict[str, str]]:
    """One row for each named set: name, description, shape, licence, obtained."""
    columns = ("name", "description", "shape", "licence", "obtained")
    return [{column: getattr(named, column) for column in columns} for named in _SETS]
