"""Files written whole or not at all, and the system's refusals told in one line."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from diabolo.errors import Mistake

_REASONS = {
    errno.ENOENT: ("there is no such file or folder", ""),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", ""),
    errno.EISDIR: ("it is a folder", "the path of a file"),
    errno.EACCES: ("no permission", "another place, or other rights"),
    errno.EPERM: ("no permission", "another place, or other rights"),
    errno.EROFS: ("the disk is read-only", "another place"),
    errno.ENOSPC: ("the disk is full", "free some space, or another disk"),
    errno.EDQUOT: ("the disk quota is used up", "free some space, or another disk"),
    errno.EFBIG: ("the file is too large for the disk's format or its limit", "another disk"),
    errno.ENAMETOOLONG: ("the name is too long", "a shorter name"),
    errno.ELOOP: ("the links go round in a circle", ""),
    errno.EIO: ("the disk failed", "another disk"),
}


@contextlib.contextmanager
def told(verb: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Turns the system's refusals that the user can do something about into a `Mistake`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REASONS:
            raise
        reason, remedy = _REASONS[error.errno]
        raise Mistake(f"cannot {verb} {path}: {reason}", remedy=remedy) from error


@contextlib.contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it takes the place of `path` when the block ends well.

    The bytes are on the disk before the name changes, so that `path` holds the old file or the new one, whole,
    whenever the process is killed. If the block fails, the temporary file is removed and `path` stays as it was. A
    link is followed, and an existing file's permissions are kept. Raises `Mistake` where the path cannot be
    written: a missing folder, no permission, a full disk, a path that is no ordinary file.
    """
    with told("write", path):
        target = Path(path).expanduser().resolve()
        _check_target(target, path)
        temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.part")
        try:
            yield temporary
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, temporary)
            os.replace(temporary, target)
            _sync_folder(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A hidden folder to write to, which becomes the new folder `path` when the block ends well, and is removed else.

    It lies beside `path`, or in it where that is there and empty: it may be another disk. With nothing in it, there is
    no new folder.
    """
    with told("write", path):
        there, target = Path(path).is_dir(), Path(path).resolve()
        hidden = (target if there else target.parent) / f".{target.name[:100]}.{secrets.token_hex(6)}.part"
        try:
            hidden.mkdir(parents=True)
            yield hidden
            for made in list(hidden.iterdir()) if there else ():
                made.rename(target / made.name)
            if not there and any(hidden.iterdir()):
                hidden.rename(target)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)


@contextlib.contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[Path]:
    """`path` as a `Path` to be read in the block; raises `Mistake` where it cannot be, or is no ordinary file."""
    with told("read", path):
        source = Path(path).expanduser()
        if source.is_dir():
            raise Mistake(f"cannot read {path}", got="a folder", allowed="a file")
        if source.exists() and not source.is_file():
            raise Mistake(f"cannot read {path}", got="a device, pipe or socket", allowed="an ordinary file")
        yield source


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raises the `Mistake` that `atomic` would, before the work whose result is to be written; leaves no trace."""
    with told("write", path):
        target = Path(path).expanduser().resolve()
        _check_target(target, path)
        trial = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.part")
        try:
            trial.write_bytes(b"\0" * 4096)
        finally:
            trial.unlink(missing_ok=True)


def _check_target(target: Path, path: str | os.PathLike[str]) -> None:
    if target.is_dir():
        raise Mistake(f"cannot write {path}", got="a folder", allowed="the path of a file")
    if target.exists() and not target.is_file():
        raise Mistake(f"cannot write {path}", got="a device, pipe or socket", allowed="the path of a file")
    if not target.parent.is_dir():
        folder = Path(path).parent
        raise Mistake(f"cannot write {path}: there is no folder {folder}", remedy=f"mkdir -p '{folder}'")


def _sync_folder(folder: Path) -> None:
    """Puts the new name itself on the disk, where the system lets a folder be opened (Windows does not)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
