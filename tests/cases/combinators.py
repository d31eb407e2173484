"""Schemes made of schemes: what the parts say, put together."""

import math

import numpy as np
from helpers import SIGMAS, follows, normal_cdf, uniform_cdf, z_of_std

import eqinit as ei

from ._case import FLOATS, Case
from .constant import equals
from .distributions import law
from .fans import scaled


_LINEAR = {"shape": (30, 90), "axes": "out in", "zero": (30, 0)}
_PLAIN = {"shape": (64, 32), "zero": (0, 32)}
_GATES = {
    "shape": (32, 8),
    "axes": "(gate out) in",
    "sizes": {"gate": ("i", "f", "g", "o")},
    "zero": (32, 0),
}


def clipped(draw: np.ndarray, spec: ei.ParamSpec) -> None:
    del spec
    lower, upper = np.float32(0.2), np.float32(0.75)
    assert draw.min() == lower
    assert draw.max() == upper
    for share, bound in ((0.2, lower), (0.25, upper)):  # point masses
        error = math.sqrt(share * (1 - share) / draw.size)
        assert abs((draw == bound).mean() - share) < SIGMAS * error
    between = draw[(draw > lower) & (draw < upper)]
    assert follows(between, uniform_cdf(0.2, 0.75))


def rescaled(draw: np.ndarray, spec: ei.ParamSpec) -> None:
    del spec
    # A multiplication and an addition, which a compiler may round once or twice.
    assert abs(draw.min() + 1) <= 2 * 2**-23
    assert abs(draw.max() - 3) <= 2 * 3 * 2**-23


def folded(draw: np.ndarray, spec: ei.ParamSpec) -> None:
    del spec
    assert follows(draw, lambda x: 2 * normal_cdf(x) - 1)


def rounded(draw: np.ndarray, spec: ei.ParamSpec) -> None:
    import ml_dtypes

    again = draw.astype(ml_dtypes.bfloat16).astype(np.float32)
    assert np.array_equal(draw, again)
    assert abs(z_of_std(draw, math.sqrt(2 / 90))) < SIGMAS
    del spec


_MASK = np.arange(32) % 4 == 0


def masked(draw: np.ndarray, spec: ei.ParamSpec) -> None:
    del spec
    assert not np.any(draw[:, ~_MASK])
    assert follows(draw[:, _MASK], normal_cdf)


def exactly(axis: int | None, count: int, std: float):
    def gold(draw: np.ndarray, spec: ei.ParamSpec) -> None:
        del spec
        assert np.all((draw != 0).sum(axis) == count)
        assert follows(draw[draw != 0] / std, normal_cdf)

    return gold


def bernoulli(density: float, std: float):
    def gold(draw: np.ndarray, spec: ei.ParamSpec) -> None:
        del spec
        error = math.sqrt(density * (1 - density) / draw.size)
        assert abs((draw != 0).mean() - density) < SIGMAS * error
        assert follows(draw[draw != 0] / std, normal_cdf)

    return gold


def connected(draw: np.ndarray, spec: ei.ParamSpec) -> None:
    del spec
    assert (draw != 0).sum(1).min() == 1
    # A row stays empty with probability .98^90 = .16 and then gets one entry.
    share = 0.02 + 0.98**90 / 90
    assert abs((draw != 0).mean() - share) < SIGMAS * math.sqrt(share / draw.size)


def sums_to(axes, total: float):
    def gold(draw: np.ndarray, spec: ei.ParamSpec) -> None:
        del spec
        assert draw.min() >= 0
        sums = draw.astype(np.float64).sum(axes)
        # At most 90 additions and one division in float32.
        assert np.abs(sums / total - 1).max() < 92 * 2**-24

    return gold


def has_norm(norm, wanted: float):
    def gold(draw: np.ndarray, spec: ei.ParamSpec) -> None:
        del spec
        assert np.abs(norm(draw.astype(np.float64)) / wanted - 1).max() < 92 * 2**-24

    return gold


def per_gate(draw: np.ndarray, spec: ei.ParamSpec) -> None:
    i, f, g, o = draw.reshape(4, 8, 8)
    del spec
    for gate in (i, o):
        # Glorot on (8, 8), not on (32, 8).
        bound = math.sqrt(6 / 16)
        assert follows(gate, uniform_cdf(-bound, bound))
    assert np.array_equal(f, 0.5 * np.eye(8, dtype=np.float32))
    assert np.abs(g @ g.T - np.eye(8)).max() < 20 * 8 * 2**-24
    assert not np.array_equal(i, o)


def packed(draw: np.ndarray, spec: ei.ParamSpec) -> None:
    del spec
    q, kv = draw[:10], draw[10:]
    # The variance of q is 2 / (90 + 10), not 2 / (90 + 30).
    bound = math.sqrt(6 / 100)
    assert follows(q, uniform_cdf(-bound, bound))
    assert not np.any(kv)


def padded(draw: np.ndarray, spec: ei.ParamSpec) -> None:
    del spec
    assert not np.any(draw[0])
    assert follows(draw[1:], normal_cdf)


def two_scales(draw: np.ndarray, spec: ei.ParamSpec) -> None:
    del spec

    def cdf(x: np.ndarray) -> np.ndarray:
        return 0.75 * normal_cdf(x / 0.01) + 0.25 * normal_cdf(x)

    assert follows(draw, cdf)


def effective(transform, gold):
    """The stored value, seen as the model sees it."""

    def seen(draw: np.ndarray, spec: ei.ParamSpec) -> None:
        gold(transform(draw.astype(np.float64)), spec)

    return seen


def _softplus(x):
    return np.logaddexp(x, 0)


_LOG2 = math.log1p(0.25)
_LOG = law(normal_cdf, -_LOG2 / 2, math.sqrt(_LOG2), np.log)
_N = ei.Normal(1.0)

CASES = [
    Case(
        "Scaled",
        ei.Scaled(ei.HeNormal(), 0.5),
        gold=scaled(0.5 / 90, "truncated_normal"),
        **_LINEAR,
    ),
    Case(
        "Scaled-uniform",
        ei.Scaled(ei.Uniform(-1.0, 3.0), 2.0),
        gold=law(uniform_cdf(-2, 6)),
        **_PLAIN,
    ),
    Case(
        "Scaled-log-normal",
        ei.Scaled(ei.LogNormal(0.5, 1.0), 3.0),
        gold=law(normal_cdf, math.log(3) - _LOG2 / 2, math.sqrt(_LOG2), np.log),
        dtypes=FLOATS,
        **_PLAIN,
    ),
    Case(
        "Scaled-rows",
        ei.Scaled(_N, np.full((64, 1), 2.0, np.float32)),
        gold=law(normal_cdf, 0.0, 2.0),
        **{**_PLAIN, "zero": (64, 0)},  # what the factor broadcasts to
    ),
    Case(
        "Scaled-orthogonal",
        ei.Scaled(ei.Orthogonal(), 3.0),
        (8, 8),
        has_norm(lambda w: np.linalg.svd(w, compute_uv=False), 3.0),
        axes="out in",
        dtypes=FLOATS,
    ),
    Case("Shifted", ei.Shifted(_N, 2.0), gold=law(normal_cdf, 2.0), **_PLAIN),
    Case(
        "Shifted-rows",
        ei.Shifted(ei.Zeros(), np.ones((64, 1), np.float32)),
        gold=equals(1.0),
        **{**_PLAIN, "zero": (64, 0)},
    ),
    Case(
        "Clipped",
        ei.Clipped(ei.Uniform(0.0, 1.0), 0.2, 0.75),
        gold=clipped,
        dtypes=FLOATS,
        **_PLAIN,
    ),
    Case(
        "Stretched", ei.Stretched(_N, -1.0, 3.0), gold=rescaled, dtypes=FLOATS, **_PLAIN
    ),
    Case("Abs", ei.Abs(_N), gold=folded, dtypes=FLOATS, **_PLAIN),
    Case(
        "Rounded",
        ei.Rounded(ei.HeNormal(), "bfloat16"),
        gold=rounded,
        dtypes=("bfloat16", "float32"),
        **_LINEAR,
    ),
    Case("Masked", ei.Masked(_N, _MASK), gold=masked, **_PLAIN),
    Case("Sparse", ei.Sparse(_N, density=0.3), gold=bernoulli(0.3, 1.0), **_PLAIN),
    Case(
        "Sparse-corrected",
        ei.Sparse(_N, density=0.25, corrected=True),
        gold=bernoulli(0.25, 2.0),
        **_PLAIN,
    ),
    Case(
        "Sparse-Martens",
        ei.Sparse(_N, nonzero=15, per="output"),
        gold=exactly(1, 15, 1.0),
        # So many entries that no empty matrix has them: that is an error.
        **{**_LINEAR, "zero": None},
    ),
    Case(
        "Sparse-torch",
        ei.Sparse(ei.Normal(0.01), density=0.9, per="input"),
        gold=exactly(0, 27, 0.01),
        **_LINEAR,
    ),
    Case(
        "Sparse-matrix",
        ei.Sparse(_N, nonzero=100, per="matrix"),
        gold=exactly(None, 100, 1.0),
        # So many entries that no empty matrix has them: that is an error.
        **{**_LINEAR, "zero": None},
    ),
    Case(
        "Sparse-connected",
        ei.Sparse(_N, density=0.02, connected=True),
        (200, 90),
        connected,
        axes="out in",
    ),
    Case(
        "Normalized-spark",
        ei.Normalized(
            ei.Sparse(ei.Uniform(0.0, 1.0), density=0.1, connected=True), "in", "sum"
        ),
        gold=sums_to(1, 1.0),
        dtypes=FLOATS,
        adds=90,
        **_LINEAR,
    ),
    Case(
        "Normalized-number",
        ei.Normalized(ei.Exponential(), 0, "l1", target=3.0),
        gold=sums_to(0, 3.0),
        dtypes=FLOATS,
        adds=30,
        **_LINEAR,
    ),
    Case(
        "Normalized-kernel",
        ei.Normalized(_N, ("in", "kernel")),
        (6, 4, 3),
        has_norm(lambda w: np.sqrt((w**2).sum((1, 2))), 1.0),
        axes="out in *kernel",
        dtypes=FLOATS,
    ),
    Case(
        "Normalized-max",
        ei.Normalized(_N, by="max", target=0.5),
        gold=has_norm(lambda w: np.abs(w).max(), 0.5),
        dtypes=FLOATS,
        **_PLAIN,
    ),
    Case(
        "PerGate",
        ei.PerGate(f=ei.Identity(0.5), g=ei.Orthogonal(), other=ei.GlorotUniform()),
        gold=per_gate,
        dtypes=FLOATS,
        **_GATES,
    ),
    Case(
        "Blocks",
        ei.Blocks({"q": ei.GlorotUniform(), "kv": ei.Zeros()}, sizes=(10, 20)),
        gold=packed,
        shape=(30, 90),
        axes="out in",
    ),
    Case(
        "Blocks-list",
        ei.Blocks((ei.Zeros(), _N), 0, sizes=(1, 63)),
        (64, 32),
        padded,
        zero=(64, 0),
    ),
    Case(
        "Mixture",
        ei.Mixture((ei.Normal(0.01), _N), (3, 1)),
        gold=two_scales,
        dtypes=FLOATS,
        **_PLAIN,
    ),
    Case(
        "ForActivation-tanh",
        ei.ForActivation(ei.LecunNormal(distribution="normal"), "tanh"),
        # E tanh(z)^2 = 0.3942945, by adaptive quadrature.
        gold=scaled(1 / (40 * 0.3942945), "normal"),
        shape=(90, 40),
        axes="out in",
        zero=(90, 0),
    ),
    Case(
        "Through-softplus",
        ei.Through(ei.LogNormal(0.5, 1.0), "softplus"),
        gold=effective(_softplus, _LOG),
        dtypes=FLOATS,
        **_PLAIN,
    ),
    Case(
        "Through-exp",
        ei.Through(ei.LogNormal(0.5, 1.0), "exp"),
        gold=effective(np.exp, _LOG),
        dtypes=FLOATS,
        **_PLAIN,
    ),
    Case(
        "Through-square",
        ei.Through(ei.LogNormal(0.5, 1.0), "square"),
        gold=effective(np.square, _LOG),
        dtypes=FLOATS,
        **_PLAIN,
    ),
    Case(
        "Through-sigmoid",
        ei.Through(ei.Uniform(0.1, 0.9), "sigmoid"),
        gold=effective(lambda x: 1 / (1 + np.exp(-x)), law(uniform_cdf(0.1, 0.9))),
        dtypes=FLOATS,
        **_PLAIN,
    ),
    Case(
        "Through-tanh",
        ei.Through(ei.Uniform(0.9), "tanh"),
        gold=effective(np.tanh, law(uniform_cdf(-0.9, 0.9))),
        dtypes=FLOATS,
        **_PLAIN,
    ),
]
