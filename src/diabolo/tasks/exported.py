"""What is exported of a model: one function of raw arrays, with its preprocessing and its verdicts inside."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from diabolo.conformal import forgiving
from diabolo.model import Model
from diabolo.noise_level import FULL_SCALE
from diabolo.preprocessing import UNIT


class Exported(nn.Module):
    """A model as one function of raw images, and of what else it is told; results by their names."""

    unit: Tensor  # what raw numbers are divided by, and then
    start: Tensor  # subtracted: in this order, since the exporter takes a small number that is added for 0
    floors: Tensor  # (kept,) what a score must reach for each kept score to be at most as high
    limits: Tensor  # (kept + 1,) the same of the least score of a map's pixels; first, that nothing is below
    levels: Tensor  # (kept + 1,) all p-values, in single precision as alpha comes: 0.01 is at most 0.01

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.network = copy.deepcopy(model.network).cpu().float().eval()
        self.normal = copy.deepcopy(model.normal).cpu().eval() if model.normal is not None else None
        self.conversion, self.mean = model.conversion, model.recipe.likelihood.mean
        columns, name = len(self.conversion.scale) > 1, self.conversion.dtype
        self.wide = torch.float32 if name in UNIT and not columns else torch.float64
        self.result = torch.float32 if name in (*UNIT, "float16", "float32") else torch.float64
        offset, scale = (torch.tensor(v, dtype=torch.float64) for v in (self.conversion.offset, self.conversion.scale))
        self.register_buffer("unit", (scale * UNIT.get(name, 1.0)).to(self.wide), persistent=False)
        self.register_buffer("start", (offset / scale).to(self.wide), persistent=False)
        scores, peaks = (self.normal.scores, self.normal.peaks) if self.normal is not None else (torch.zeros(0),) * 2
        floors, limits = (torch.from_numpy(forgiving(v.double().numpy())).float() for v in (scores, peaks))
        self.register_buffer("floors", floors, persistent=False)
        self.register_buffer("limits", torch.cat((torch.full((1,), -torch.inf), limits)), persistent=False)
        kept = len(scores)
        self.register_buffer("levels", (torch.arange(1, kept + 2).double() / (kept + 1)).float(), persistent=False)

    def forward(
        self, images: Tensor, sigma: Tensor | None = None, missing: Tensor | None = None, alpha: Tensor | None = None
    ) -> dict[str, Tensor]:
        x = self.to_network(images)
        if self.normal is None:
            output = self.network(x, hint=self._hint(x, sigma, missing))
            return self._restored(self.mean(output.parameters), output.values)
        evidence = self.network.evidence(x)
        evidence = evidence._replace(restored=self.mean(evidence.restored))
        said = self.normal.said(evidence)
        judged = self._judged(self.normal.score(said), self.normal.heat(said), alpha)
        return self._restored(evidence.restored, evidence.code) | judged

    def to_network(self, images: Tensor) -> Tensor:
        """`Conversion.to_network`, of tensors."""
        numbers = images.to(self.wide) / self.unit - self.start
        if self.conversion.impute:
            numbers = torch.where(numbers.isnan(), 0.0, numbers)
        numbers = numbers.unsqueeze(1) if self.conversion.layout == "grey" else numbers
        numbers = numbers.permute(0, 3, 1, 2) if self.conversion.layout == "channels" else numbers
        return numbers.float()

    def _restored(self, values: Tensor, code: Tensor) -> dict[str, Tensor]:
        """`Conversion.from_network`, of tensors, without the rounding."""
        drawn = getattr(self.network, "drawn", None)  # where the network sees a view of the image
        numbers = (drawn(values) if drawn else values).to(self.wide)
        numbers = numbers.squeeze(1) if self.conversion.layout == "grey" else numbers
        numbers = numbers.permute(0, 2, 3, 1) if self.conversion.layout == "channels" else numbers
        numbers = (numbers + self.start) * self.unit
        alone = not self.network.decoder.needs_skips  # elsewhere the code is not what the picture is made of
        return {"reconstruction": numbers.to(self.result)} | ({"code": code} if alone else {})

    def _hint(self, x: Tensor, sigma: Tensor | None, missing: Tensor | None) -> Tensor | None:
        if sigma is not None:
            return torch.ones_like(x[:, :1]) * (sigma / FULL_SCALE)
        return None if missing is None else (missing != 0).to(x.dtype).unsqueeze(1)

    def _judged(self, score: Tensor, heat: Tensor, alpha: Tensor | None) -> dict[str, Tensor]:
        """As `diabolo.conformal` has it, which forgives alpha a hair; here both sides come in single precision."""
        assert alpha is not None
        count = (self.floors <= score[:, None]).sum(1)  # 0..kept
        p = self.levels[count]
        told = {"score": score, "p_value": p, "verdict": torch.where(p <= alpha, -1, 1)}
        if heat.dim() < 2:
            return told
        wrong = -heat < self.limits[(self.levels[:-1] <= alpha).sum()]
        return told | {"map": heat, "map_verdict": torch.where(wrong, -1, 1).to(torch.int8)}
