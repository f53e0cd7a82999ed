"""A model with a coded latent as a codec: pictures to chunks of symbols, tile by tile, and back.

Tiles are coded each by itself, so that memory does not grow with the picture and a region can be decoded alone. No seam
shows between them: what the networks before and after the coding see reaches over the edges, as far as they look.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from diabolo.architectures import Blocks
from diabolo.errors import Mistake
from diabolo.latents import CodedLatent
from diabolo.latents.whole import EightBits
from diabolo.model import Model
from diabolo.options import name_of, to_plain
from diabolo.preprocessing import UNIT
from diabolo.tasks.compress import symbols
from diabolo.tasks.compress.container import DIGEST, TILE, Header

Progress = Callable[[int, int], None]  # (tiles done, tiles in all)
Rectangle = tuple[int, int, int, int]  # top, left, height, width; pixels


class Codec:
    """What a model's file gives for coding: networks, tables, and a digest that tells it from every other."""

    def __init__(self, model: Model) -> None:
        latent = model.network.latent
        if not isinstance(latent, CodedLatent) or not isinstance(model.recipe.architecture, Blocks):
            got = f"{name_of(model.recipe.architecture)} with a {name_of(model.recipe.latent)} latent"
            raise Mistake("this is no codec", got, "blocks with a coded latent", "diabolo fit compress FOLDER -o MODEL")
        self.model, self.latent, self.channels = model, latent, model.conversion.shape[0]
        for layer in latent.modules():
            if isinstance(layer, EightBits):
                layer.hold()
        self.tables = symbols.Tables.of(latent)
        self.side = int(model.recipe.architecture.side)  # of a block
        self.reach = self.side * model.recipe.latent.blocks  # pixels that the networks look beyond an edge
        self.digest = _digest(model)
        self._exact: tuple[CodedLatent, torch.nn.Module] | None = None
        if TILE % self.side:
            raise Mistake("a codec's blocks must fit its tiles", f"{self.side} pixels", f"a divisor of {TILE}")

    def encode(
        self, images: np.ndarray, header: Header, thrift: float, progress: Progress | None = None
    ) -> tuple[list[bytes], float]:
        """Images (n, h, w) or (n, h, w, 3) of the header's kind as its chunks; and the estimate of their size, bits."""
        chunks, bits = [], 0.0
        for place, (group, tile) in enumerate(_places(header)):
            steps = self._steps(images[group.start : group.stop], tile, header.quality)
            chunk, _, estimate = symbols.encode(self.latent, self.tables, steps, header.quality, thrift)
            chunks.append(chunk)
            bits += estimate
            if progress:
                progress(place + 1, header.chunks)
        return chunks, bits

    def decode(
        self,
        header: Header,
        chunks: list[bytes],
        region: Rectangle | None = None,
        exact: bool = False,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """The pictures (n, h, w) or (n, h, w, 3) of a file, or the same rectangle of each."""
        wanted = region or (0, 0, header.height, header.width)
        shape = (header.count, wanted[2], wanted[3], *(() if header.grey else (3,)))
        out: np.ndarray | None = None  # a damaged file shows before large arrays are made
        tiles = header.tiles()
        near = [place for place, tile in enumerate(tiles) if _overlap(tile, _grown(wanted, self.reach, header))]
        done, total = 0, len(near) * len(header.together())
        for g, group in enumerate(header.together()):
            values = _Values(self, header, len(group), wanted)
            for place in near:
                values.put(tiles[place], chunks[g * len(tiles) + place])
                done += 1
                if progress:
                    progress(done, total)
            out = np.empty(shape, np.uint16 if header.deep else np.uint8) if out is None else out
            for tile in tiles:
                if cut := _overlap(tile, wanted):
                    pixels = self._pixels(values, cut, header, exact)
                    top, left = cut[0] - wanted[0], cut[1] - wanted[1]
                    out[group.start : group.stop, top : top + cut[2], left : left + cut[3]] = pixels
        assert out is not None
        return out

    def cost(self, images: np.ndarray, quality: int) -> float:
        """What training would have had to pay for images of at most one tile, nats: the code and its errors."""
        x = self._tensor(images)
        with torch.no_grad():
            chosen = symbols.qualities(len(x), quality, x)
            features = self.model.network.encoder(x).values
            steps = self.latent.to_steps(features, chosen)
            _, values, bits = symbols.encode(self.latent, self.tables, steps, quality)
            apart = self.latent.from_steps(values / 16, chosen) - features  # as far apart as the pixels are
            errors = 6 * float((apart / self.latent.usual(chosen)[:, None, None, None]).double().square().sum())
        return bits * math.log(2) + errors

    def _steps(self, images: np.ndarray, tile: Rectangle, quality: int) -> Tensor:
        """The steps (n, channels, h, w) of a tile of images."""
        top, left, height, width = tile
        above, before = min(self.reach, top), min(self.reach, left)
        piece = images[:, top - above : top + height + self.reach, left - before : left + width + self.reach]
        x = self._tensor(piece)
        with torch.no_grad():
            chosen = symbols.qualities(len(x), quality, x)
            steps = self.latent.to_steps(self.model.network.encoder(x).values, chosen)
        rows, columns = above // self.side, before // self.side
        return steps[:, :, rows : rows - (-height // self.side), columns : columns - (-width // self.side)]

    def _tensor(self, images: np.ndarray) -> Tensor:
        """Images (n, h, w) or (n, h, w, 3) as the network takes them; grey ones in all its channels."""
        if images.ndim == 3 and self.model.conversion.layout == "channels":
            images = np.repeat(images[..., None], self.channels, 3)
        return self.model.conversion.to_network(np.ascontiguousarray(images), self.model.dtype, self.model.device)

    def _pixels(self, values: _Values, cut: Rectangle, header: Header, exact: bool) -> np.ndarray:
        """The pixels (n, h, w) or (n, h, w, 3) of a rectangle whose values, and those around it, are known."""
        latent, decoder = self._networks(exact)
        dtype = torch.float64 if exact else self.model.dtype
        (top, left, height, width), found = values.around(cut, dtype, self.model.device)
        quality = symbols.qualities(len(found), header.quality, found)
        with torch.no_grad():
            features = latent.from_steps(found / 16, quality, exact)
            y = decoder(features, (), (features.shape[2] * self.side, features.shape[3] * self.side))
        y = y[:, :, cut[0] - top : cut[0] - top + height, cut[1] - left : cut[1] - left + width]
        y = y[..., : cut[2], : cut[3]]
        if header.grey and y.shape[1] > 1:  # one by one in this order, so that every machine adds alike
            y = (sum(y[:, c : c + 1] for c in range(1, y.shape[1])) + y[:, :1]) / y.shape[1]
        scale, offset = self.model.conversion.scale[0], self.model.conversion.offset[0]
        unit = UNIT["uint16" if header.deep else "uint8"]
        whole = torch.floor((y * scale + offset) * unit + 0.5).clamp(0, unit)
        pixels = whole.cpu().numpy().astype(np.uint16 if header.deep else np.uint8)
        return pixels[:, 0] if header.grey else np.moveaxis(pixels, 1, 3)

    def _networks(self, exact: bool) -> tuple[CodedLatent, torch.nn.Module]:
        if not exact:
            return self.latent, self.model.network.decoder
        if self._exact is None:
            self._exact = copy.deepcopy(self.latent).double(), copy.deepcopy(self.model.network.decoder).double()
        return self._exact


class _Values:
    """The decoded values of the tiles around a rectangle, in sixteenths of a step, as 16-bit numbers."""

    def __init__(self, codec: Codec, header: Header, count: int, wanted: Rectangle) -> None:
        self.codec, self.header, self.count = codec, header, count
        self.area = _grown(wanted, codec.reach, header)
        side = codec.side
        self.top, self.left = self.area[0] // side, self.area[1] // side
        rows = -(-(self.area[0] + self.area[2]) // side) - self.top
        columns = -(-(self.area[1] + self.area[3]) // side) - self.left
        self.shape = count, codec.channels * side * side, rows, columns
        self.held: np.ndarray | None = None

    def put(self, tile: Rectangle, chunk: bytes) -> None:
        """Decode a tile's chunk, and keep what lies in the area."""
        side, (top, left) = self.codec.side, tile[:2]
        height, width = -(-tile[2] // side), -(-tile[3] // side)
        shape = (self.count, height, width)
        found = symbols.decode(self.codec.latent, self.codec.tables, chunk, shape, self.header.quality)
        self.held = np.empty(self.shape, np.int16) if self.held is None else self.held
        y, x = top // side - self.top, left // side - self.left
        rows, columns = self.shape[2:]
        inner = found[:, :, max(0, -y) : rows - y, max(0, -x) : columns - x].cpu().numpy()
        self.held[:, :, max(0, y) : y + height, max(0, x) : x + width] = inner

    def around(self, cut: Rectangle, dtype: torch.dtype, device: torch.device) -> tuple[Rectangle, Tensor]:
        """A rectangle grown by what the network sees beyond it, to whole blocks, and the values there."""
        side = self.codec.side
        top, left, height, width = _grown(cut, self.codec.reach, self.header)
        y, x = top // side, left // side
        bottom, right = -(-(top + height) // side), -(-(left + width) // side)
        assert self.held is not None
        held = self.held[:, :, y - self.top : bottom - self.top, x - self.left : right - self.left]
        return (y * side, x * side, (bottom - y) * side, (right - x) * side), torch.from_numpy(held).to(device, dtype)


def _places(header: Header) -> Iterator[tuple[range, Rectangle]]:
    """What each chunk holds, in their order: which pictures, and which tile of them."""
    return ((group, tile) for group in header.together() for tile in header.tiles())


def _grown(cut: Rectangle, reach: int, header: Header) -> Rectangle:
    top, left = max(0, cut[0] - reach), max(0, cut[1] - reach)
    bottom, right = min(header.height, cut[0] + cut[2] + reach), min(header.width, cut[1] + cut[3] + reach)
    return top, left, bottom - top, right - left


def _overlap(a: Rectangle, b: Rectangle) -> Rectangle | None:
    top, left = max(a[0], b[0]), max(a[1], b[1])
    bottom, right = min(a[0] + a[2], b[0] + b[2]), min(a[1] + a[3], b[1] + b[3])
    return (top, left, bottom - top, right - left) if top < bottom and left < right else None


def _digest(model: Model) -> bytes:
    """The first bytes of SHA-256 over all that decides what a file's bytes mean."""
    told = [to_plain(model.recipe.architecture), to_plain(model.recipe.latent), model.conversion.shape]
    told += [model.conversion.offset, model.conversion.scale]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name, value in sorted(model.network.latent.state_dict().items()):
        digest.update(f"{name} {list(value.shape)}".encode())
        digest.update(np.ascontiguousarray(value.cpu().float().numpy()).data)
    return digest.digest()[:DIGEST]
