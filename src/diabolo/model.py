"""A trained model in memory: arrays in, codes and arrays out."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diabolo.calibration import ErrorBounds
from diabolo.errors import Mistake
from diabolo.latents import CanDraw
from diabolo.network import Network
from diabolo.normal import Normal
from diabolo.objectives import importance_bound
from diabolo.options import name_of
from diabolo.preprocessing import Conversion
from diabolo.recipe import Recipe
from diabolo.sampler import Sampler
from diabolo.sources import Encoding, Modalities

AT_ONCE = 4096  # codes that are decoded together


@dataclasses.dataclass
class Model:
    """Weights, recipe, conversion, calibration, metrics and provenance: all that the same answer elsewhere takes."""

    recipe: Recipe  # with the likelihood that was chosen
    network: Network
    conversion: Conversion
    scale: float = 1.0  # calibrated spread of the residuals, in network units, for log-likelihoods
    metrics: dict[str, Any] = dataclasses.field(default_factory=dict)
    provenance: dict[str, Any] = dataclasses.field(default_factory=dict)
    bounds: ErrorBounds | None = None  # how sure a restored image is; None where the model restores nothing
    normal: Normal | None = None  # what normal images are like; None where the recipe has no witnesses
    sampler: Sampler | None = None  # what new codes are drawn from; None where the recipe has no priors
    encoding: Encoding | None = None  # what its vectors mean; None where it learned from no table of mixed columns
    modalities: Modalities | None = None  # what stands beside its pictures; None where it learned from no records
    digest: str = ""  # of the file it was read from, hexadecimal; "" where it was not read from one
    batch_size: int = 256  # images at a time when the model is used

    @property
    def code(self) -> tuple[int, ...]:
        """The shape of one image's code, for an image of the size it was built for."""
        return tuple(self.network.latent.code)

    @property
    def dtype(self) -> torch.dtype:
        """The type the network computes in."""
        return next((t.dtype for t in self._tensors() if t.is_floating_point()), torch.float32)

    @property
    def device(self) -> torch.device:
        return next((t.device for t in self._tensors()), torch.device("cpu"))

    def _tensors(self) -> Iterator[torch.Tensor]:
        """Weights, then buffers: without the dictionary of all, since every batch asks for the first."""
        return itertools.chain(self.network.parameters(), self.network.buffers())

    def bring(self, image: np.ndarray) -> np.ndarray:
        """One raw picture brought to the side and the channels that the model was trained on, as its recipe says."""
        layout = self.conversion.layout
        if layout == "vector" or image.ndim < 2:
            return image
        picture = self.recipe.preprocessing.picture(image, self.conversion.shape[0])
        if layout == "channels":
            return picture[..., None] if picture.ndim == 2 else picture
        return picture[..., 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Raw images (n, ...) to codes (n, *code), deterministic; float64 for float64 images, float32 otherwise."""
        dtype = np.float64 if images.dtype == np.float64 else np.float32
        return self._map(images, lambda network, x: network.encode(x).cpu().numpy().astype(dtype))

    def decode(self, codes: np.ndarray, dtype: Any = None) -> np.ndarray:
        """Codes (n, *code) to raw images, in the type the model was trained on or in `dtype`."""
        codes = _finite(np.asarray(codes))
        if self.network.decoder.needs_skips:
            refusal = f"a {type(self.recipe.architecture).__name__.lower()} model cannot decode a code alone"
            raise Mistake(refusal, allowed="flat or conv architectures", remedy="diabolo fit conv SOURCE -o MODEL")
        fixed = not self.recipe.architecture.spatial
        if (
            codes.ndim != len(self.code) + 1
            or codes.shape[1] != self.code[0]
            or (fixed and codes.shape[1:] != self.code)
        ):
            wanted = ", ".join(map(str, self.code))
            raise Mistake("codes of another size", got=f"shape {codes.shape}", allowed=f"(n, {wanted})")

        def back(chunk: np.ndarray) -> np.ndarray:
            values = torch.tensor(chunk, dtype=self.dtype, device=self.device)
            return self.conversion.from_network(self.network.drawn(self._mean(self.network.decode(values))), dtype)

        return self._in_chunks(codes, back)

    def reconstruct(self, images: np.ndarray, dtype: Any = None) -> np.ndarray:
        """Raw images through the code and back: the same shape, and the same type unless `dtype` says otherwise."""
        dtype = dtype or images.dtype

        def reconstructed(network: Network, x: Tensor) -> np.ndarray:
            return self.conversion.from_network(network.drawn(self._mean(network(x).parameters)), dtype)

        return self._map(images, reconstructed)

    def residual(self, images: np.ndarray) -> np.ndarray:
        """Mean squared error of each image's reconstruction, (n,), float64, in network units."""

        def error(network: Network, x: Tensor) -> np.ndarray:
            missed = self._mean(network(x).parameters) - network.seen(x)
            return missed.double().square().flatten(1).mean(1).cpu().numpy()

        return self._map(images, error)

    def score_samples(self, images: np.ndarray) -> np.ndarray:
        """Log-likelihood of each image given its own code, less beta times the code's penalty, (n,), nats.

        Higher is more normal. The likelihood's scale is the one calibrated on held-out images.
        """

        def score(network: Network, x: Tensor) -> np.ndarray:
            output = network(x)
            likelihood = self.recipe.likelihood.log_likelihood(output.parameters, network.seen(x), self.scale)
            return (likelihood - self.recipe.beta * output.penalty).double().cpu().numpy()

        return self._map(images, score)

    def log_evidence(self, images: np.ndarray, draws: int = 500, seed: int = 0) -> np.ndarray:
        """A lower bound of each image's log-likelihood under the whole model, (n,), nats: higher is more probable.

        Codes are drawn from the image's posterior, so many, and weighted (Burda 2016): on average the bound is never
        too high, and the nearer the more draws there are. The same seed gives the same figures. A `Mistake` where the
        latent draws no codes.
        """
        latent: Any = self.network.latent
        if not isinstance(latent, CanDraw):
            wrong = f"a code of {name_of(self.recipe.latent)} is certain: it has no bound of the likelihood"
            raise Mistake(wrong, allowed="latent variational", remedy="diabolo fit variational SOURCE -o MODEL")
        if draws < 1:
            raise Mistake("too few draws", str(draws), "1 or more")
        generator = torch.Generator(self.device).manual_seed(seed)

        def bound(network: Network, x: Tensor) -> np.ndarray:
            target = network.seen(x)
            features = network.encoder(target).values
            few = max(1, AT_ONCE // len(x))
            costs = []
            for start in range(0, draws, few):
                count = min(few, draws - start)
                code = network.latent.encode_draws(features, count, generator)
                parameters, beside = network.decode(code.values, tuple(target.shape[2:])), torch.cat([target] * count)
                likelihood = self.recipe.likelihood.log_likelihood(parameters, beside, self.scale)
                costs.append((code.penalty - likelihood).double().reshape(count, len(x)))
            return -importance_bound(torch.cat(costs)).cpu().numpy()

        return self._map(images, bound)

    def _mean(self, parameters: Tensor) -> Tensor:
        return self.recipe.likelihood.mean(parameters)

    def _map(self, images: np.ndarray, function: Callable[[Network, Tensor], np.ndarray]) -> np.ndarray:
        """Apply a function of the network and a batch; float64 images are computed in float64 throughout.

        In single precision an image's last bits depend on those beside it in the batch.
        """
        precise = images.dtype == np.float64 and self.dtype != torch.float64 and self.device.type != "mps"
        network = copy.deepcopy(self.network).double().eval() if precise else self.network
        dtype = torch.float64 if precise else self.dtype

        def convert(chunk: np.ndarray) -> np.ndarray:
            return function(network, self.conversion.to_network(chunk, dtype).to(self.device))

        return self._in_chunks(images, convert)

    def _in_chunks(self, arrays: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        if not len(arrays):
            raise Mistake("no images", got="0", allowed="1 or more")
        self.network.eval()
        with torch.no_grad():
            return np.concatenate([function(chunk) for chunk in chunks(arrays, self.batch_size)])


def _finite(codes: np.ndarray) -> np.ndarray:
    if codes.dtype.kind not in "buif":
        raise Mistake("the codes are not numbers", got=str(codes.dtype), allowed="floats")
    if codes.dtype.kind == "f" and not np.isfinite(codes).all():
        raise Mistake("NaN or infinity in the codes", allowed="finite numbers")
    return codes


def chunks(arrays: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Runs of at most `size` images."""
    for start in range(0, len(arrays), size):
        yield arrays[start : start + size]
