"""Architectures: what every one in the table promises, and what each is known to be."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.fft
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from diabolo.architectures import ARCHITECTURES, Blocks, Conv, Flat, Unet, output_range
from diabolo.architectures.base import OUTPUTS, crop, enlarging, framed, pad
from diabolo.errors import Mistake

IMAGES = [(1, 8, 8), (3, 5, 9), (1, 1, 1)]
VARIANTS = [
    *(cls() for cls in ARCHITECTURES.parts.values()),
    Flat(depth=0),
    Flat(depth=3, width=24, norm="layer", activation="tanh", decoder_activation="leaky-relu"),
    Flat(norm="batch"),
    Conv(levels=3, width=8, map=True, norm="group"),
    Conv(levels=1, blocks=0, growth=1.0, norm="batch", activation="gelu"),
    Unet(residual=False, reduce=1, widths=(8,)),
    Unet(widths=(8, 8), blocks=0),
]


def built(part, shape, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return part.build(shape)


def images(n, *shape):
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shape", IMAGES, ids=str)
@pytest.mark.parametrize("part", VARIANTS, ids=repr)
class TestEveryArchitecture:
    def test_gives_back_the_shape_it_was_built_for(self, part, shape):
        encoder, decoder = built(part, shape)
        features = encoder(images(3, *shape))
        assert features.values.shape == (3, *encoder.features)
        assert features.size == shape[1:]
        assert bool(features.skips) <= decoder.needs_skips
        assert decoder(features.values, features.skips, features.size).shape == (3, *shape)
        assert decoder(features.values, features.skips).shape == (3, *shape)

    def test_spatial_ones_take_any_size_and_only_those_have_maps(self, part, shape):
        encoder, decoder = built(part, shape)
        assert (len(encoder.features) == 3) == part.spatial
        if part.spatial:
            features = encoder(images(2, shape[0], 13, 6))
            assert decoder(features.values, features.skips, features.size).shape == (2, shape[0], 13, 6)

    def test_every_weight_is_trained(self, part, shape):
        encoder, decoder = built(part, shape)
        features = encoder(images(4, *shape).requires_grad_())
        decoder(features.values, features.skips, features.size).square().sum().backward()
        assert all(p.grad is not None for net in (encoder, decoder) for p in net.parameters())

    def test_images_do_not_see_each_other(self, part, shape):
        encoder, decoder = (net.eval() for net in built(part, shape))
        together = encoder(images(3, *shape))
        alone = encoder(images(3, *shape)[1:2])
        outputs = [decoder(features.values, features.skips, features.size) for features in (together, alone)]
        torch.testing.assert_close(outputs[0][1:2], outputs[1], rtol=1e-4, atol=1e-5)

    def test_same_seed_same_weights(self, part, shape):
        first, again = (built(part, shape, seed=5) for _ in range(2))
        for net, twin in zip(first, again, strict=True):
            assert all(torch.equal(p, q) for p, q in zip(net.parameters(), twin.parameters(), strict=True))


def test_flat_takes_vectors():
    encoder, decoder = built(Flat(), (7,))
    features = encoder(images(2, 7))
    assert features.size == ()
    assert decoder(features.values).shape == (2, 7)


@pytest.mark.parametrize("cls", [cls for cls in ARCHITECTURES.parts.values() if cls is not Flat])
def test_vectors_are_refused_in_one_line(cls):
    with pytest.raises(Mistake, match=r"needs images: got vectors of 7 numbers; try: --architecture flat"):
        cls().build((7,))


LEARNING = [cls for cls in ARCHITECTURES.parts.values() if cls is not Blocks]  # which has nothing to learn


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("cls", LEARNING)
def test_outputs_keep_to_their_range(cls, output):
    options = {"residual": False} if cls is Unet else {}
    encoder, decoder = built(cls(output=output, **options), (1, 8, 8))
    features = encoder(1000 * (images(20, 1, 8, 8) - 0.5))
    numbers = decoder(features.values * 10, features.skips, features.size)
    low, high = output_range(output)
    assert low <= numbers.min()
    assert numbers.max() <= high
    assert numbers.std() > 0
    assert output != "linear" or numbers.abs().max() > 1


@pytest.mark.parametrize("cls", LEARNING)
def test_learns_a_few_images(cls):
    encoder, decoder = built(cls(), (1, 8, 8))
    target = images(8, 1, 8, 8)
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3)
    errors = []
    for _ in range(60):
        features = encoder(target if cls is not Unet else 1 - target)
        loss = F.mse_loss(decoder(features.values, features.skips, features.size), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(loss.item())
    assert errors[-1] < 0.3 * errors[0]


@pytest.mark.parametrize(("channels", "side"), [(1, 8), (3, 8), (2, 5), (3, 1)])
def test_blocks_are_the_orthonormal_cosine_transform(channels, side):
    encoder, decoder = built(Blocks(side=side), (channels, 3 * side, 2 * side))
    x = images(4, channels, 3 * side, 2 * side).double()
    values = encoder(x).values
    squares = x.reshape(4, channels, 3, side, 2, side).permute(0, 2, 4, 1, 3, 5).numpy()
    expected = scipy.fft.dctn(squares, axes=(3, 4, 5), norm="ortho")
    order = sorted(
        np.ndindex(channels, side, side),
        key=lambda at: ((at[1] + 2 * (at[0] > 0)) ** 2 + (at[2] + 2 * (at[0] > 0)) ** 2, at),
    )
    expected = np.stack([expected[(..., *at)] for at in order], 1)
    np.testing.assert_allclose(values.numpy(), expected, atol=1e-4)
    torch.testing.assert_close(decoder(values), x, rtol=0, atol=1e-4)


def test_flat_is_the_classic_network():
    encoder, decoder = built(Flat(depth=1, width=512, output="sigmoid"), (1, 28, 28))
    (w1, b1), (w2, b2) = ([*net.parameters()] for net in (encoder, decoder))
    assert (w1.shape, w2.shape) == ((512, 784), (784, 512))
    x, h = images(2, 1, 28, 28), images(2, 512) - 0.5
    torch.testing.assert_close(encoder(x).values, torch.relu(x.reshape(2, 784) @ w1.T + b1))
    torch.testing.assert_close(decoder(h), torch.sigmoid(torch.relu(h) @ w2.T + b2).reshape(2, 1, 28, 28))


def test_flat_without_depth_leaves_the_image_as_it_is():
    encoder, decoder = built(Flat(depth=0), (3, 4, 5))
    x = images(2, 3, 4, 5)
    assert not [*encoder.parameters(), *decoder.parameters()]
    assert torch.equal(encoder(x).values, x.reshape(2, 60))
    assert torch.equal(decoder(encoder(x).values), x)


def test_flat_narrows_layer_by_layer():
    assert Flat(depth=4, width=1024).widths() == (1024, 512, 256, 128)
    assert Flat(depth=3, width=9, narrowing=4.0).widths() == (9, 2, 1)
    weights = [p for p in built(Flat(depth=3, width=1024), (784,))[0].parameters() if p.dim() == 2]
    assert [tuple(w.shape) for w in weights] == [(1024, 784), (512, 1024), (256, 512)]


def test_conv_moves_its_code_with_the_image():
    encoder, _ = built(Conv(levels=2, width=4, map=True), (1, 64, 64))
    blank = torch.zeros(1, 1, 64, 64)
    spot, moved = blank.clone(), blank.clone()
    spot[..., 30, 30] = moved[..., 34, 38] = 1.0
    change, shifted = (encoder(x).values - encoder(blank).values for x in (spot, moved))
    torch.testing.assert_close(shifted, change.roll((1, 2), (2, 3)))
    assert change.abs().max() > 0


def test_conv_widths_stop_growing():
    assert Conv(width=100, levels=4).widths() == (100, 200, 400, 512)


def test_enlarging_a_constant_gives_no_checkerboard():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        inner = enlarging(4, 2)(torch.ones(1, 4, 6, 6))[..., 1:-1, 1:-1]
    torch.testing.assert_close(inner, inner[..., :1, :1].expand_as(inner))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 2, 4, 8, 16, 32]))
def test_padding_is_undone_by_cropping(height, width, multiple):
    image = images(1, 2, height, width)
    padded = pad(image, multiple)
    assert padded.shape[2:] == framed((height, width), multiple)
    assert all(side % multiple == 0 for side in padded.shape[2:])
    assert torch.equal(crop(padded, (height, width)), image)
    assert set(padded.unique().tolist()) == set(image.unique().tolist())


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 4), st.integers(1, 37), st.integers(1, 37), st.integers(1, 3))
def test_any_channels_and_size_come_back(channels, height, width, levels):
    for part in (Conv(width=4, levels=levels), Conv(width=4, levels=levels, map=True), Unet(widths=(4,) * levels)):
        encoder, decoder = built(part, (channels, height, width))
        features = encoder(images(2, channels, height, width))
        assert math.prod(features.values.shape) == 2 * math.prod(encoder.features)
        assert decoder(features.values, features.skips, features.size).shape == (2, channels, height, width)


@pytest.mark.parametrize("reduce", [1, 2])
def test_residual_unet_starts_as_the_identity(reduce):
    encoder, decoder = built(Unet(reduce=reduce), (3, 11, 6))
    image = 300 * images(2, 3, 11, 6) - 100
    features = encoder(image)
    assert torch.equal(decoder(features.values, features.skips, features.size), image)


def test_unet_details_pass_by_the_code():
    encoder, decoder = built(Unet(residual=False), (1, 16, 16))
    first, second = (encoder(x) for x in (images(1, 1, 16, 16), 1 - images(1, 1, 16, 16)))
    outputs = [decoder(first.values, f.skips, f.size) for f in (first, second)]
    assert not torch.allclose(*outputs)


def test_unet_refuses_what_it_cannot_be():
    with pytest.raises(Mistake, match=r"cannot pass a sigmoid.*--architecture.output linear"):
        Unet(output="sigmoid").build((1, 8, 8))
    with pytest.raises(Mistake, match=r"unet.widths is too long or empty"):
        Unet(widths=())
