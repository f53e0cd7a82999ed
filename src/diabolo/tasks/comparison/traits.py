"""A closer look at fitted methods: what the six points measure, and what each number of a code does."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from diabolo.events import ignore
from diabolo.tasks.comparison import measures
from diabolo.tasks.comparison.methods import Method, Network, Principal, principal
from diabolo.tasks.comparison.record import REFERENCE, Result, Traits
from diabolo.tasks.comparison.trials import VALIDATION, Bench, Trial, timed, trial
from diabolo.training.batches import split

FEATURES = 10  # numbers of a code whose effect is shown
SHARES = (0.25, 0.5, 1.0)  # of the images, over which the time of a fit is followed

Fits = tuple[tuple[int, float], ...]  # (images, CPU-seconds)


@dataclasses.dataclass(frozen=True)
class Look:
    """What was seen at one code length, for each method."""

    traits: dict[str, Traits]
    features: dict[str, np.ndarray]
    cosines: dict[str, np.ndarray]


def look(
    bench: Bench, learned: np.ndarray, close: list[Result], shorter: list[Result], trials: list[Trial], pca: Principal
) -> Look:
    """Look at the results of one code length; `shorter` are those of the next shorter one, `pca` is PCA at this one."""
    methods: dict[str, Method] = {r.method: Network(r.model) if r.model else pca for r in close}
    fits = {one.name: _fits(bench, one) for one in trials} | {REFERENCE: _reference_fits(bench, learned, pca.size)}
    below = {result.method: result.codes for result in shorter}
    traits = {r.method: _measure(bench, methods[r.method], r, below.get(r.method), fits[r.method]) for r in close}
    features = {r.method: _features(methods[r.method], r) for r in close}
    return Look(traits, features, _cosines(close, pca))


def _fits(bench: Bench, one: Trial) -> Fits:
    """Fits to growing shares of the images; of one epoch where it is by gradient."""
    times = []
    for share in SHARES:
        count = len(bench.images.part(share))
        less = trial(one.name, one.recipe, one.size, count, 1, bench.seed, share)
        if count > one.size:
            times.append((count, timed(functools.partial(bench.train, less, ignore), repeat=not less.gradient)[1]))
    return tuple(times)


def _reference_fits(bench: Bench, learned: np.ndarray, size: int) -> Fits:
    times = []
    for share in SHARES:
        rows = learned[: len(bench.images.part(share))]
        if len(rows) > size:
            times.append((len(rows), timed(functools.partial(principal, rows, size, bench.seed), repeat=True)[1]))
    return tuple(times)


def _measure(bench: Bench, method: Method, result: Result, shorter: np.ndarray | None, fits: Fits) -> Traits:
    spread = result.codes.var(0)
    test = bench.images.test
    return Traits(
        encoder_failure=measures.superposition_failure(method.encode, test),
        whole_failure=measures.superposition_failure(method.reconstruct, test),
        spectrum=spread / max(float(spread.sum()), 1e-300),
        used=measures.participation(measures.variances(result.codes)),
        spanned=measures.dimensions(measures.variances(method.reconstruct(test))),
        correlation=measures.mean_correlation(result.codes),
        ordered=measures.ordered(result.codes),
        nested=measures.explained(shorter, result.codes) if shorter is not None else None,
        fits=fits,
    )


def _features(method: Method, result: Result) -> np.ndarray:
    """(k, d): how the decoder's output changes when each number of the mean code grows by its standard deviation.

    For autoencoders by gradient the numbers with the largest effect come first, since their order means nothing.
    """
    centre, spread = result.codes.mean(0), result.codes.std(0)
    moved = method.decode(centre + np.diag(spread)) - method.decode(centre[None])
    if result.steps and result.method != "linear-gradient":
        moved = moved[np.argsort(-np.square(moved).sum(1))]
    return moved[:FEATURES]


def _cosines(close: list[Result], reference: Principal) -> dict[str, np.ndarray]:
    """|cos| of the angle between each component of PCA and the same one of the linear autoencoders."""
    found = {}
    for result in close:
        basis = getattr(result.model.network.latent, "basis", None) if result.model else None
        if basis is not None and basis.shape == reference.components.shape:
            rows = basis.detach().double().cpu().numpy()
            found[result.method] = np.abs((rows * reference.components).sum(1) / np.linalg.norm(rows, axis=1))
    return found


def validation_bar(learned: np.ndarray, size: int, seed: int) -> float:
    """PCA's error where the curves are measured: fitted without the validation images, measured on them."""
    fitted, held, _ = split(len(learned), VALIDATION, seed)
    pca = Principal(principal(learned[fitted], min(size, len(fitted)), seed), size)
    return float(np.square(pca.reconstruct(learned[held]) - learned[held]).mean()) if len(held) else 0.0
