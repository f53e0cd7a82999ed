"""Pull-push: what is seen stays, what is smooth is found again, and holes of any shape are filled."""

from __future__ import annotations

import pytest
import torch

from diabolo.interpolation import pull_push
from diabolo.network import Network
from diabolo.recipes import named


def holes(*size: int, share: float = 0.5) -> torch.Tensor:
    drawn = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(0))
    return (drawn < share).float()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (33, 40), (130, 70)])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_seen_pixels_stay_and_a_plain_image_is_found_again(size: tuple[int, int], share: float) -> None:
    missing = holes(*size, share=share)
    missing[:, :, 0, 0] = 0
    image = torch.rand(2, 3, *size)
    filled = pull_push(image, missing)
    assert torch.equal(torch.where(missing == 0, filled, 0), torch.where(missing == 0, image, 0))
    plain = torch.full_like(image, 0.3)
    hidden = torch.where(missing > 0, 0.9, plain)  # what stands in a hole means nothing
    assert torch.allclose(pull_push(hidden, missing), plain, atol=1e-5)


def test_a_ramp_is_nearly_found_again() -> None:
    ramp = torch.linspace(0, 1, 64).expand(1, 1, 64, 64)
    missing = holes(64, 64)[:1]
    error = (pull_push(ramp, missing) - ramp).abs()
    assert float(error.max()) < 0.06
    assert float(error.mean()) < 0.006


def test_the_network_begins_from_it() -> None:
    network = Network(named("inpaint"), (1, 32, 32))
    image, missing = torch.rand(2, 1, 32, 32), holes(32, 32)
    assert torch.allclose(network(image, hint=missing).parameters, pull_push(image, missing), atol=1e-6)
    assert torch.equal(network(image).parameters, image)
