"""The files of MNIST and Fashion-MNIST: found on this machine, or downloaded once with a checksum."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import zlib
from pathlib import Path

from diabolo.errors import Mistake
from diabolo.files import atomic

_LARGEST = 64 * 2**20  # bytes, of a packed file
_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist"
_FASHION = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion"


@dataclasses.dataclass(frozen=True)
class Remote:
    """A gzip file with its home and the SHA-256 of what is packed in it (packings differ from mirror to mirror)."""

    home: str
    folder: str
    file: str
    sha256: str

    @property
    def url(self) -> str:
        return f"{self.home}/{self.file}"


_TRAIN_IMAGES, _TRAIN_LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
_TEST_IMAGES, _TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
IMAGES = {
    "mnist": Remote(_MNIST, "mnist", _TRAIN_IMAGES, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    "mnist-test": Remote(
        _MNIST, "mnist", _TEST_IMAGES, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    "fashion-mnist": Remote(
        _FASHION, "fashion-mnist", _TRAIN_IMAGES, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    ),
    "fashion-mnist-test": Remote(
        _FASHION, "fashion-mnist", _TEST_IMAGES, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    ),
}
LABELS = {
    "mnist": Remote(_MNIST, "mnist", _TRAIN_LABELS, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    "mnist-test": Remote(
        _MNIST, "mnist", _TEST_LABELS, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
    "fashion-mnist": Remote(
        _FASHION, "fashion-mnist", _TRAIN_LABELS, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    ),
    "fashion-mnist-test": Remote(
        _FASHION, "fashion-mnist", _TEST_LABELS, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    ),
}


def cache_folder() -> Path:
    """Where downloads are kept: `DIABOLO_CACHE`, or `diabolo` in the user's cache folder (XDG)."""
    chosen = os.environ.get("DIABOLO_CACHE")
    shared = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(chosen).expanduser() if chosen else Path(shared) / "diabolo"


def found(remote: Remote) -> Path | None:
    """The file below the folder `DIABOLO_DATA` or the cache; None if it is in neither."""
    folders = [Path(os.environ["DIABOLO_DATA"]).expanduser()] if os.environ.get("DIABOLO_DATA") else []
    for folder in (*folders, cache_folder()):
        path = folder / remote.folder / remote.file
        if path.is_file():
            return path
    return None


def fetch(remote: Remote) -> Path:
    """The path of the file, downloaded into the cache if it is not on this machine.

    Raises `Mistake`, with the address and the place to put the file by hand, where the download fails or its
    contents are not the published ones; nothing is kept then.
    """
    import http.client
    import urllib.request  # these two take longer to import than the rest of this package

    here = found(remote)
    if here is not None:
        return here
    path = cache_folder() / remote.folder / remote.file
    by_hand = f"put the file at {path} by hand, or name the folder that holds {remote.folder}/ in DIABOLO_DATA"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Mistake(f"cannot make the folder {path.parent}", got=str(error), remedy="set DIABOLO_CACHE") from error
    with atomic(path) as temporary:
        try:
            with urllib.request.urlopen(remote.url, timeout=30) as answer:
                data = answer.read(_LARGEST)
        except (OSError, http.client.HTTPException) as error:
            raise Mistake(f"cannot download {remote.url}", got=str(error)[:120], remedy=by_hand) from error
        if not _is_genuine(data, remote.sha256):
            got = f"{len(data)} bytes with other contents"
            raise Mistake(f"{remote.url} is not the published file", got=got, remedy=by_hand)
        temporary.write_bytes(data)
    return path


def _is_genuine(data: bytes, sha256: str) -> bool:
    """Are the unpacked bytes of a gzip file the published ones? Unpacked in pieces: a bomb needs no more memory."""
    digest, inflater = hashlib.sha256(), zlib.decompressobj(wbits=31)
    try:
        while data and not inflater.eof:
            digest.update(inflater.decompress(data, 1 << 20))
            data = inflater.unconsumed_tail
    except zlib.error:
        return False
    return inflater.eof and digest.hexdigest() == sha256
