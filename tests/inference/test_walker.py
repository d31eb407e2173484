"""The walker, with arrays for values: it must compute what jax computes."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import jaxprs_in_params

from eqinit._inference.walker import AbstractDomain, Equation, walk


class Arrays(AbstractDomain[Any]):
    """Values are arrays, and each primitive is run: jax's own meaning of a jaxpr."""

    rules = {}
    rounds = 10**6

    def __init__(self) -> None:
        self.places: list[tuple[int, ...]] = []
        self.reads = 0

    def constant(self, value: Any) -> Any:
        return value

    def unknown(self, eqn: Equation, values: Sequence[Any]) -> Sequence[Any]:
        self.places.append(eqn.place)
        primitive = PRIMITIVES[eqn.name]
        out = primitive.bind(*values, **eqn.params)
        return out if primitive.multiple_results else [out]

    def join(self, one: Any, other: Any) -> Any:
        raise AssertionError("these tests have no branches but `Spans`")

    def row(self, value: Any, index: int) -> Any:
        return value[index]

    def stacked(self, rows: Sequence[Any], length: int) -> Any:
        assert len(rows) == length
        return jnp.stack(rows)

    def reused(self, value: Any) -> Any:
        self.reads += 1
        return value


PRIMITIVES: dict[str, Any] = {}


def run(domain: Any, fn: Any, *args: Any) -> Any:
    traced = jax.make_jaxpr(fn)(*args)
    collect(traced.jaxpr)
    return walk(domain, traced, args)


def collect(jaxpr: Any) -> None:
    for eqn in jaxpr.eqns:
        PRIMITIVES[eqn.primitive.name] = eqn.primitive
        for inner in jaxprs_in_params(eqn.params):
            collect(getattr(inner, "jaxpr", inner))


@jax.custom_vjp
def doubled(x):
    return 2 * x


doubled.defvjp(lambda x: (2 * x, None), lambda _, g: (2 * g,))


@jax.custom_jvp
def tripled(x):
    return 3 * x


tripled.defjvps(lambda g, _, x: 3 * g)

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)

FUNCTIONS = {
    "scan": lambda x: lax.scan(
        lambda c, row: ({"sum": c["sum"] + row, "n": c["n"] * 2}, (row * c["n"], row)),
        {"sum": jnp.zeros(4), "n": jnp.float32(1)},
        x,
    ),
    "scan with constants, reversed": lambda x: lax.scan(
        lambda c, row: (c @ x.T @ x + row, c), x[0], x, reverse=True
    ),
    "fori": lambda x: lax.fori_loop(0, 3, lambda i, c: c + x[i] * (i + 1), x[1]),
    "scan of nothing carried": lambda x: lax.map(lambda row: row.sum(), x),
    "nested scans": lambda x: lax.scan(
        lambda c, row: lax.scan(lambda d, y: (d * 2 + y, d), c, row), 1.0, x
    ),
    "jit": lambda x: jax.jit(lambda y: jax.nn.silu(y) @ x.T)(x),
    "remat": lambda x: jax.checkpoint(lambda y: jnp.tanh(y) @ y.T)(x),
    "custom_jvp": lambda x: tripled(jax.nn.relu(x)),
    "custom_vjp": lambda x: doubled(jnp.sin(x)),
    "vmap of scan": lambda x: jax.vmap(
        lambda row: lax.scan(lambda c, y: (c + y, c * y), 0.0, row)
    )(x),
    "closed over": lambda x: x + np.arange(4, dtype=np.float32),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_walking_with_arrays_computes_what_jax_computes(name: str):
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        wanted = jax.tree.leaves(FUNCTIONS[name](jnp.asarray(X)))
        got = run(Arrays(), FUNCTIONS[name], jnp.asarray(X))
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


class Spans(Arrays):
    """Least and largest value: just enough to have branches and endless loops."""

    rules = {
        "add": lambda domain, eqn, v: [(v[0][0] + v[1][0], v[0][1] + v[1][1])],
        "neg": lambda domain, eqn, v: [(-v[0][1], -v[0][0])],
    }
    rounds = 4

    def __init__(self) -> None:
        super().__init__()
        self.rounds_begun: list[tuple[Any, int]] = []

    def constant(self, value: Any) -> Any:
        return float(value), float(value)

    def unknown(self, eqn: Equation, values: Sequence[Any]) -> Sequence[Any]:
        return [(-np.inf, np.inf) for _ in eqn.outputs]

    def join(self, one: Any, other: Any) -> Any:
        return min(one[0], other[0]), max(one[1], other[1])

    def carried(self, before: Any, after: Any) -> Any:
        return self.join(before, after)

    def settled(self, before: Any, after: Any) -> bool:
        return before == after

    def begin_round(self, place: Any, number: int, length: Any) -> None:
        assert length is None  # of a `while`
        self.rounds_begun.append((place, number))


def test_branches_are_joined():
    (span,) = run_on(
        Spans(),
        lambda x: lax.cond(x > 0, lambda x: x + 1, lambda x: -x, x),
        (2.0, 5.0),
    )
    assert span == (-5, 6)


def run_on(domain: Any, fn: Any, *values: Any) -> Any:
    return walk(domain, jax.make_jaxpr(fn)(*[1.0 for _ in values]), values)


def test_a_loop_ends_when_its_domain_says_so_or_after_its_rounds():
    def loop(body):
        return lambda x: lax.while_loop(lambda c: c < 9, body, x)

    still, growing = Spans(), Spans()
    assert run_on(still, loop(lambda c: -c), (-1.0, 1.0)) == [(-1, 1)]
    assert [number for _, number in still.rounds_begun] == [0]
    assert run_on(growing, loop(lambda c: c + 1), (0.0, 0.0)) == [(0, 4)]
    assert [number for _, number in growing.rounds_begun] == [0, 1, 2, 3]


def test_places_are_the_same_in_every_round_and_tell_calls_apart():
    def fn(x):
        relu = jax.jit(lambda y: jnp.sin(y))
        return lax.fori_loop(0, 3, lambda i, c: relu(relu(c)), x)

    domain = Arrays()
    run(domain, fn, X)
    counts = {p: domain.places.count(p) for p in domain.places}
    # Three rounds of: the two sines, which are one jaxpr called twice, and the counter.
    assert set(counts.values()) == {3}
    assert len(counts) == 3


def test_only_what_is_read_twice_is_reported_as_reused():
    domain = Arrays()
    run(domain, lambda x: jnp.sin(jnp.cos(x)), X)
    assert domain.reads == 0
    run(domain, lambda x: jnp.sin(x) + x, X)
    assert domain.reads == 1


def test_a_model_is_walked():
    mlp = eqx.nn.MLP(4, 3, 8, 2, key=jax.random.key(0))
    (got,) = run(Arrays(), lambda x: jax.vmap(mlp)(x), jnp.asarray(X))
    np.testing.assert_allclose(got, jax.vmap(mlp)(jnp.asarray(X)), rtol=1e-6)
