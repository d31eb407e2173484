"""Single lines of schemes that the table of cases does not reach."""

import math
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
import pytest

import eqinit as ei
from eqinit._parameters.spec import make_spec
from eqinit._schemes.filters import triangle
from eqinit._typing import Positive


KEY = jax.random.key(5)


def test_moments_under_an_array_of_factors():
    # Half are uniform on (0, 1), half on (0, 2): mean 3/4, square (1 + 4) / 2 / 3.
    init = ei.Scaled(ei.Uniform(0.0, 1.0), np.array([1.0, 2.0], np.float32))
    mean, std = init.moments(make_spec((5, 2), "float32"))
    assert mean == pytest.approx(3 / 4)
    assert std == pytest.approx(math.sqrt(5 / 6 - 9 / 16))


def test_words_and_what_decides_a_program_are_no_leaves():
    hoedt = ei.HoedtBias(2.0, corr=0.3, bias_noise=0.2, negative_slope=0.1)
    assert jtu.tree_leaves(hoedt) == [2.0]
    assert jtu.tree_leaves(ei.UniformGate(keep="f", write="i")) == []
    draw = jax.jit(lambda init: init(KEY, (3,), fan_in=4))
    assert jnp.isfinite(draw(hoedt)).all()


@pytest.mark.parametrize(
    "init", [ei.Cauchy(0.1), ei.StudentT(1.5, scale=0.1), ei.StudentT(0.5, scale=0.1)]
)
def test_laws_without_a_variance_can_be_drawn(init: Any):
    spec = make_spec((3, 2), "float32", "out in")
    init.check(spec)
    assert jnp.isfinite(init(KEY, (3, 2))).all()
    with pytest.raises(ValueError, match="its std inf"):
        ei.HeNormal(gain=3e38).check(spec)


NO_SCALE = [
    ei.Cauchy(0.0, 3.0),
    ei.Shifted(ei.StudentT(1.5, scale=0.0), 3.0),
    ei.Shifted(ei.Scaled(ei.Cauchy(), 0.0), 3.0),
]


@pytest.mark.parametrize("init", NO_SCALE)
def test_a_scale_of_zero_leaves_the_location(init: Any):
    """Zero times a std that is infinite is no number, but there is nothing to draw."""
    assert init.law(make_spec((4,), "float32")).moments() == (3.0, 0.0)
    np.testing.assert_array_equal(init(KEY, (4,)), np.full(4, 3.0, np.float32))


def test_slices_of_a_law_without_a_variance():
    init = ei.PerSlice(ei.Cauchy(1.0), (1.0, 10.0), axis="head")
    drawn = np.asarray(init(KEY, (2, 1001), axes="head out"))
    # Half of the draws are within the scale of each: three errors of the median of 1001
    # absolute values are 15 percent, by its asymptotic std pi / 2 / sqrt(n).
    assert np.median(np.abs(drawn), axis=1) == pytest.approx([1.0, 10.0], rel=0.15)


def test_moments_of_slices_that_have_no_squares():
    with jax.enable_x64(True):
        init = ei.PerSlice(ei.Normal(1e200), (1.0, 2.0), axis="head")
        spec = make_spec((2, 3), "float64", "head out")
        init.check(spec)
    # The mean square of 1 and 2 is 5 / 2.
    assert init.law(spec).moments() == pytest.approx((0.0, math.sqrt(2.5) * 1e200))


def test_means_that_differ_spread_a_mixture():
    init = ei.Mixture((ei.Normal(1.0), ei.Normal(2.0, mean=3.0)), (0.25, 0.75))
    mean, std = init.moments(make_spec((8,), "float32"))
    # The law of total variance: the mean of variances, and the variance of means.
    assert mean == pytest.approx(0.75 * 3)
    assert std**2 == pytest.approx(0.25 * 1 + 0.75 * 4 + 0.25 * 0.75 * 3**2)


class Picky(ei.AbstractLawInitializer):
    """One that looks at its number before it is drawn."""

    gain: Positive = 1.0

    def problems(self, spec: ei.ParamSpec) -> Iterator[str]:
        if self.gain > 3:  # of an array Python knows no truth
            yield "too much"

    def law(self, spec: ei.ParamSpec) -> Any:
        return ei.Normal(self.gain).law(spec)


@pytest.mark.parametrize("scheme", [ei.HeNormal, Picky])
def test_an_array_for_a_number_is_all_that_is_told(scheme: Any):
    init = scheme(gain=np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="a draw needs one number") as raised:
        init.check(make_spec((3, 2), "float32", "out in"))
    assert len(str(raised.value).splitlines()) == 1


def test_s5_takes_complex_parameters_or_pairs():
    complex_, pairs = ei.ssm.S5("B"), "out in pair=2"
    assert complex_(KEY, (4, 3), "complex64", axes="out in").shape == (4, 3)
    assert complex_(KEY, (4, 3, 2), axes=pairs).shape == (4, 3, 2)
    with pytest.raises(ValueError, match=r"S5 has complex values .* float32"):
        complex_(KEY, (4, 3), axes="out in")


def test_constants_are_held_against_both_ends_of_a_dtype():
    assert (ei.Constant(-128)(KEY, (2,), "int8") == -128).all()
    for value, dtype in ((128, "int8"), (-129, "int8"), (-1, "uint8")):
        with pytest.raises(ValueError, match=f"{dtype} holds"):
            ei.Constant(value)(KEY, (2,), dtype)


@pytest.mark.parametrize(("rows", "cols"), [(8, 4), (4, 8), (5, 5)])
def test_entries_of_a_spectral_normal(rows: int, cols: int):
    # Yang, Simon and Bernstein (2023): std = min(1, sqrt(out / in)) / sqrt(in).
    spec = make_spec((rows, cols), "float32", "out in")
    wanted = min(1.0, math.sqrt(rows / cols)) / math.sqrt(cols)
    assert ei.matrices.SpectralNormal().moments(spec).std == pytest.approx(wanted)


@pytest.mark.parametrize("size", range(1, 10))
def test_triangles_are_even_and_highest_in_the_middle(size: int):
    taps = triangle(size)
    assert np.array_equal(taps, taps[::-1])
    assert taps.max() == taps[size // 2] > 0
    assert taps.sum() == pytest.approx((size + 1) // 2)


def test_moments_of_what_is_thinned():
    # A quarter of Normal(mean 1, std 2) stays: mean 1/4, square (1 + 4) / 4.
    mean, std = ei.Sparse(ei.Normal(2.0, mean=1.0), density=0.25).moments(
        make_spec((4, 4), "float32", "out in")
    )
    assert (mean, std) == pytest.approx((0.25, math.sqrt(1.25 - 0.0625)))


def test_a_gain_multiplies_an_orthogonal_convolution():
    one, two = (
        ei.ConvolutionOrthogonal(gain=g)(KEY, (4, 3, 3), axes="out in *kernel")
        for g in (1.0, 2.0)
    )
    assert np.allclose(two, 2 * one, rtol=1e-5, atol=1e-6)
    # Three inputs, of each of which the length is kept.
    assert float((one**2).sum()) == pytest.approx(3, rel=1e-5)
