"""Every row of the page about flax, executed, and every example that it prints."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import same_bits, same_normals
from parity_page import rows, value


I = jax.nn.initializers  # noqa: E741
KEY = jax.random.key(42)
Check = Callable[[Any], None]


def bits_of(theirs: Any, shape: tuple[int, ...] = (2, 3)) -> Check:
    """The same bits as flax's, which are jax's."""

    def check(init: Any) -> None:
        for key in (KEY, jax.random.key(0)):
            ours = init(key, shape, jnp.float32, axes="*kernel in out")
            assert same_bits(ours, theirs(key, shape, jnp.float32))

    return check


def normals_of(theirs: Any, shape: tuple[int, ...] = (2, 3)) -> Check:
    """The same bits, but for the rounding that jax has saved itself from 0.12 on."""

    def check(init: Any) -> None:
        for key in (KEY, jax.random.key(0)):
            ours = init(key, shape, jnp.float32, axes="*kernel in out")
            assert same_normals(ours, theirs(key, shape, jnp.float32))

    return check


def drawn_as(theirs: jax.Array) -> Check:
    """The expression is a draw, of `jax.random.key(0)`."""

    def check(ours: jax.Array) -> None:
        assert same_bits(ours, theirs)

    return check


def _drawn(theirs: Any, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
    return theirs(jax.random.key(0), shape, dtype)


def _as_jax(gain: float) -> Check:
    def check(made: Any) -> None:
        ours = made(KEY, (2, 3), jnp.float32)
        wanted = I.variance_scaling(2 * gain**2, "fan_in", "truncated_normal")
        assert same_bits(ours, wanted(KEY, (2, 3), jnp.float32))

    return check


def _rounded(theirs: jax.Array) -> Check:
    return drawn_as(theirs.astype(jnp.bfloat16))


CHECKS: dict[str, Check] = {
    "`constant(value)`": bits_of(I.constant(-7)),
    "`constant(value, dtype)`": drawn_as(_drawn(I.constant(-7), (2, 3), jnp.float16)),
    "`delta_orthogonal()`": bits_of(I.delta_orthogonal(), (3, 3, 3)),
    "`delta_orthogonal(scale)`": bits_of(I.delta_orthogonal(2.0), (3, 2, 4)),
    "`delta_orthogonal(column_axis)`": drawn_as(
        # Equinox's (out, in, k) is flax's (k, in, out) with its axes in another order.
        _drawn(I.delta_orthogonal(), (3, 2, 4)).transpose(2, 1, 0)
    ),
    "`glorot_normal()`": bits_of(I.glorot_normal()),
    "`glorot_normal(in_axis, out_axis)`": drawn_as(
        _drawn(I.glorot_normal(in_axis=1, out_axis=0), (3, 2))
    ),
    "`glorot_normal(batch_axis)`": drawn_as(
        _drawn(I.glorot_normal(batch_axis=0), (5, 2, 3))
    ),
    "`glorot_uniform()`": bits_of(I.glorot_uniform()),
    "`he_normal()`": bits_of(I.he_normal()),
    "`he_uniform()`": bits_of(I.he_uniform()),
    "`kaiming_normal()`": bits_of(I.kaiming_normal()),
    "`kaiming_uniform()`": bits_of(I.kaiming_uniform()),
    "`lecun_normal()`": bits_of(I.lecun_normal()),
    "`lecun_uniform()`": bits_of(I.lecun_uniform()),
    "`normal(stddev)`": normals_of(I.normal(5.0)),
    "`normal()`": normals_of(I.normal()),
    "`truncated_normal(stddev)`": bits_of(I.truncated_normal(5.0)),
    "`truncated_normal(stddev, lower, upper)`": bits_of(
        I.truncated_normal(5.0, lower=-1.0, upper=2.5)
    ),
    "`ones`": bits_of(I.ones),
    "`ones_init()`": bits_of(I.ones),
    "`orthogonal()`": bits_of(I.orthogonal()),
    "`orthogonal(scale)`": bits_of(I.orthogonal(2.0), (3, 3)),
    "`orthogonal(column_axis)`": drawn_as(
        # Rows of `in` and then taps, where flax has taps and then `in`.
        _drawn(I.orthogonal(column_axis=0), (4, 2, 3))
    ),
    "`uniform(scale)`": bits_of(I.uniform(10.0)),
    '`variance_scaling(scale, "fan_in", "truncated_normal")`': bits_of(
        I.variance_scaling(3.0, "fan_in", "truncated_normal"), (3, 4, 5)
    ),
    '`variance_scaling(scale, "fan_out", "normal")`': normals_of(
        I.variance_scaling(3.0, "fan_out", "normal"), (3, 4, 5)
    ),
    '`variance_scaling(scale, "fan_avg", "uniform")`': bits_of(
        I.variance_scaling(3.0, "fan_avg", "uniform"), (3, 4, 5)
    ),
    '`variance_scaling(scale, "fan_geo_avg", ...)`': bits_of(
        I.variance_scaling(3.0, "fan_geo_avg", "uniform"), (3, 4, 5)
    ),
    "`variance_scaling(..., in_axis, out_axis, batch_axis)`": drawn_as(
        _drawn(
            I.variance_scaling(
                3.0, "fan_in", "truncated_normal", in_axis=2, out_axis=1, batch_axis=0
            ),
            (5, 3, 2),
        )
    ),
    "`variance_scaling(..., dtype)`": _rounded(
        _drawn(I.variance_scaling(3.0, "fan_in", "truncated_normal"), (2, 3))
    ),
    "`xavier_normal()`": bits_of(I.xavier_normal()),
    "`xavier_uniform()`": bits_of(I.xavier_uniform()),
    "`zeros`": bits_of(I.zeros),
    "`zeros_init()`": bits_of(I.zeros),
    "`out_sharding` of a call": drawn_as(_drawn(I.he_normal(), (2, 3))),
    "any of them in a rule": bits_of(I.he_normal()),
    "to flax": _as_jax(0.5),
}

ROWS = rows("flax")


def test_every_item_has_a_row():
    assert set(ROWS) == set(CHECKS)


@pytest.mark.parametrize("item", CHECKS)
def test_row(item: str):
    CHECKS[item](value(ROWS[item]))


def test_flax_has_nothing_more():
    nnx = pytest.importorskip("flax.nnx")
    names = {n for n in dir(nnx.initializers) if not n.startswith("_")}
    helpers = {"tp", "Initializer", "default_bias_init", "default_embed_init"}
    helpers |= {"default_kernel_init", "variance_scaling", "DtypeLikeInexact"}
    named = {item.strip("`").partition("(")[0] for item in ROWS}
    known = {n for n in names if n in vars(I) or n.endswith("_init")}
    assert known - helpers <= named


# What flax's page prints, to the digit. How far the draw may be from it, in units of
# the last place of the largest entry: 0 for what no library routine has touched, 4 for
# the inverse error function, 40 for a QR decomposition of 3 x 3.
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
    # Checked above to be jax's own draw; here against what jax printed years ago.
    ours = np.asarray(init(KEY, printed.shape, jnp.float32, axes="*kernel in out"))
    last = np.spacing(np.abs(printed).max())
    assert np.abs(ours - printed).max() <= places * last
