"""Big pictures in bounded memory: overlapping tiles through a function, blended so that no seam shows."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import DTypeLike

from diabolo.errors import Mistake

JPEG_GRID = 8  # pixels; a tile that starts inside a JPEG block would show the network another grid


def by_tiles(
    image: np.ndarray,
    function: Callable[[np.ndarray], np.ndarray],
    *,
    multiple: int,
    align: int = 1,
    tile: int = 512,
    overlap: int = 64,
    scale: int = 1,
    dtype: DTypeLike | None = None,
    out: Sequence[np.ndarray] = (),
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """What `function` makes of `image` (h, w, k), any type: (h scale, w scale, c) of `dtype`, by default the image's.

    `function` takes a piece (H, W, k) of the image's type, which it must not change, to (H scale, W scale, c) floats in
    the result's units. H and W are multiples of `multiple` and of 8, and so is the place where a piece starts; where
    there are several, sides and places are multiples of `align` too. The image is continued at the bottom and right
    only: mirrored where it is large enough, otherwise its last row or column repeated. An image that fits into `tile`
    pixels a side goes through at once; of a larger one all tiles have the same size, at most `tile`. Nothing is seen of
    the `overlap` / 4 pixels along an edge between tiles; in the middle half of an overlap, or less of it, one tile
    passes smoothly into the next.

    Whole-number types are rounded and clipped to their range. Arrays in `out` are written to, in their own types, and
    share the result's channels in their order; the first is given back. Memory beside image and result: tile x w x c
    floats. `progress` is told (tiles done, tiles in all) after each tile.
    A `Mistake` where tile and overlap do not fit each other, or the function changes the size of a piece.
    """
    _check(image, math.lcm(multiple, align), tile, overlap, scale)
    grid = math.lcm(multiple, JPEG_GRID)
    rows, columns = (Tiling.over(length, grid, tile, overlap, align) for length in image.shape[:2])
    pieces = _Pieces(image, function, rows, columns, scale, progress)
    for place, values in _joined(rows.times(scale), pieces.strips(), axis=0):
        shape = (rows.length * scale, columns.length * scale, values.shape[2])
        out = out if len(out) else (np.empty(shape, image.dtype if dtype is None else dtype),)
        _check_out(out, shape)
        ends = itertools.accumulate(part.shape[2] for part in out)
        for part, end in zip(out, ends, strict=True):
            part[place] = _as_type(values[..., end - part.shape[2] : end], part.dtype)
    return out[0]  # there is at least one strip


@dataclasses.dataclass(frozen=True)
class Tiling:
    """How tiles of one `side` cover `length` pixels, and where one passes into the next; all in pixels."""

    length: int
    side: int
    origins: tuple[int, ...]
    ramps: tuple[tuple[int, int], ...]  # (first pixel, pixel after the last) between each tile and its next

    @classmethod
    def over(cls, length: int, grid: int, tile: int, overlap: int, align: int = 1) -> Tiling:
        """As few tiles of at most `tile` pixels as overlap by `overlap`, and these no larger than they need to be.

        Their sides and origins lie on the grid, and on that of `align` pixels where there are several.
        """
        if _up(length, grid) <= tile:
            return cls(length, _up(length, grid), (0,), ())
        grid = math.lcm(grid, align)
        padded, shared = _up(length, grid), _up(overlap, grid)
        gaps = -(-(padded - shared) // (_down(tile, grid) - shared)) - 1
        side = _up(-(-(padded + gaps * shared) // (gaps + 1)), grid)
        origins = tuple(_down(place * (padded - side) // gaps, grid) for place in range(gaps + 1))
        centres = [(before + side + after) // 2 for before, after in itertools.pairwise(origins)]
        apart = min((after - before for before, after in itertools.pairwise(centres)), default=overlap)
        reach = min(overlap // 4, apart // 2)  # no ramp begins before the last one ended
        return cls(length, side, origins, tuple((centre - reach, centre + reach) for centre in centres))

    def times(self, scale: int) -> Tiling:
        """The same tiles in a picture `scale` times larger."""
        ramps = tuple((start * scale, stop * scale) for start, stop in self.ramps)
        return Tiling(self.length * scale, self.side * scale, tuple(o * scale for o in self.origins), ramps)


@dataclasses.dataclass(frozen=True)
class _Pieces:
    """The tiles of one image through the function, a strip after the other."""

    image: np.ndarray
    function: Callable[[np.ndarray], np.ndarray]
    rows: Tiling
    columns: Tiling
    scale: int
    progress: Callable[[int, int], None] | None

    def strips(self) -> Iterator[np.ndarray]:
        """For each row of tiles, its tiles joined: (side, w, c) floats, in the same memory every time."""
        strip: np.ndarray | None = None
        for number, top in enumerate(self.rows.origins):
            for place, values in _joined(self.columns.times(self.scale), self._row(number, top), axis=1):
                if strip is None:
                    width = self.columns.length * self.scale
                    strip = np.empty((values.shape[0], width, values.shape[2]), values.dtype)
                strip[:, place] = values
            assert strip is not None  # a row has at least one tile
            yield strip

    def _row(self, number: int, top: int) -> Iterator[np.ndarray]:
        done, total = number * len(self.columns.origins), len(self.rows.origins) * len(self.columns.origins)
        for left in self.columns.origins:
            tile = self._tile(top, left)
            done += 1
            if self.progress:
                self.progress(done, total)
            yield tile

    def _tile(self, top: int, left: int) -> np.ndarray:
        height, width = self.rows.side, self.columns.side
        piece = self.image[top : top + height, left : left + width]
        if piece.shape[:2] != (height, width):
            inside = (_mirrored(top, height, self.rows.length), _mirrored(left, width, self.columns.length))
            piece = self.image[np.ix_(*inside)]
        result = np.asarray(self.function(piece))
        wanted = (height * self.scale, width * self.scale)
        if result.ndim != 3 or result.shape[:2] != wanted:
            allowed = f"(height, width, channels) with {wanted[0]} x {wanted[1]} pixels"
            raise Mistake("the function changed the size of a tile", got=f"shape {result.shape}", allowed=allowed)
        return result.astype(np.result_type(result.dtype, np.float32))  # a copy: what comes back is blended in place


def _joined(tiling: Tiling, tiles: Iterable[np.ndarray], axis: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Neighbours along one axis blended: (place, values) one after the other, together the whole length.

    Between two tiles a and b the value is a + weight (b - a): where both agree it is theirs to the bit.
    """
    first, carried = 0, None
    for i, (origin, tile) in enumerate(zip(tiling.origins, tiles, strict=True)):
        lying = np.moveaxis(tile, axis, 0)
        if carried is not None:
            head = lying[first - origin : first - origin + len(carried)]
            head -= carried
            head *= _weights(len(carried))[:, None, None].astype(head.dtype)
            head += carried
        last, stop = tiling.ramps[i] if i < len(tiling.ramps) else (tiling.length, tiling.length)
        carried = lying[last - origin : stop - origin].copy()
        yield slice(first, last), np.moveaxis(lying[first - origin : last - origin], 0, axis)
        first = last


def _weights(length: int) -> np.ndarray:
    """The share of the next tile over `length` pixels of a ramp: a raised cosine between 0 and 1, both left out."""
    return np.sin(np.pi / 2 * (np.arange(length) + 0.5) / length) ** 2


def _mirrored(start: int, count: int, length: int) -> np.ndarray:
    """`count` places from `start` on, those beyond `length` mirrored at the last one, or that one where too few."""
    places = np.arange(start, start + count)
    enough = start + count <= 2 * length - 1
    return np.where(places < length, places, 2 * (length - 1) - places if enough else length - 1)


def _as_type(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Floats as `dtype`; for whole-number types rounded and clipped."""
    if dtype.kind not in "uib":
        return values
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    wide = values.astype(np.promote_types(values.dtype, dtype), copy=False)  # single precision skips some of 32 bits
    return np.clip(np.rint(wide, out=wide), low, high, out=wide)


def _up(length: int, grid: int) -> int:
    return -(-length // grid) * grid


def _down(length: int, grid: int) -> int:
    return length // grid * grid


def _check(image: np.ndarray, multiple: int, tile: int, overlap: int, scale: int) -> None:
    if image.ndim != 3 or 0 in image.shape:
        raise Mistake("not a picture", got=f"shape {image.shape}", allowed="(height, width, channels), none of them 0")
    if multiple < 1 or scale < 1:
        raise Mistake("not a multiple or scale", got=f"{multiple} and {scale}", allowed="1 or more")
    grid = math.lcm(multiple, JPEG_GRID)
    if tile < 2 * grid:
        raise Mistake("the tiles are too small for the model", got=f"{tile} pixels", allowed=f"at least {2 * grid}")
    if not 0 <= overlap <= _down(tile, grid) // 2:
        allowed = f"0 to {_down(tile, grid) // 2}, half a tile"
        raise Mistake("the tiles cannot overlap so far", got=f"{overlap} pixels", allowed=allowed)


def _check_out(out: Sequence[np.ndarray], shape: tuple[int, ...]) -> None:
    got = [part.shape for part in out]
    if any(part[:2] != shape[:2] for part in got) or sum(part[2] for part in got) != shape[2]:
        raise Mistake("the place for the result has another shape", " and ".join(map(str, got)), str(shape))
