"""Single lines of the inference, each by a model that only reads right with it."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import lax

import eqinit as ei


KEYS = jax.random.split(jax.random.key(0), 4)
X, Y = jax.random.normal(KEYS[0], (7, 3)), jax.random.normal(KEYS[1], (7, 5))


def some(i: int, *shape: int) -> jax.Array:
    return jax.random.normal(KEYS[i], shape)


MODEL = {"a": some(2, 3, 5), "b": some(3, 5), "g": some(1, 5)}


def read(call: Callable[..., Any], model: Any, *args: Any) -> dict[str, Any]:
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        return {row.path: row for row in ei.trace_layouts(model, call, *args)}


@pytest.mark.parametrize("first", [True, False])
def test_a_sum_is_linear_where_both_of_its_parts_are(first: bool):
    def call(m: Any, x: jax.Array) -> jax.Array:
        h = x @ m["a"]
        return (h + jax.nn.relu(h) if first else jax.nn.relu(h) + h) + m["b"]

    rows = read(call, {k: MODEL[k] for k in "ab"}, X)
    # No bias of the kernel: what it is added to is not the kernel's output.
    assert rows["b"].remark == "added to data that no kernel gives"


def test_a_sum_of_what_is_normalised_is_normalised():
    def call(m: Any, x: jax.Array, y: jax.Array) -> jax.Array:
        h = x @ m["a"]
        mean, rate = h.mean(-1, keepdims=True), 1 / h.std(-1, keepdims=True)
        return (h * rate - mean * rate + y) * m["g"] + m["b"]

    rows = read(call, MODEL, X, Y)
    assert {p: row.remark for p, row in rows.items()} == dict.fromkeys("abg", "")
    assert [use.axes for use in rows["g"].uses] == ["scale: feature"]


def test_only_what_is_contracted_is_summed():
    # Before it meets data, `w` is summed along its second axis, which `g` has not.
    def call(m: Any, x: jax.Array) -> jax.Array:
        return x @ ((m["w"] * m["g"][:, None]) @ m["v"])

    model = {"w": some(2, 3, 4), "g": some(3, 3), "v": some(1, 4, 5)}
    rows, summed = read(call, model, X), "only a sum of it is used"
    assert {p: summed in row.remark for p, row in rows.items()} == {
        "g": False,
        "v": True,
        "w": True,
    }


def test_branches_that_choose_a_parameter():
    def call(m: Any, x: jax.Array) -> jax.Array:
        same = jax.lax.cond(
            x[0, 0] > 0, lambda w, v: (w, w), lambda w, v: (w, v), m["w"], m["v"]
        )
        return x @ same[0] + x @ same[1]

    rows = read(call, {"w": some(2, 3, 4), "v": some(3, 3, 4)}, X)
    # As either of two it is lost sight of, and what is said elsewhere is no proof.
    assert {p: (row.status, row.remark) for p, row in rows.items()} == {
        "w": ("unknown", "goes through join"),
        "v": ("unknown", "goes through join"),
    }
    rows = read(
        lambda m, x: (
            x @ jax.lax.cond(x[0, 0] > 0, lambda w: (w, 1), lambda w: (w, 2), m["w"])[0]
        ),
        {"w": some(2, 3, 4)},
        X,
    )
    assert (rows["w"].status, rows["w"].axes) == ("certain", "in out")


def test_rows_sorted_by_expert_meet_a_matrix_each():
    counts = jnp.asarray([2, 1, 4])
    rows = read(
        lambda m, x: lax.ragged_dot(x, m["e"], counts), {"e": some(2, 3, 3, 5)}, X
    )
    assert (rows["e"].status, rows["e"].fan_in) == ("certain", 3)


def test_data_that_is_written_into_zeros_is_data():
    def call(m: Any, x: jax.Array) -> jax.Array:
        return lax.dynamic_update_slice(jnp.zeros((9, 3)), x, (1, 0)) @ m["a"]

    (row,) = read(call, {"a": MODEL["a"]}, X).values()
    assert (row.status, row.fan_in) == ("certain", 3)


def test_a_map_over_rows_gives_rows():
    def call(m: Any, x: jax.Array) -> jax.Array:
        return lax.map(lambda row: row @ m["a"], x) + m["b"]

    rows = read(call, {k: MODEL[k] for k in "ab"}, X)
    assert [(r.status, r.fan_in) for r in rows.values()] == [("certain", 3)] * 2


def test_what_is_returned_stands_for_data():
    rows = read(lambda m, x: (x @ m["a"], m["b"]), {k: MODEL[k] for k in "ab"}, X)
    assert rows["a"].remark == ""
    assert rows["b"].remark == "stands for data (returned)"


def three(x: jax.Array, i: jax.Array) -> dict[str, jax.Array]:
    return {
        "joined": jnp.concatenate([x[:1], x[1:3]]),
        "stacked": jnp.stack([x[0], x[1], x[2]]),
        "a window": lax.dynamic_slice(x, (i[0], 0), (3, 3)),
    }


@pytest.mark.parametrize("name", ["joined", "stacked", "a window"])
def test_rows_of_data_are_told_apart(name: str):
    """Each meets a matrix of its own: no axis of outputs."""

    def call(m: Any, x: jax.Array, i: jax.Array) -> jax.Array:
        return jnp.einsum("ti,tio->to", three(x, i)[name], m["w"])

    (row,) = read(call, {"w": some(2, 3, 3, 4)}, X, jnp.arange(2)).values()
    assert (row.status, row.fan_in) == ("certain", 3)


def test_a_window_that_data_picks_is_no_kernel():
    def call(m: Any, x: jax.Array, i: jax.Array) -> jax.Array:
        return x @ lax.dynamic_slice(m["w"], (0, i[0]), (3, 2))

    (row,) = read(call, {"w": some(2, 3, 8)}, X, jnp.arange(2)).values()
    assert row.remark == "a window of it is used; looked up, and not in rows"


def convolved(x: Any, w: Any, **options: Any) -> jax.Array:
    return lax.conv_general_dilated(x, w, (1,) * (x.ndim - 2), "VALID", **options)


BLUR = jnp.ones((2, 3, 2))
START = (0, 0)
# What is done to `w`, of some shape, and the operation that it goes through.
NOT_FOLLOWED: dict[str, tuple[tuple[int, ...], Callable[..., Any], str]] = {
    "convolved with constants": (
        (4, 3, 9),
        lambda w, x: convolved(w, BLUR).sum() * x,
        "conv_general_dilated",
    ),
    "in the place of data": (
        (4, 3, 9),
        lambda w, x: convolved(w, x[:, :, None][:2]),
        "conv_general_dilated",
    ),
    "groups across its digits": (
        (2, 3, 1, 2),
        lambda w, x: convolved(x.T[None], w.reshape(6, 1, 2), feature_group_count=3),
        "conv_general_dilated",
    ),
    "indices": ((3,), lambda w, x: x[w.astype(int)], "gather"),
    "every fifth row of two axes": (
        (3, 1, 4),
        lambda w, x: x[:, :2] @ jnp.broadcast_to(w, (3, 3, 4)).reshape(9, 4)[::5],
        "slice",
    ),
    "rows replaced": (
        (3, 4),
        lambda w, x: x @ lax.dynamic_update_slice(w, jnp.ones((1, 4)), START),
        "dynamic_update_slice",
    ),
    "padded": (
        (2, 4),
        lambda w, x: x @ lax.pad(w, 0.0, [(0, 1, 0), (0, 0, 0)]),
        "pad",
    ),
    "what is padded with": (
        (),
        lambda w, x: lax.pad(x, w, [(1, 1, 0), (0, 0, 0)]),
        "pad",
    ),
    "sorted": ((3, 4), lambda w, x: x @ jnp.sort(w, 0), "sort"),
}


@pytest.mark.parametrize("case", NOT_FOLLOWED)
def test_what_is_not_followed_is_unknown(case: str):
    """No guess: what no rule understands hides the parameter, and is named."""
    shape, call, through = NOT_FOLLOWED[case]
    row = read(lambda m, x: call(m["w"], x), {"w": some(2, *shape)}, X)["w"]
    assert (row.status, row.remark) == ("unknown", f"goes through {through}")
    assert row.axes is row.fan_in is row.role is None


TABLE = {"t": some(2, 11, 3), "s": some(3, 11, 3), "w": some(1, 3, 5)}


@pytest.mark.parametrize(
    "between",
    [
        lambda m, i: m["t"][i] + m["s"][i],
        lambda m, i: jnp.tanh(m["t"][i]) * m["s"][i],
        lambda m, i: m["t"][i] / m["s"][i].max(0),
        lambda m, i: jnp.concatenate([m["t"][i], m["s"][i]]),
    ],
)
def test_looked_up_rows_are_data(between: Callable[..., Any]):
    rows = read(lambda m, i: between(m, i) @ m["w"], TABLE, jnp.arange(7))
    assert {p: (row.status, row.axes) for p, row in rows.items()} == {
        "s": ("certain", "embedding: vocab feature"),
        "t": ("certain", "embedding: vocab feature"),
        "w": ("certain", "in out"),
    }


def test_looked_up_rows_are_convolved():
    def call(m: Any, i: jax.Array) -> jax.Array:
        return convolved(m["t"][i].T[None], m["k"])

    rows = read(call, {"t": TABLE["t"], "k": some(3, 5, 3, 2)}, jnp.arange(7))
    assert (rows["k"].axes, rows["k"].fan_in) == ("out in kernel", 6)
    assert rows["t"].axes == "embedding: vocab feature"
