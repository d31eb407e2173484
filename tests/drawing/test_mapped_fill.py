"""The bulk fill under `jit`, `vmap` and `grad`: the bits of `jax.random`, flat."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flat_draws import flat_draw
from helpers import same_bits

from eqinit._fill.mapped import fill_mapped
from eqinit._fill.request import FillRequest
from eqinit._fill.traced import terms_of


BASES: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("normal", ()),
    ("truncated_normal", (-2.0, 2.0)),
    ("uniform", (-1.0, 1.0)),
    ("lognormal", ()),
)
# Inner axes of 3 to 5, where XLA rounds by shape; leaves of many rows, of a few, of a
# part of one, of nothing; one that is large enough to be a loop by itself.
SHAPES = ((40, 40, 3, 3), (1024, 3), (333, 5), (5,), (), (0, 3), (1100, 1000))
MEMBERS = 3


def requests() -> list[FillRequest]:
    keys = np.asarray(jax.random.key_data(jax.random.split(jax.random.key(3), 28)))
    made: list[FillRequest] = []
    for base, params in BASES:
        for i, shape in enumerate(SHAPES):
            # A location of 0 is not added; bfloat16 is the float32 draw, rounded.
            loc, dtype = (0.0, 0.3)[i % 2], (jnp.bfloat16, np.float32)[i % 3 > 0]
            key = keys[len(made)]
            made.append(FillRequest(key, shape, base, loc, 0.7, params, dtype))
    return made


REQUESTS = requests()
KEYS = jnp.asarray(np.stack([r.key_data for r in REQUESTS]))
TERMS = jnp.asarray(terms_of(REQUESTS))


def draws(key_data: jax.Array, terms: jax.Array) -> list[jax.Array]:
    return fill_mapped(REQUESTS, key_data, terms)


def expected(key_data: jax.Array, terms: jax.Array) -> list[jax.Array]:
    """Leaf by leaf, by `jax.random`."""
    numbers = zip(np.asarray(key_data), np.asarray(terms), strict=True)
    return [
        flat_draw(dataclasses.replace(r, key_data=key, loc=loc, scale=scale))
        for r, (key, (loc, scale)) in zip(REQUESTS, numbers, strict=True)
    ]


@pytest.mark.bits
def test_jitted_draws_are_those_of_jax_leaf_by_leaf():
    drawn = jax.jit(draws)(KEYS, TERMS)
    for request, ours, theirs in zip(
        REQUESTS, drawn, expected(KEYS, TERMS), strict=True
    ):
        assert same_bits(ours, theirs), request


def _twice(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`vmap` of a `vmap`, the outer over one member."""
    return lambda *args: [x[0] for x in jax.vmap(fn)(*(a[None] for a in args))]


@pytest.mark.bits
@pytest.mark.parametrize(
    "mapped",
    [
        jax.vmap(draws),
        _twice(jax.vmap(draws)),
        pytest.param(jax.jit(jax.vmap(draws)), marks=pytest.mark.slow),
        pytest.param(jax.vmap(jax.jit(draws)), marks=pytest.mark.slow),
    ],
    ids=["vmap", "vmap of vmap", "jit of vmap", "vmap of jit"],
)
def test_members_are_the_draws_of_their_own_keys_and_scales(mapped: Callable[..., Any]):
    keys = jnp.stack([KEYS + jnp.uint32(m) for m in range(MEMBERS)])
    terms = jnp.stack([TERMS * jnp.float32(m + 1) for m in range(MEMBERS)])
    drawn = mapped(keys, terms)
    for m in range(MEMBERS):
        one = expected(keys[m], terms[m])
        for request, ours, theirs in zip(REQUESTS, drawn, one, strict=True):
            assert same_bits(ours[m], theirs), request


@pytest.mark.thorough
def test_a_key_that_is_not_mapped_is_every_members():
    drawn = jax.vmap(draws, in_axes=(None, 0))(KEYS, jnp.stack([TERMS, TERMS]))
    for request, ours, theirs in zip(
        REQUESTS, drawn, expected(KEYS, TERMS), strict=True
    ):
        assert same_bits(ours[0], theirs), request
        assert same_bits(ours[1], theirs), request


def test_eager_vmap_compiles_nothing_for_a_shape():
    # Two sets of shapes that nobody else draws: the second may compile no program.
    def run(width: int) -> list[jax.Array]:
        some = [
            FillRequest(np.zeros(2, np.uint32), (width, n), "normal", 0.0, 1.0)
            for n in (2, 7)
        ]
        terms = jnp.asarray(terms_of(some))
        return jax.vmap(lambda k: fill_mapped(some, k, terms))(KEYS[None, :2])

    jax.block_until_ready(run(11))
    with jax.log_compiles(), pytest.MonkeyPatch.context() as patch:
        compiled: list[str] = []
        import logging

        logger = logging.getLogger("jax")
        patch.setattr(logger, "handle", lambda record: compiled.append(record.msg))
        jax.block_until_ready(run(13))
    assert [m for m in compiled if "Compiling" in m] == []


@pytest.mark.parametrize("base", ["normal", "truncated_normal", "uniform", "lognormal"])
def test_derivatives_are_those_of_loc_and_scale(base: str):
    key = np.asarray([7, 9], np.uint32)
    request = FillRequest(key, (50,), base, 0.3, 0.5)

    def drawn(terms: jax.Array) -> jax.Array:
        return fill_mapped([request], jnp.asarray(key)[None], terms[None])[0]

    terms = jnp.asarray([0.3, 0.5], jnp.float32)
    value, (d_loc, d_scale) = drawn(terms), jax.jacrev(drawn)(terms).T
    unit = drawn(jnp.asarray([-0.0, 1.0], jnp.float32))
    if base == "lognormal":  # w = exp(loc + scale z)
        z = jnp.log(unit)
        np.testing.assert_allclose(d_loc, value, rtol=1e-5)
        np.testing.assert_allclose(d_scale, value * z, rtol=1e-4, atol=1e-5)
    else:  # w = loc + scale z
        np.testing.assert_array_equal(d_loc, jnp.ones(50))
        np.testing.assert_array_equal(d_scale, unit)
    forward = jax.jacfwd(drawn)(terms).T
    np.testing.assert_allclose(forward, [d_loc, d_scale], rtol=1e-6)
