"""HiPPO matrices and their eigenvalues, as numbers in double precision."""

import functools
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from .._checks import Condition
from .._typing import Natural, Number, Positive, checked


Measure: TypeAlias = Literal["legs", "legt", "lagt", "fourier", "lmu", "glagt", "tlagt"]
Alpha: TypeAlias = Annotated[
    Number, Condition("a number inside (-1, 1)", lambda x: abs(x) < 1)
]


class StateSpace(NamedTuple):
    """A matrix $A$ of shape $(N, N)$ and a vector $B$ of shape $(N,)$."""

    a: np.ndarray
    b: np.ndarray


def _legs(size: int) -> StateSpace:
    n = np.arange(size)
    root = np.sqrt(2 * n + 1)
    below = np.tril(np.outer(root, root), -1)
    return StateSpace(-below - np.diag(n + 1.0), root)


def _legt(size: int) -> StateSpace:
    n = np.arange(size)
    root = np.sqrt(2 * n + 1)
    # Above the diagonal the far end of the window enters, with alternating sign.
    sign = np.where(n[:, None] < n[None], (-1.0) ** (n[:, None] - n[None]), 1.0)
    return StateSpace(-np.outer(root, root) * sign, root)


def _lagt(size: int) -> StateSpace:
    ones = np.ones((size, size))
    return StateSpace(-np.tril(ones, -1) - np.eye(size) / 2, np.ones(size))


def _fourier(size: int) -> StateSpace:
    """Basis 1, sqrt 2 cos 2 pi s, sqrt 2 sin 2 pi s, sqrt 2 cos 4 pi s, ..."""
    b = np.zeros(size)
    b[0], b[1::2] = 1.0, np.sqrt(2)
    turn = np.zeros((size, size))
    for k in range(1, size - 1, 2):
        turn[k, k + 1], turn[k + 1, k] = -np.pi * (k + 1), np.pi * (k + 1)
    # u(t - 1), which nobody remembers, is replaced by what the basis says of it.
    return StateSpace(turn - np.outer(b, b), b)


def _lmu(size: int) -> StateSpace:
    n = np.arange(size)
    odd = 2 * n + 1.0
    sign = (-1.0) ** (n[:, None] - n[None] + 1)
    rows = np.where(n[:, None] < n[None], -1.0, sign)
    return StateSpace(odd[:, None] * rows, odd * (-1.0) ** n)


_MEASURES = {
    "legs": _legs,
    "legt": _legt,
    "lagt": _lagt,
    "fourier": _fourier,
    "lmu": _lmu,
}


def _laguerre(size: int, decay: float) -> np.ndarray:
    r"""Of functions $e^{-\text{decay}\,s} L_n^{(\alpha)}(s)$, whatever $\alpha$ is."""
    return -np.tril(np.ones((size, size)), -1) - decay * np.eye(size)


def _tlagt(size: int, beta: float) -> StateSpace:
    return StateSpace(_laguerre(size, (1 + beta) / 2), np.full(size, beta))


def _glagt(size: int, alpha: float, beta: float) -> StateSpace:
    # From scipy when it is asked for: importing it takes longer than importing eqinit.
    from scipy.special import binom, gammaln

    n = np.arange(size)
    length = np.exp((gammaln(n + alpha + 1) - gammaln(n + 1)) / 2)
    scale = np.exp(-gammaln(1 - alpha) / 2) * beta ** ((1 - alpha) / 2)
    a = _laguerre(size, (1 + beta) / 2) * length[None] / length[:, None]
    return StateSpace(a, binom(alpha + n, n) / length * scale)


@checked
def hippo(
    measure: Measure,
    size: Natural,
    *,
    alpha: Alpha | None = None,
    beta: Positive | None = None,
) -> StateSpace:
    r"""The matrices of online function approximation: $\dot c = A c + B u$.

    The state $c_n = \langle u, g_n \rangle$ holds the coefficients of the input's past
    in an orthonormal basis $g_n$ of the measure:

    - `"legs"`: Legendre polynomials over the whole past, scaled: $\dot c = (A c + B u)
      / t$. $A_{nk} = -\sqrt{(2n+1)(2k+1)}$ below the diagonal, $-(n+1)$ on it.
    - `"legt"`: Legendre polynomials over the last unit of time (an LMU up to scale).
    - `"lagt"`: Laguerre functions $e^{-s/2} L_n(s)$ of the time $s$ ago.
    - `"fourier"`: $1, \sqrt2\cos 2\pi s, \sqrt2\sin 2\pi s, \dots$ over the last unit.

    Three more have other scales, for code that has them so:

    - `"lmu"`: `"legt"` as the Legendre memory unit has it, $A_{nk} = -(2n+1)$ above
        the diagonal and $(-1)^{n-k+1}(2n+1)$ elsewhere, $B_n = (-1)^n (2n+1)$.
    - `"tlagt"`: tilted Laguerre, $\beta e^{-(1 + \beta) s/2} L_n(s)$.
    - `"glagt"`: generalized Laguerre, $e^{-(1 + \beta) s/2} L_n^{(\alpha)}(s)$ over the
        norm of $L_n^{(\alpha)}$, times
        $\sqrt{\beta^{1 - \alpha} / \Gamma(1 - \alpha)}$.

    **Arguments:**

    - `measure`: as above.
    - `size`: $N \ge 1$, the size of the state.
    - `alpha`: $\alpha$ of `"glagt"`; 0 if left out.
    - `beta`: the tilt $\beta$ of `"tlagt"` and `"glagt"`; 1 and 0.01 if left out.

    **Returns:** `(a, b)` of shapes `(N, N)` and `(N,)`, float64.

    **Raises:** `ValueError` for an `alpha` or a `beta` that the measure does not have.

    Gu et al., HiPPO: Recurrent memory with optimal polynomial projections,
    arXiv:2008.07669, and its code; Voelker, Kajić and Eliasmith, Legendre memory units,
    NeurIPS 2019.
    """
    wrong = unused(measure, alpha, beta)
    if wrong:
        raise ValueError(
            f'hippo got {wrong} and measure="{measure}", which has none; `alpha` is '
            'for "glagt", `beta` for "glagt" and "tlagt".'
        )
    if measure == "tlagt":
        return _tlagt(size, 1.0 if beta is None else float(beta))
    if measure == "glagt":
        return _glagt(size, float(alpha or 0.0), 0.01 if beta is None else float(beta))
    return _MEASURES[measure](size)


def unused(measure: str, alpha: Any, beta: Any) -> str:
    """The arguments that were passed and that this measure does not have."""
    extra = {} if measure == "glagt" else {"alpha": alpha}
    if measure not in ("glagt", "tlagt"):
        extra |= {"beta": beta}
    return " and ".join(f"{k}={v}" for k, v in extra.items() if v is not None)


class Dplr(NamedTuple):
    r"""Diagonal plus low rank: $A = V (\Lambda - P P^*) V^*$, and $B$ in that basis.

    - `eigenvalues`, `low_rank`, `b`: shape `(K,)`, complex.
    - `vectors`: $V$, shape `(N, K)`; unitary where $K = N$.
    """

    eigenvalues: np.ndarray
    low_rank: np.ndarray
    b: np.ndarray
    vectors: np.ndarray


@checked
def dplr(size: Natural, *, half: bool = False) -> Dplr:
    r"""HiPPO-LegS as a normal matrix less one of rank one, diagonalised.

    $A + P P^\top = -\frac12 I + S$ with $P_n = \sqrt{n + 1/2}$ and $S$ skew, so the
    eigenvalues are $-\frac12 \pm i\omega$: first those with $\omega > 0$, ascending,
    then their conjugates in the same order, and last $-\frac12$ if $N$ is odd. The
    phases of the eigenvectors are such that $V^* P$ is positive.

    **Arguments:**

    - `size`: $N \ge 1$.
    - `half`: only those with $\omega > 0$ (`N` even).

    **Returns:** `(eigenvalues, low_rank, b, vectors)`, of shapes `(K,)`, `(K,)`, `(K,)`
    and `(N, K)`, complex128, with $K = N/2$ if `half` and else $N$.

    **Raises:** `ValueError` for `half` and an odd `size`.

    Gu et al., Efficiently modeling long sequences with structured state spaces,
    arXiv:2111.00396.
    """
    if half and size % 2:
        raise ValueError(f"dplr got half=True and size={size}; pairs need it even.")
    kept = size // 2 if half else size
    return Dplr(*(part[..., :kept] for part in _dplr(size)))


@functools.lru_cache(maxsize=64)
def _dplr(size: int) -> Dplr:
    a, b = _legs(size)
    rank = np.sqrt(np.arange(size) + 0.5)
    skew = a + np.outer(rank, rank) + np.eye(size) / 2
    # -i S is Hermitian: real eigenvalues, and exactly orthonormal vectors, which `eig`
    # of a matrix this far from normal would not give.
    omega, vectors = np.linalg.eigh(-1j * skew)
    upper = slice(size - size // 2, size)  # eigh sorts; the positive half comes last
    middle = slice(size // 2, size - size // 2)
    halves = [vectors[:, upper], np.conj(vectors[:, upper]), vectors[:, middle]]
    omega = np.concatenate([omega[upper], -omega[upper], 0 * omega[middle]])
    vectors = np.concatenate(halves, axis=1)
    low_rank = np.conj(vectors.T) @ rank
    vectors = vectors * (low_rank / np.abs(low_rank))[None]
    return Dplr(
        -0.5 + 1j * omega, np.abs(low_rank) + 0j, np.conj(vectors.T) @ b, vectors
    )


Diagonal: TypeAlias = Literal["lin", "inv", "quad", "legs", "real"]


@checked
def diagonal(kind: Diagonal, size: Natural) -> np.ndarray:
    r"""Eigenvalues of the diagonal state spaces of S4D.

    One of each conjugate pair, for a state of $2N$ real numbers:

    - `"lin"`: $-\frac12 + i\pi n$.
    - `"inv"`: $-\frac12 + i\frac{N'}{\pi}\left(\frac{N'}{2n+1} - 1\right)$, $N' = 2N$.
    - `"quad"`: $-\frac12 + i(1 + 2n)^2/\pi$.
    - `"legs"`: those of [`eqinit.ssm.dplr`][], ascending.
    - `"real"`: $-(n + 1)$, with no partner.

    **Arguments:**

    - `kind`: as above.
    - `size`: $N \ge 1$, the number of eigenvalues.

    **Returns:** an array of shape `(N,)`, complex128.

    Gu et al., On the parameterization and initialization of diagonal state space
    models, arXiv:2206.11893.
    """
    n = np.arange(size)
    if kind == "real":
        return -(n + 1.0) + 0j
    if kind == "legs":
        return dplr(2 * size, half=True).eigenvalues
    imaginary = {
        "lin": np.pi * n,
        "inv": 2 * size / np.pi * (2 * size / (2 * n + 1) - 1),
        "quad": (1 + 2 * n) ** 2 / np.pi,
    }[kind]
    return -0.5 + 1j * imaginary
