"""What a model knows of normal images: its witnesses, what they say of these, and scores to compare others with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from diabolo.errors import Mistake
from diabolo.learned import give_shapes, shapes_of
from diabolo.options import name_of
from diabolo.witnesses import Evidence

FLAT = 1e-12  # a spread below this is none


class Normal(nn.Module):
    """Several witnesses, and one score and one map made of what they say.

    The score of an image is minus the mean of its witnesses' z-values: how many standard deviations of normal images
    each says more than of a normal one. Higher is more normal. The map has the same of every place: higher is more
    abnormal. Images that neither the network nor the witnesses learned from give the means and spreads; others again,
    that nothing was learned from, give `scores` and `peaks`, sorted upwards.
    """

    centre: Tensor  # (witnesses,) of whole images
    spread: Tensor
    level: Tensor  # (witnesses,) of single places
    width: Tensor
    scores: Tensor  # (m,) of normal images to compare with
    peaks: Tensor  # (m,) minus the greatest value of their maps
    typical: Tensor  # (k, d) normal vectors that were learned from, in network units; (0,) of pictures

    def __init__(self, parts: Sequence[Any]) -> None:
        super().__init__()
        self.parts = tuple(parts)
        self.witnesses = nn.ModuleList(part.build() for part in parts)
        for name in ("centre", "level"):
            self.register_buffer(name, torch.zeros(len(parts)))
        for name in ("spread", "width"):
            self.register_buffer(name, torch.ones(len(parts)))
        for name in ("scores", "peaks", "typical"):
            self.register_buffer(name, torch.zeros(0))

    @classmethod
    def shaped(cls, parts: Sequence[Any], shapes: Any) -> Normal:
        """One without memory, whose statistics have the shapes that a file tells; a `Mistake` where they cannot be."""
        with torch.device("meta"):
            normal = cls(parts)
        give_shapes(normal, shapes, "statistics of normal images", "its witnesses")
        if not len(normal.scores) == len(normal.peaks) > 0:
            raise Mistake("it has no scores of normal images")
        return normal

    def shapes(self) -> dict[str, list[int]]:
        """The shape of every statistic, by its name."""
        return shapes_of(self)

    def said(self, evidence: Evidence) -> list[Tensor]:
        """What each witness says: (n,) of whole images, (n, d) of a vector's values, (n, h, w) of all pixels."""
        return [grown(witness(evidence), evidence.image) for witness in self.witnesses]

    def score(self, said: Sequence[Tensor]) -> Tensor:
        """Minus the mean z-value of whole images, (n,); in single precision, as the scores to compare with are kept."""
        z = (torch.stack(self.pooled(said), 1) - self.centre) / self.spread
        return -z.mean(1).float()

    def heat(self, said: Sequence[Tensor]) -> Tensor:
        """The mean z-value of every place, (n, d) or (n, h, w), of witnesses that know places; (n,) if none does."""
        placed = [i for i, values in enumerate(said) if values.dim() > 1] or list(range(len(said)))
        total = sum(((said[i] - self.level[i]) / self.width[i] for i in placed), start=torch.zeros(()))
        return (total / len(placed)).float()

    def pooled(self, said: Sequence[Tensor]) -> list[Tensor]:
        """What each witness says of whole images, (n,)."""
        return [part.whole(values) for values, part in zip(said, self.parts, strict=True)]

    def measure(self, told: Callable[[], Iterable[Sequence[Tensor]]]) -> None:
        """Take means and spreads from what the witnesses say of normal images, batch by batch."""
        wholes = [torch.stack(self.pooled(said), 1).double() for said in told()]
        whole = torch.cat(wholes)
        self.centre, self.spread = whole.mean(0).float(), _spread(whole.std(0, correction=0))
        count = torch.zeros(len(self.parts), dtype=torch.double, device=whole.device)
        sums, squares = count.clone(), count.clone()
        for said in told():
            for i, values in enumerate(said):
                wide = values.double()
                count[i] += wide.numel()
                sums[i] += wide.sum()
                squares[i] += wide.square().sum()
        level = sums / count
        self.level, self.width = level.float(), _spread((squares / count - level.square()).clamp(min=0).sqrt())

    def compare_with(self, scores: Tensor, peaks: Tensor) -> None:
        """Keep the scores of normal images, and minus the greatest values of their maps, to compare others with."""
        self.scores, self.peaks = scores.float().sort().values, peaks.float().sort().values

    def check(self) -> None:
        """A `Mistake` where numbers that were read cannot be statistics of normal images."""
        for name in ("spread", "width"):
            if not (getattr(self, name) > 0).all():
                raise Mistake(f"its {name} of normal images is not positive")
        for name in ("scores", "peaks"):
            if not (getattr(self, name).diff() >= 0).all():
                raise Mistake(f"its {name} of normal images are not in order")


def grown(values: Tensor, image: Tensor) -> Tensor:
    """A coarse map (n, h', w') brought to the pixels of the image; anything else as it is."""
    if values.dim() != 3 or image.dim() != 4 or values.shape[1:] == image.shape[2:]:
        return values
    return interpolate(values[:, None], image.shape[2:], mode="bilinear", align_corners=False)[:, 0]


def refuse_wholes(parts: Sequence[Any], said: Sequence[Tensor]) -> None:
    """Pictures of any size are looked at tile by tile: refuse witnesses that speak of whole images."""
    for part, values in zip(parts, said, strict=True):
        if values.dim() == 1:
            wrong = f"the witness {name_of(part)} knows no places, which pictures of any size need"
            raise Mistake(wrong, remedy="--architecture conv, or another witness")


def _spread(deviation: Tensor) -> Tensor:
    return torch.where(deviation > FLAT, deviation, torch.ones_like(deviation)).float()
