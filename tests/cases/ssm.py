"""State space models: what the matrices are, by properties that define them."""

import math

import numpy as np
from helpers import SIGMAS, z_of_std

from eqinit import ParamSpec
from eqinit.ssm import S4D, S5, Hippo, S4Dplr, dplr, hippo

from ._case import FLOATS, Case


# The largest entry of LegS at N = 8 is 13.7: float32 rounds it by this much.
_GRAIN = 16 * 2**-24


def legs(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    b = hippo("legs", 8).b
    for a in draw.astype(np.float64):
        # A + B B^T / 2 = -I / 2 + skew: what makes HiPPO a normal matrix plus rank one.
        normal = a + np.outer(b, b) / 2 + np.eye(8) / 2
        assert np.abs(normal + normal.T).max() < 2 * _GRAIN
        # Triangular, with the eigenvalues -1 ... -8 on its diagonal.
        assert np.array_equal(np.triu(a), np.diag(-np.arange(1.0, 9)))


def legs_input(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    assert np.array_equal(draw[:, 0], np.sqrt(2 * np.arange(8) + 1).astype(np.float32))


def fourier(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    b = hippo("fourier", 7).b
    turn = draw.astype(np.float64) + np.outer(b, b)
    # Rotations at 0, 1, 2 and 3 turns a unit of time.
    assert np.abs(turn + turn.T).max() < 2 * _GRAIN
    omega = np.sort(np.linalg.eigvals(turn).imag)
    assert np.abs(omega / (2 * np.pi) - np.arange(-3, 4)).max() < 1e-5


def lin(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    assert np.array_equal(draw[..., 0], np.full((3, 16), -0.5, np.float32))
    wanted = np.broadcast_to((np.pi * np.arange(16)).astype(np.float32), (3, 16))
    assert np.array_equal(draw[..., 1], wanted)


def inv(draw: np.ndarray, spec: ParamSpec) -> None:
    """N = 8: 8 / pi (8 / (2 n + 1) - 1); `test_hippo` has what is published for 64."""
    del spec
    wanted = 8 / np.pi * np.array([7, 5 / 3, 3 / 5, 1 / 7])
    assert np.array_equal(draw, wanted.astype(np.float32))


def mamba(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    assert np.abs(np.exp(draw.astype(np.float64)) / np.arange(1, 17) - 1).max() < 3e-7


def eigenvalues(draw: np.ndarray, spec: ParamSpec) -> None:
    """Against LAPACK's general solver on the matrix itself."""
    del spec
    a, _ = hippo("legs", 16)
    rank = np.sqrt(np.arange(16) + 0.5)
    found = np.linalg.eigvals(a + np.outer(rank, rank))
    wanted = np.sort(found.imag)[8:]
    # Their largest is 80, at which float32 resolves 4e-6.
    assert np.abs(draw - wanted).max() < 1e-5


def low_rank(draw: np.ndarray, spec: ParamSpec) -> None:
    """V (L - P P*) V* is the HiPPO matrix, with P as drawn and the other half added."""
    del spec
    p = np.concatenate([draw, draw]).astype(np.float64)  # real and positive by choice
    whole = dplr(16)
    inside = np.diag(whole.eigenvalues) - np.outer(p, p)
    back = whole.vectors @ inside @ whole.vectors.conj().T
    assert np.abs(back - hippo("legs", 16).a).max() < 16 * 32 * 2**-24


def back_in_place(draw: np.ndarray, spec: ParamSpec) -> None:
    """Out of the eigenbasis, block by block: real, with a variance of 1 / in."""
    del spec
    half = (draw[..., 0] + 1j * draw[..., 1]).reshape(2, 16, 40)
    vectors = dplr(32, half=True).vectors
    b = 2 * np.real(np.einsum("sk,bkh->bsh", vectors, half))
    assert abs(z_of_std(b, 40**-0.5)) < SIGMAS
    # 2 Re of a random complex matrix would do so too; projecting again tells.
    again = np.einsum("sk,bsh->bkh", vectors.conj(), b)
    assert np.abs(again - half).max() < 64 * 2**-24


def output_sees_the_state(draw: np.ndarray, spec: ParamSpec) -> None:
    """C x = 2 Re(C~ x~) for a real state x and its half x~ = V* x."""
    del spec
    c_half = draw[..., 0] + 1j * draw[..., 1]
    vectors = dplr(48, half=True).vectors
    c = 2 * np.real(c_half @ vectors.conj().T)
    assert abs(z_of_std(c, 48**-0.5)) < SIGMAS
    x = np.random.default_rng(0).normal(size=48)
    seen = 2 * np.real(c_half @ (vectors.conj().T @ x))
    assert np.abs(seen - c @ x).max() < 1e-12 * math.sqrt(48) * 48


CASES = [
    Case("Hippo-legs", Hippo(), (2, 8, 8), legs, axes="other: channel n m"),
    Case("Hippo-B", Hippo(part="B"), (8, 1), legs_input, zero=(0, 1)),
    Case("Hippo-fourier", Hippo("fourier"), (7, 7), fourier, zero=(0, 0)),
    Case(
        "S4D-lin",
        S4D("lin"),
        (3, 16, 2),
        lin,
        axes="other: channel state pair",
        dtypes=FLOATS,
        zero=(3, 0, 2),
    ),
    Case("S4D-inv", S4D("inv", "imag"), (4,), inv),
    Case("S4D-mamba", S4D("real", "log_real"), (4, 16), mamba, "other: channel state"),
    Case("S4Dplr-eigenvalues", S4Dplr(stored="imag"), (8,), eigenvalues),
    Case("S4Dplr-low_rank", S4Dplr("low_rank", "real"), (8,), low_rank),
    Case(
        "S5-B",
        S5("B", blocks=2),
        (32, 40, 2),
        back_in_place,
        axes="out in pair",
        dtypes=FLOATS,
        zero=(32, 0, 2),
    ),
    Case(
        "S5-C",
        S5("C"),
        (40, 24, 2),
        output_sees_the_state,
        axes="out in pair",
        dtypes=FLOATS,
    ),
]
