"""A trained model as one ONNX file, with preprocessing and verdicts inside: it runs without diabolo and torch."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from diabolo.errors import Mistake
from diabolo.files import atomic, check_writable
from diabolo.judgement import TILE
from diabolo.latents import Coded
from diabolo.model import Model
from diabolo.options import name_of, to_plain
from diabolo.tasks.exported import Exported
from diabolo.tasks.models import find

LARGEST = 2**31 - 2**20  # bytes; a file of this format holds no more
EXAMPLE = 3, 133, 150  # pictures, height and width that are traced where these are free
KEPT = ("diabolo", "torch", "date", "images", "held_out", "kept", "data")  # of the provenance; no paths

MEANING = {
    "images": "raw images in the layout and type that the model learned from",
    "sigma": "the noise's standard deviation, 8-bit units: 25",
    "missing": "not 0 where a pixel is missing",
    "alpha": "the share of false alarms that is allowed: 0.05; less than 1 / (kept + 1) finds nothing",
    "reconstruction": "in raw units, neither rounded nor clipped",
    "code": "what the encoder makes of the images",
    "score": "higher = more normal",
    "p_value": "how probable it is that a normal image scores so low",
    "verdict": "+1 normal, -1 abnormal: p_value <= alpha",
    "map": "higher = more abnormal, standard deviations of places in normal images",
    "map_verdict": "+1 normal, -1 abnormal: in a share alpha of normal images, at most, is any place",
}


class Port(NamedTuple):
    """An input or an output of an exported model; a side that is free has a name in place of a number."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    meaning: str


class Sheet(NamedTuple):
    """What was exported."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    opset: int
    size: int  # bytes


def export(model: Any, path: str | os.PathLike[str]) -> Sheet:
    """Write a model, a path or an estimator that holds one as an ONNX file with all weights inside.

    Any number of images goes through at once; any height and width where the model takes them. Pictures go through
    whole; those of more than 1024 pixels a side `detect` judges tile by tile, and so otherwise. A `Mistake` for a
    codec, for what is too large for the format, and where onnx and onnxscript are missing.
    """
    check_installed()
    if not str(path).lower().endswith(".onnx"):
        raise Mistake("not the name of an ONNX file", got=str(path), allowed="*.onnx")
    check_writable(path)
    known = find(model)
    _check(known)
    program = _program(known)
    graph = program.model
    for port in (*graph.graph.inputs, *graph.graph.outputs):
        port.doc_string = MEANING[port.name]
    for node in graph.graph.all_nodes():  # where in the source it stood, by the paths of this machine
        node.metadata_props.clear()
    graph.producer_name, graph.producer_version = "diabolo", importlib.metadata.version("diabolo")
    graph.doc_string = _summary(known)
    graph.metadata_props.update(_metadata(known))
    with atomic(path) as beside:
        program.save(str(beside), external_data=False)
        size = beside.stat().st_size
    return Sheet(_ports(graph.graph.inputs), _ports(graph.graph.outputs), graph.opset_imports[""], size)


def check_installed() -> None:
    """Refuse where the packages that write ONNX are missing."""
    missing = [name for name in ("onnx", "onnxscript") if importlib.util.find_spec(name) is None]
    if missing:
        wrong = f"ONNX files need the package {' and '.join(missing)}"
        raise Mistake(wrong, "not installed", remedy='pip install "diabolo[export]"')


def digest(model: Model) -> str:
    """SHA-256 over the recipe and everything learned, which the file keeps as `digest`: which model it was."""
    told = hashlib.sha256(json.dumps(to_plain(model.recipe), sort_keys=True).encode())
    for module in (model.network, model.normal):
        for name, value in sorted(module.state_dict().items() if module is not None else ()):
            told.update(f"{name} {list(value.shape)}".encode())
            told.update(np.ascontiguousarray(value.cpu().double().numpy()).tobytes())
    return told.hexdigest()


def _check(model: Model) -> None:
    if isinstance(model.recipe.latent, Coded):
        wrong = "a codec cannot be exported: its files need an exact arithmetic coder, which ONNX has not"
        raise Mistake(wrong, got="latent coded", allowed="models of any other latent", remedy="diabolo compress")
    modules = [module for module in (model.network, model.normal) if module is not None]
    size = sum(4 * value.numel() for module in modules for value in module.state_dict().values())
    if size > LARGEST:
        raise Mistake("the model is too large for an ONNX file", f"{size:,} bytes", f"at most {LARGEST:,}")


def _program(model: Model) -> Any:
    """The exported model as torch's exporter gives it. What the exporter says on the way is not for the user."""
    module = Exported(model)
    free = model.conversion.any_size and not _one_size(model)
    given, sides = _example(model, free)
    told = {name: dict.fromkeys(sides[name], torch.export.Dim.DYNAMIC) for name in given}
    names = list(_results(module, model))
    with _quiet(), torch.no_grad():
        try:
            traced = torch.export.export(module, (), given, dynamic_shapes=told, strict=False)
            return torch.onnx.export(
                traced,
                dynamo=True,
                verbose=False,
                input_names=list(given),
                output_names=names,
                dynamic_shapes={name: dict(axes) for name, axes in sides.items()},
                custom_translation_table=_translations(),
            )
        except Exception as error:  # whatever a part of the user's own makes the tracer raise
            parts = ", ".join(map(name_of, (model.recipe.architecture, model.recipe.latent, *model.recipe.witnesses)))
            raise Mistake(f"this model cannot be exported: {_first_line(error)}", got=parts) from error


def _one_size(model: Model) -> bool:
    """Whether a witness knows each place of pictures of one size, so that no others can be judged."""
    statistics = model.normal.buffers() if model.normal is not None else ()
    return any(value.dim() == 3 and value.shape[1:] != (1, 1) for value in statistics)


def _example(model: Model, free: bool) -> tuple[dict[str, Tensor], dict[str, dict[int, str]]]:
    """Inputs to trace with, by their names, and the names of their free axes."""
    known = model.conversion
    count, height, width = EXAMPLE
    sides = (height, width) if free else known.shape[1:]
    shape = {"vector": known.shape, "grey": sides, "channels": (*sides, known.shape[0])}[known.layout]
    axes = {0: "n"} | ({1: "height", 2: "width"} if free else {})
    given, names = {"images": torch.zeros(count, *shape, dtype=getattr(torch, known.dtype))}, {"images": axes}
    if model.normal is not None:
        given["alpha"], names["alpha"] = torch.tensor(0.05), {}
    elif model.recipe.hint == "noise-level":
        given["sigma"], names["sigma"] = torch.tensor(25.0), {}
    elif model.recipe.hint == "missing":
        given["missing"], names["missing"] = torch.zeros(count, *sides, dtype=torch.uint8), axes
    return given, names


def _results(module: Exported, model: Model) -> dict[str, Tensor]:
    """What comes out, by its name, for two images of the size it was built for."""
    given, _ = _example(model, free=False)
    with torch.no_grad():
        return module(**{name: value if name in ("sigma", "alpha") else value[:2] for name, value in given.items()})


def _translations() -> dict[Any, Any]:
    """Operators that torch's exporter does not know: whole numbers from shares of a size."""
    import onnxscript

    op: Any = onnxscript.opset20

    def rounded(value: Any, digits: Any = None) -> Any:
        return op.Cast(op.Round(op.Cast(value, to=11)), to=7)  # to double precision, and to int64

    def greater(one: Any, other: Any) -> Any:
        return op.Max(op.Cast(one, to=7), op.Cast(other, to=7))

    return {round: rounded, torch.sym_max: greater}


def _ports(values: Any) -> tuple[Port, ...]:
    return tuple(Port(v.name, v.dtype.numpy().name, tuple(_side(s) for s in v.shape), MEANING[v.name]) for v in values)


def _side(side: Any) -> int | str:
    """A side as a number, a free one by its name, and what follows from such as "..."."""
    if isinstance(side, int):
        return side
    return str(side.value) if str(side.value).isidentifier() else "..."


def _summary(model: Model) -> str:
    takes = f"{model.conversion.describe()} {model.conversion.dtype}"
    return f"A {name_of(model.recipe.architecture)} autoencoder made by diabolo; it takes {takes}."


def _metadata(model: Model) -> dict[str, str]:
    """What the file says of itself, all as text."""
    provenance = {key: value for key, value in model.provenance.items() if key in KEPT}
    told: dict[str, Any] = {
        "takes": f"{model.conversion.describe()} {model.conversion.dtype}",
        "digest": digest(model),
        "provenance": json.dumps(provenance),
        "recipe": json.dumps(to_plain(model.recipe)),
        "conversion": json.dumps(dataclasses.asdict(model.conversion)),
    }
    if model.normal is not None:
        told["kept"] = str(len(model.normal.scores))
        told["least_alpha"] = f"{1 / (len(model.normal.scores) + 1):.6g}"
        if model.conversion.any_size:
            told["judged_alike"] = f"up to {TILE} pixels a side; larger pictures diabolo judges tile by tile"
    return told


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error.__cause__ or error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No warnings, log lines and prints while the block works."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        try:
            yield
        finally:
            logging.disable(before)
