"""How draws under `jit` are laid out: few programs, and leaves of any size."""

import re

import jax
import numpy as np
import pytest
from flat_draws import flat_draw
from helpers import same_bits

from eqinit._fill import traced
from eqinit._fill.kernels import WIDTH
from eqinit._fill.request import FillRequest
from eqinit._fill.traced import fill_traced, terms_of


def _requests(shapes: list[tuple[int, ...]]) -> list[FillRequest]:
    keys = np.asarray(jax.random.key_data(jax.random.split(jax.random.key(5), 40)))
    return [
        FillRequest(keys[i], shape, "normal", 0.1, 0.7)
        for i, shape in enumerate(shapes)
    ]


def _drawn(requests: list[FillRequest]) -> "jax.stages.Wrapped":
    keys = np.stack([request.key_data for request in requests])
    return jax.jit(lambda: fill_traced(requests, keys, terms_of(requests)))


def _slices(program: str) -> list[str]:
    """The functions that cut leaves out of buffers, numbers of names left out."""
    bodies = re.findall(r"(?ms)^%\S+ \([^\n]*\{\n(?:(?!^\}).)*ROOT.*?^\}", program)
    cutting = [body for body in bodies if "f32[7,100]" in body or "f32[700]" in body]
    parts = [re.sub(r", metadata=\{.*?\}", "", body) for body in cutting]
    parts = [part for part in parts if "slice(" in part and "concatenate(" not in part]
    return [re.sub(r"(?<=[a-z_])[.\d]+\b", "", part) for part in parts]


def test_leaves_of_one_size_are_cut_by_one_program():
    # XLA compiles equal functions once. No two would be, if they held where they cut.
    requests = _requests([(7, 100)] * 30)
    found = _slices(_drawn(requests).lower().compile().as_text())
    assert len(found) == 30
    assert len(set(found)) == 1, sorted(set(found))[:2]


@pytest.mark.bits
@pytest.mark.parametrize("shape", [(3, WIDTH), (3, 1000), (5000,)])
def test_a_leaf_that_32_bits_do_not_count(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
):
    # Of 17 GB, were it not for a smaller number of bits.
    monkeypatch.setattr(traced, "_COUNTED", 2 * WIDTH)
    requests = _requests([shape, (40,)])
    for request, ours in zip(requests, _drawn(requests)(), strict=True):
        assert same_bits(ours, flat_draw(request)), request


def test_a_row_knows_its_first_element_in_64_bits():
    sizes = [5 * WIDTH, 2**35 + 1, 3]
    rows = traced._rows(sizes)
    leaf, start = np.asarray([], int), np.asarray([], np.uint64)
    for step in (0, 1, rows.steps // 2, rows.steps - 2, rows.steps - 1):
        place = traced._place(rows, jax.numpy.int32(step))
        high, low = (np.asarray(word).astype(np.uint64) for word in place[2:])
        start = np.append(start, high * np.uint64(2**32) + low)
        leaf = np.append(leaf, place.leaf)
    # The rows of these steps by counting them, as Python counts.
    begins = [s * rows.per_step for s in (0, 1, rows.steps // 2, rows.steps - 2)]
    begins.append(rows.shape[0] - rows.per_step)
    numbers = np.concatenate([np.arange(b, b + rows.per_step) for b in begins])
    counts = [5, 2**25 + 1, 1]
    first = np.asarray([0, 5, 5 + 2**25 + 1])
    assert rows.shape == (sum(counts), WIDTH)
    whose = np.asarray([int((first <= n).sum()) - 1 for n in numbers])
    assert (leaf == whose).all()
    assert (start == ((numbers - first[whose]) * WIDTH).astype(np.uint64)).all()
