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
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            if group["weight_decay"]:
                torch._foreach_mul_(moving, 1 - group["lr"] * group["weight_decay"])
            self._matrices([p for p in moving if is_matrix(p)], group["lr"])
            for p in moving:
                if p.grad is not None and not is_matrix(p):
                    self._adam(p, p.grad, group["lr"])

    def _matrices(self, parameters: list[Tensor], rate: float) -> None:
        """Matrices of one size are made orthogonal together: few large products instead of many small ones."""
        sizes: dict[tuple[int, int], list[Tensor]] = {}
        for p in parameters:
            sizes.setdefault((len(p), p[0].numel()), []).append(p)
        for (rows, columns), same in sizes.items():
            moves = orthogonal(torch.stack([self._with_momentum(p).reshape(rows, columns) for p in same]))
            for p, move in zip(same, moves, strict=True):
                p.sub_(move.reshape(p.shape).to(p.dtype), alpha=rate * 0.2 * max(rows, columns) ** 0.5)

    def _with_momentum(self, p: Tensor) -> Tensor:
        """Nesterov's look ahead: the gradient together with the momentum that it has just joined."""
        assert p.grad is not None
        momentum = self.state[p].setdefault("momentum", torch.zeros_like(p))
        momentum.lerp_(p.grad, 1 - MOMENTUM)
        return p.grad.lerp(momentum, MOMENTUM)

    def _adam(self, p: Tensor, gradient: Tensor, rate: float) -> None:
        state, (first, second) = self.state[p], BETAS
        step = state.setdefault("step", torch.zeros(()))
        mean = state.setdefault("mean", torch.zeros_like(p))
        square = state.setdefault("square", torch.zeros_like(p))
        step += 1
        mean.lerp_(gradient, 1 - first)
        square.lerp_(gradient.square(), 1 - second)
        count = float(step)
        spread = (square / (1 - second**count)).sqrt_().add_(EPSILON)
        p.addcdiv_(mean, spread, value=-rate / (1 - first**count))


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
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x
