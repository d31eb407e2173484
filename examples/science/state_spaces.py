"""Identities of state space models: HiPPO's spectrum, S4's split, LRU's ring.

HiPPO's A has the eigenvalues -1 ... -N, and A + B B^T / 2 is -I / 2 plus a skew matrix.
The eigenvalues of a linear recurrent unit have |lambda|^2 uniform, and its input scale
keeps the variance of white noise: E |h|^2 = 1.

    python examples/science/state_spaces.py

Gu et al., arXiv:2008.07669 and arXiv:2111.00396; Orvieto et al., arXiv:2303.06349.
"""

import math

import jax
import numpy as np
from claims import BLUE, THEORY, Claim, figure, report

import eqinit as ei


SIZE, UNITS = 32, 1 << 14


def main() -> None:
    a, b = ei.ssm.hippo("legs", SIZE)
    values = np.sort(np.linalg.eigvals(a).real)[::-1]
    rest = a + np.outer(b, b) / 2 + np.eye(SIZE) / 2
    nu_log, theta_log, gamma_log = (
        np.asarray(init.draw(jax.random.key(0), spec), np.float64)
        for init, spec in _ring()
    )
    square = np.sort(np.exp(-2 * np.exp(nu_log)))
    steps = (np.arange(UNITS) + 0.5) / UNITS
    # A state driven by white noise has E |h|^2 = gamma^2 / (1 - |lambda|^2).
    energy = np.exp(2 * gamma_log) / (1 - np.exp(-2 * np.exp(nu_log)))
    with figure("state_spaces", 2) as [left, right]:
        few = slice(2000)
        ring = np.exp(-np.exp(nu_log[few]) + 1j * np.exp(theta_log[few]))
        left.plot(ring.real, ring.imag, ".", markersize=2, color=BLUE)
        turn = np.linspace(0, 2 * np.pi, 200)
        left.plot(np.cos(turn), np.sin(turn), **THEORY)
        left.set(title="LRU: eigenvalues", aspect="equal")
        right.plot(square, steps, color=BLUE, label="drawn")
        right.plot([0, 1], [0, 1], **THEORY, label="uniform")
        right.legend(fontsize=8)
        right.set(xlabel="squared modulus", ylabel="share of units below")
    report(
        Claim(
            "HiPPO: largest error of eigenvalues",
            0,
            np.abs(values + np.arange(1, SIZE + 1)).max(),
            1e-6,
        ),
        Claim("S4: what is not skew", 0, np.abs(rest + rest.T).max(), 1e-10),
        # Kolmogorov's distance exceeds 3 / sqrt(n) once in 30 million draws.
        Claim(
            "LRU: distance of |lambda|^2 from uniform",
            0,
            np.abs(square - steps).max(),
            3 / math.sqrt(UNITS),
        ),
        # Float32 knows 1 - |lambda|^2 to 1e-7 of 1, so that its mean error is small.
        Claim("LRU: E |h|^2", 1, float(np.median(energy)), 1e-4),
    )


def _ring() -> list[tuple[ei.AbstractInitializer, ei.ParamSpec]]:
    names = ("nu_log", "theta_log", "gamma_log")
    model = {name: jax.ShapeDtypeStruct((UNITS,), np.float32) for name in names}
    inits = ei.ssm.lru_ring()
    plan = ei.plan(model, [(name, inits[name]) for name in names])
    return [(plan[name].init, plan[name].spec) for name in names]


if __name__ == "__main__":
    main()
