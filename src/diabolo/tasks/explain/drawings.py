"""Small drawings as SVG that takes the page's colours, and pictures that show where something is."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np

from diabolo.pixels import resize
from diabolo.preprocessing import Conversion
from diabolo.tasks.report import pictures

HUES = ("#d9722e", "#3f7fd0", "#8c8c8c", "#2a9d8f", "#9b6bc0", "#c2557a")
WIDTH, ROW, LABEL = 460, 19, 150  # pixels
LARGEST = 320  # pixels, the longer side of a picture on the page
SMALLEST = 160  # pixels to which small ones are enlarged, so that a browser does not smooth them


def bars(rows: Sequence[tuple[str, float]], name: str) -> str:
    """A horizontal bar for each (label, value of 0 or more), with its figure."""
    most = max((value for _, value in rows), default=0) or 1.0
    told = []
    for i, (label, value) in enumerate(rows):
        length = max(0.0, value) / most * (WIDTH - LABEL - 60)
        y = i * ROW
        told.append(_text(LABEL - 8, y + 13, label[:22], "end"))
        told.append(f'<rect x="{LABEL}" y="{y + 3}" width="{length:.1f}" height="{ROW - 7}" fill="{HUES[0]}"/>')
        told.append(_text(LABEL + length + 6, y + 13, f"{value:.2g}", "start"))
    return _svg("".join(told), ROW * len(rows) + 4, name)


def curves(lines: Mapping[str, Sequence[float]], name: str, along: str) -> str:
    """Curves from 0 to 1 over whole numbers from 0, each with its name at its side."""
    left, top, width, height = 34, 8, 270, 180
    low = min(0.0, *(min(line) for line in lines.values()))
    told = []
    for level in (0.0, 0.5, 1.0):
        y = top + height * (1 - (level - low) / (1 - low))
        told.append(f'<path d="M{left} {y:.1f}H{left + width}" stroke="var(--rule)"/>')
        told.append(_text(left - 6, y + 4, f"{level:g}", "end"))
    ends = sorted((-line[-1] - 1e-6 * sum(line), key) for key, line in lines.items())
    for i, (key, line) in enumerate(lines.items()):
        step = width / max(1, len(line) - 1)
        points = [
            f"{left + step * j:.1f} {top + height * (1 - (value - low) / (1 - low)):.1f}"
            for j, value in enumerate(line)
        ]
        hue = HUES[i % len(HUES)]
        told.append(f'<path d="M{"L".join(points)}" fill="none" stroke="{hue}" stroke-width="2"/>')
        place = [one for _, one in ends].index(key)
        told.append(_text(left + width + 12, top + 12 + 17 * place, key, "start", hue))
    told.append(_text(left + width / 2, top + height + 18, along, "middle"))
    return _svg("".join(told), top + height + 26, name)


def shown(images: np.ndarray, conversion: Conversion) -> list[np.ndarray]:
    """Raw pictures (n, h, w) or (n, h, w, c) as uint8 that a page can show."""
    values = conversion.to_network(images).numpy()
    return [_seen(one, conversion) for one in values]


def _seen(values: np.ndarray, conversion: Conversion) -> np.ndarray:
    """A picture in network units, of any size, from the data's darkest to its brightest value."""
    planes = np.moveaxis(values, 0, -1)
    planes = planes if planes.shape[2] == 3 else planes.mean(2)
    scaled = (planes - conversion.low) / ((conversion.high - conversion.low) or 1.0)
    return np.rint(scaled.clip(0, 1) * 255).astype(np.uint8)


def difference(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """What was added (red) and taken away (blue), on white; uint8 pictures to a uint8 picture (h, w, 3)."""
    change = after.astype(np.float64) - before
    change = change if change.ndim == 2 else change.mean(2)
    share = np.abs(change)[..., None] / 255
    colour = np.where(change[..., None] < 0, pictures.COLD, pictures.WARM)
    return np.rint(255 * (1 - share) + colour * share).astype(np.uint8)


def shades(values: np.ndarray) -> np.ndarray:
    """A map (h, w) as white for 0 or less to dark red for its greatest value, uint8 (h, w, 3)."""
    share = np.clip(values / max(float(values.max()), 1e-12), 0, 1)[..., None]
    return np.rint(255 * (1 - share) + pictures.WARM * share).astype(np.uint8)


def uri(picture: np.ndarray) -> str:
    """A uint8 picture for the page: large ones smaller, and pixels of small ones repeated."""
    longer = max(picture.shape[:2])
    if longer > LARGEST:
        size = [max(1, round(side * LARGEST / longer)) for side in picture.shape[:2]]
        return pictures.data_uri(resize(picture, size[0], size[1]))
    times = max(1, SMALLEST // longer)
    return pictures.data_uri(picture.repeat(times, 0).repeat(times, 1))


def _svg(inside: str, height: float, name: str) -> str:
    size = f'viewBox="0 0 {WIDTH} {height:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{html.escape(name)}">{inside}</svg>'


def _text(x: float, y: float, text: str, anchor: str, fill: str = "currentColor") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" font-size="12"'
    return f"<text {place}>{html.escape(text)}</text>"
