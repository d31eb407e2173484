"""What holds the last bit of a draw against compilers, constants and shapes."""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import bits, same_bits

from eqinit._laws import exact


pytestmark = pytest.mark.bits
# Every kind of float32: zeros, subnormals, powers, the largest, infinities, NaN.
VALUES = np.array(
    [0.0, -0.0, 1e-45, -1e-39, 2.0**-126, 1.5, -3.7, 3.4e38, -3.4028235e38]
    + [math.inf, -math.inf, math.nan],
    np.float32,
)
X, Y, Z = np.random.default_rng(0).normal(size=(3, 5003)).astype(np.float32)


@pytest.mark.parametrize("run", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_apart_keeps_every_value(run: Callable):
    assert same_bits(run(exact.apart)(jnp.asarray(VALUES)), jnp.asarray(VALUES))
    pair = jax.lax.complex(jnp.asarray(VALUES), jnp.asarray(VALUES[::-1]))
    kept = run(exact.apart)(pair)
    assert np.array_equal(bits(kept.real), bits(pair.real))
    assert np.array_equal(bits(kept.imag), bits(pair.imag))


def test_apart_holds_a_product_and_a_sum_apart():
    # Fused into one operation, which rounds once, a fifth of these sums would differ.
    twice = X * Y + Z
    assert same_bits(jax.jit(lambda x, y, z: exact.apart(x * y) + z)(X, Y, Z), twice)
    # Also where the numbers are constants of the program, and in narrow arrays.
    wanted = (X[:5000] * np.float32(1.37) + np.float32(0.77)).reshape(1000, 5)
    narrow = jnp.asarray(X[:5000].reshape(1000, 5))
    assert same_bits(jax.jit(lambda x: exact.apart(x * 1.37) + 0.77)(narrow), wanted)


def test_apart_holds_what_can_be_no_nan():
    # Bits that are made a number of [1, 2): LLVM knows that neither they nor a multiple
    # of them are NaN, and of a selection on that nothing would be left.
    bits = np.random.default_rng(1).integers(0, 2**32, 5000, np.uint32)
    one = np.float32(1).view(np.uint32)

    def unit(bits: Any, view: Callable) -> Any:
        return view((bits >> np.uint32(9)) | one) - np.float32(1)

    def draw(bits: jax.Array) -> jax.Array:
        view = functools.partial(jax.lax.bitcast_convert_type, new_dtype=jnp.float32)
        scaled = exact.apart(unit(bits, view) * np.float32(1.37))
        return scaled + np.float32(0.77)

    twice = unit(bits, lambda x: x.view(np.float32)) * np.float32(1.37)
    assert same_bits(jax.jit(draw)(bits), twice + np.float32(0.77))


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_apart_keeps_narrow_numbers(dtype: str):
    # Some of which have no infinity.
    every = np.arange(2**8, dtype=np.uint8).view(jnp.float8_e4m3fn).astype(dtype)
    kept, nan = np.asarray(jax.jit(exact.apart)(every)), np.isnan(every)
    assert same_bits(kept[~nan], every[~nan])
    assert np.isnan(kept[nan]).all()


def test_affine_rounds_twice():
    # (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24, whose last term a fused operation would keep.
    x = jnp.full(40, 1 + 2.0**-12, jnp.float32)
    loc = jnp.full_like(x, -1)
    assert (exact.affine(x, x, loc) == 2.0**-11).all()
    assert (jax.jit(exact.affine)(x, x, loc) == 2.0**-11).all()


def test_a_location_of_minus_zero_adds_nothing():
    one, nothing = jnp.float32(1), jnp.float32(-0.0)
    assert same_bits(exact.affine(jnp.asarray(X), one, nothing), jnp.asarray(X))
    assert same_bits(exact.affine(-jnp.zeros(3), one, nothing), -jnp.zeros(3))
    # Of a complex number neither the real nor the imaginary zero changes its sign.
    zero = jax.lax.complex(-jnp.zeros(3), -jnp.zeros(3))
    assert same_bits(exact.affine(zero, one, nothing), zero)


def test_affine_of_complex_numbers():
    z = jnp.asarray(X + 1j * Y)
    moved = exact.affine(z, jnp.float32(0.3), jnp.float32(2.0))
    wanted = jax.lax.complex(
        jnp.asarray(X * np.float32(0.3) + np.float32(2)),
        jnp.asarray(Y * np.float32(0.3)),
    )
    assert same_bits(moved, wanted)
    turned = exact.affine(z, jnp.complex64(1j), jnp.complex64(0))
    assert np.allclose(turned, 1j * np.asarray(z), rtol=2**-22, atol=0)


@pytest.mark.parametrize("size", [0, 1, 3, 15, 16, 127, 128, 129, 300])
def test_exp_does_not_depend_on_how_many(size: int):
    # Jitted with what makes and uses it, and mapped, where few are an inner loop.
    many = np.asarray(exact.exp(jnp.asarray(X[:1280])))
    assert np.allclose(many, np.exp(X[:1280].astype(np.float64)), rtol=2**-22, atol=0)
    few = jax.jit(lambda x: exact.exp(x * 1.0) + 0.0)(X[:size])
    assert same_bits(few, many[:size])
    mapped = jax.jit(jax.vmap(exact.exp))(jnp.asarray(X[: 4 * size].reshape(4, size)))
    assert same_bits(mapped.reshape(-1), many[: 4 * size])


def test_tan_is_the_same_in_a_loop():
    rows = jnp.asarray(X[:5000].reshape(100, 50))
    straight = exact.tan(rows)
    assert same_bits(jax.jit(lambda x: jax.lax.map(exact.tan, x))(rows), straight)
    wide = np.tan(np.asarray(rows, np.float64))
    # sin and cos are half an ulp off each and a division; near a pole the argument's
    # own grain is magnified by 1 + tan^2.
    grain = 2**-22 * np.abs(wide) + 2**-23 * (1 + wide**2)
    assert (np.abs(np.asarray(straight) - wide) <= grain).all()


def test_whole_is_compiled_in_one_piece_and_kept_from_its_surroundings():
    def fused(x: jax.Array, y: jax.Array, z: jax.Array) -> jax.Array:
        return x * y + z

    def scaled(x: jax.Array, y: jax.Array) -> jax.Array:
        return x * y

    once = exact.whole(fused, X, Y, Z)
    assert same_bits(jax.jit(lambda: exact.whole(fused, X, Y, Z))(), once)
    # What it ends with is rounded before the caller adds to it.
    moved = jax.jit(lambda x: exact.whole(scaled, x, 1.37) + 0.77)(X)
    assert same_bits(moved, X * np.float32(1.37) + np.float32(0.77))


def test_floats_do_not_compile_anew():
    seen: list[float] = []

    def scaled(gain: float) -> jax.Array:
        seen.append(gain)
        return gain * jnp.ones(3)

    for gain in (0.5, 1.0, 2.0):
        assert float(exact.whole(scaled, gain)[0]) == gain
    assert len(seen) == 1
