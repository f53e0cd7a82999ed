"""What every test can ask for: data sets from outside, and hypothesis and torch set up so that runs repeat."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in the Makefile: two threads do not wait by spinning
if not os.environ.get("DIABOLO_GPU"):  # `make gpu` sets it; elsewhere all is computed on the processor
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ.setdefault("OMP_NUM_THREADS", "1")  # for a module's own fixtures, which are there before `one_thread`
hypothesis.settings.register_profile(
    "repeatable", derandomize=True, deadline=None, max_examples=50, print_blob=True, database=None
)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """One torch thread a worker, in the tests that use torch: sums then come out the same on every machine."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@pytest.fixture
def data() -> Callable[[str], Path]:
    """`data("mnist")`: the folder `$DIABOLO_DATA/mnist`; the test is skipped where there is none."""

    def find(name: str) -> Path:
        root = os.environ.get("DIABOLO_DATA")
        if root and (Path(root) / name).is_dir():
            return Path(root) / name
        pytest.skip(f"no data set {name!r}: put it into a folder of that name and set DIABOLO_DATA to the folder above")

    return find
