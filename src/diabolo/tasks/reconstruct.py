"""Reconstruct, encode and decode: pictures through a trained model, from place to place."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from diabolo.errors import Mistake
from diabolo.events import Listener, Note, Passed, ignore
from diabolo.files import atomic
from diabolo.model import Model
from diabolo.pixels import is_picture
from diabolo.sources import open_source
from diabolo.tasks.places import AT_ONCE, change, check_png, read_run, write_image, write_npy


class Reconstructor:
    """What a model makes of pictures: their reconstruction, their code, and pictures from codes."""

    def __init__(self, model: Model, listen: Listener = ignore) -> None:
        self.model, self.listen = model, listen
        self._told = False

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """(n, ...) of any size to (n, ...) of the model's size, in the same type."""
        return self.model.reconstruct(self.fitting(images))

    def encode(self, images: np.ndarray) -> np.ndarray:
        """(n, ...) of any size to codes (n, *code)."""
        return self.model.encode(self.fitting(images))

    def fitting(self, images: np.ndarray) -> np.ndarray:
        """Images brought to the side and the channels that the model was trained on, as its recipe says."""
        fit = np.stack([self.model.bring(image) for image in images])
        if fit.shape != images.shape and not self._told:
            self._told = True
            wanted = self.model.conversion.describe()
            self.listen(Note(f"pictures of {images.shape[1:]} are brought to what the model was trained on, {wanted}"))
        return fit

    def reconstruct_place(self, place: str, out: str, strict: bool = False) -> int:
        """A picture to a picture, a folder to a folder, an array to an array of the same type; says how many."""
        return change(place, out, self.reconstruct, strict=strict, listen=self.listen)

    def encode_place(self, place: str, out: str, strict: bool = False) -> int:
        """The codes of a picture, folder or array to one `.npy`, in the order of names, or to a `.npz` with names."""
        if Path(out).suffix not in (".npy", ".npz"):
            raise Mistake("codes go to an array file", got=out, allowed=".npy, .npz", remedy="-o codes.npy")
        source = open_source(place, strict=strict)
        codes, names = [], []
        uniform = getattr(source, "array", None) is not None
        for start in range(0, len(source), AT_ONCE if uniform else 1):
            try:
                images = read_run(source, start, start + (AT_ONCE if uniform else 1))
            except Mistake as mistake:
                if strict or uniform:
                    raise
                self.listen(Note(f"left out {source.name(start)}: {mistake}", warning=True))
                continue
            codes.append(self.encode(images))
            names += [source.name(i) for i in range(start, start + len(images))]
            self.listen(Passed(start + len(images), len(source)))
        for name, reason in getattr(source, "unreadable", ()):
            self.listen(Note(f"left out {name}: {reason}", warning=True))
        _write_codes(codes, names, out)
        return len(names)

    def decode_place(self, place: str, out: str) -> int:
        """Codes from `.npy` or `.npz` to an array `.npy`, or to a folder of PNG pictures (named as in the `.npz`)."""
        codes, names = _read_codes(place)
        if Path(out).suffix not in ("", ".npy"):
            raise Mistake("pictures go to a folder or to .npy", got=out, remedy="-o FOLDER, or -o OUT.npy")
        if not Path(out).suffix:
            check_png(self.model.conversion, f"-o {Path(out)}.npy")
        images = self.model.decode(codes)
        if Path(out).suffix:
            write_npy(out, images)
            return len(images)
        digits = len(str(len(images) - 1))
        for i, image in enumerate(images):
            write_image(Path(out), names[i] if names else f"{i:0{digits}d}", image)
        return len(images)


def _write_codes(codes: list[np.ndarray], names: list[str], out: str) -> None:
    if len({code.shape[1:] for code in codes}) > 1:
        raise Mistake(
            "the codes have different sizes, since the pictures have", remedy="a model with --preprocessing.side"
        )
    if not codes:
        raise Mistake("no picture could be read")
    whole = np.concatenate(codes)
    if Path(out).suffix == ".npy":
        write_npy(out, whole)
        return
    with atomic(out) as beside, open(beside, "wb") as file:
        np.savez(file, codes=whole, names=np.array(names))


def _read_codes(place: str) -> tuple[np.ndarray, list[str]]:
    if is_picture(place) or Path(place).is_dir():
        raise Mistake(
            "pictures are not codes", got=place, allowed=".npy or .npz of codes", remedy="diabolo encode first"
        )
    if Path(place).suffix != ".npz":
        source = open_source(place)
        return read_run(source, 0, len(source)), []
    try:
        with np.load(place, allow_pickle=False) as file:
            codes, names = file["codes"], [str(name) for name in file["names"]]
        if codes.ndim < 2 or len(names) != len(codes) or len(set(names)) < len(names):
            raise ValueError(f"codes {codes.shape} and {len(names)} names")
        return codes, names
    except (OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise Mistake(
            f"no codes in {place}", got=str(error), remedy="diabolo encode IN -m MODEL -o CODES.npz"
        ) from error
