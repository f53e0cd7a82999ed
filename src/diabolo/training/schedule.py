"""What changes over a run, as a function of the step alone, so that a resumed run needs no memory of it."""

from __future__ import annotations

import math

from diabolo.recipe import Training


def learning_rate(training: Training, step: int, steps: int) -> float:
    """The learning rate of `step` (0-based) of `steps`.

    one-cycle (Smith & Topin 2018): cosine rise from 1/25 of the peak during warm-up, cosine fall to 1/10000 of it;
    cosine: linear rise, cosine fall to 0; constant: linear rise, then flat.
    """
    peak, rise = training.learning_rate, max(1, round(training.warmup * steps))
    if step < rise and training.warmup:
        done = (step + 1) / rise
        if training.schedule == "one-cycle":
            return _between(peak / 25, peak, done)
        return peak * done
    if training.schedule == "constant":
        return peak
    done = (step - rise + 1) / max(1, steps - rise)
    return _between(peak, peak / 1e4 if training.schedule == "one-cycle" else 0.0, min(1.0, done))


def penalty_share(training: Training, step: int, steps: int) -> float:
    """The share, 0..1, of the weight of the code's penalty in `step` (0-based) of `steps`: a straight rise to 1.

    A penalty that is whole from the first step silences numbers of the code before the decoder has learned to use them
    (Sonderby 2016, section 2.3).
    """
    rise = training.beta_warmup * steps
    return min(1.0, step / rise) if rise else 1.0


def _between(first: float, last: float, done: float) -> float:
    """Cosine way from `first` to `last`."""
    return last + (first - last) * (1 + math.cos(math.pi * done)) / 2
