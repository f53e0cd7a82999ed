"""Weights as a file holds them: eight bits without loss where a weight is so, and as it is everywhere else."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load, save
from tiny_codec import photo

from diabolo import weights
from diabolo.latents.whole import EightBits, eight_bits


def test_packed_weights_come_back_to_the_bit() -> None:
    held = dict(photo().network.latent.state_dict()) | {
        "wide": eight_bits(torch.randn(3, 300, generator=torch.Generator().manual_seed(0)))[0]
    }
    held["zeros"] = torch.zeros(20, 20)
    held["powers"] = torch.ldexp(torch.ones(130, 2), torch.arange(-120, 10)[:, None])
    packed = weights.pack(held, half=False)
    eights = {name for name, value in packed.items() if value.dtype == torch.int8 and not name.endswith(weights.POWERS)}
    large = {n for n, part in photo().network.latent.named_modules() if isinstance(part, EightBits)}
    assert {f"{name}.weight" for name in large} | {"wide", "zeros", "powers"} == eights
    for half in (False, True):
        again = weights.unpack(load(save(weights.pack(held, half))))
        assert set(again) == set(held)
        for name, value in again.items():
            assert value.dtype == held[name].dtype
            assert torch.equal(value, held[name]), name


NOT_EIGHT_BITS = {
    "a fraction between": lambda w: w[0, :2].copy_(torch.tensor([1.0, 1 / 256])),
    "nine bits": lambda w: w[1, :2].copy_(torch.tensor([255.0, 1])),
    "NaN": lambda w: w[2, 3].fill_(torch.nan),
    "infinity": lambda w: w[2, 3].fill_(torch.inf),
    "beyond the powers": lambda w: w[3].mul_(0).add_(2.0**-126),
    "ordinary weights": lambda w: w.copy_(torch.randn(w.shape, generator=torch.Generator().manual_seed(0))),
}


@pytest.mark.parametrize("name", NOT_EIGHT_BITS)
def test_what_is_not_eight_bits_is_held_as_it_is(name: str) -> None:
    weight = torch.randint(-127, 128, (16, 16), generator=torch.Generator().manual_seed(0)).float()
    assert weights.pack({"w": weight}, half=False)["w"].dtype == torch.int8
    with torch.no_grad():
        NOT_EIGHT_BITS[name](weight)
    held = weights.pack({"w": weight}, half=False)
    assert set(held) == {"w"}
    torch.testing.assert_close(held["w"], weight, rtol=0, atol=0, equal_nan=True)


def test_only_weights_of_some_size_are_packed() -> None:
    held = {"few": torch.ones(15, 17), "bias": torch.ones(300), "whole": torch.ones(20, 20, dtype=torch.int32)}
    assert {name: value.dtype for name, value in weights.pack(held, half=True).items()} == {
        "few": torch.float16,
        "bias": torch.float16,
        "whole": torch.int32,
    }
