"""The same bits everywhere: decoded by the networks as they are, however torch computes, by ONNX Runtime, and in NumPy.

`numpy_codec` is a decoder of its own, in whole numbers, with a coder of its own.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable, Iterator
from typing import Any

import constriction
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy_codec import WHOLE, Coder, File, NumpyCodec, lefts, parse
from skimage.data import astronaut, camera
from tiny_codec import WAYS, computing, photo, psnr, tiny_codec
from torch import Tensor

from diabolo.latents.whole import FINE, GRID, Whole, eight_bits
from diabolo.model import Model
from diabolo.pixels import Picture
from diabolo.tasks.compress import Compressor, container, orientation, symbols
from diabolo.tasks.compress.codec import Codec

MODELS: dict[str, Callable[[], Model]] = {"photo": photo, "tiny": functools.cache(tiny_codec)}
MODELS |= {"tiny, grey": functools.cache(lambda: tiny_codec(1)), "tiny, straight": lambda: _straight()}
PICTURES = {
    "colour": astronaut()[100:141, 170:227],
    "grey": camera()[100:148, 200:253],
    "deep": astronaut()[300:332, 100:140].astype(np.uint16) * 257 - 100,
    "noise": np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8),
    "row": camera()[100:101, :70],
}
QUALITIES = (1, 35, 70, 100)


@functools.cache
def _straight() -> Model:
    return tiny_codec(latent__blocks=0)


@functools.cache
def numpy_codec(name: str) -> NumpyCodec:
    model = MODELS[name]()
    weights = {key: value.numpy() for key, value in model.network.latent.state_dict().items()}
    return NumpyCodec(weights, model.conversion.shape[0], 8)


@functools.cache
def codec(name: str) -> Codec:
    return Codec(MODELS[name]())


@functools.cache
def written(name: str, picture: str, quality: int) -> bytes:
    return Compressor(MODELS[name](), quality=quality).compress(PICTURES[picture])


@functools.cache
def album() -> bytes:
    """Seven pictures in one file."""
    pictures = [
        Picture(np.ascontiguousarray(astronaut()[10 * i : 10 * i + 40, 20 * i : 20 * i + 56])) for i in range(7)
    ]
    return Compressor(photo(), quality=60).compress_pictures(pictures, list("abcdefg"))


def decoded(latent: Any, data: bytes, name: str) -> Tensor:
    """The values of the first chunk of a file."""
    header, chunks, _ = container.unpack(data)
    shape = (header.count, -(-header.height // 8), -(-header.width // 8))
    return symbols.decode(latent, codec(name).tables, chunks[0], shape, header.quality).cpu().long()


CASES = [
    (name, picture, quality)
    for name in MODELS
    for picture in PICTURES
    for quality in (QUALITIES if name == "photo" else QUALITIES[1::2])
    if picture in ("grey", "row") or "grey" not in name
]


@pytest.mark.parametrize(("name", "picture", "quality"), CASES)
def test_numpy_decodes_the_same_values_and_pixels(name: str, picture: str, quality: int) -> None:
    data, numpy = written(name, picture, quality), numpy_codec(name)
    file = parse(data)
    assert (file.quality, file.grey, file.deep) == (quality, picture in ("grey", "row"), picture == "deep")
    values = numpy.decode(file)
    np.testing.assert_array_equal(values, decoded(MODELS[name]().network.latent, data, name)[0])
    pixels = Compressor(MODELS[name](), exact=True).decompress(data)
    np.testing.assert_array_equal(numpy.pixels(file, values), pixels)
    assert pixels.shape == PICTURES[picture].shape
    assert psnr(pixels, PICTURES[picture]) > (35 if quality == 100 else 10)


def test_numpy_turns_back_what_was_turned() -> None:
    """The greatest effort tries all turns; each is also written by itself."""
    model, seen = photo(), set()
    for turn in range(8):
        before = orientation.turned(PICTURES["colour"][None], turn)[0]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Compressor, "_best_turn", lambda *_: turn)  # noqa: B023
            data = Compressor(model, quality=80).compress(before)
        file = parse(data)
        pixels = numpy_codec("photo").pixels(file, numpy_codec("photo").decode(file))
        np.testing.assert_array_equal(Compressor(model, exact=True).decompress(data), pixels)
        assert psnr(pixels, before) > 38
        seen.add(file.turn)
    assert seen == set(range(8))


def test_numpy_decodes_symbols_far_beyond_their_tables() -> None:
    latent, tables = photo().network.latent, codec("photo").tables
    steps = (500 * torch.randn((1, 192, 3, 5), generator=torch.Generator().manual_seed(0))).clamp(-2000, 2000)
    chunk, values, _ = symbols.encode(latent, tables, steps, 40)
    assert values.abs().max() > 16 * int(tables.largest.max())
    assert (values / 16 - steps).abs().max() <= 0.5
    assert torch.equal(symbols.decode(latent, tables, chunk, (1, 3, 5), 40), values)
    file = File(24, 40, 40, grey=False, deep=False, chunk=chunk)
    np.testing.assert_array_equal(numpy_codec("photo").decode(file), values[0].long())


def test_what_no_file_can_hold_is_brought_near() -> None:
    latent, tables = photo().network.latent, codec("photo").tables
    steps = torch.full((1, 192, 2, 2), 1e5)
    chunk, values, _ = symbols.encode(latent, tables, steps, 40)
    assert values.min() > symbols.LARGEST - 16
    assert values.max() <= symbols.LARGEST
    assert torch.equal(symbols.decode(latent, tables, chunk, (1, 2, 2), 40), values)


@given(
    weights=st.lists(st.integers(0, 1000), min_size=2, max_size=60), chosen=st.lists(st.integers(0, 10**6), max_size=80)
)
def test_the_coder_is_that_of_the_file(weights: list[int], chosen: list[int]) -> None:
    """The plain one takes back what constriction's has put in: of tables, and of all whole numbers of twenty bits."""
    counts = np.array(weights) * (2**16 - len(weights)) // max(1, sum(weights)) + 1
    counts[0] += 2**16 - counts.sum()
    own, far = np.array(chosen, np.int32) % len(counts), np.array(chosen, np.int32)
    coder = constriction.stream.stack.AnsCoder()
    coder.encode_reverse(far, constriction.stream.model.Uniform(2**20))
    coder.encode_reverse(own, constriction.stream.model.Categorical(counts / 2**16, perfect=False))
    plain, begins = Coder(coder.get_compressed().astype("<u4").tobytes()), lefts(counts)
    assert begins[0] == 0
    assert begins[-1] == WHOLE
    assert [plain.symbol(begins) for _ in own] == own.tolist()
    assert [plain.uniform(2**20) for _ in far] == far.tolist()
    assert plain.is_empty()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["photo", "tiny"])
def test_every_way_to_compute_reads_the_same_values(name: str, way: str) -> None:
    latent = MODELS[name]().network.latent
    files = [written(name, picture, quality) for picture in ("colour", "noise", "grey") for quality in (10, 60, 100)]
    files += [album()] if name == "photo" else []
    wanted = [decoded(latent, data, name) for data in files]
    with computing(way, latent) as changed:
        for data, want in zip(files, wanted, strict=True):
            assert torch.equal(decoded(changed, data, name), want)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["photo", "tiny"])
def test_what_every_way_writes_is_read(name: str, way: str) -> None:
    """What comes before the coding may differ in its last bits, and with it a symbol; never what is read of a file."""
    latent, tables = MODELS[name]().network.latent, codec(name).tables
    steps = torch.randn((3, 192, 6, 5), generator=torch.Generator().manual_seed(0)) * torch.logspace(1, -2, 192).view(
        1, -1, 1, 1
    )
    for quality in (10, 90):
        with computing(way, latent) as changed:
            chunk, values, _ = symbols.encode(changed, tables, steps.to(changed.lengths), quality, thrift=0.3)
        read = symbols.decode(latent, tables, chunk, (3, 6, 5), quality)
        assert torch.equal(read, values.to(read))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["photo", "tiny"])
def test_pixels_are_near_and_exact_ones_the_same(name: str, way: str) -> None:
    for picture in ("colour", "grey"):
        for quality in (10, 100):
            data = written(name, picture, quality)
            usual = Compressor(MODELS[name]()).decompress(data)
            exact = Compressor(MODELS[name](), exact=True).decompress(data)
            assert np.abs(usual.astype(int) - exact).max() <= 1
            with computing(way, MODELS[name]()) as changed:
                found = Compressor(changed).decompress(data)
                assert np.abs(usual.astype(int) - found).max() <= 1
                np.testing.assert_array_equal(Compressor(changed, exact=True).decompress(data), exact)


def test_what_a_file_holds_of_a_model_is_taken_as_it_is() -> None:
    """Steps and tables are not found again: another machine's exponential could round them otherwise."""
    model = tiny_codec()
    latent = model.network.latent
    latent.lengths.mul_(1 + 2**-9)
    for counts in (latent.counts[:6], latent.hyper_counts[0]):  # the first table has six
        counts[counts.argmax()] -= 1
        counts[0] += 1
    before = {name: value.clone() for name, value in latent.state_dict().items()}
    data = Compressor(model).compress(PICTURES["grey"])
    Compressor(model, exact=True).decompress(data)
    assert all(torch.equal(value, before[name]) for name, value in latent.state_dict().items())


@contextlib.contextmanager
def onnx_layers(latent: Any) -> Iterator[Any]:
    """A copy of a latent whose layers of whole numbers are computed by ONNX Runtime."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

    def session(layer: Whole) -> Callable[[Tensor], Tensor]:
        weight, step = eight_bits(layer.weight)
        unit = step.clamp(max=1 / FINE)
        added = (layer.bias * GRID + 0.5 + unit / 2).view(1, -1, 1, 1)
        make, tensor = onnx.helper, onnx.numpy_helper.from_array
        kept = {name: tensor(value.detach().numpy(), name) for name, value in (("w", weight), ("b", added))}
        pads, strides = [layer.padding[0]] * 4, list(layer.stride)
        nodes = [make.make_node("Conv", ["x", "w"], ["sum"], pads=pads, strides=strides)]
        nodes += [make.make_node("Add", ["sum", "b"], ["all"]), make.make_node("Floor", ["all"], ["y"])]
        places = [
            make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", size, "h", "w_"])
            for name, size in (("x", layer.in_channels), ("y", layer.out_channels))
        ]
        graph = make.make_graph(nodes, "layer", places[:1], places[1:], list(kept.values()))
        model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1  # more would wait for each other by spinning
        run = runtime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"]).run
        return lambda x: torch.from_numpy(run(None, {"x": x.numpy()})[0])

    changed = copy.deepcopy(latent)
    for layer in changed.entropy.modules():
        if isinstance(layer, Whole):
            layer.forward = session(layer)
    yield changed


@pytest.mark.parametrize("name", ["photo", "tiny"])
def test_onnx_runtime_reads_the_same_values(name: str) -> None:
    latent = MODELS[name]().network.latent
    with torch.no_grad(), onnx_layers(latent) as changed:
        for picture in ("colour", "noise"):
            for quality in (10, 100):
                data = written(name, picture, quality)
                assert torch.equal(decoded(changed, data, name), decoded(latent, data, name))
