"""A restoring model's network in torch and in ONNX Runtime, one thread each: onnx_speed.py MODEL SIDE TURNS.

MODEL is a file or a starter's name. The picture has SIDE x SIDE pixels of white noise; torch and ONNX Runtime take
turns, and the best of each is reported, in megapixels a CPU-second, with the greatest difference of their results.
The network is exported with free height and width.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from _measure import report
from torch import Tensor, nn

from diabolo.starters import named_model

name, side, turns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
model = named_model(name)


class Bare(nn.Module):
    """The network as one function of tensors."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, hint: Tensor | None = None) -> Tensor:
        return self.network(image, hint=hint).parameters


def best(function: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = function()
    return time.process_time() - began, result


def exported(network: nn.Module, inputs: tuple[Tensor, ...], place: Path) -> onnxruntime.InferenceSession:
    free = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    shapes = dict.fromkeys(("image", "hint")[: len(inputs)], free)
    with torch.no_grad():
        program = torch.onnx.export(network, inputs, dynamo=True, dynamic_shapes=shapes, verbose=False)
    program.save(str(place))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(place), options, providers=["CPUExecutionProvider"])


torch.set_num_threads(1)
network = Bare(model.network.float().eval())
draw = torch.Generator().manual_seed(0)
image = torch.rand(1, model.conversion.shape[0], side, side, generator=draw)
half = (torch.rand(1, 1, side, side, generator=draw) < 0.5).float()  # of the pixels missing
hint = {"none": (), "missing": (half,)}.get(model.recipe.hint, (torch.full_like(half, 0.1),))
real, sys.stdout = sys.stdout, sys.stderr  # the exporter talks
small = tuple(x[..., :64, :96].contiguous() for x in (image, *hint))
with tempfile.TemporaryDirectory() as folder, torch.no_grad():
    session = exported(network, small, Path(folder) / "network.onnx")
    sys.stdout = real
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as it is used
    names = [each.name for each in session.get_inputs()]
    fed = dict(zip(names, (x.numpy() for x in (image, *hint)), strict=True))
    seconds: dict[str, list[float]] = {"torch": [], "onnx": []}
    for _ in range(turns + 1):
        took, ours = best(lambda: network(image, *hint).numpy())
        seconds["torch"].append(took)
        took, theirs = best(lambda: session.run(None, fed)[0])
        seconds["onnx"].append(took)
report(
    **{way: round(side * side / 1e6 / min(of[1:]), 3) for way, of in seconds.items()},
    difference=float(np.abs(ours - theirs).max()),
    threads=int(os.environ["OMP_NUM_THREADS"]),
    version={"onnxruntime": version("onnxruntime")},
)
