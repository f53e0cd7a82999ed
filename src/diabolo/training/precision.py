"""In which numbers a network computes while it learns: float32, or bfloat16, which is faster where it is at home."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import device as Device

AT_HOME = ("avx512_bf16", "amx_bf16")  # what processors call their own arithmetic in bfloat16


def precision_of(name: str, device: Device) -> torch.dtype:
    """The type of a name of `Training.precision` on a device, which may have no arithmetic of its own in it.

    There bfloat16 would be computed in float32 and rounded, many times slower on some processors.
    """
    wanted = name == "bfloat16" or (name == "auto" and device.type == "cuda")
    return torch.bfloat16 if wanted and has_bfloat16(device) else torch.float32


def has_bfloat16(device: Device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # Before torch 2.10 there is no asking: float32 is never wrong.
    able: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)() if device.type == "cpu" else {}
    return any(able.get(name, False) for name in AT_HOME)


def computing(device: Device, precision: torch.dtype) -> torch.autocast:
    """A context in which matrix products and convolutions are of this precision."""
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)
