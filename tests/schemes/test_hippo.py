"""HiPPO against its definition: coefficients of the past, and how they must change."""

import math
from typing import Any

import jax
import numpy as np
import pytest
import scipy.linalg
from numpy.polynomial import laguerre, legendre
from scipy.special import eval_genlaguerre

import eqinit as ei
from eqinit.ssm import diagonal, dplr, hippo


SIZE = 6
# Gauss-Legendre with 64 nodes is exact for every polynomial here, and to rounding for
# the exponentials and sinusoids.
NODES, WEIGHTS = legendre.leggauss(64)


def integral(fn, low: float, high: float) -> np.ndarray:
    half = (high - low) / 2
    return half * fn(low + half + half * NODES) @ WEIGHTS


def legendre_basis(n: int, x: np.ndarray) -> np.ndarray:
    """Orthonormal on [-1, 1] under dx / 2."""
    return math.sqrt(2 * n + 1) * legendre.legval(x, np.eye(SIZE)[n])


def rate_of_change(state, t: float) -> np.ndarray:
    """A central difference, exact for quadratics and extrapolated once."""
    step = 1e-3
    near = (state(t + step) - state(t - step)) / (2 * step)
    far = (state(t + 2 * step) - state(t - 2 * step)) / (4 * step)
    return (4 * near - far) / 3


@pytest.mark.parametrize("power", range(SIZE))
def test_legs_tracks_the_whole_past(power: int):
    def state(t: float) -> np.ndarray:
        def coefficient(n: int) -> np.ndarray:
            return integral(
                lambda s: s**power * legendre_basis(n, 2 * s / t - 1) / t, 0, t
            )

        return np.array([coefficient(n) for n in range(SIZE)])

    a, b = hippo("legs", SIZE)
    t = 1.3
    assert np.abs(
        rate_of_change(state, t) - (a @ state(t) + b * t**power) / t
    ).max() < (1e-8)


@pytest.mark.parametrize("power", range(SIZE))
def test_legt_tracks_a_window(power: int):
    # Exact for polynomials of lower degree than the state has entries: these are what
    # the basis can say of the window, including its far end.
    def state(t: float) -> np.ndarray:
        def coefficient(n: int) -> np.ndarray:
            return integral(
                lambda s: s**power * legendre_basis(n, 2 * (s - t) + 1), t - 1, t
            )

        return np.array([coefficient(n) for n in range(SIZE)])

    a, b = hippo("legt", SIZE)
    t = 1.3
    assert np.abs(rate_of_change(state, t) - (a @ state(t) + b * t**power)).max() < 1e-8


def test_legt_forgets_the_far_end_for_higher_powers():
    # The test above can fail: a seventh power is beyond six coefficients.
    def state(t: float) -> np.ndarray:
        return np.array(
            [
                integral(
                    lambda s, n=n: s**6 * legendre_basis(n, 2 * (s - t) + 1), t - 1, t
                )
                for n in range(SIZE)
            ]
        )

    a, b = hippo("legt", SIZE)
    assert (
        np.abs(rate_of_change(state, 1.3) - (a @ state(1.3) + b * 1.3**6)).max() > 1e-3
    )


def test_lagt_tracks_an_exponential_window():
    def state(t: float) -> np.ndarray:
        def coefficient(n: int) -> np.ndarray:
            basis = np.eye(SIZE)[n]
            parts = [
                integral(
                    lambda s: (
                        np.sin(t - s) * np.exp(-s / 2) * laguerre.lagval(s, basis)
                    ),
                    low,
                    low + 10,
                )
                for low in range(0, 100, 10)
            ]
            return sum(parts)

        return np.array([coefficient(n) for n in range(SIZE)])

    a, b = hippo("lagt", SIZE)
    t = 0.7
    assert (
        np.abs(rate_of_change(state, t) - (a @ state(t) + b * np.sin(t))).max() < 1e-8
    )


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_fourier_tracks_a_periodic_window(k: int):
    def u(s: np.ndarray) -> np.ndarray:
        return np.cos(2 * np.pi * k * s + 0.4)

    def basis(n: int, s: np.ndarray) -> np.ndarray:
        if n == 0:
            return np.ones_like(s)
        turn = 2 * np.pi * ((n + 1) // 2) * s
        return math.sqrt(2) * (np.cos(turn) if n % 2 else np.sin(turn))

    def state(t: float) -> np.ndarray:
        return np.array(
            [integral(lambda s, n=n: u(t - s) * basis(n, s), 0, 1) for n in range(7)]
        )

    a, b = hippo("fourier", 7)
    t = 0.3
    # The difference quotient of cos(6 pi t) is good to (6 pi)^5 10^-12 / 7.
    off = rate_of_change(state, t) - (a @ state(t) + b * u(np.array(t)))
    assert np.abs(off).max() < 4e-6


@pytest.mark.parametrize("size", [1, 2, 7, 16, 64])
def test_dplr_is_legs(size: int):
    a, b = hippo("legs", size)
    eigenvalues, low_rank, b_tilde, vectors = dplr(size)
    # LAPACK's Hermitian solver: a few roundings times the norm, which grows as N^2.
    grain = 64 * np.finfo(float).eps * size**2
    assert np.abs(vectors.conj().T @ vectors - np.eye(size)).max() < grain
    inside = np.diag(eigenvalues) - np.outer(low_rank, low_rank.conj())
    assert np.abs(vectors @ inside @ vectors.conj().T - a).max() < grain
    assert np.abs(vectors @ b_tilde - b).max() < grain
    assert np.array_equal(eigenvalues.real, np.full(size, -0.5))


def test_legs_frequencies_at_64():
    # Measured in the literature: the largest is close to N^2 / pi = 1303.80.
    omega = dplr(64, half=True).eigenvalues.imag
    assert np.all(np.diff(omega) > 0)
    assert omega[-1] == pytest.approx(1303.27, abs=5e-3)
    assert omega[0] == pytest.approx(0.2639, abs=5e-5)
    assert np.array_equal(diagonal("legs", 32), -0.5 + 1j * omega)


def test_inv_at_64():
    # What the authors' code has for a state of 64.
    omega = diagonal("inv", 32).imag
    assert np.allclose(omega[[-1, -2]], [0.3234, 1.0019], atol=5e-5)
    assert omega[0] == pytest.approx(1283.4, abs=0.05)


def test_odd_sizes_have_no_halves():
    with pytest.raises(ValueError, match="half=True and size=7; pairs need it even"):
        dplr(7, half=True)


@pytest.mark.parametrize(("measure", "alpha"), [("tlagt", 0.0), ("glagt", 0.4)])
def test_tilted_and_generalized_laguerre_respond_as_scipy_has_them(
    measure: Any, alpha: float
):
    """What an impulse leaves after a time: a weight times Laguerre's polynomials."""
    beta, t, size = 0.5, 0.7, 6
    extra = {"alpha": alpha} if measure == "glagt" else {}
    a, b = hippo(measure, size, beta=beta, **extra)
    left = scipy.linalg.expm(a * t) @ b
    n = np.arange(size)
    functions = math.exp(-(1 + beta) / 2 * t) * eval_genlaguerre(n, alpha, t)
    norms = np.sqrt([math.gamma(k + alpha + 1) / math.factorial(k) for k in n])
    scale = math.sqrt(beta ** (1 - alpha) / math.gamma(1 - alpha))
    expected = beta * functions if measure == "tlagt" else scale * functions / norms
    assert np.allclose(left, expected, rtol=1e-9)


def test_a_legendre_memory_is_pade_s_delay():
    """Read out at the far end, it is the rational function closest to exp(-s)."""
    size = 5
    a, b = hippo("lmu", size)
    # Padé's own: of exp(z) with degrees m above and n below.
    m, n = size - 1, size

    def terms(degree: int) -> list[float]:
        whole = [math.factorial(m + n - j) * math.comb(degree, j) for j in range(size)]
        return [term / math.factorial(m + n) for term in whole]

    above, below = terms(m), [*terms(n), math.factorial(m) / math.factorial(m + n)]
    for s in (0.3, 1.0 + 2.0j, 5.0j):
        ours = np.ones(size) @ np.linalg.solve(s * np.eye(size) - a, b)
        over = sum(term * (-s) ** j for j, term in enumerate(above))
        under = sum(term * s**j for j, term in enumerate(below))
        assert ours == pytest.approx(over / under, rel=1e-6)


def test_a_tilt_is_for_laguerre():
    with pytest.raises(
        ValueError, match=r'beta=0\.5 and measure="legs", which has none'
    ):
        hippo("legs", 4, beta=0.5)
    with pytest.raises(ValueError, match=r"Hippo got alpha=0\.1 and measure"):
        ei.ssm.Hippo("tlagt", alpha=0.1)
    drawn = ei.ssm.Hippo("glagt", "B", beta=0.3)(jax.random.key(0), (5,))
    assert np.allclose(drawn, hippo("glagt", 5, beta=0.3).b)
