"""Layers of whole numbers: the same numbers, however they are computed, as exact arithmetic gives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy_codec import companded as companded_exactly
from numpy_codec import convolved
from tiny_codec import WAYS, computing, photo, tiny_codec
from torch import Tensor

from diabolo.latents.whole import (
    FINE,
    GRID,
    HIGHEST,
    WEIGHT,
    EightBits,
    Whole,
    activated,
    companded,
    eight_bits,
    floored,
    rounded,
)

SCALES = (1e-4, 0.02, 0.3)
SHAPES = [(8, 6, 1, 1), (16, 5, 3, 1), (16, 5, 3, 2), (300, 3, 3, 1)]  # inputs, outputs, side, stride
EVERY_SHAPE = pytest.mark.parametrize("shape", SHAPES, ids=str)
EVERY_SCALE = pytest.mark.parametrize("scale", SCALES)


def layer(shape: tuple[int, int, int, int], scale: float = 1.0, seed: int = 0) -> Whole:
    """A settled layer with random weights, each output of another size, and a bias."""
    generator = torch.Generator().manual_seed(seed)
    made = Whole(*shape)
    with torch.no_grad():
        sizes = scale * torch.exp2(torch.arange(shape[1]) - shape[1] / 2).view(-1, 1, 1, 1)
        made.weight.copy_(sizes * torch.randn(made.weight.shape, generator=generator))
        made.bias.copy_(torch.randn(shape[1], generator=generator))
    made.settle()
    return made.eval()


def inputs(channels: int, lowest: int = -HIGHEST, count: int = 2) -> Tensor:
    drawn = np.random.default_rng(0).integers(lowest, HIGHEST + 1, (count, channels, 9, 11))
    drawn[:, :, :4, :4] = HIGHEST  # the largest sums are where all inputs are largest
    return torch.from_numpy(drawn).float()


def exactly(made: Whole, x: Tensor) -> np.ndarray:
    """floor(sum + constant + 1/2) of a settled layer, in int64, with as many bits after the point as it takes."""
    bits = 40
    weight = np.ldexp(made.weight.detach().double().numpy(), bits)
    constant = np.ldexp(made.bias.detach().double().numpy() * GRID, bits)
    assert (weight == np.rint(weight)).all()
    assert (constant == np.rint(constant)).all()
    common = int(np.gcd.reduce(np.concatenate([weight.ravel(), constant, [2.0 ** (bits - 1)]]).astype(np.int64)))
    whole = (weight / common).astype(np.int64)
    added = ((constant + 2.0 ** (bits - 1)) / common).astype(np.int64)[:, None, None]
    sums = np.stack([convolved(one, whole, made.stride[0]) + added for one in x.long().numpy()])
    return sums // (2**bits // common)


@EVERY_SCALE
@EVERY_SHAPE
def test_settled_weights_are_whole_and_stay_as_they_are(shape: tuple[int, int, int, int], scale: float) -> None:
    for seed in range(5):
        made = layer(shape, scale, seed)
        again, step = eight_bits(made.weight)
        assert torch.equal(again, made.weight)
        whole = made.weight / step.view(-1, 1, 1, 1)
        assert torch.equal(whole, whole.round())
        assert whole.abs().max() <= WEIGHT
        assert torch.equal(torch.frexp(step).mantissa, torch.full_like(step, 0.5))  # powers of two
        before = made.weight.clone(), made.bias.clone()
        made.settle()
        assert torch.equal(made.weight, before[0])
        assert torch.equal(made.bias, before[1])


@EVERY_SHAPE
def test_settled_weights_are_near(shape: tuple[int, int, int, int]) -> None:
    drawn = torch.randn(shape[1], shape[0], shape[2], shape[2], generator=torch.Generator().manual_seed(0))
    for weight in (drawn, 1000 * drawn):
        largest = weight.abs().amax((1, 2, 3), keepdim=True)
        nearest, step = eight_bits(weight)
        assert (step.view(-1, 1, 1, 1) <= torch.maximum(largest / 64, torch.tensor(2.0**-13))).all() or shape[0] > 100
        assert ((nearest - weight).abs() <= step.view(-1, 1, 1, 1)).all()
    assert eight_bits(torch.tensor([[127.9, -1.2], [-127.7, 127.2]]))[0].tolist() == [[127, -1], [-127, 127]]


@pytest.mark.parametrize("lowest", [-HIGHEST, 0])
@pytest.mark.parametrize("way", ["", *WAYS])
@EVERY_SCALE
@EVERY_SHAPE
def test_the_numbers_are_those_of_exact_arithmetic(
    shape: tuple[int, int, int, int], scale: float, way: str, lowest: int
) -> None:
    made = layer(shape, scale)
    x = inputs(shape[0], lowest)
    with torch.no_grad(), computing(way, made) as changed:
        found = changed(x.to(changed.weight).contiguous(memory_format=_format(way)))
    assert torch.equal(found, found.round())
    np.testing.assert_array_equal(found.cpu().long().numpy(), exactly(made, x))


def _format(way: str) -> Any:
    return torch.channels_last if way == "channels last" else torch.contiguous_format


NNPACK = pytest.mark.skipif(not torch.backends.nnpack.is_available(), reason="torch has no NNPACK here")


def by_nnpack(made: Whole) -> tuple[np.ndarray, np.ndarray]:
    """What NNPACK makes of sixteen images, which torch leaves to it where there is no oneDNN, and what is right."""
    x = torch.randint(0, 256, (16, made.in_channels, 12, 12), generator=torch.Generator().manual_seed(0)).float()
    with torch.no_grad(), computing("without oneDNN", made) as changed:
        return changed(x).long().numpy(), exactly(made, x)


@NNPACK
def test_sums_that_are_rounded_on_their_way() -> None:
    """NNPACK convolves as Winograd did; its errors are smaller than half a step where there are few inputs."""
    np.testing.assert_array_equal(*by_nnpack(layer((4, 10, 3, 1), 0.02)))


@NNPACK
def test_many_sums_that_are_rounded_on_their_way() -> None:
    np.testing.assert_array_equal(*by_nnpack(photo().network.latent.entropy.first))


def test_results_that_lie_on_an_edge() -> None:
    """Sums that are whole and a half go up, and those just below do not."""
    made = Whole(1, 5)
    with torch.no_grad():
        made.weight.copy_(torch.tensor([0.5, 0.25, 1 / 128, 3.0, 60.0]).view(5, 1, 1, 1))
        made.bias.copy_(torch.tensor([0.0, 4, -1, 7, -9]) / FINE / GRID)
    made.settle()
    x = torch.arange(-255.0, 256).view(1, 1, 1, -1)
    with torch.no_grad():
        np.testing.assert_array_equal(made(x).long().numpy(), exactly(made, x))
        assert made(x)[0, 0, 0, 255 + 3] == 2
        assert made(x)[0, 0, 0, 255 - 3] == -1
        assert made(x)[0, 2, 0, 255 + 64] == 0


@pytest.mark.parametrize("make", [photo, tiny_codec], ids=["photo", "tiny"])
def test_no_sum_of_a_model_passes_what_single_precision_holds(make: Any) -> None:
    layers = [part for part in make().network.latent.modules() if isinstance(part, Whole)]
    assert len(layers) == 3 + 2 + 1 + 8 + 7 * 3
    for made in layers:
        weight, step = eight_bits(made.weight)
        assert torch.equal(weight, made.weight)
        unit = step.clamp(max=1 / FINE)
        largest = HIGHEST * weight.double().abs().flatten(1).sum(1) + GRID * made.bias.double().abs() + 0.5 + unit / 2
        assert (2 * largest / unit < 2**24).all()  # halves of a unit are counted


def test_the_largest_sums_and_what_is_too_large() -> None:
    made = layer((300, 3, 3, 1), 0.3)
    with torch.no_grad():
        made.weight.abs_()
        made.settle()
        x = torch.full((1, 300, 9, 9), float(HIGHEST))
        assert made(x).abs().max() > 2**17
        for signed in (x, -x):
            np.testing.assert_array_equal(made(signed).long().numpy(), exactly(made, signed))
        made.bias.fill_(-(2.0**20))
        made.settle()
        assert made.bias.max() < -1000  # as near to what was learned as sums allow
        for signed in (x, -x):
            np.testing.assert_array_equal(made(signed).long().numpy(), exactly(made, signed))
        made.weight.mul_(100)
    with pytest.raises(OverflowError, match="single precision"):
        made.settle()


def test_companded_is_the_exact_formula() -> None:
    numbers = torch.arange(-40000, 40001)
    wanted = [int(math.copysign(min(math.isqrt(2 * abs(v) + 4) - 2, 127), v)) for v in numbers.tolist()]
    for dtype in (torch.float32, torch.float64):
        assert companded(numbers.to(dtype)).long().tolist() == wanted
    assert companded_exactly(numbers.numpy()).tolist() == wanted
    assert wanted[40000] == 0
    assert max(wanted) == -min(wanted) == 127
    assert sorted(wanted) == wanted
    assert wanted[40000 : 40000 + 7] == [0, 0, 0, 1, 1, 1, 2]


def test_gradients_pass_as_if_nothing_were_rounded() -> None:
    x = torch.tensor([0.2, 1.7, -3.4, 300.0], requires_grad=True)
    for rounds, wanted in ((rounded, [0, 2, -3, 300]), (floored, [0, 1, -4, 300])):
        (slope,) = torch.autograd.grad(rounds(x).sum(), x)
        assert slope.tolist() == [1, 1, 1, 1]
        assert rounds(x).tolist() == wanted
    assert torch.autograd.grad(activated(x).sum(), x)[0].tolist() == [1, 1, 0, 0]
    (slope,) = torch.autograd.grad(companded(x).sum(), x)
    assert torch.allclose(slope, x.sign() / torch.sqrt(2 * x.abs() + 4.5) * x.sign())


@pytest.mark.parametrize("kind", [EightBits, Whole])
def test_gradients_of_a_layer_are_those_of_a_convolution(kind: type[EightBits]) -> None:
    made = kind(3, 4, 3)
    made.bias.requires_grad_()
    x = inputs(3).requires_grad_()
    weight = eight_bits(made.weight)[0].detach().requires_grad_()
    plain = torch.nn.functional.conv2d(x, weight, made.bias, padding=1)
    wanted = torch.autograd.grad((plain * plain.detach().cos()).sum(), (x, weight, made.bias))
    found = torch.autograd.grad((made(x) * plain.detach().cos()).sum(), (x, made.weight, made.bias))
    factors = (1, 1, GRID if kind is Whole else 1)
    for got, want, factor in zip(found, wanted, factors, strict=True):
        torch.testing.assert_close(got, factor * want, rtol=1e-4, atol=1e-3)
