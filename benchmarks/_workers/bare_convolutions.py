"""A bare loop in torch with the network of recipe `conv`, written by hand: bare_convolutions.py EPOCHS COUNT CODE.

COUNT images of Fashion-MNIST, batches of 128, Adam with its fused step. Reports too the greatest speed of this
machine's single-precision matrix product, in multiply-adds a second of the processor, and the network's multiply-adds
an image.
"""

from __future__ import annotations

import sys
import time

import torch
from _measure import Clock, pictures, report, warm_up
from torch import nn

epochs, count, code = (int(argument) for argument in sys.argv[1:4])
torch.manual_seed(0)
warm_up()


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(width, width, 3, padding=1) for _ in range(2)]
        self.change = nn.Sequential(nn.ReLU(), convolutions[0], nn.ReLU(), convolutions[1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.change(x)


def multiply_adds(network: nn.Module, image: torch.Tensor) -> int:
    """Of one image's way through the network, forwards: those of its convolutions and fully connected layers."""
    counted = []

    def count_layer(layer: nn.Module, inputs: object, output: torch.Tensor) -> None:
        weights = layer.weight.numel() // output.shape[1]  # for each number of the output
        counted.append(output[0].numel() * weights)

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count_layer) for layer in layers]
    network(image)
    for hook in hooks:
        hook.remove()
    return sum(counted)


def matrix_peak(side: int = 2048, tries: int = 8) -> float:
    """Multiply-adds a CPU-second of the best of several products of two matrices in single precision."""
    first, second = torch.randn(2, side, side)
    first @ second
    best = float("inf")
    for _ in range(tries):
        began = time.process_time()
        first @ second
        best = min(best, time.process_time() - began)
    return side**3 / best


images = torch.from_numpy(pictures("fashion-mnist", "train")[:count]).unsqueeze(1)
encoder = [nn.Conv2d(1, 32, 3, 2, 1), Residual(32), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), Residual(64), nn.ReLU()]
middle = [nn.Flatten(), nn.Linear(64 * 7 * 7, code), nn.Linear(code, 64 * 7 * 7), nn.Unflatten(1, (64, 7, 7))]
decoder = [Residual(64), nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(64, 32, 3, padding=1)]
decoder += [Residual(32), nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(32, 1, 3, padding=1)]
network = nn.Sequential(*encoder, *middle, *decoder).to(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
network(images[:128].float())  # the first pass prepares the kernels
clock = Clock()
for _ in range(epochs):
    for chosen in torch.randperm(count).split(128):
        batch = images[chosen].float().div_(255)
        loss = nn.functional.mse_loss(network(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
used = clock.read()
report(
    **used,
    images_per_cpu_second=round(epochs * count / used["cpu_seconds"], 1),
    multiply_adds=multiply_adds(network, images[:1].float()),
    peak_multiply_adds_per_cpu_second=round(matrix_peak()),
    weights=sum(parameter.numel() for parameter in network.parameters()),
)
