"""Moments by the axes on which entries agree, against covariance matrices in full."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from eqinit.signal._forecast.atoms import Atom
from eqinit.signal._forecast.curves import Curve, _product, identity, moments_of
from eqinit.signal._forecast.largest import largest
from eqinit.signal._forecast.moments import (
    Moments,
    average,
    centred,
    independent,
    known,
    measured,
    plus,
    spread,
    times,
    total,
)
from eqinit.signal._forecast.moves import (
    _taken_along,
    broadcast,
    concatenated,
    reshaped,
    taken,
    transposed,
)
from eqinit.signal._forecast.products import summed_product, window_index
from eqinit.signal._forecast.shares import _powers, shares
from eqinit.signal._forecast.values import Random


def some(*shape: int, seed: int = 0) -> Moments:
    """An array that is a sum of effects of every set of its axes, and a mean."""
    rng = np.random.default_rng(seed)
    pairs = np.zeros((2,) * len(shape))
    for flags in itertools.product((0, 1), repeat=len(shape)):
        # An effect of these axes is common to entries that agree at least on them.
        agreeing = tuple(slice(f, 2) for f in flags)
        pairs[agreeing] += rng.uniform(0.2, 1.0)
    ones = (1,) * len(shape)
    mean = np.full(ones, 0.5)
    return Moments(shape, mean, pairs.reshape(pairs.shape + ones) + 0.25)


def matrix(one: Moments) -> np.ndarray:
    """E[x_a x_b] of all entries, from the table."""
    places = list(np.ndindex(*one.shape))
    products = np.empty((len(places), len(places)))
    for i, a in enumerate(places):
        position = tuple(min(p, n - 1) for p, n in zip(a, one.profile, strict=True))
        for j, b in enumerate(places):
            agree = [p == q for p, q in zip(a, b, strict=True)]
            flags = tuple(
                f - 1 if g else 0 for f, g in zip(one.flags, agree, strict=True)
            )
            products[i, j] = one.pairs[flags + position]
    return products


def table(products: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The mean over all pairs that agree on each set of axes; of none, not a number."""
    places = np.array(list(np.ndindex(*shape))).reshape(-1, len(shape))
    agree = places[:, None] == places[None]
    result = np.full((2,) * len(shape), np.nan)
    for flags in itertools.product((0, 1), repeat=len(shape)):
        such = (agree == np.array(flags, bool)).all(-1)
        if such.any():
            result[flags] = products[such].mean()
    return result


def of(one: Moments) -> np.ndarray:
    """The table of moments, averaged over the profile, as `table` has it."""
    pairs = one.pairs.reshape(one.flags + (-1,)).mean(-1)
    pairs = np.broadcast_to(pairs, (2,) * one.ndim).copy()
    for axis, n in enumerate(one.shape):
        if n == 1:
            pairs[(slice(None),) * axis + (0,)] = np.nan
    return pairs


# What is done to moments, and the same done to an array: both are linear.
LINEAR: dict[str, tuple[Callable[[Moments], Moments], Callable[[Any], Any]]] = {
    "sum": (lambda m: total(m, [1]), lambda x: x.sum(1, keepdims=True)),
    "two sums": (lambda m: total(m, [0, 2]), lambda x: x.sum((0, 2), keepdims=True)),
    "mean": (lambda m: average(m, [2]), lambda x: x.mean(2, keepdims=True)),
    "centred": (lambda m: centred(m, [1]), lambda x: x - x.mean(1, keepdims=True)),
    "transposed": (lambda m: transposed(m, [2, 0, 1]), lambda x: x.transpose(2, 0, 1)),
    "merged": (lambda m: reshaped(m, (3, 8)), lambda x: x.reshape(3, 8)),
    "flat": (lambda m: reshaped(m, (24,)), lambda x: x.reshape(24)),
    "split": (lambda m: reshaped(m, (3, 2, 2, 2)), lambda x: x.reshape(3, 2, 2, 2)),
    "ones": (lambda m: reshaped(m, (3, 1, 2, 4)), lambda x: x.reshape(3, 1, 2, 4)),
    "slice": (
        lambda m: taken(m, 2, np.array([1, 3])),
        lambda x: x[:, :, np.array([1, 3])],
    ),
    "padded": (
        lambda m: taken(m, 2, np.array([-1, 0, 1, 2, 3])),
        lambda x: np.pad(x, ((0, 0), (0, 0), (1, 0))),
    ),
    "broadcast": (
        lambda m: broadcast(total(m, [1]), (3, 5, 4), (0, 1, 2)),
        lambda x: np.broadcast_to(x.sum(1, keepdims=True), (3, 5, 4)),
    ),
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_maps(name: str):
    """`E[(L x)(L x)^T] = L E[x x^T] L^T`, averaged over pairs."""
    on_moments, on_array = LINEAR[name]
    one = some(3, 2, 4)
    size = 24
    columns = [on_array(row.reshape(3, 2, 4)) for row in np.eye(size)]
    linear = np.stack([np.asarray(c).ravel() for c in columns], 1)
    expected = table(linear @ matrix(one) @ linear.T, columns[0].shape)
    result = on_moments(one)
    assert result.shape == columns[0].shape
    np.testing.assert_allclose(of(result), expected, rtol=1e-9)
    mean = on_array(np.full((3, 2, 4), 0.5)).mean()
    np.testing.assert_allclose(
        np.broadcast_to(result.mean, result.shape).mean(), mean, atol=1e-12
    )


def test_windows():
    """Taps of a window are entries of the array, or zeros beyond its edge."""
    one = some(6, seed=1)
    index = window_index(6, 3, (1, 1), 1, 1, 1)
    assert index.tolist()[0] == [-1, 0, 1]
    padded = np.pad(np.eye(6), ((0, 0), (1, 1)))
    summed = np.stack([padded[:, i : i + 3].sum(1) for i in range(6)])
    products = summed @ matrix(one) @ summed.T
    # The sum over taps; windows overlap, which a table does not know of, so that only
    # the second moment of one window is exact.
    moments = total(taken(one, 0, index), [1])
    np.testing.assert_allclose(moments.square.ravel(), np.diag(products), rtol=1e-9)


def test_sums_and_products_of_independent_arrays():
    a, b = some(3, 4), some(3, 4, seed=1)
    mean = 0.5 * 0.5
    both = matrix(a) + matrix(b) + 2 * mean
    np.testing.assert_allclose(of(plus(a, b)), table(both, (3, 4)), rtol=1e-9)
    product = matrix(a) * matrix(b)
    np.testing.assert_allclose(of(times(a, b)), table(product, (3, 4)), rtol=1e-9)


@pytest.mark.parametrize("alone", [False, True])
def test_matrix_product(alone: bool):
    """`E[sum_k x_ik y_kj sum_l x_ml y_ln]`, term by term."""
    x = some(3, 4)
    y = independent((4, 2), 0.0, 0.7) if alone else some(4, 2, seed=1)
    left, right = (matrix(m) for m in (x, y))
    left = left.reshape(3, 4, 3, 4)
    right = np.broadcast_to(right, (8, 8)).reshape(4, 2, 4, 2)
    products = np.einsum("ikml,kjln->ijmn", left, right).reshape(6, 6)
    one = broadcast(x, (3, 1, 4), (0, 2))
    other = broadcast(transposed(y, [1, 0]), (1, 2, 4), (1, 2))
    result = reshaped(summed_product(one, other, [2]), (3, 2))
    np.testing.assert_allclose(of(result), table(products, (3, 2)), rtol=1e-9)


def test_concatenated():
    """Parts that are independent, and of other moments."""
    a, b = some(2, 3), some(4, 3, seed=1)
    products = np.full((18, 18), 0.25)
    products[:6, :6], products[6:, 6:] = matrix(a), matrix(b)
    result = concatenated([a, b], 0)
    np.testing.assert_allclose(of(result), table(products, (6, 3)), rtol=1e-9)


def test_measured():
    """Averages over the pairs of one array."""
    array = np.random.default_rng(0).normal(size=(3, 4, 2)) + 1
    products = np.outer(array, array)
    np.testing.assert_allclose(of(measured(array)), table(products, (3, 4, 2)))


def test_known():
    """Along axes on which it is not constant, position by position."""
    array = np.broadcast_to(np.arange(3.0)[:, None], (3, 4))
    one = known(array)
    assert one.mean.shape == (3, 1)
    np.testing.assert_allclose(one.square.ravel(), np.arange(3.0) ** 2)


def test_spread_is_about_the_mean_of_the_array():
    one = some(3, 4)
    n = 12
    centre = np.eye(n) - 1 / n
    exact = np.trace(centre @ matrix(one) @ centre) / n
    assert spread(one) == pytest.approx(exact**0.5, rel=1e-12)


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "square": np.square,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "step": lambda x: (x > 0).astype(float),
    "exp": lambda x: np.exp(x / 2),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("c", [-0.9, 0.0, 0.5, 0.99])
def test_functions_of_correlated_normal_numbers(name: str, c: float):
    """`E[f(x) f(y)]` by a fine grid in two dimensions."""
    fn = FUNCTIONS[name]
    pairs = np.array([c, 1.0]).reshape(2, 1)
    atom = Moments((5,), np.zeros(1), pairs)
    own = identity(atom, 0.0, False)
    result = moments_of(Curve(own.index, fn(own.values)), atom, 0.0, frozenset())
    g = np.arange(-7.0, 7.0, 0.01) + 0.005
    w = np.exp(-(g**2) / 2) / np.exp(-(g**2) / 2).sum()
    other = c * g[:, None] + np.sqrt(1 - c**2) * g
    exact = w @ (fn(g)[:, None] * fn(other)) @ w
    # At a step or a kink the nodes are 0.05 apart, and the series is cut.
    assert result.pairs[0, 0] == pytest.approx(exact, abs=1e-2)
    assert result.pairs[1, 0] == pytest.approx(w @ fn(g) ** 2, rel=1e-2)
    assert result.mean[0] == pytest.approx(w @ fn(g), abs=2e-3)


def test_uneven_scales():
    """Of a square, and of units that have their scale in common."""
    unevenness = 0.5
    atom = Moments((9, 9), np.zeros((1, 1)), np.zeros((2, 2, 1, 1)))
    atom.pairs[1, 1] = 1.0
    own = identity(atom, unevenness, False)
    square = Curve(own.index, own.values**2)
    result = moments_of(square, atom, unevenness, frozenset({1}))
    # E[s^4] = 1.5, and E[g^4] = 3.
    flat = result.pairs[..., 0, 0]
    np.testing.assert_allclose(flat, [[1, 1], [1.5, 4.5]], rtol=2e-3)


def test_shares_of_equal_terms_are_equal():
    """E of the sums of a^2 and a^3, and of the square of the first, for a = 1 / n."""
    assert _powers(4.0, 0.0) == (1 / 4, 1 / 4**2, 1 / 4**2)


def test_units_that_differ_in_one_axis_of_two_are_as_far_apart():
    """Of a fixed sum of squares, which is over both."""
    one = Moments((9, 9), np.zeros((1, 1)), np.zeros((2, 2, 1, 1)))
    one.pairs[1, 1] = 1.0
    two = Moments((9, 3, 3), np.zeros((1, 1, 1)), np.zeros((2, 2, 2, 1, 1, 1)))
    two.pairs[1, 1, 1] = 1.0

    def squares(atom: Moments, units: set[int]) -> np.ndarray:
        own = identity(atom, -0.2, False)
        curve = Curve(own.index, own.values**2)
        return moments_of(curve, atom, -0.2, frozenset(units)).pairs.squeeze()

    apart = squares(one, {1})[1, 0]
    found = squares(two, {1, 2})[1]
    np.testing.assert_allclose([found[0, 0], found[0, 1], found[1, 0]], apart)


@pytest.mark.parametrize(
    ("n", "std"), [(4, 1.0), pytest.param(100, 0.5, marks=pytest.mark.thorough)]
)
def test_shares_of_a_sum(n: int, std: float):
    """The weights of a softmax on normal logits, against a hundred thousand of them."""
    variance = std**2
    pairs = np.exp([0.0, variance]).reshape(2, 1) * np.exp(variance)
    terms = Moments((n,), np.full(1, np.exp(variance / 2)), pairs)
    weights, left = shares(terms, total(terms, [0]), [0])
    rng = np.random.default_rng(0)
    a = np.exp(std * rng.normal(size=(100_000, n)))
    a = a / a.sum(1, keepdims=True)
    square = (a**2).sum(1)
    # Five standard errors of the mean: once in two million seeds.
    error = 5 * square.std() / len(a) ** 0.5
    assert abs(n * weights.square.item() - square.mean()) < error + 1e-3 * square.mean()
    assert total(weights, [0]).square.item() == pytest.approx(1, rel=1e-6)
    gradient = (a**2 * (1 - 2 * a + square[:, None])).sum(1)
    assert left.item() == pytest.approx(gradient.mean() / square.mean(), rel=1e-2)


@pytest.mark.parametrize(("n", "c"), [(2, 0.0), (9, 0.3), (50, 0.8)])
def test_largest(n: int, c: float):
    """Of normal numbers with one correlation, against a hundred thousand of them."""
    pairs = np.array([c, 1.0]).reshape(2, 1)
    value = Random(Atom(Moments((n,), np.zeros(1), pairs)))
    top = largest(value, value.moments, [0], float(n))
    rng = np.random.default_rng(0)
    x = np.sqrt(c) * rng.normal(size=(100_000, 1))
    x = (x + np.sqrt(1 - c) * rng.normal(size=(100_000, n))).max(1)
    assert isinstance(top, Random)
    assert top.moments.mean.item() == pytest.approx(x.mean(), abs=5 * x.std() / 300)
    assert top.moments.variance.item() == pytest.approx(x.var(), rel=0.05)


def test_a_pair_is_of_different_entries():
    """The mean of the other two, of three; and of one that is everywhere, itself."""
    values, index = np.array([[1.0], [3.0], [8.0]]), np.arange(3)
    others = np.array([(3 + 8) / 2, (1 + 8) / 2, (1 + 3) / 2])
    np.testing.assert_allclose(
        _product(values, index, {0})[:, 0], values[:, 0] * others
    )
    np.testing.assert_allclose(_product(values, index[1:2], {0}), [[9.0]])


def test_what_is_the_same_everywhere_is_taken_as_what_it_stands_for():
    """As `np.take` from all of it."""
    numbers, index = np.arange(6.0).reshape(2, 1, 3), np.array([[4, 0], [2, 2]])
    whole = np.take(np.broadcast_to(numbers, (2, 5, 3)), index, 1)
    taken = np.broadcast_to(_taken_along(numbers, 1, index), whole.shape)
    np.testing.assert_array_equal(taken, whole)
