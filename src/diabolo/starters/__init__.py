"""Starter models: trained, and shipped inside the package; `docs/guide/starters.md` tells how each was made."""

from __future__ import annotations

from pathlib import Path

from diabolo import artifact
from diabolo.errors import Mistake
from diabolo.model import Model

FOLDER = Path(__file__).parent
# What each one undoes, or the task that it is for, and the channels of the pictures that it was trained on.
STARTERS = {
    "denoise-gray": ("denoise", 1),
    "denoise-color": ("denoise", 3),
    "inpaint-color": ("inpaint", 3),
    "inpaint-crisp": ("inpaint", 3),  # after the one that is taken where none is named
    "deblock": ("deblock", 3),
    "photo": ("compress", 3),
}


def starter(name: str, device: str = "cpu") -> Model:
    """A starter model by name."""
    return artifact.load(FOLDER / f"{name}.diabolo", device=device)


def named_model(place: str, device: str = "cpu") -> Model:
    """The model of a file, or the starter of that name where there is no such file."""
    return (
        starter(place, device) if place in STARTERS and not Path(place).exists() else artifact.load(place, (), device)
    )


def starter_for(verb: str, channels: int, device: str = "cpu") -> Model:
    """The starter that undoes `verb` in pictures of so many channels; a `Mistake` where none is shipped."""
    fitting = [name for name, (undoes, trained) in STARTERS.items() if undoes == verb and trained == channels]
    others = [name for name, (undoes, _) in STARTERS.items() if undoes == verb]
    if not others:
        remedy = f"diabolo fit {verb} FOLDER -o {verb}.diabolo, then -m {verb}.diabolo"
        raise Mistake(f"no starter model for {verb} is shipped", remedy=remedy)
    return starter((fitting or others)[0], device)
