"""The report of a comparison: which charts, pictures and tables it has, in which order."""

from __future__ import annotations

import numpy as np

from diabolo.tasks.comparison.record import REFERENCE, Comparison, Result
from diabolo.tasks.report import charts, pictures, points, words
from diabolo.tasks.report.page import Block, Cell, Chart, Page, Section, Sentence, Sheet, Table
from diabolo.tasks.report.summary import summary

SAME = 1e-3  # network units; reconstructions that differ by less look the same


def page(comparison: Comparison) -> Page:
    """The whole report."""
    images = comparison.images
    lead = (
        f"{images.description[:1].upper()}{images.description[1:]}. {len(images.learned)} images to learn from, "
        f"{len(images.test)} other images to measure on. The same code lengths for every method."
    )
    return Page("PCA beside autoencoders", lead, summary(comparison), sections(comparison), foot(comparison))


def foot(comparison: Comparison) -> str:
    """What made the page: versions, processor, seed, date."""
    about = comparison.about
    return (
        f"diabolo {about['diabolo']}, torch {about['torch']}, scikit-learn {about['scikit-learn']}, "
        f"{about['processor']}, seed {about['seed']}, {about['date']}."
    )


def sections(comparison: Comparison) -> tuple[Section, ...]:
    """The sections of a comparison, for a page of its own or for a longer one."""
    return (
        Section("error", "Error against code length", (*_errors(comparison),)),
        Section("pictures", "Originals and reconstructions", (_reconstructions(comparison),)),
        Section("points", "Six points, measured", (points.table(comparison),)),
        Section("learning", "Learning, and the order of a code", _learning(comparison)),
        Section("features", "What each number of the code does", _features(comparison)),
        *([Section("map", "The code in two dimensions", (_map(comparison),))] if 2 in comparison.sizes else []),
        Section("cost", "Time, memory, and mere copying", (_costs(comparison),)),
        Section("how", "How it was measured", _how(comparison)),
    )


def _errors(comparison: Comparison) -> tuple[Block, ...]:
    share = "Mean squared error per value on test images, logarithmic. Below the dashed line is better than PCA."
    spread = "Errors of single test images: median, half of the images in the box, 90 of 100 within the whiskers."
    caption = "Mean squared error per value in network units, and PSNR. Green: the least error. Red: worse than PCA."
    head = (Cell("numbers in the code"), *(Cell(str(size)) for size in comparison.sizes))
    rows = []
    for name in comparison.methods:
        found = [comparison.find(name, size) for size in comparison.sizes]
        rows.append((Cell(name), *(_error_cell(comparison, result) for result in found)))
    return (
        Chart(charts.error_by_size(comparison), share),
        Chart(charts.error_of_images(comparison), spread),
        Table(head, tuple(rows), caption),
    )


def _error_cell(comparison: Comparison, result: Result | None) -> Cell:
    if result is None:
        return Cell("–")
    best = comparison.best(result.size).method == result.method
    worse = result.method != REFERENCE and comparison.excess(result) > 0
    return Cell(words.error(result.mse), f"{result.psnr:.1f} dB", "best" if best else "worse" if worse else "")


def _reconstructions(comparison: Comparison) -> Sheet:
    conversion = comparison.images.conversion

    def row(label: str, images: np.ndarray, notes: list[str]) -> tuple[str, tuple[tuple[str, str], ...]]:
        uris = [pictures.data_uri(pictures.seen(image, conversion)) for image in images]
        return label, tuple(zip(uris, notes, strict=True))

    originals = comparison.images.test[comparison.shown]
    rows = [row("original", originals, [""] * len(originals))]
    hidden = set()
    for size in comparison.sizes:
        rows.append((f"{size} numbers", ()))
        for result in comparison.at(size):
            if result.method != REFERENCE and np.abs(result.shown - comparison.reference(size).shown).max() < SAME:
                hidden.add(result.method)
                continue
            notes = [words.error(float(error)) for error in result.errors[comparison.shown]]
            rows.append(row(result.method, result.shown, notes))
    caption = "Test images drawn at random, and what comes back from their codes. Below each: its mean squared error."
    if hidden:
        caption += f" {words.listed(sorted(hidden))} gives PCA's pictures and is not repeated."
    return Sheet(tuple(rows), caption)


def _learning(comparison: Comparison) -> tuple[Block, ...]:
    fall = (
        f"Error on the validation images after each epoch, code of {comparison.focus} numbers, logarithmic. "
        "The dashed line is PCA on the same images, fitted without them."
    )
    order = (
        "Share of the test codes' variance in each number, in the code's own order. PCA's fall, since its components "
        "are sorted by variance; a deep code has no order of its own."
    )
    curves = [result for result in comparison.at(comparison.focus) if result.curve]
    blocks: list[Block] = [Chart(charts.learning(comparison), fall)] if curves else []
    return (*blocks, Chart(charts.spectrum(comparison), order))


def _features(comparison: Comparison) -> tuple[Block, ...]:
    conversion = comparison.images.conversion
    rows: list[tuple[str, tuple[tuple[str, str], ...]]] = []
    for name, features in comparison.features.items():
        cosines = comparison.cosines.get(name)
        uris = [pictures.data_uri(pictures.changes(image, conversion)) for image in _oriented(comparison, name)]
        if cosines is not None:
            notes = [f"|cos| {cosine:.4f}" for cosine in cosines[: len(features)]]
        else:
            notes = [f"{np.sqrt(np.square(image).mean()):.3f}" for image in features]
        rows.append((name, tuple(zip(uris, notes, strict=True))))
    coloured = conversion.layout == "channels" and conversion.shape[0] == 3
    colours = "grey: no change" if coloured else "red: brighter, blue: darker"
    caption = (
        "How the picture of the mean code changes when one number of the code grows by its standard deviation "
        f"({colours}; each scaled to its own largest change). For PCA and linear these are the components, in order. "
        "Elsewhere the numbers with the largest effect come first. Below each stands its root mean square effect, or "
        "|cos| of the angle to PCA's component of the same place."
    )
    return (Sheet(tuple(rows), caption),)


def _oriented(comparison: Comparison, name: str) -> np.ndarray:
    """A method's features with the signs that agree with PCA's, where the two are the same up to sign."""
    features = comparison.features[name]
    if name not in comparison.cosines:
        return features
    reference = comparison.features[REFERENCE]
    return features * np.where((features * reference).sum(1) < 0, -1.0, 1.0)[:, None]


def _map(comparison: Comparison) -> Chart:
    labelled = comparison.images.labels is not None
    own = "Each place shows an image with that code"
    marks = "Colours are the classes, which no method was told" if labelled else own
    return Chart(charts.maps(comparison), f"Test images by their codes of two numbers. {marks}.", wide=True)


def _costs(comparison: Comparison) -> Table:
    names = ("", "training", "peak memory", "parameters", "model", "encode", "decode", "copy score", "error")
    rows = []
    for result in [*comparison.at(comparison.focus), *([comparison.copier] if comparison.copier else [])]:
        bad = result is comparison.copier
        times = [words.seconds(seconds) for seconds in (result.encode_seconds, result.decode_seconds)]
        cells = (
            Cell(result.method, f"{result.size} numbers, no pressure" if bad else ""),
            Cell(words.seconds(result.cpu_seconds), f"{result.epochs} epochs" if result.steps else "closed form"),
            Cell(words.size(result.memory)),
            Cell(f"{result.parameters:,}"),
            Cell(words.size(result.bytes)),
            *(Cell(time) for time in times),
            Cell(f"{result.copy_score:.3f}", mark="worse" if bad else ""),
            Cell(words.error(result.mse)),
        )
        rows.append(cells)
    caption = (
        f"Code of {comparison.focus} numbers. Training in CPU-seconds; peak memory is how far training raised the "
        "process's resident memory; encoding and decoding per image. The copy score says how well a model reconstructs "
        "white noise of the data's mean and variance: 0 = it knows only its data, 1 = it copies whatever it is given."
    )
    return Table(tuple(Cell(name) for name in names), tuple(rows), caption)


def _how(comparison: Comparison) -> tuple[Sentence, ...]:
    images = comparison.images
    trained = [r for r in comparison.at(comparison.focus) if r.steps]
    efforts = words.listed([f"{r.method} {r.epochs} epochs" for r in trained]) if trained else ""
    effort = f"Trained by gradient: {efforts}; a tenth of the images to learn from chooses the best epoch."
    texts = [
        f"Test images: {images.named_test}. No method saw them before it was measured.",
        "PCA is scikit-learn's, fitted once; each code length takes its first components. linear is diabolo's own "
        "solution in closed form; linear-gradient is the same network trained step by step.",
        effort if efforts else "",
        f"Network units: the data's range is {images.range:g} ({_range(comparison)}), and PSNR is taken against it.",
        "Linearity: for pairs of test images, root mean square distance between f((a + b) / 2) and (f(a) + f(b)) / 2, "
        "relative to the spread of the latter. Dimensions used: participation ratio of the codes' variances along "
        "their principal axes. Dimensions spanned: principal axes that hold 99 % of the variance of the "
        "reconstructions. Nested: share of the shorter code's variance that a straight-line fit from the longer code "
        "explains on other images.",
    ]
    return tuple(Sentence(text) for text in texts if text)


def _range(comparison: Comparison) -> str:
    conversion = comparison.images.conversion
    return f"{conversion.dtype}, {' × '.join(map(str, conversion.shape))} numbers an image"
