"""Laws of chance beyond the table of schemes, with one error rate for all of them.

Each statistic has a p-value of scipy's. The family fails if the smallest of them is
below `RATE` over their number (Bonferroni): on a seed of one's own (`--reseed N`) that
happens to a library without fault once in ten thousand runs, however the statistics
depend on each other.
"""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import RESEED
from scipy import stats

import eqinit as ei


pytestmark = pytest.mark.thorough
RATE = 1e-4
KEY = jax.random.fold_in(jax.random.key(11), RESEED)
Tests = Iterator[tuple[str, float]]
nn = eqx.nn


def ks(values: Any, law: Any) -> float:
    return float(stats.kstest(np.ravel(values).astype(np.float64), law.cdf).pvalue)


def uncorrelated(one: Any, other: Any) -> float:
    """Of numbers that are not normal too: there are thousands of them."""
    return float(stats.pearsonr(np.ravel(one), np.ravel(other)).pvalue)


def share(count: int, total: int, expected: float) -> float:
    return float(stats.binomtest(int(count), int(total), expected).pvalue)


def evenly(counts: Any) -> float:
    return float(stats.chisquare(np.ravel(counts)).pvalue)


def draws(init: Any, count: int, shape: tuple[int, ...], **spec: Any) -> np.ndarray:
    """As many independent draws, one after the other in one program."""
    keys = jax.random.split(KEY, count)
    one = functools.partial(init, shape=shape, **spec)
    return np.asarray(jax.jit(lambda: jax.lax.map(one, keys))(), np.float64)


# What each law is, in units of its scale; a bound, a width or a std.
BASES: dict[str, tuple[Any, Any]] = {
    "normal": (ei.Normal(1.0), stats.norm()),
    "truncated": (ei.TruncatedNormal(1.0, corrected=False), stats.truncnorm(-2, 2)),
    "uniform": (ei.Uniform(-1.0, 1.0), stats.uniform(-1, 2)),
    "lognormal": (
        ei.LogNormal(std=math.sqrt(math.e * (math.e - 1)), mean=math.sqrt(math.e)),
        stats.lognorm(1),
    ),
}


def bulk() -> Tests:
    """Thousands of leaves of all widths, filled in blocks of 1024 numbers."""
    shapes = [(n, k) for n in range(1, 41) for k in range(1, 8)] + [(3000,), (1024, 8)]
    model = [jnp.zeros(shape) for shape in shapes]
    keys = jax.random.split(KEY, (len(BASES), 2))
    for (name, (init, law)), pair in zip(BASES.items(), keys, strict=True):
        once, again = (
            [np.asarray(x) for x in ei.apply(model, key, [("**", init)])]
            for key in pair
        )
        both = [np.concatenate([np.ravel(x) for x in some]) for some in (once, again)]
        values = law.cdf(both[0].astype(np.float64))  # all are uniform now
        yield f"{name}: law", ks(both[0], law)
        yield f"{name}: last entries", ks([x.ravel()[-1] for x in once], law)
        yield f"{name}: keys", uncorrelated(*both)
        for lag in (1, 2, 8, 1024):
            yield f"{name}: lag {lag}", uncorrelated(values[lag:], values[:-lag])
        columns = values[-8192:].reshape(1024, 8)
        yield f"{name}: rows", ks(columns.mean(1), stats.norm(0.5, (1 / 96) ** 0.5))


def ensembles() -> Tests:
    """Members that are drawn under `vmap`, in bulk and under `jit`."""
    rules = [ei.Rule(nn.Linear, weight=ei.Normal(1.0), bias=ei.Uniform(-1.0, 1.0))]
    model = nn.Linear(7, 5, key=KEY)
    keys = jax.random.split(KEY, 500)
    mapped = eqx.filter_vmap(lambda key: ei.apply(model, key, rules))
    for name, members in (
        ("bulk", mapped(keys)),
        ("jit", eqx.filter_jit(mapped)(keys)),
    ):
        weights, biases = np.asarray(members.weight), np.asarray(members.bias)
        yield f"{name}: weights", ks(weights, stats.norm())
        yield f"{name}: biases", ks(biases, stats.uniform(-1, 2))
        yield f"{name}: neighbours", uncorrelated(weights[1:], weights[:-1])
        total = np.square(weights).sum((1, 2), dtype=np.float64)
        yield f"{name}: members", ks(total, stats.chi2(35))
        yield f"{name}: weight and bias", uncorrelated(weights[:, :, 0], biases)


def combinators() -> Tests:
    """Each by what it makes of a law that is known."""
    normal, shape, spec = ei.Normal(1.0), (6, 10), {"axes": "out in"}
    given = functools.partial(draws, count=300, shape=shape, **spec)
    yield "Scaled", ks(given(ei.Scaled(normal, -0.5)), stats.norm(0, 0.5))
    yield "Shifted", ks(given(ei.Shifted(normal, 3.0)), stats.norm(3, 1))
    yield "Abs", ks(given(ei.Abs(normal)), stats.halfnorm())
    yield "Through", ks(given(ei.Through(ei.Abs(normal), "exp")), _LogOfHalf)
    clipped = given(ei.Clipped(normal, -1.0, 0.5))
    inside = (clipped > -1) & (clipped < 0.5)
    yield (
        "Clipped: below",
        share((clipped == -1).sum(), clipped.size, stats.norm.cdf(-1)),
    )
    yield (
        "Clipped: above",
        share((clipped == 0.5).sum(), clipped.size, stats.norm.sf(0.5)),
    )
    yield "Clipped: inside", ks(clipped[inside], stats.truncnorm(-1, 0.5))
    mixed = given(ei.Mixture((ei.Uniform(2.0, 3.0), normal, ei.Zeros()), (3, 2, 1)))
    yield "Mixture: zeros", share((mixed == 0).sum(), mixed.size, 1 / 6)
    other = stats.norm.cdf([2.0, 3.0])
    far = 1 / 2 + (other[1] - other[0]) / 3
    yield "Mixture: far", share(((mixed >= 2) & (mixed < 3)).sum(), mixed.size, far)
    yield "Mixture: below", ks(mixed[(mixed < 2) & (mixed != 0)], _below(2.0))
    wise = np.array([1.0, 2.0], np.float32).repeat(5)
    yield "Scaled by an array", ks(given(ei.Scaled(normal, wise)) / wise, stats.norm())
    rows = given(ei.Normalized(normal, over="in"))
    yield "Normalized", ks(rows[:, :, 0] ** 2, stats.beta(0.5, 4.5))
    split = given(ei.Blocks((normal, ei.Uniform(-1.0, 1.0)), axis=0))
    yield "Blocks: first", ks(split[:, :3], stats.norm())
    yield "Blocks: second", ks(split[:, 3:], stats.uniform(-1, 2))
    yield "Blocks: apart", uncorrelated(split[:, :3], split[:, 3:])
    mirrored = given(ei.LooksLinear(normal))
    assert (mirrored[:, :3, :5] == -mirrored[:, 3:, :5]).all()
    yield "LooksLinear", ks(mirrored[:, :3, :5], stats.norm())


class _LogOfHalf:
    """The law of exp^-1 of what `Through` stores: that of |z| of a normal, logged."""

    @staticmethod
    def cdf(x: np.ndarray) -> np.ndarray:
        return stats.halfnorm.cdf(np.exp(x))


def _below(bound: float) -> Any:
    """A normal that is known to be less."""
    return stats.truncnorm(-np.inf, bound)


def sparse() -> Tests:
    """How many entries stay, where, and that they are those of the inner scheme."""
    ones, shape, count = ei.Ones(), (6, 10), 400
    given = functools.partial(draws, count=count, shape=shape, axes="out in")
    entry = given(ei.Sparse(ones, density=0.3))
    yield "entry: how many", share(entry.sum(), entry.size, 0.3)
    spread = stats.binom(60, 0.3)
    got = entry.sum((1, 2)).astype(int)
    edges = [0, 15, 17, 18, 19, 21, 61]  # some sixty draws or more in each
    seen = np.histogram(got, edges)[0]
    wanted = np.diff(spread.cdf(np.array(edges) - 1)) * count
    yield (
        "entry: spread",
        float(stats.chisquare(seen, wanted * count / wanted.sum()).pvalue),
    )
    yield (
        "entry: where",
        float(
            stats.chi2(60).sf(
                np.sum((entry.sum(0) - 0.3 * count) ** 2) / (0.21 * count)
            )
        ),
    )
    for per, axis, length in (("output", 2, 10), ("input", 1, 6)):
        lines = given(ei.Sparse(ones, nonzero=3, per=per))
        assert (lines.sum(axis) == 3).all()
        # Of a hypergeometric count in each place; the sums over a line are fixed.
        places = lines.sum(0)
        share_ = 3 / length
        variance = count * share_ * (1 - share_) * length / (length - 1)
        total = np.sum((places - count * share_) ** 2) / variance
        yield f"{per}: where", float(stats.chi2((length - 1) * 60 // length).sf(total))
        pair = np.take(lines, 0, axis) * np.take(lines, 1, axis)
        together = 3 * 2 / (length * (length - 1))
        yield f"{per}: pairs", share(pair.sum(), pair.size, together)
    kept = given(ei.Sparse(ei.Normal(1.0), density=0.5))
    yield "values", ks(kept[kept != 0], stats.norm())
    bound = given(ei.Sparse(ones, density=0.1, connected=True)).sum(2)
    assert bound.min() >= 1
    lone = stats.binom.pmf(0, 10, 0.1) + stats.binom.pmf(1, 10, 0.1)
    yield "connected", share((bound == 1).sum(), bound.size, lone)


def haar() -> Tests:
    """Uniform among all rotations: no direction is preferred, on either side."""
    side = 6
    # (1 + u'Qv) / 2 for fixed directions u and v that are not axes.
    rng = np.random.default_rng(0)
    u, v = (x / np.linalg.norm(x) for x in rng.normal(size=(2, side)))
    angle = stats.beta((side - 1) / 2, (side - 1) / 2)
    kinds: dict[
        str, tuple[Any, tuple[int, ...], Callable[[np.ndarray], np.ndarray]]
    ] = {
        "qr": (ei.Orthogonal(), (6, 6), lambda q: q),
        "householder": (ei.Orthogonal(algorithm="householder"), (6, 6), lambda q: q),
        "wide": (ei.Orthogonal(), (3, 6), lambda q: q),
        "tall": (ei.Orthogonal(), (6, 3), lambda q: q.swapaxes(1, 2)),
        "delta": (ei.DeltaOrthogonal(), (6, 6, 3), lambda q: q[..., 1]),
    }
    for name, (init, shape, read) in kinds.items():
        axes = "out in" if len(shape) == 2 else "out in *kernel"
        q = read(draws(init, 2000, shape, axes=axes))
        left = u[: q.shape[1]] / np.linalg.norm(u[: q.shape[1]])
        turned = np.einsum("i,nij,j->n", left, q, v)
        yield f"{name}: direction", ks((1 + turned) / 2, angle)
        yield f"{name}: entry", ks(q[:, 0, 0] ** 2, stats.beta(0.5, (side - 1) / 2))
        yield f"{name}: two entries", uncorrelated(q[:, 0, 0], q[:, 1, 1])
        if q.shape[1] == side:
            yield f"{name}: reflections", share((np.linalg.det(q) > 0).sum(), 2000, 0.5)


def checks() -> Tests:
    """Scores that `plan.check` gives are those of a normal."""
    laws = {name: init for name, (init, _) in BASES.items()}
    laws |= {"laplace": ei.HeNormal(distribution=ei.Laplace())}
    for name, init in laws.items():
        model = [nn.Linear(40, 30, use_bias=False, key=KEY) for _ in range(400)]
        model = [jax.tree_util.tree_map(lambda x: x, layer) for layer in model]
        plan = ei.plan(model, [ei.Rule(nn.Linear, weight=init)])
        rows = plan.check(plan.apply(model, KEY)).rows
        assert len(rows) == 400
        yield f"{name}: mean", ks([row.z_mean for row in rows], stats.norm())
        yield f"{name}: std", ks([row.z_std for row in rows], stats.norm())


FAMILY: dict[Callable[[], Tests], int] = {
    bulk: 32,
    ensembles: 10,
    combinators: 16,
    sparse: 9,
    haar: 18,
    checks: 10,
}


@pytest.mark.parametrize("group", FAMILY)
def test_no_statistic_is_beyond_what_chance_gives(group: Callable[[], Tests]):
    found = dict(group())
    assert len(found) == FAMILY[group]
    assert all(0 <= p <= 1 for p in found.values()), found
    limit = RATE / sum(FAMILY.values())
    assert {name: p for name, p in found.items() if p < limit} == {}
