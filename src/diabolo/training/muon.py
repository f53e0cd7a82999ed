"""Muon: each weight matrix moves by the same amount in all directions (Jordan 2024, "Muon"; Liu et al. 2025)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from diabolo.training.precision import precision_of

NARROWEST = 16  # rows and columns of a matrix, at least: the few rows of an output layer would move too far
MOMENTUM, BETAS, EPSILON = 0.9, (0.9, 0.99), 1e-8
ITERATION = (3.4445, -4.7750, 2.0315)  # Jordan's coefficients: singular values to about 1 in five rounds
ROUNDS = 5


class Muon(torch.optim.Optimizer):
    """Muon for matrices and for convolutions' weights as matrices (outputs, inputs * taps); Adam for all the rest.

    The step of a matrix is scaled by 0.2 sqrt(larger side), which gives it the size that Adam's steps have (Liu et
    al. 2025, eq. 4), so that one learning rate serves both. `weight_decay` is decoupled.
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float, weight_decay: float = 0.0) -> None:
        super().__init__(parameters, {"lr": learning_rate, "weight_decay": weight_decay, "fused": False})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient, many in one call: on GPUs single ones are mostly waited for."""
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            if group["weight_decay"]:
                torch._foreach_mul_(moving, 1 - group["lr"] * group["weight_decay"])
            self._matrices([p for p in moving if is_matrix(p)], group["lr"])
            self._adam([p for p in moving if not is_matrix(p)], group["lr"])

    def _matrices(self, parameters: list[Tensor], rate: float) -> None:
        """Matrices of one size are made orthogonal together: few large products instead of many small ones."""
        if not parameters:
            return
        gradients, momenta = _gradients(parameters), self._states("momentum", parameters)
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)  # Nesterov's look
        sizes: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = {}
        for p, look in zip(parameters, ahead, strict=True):
            sizes.setdefault((len(p), p[0].numel()), []).append((p, look))
        for (rows, columns), same in sizes.items():
            moves = orthogonal(torch.stack([look.reshape(rows, columns) for _, look in same])).to(same[0][0].dtype)
            shaped = [move.reshape(p.shape) for (p, _), move in zip(same, moves, strict=True)]
            torch._foreach_sub_([p for p, _ in same], shaped, alpha=rate * 0.2 * max(rows, columns) ** 0.5)

    def _adam(self, parameters: list[Tensor], rate: float) -> None:
        if not parameters:
            return
        gradients, (first, second) = _gradients(parameters), BETAS
        means, squares = self._states("mean", parameters), self._states("square", parameters)
        counts = [float(self.state[p].setdefault("step", torch.zeros(())).add_(1)) for p in parameters]
        torch._foreach_lerp_(means, gradients, 1 - first)
        torch._foreach_lerp_(squares, torch._foreach_mul(gradients, gradients), 1 - second)
        spread = torch._foreach_div(squares, [1 - second**count for count in counts])
        torch._foreach_sqrt_(spread)
        torch._foreach_add_(spread, EPSILON)
        torch._foreach_addcdiv_(parameters, means, spread, [-rate / (1 - first**count) for count in counts])

    def _states(self, name: str, parameters: list[Tensor]) -> list[Tensor]:
        """What is remembered of each parameter under this name, at first zeros."""
        return [self.state[p].setdefault(name, torch.zeros_like(p)) for p in parameters]


def _gradients(parameters: list[Tensor]) -> list[Tensor]:
    return [p.grad for p in parameters if p.grad is not None]


def is_matrix(p: Tensor) -> bool:
    """Whether a parameter is wide enough both ways, as a matrix (outputs, the rest), to be turned as one."""
    return p.ndim >= 2 and min(len(p), p[0].numel()) >= NARROWEST


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest matrices (n, rows, columns) whose singular values are about 1, by Newton-Schulz.

    In bfloat16 where the device computes in it: elsewhere its products take ten to eighty times as long as float32's.
    """
    x = matrices.to(precision_of("bfloat16", matrices.device))
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    a, b, c = ITERATION
    for _ in range(ROUNDS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)  # ax + (bg + cgg)x
    return x.mT if tall else x
