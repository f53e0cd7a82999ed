"""Picture files to `*.dbl` and back: one, a folder of them, or a folder of small ones in one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diabolo import metrics
from diabolo.errors import Mistake
from diabolo.events import Listener, Note, Passed, ignore
from diabolo.files import atomic, check_writable, reading
from diabolo.pixels import SUFFIXES, Picture, is_picture, write_picture
from diabolo.sources import open_source
from diabolo.tasks.compress.codec import Rectangle
from diabolo.tasks.compress.compressor import Compressor
from diabolo.tasks.nearness import full_range, psnr_of
from diabolo.tasks.places import check_target, folder, names_below, read_first, refuse_same, write_npy

SUFFIX = ".dbl"
LARGEST = 2**31  # bytes of a file that is read
SMALLEST_MS_SSIM = 176  # pixels a side
Row = dict[str, Any]


def compress_place(
    place: str, out: str, task: Compressor, *, check: bool = False, strict: bool = False, listen: Listener = ignore
) -> list[Row]:
    """A picture to a file; a folder to a folder, or with `-o NAME.dbl`, as an array, to one file. A row for each file.

    With `check` each file is read back, and the row tells how near its pictures are.
    """
    refuse_same(place, out)
    if Path(place).is_dir() and Path(out).suffix.lower() != SUFFIX:
        return _folder(Path(place), Path(out), SUFFIX, _pictures, strict, listen, _compressing(task, check, listen))
    if Path(out).suffix.lower() != SUFFIX:
        raise Mistake(
            "not the name of a compressed file", got=out, allowed=f"*{SUFFIX}", remedy=f"-o {Path(out).stem}{SUFFIX}"
        )
    check_writable(out)
    if not Path(place).is_dir() and is_picture(place):
        return [_compressing(task, check, listen)(Path(place), Path(out), Path(place).name, True)]
    pictures, names = _many(place, strict, listen)
    data = task.compress_pictures(pictures, names, _tiles(listen))
    return [_written(task, data, Path(out), f"{len(names)} pictures", pictures, check)]


def decompress_place(
    place: str,
    out: str,
    task: Compressor,
    *,
    region: Rectangle | None = None,
    strict: bool = False,
    listen: Listener = ignore,
) -> list[Row]:
    """A file to a picture; a folder of files, or a file of many pictures, to a folder, the latter also to `.npy`."""
    refuse_same(place, out)
    if Path(place).is_dir():
        return _folder(Path(place), Path(out), ".png", _files, strict, listen, _decompressing(task, region, listen))
    with reading(place) as source:
        if source.stat().st_size > LARGEST:
            raise Mistake("the file is too large", f"{source.stat().st_size} bytes", f"at most {LARGEST}")
        data = source.read_bytes()
    if not Path(out).suffix:
        folder(Path(out))
    elif Path(out).suffix == ".npy":
        check_writable(out)
    else:
        check_target(out)
    pictures, names = task.decompress_pictures(data, region, _tiles(listen))
    if Path(out).suffix == ".npy":
        write_npy(out, task.stacked(pictures, bool(names)))
    elif names:
        _write_many(Path(out), pictures, names, listen)
    elif not Path(out).suffix:
        target = Path(out) / f"{Path(place).stem}.png"
        write_picture(target, pictures[0])
    else:
        check_target(out, pictures[0])
        write_picture(out, pictures[0])
    return [{"name": Path(place).name, "bytes": len(data), "pictures": len(pictures), "size": _size(pictures[0])}]


def _write_many(out: Path, pictures: list[Picture], names: tuple[str, ...], listen: Listener) -> None:
    if out.suffix:
        wrong = f"the file holds {len(names)} pictures"
        raise Mistake(wrong, got=f"-o {out}", allowed="a folder, or .npy", remedy=f"-o {out.with_suffix('')}")
    taken: set[Path] = set()
    for i, (picture, name) in enumerate(zip(pictures, names, strict=True)):
        if not _is_name(name):
            raise Mistake("a picture's name is none for a file below the folder", got=repr(name))
        others = (out / f"{name}{number}.png" for number in ("", *(f"-{n}" for n in range(2, len(names) + 2))))
        target = next(path for path in (out / Path(name).with_suffix(".png"), *others) if path not in taken)
        taken.add(target)
        folder(target.parent)
        write_picture(target, picture)
        listen(Passed(i + 1, len(names)))


def _compressing(task: Compressor, check: bool, listen: Listener) -> Callable[[Path, Path, str, bool], Row]:
    def one(source: Path, target: Path, name: str, single: bool) -> Row:
        picture = read_first(source, name, listen)
        data = task.compress_picture(picture, _tiles(listen) if single else None)
        return _written(task, data, target, name, [picture], check)

    return one


def _decompressing(
    task: Compressor, region: Rectangle | None, listen: Listener
) -> Callable[[Path, Path, str, bool], Row]:
    def one(source: Path, target: Path, name: str, single: bool) -> Row:
        return decompress_place(str(source), str(target), task, region=region)[0] | {"name": name}

    return one


def _written(task: Compressor, data: bytes, target: Path, name: str, pictures: list[Picture], check: bool) -> Row:
    with atomic(target) as beside:
        Path(beside).write_bytes(data)
    size = target.stat().st_size
    pixels = sum(p.values.shape[0] * p.values.shape[1] for p in pictures)
    row = {"name": name, "out": str(target), "bytes": size, "bpp": 8 * size / pixels, "quality": task.quality_}
    if check:
        row |= nearness(pictures, task.decompress_pictures(target.read_bytes())[0])
    return row


def nearness(before: list[Picture], after: list[Picture]) -> Row:
    """PSNR over all values and, where the pictures are large enough, the mean MS-SSIM over pictures and colours."""
    pairs = [(p.values, q.values) for p, q in zip(before, after, strict=True)]
    row: Row = {"psnr": psnr_of([second for _, second in pairs], [first for first, _ in pairs])}
    if min(before[0].values.shape[:2]) >= SMALLEST_MS_SSIM:
        top = full_range(before[0].values)
        found = [
            float(metrics.ms_ssim(a, b, range=top))
            for first, second in pairs
            for a, b in zip(_planes(first), _planes(second), strict=True)
        ]
        row["ms_ssim"] = sum(found) / len(found)
    return row


def _planes(values: np.ndarray) -> Iterator[torch.Tensor]:
    """The colours of a picture one by one, (1, 1, h, w): one takes a third of the memory of all."""
    for plane in [values] if values.ndim == 2 else np.moveaxis(values, 2, 0):
        yield torch.from_numpy(plane.astype(np.float32))[None, None]


def _many(place: str, strict: bool, listen: Listener) -> tuple[list[Picture], list[str]]:
    """All pictures of a folder or an array, and their names."""
    if Path(place).is_dir():
        names = list(_pictures(Path(place)))
        if not names:
            raise Mistake(f"nothing to do in {place}", allowed=", ".join(SUFFIXES))
        return _readable(Path(place), names, strict, listen)
    source = open_source(place, strict=strict)
    if source.read(0).ndim < 2:
        raise Mistake("not pictures", got=f"vectors in {place}", allowed="pictures")
    return [Picture(np.ascontiguousarray(source.read(i))) for i in range(len(source))], [
        source.name(i) for i in range(len(source))
    ]


def _readable(place: Path, names: list[str], strict: bool, listen: Listener) -> tuple[list[Picture], list[str]]:
    """The pictures of these names that can be read, and their names."""
    found: dict[str, Picture] = {}
    for name in names:
        try:
            found[name] = read_first(place / name, name, listen)
        except Mistake as mistake:
            if strict:
                raise
            listen(Note(f"left out {name}: {mistake}", warning=True))
    if not found:
        raise Mistake(f"nothing in {place} could be used", got=f"{len(names)} files that failed")
    return list(found.values()), list(found)


def _folder(
    place: Path,
    out: Path,
    suffix: str,
    find: Callable[[Path], Iterator[str]],
    strict: bool,
    listen: Listener,
    one: Callable[[Path, Path, str, bool], Row],
) -> list[Row]:
    """Each file of a folder to a file of the same name and another suffix in a folder; a broken one is left out."""
    names = list(find(place))
    if not names:
        allowed = ", ".join(SUFFIXES) if suffix == SUFFIX else f"*{SUFFIX}"
        raise Mistake(f"nothing to do in {place}", allowed=allowed)
    if out.exists() and not out.is_dir():
        raise Mistake("a folder goes to a folder", got=f"{out}, a file", remedy="-o FOLDER")
    rows, taken = [], set[Path]()
    for i, name in enumerate(names):
        target = out / Path(name).with_suffix(suffix)
        target = out / f"{name}{suffix}" if target in taken else target
        taken.add(target)
        folder(target.parent)
        try:
            rows.append(one(place / name, target, name, False))
        except Mistake as mistake:
            if strict:
                raise
            listen(Note(f"left out {name}: {mistake}", warning=True))
        listen(Passed(i + 1, len(names)))
    if not rows:
        raise Mistake(f"nothing in {place} could be used", got=f"{len(names)} files that failed")
    return rows


def _pictures(place: Path) -> Iterator[str]:
    return (name for name in names_below(place) if is_picture(name))


def _files(place: Path) -> Iterator[str]:
    return (name for name in names_below(place) if Path(name).suffix.lower() == SUFFIX)


def _is_name(name: str) -> bool:
    """Whether a name, which a hostile file may have given, is one of a file below a folder."""
    path = Path(name)
    return name.isprintable() and bool(path.name) and ".." not in path.parts and not path.is_absolute()


def _tiles(listen: Listener) -> Callable[[int, int], None]:
    return lambda done, total: listen(Passed(done, total, "tiles"))


def _size(picture: Picture) -> str:
    return f"{picture.values.shape[1]} x {picture.values.shape[0]}"
