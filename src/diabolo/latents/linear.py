"""The linear latent: principal components, by one closed-form solve or by gradient descent."""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator, Tensor, nn

from diabolo.errors import Mistake
from diabolo.latents.base import Code, Shape, free_of_charge
from diabolo.options import option, part


@part
class Linear:
    """The projection on `size` orthonormal directions, ordered by variance; the decoder is its transpose.

    Without hidden layers, and at its optimum, this is principal component analysis (Baldi & Hornik 1989).
    """

    size: int = option(32, "directions kept; at most as many as the features", unit="numbers", at_least=1)

    def build(self, features: Shape) -> nn.Module:
        """The projection for features (d,), or for the channels at each position of a map (c, h, w)."""
        if self.size > features[0]:
            remedy = f"--latent.size {features[0]}, or --latent plain"
            wrong = "a linear latent cannot be larger than its features"
            raise Mistake(wrong, got=str(self.size), allowed=f"1 to {features[0]}", remedy=remedy)
        return LinearLatent(self, features)


class LinearLatent(nn.Module):
    """values = (features - mean) basis^T; features = values basis + mean. Computes, and returns, the basis's dtype.

    `mean`: (d,). `basis`: (size, d), rows orthonormal after `set_solution` or `order`. `variances`: (size,), of each
    number of the code over the training data (divided by n - 1), 0 until known.
    """

    variances: Tensor

    def __init__(self, options: Linear, features: Shape) -> None:
        super().__init__()
        self.code: Shape = (options.size, *features[1:])
        self.mean = nn.Parameter(torch.zeros(features[0]))
        self.basis = nn.Parameter(nn.init.orthogonal_(torch.empty(options.size, features[0])))
        self.register_buffer("variances", torch.zeros(options.size))

    def encode(self, features: Tensor, origin: Tensor | None = None, generator: Generator | None = None) -> Code:
        centred = features.to(self.basis.dtype).movedim(1, -1) - self.mean
        values = (centred @ self.basis.T).movedim(-1, 1)
        return Code(values, free_of_charge(values))

    def decode(self, values: Tensor) -> Tensor:
        return (values.to(self.basis.dtype).movedim(1, -1) @ self.basis + self.mean).movedim(-1, 1)

    def sample_prior(self, n: int, generator: Generator) -> Tensor:
        """n codes (n, *code), normal with the variances of the training data (Tipping & Bishop 1999)."""
        draws = torch.randn(n, *self.code, generator=generator, device=generator.device, dtype=self.variances.dtype)
        return (draws.movedim(1, -1) * self.variances.sqrt().to(draws.device)).movedim(-1, 1)

    def set_solution(
        self, mean: np.ndarray | Tensor, basis: np.ndarray | Tensor, variances: np.ndarray | Tensor
    ) -> None:
        """Take over a solved mean (d,), basis (size, d) and variances (size,), in the dtype they come in."""
        place = self.basis.device
        self.mean = nn.Parameter(torch.as_tensor(mean, device=place))
        self.basis = nn.Parameter(torch.as_tensor(basis, device=place))
        self.variances = torch.as_tensor(variances, device=place)

    @torch.no_grad()
    def order(self, codes: Tensor) -> None:
        """After training by gradient: orthonormal directions, ordered by the variance of `codes`.

        `codes`: (n, size) or (n, size, h, w), n >= 2, of the training data, encoded by this latent as it is. The
        affine space the features are projected on stays the same; the mean moves within it to the codes' mean.
        """
        flat = codes.movedim(1, -1).flatten(0, -2).double()
        left, lengths, directions = torch.linalg.svd(self.basis.double(), full_matrices=False)
        kept = lengths > lengths[0] * torch.finfo(self.basis.dtype).eps
        straight = flat @ left * torch.where(kept, 1 / lengths, 0)  # the codes on the orthonormal directions
        centre = straight.mean(0)
        variances, rotation = torch.linalg.eigh(torch.cov(straight.T).reshape(len(lengths), -1))
        basis = steady_signs(rotation.flip(1).T @ directions)
        solution = (self.mean.double() + centre @ directions, basis, variances.flip(0).clamp(min=0))
        self.set_solution(*(tensor.to(self.basis.dtype) for tensor in solution))


def steady_signs(basis: Tensor) -> Tensor:
    """The rows, each with the sign that makes its entry of largest magnitude positive."""
    largest = basis.gather(1, basis.abs().argmax(1, keepdim=True))
    return torch.where(largest < 0, -basis, basis)
