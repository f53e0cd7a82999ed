"""Files are written whole or not at all, and refusals are told in one line."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from diabolo.errors import Mistake
from diabolo.files import atomic, reading


def test_the_new_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    target.chmod(0o640)
    with atomic(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
        assert temporary.parent == tmp_path
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["out.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")

    def write_half() -> None:
        with atomic(target) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to("real.txt")
    with atomic(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def _write(path: Path, data: bytes = b"x") -> None:
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def test_a_missing_folder_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=r"there is no folder .*deeper.*try: mkdir -p '.*deeper'$"):
        _write(tmp_path / "deeper" / "out.txt")
    assert os.listdir(tmp_path) == []


def test_a_folder_or_a_device_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="got a folder"):
        _write(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Mistake, match="got a device, pipe or socket"):
        _write(tmp_path / "pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    def write() -> None:
        with atomic(tmp_path / "out.bin") as temporary:
            temporary.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(Mistake, match="the disk is full") as caught:
        write()
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
def test_a_real_write_to_a_full_device_is_a_mistake(tmp_path: Path) -> None:
    def write() -> None:
        with atomic(tmp_path / "out.bin"), open("/dev/full", "wb", buffering=0) as full:
            full.write(b"x")

    with pytest.raises(Mistake, match="the disk is full"):
        write()


def test_an_error_of_the_program_stays_what_it_is(tmp_path: Path) -> None:
    def write() -> None:
        with atomic(tmp_path / "out.bin"):
            raise OSError("encoder error -2")

    with pytest.raises(OSError, match="encoder error"):
        write()


@pytest.mark.skipif(os.geteuid() == 0, reason="needs a user whom the system can refuse, not root")
def test_no_permission_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(Mistake, match="no permission"):
            _write(tmp_path / "out.txt")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("code", "words"), [(errno.EACCES, "no permission"), (errno.EROFS, "read-only"), (errno.ENAMETOOLONG, "too long")]
)
def test_every_refusal_of_the_system_names_the_path(tmp_path: Path, code: int, words: str) -> None:
    def read() -> None:
        with reading(tmp_path / "in.bin"):
            raise OSError(code, os.strerror(code))

    with pytest.raises(Mistake, match=f"cannot read .*in.bin: .*{words}"):
        read()


def test_reading_refuses_what_is_no_ordinary_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in ((tmp_path, "a folder"), (tmp_path / "pipe", "pipe"), (tmp_path / "none", "no such file")):
        with pytest.raises(Mistake, match=words), reading(path) as source:
            source.read_bytes()


def test_a_relative_path_and_the_home_folder_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    _write(Path("here.txt"))
    _write(Path("~/home.txt"))
    assert sorted(os.listdir(tmp_path)) == ["here.txt", "home.txt"]
