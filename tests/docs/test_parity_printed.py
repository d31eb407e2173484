"""What flax's page prints of its initializers, to the digit."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from parity import rows, value


KEY = jax.random.key(42)
ROWS = rows("flax")
# How far the draw may be from the page, in units of the last place of the largest
# entry: 0 for what no library routine has touched, 4 for the inverse error function,
# 40 for a QR decomposition of 3 x 3.
EXACT, ERF, QR = 0, 4, 40
PRINTED: list[tuple[str, list[Any], int]] = [
    ("`constant(value)`", [[-7.0, -7.0, -7.0], [-7.0, -7.0, -7.0]], EXACT),
    (
        "`delta_orthogonal()`",
        [
            [[0.0] * 3] * 3,
            [
                [0.27858758, -0.7949833, -0.53887904],
                [0.9120717, 0.04322892, 0.40774566],
                [-0.30085585, -0.6050892, 0.73712474],
            ],
            [[0.0] * 3] * 3,
        ],
        QR,
    ),
    (
        "`glorot_normal()`",
        [[0.41770416, 0.75262755, 0.7619329], [-0.5516644, -0.6028657, 0.08661086]],
        ERF,
    ),
    (
        "`glorot_uniform()`",
        [[0.50350785, 0.8088631, 0.81566876], [-0.6393332, -0.6865721, 0.11003882]],
        EXACT,
    ),
    (
        "`he_normal()`",
        [[0.6604483, 1.1900088, 1.2047218], [-0.87225807, -0.95321447, 0.1369438]],
        ERF,
    ),
    (
        "`he_uniform()`",
        [[0.79611576, 1.2789248, 1.2896855], [-1.0108745, -1.0855657, 0.17398663]],
        EXACT,
    ),
    (
        "`lecun_normal()`",
        [[0.46700746, 0.8414632, 0.8518669], [-0.61677957, -0.67402434, 0.09683388]],
        ERF,
    ),
    (
        "`lecun_uniform()`",
        [[0.56293887, 0.90433645, 0.9119454], [-0.71479625, -0.7676109, 0.12302713]],
        EXACT,
    ),
    (
        "`normal(stddev)`",
        [[3.0613258, 5.6129413, 5.6866574], [-4.063663, -4.4520254, 0.63115686]],
        ERF,
    ),
    (
        "`truncated_normal(stddev)`",
        [[2.9047365, 5.2338114, 5.29852], [-3.836303, -4.192359, 0.6022964]],
        ERF,
    ),
    ("`ones`", [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]], EXACT),
    (
        "`orthogonal()`",
        [
            [3.9026976e-01, 7.2495741e-01, -5.6756169e-01],
            [8.8047469e-01, -4.7409311e-01, -1.3157725e-04],
        ],
        QR,
    ),
    (
        "`uniform(scale)`",
        [[7.298188, 8.691938, 8.7230015], [2.0818567, 1.8662417, 5.5022564]],
        EXACT,
    ),
    ("`zeros`", [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], EXACT),
]
# The other names of some: the page prints the same numbers again.
_AGAIN = {
    "kaiming": "he",
    "xavier": "glorot",
    "ones_init": "ones",
    "zeros_init": "zeros",
}
PRINTED += [
    (item.replace(old, new), numbers, places)
    for item, numbers, places in PRINTED
    for new, old in _AGAIN.items()
    if item.startswith((f"`{old}_", f"`{old}`"))
]


@pytest.fixture
def before_jax_5() -> Iterator[None]:
    """`jax_threefry_partitionable` off, as it was when the page was written."""
    before = jax.config.jax_threefry_partitionable
    jax.config.update("jax_threefry_partitionable", False)
    yield
    jax.config.update("jax_threefry_partitionable", before)


@pytest.mark.parametrize("item, numbers, places", PRINTED)
@pytest.mark.usefixtures("before_jax_5")
def test_printed_example(item: str, numbers: list[Any], places: int):
    name = f"{item.removesuffix('`')}()`" if item.endswith("_init`") else item
    printed = np.asarray(numbers, np.float32)
    init = value(ROWS[name])
    # That it is jax's own draw is test_parity.py's; here against what jax once printed.
    ours = np.asarray(init(KEY, printed.shape, jnp.float32, axes="*kernel in out"))
    last = np.spacing(np.abs(printed).max())
    assert np.abs(ours - printed).max() <= places * last
