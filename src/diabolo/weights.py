"""Weights as a model's file holds them: in single, double or half precision, or packed into eight bits without loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from diabolo.errors import Mistake

POWERS = ".powers"  # after a weight's name: the powers of two of a weight that is packed
BITS = 7  # of a packed number, beside its sign
FEWEST = 256  # numbers of a weight that is packed
_WHOLE = {torch.int64: "I64", torch.int32: "I32", torch.int8: "I8"}


def pack(weights: dict[str, Tensor], half: bool) -> dict[str, Tensor]:
    """What a file holds of weights. Weights whose rows are whole numbers within -127..127 times a power of two are held
    as these, the others in their own type, or in half precision."""
    held: dict[str, Tensor] = {}
    for name, weight in weights.items():
        value = weight.detach().cpu().contiguous()
        packed = _packed(value) if value.is_floating_point() and value.ndim > 1 and value.numel() >= FEWEST else None
        if packed:
            held[name], held[name + POWERS] = packed
        else:
            held[name] = value.half() if half and value.is_floating_point() else value
    return held


def unpack(held: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights that a file holds; what was packed or in half precision in single precision."""
    whole: dict[str, Tensor] = {}
    for name, value in held.items():
        powers = held.get(name + POWERS)
        if powers is not None:
            steps = torch.ldexp(torch.ones(len(powers)), powers.int())
            whole[name] = value.float() * steps.view(-1, *[1] * (value.ndim - 1))
        elif not name.endswith(POWERS):
            whole[name] = value.float() if value.dtype == torch.float16 else value
    return whole


def _packed(value: Tensor) -> tuple[Tensor, Tensor] | None:
    """Whole numbers of eight bits and the power of two of each row, if that is what a weight is."""
    rows = value.double().flatten(1)
    powers = torch.frexp(rows.abs().amax(1)).exponent - BITS
    numbers = torch.ldexp(rows, -powers[:, None])
    if not (rows.isfinite().all() and (numbers == numbers.round()).all() and powers.abs().max() < 2**BITS):
        return None
    return numbers.to(torch.int8).reshape(value.shape), powers.to(torch.int8)


def check(wanted: dict[str, Tensor], slices: dict[str, Any]) -> None:
    """A file must hold exactly the wanted weights, packed, or all in half, in single or in double precision.

    `slices` are the file's, not yet read.
    """
    packed = {name for name, value in wanted.items() if name + POWERS in slices and value.is_floating_point()}
    kinds = {name: torch.int8 if name in packed else value.dtype for name, value in wanted.items()}
    shapes = {name: list(value.shape) for name, value in wanted.items()}
    for name in packed:
        kinds[name + POWERS], shapes[name + POWERS] = torch.int8, shapes[name][:1]
    if set(shapes) != set(slices):
        differing = sorted(set(shapes) ^ set(slices))
        raise Mistake("its weights are not those of its recipe", got=", ".join(differing)[:120])
    for name, piece in slices.items():
        if list(piece.get_shape()) != shapes[name]:
            raise Mistake(f"the weight {name} has the wrong shape", f"{piece.get_shape()}", f"{shapes[name]}")
    floats = {piece.get_dtype() for name, piece in slices.items() if kinds[name].is_floating_point}
    whole = all(
        piece.get_dtype() == _WHOLE.get(kinds[name])
        for name, piece in slices.items()
        if not kinds[name].is_floating_point
    )
    if not (len(floats) <= 1 and floats <= {"F16", "F32", "F64"} and whole):
        got = ", ".join(sorted({piece.get_dtype() for piece in slices.values()}))
        raise Mistake("its weights are of the wrong kinds", got=got, allowed="F16, F32 or F64")
