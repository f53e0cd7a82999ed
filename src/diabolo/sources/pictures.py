"""Picture files as a source: a folder, a zip archive, a single file."""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

import numpy as np

from diabolo.errors import Mistake
from diabolo.files import reading
from diabolo.pixels import SUFFIXES, is_picture, picture_size, read_picture

LARGEST_MEMBER = 512 * 2**20  # bytes of one picture file in a zip, unpacked: more than any picture that is decoded
_DEFLATE_LIMIT = 1032  # zlib never packs more bytes than this into one
# zipfile raises NotImplementedError for a way of packing that it does not know, and RuntimeError for a password.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


class Store(Protocol):
    """Where picture files lie. `refused`, complete after `names`, lists (name, reason) of what is not even tried."""

    description: str
    refused: list[tuple[str, str]]

    def names(self) -> list[str]: ...

    def open(self, name: str) -> IO[bytes]: ...

    def read(self, name: str) -> bytes: ...


class Pictures:
    """A source over picture files, decoded when they are read; transparency is left out of what `read` gives.

    Every file's header is read once, at the start: `shapes` is the set of (height, width, channels, dtype) found, and
    files whose header cannot be read stand in `unreadable` with the reason. `strict` makes the first of these a
    `Mistake`, and whoever reads the pictures must not leave out one that cannot be decoded either. Files may differ in
    size, in depth, and in grey or colour.
    """

    def __init__(self, store: Store, strict: bool = False) -> None:
        self.store, self.strict = store, strict
        self.names: list[str] = []
        self.shapes: set[tuple[Any, ...]] = set()
        tried = store.names()
        self.unreadable = list(store.refused)
        for name in tried:
            try:
                with store.open(name) as file:
                    self.shapes.add(tuple(picture_size(file, name)))
                self.names.append(name)
            except Mistake as mistake:
                self.unreadable.append((name, str(mistake).removeprefix(name).lstrip(" :")))
        self._check()
        self.description = f"{store.description}, {len(self)} picture{'s' if len(self) > 1 else ''}"

    def _check(self) -> None:
        if self.unreadable and (self.strict or not self.names):
            name, reason = self.unreadable[0]
            what = f"{len(self.unreadable)} of {len(self.unreadable) + len(self.names)} pictures"
            raise Mistake(f"{what} in {self.store.description} cannot be read", got=f"{name}: {reason}")
        if not self.names:
            allowed = f"files ending in {', '.join(SUFFIXES)}"
            raise Mistake(f"there are no pictures in {self.store.description}", allowed=allowed)

    def __len__(self) -> int:
        return len(self.names)

    def read(self, index: int) -> np.ndarray:
        name = self.names[index]
        return read_picture(self.store.read(name), name).values

    def name(self, index: int) -> str:
        return self.names[index]


class Folder:
    """The picture files below a folder, at any depth; hidden files and folders and `__MACOSX` are left out.

    With `only`, the one file of that name in the folder.
    """

    def __init__(self, path: Path, only: str = "") -> None:
        self.path = path
        self.only = only
        self.description = str(path / only)
        self.refused: list[tuple[str, str]] = []

    def names(self) -> list[str]:
        if self.only:
            return [self.only]
        found: list[str] = []
        self.refused.clear()
        for folder, below, files in os.walk(self.path, onerror=self._refuse):
            below[:] = [name for name in below if _is_wanted(name)]
            relative = Path(folder).relative_to(self.path)
            found += [(relative / name).as_posix() for name in files if _is_wanted(name) and is_picture(name)]
        return sorted(found, key=natural)

    def _refuse(self, error: OSError) -> None:
        self.refused.append((os.path.relpath(error.filename, self.path), error.strerror or str(error)))

    def open(self, name: str) -> IO[bytes]:
        with reading(self.path / name) as path:
            return open(path, "rb")

    def read(self, name: str) -> bytes:
        with reading(self.path / name) as path:
            return path.read_bytes()


class Zip:
    """The picture files in a zip archive, read in place: nothing is ever unpacked onto the disk.

    Files are refused, with the reason, whose name leads out of the archive, that stand twice, that are encrypted, or
    that declare a size that no picture has; no more bytes than declared are unpacked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.description = str(path)
        self.refused: list[tuple[str, str]] = []
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._opened: tuple[int, zipfile.ZipFile] | None = None

    def names(self) -> list[str]:
        self.refused.clear()
        self._members.clear()
        for member in self._archive().infolist():
            wanted = all(_is_wanted(part) for part in PurePosixPath(member.filename).parts if part != "..")
            if member.is_dir() or not wanted or not is_picture(member.filename):
                continue
            reason = self._refusal(member)
            if reason:
                self.refused.append((member.filename, reason))
            else:
                self._members[member.filename] = member
        return sorted(self._members, key=natural)

    def open(self, name: str) -> IO[bytes]:
        try:
            return self._archive().open(self._members[name])
        except _BROKEN as error:
            raise Mistake(f"{name} cannot be unpacked", got=str(error)[:120]) from error

    def read(self, name: str) -> bytes:
        with self.open(name) as file:
            try:
                return file.read(self._members[name].file_size)
            except _BROKEN as error:
                raise Mistake(f"{name} cannot be unpacked", got=str(error)[:120]) from error

    def _archive(self) -> zipfile.ZipFile:
        """The opened archive, one for each process: forked processes would move each other's place in the file."""
        if self._opened is None or self._opened[0] != os.getpid():
            with reading(self.path) as path:
                try:
                    self._opened = os.getpid(), zipfile.ZipFile(path)
                except (zipfile.BadZipFile, NotImplementedError) as error:  # the latter is zipfile's, for several disks
                    raise Mistake(f"{self.path} is not a zip archive, or cut short", got=str(error)) from error
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def _refusal(self, member: zipfile.ZipInfo) -> str:
        path = PurePosixPath(member.filename)
        if (
            path.is_absolute()
            or ".." in path.parts
            or "\\" in member.filename
            or re.match("[A-Za-z]:", member.filename)
        ):
            return "its name leads out of the archive"
        if member.filename in self._members:
            return "it stands in the archive twice"
        if member.flag_bits & 1:
            return "it is encrypted"
        if member.file_size > min(LARGEST_MEMBER, _DEFLATE_LIMIT * max(member.compress_size, 1)):
            return f"it declares {member.file_size} bytes, packed into {member.compress_size}"
        return ""


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts names as people do: `2.png` before `10.png`, at every level of folders."""
    pieces = re.split(r"([0-9]+|/)", name)
    return [(-1, "") if p == "/" else (int(p), p) if p.isdecimal() else (2**63, p) for p in pieces if p]


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"
