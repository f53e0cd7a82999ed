"""The Muon optimiser: against the singular value decomposition, torch's Adam, and a problem with a known solution."""

import pytest
import torch

from diabolo.training.muon import Muon, is_matrix, orthogonal
from diabolo.training.precision import AT_HOME


def test_orthogonal_is_the_decomposition_without_its_values():
    matrices = torch.randn(3, 24, 40, generator=torch.Generator().manual_seed(0))
    found = orthogonal(matrices).float()
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    turned = u.mT @ found @ v.mT  # diagonal where the directions are the decomposition's
    values = turned.diagonal(dim1=1, dim2=2)
    assert values.min() > 0.5
    assert values.max() < 1.3
    assert (turned - torch.diag_embed(values)).abs().max() < 0.1
    assert torch.equal(orthogonal(matrices.mT), orthogonal(matrices).mT)


@pytest.mark.parametrize("home", [True, False])
def test_matrices_are_turned_in_bfloat16_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch, home: bool):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {AT_HOME[0]: home})
    matrices = torch.randn(1, 16, 16, generator=torch.Generator().manual_seed(0))
    assert orthogonal(matrices).dtype == (torch.bfloat16 if home else torch.float32)


def test_what_is_no_matrix_moves_as_with_adam():
    start = torch.randn(16, generator=torch.Generator().manual_seed(1))
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    optimizers = Muon([ours], 0.01), torch.optim.Adam([theirs], 0.01, betas=(0.9, 0.99))
    for step in range(20):
        for p, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            (p.cos() * (step + 1)).sum().backward()
            optimizer.step()
    assert torch.allclose(ours, theirs, atol=1e-6)
    assert not is_matrix(ours)


def test_finds_the_solution_of_badly_scaled_least_squares():
    generator = torch.Generator().manual_seed(2)
    inputs = torch.randn(256, 32, generator=generator) * torch.logspace(0, -1.5, 32)
    wanted = torch.randn(32, 16, generator=generator)
    weight = torch.nn.Parameter(torch.zeros(16, 32))
    optimizer = Muon([weight], 0.1)
    for step in range(300):
        for group in optimizer.param_groups:
            group["lr"] = 0.1 * (1 - step / 300)
        optimizer.zero_grad()
        (inputs @ (weight.mT - wanted)).square().mean().backward()
        optimizer.step()
    assert (weight.mT - wanted).abs().max() < 0.05
