"""The training images: brought to one kind, held in memory when they fit, and handed out in batches."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from diabolo.errors import Mistake
from diabolo.preprocessing import Preprocessing
from diabolo.sources import Conditions, Source
from diabolo.training.cuts import CENTRE, Cut
from diabolo.training.interrupt import ignore_in_worker


class Pictures(Dataset):
    """`len(source)` raw images of one type and one number of channels.

    `shape` is the raw shape of every image, or None where their sizes differ (they must then be cropped).
    Images that cannot be read are left out and listed in `unreadable` as (name, reason); of a source that is `strict`
    the first one is a `Mistake`.
    """

    def __init__(self, source: Source, preprocessing: Preprocessing, memory: int = 2048, workers: int = 2) -> None:
        if not len(source):
            raise Mistake("no images", got=source.description, allowed="1 or more")
        self.source, self.preprocessing, self.workers = source, preprocessing, workers
        self.unreadable: list[tuple[str, str]] = list(getattr(source, "unreadable", ()))
        self.strict: bool = getattr(source, "strict", False)
        array = getattr(source, "array", None)
        headers = () if array is not None else getattr(source, "shapes", ())
        kinds = {_kind_of_header(header) for header in headers} or {_kind(source.read(0))}
        self.dtype = _common_type({dtype for _, _, dtype in kinds})
        self.channels = preprocessing.channels or max(channels for _, channels, _ in kinds)
        sizes = {size for size, _, _ in kinds}
        lengths = sorted({channels for size, channels, _ in kinds if not size})
        if len(lengths) > 1:
            raise Mistake("the vectors have different lengths", " and ".join(map(str, lengths)), "one length")
        if preprocessing.side and sizes != {()}:
            sizes = {(preprocessing.side, preprocessing.side)}
        self.shape = self._raw_shape(*sizes) if len(sizes) == 1 else None
        if array is not None and not preprocessing.side and not preprocessing.channels:
            self.shape = array.shape[1:]
        self.sizes = sorted(sizes)  # (height, width), or () of vectors
        sides = sorted(min(size) for size in sizes if size)  # the shortest of each size
        self.usual = sides[len(sides) // 2] if sides else 0  # pixels; half of the sizes have no shorter side
        largest = max(int(np.prod(size)) for size in sizes) * self.channels * self.dtype.itemsize
        self.in_memory = len(source) * largest <= memory * 2**20
        self.order = np.arange(len(source))
        self._held: Any = self._hold() if self.in_memory else None

    def __len__(self) -> int:
        return len(self.order)

    @property
    def streamed(self) -> bool:
        """Whether worker processes read the pictures, some ahead of those that are asked for."""
        return not self.in_memory and self.workers > 0

    def name(self, i: int) -> str:
        return self.source.name(int(self.order[i]))

    @property
    def conditions(self) -> Conditions | None:
        """What the pictures are of, in their order; None where their source does not say."""
        given: Conditions | None = getattr(self.source, "conditions", None)
        return None if given is None else given.chosen(self.order)

    def read(self, i: int) -> np.ndarray:
        """Image `i`, of the common type and channels; a `Mistake` if it cannot be read."""
        return self._held[i] if self.in_memory else self._prepare(self.source.read(int(self.order[i])))

    def chosen(self, places: list[int]) -> Pictures:
        """The same pictures in another order, or some of them."""
        other = copy.copy(self)
        other.order = self.order[places]
        if isinstance(self._held, np.ndarray):
            other._held = self._held[places]
        elif self._held is not None:
            other._held = [self._held[i] for i in places]
        return other

    def held(self, start: int, stop: int) -> np.ndarray:
        """A run of images of one size that are in memory, without a copy."""
        return self._held[start:stop]

    def batches(
        self, indices: np.ndarray, size: int, crop: int = 0, places: np.ndarray | None = None, margin: int = 0
    ) -> Iterator[np.ndarray]:
        """Raw batches of the images at `indices`, in that order; `places` (n, 2) in 0..1 are where crops are cut.

        With a `margin`, crops may hang over an image's edges by so many pixels, and have one channel more: 1 where the
        image is, 0 outside of it.
        """
        self.check_crop(crop)
        if self.in_memory and self.shape is not None and not crop:
            for start in range(0, len(indices), size):
                yield self._held[indices[start : start + size]]
            return
        where = np.broadcast_to(CENTRE, (len(indices), 2)) if places is None else places
        items = [(int(i), Cut(crop, float(y), float(x), margin)) for i, (y, x) in zip(indices, where, strict=True)]
        starts = [items[start : start + size] for start in range(0, len(items), size)]
        if self.in_memory:
            yield from (np.stack([cut(self.read(i)) for i, cut in items]) for items in starts)
            return
        loader = DataLoader(
            self,
            batch_sampler=starts,
            num_workers=self.workers,
            collate_fn=list,
            worker_init_fn=ignore_in_worker,
            generator=torch.Generator(),  # of seeds that nothing here uses; the global one stays as it is
        )
        for batch in loader:
            self.unreadable += [problem for _, problem in batch if problem and problem not in self.unreadable]
            if self.strict and self.unreadable:
                raise Mistake(self.unreadable[0][1])
            yield np.stack([self._found(image) for image, _ in batch])

    def readable(self, i: int) -> np.ndarray:
        """Image `i`, or the next one that can be read."""
        return self._found(self[i, Cut()][0])

    def sound(self, indices: np.ndarray) -> np.ndarray:
        """Which of the images (n,) could be read, of those that were; another one stood in for each of the others."""
        failed = {name for name, _ in self.unreadable}
        return np.array([not failed or self.name(int(i)) not in failed for i in indices])

    def __getitem__(self, item: tuple[int, Cut]) -> tuple[np.ndarray | None, tuple[str, str] | None]:
        """One image, cropped, and what was wrong with it: the next readable one stands in for an unreadable one.

        No image where none can be read: an error raised here would come out of a worker process as its traceback.
        """
        index, cut = item
        problem = None
        for offset in range(len(self)):
            at = (index + offset) % len(self)
            try:
                return cut(self.read(at)), problem
            except Mistake as mistake:
                problem = problem or (self.name(at), str(mistake))
        return None, problem

    def _hold(self) -> Any:
        array = getattr(self.source, "array", None)
        if array is not None and array.shape[1:] == self.shape and array.dtype == self.dtype:
            return array
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(self._try, range(len(self.source)))) if self.shape is None else None
            if found is None:
                return self._hold_equal(pool)
        self.order = np.array([i for i, image in enumerate(found) if image is not None], dtype=int)
        self._refuse_nothing()
        return [image for image in found if image is not None]

    def _hold_equal(self, pool: ThreadPoolExecutor) -> np.ndarray:
        held = np.empty((len(self.source), *(self.shape or ())), self.dtype)
        kept = 0
        for i, image in enumerate(pool.map(self._try, range(len(self.source)))):
            if image is not None:
                held[kept], self.order[kept] = image, i
                kept += 1
        self.order = self.order[:kept]
        self._refuse_nothing()
        return held[:kept]

    def _try(self, i: int) -> np.ndarray | None:
        try:
            return self._prepare(self.source.read(i))
        except Mistake as mistake:
            if self.strict:
                raise
            self.unreadable.append((self.source.name(i), str(mistake)))
            return None

    def _prepare(self, raw: np.ndarray) -> np.ndarray:
        if raw.dtype == np.uint8 and self.dtype == np.uint16:
            raw = raw.astype(np.uint16) * 257  # 255 becomes 65535
        picture = self.preprocessing.picture(raw.astype(self.dtype, copy=False), self.channels)
        return picture if self.shape is None else picture.reshape(self.shape)

    def _raw_shape(self, size: tuple[int, ...]) -> tuple[int, ...]:
        return size if size and self.channels == 1 else (*size, self.channels)

    def _found(self, image: np.ndarray | None) -> np.ndarray:
        if image is None:
            raise Mistake("no image can be read", got=self.source.description, allowed="1 or more")
        return image

    def check_crop(self, crop: int) -> None:
        """Refuse pictures of several sizes of which no squares are cut."""
        if self.shape is None and not crop:
            remedy = "--preprocessing.side 64, or for conv maps and unet --crop 64"
            raise Mistake("the pictures have different sizes", self.told_sizes(), "one size", remedy)

    def told_sizes(self) -> str:
        """The sizes there are, in words, as far as a line has room for them."""
        words = [" x ".join(map(str, size)) for size in (self.sizes[0], self.sizes[-1])]
        more = len(self.sizes) - len(words)
        return f"{' and '.join(words)}{f', and {more} more between them' if more else ''}"

    def _refuse_nothing(self) -> None:
        self._found(self.order if len(self.order) else None)


def _kind(raw: np.ndarray) -> tuple[tuple[int, ...], int, np.dtype]:
    """(size, channels, type) of a raw image; the size is (h, w), and () for vectors."""
    if raw.ndim == 1:
        return (), len(raw), raw.dtype
    return raw.shape[:2], raw.shape[2] if raw.ndim == 3 else 1, raw.dtype


def _kind_of_header(header: tuple[Any, ...]) -> tuple[tuple[int, ...], int, np.dtype]:
    *size, channels, dtype = header
    return tuple(size), channels, np.dtype(dtype)


def _common_type(types: set[Any]) -> np.dtype:
    names = {np.dtype(t) for t in types}
    if len(names) == 1:
        return names.pop()
    if names == {np.dtype(np.uint8), np.dtype(np.uint16)}:
        return np.dtype(np.uint16)
    raise Mistake(
        "pictures of several kinds of numbers", got=", ".join(sorted(str(n) for n in names)), allowed="one kind"
    )
