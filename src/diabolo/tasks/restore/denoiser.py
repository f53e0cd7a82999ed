"""`Denoiser`: noise of unknown strength taken out of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import TransformerMixin
from torch import Tensor

from diabolo.errors import Mistake
from diabolo.events import Listener, Note
from diabolo.noise_level import NoiseLevel, estimate, level_map
from diabolo.options import name_of
from diabolo.tasks.models import learn
from diabolo.tasks.restore.learning import Restoring, as_picture, each, restorer
from diabolo.tasks.restore.restorer import UNDOES, Restored, Restorer

STRONGEST = 255.0  # 8-bit units; noise as wide as the whole range
UNNOTICED = 1.0  # 8-bit units; less noise than this is hardly seen
TOLERANCE = 1.1  # what is found is not exact: so far beyond what was trained nothing is said


class Denoiser(TransformerMixin, Restoring):  # type: ignore[misc]
    """Takes noise out of pictures, with the starter model or one learned from your own.

    Parameters
    ----------
    model : None, path, name or trained model
        None takes the starter for grey or colour pictures. `fit` starts from it where it is given.
    sigma : None or float
        Standard deviation of the noise, 8-bit units (0..255); None finds it in each picture.
    options : dict or None
        Options of the recipe `denoise` that `fit` trains: `{"epochs": 100, "architecture.widths": (64, 96, 128)}`.
    device : str
        "cpu", "cuda", ...
    listen : callable or None
        Called with every event (`diabolo.events`).

    Attributes
    ----------
    model_ : Model
        What `fit` learned.
    level_ : NoiseLevel
        The noise that the last picture had, as it was found or given.

    Examples
    --------
    >>> from skimage.data import camera
    >>> from diabolo import Denoiser
    >>> Denoiser().denoise(camera()).shape
    (512, 512)
    """

    _verb = "denoise"

    def __init__(
        self,
        model: Any = None,
        *,
        sigma: float | None = None,
        options: dict[str, Any] | None = None,
        device: str = "cpu",
        listen: Listener | None = None,
    ) -> None:
        super().__init__(model, options=options, device=device, listen=listen)
        self.sigma = sigma

    def fit(self, X: Any, y: Any = None) -> Denoiser:
        """Learn from clean pictures (an array, a folder, ...), to which noise is added.

        With `y`, the same pictures under the same names, each picture of `X` is to become that of `y`: a clean one, or
        another noisy one (Noise2Noise). For noisy pictures alone: `options={"corruption": "recorrupt",
        "corruption.recorrupt.sigma": 25}` where the noise is white and its strength known, `"blind-spot"` elsewhere.
        """
        self.model_ = learn(self._verb, self, X, y)
        return self

    def denoise(self, image: Any, sigma: float | None = None) -> np.ndarray:
        """One picture (h, w) or (h, w, 3), uint8, uint16 or floats in 0..1, without its noise; same shape and type."""
        return self.restore(image, sigma).values

    def restore(self, image: Any, sigma: float | None = None, bounds: bool = False, progress: Any = None) -> Restored:
        """`denoise`, and with `bounds` also how sure each pixel is; `progress` hears (tiles done, tiles in all)."""
        picture = as_picture(image)
        engine = restorer(self, picture.shape[2] if picture.ndim == 3 else 1)
        given = _given(self.sigma if sigma is None else sigma)
        level = self.level_ = given or estimate(engine.as_images(picture))
        hears = engine.model.recipe.hint == "noise-level"
        if self.listen:
            for note in _notes(engine, level, given is not None and not hears):
                self.listen(note)

        def told(x: Tensor) -> Tensor:
            return level_map(x, level.sigma, level.shot)

        return engine.restore(picture, told if hears else None, bounds=bounds, progress=progress)

    def transform(self, X: Any) -> np.ndarray:
        """A batch of pictures (n, h, w) or (n, h, w, c) without their noise; same shape and type."""
        return each(X, self.denoise)

    def noise_level(self, image: Any) -> NoiseLevel:
        """The noise found in one picture, 8-bit units; `sigma` everywhere, `shot` more at the brightest value."""
        return estimate(as_picture(image))

    def check(self, bounds: bool = False) -> None:
        """Refuse a `sigma` that is no noise, a model of another task or without `bounds`, before a picture is read."""
        _given(self.sigma)
        super().check(bounds)


def _given(sigma: Any) -> NoiseLevel | None:
    if sigma is None:
        return None
    if not isinstance(sigma, Real) or not 0 <= float(sigma) <= STRONGEST:
        raise Mistake("no such noise", got=f"sigma {sigma}", allowed=f"0 to {STRONGEST:g} (8-bit units)")
    return NoiseLevel(float(sigma), 0.0)


def _notes(engine: Restorer, level: NoiseLevel, unheard: bool) -> Iterator[Note]:
    """What to tell where the picture is outside what the model was trained for, or a given level goes unheard."""
    if unheard:
        yield Note("this model finds the strength of the noise by itself: sigma changes nothing", warning=True)
    whole = float(np.hypot(level.sigma, level.shot))
    noises = [c for c in engine.model.recipe.corruption if name_of(c) in UNDOES["denoise"] and hasattr(c, "sigma")]
    strongest = max((max(noise.sigma) for noise in noises), default=STRONGEST)
    weakest = min(noises[0].sigma) if len(noises) == 1 else 0.0
    if whole > strongest * TOLERANCE:
        text = f"the noise, {whole:.0f}, is stronger than the model was trained for, up to {strongest:g}"
        yield Note(f"{text}: expect noise to be left", warning=True)
    elif whole < UNNOTICED:
        yield Note(f"hardly any noise is there ({whole:.1f} of 255): little will change")
    elif whole * TOLERANCE < weakest:
        text = f"the noise, {whole:.0f}, is weaker than the model was trained for, from {weakest:g}"
        yield Note(f"{text}: expect blur", warning=True)
