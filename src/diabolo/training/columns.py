"""The columns of a table, tuned to what a model draws: each comes back with the shares that it has."""

from __future__ import annotations

import torch

from diabolo.model import Model
from diabolo.sampler import even
from diabolo.sources import Encoding

DRAWN = 20_000  # rows


def tuned(model: Model) -> Encoding | None:
    """The model's encoding, tuned to rows that its prior draws, of all labels as often as they were learned from."""
    if model.encoding is None or model.sampler is None:
        return model.encoding
    generator = torch.Generator(model.device).manual_seed(model.recipe.training.seed)
    rows, shares = model.sampler.mix()
    conditions = rows[even(shares, 0, DRAWN, DRAWN).to(rows.device)]
    with torch.no_grad():
        codes = model.sampler.sample(conditions.to(model.device), generator)
    return model.encoding.tuned(model.decode(codes.cpu().numpy()))
