"""Networks that are linear at initialisation."""

import numpy as np

from eqinit import GlorotNormal, LooksLinear, ParamSpec

from ._case import Case
from .orthogonal import orthonormal


def mirrored(mirror: str):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        out, inputs = draw.shape
        if "in" in mirror or mirror == "both":
            half = inputs // 2
            assert np.array_equal(draw[:, :half], -draw[:, half:])
            draw = draw[:, :half]
        if "out" in mirror or mirror == "both":
            half = out // 2
            assert np.array_equal(draw[:half], -draw[half:])
            draw = draw[:half]
        from eqinit._parameters.spec import make_spec

        orthonormal()(draw, make_spec(draw.shape, np.float32, "out in"))

    return gold


def both(draw: np.ndarray, spec: ParamSpec) -> None:
    """A ReLU of both signs, and the matrix behind it, is the linear map A."""
    mirrored("both")(draw, spec)
    half = draw.shape[1] // 2
    a = draw[: draw.shape[0] // 2, :half].astype(np.float64)
    z = np.random.default_rng(0).normal(size=half)
    seen = np.concatenate([np.maximum(z, 0), np.maximum(-z, 0)])
    made = draw.astype(np.float64) @ seen
    assert np.allclose(made, np.concatenate([a @ z, -(a @ z)]), rtol=0, atol=1e-12)


def of_half_fan(draw: np.ndarray, spec: ParamSpec) -> None:
    # A is (10, 30): Glorot's variance is 2 / 40 and not 2 / 80, and at two sigma,
    # 0.8796 of them before the correction, nothing is beyond.
    del spec
    bound = 2 * np.sqrt(2 / 40) / 0.87962566
    assert 0.9 * bound < np.abs(draw).max() <= bound * (1 + 2**-20)


CASES = [
    Case("LooksLinear", LooksLinear(), (8, 12), both, axes="out in", zero=(0, 12)),
    Case(
        "LooksLinear-first",
        LooksLinear(mirror="out"),
        (8, 3),
        mirrored("out"),
        axes="out in",
    ),
    Case(
        "LooksLinear-last",
        LooksLinear(mirror="in"),
        (3, 8),
        mirrored("in"),
        axes="out in",
    ),
    Case(
        "LooksLinear-glorot",
        LooksLinear(GlorotNormal()),
        (20, 60),
        of_half_fan,
        axes="out in",
    ),
]
