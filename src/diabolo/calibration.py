"""How sure a restoration is: half-widths of intervals that hold a promised share of the true values.

A small network sees a picture before and after its restoration and tells, for each value, what the error stays below
with the promised probability (quantile regression, Koenker and Bassett 1978). Pictures that it did not learn from then
make that true: half-widths are sorted into bins and multiplied by what the errors met in a bin ask for (conformalized
quantile regression, Romano, Patterson and Candes 2019; in bins: Mondrian, Vovk, Gammerman and Shafer 2005, section
4.5). From the middle of a bin to that of the next there is a passage, so that a map of half-widths has no steps.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad, pixel_shuffle, pixel_unshuffle, relu

from diabolo.conformal import conformal_quantile
from diabolo.errors import Mistake

WIDTH, DILATIONS = 24, (1, 2, 4)  # channels and layers of the network: a value depends on 18 pixels around
FOLD = 2  # pixels along each side that become channels: four times less to compute
CHANGE = 10.0  # what was changed is told so many times larger, about as large as the picture itself
FLOOR = 1 / 510  # half a step of 8 bits: errors below are all the same
START = math.log(0.05)  # the half-width that an untrained network tells
BINS = 12  # of half-widths, equally full
TINY = 1e-9  # less than what two half-widths differ by


class ErrorBounds(nn.Module):
    """Half-widths of the interval around each restored value that holds `coverage` (0..1) of the true ones.

    For pictures of `channels`; `hint` is what the restoring network is told beside them: "none", "noise-level" or
    "missing". Pictures are (n, c, h, w) of any size, image units 0..1, hints (n, 1, h, w).
    """

    middles: Tensor
    factors: Tensor

    def __init__(self, channels: int, hint: str = "none", coverage: float = 0.9) -> None:
        super().__init__()
        if isinstance(coverage, bool) or not isinstance(coverage, int | float) or not 0 < coverage < 1:
            raise Mistake("the coverage is no share", got=repr(coverage)[:80], allowed="more than 0 and less than 1")
        self.coverage, self.hint = float(coverage), hint
        told = 2 * channels + (hint != "none")
        self.first = _convolution(told * FOLD**2, WIDTH)
        self.layers = nn.ModuleList(_convolution(WIDTH, WIDTH, dilation) for dilation in DILATIONS)
        self.last = _convolution(WIDTH, channels * FOLD**2)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None  # for the type checker: Conv2d has one by default
        nn.init.constant_(self.last.bias, START)
        self.register_buffer("middles", torch.zeros(BINS))
        self.register_buffer("factors", torch.ones(BINS))

    def forward(self, before: Tensor, restored: Tensor, hint: Tensor | None = None) -> Tensor:
        """The calibrated half-width at each value of `restored`, (n, c, h, w), image units; without a hint, zeros."""
        widths = self.log_quantile(before, restored, hint).exp()
        upper = torch.bucketize(widths, self.middles).clamp(1, BINS - 1)
        below, above = self.middles[upper - 1], self.middles[upper]
        way = ((widths - below) / (above - below).clamp(min=TINY)).clamp(0, 1)
        return widths * torch.lerp(self.factors[upper - 1], self.factors[upper], way)

    def log_quantile(self, before: Tensor, restored: Tensor, hint: Tensor | None = None) -> Tensor:
        """The logarithm of the half-width as it was learned, before calibration, (n, c, h, w)."""
        change = before - restored
        told = [restored, CHANGE * change]
        if self.hint != "none":
            hint = torch.zeros_like(change[:, :1]) if hint is None else hint.to(change)
            if self.hint == "missing":  # what stood in a hole means nothing
                told[1] = torch.where(hint > 0, 0, told[1])
            told.append(hint)
        height, width = change.shape[2:]
        maps = pad(torch.cat(told, 1), (0, -width % FOLD, 0, -height % FOLD), mode="replicate")
        maps = self.first(pixel_unshuffle(maps, FOLD))
        for layer in self.layers:
            maps = maps + layer(relu(maps))
        wide: Tensor = pixel_shuffle(self.last(relu(maps)), FOLD)
        return wide[..., :height, :width]

    def loss(self, before: Tensor, restored: Tensor, truth: Tensor, hint: Tensor | None = None) -> Tensor:
        """The pinball loss of the logarithm of the error, whose least mean is at the quantile; a mean, a scalar.

        The logarithm makes large errors count no more than small ones. Where pixels are missing, only these count.
        """
        over = ((restored - truth).abs() + FLOOR).log() - self.log_quantile(before, restored, hint)
        losses = torch.maximum(self.coverage * over, (self.coverage - 1) * over)
        counts = self.counting(losses, hint)
        return (losses * counts).sum() / counts.sum().clamp(min=1)

    def counting(self, like: Tensor, hint: Tensor | None) -> Tensor:
        """1 for values that are restored, 0 for those that are given back as they came, shaped `like`."""
        if self.hint != "missing" or hint is None:
            return torch.ones_like(like)
        return (hint > 0).to(like).expand_as(like)

    def calibrate(self, widths: np.ndarray, errors: np.ndarray) -> None:
        """Set middles and factors by half-widths as they were learned, and the errors met there, (n,) each, n > 0."""
        order = np.argsort(widths, kind="stable")
        bins = [part if len(part) else order for part in np.array_split(order, BINS)]
        self.middles.copy_(torch.tensor([float(np.median(widths[part])) for part in bins]).cummax(0).values)
        ratio = errors / widths
        self.factors.copy_(torch.tensor([conformal_quantile(ratio[part], self.coverage) for part in bins]))


def _convolution(inputs: int, outputs: int, dilation: int = 1) -> nn.Conv2d:
    """3 x 3; edges are repeated, since zeros around would make the middle of a large picture unlike a small one."""
    return nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation, padding_mode="replicate")
