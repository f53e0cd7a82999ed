"""Records as rows of modalities: what their prior is learned from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diabolo.errors import Mistake
from diabolo.model import Model
from diabolo.network import Network
from diabolo.options import name_of
from diabolo.priors.base import CanComplete, Space
from diabolo.recipe import Recipe
from diabolo.sources import Modalities, Records, Source
from diabolo.training.pictures import Pictures


def completes(part: Any) -> bool:
    """Whether a prior draws what lacks of codes of several modalities."""
    return not part.discrete and isinstance(part.build(Space((2,), widths=(1, 1))), CanComplete)


def modalities_of(source: Source, recipe: Recipe, network: Network) -> Modalities | None:
    """What stands beside the pictures of records, with room for their codes; None where a source is of no records.

    Raises `Mistake` for a recipe whose priors cannot learn from them.
    """
    if not isinstance(source, Records):
        return None
    numbers = math.prod(network.latent.code)
    able = [completes(part) for part in recipe.priors]
    if able != [True]:
        got = ", ".join(name_of(part) for part in recipe.priors) or "none"
        wrong = "records of several modalities are learned by one prior that can complete them"
        raise Mistake(wrong, got, "masked-flow-matching", "--priors masked-flow-matching")
    return source.modalities.with_code(numbers)


def joined(model: Model, pictures: Pictures, indices: np.ndarray, codes: Tensor) -> Tensor:
    """Records as rows (n, d), NaN where nothing is known; `codes` are those of the `pictures` at `indices`."""
    source, modalities = pictures.source, model.modalities
    assert isinstance(source, Records)
    assert modalities is not None
    found = np.full((len(source), modalities.picture.width), np.nan)
    found[pictures.order[indices]] = codes.flatten(1).cpu().numpy()
    beside = np.where(source.places[:, None] < 0, np.nan, found[source.places])
    rows = modalities.encode(source.cells, beside, model.recipe.training.seed)
    return torch.from_numpy(rows).float().to(model.device)
