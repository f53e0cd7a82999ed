"""The model file `*.diabolo`: one safetensors file whose only metadata entry, "diabolo", is JSON.

The JSON holds the format's number, the recipe, the conversion, the encoding of a table's columns or the modalities of
records, the calibrated scale and bounds, metrics, provenance, a SHA-256 digest over all of this and over every weight.
Nothing in a file is ever executed or imported by name: parts are looked up in the families' tables and in those that
the caller passes as `known`. The network is built without memory first, so that a file can make the reader allocate no
more than its own size.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import importlib.metadata
import json
import os
import platform
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from diabolo import weights
from diabolo.calibration import ErrorBounds
from diabolo.conversions import is_number, read_conversion
from diabolo.encodings import read_encoding, read_modalities
from diabolo.errors import Mistake
from diabolo.files import atomic, reading
from diabolo.model import Model
from diabolo.network import Network
from diabolo.normal import Normal
from diabolo.options import from_plain, name_of, to_plain
from diabolo.recipe import Auto, Recipe
from diabolo.sampler import Sampler

FORMAT = 2  # 1 where no weights are packed
BOUNDS = "bounds."  # stands before the names of the weights that tell how sure a restoration is
NORMAL = "normal."  # before the names of the statistics of normal images
PRIOR = "prior."  # before the names of what new codes are drawn from
ENTRIES = {"format", "recipe", "conversion", "scale", "bounds", "normal", "prior", "encoding"}
ENTRIES |= {"modalities", "metrics", "provenance", "digest"}
LARGEST_HEADER = 4 * 2**20  # bytes; a real one is a few KiB
MOST_BRACKETS = 20_000  # in the description; a parsed list takes twenty times the bytes of its brackets


def save(model: Model, path: str | os.PathLike[str], half: bool = False) -> None:
    """Write a model, whole or not at all. Raises `Mistake` where the path cannot be written.

    `half` keeps the weights in half precision (11 bits of 24), which halves the file.
    """
    data = to_bytes(*_contents(model, half))
    with atomic(path) as beside:
        Path(beside).write_bytes(data)


def load(path: str | os.PathLike[str], known: Iterable[type] = (), device: str | torch.device = "cpu") -> Model:
    """Read a model; `known` are the classes of parts that stand in no table of diabolo.

    Raises `Mistake`, in one line, for anything that is not a whole and sound model file.
    """
    with reading(path) as source:
        _check_header(source)
        try:
            with safetensors.safe_open(source, framework="pt") as file:
                told = _parse((file.metadata() or {})["diabolo"])
                model = _describe(told, {name_of(part): part for part in known})
                names = file.keys()
                _check_weights(model, {name: file.get_slice(name) for name in names})
                held = {name: file.get_tensor(name) for name in names}
            if told.get("digest") != _digest(told, held):
                raise Mistake("it was changed or damaged after it was written")
        except KeyError as error:
            raise _refused(path, f"it has no {error}") from error
        except Mistake as mistake:
            raise _refused(path, str(mistake)) from mistake
        except (
            safetensors.SafetensorError,
            ValueError,
            TypeError,
            RuntimeError,
            OverflowError,
            RecursionError,
        ) as error:
            raise _refused(path, str(error).splitlines()[0] if str(error) else type(error).__name__) from error
    whole = weights.unpack(held)
    if not all(torch.isfinite(value).all() for value in whole.values()):
        raise _refused(path, "it holds weights that are NaN or infinite")
    for before, module in _modules(model).items():
        own = {n.removeprefix(before): v for n, v in whole.items() if _owner(n) == before}
        module.load_state_dict(own, assign=True)
        module.to(device).eval().requires_grad_(False)
    if model.bounds and (model.bounds.factors < 0).any():
        raise _refused(path, "its bounds are negative")
    for statistics in (model.normal, model.sampler):
        try:
            if statistics:
                statistics.check()
        except Mistake as mistake:
            raise _refused(path, str(mistake)) from mistake
    model.digest = told["digest"]
    return model


def _owner(name: str) -> str:
    """What stands before a weight's name for the module that it belongs to."""
    return next((before for before in (BOUNDS, NORMAL, PRIOR) if name.startswith(before)), "")


def _modules(model: Model) -> dict[str, nn.Module]:
    """All that has weights, by what stands before their names in the file."""
    beside: dict[str, nn.Module | None] = {BOUNDS: model.bounds, NORMAL: model.normal, PRIOR: model.sampler}
    return {"": model.network} | {before: module for before, module in beside.items() if module is not None}


def _weights(model: Model) -> dict[str, Tensor]:
    modules = _modules(model).items()
    return {before + name: value for before, module in modules for name, value in module.state_dict().items()}


def _check_weights(model: Model, slices: dict[str, Any]) -> None:
    """Each module's weights must be whole and of one precision: that of a linear network may be double."""
    wanted = _weights(model)
    for before in ("", BOUNDS, NORMAL, PRIOR):
        own = ({n: v for n, v in one.items() if _owner(n) == before} for one in (wanted, slices))
        weights.check(*own)


def _refused(path: str | os.PathLike[str], reason: str) -> Mistake:
    return Mistake(
        f"{path} cannot be read as a model: {reason}", remedy="diabolo fit deep SOURCE -o MODEL makes a new one"
    )


def _contents(model: Model, half: bool = False) -> tuple[dict[str, Tensor], dict[str, str]]:
    held = weights.pack(_weights(model), half)
    told: dict[str, Any] = {
        "format": FORMAT if any(name.endswith(weights.POWERS) for name in held) else 1,
        "recipe": to_plain(model.recipe),
        "conversion": dataclasses.asdict(model.conversion),
        "scale": model.scale,
        "bounds": model.bounds.coverage if model.bounds else None,
        "metrics": model.metrics,
        "provenance": _provenance() | model.provenance,
    }
    if model.normal is not None:
        told["normal"] = model.normal.shapes()
    if model.sampler is not None:
        told["prior"] = model.sampler.describe()
    if model.encoding is not None:
        told["encoding"] = dataclasses.asdict(model.encoding)
    if model.modalities is not None:
        told["modalities"] = dataclasses.asdict(model.modalities)
    told["digest"] = _digest(told, held)
    text = json.dumps(told, allow_nan=False)
    if len(text) > LARGEST_HEADER // 2 or _brackets(text) > MOST_BRACKETS:
        allowed = f"{LARGEST_HEADER // 2} bytes, {MOST_BRACKETS} lists"
        got = f"{len(text)} bytes, {_brackets(text)} lists"
        raise Mistake("the description is too long for a model file", got, allowed, "shorter metrics or provenance")
    return held, {"diabolo": text}


def _parse(text: str) -> Any:
    if _brackets(text) > MOST_BRACKETS:
        raise Mistake("its description holds too many lists", allowed=f"at most {MOST_BRACKETS}")
    return json.loads(text, parse_constant=_no_number)


def _brackets(text: str) -> int:
    return text.count("[") + text.count("{")


def _no_number(word: str) -> float:
    raise Mistake("its description holds numbers that are not finite", got=word)


def _provenance() -> dict[str, Any]:
    return {
        "diabolo": importlib.metadata.version("diabolo"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }


def _digest(told: dict[str, Any], held: dict[str, Tensor]) -> str:
    """SHA-256 over the description without its digest, then over each weight's name, type, shape and bytes, by name."""
    plain = json.loads(json.dumps({k: v for k, v in told.items() if k != "digest"}))
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    for name, value in sorted(held.items()):
        digest.update(f"{name} {value.dtype} {list(value.shape)}".encode())
        digest.update(np.ascontiguousarray(value.numpy()).data if value.numel() else b"")
    return digest.hexdigest()


def _check_header(path: Path) -> None:
    """safetensors begins with the header's length: refuse one that is absurd before anything is allocated."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if size < 9 or length > min(LARGEST_HEADER, size - 8):
        raise _refused(path, f"it is no safetensors file, or was cut short ({size} bytes)")


def _describe(told: Any, known: dict[str, type]) -> Model:
    """The model a file tells of, its network without memory."""
    if not isinstance(told, dict) or type(told.get("format")) is not int or told["format"] < 1:
        raise Mistake("it does not say its format")
    if told["format"] > FORMAT:
        raise Mistake(f"it is of format {told['format']}, newer than this diabolo", remedy="pip install -U diabolo")
    if extra := set(told) - ENTRIES:
        raise Mistake("it has unknown entries", got=", ".join(sorted(extra))[:80])
    recipe = from_plain(Recipe, told["recipe"], known)
    if isinstance(recipe.likelihood, Auto):
        raise Mistake("its likelihood was never chosen", got="auto")
    if any(isinstance(part, Auto) for part in recipe.priors):
        raise Mistake("its priors were never chosen", got="auto")
    conversion = read_conversion(told["conversion"])
    if conversion.any_size != (recipe.architecture.spatial and conversion.layout != "vector"):
        raise Mistake("its conversion is not that of its architecture", got=f"any_size {conversion.any_size}")
    if not is_number(told["scale"]) or told["scale"] <= 0:
        raise Mistake("its scale is not a positive number", got=repr(told["scale"])[:40])
    if not isinstance(told["metrics"], dict) or not isinstance(told["provenance"], dict):
        raise Mistake("its metrics or provenance are not what they should be")
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns that initialising tensors without memory does nothing
        network = Network(recipe, conversion.shape)
        # Files older than the network of bounds have a table there, which is no longer used.
        known_bounds = told.get("bounds") is not None and not isinstance(told["bounds"], dict)
        bounds = ErrorBounds(conversion.shape[0], recipe.hint, told["bounds"]) if known_bounds else None
    normal = Normal.shaped(recipe.witnesses, told["normal"]) if "normal" in told else None
    modalities = read_modalities(told["modalities"], network.latent.code) if "modalities" in told else None
    widths = modalities.widths if modalities else ()
    sampler = Sampler.shaped(recipe.priors, network.latent, told["prior"], widths) if "prior" in told else None
    encoding = read_encoding(told["encoding"], conversion) if "encoding" in told else None
    scale, metrics, provenance = float(told["scale"]), told["metrics"], told["provenance"]
    return Model(recipe, network, conversion, scale, metrics, provenance, bounds, normal, sampler, encoding, modalities)
