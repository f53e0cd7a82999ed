"""Other methods' explanations of the same scores, by captum, to compare with; slow, and only where asked for."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diabolo.errors import Mistake
from diabolo.judgement import known, scores
from diabolo.model import Model
from diabolo.tasks.explain.needs import grid_cells

METHODS = ("integrated gradients", "occlusion", "KernelSHAP")
PATH = 50  # steps of integrated gradients
COALITIONS = 512  # of KernelSHAP, at least; 8 for each input where that is more


def attributions(model: Model, images: np.ndarray, baselines: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """How much each place lowers the score, (n, d) or (n, h, w), by three methods; higher = more to blame.

    `baselines` (n, ...) are what the methods put in a place's stead: typical rows, or pictures without detail.
    Integrated gradients (Sundararajan et al. 2017), occlusion of one feature or cell of a grid at a time (Zeiler and
    Fergus 2014), and KernelSHAP over the same (Lundberg and Lee 2017). A `Mistake` where captum is not installed.
    """
    captum = _captum()
    x, base = (model.conversion.to_network(one, torch.float32) for one in (images, baselines))
    groups = _groups(tuple(x.shape[1:]))

    def score(inputs: Tensor) -> Tensor:
        raw = model.conversion.from_network(inputs.detach(), np.float32 if images.dtype.kind != "f" else images.dtype)
        return torch.from_numpy(scores(model, raw)).float()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gradients = captum.IntegratedGradients(lambda inputs: differentiable(model, inputs))
        paths = [gradients.attribute(a[None], b[None], n_steps=PATH) for a, b in zip(x, base, strict=True)]
        hidden = captum.FeatureAblation(score).attribute(x, base, feature_mask=groups)
        count = max(COALITIONS, 8 * int(groups.max() + 1))
        shapley = captum.KernelShap(score)
        state = torch.random.get_rng_state()
        torch.manual_seed(seed)
        sampled = [
            shapley.attribute(a[None], b[None], feature_mask=groups, n_samples=count, perturbations_per_eval=256)
            for a, b in zip(x, base, strict=True)
        ]
        torch.random.set_rng_state(state)
    found = dict(zip(METHODS, (torch.cat(paths), hidden, torch.cat(sampled)), strict=True))
    return {name: _blame(values) for name, values in found.items()}


def differentiable(model: Model, x: Tensor) -> Tensor:
    """Scores (n,) of network inputs (n, *shape), through which gradients flow."""
    normal = known(model)
    model.network.eval()
    with torch.enable_grad():
        seen = model.network.evidence(x.to(model.device))
        seen = seen._replace(restored=model.recipe.likelihood.mean(seen.restored))
        return normal.score(normal.said(seen))


def check_able() -> None:
    """Raises `Mistake` where captum is missing."""
    _captum()


def _captum() -> Any:
    try:
        import captum.attr
    except ImportError as error:
        remedy = 'pip install "diabolo[explain]"'
        raise Mistake("the comparison with other methods needs captum, which is missing", remedy=remedy) from error
    return captum.attr


def _groups(shape: tuple[int, ...]) -> Tensor:
    """(1, *shape): the number of the input that each value belongs to: a feature, or a cell of a grid."""
    if len(shape) == 1:
        return torch.arange(shape[0])[None]
    return torch.from_numpy(grid_cells(*shape[1:])).expand(1, *shape)


def _blame(values: Tensor) -> np.ndarray:
    """Attributions of a score that is higher for the normal, turned round; of colours, the sum."""
    turned = np.nan_to_num(-values.detach().double().cpu().numpy())  # where no gradient exists
    return turned if turned.ndim == 2 else turned.sum(1)
