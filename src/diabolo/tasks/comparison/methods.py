"""The methods that are compared, with one face: PCA by scikit-learn, and autoencoders."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from diabolo.model import Model, chunks

WIDEST = 4096  # numbers, or images: the largest matrix that PCA decomposes exactly


class Method(Protocol):
    """Images as rows (n, d) in network units to codes (n, size) and back."""

    def encode(self, images: np.ndarray) -> np.ndarray: ...
    def decode(self, codes: np.ndarray) -> np.ndarray: ...
    def reconstruct(self, images: np.ndarray) -> np.ndarray: ...


@dataclasses.dataclass(frozen=True)
class Principal:
    """scikit-learn's PCA, of which the first `size` components are used."""

    pca: PCA
    size: int

    @property
    def components(self) -> np.ndarray:
        """(size, d), orthonormal rows."""
        return self.pca.components_[: self.size]

    @property
    def parameters(self) -> int:
        return self.components.size + self.pca.mean_.size

    def encode(self, images: np.ndarray) -> np.ndarray:
        return (images - self.pca.mean_) @ self.components.T

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return codes @ self.components + self.pca.mean_

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        return self.decode(self.encode(images))


def principal(images: np.ndarray, size: int, seed: int = 0) -> PCA:
    """scikit-learn's PCA of rows (n, d): exact, unless both n and d are over WIDEST; then by random projections."""
    count, width = images.shape
    solver = "covariance_eigh" if width <= min(count, WIDEST) else "full"
    if min(count, width) > WIDEST:
        solver = "randomized"
    return PCA(size, svd_solver=solver, random_state=seed).fit(images)


@dataclasses.dataclass(frozen=True)
class Network:
    """A trained autoencoder whose code is a vector."""

    model: Model

    def encode(self, images: np.ndarray) -> np.ndarray:
        return self._map(images, self.model.network.encode, self.model.conversion.shape)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return self._map(codes, lambda x: self._mean(self.model.network.decode(x)), self.model.code)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        return self._map(images, lambda x: self._mean(self.model.network(x).parameters), self.model.conversion.shape)

    def _mean(self, parameters: Tensor) -> Tensor:
        return self.model.recipe.likelihood.mean(parameters)

    def _map(self, rows: np.ndarray, function: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> np.ndarray:
        self.model.network.eval()
        results = []
        with torch.no_grad():
            for chunk in chunks(rows, self.model.batch_size):
                batch = torch.from_numpy(chunk).to(self.model.device, self.model.dtype).unflatten(1, shape)
                results.append(function(batch).flatten(1).double().cpu().numpy())
        return np.concatenate(results)
