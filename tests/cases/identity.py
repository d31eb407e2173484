"""Identities: what comes out is what went in."""

import math

import numpy as np

from eqinit import Identity, IDInit, ParamSpec, ZerO

from ._case import Case
from .orthogonal_conv import kernels


def passes(gain: float):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        for kernel in kernels(draw, spec):
            out, inputs, *taps = kernel.shape
            centre = tuple((k - 1) // 2 for k in taps)
            at_centre = kernel[(slice(None), slice(None), *centre)]
            assert np.array_equal(at_centre, np.float32(gain) * np.eye(out, inputs))
            assert np.count_nonzero(kernel) == min(out, inputs)

    return gold


def convolves(draw: np.ndarray, spec: ParamSpec) -> None:
    """A convolution with this kernel returns its input, group by group."""
    import jax.numpy as jnp
    from jax import lax

    del spec
    image = np.random.default_rng(0).normal(size=(1, 8, 5, 7)).astype(np.float32)
    made = lax.conv_general_dilated(
        jnp.asarray(image), jnp.asarray(draw), (1, 1), "SAME", feature_group_count=2
    )
    assert np.array_equal(np.asarray(made), image)


def repeated(tau: float):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        out, inputs = spec.shape
        least = min(out, inputs)
        for i in range(out):
            for j in range(inputs):
                assert draw[i, j] == (np.float32(tau) if (i - j) % least == 0 else 0)
        # No empty row or column, and a square one is the identity.
        assert np.abs(draw).max(0).min() > 0
        assert np.abs(draw).max(1).min() > 0

    return gold


def zero_one_hadamard(draw: np.ndarray, spec: ParamSpec) -> None:
    out, inputs = spec.shape
    if out <= inputs:
        assert np.array_equal(draw, np.eye(out, inputs))
        return
    exponent = math.ceil(math.log2(out))
    assert np.all(np.abs(draw) == np.float32(2 ** (-exponent / 2)))
    if out == 2**exponent:
        # A square root of two in float32 is off by half a rounding.
        assert np.abs(draw.T @ draw - np.eye(inputs)).max() < 2**-22


_GROUPED = {
    "shape": (8, 4, 3, 3),
    "axes": "(group out) in *kernel",
    "sizes": {"group": 2, "kernel": 2},
}
CASES = [
    Case("Identity", Identity(2.0), (3, 5), passes(2.0), axes="out in", zero=(0, 5)),
    Case("Identity-square", Identity(), (4, 4), passes(1.0), axes="in out"),
    Case("Identity-stack", Identity(), (2, 4, 3), passes(1.0), axes="out in"),
    Case("Identity-conv", Identity(), gold=passes(1.0), **_GROUPED),
    Case("Identity-convolves", Identity(), gold=convolves, **_GROUPED),
    Case("IDInit-tall", IDInit(), (7, 3), repeated(1.0), axes="out in", zero=(0, 3)),
    Case("IDInit-wide", IDInit(1e-6), (3, 7), repeated(1e-6), axes="out in"),
    Case("IDInit-square", IDInit(), (4, 4), passes(1.0), axes="out in"),
    Case("ZerO-wide", ZerO(), (3, 5), zero_one_hadamard, axes="out in", zero=(0, 5)),
    Case("ZerO-tall", ZerO(), (8, 3), zero_one_hadamard, axes="out in"),
    Case("ZerO-odd", ZerO(), (7, 3), zero_one_hadamard, axes="out in"),
]
