"""A forecast agrees with what a probe measures, on average over draws."""

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from by_hand import KEY, normal
from forecast_models import CASES, HE, Case
from jax.ad_checkpoint import checkpoint_name

import eqinit as ei
from eqinit import probe
from eqinit.signal import Forecast, forecast


def batched(m: Any, x: Any) -> Any:
    return jax.vmap(m)(x)


def of(case: Case) -> Forecast:
    skeleton = eqx.filter_eval_shape(case.make)
    return forecast(ei.plan(skeleton, case.rules), skeleton, batched, case.x)


def measured(case: Case, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Squares of what a probe measures, forward and backward: (draws, layers)."""
    skeleton = eqx.filter_eval_shape(case.make)
    keys = [jax.random.key(i) for i in range(draws)]
    models = [ei.apply(skeleton, key, case.rules) for key in keys]
    # With gradients of its own each: at the output they are no other source of error.
    rows = [
        probe(model, batched, case.x, key=jax.random.fold_in(key, 1)).rows
        for model, key in zip(models, keys, strict=True)
    ]
    forward = np.array([[row.std for row in draw] for draw in rows])
    backward = np.array([[row.grad_std for row in draw] for draw in rows])
    return forward**2, backward**2


def errors(expected: list[Any], squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Relative errors of a std, and the standard errors of what was measured."""
    mean = squares.mean(0)
    standard = squares.std(0, ddof=1) / len(squares) ** 0.5 / mean / 2
    return np.abs(np.array(expected, float) / mean**0.5 - 1), standard


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_a_probe(name: str):
    """Within 5 % for half of the layers, and within 15 % for all.

    Draws of a narrow network differ. The variance of the logarithm of its mean square
    is about `5 depth / width` for relu (Hanin and Nica 2020), for 8 layers of 128 units
    0.3: over 24 draws the std is uncertain by half of sqrt(0.3 / 24), 6 %, at the
    deepest layer. That is the largest standard error of all cases, and the test holds
    it to be.
    """
    case = CASES[name]()
    report = of(case)
    forward, backward = measured(case, 24)
    off, standard = errors([row.std for row in report.rows], forward)
    assert standard.max() < 0.06
    assert np.median(off) < 0.05
    assert off.max() < 0.15
    known = [i for i, row in enumerate(report.rows) if row.grad_std is not None]
    assert [i for i in range(len(off)) if i not in known] == list(case.no_gradient)
    grads = [row.grad_std for row in report.rows if row.grad_std is not None]
    off, standard = errors(grads, backward[:, known])
    assert standard.max() < 0.06
    assert np.median(off) < 0.05
    assert off.max() < 0.15


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.thorough) for name in ("tanh", "scanned")],
)
def test_agrees_with_one_probe(name: str):
    """Where draws are alike, one is enough; rows are those of the probe."""
    case = CASES[name]()
    report = of(case)
    skeleton = eqx.filter_eval_shape(case.make)
    model = ei.apply(skeleton, KEY, case.rules)
    rows = probe(model, batched, case.x).rows
    assert [row.path for row in report.rows] == [row.path for row in rows]
    for row, seen in zip(report.rows, rows, strict=True):
        assert row.std == pytest.approx(seen.std, rel=0.1)
        assert row.grad_std == pytest.approx(seen.grad_std, rel=0.15)
        assert row.sample_corr == pytest.approx(seen.sample_corr, abs=0.05)
        assert (row.uses, row.count) == (seen.uses, seen.count)


# Laws of mathematics: what can be said without a probe.


def forecast_of(model: Any, rules: Any, x: Any, call: Any = batched) -> Forecast:
    return forecast(ei.plan(model, rules), model, call, x)


def linear(n_in: int, n_out: int) -> eqx.nn.Linear:
    return eqx.nn.Linear(n_in, n_out, use_bias=False, key=KEY)


X = jax.ShapeDtypeStruct((64, 100), jnp.float32)
X8 = jax.ShapeDtypeStruct((16, 8), jnp.float32)
KERNELS = ei.Rule(eqx.nn.Linear, weight=ei.LecunNormal())


def checkpointed(layer: Any) -> Any:
    return eqx.filter_checkpoint(layer)


def checkpointed_twice(layer: Any) -> Any:
    return eqx.filter_checkpoint(checkpointed(layer))


@pytest.mark.parametrize("wrap", [checkpointed, checkpointed_twice])
def test_a_checkpoint_changes_no_row(wrap: Callable[[Any], Any]):
    """It is the identity; that a gradient computes its body again is no second use."""

    def call(model: Any, x: Any, wrap: Callable[[Any], Any]) -> Any:
        first, second, head = model

        def block(x: Any) -> Any:
            return jnp.tanh(jax.vmap(second)(jnp.tanh(jax.vmap(first)(x))))

        return jax.vmap(head)(wrap(block)(x)).sum()

    model = [linear(8, 8), linear(8, 8), linear(8, 3)]
    plain, again = (
        forecast(ei.plan(model, [KERNELS]), model, partial(call, wrap=by), X8).rows
        for by in (lambda layer: layer, wrap)
    )
    assert plain == again
    assert {row.uses for row in plain} == {1}


def test_gradients_are_large_where_inputs_are():
    """With `f(x) = x |x|`, whose slope grows as the scale does, in a very wide net.

    Let a sample have scale s. Then `h_1 = s g`, `E[h_2^2] = E[f(h_1)^2] = 3 s^4`, and
    gradients pass two slopes of `2 |h|`: their squares are `4 * 3 s^4` and that times
    `4 s^2`, on average over samples. `s^2` is a sum of 16 squares over 16. It is taken
    to be log-normal, which for `E[s^6]` is 0.6 % too much in the std.
    """
    wide = 2**14
    model = eqx.filter_eval_shape(
        eqx.nn.MLP, 16, wide, wide, 2, lambda x: x * jnp.abs(x), key=KEY
    )
    x = jax.ShapeDtypeStruct((64, 16), jnp.float32)
    report = forecast_of(model, [KERNELS, ei.Rule("**.bias", ei.Zeros())], x)
    fourth, sixth = 18 / 16, 18 * 20 / 16**2
    exact = [(48 * sixth) ** 0.5, (12 * fourth) ** 0.5, 1.0]
    assert [row.grad_std for row in report.rows] == pytest.approx(exact, rel=0.01)


def test_gradients_are_along_what_weights_were_used_on():
    """With `f(x) = x |x|` again, in a narrow net behind inputs of one scale.

    Let `h = f(u)`, `v = W h` and `g` the gradient at `f(v)`, all of `n` units. Given
    `h`, that at `v` is `2 |v| g`, and at `h` what it is through new weights, less its
    part along `h`, and plus `h (v . 2 |v| g) / |h|^2`. For a `v` of variance
    `|h|^2 / n` its square at `h_i` is `4 (|h|^2 + 2 h_i^2) / n`, and with the slope
    `4 u_i^2 = 4 |h_i|` behind it `16 ((n - 1) 3 + 15 + 2 * 15) / n = 48 (1 + 14 / n)`.
    """
    n, f = 64, lambda x: x * jnp.abs(x)
    model = eqx.filter_eval_shape(eqx.nn.MLP, 2**14, n, n, 2, f, key=KEY)
    x = jax.ShapeDtypeStruct((64, 2**14), jnp.float32)
    report = forecast_of(model, [KERNELS, ei.Rule("**.bias", ei.Zeros())], x)
    exact = [(48 * (1 + 14 / n)) ** 0.5, 12**0.5, 1.0]
    assert [row.grad_std for row in report.rows] == pytest.approx(exact, rel=3e-3)


def test_gradients_behind_a_sum_are_large_where_its_parts_are():
    """Of `relu(y + a)`, where `y` is a relu itself: the larger, the likelier it opens.

    Let `y = relu(s)` and `a = W y` with weights as He's, so that both `s` and `a` are
    standard normal. The last relu opens for half of the negative `s`, and for 3/4 of
    the positive ones: for 5/8 of all. So the gradient at `a` is 5/8 of that behind it;
    what returns through `W` is 5/4 of it, for half of the `s`; and what comes back
    over the sum is 3/4, for that half: 5/8 + 3/8 = 1. The sum is taken to be normal,
    as only `a` is, which for the 5/8 is 1.6 % too much.
    """
    wide = 2**12
    model = eqx.filter_eval_shape(lambda: [linear(wide, wide) for _ in range(3)])
    rules = [ei.Rule("1.weight", ei.HeNormal()), KERNELS]
    x = jax.ShapeDtypeStruct((64, wide), jnp.float32)

    def call(model: Any, x: Any) -> Any:
        first, second, head = (jax.vmap(layer) for layer in model)
        y = jax.nn.relu(first(x))
        return head(jax.nn.relu(y + second(y)))

    squares = [row.grad_std**2 for row in forecast_of(model, rules, x, call)]
    assert squares == pytest.approx([1, 5 / 8, 1], rel=0.02)


def test_the_slope_of_a_gate():
    """What the two factors of `x^2 = x x` leave adds up, behind a product as well.

    Of `u = v x^2` with independent standard normal `v` and `x`, the gradient at `x` is
    `2 v x g`: 4 in its square, and not 2 as of two independent parts.
    """

    def call(model: Any, x: Any) -> Any:
        v, inner, head = batched(model[0], x), batched(model[1], x), model[2]
        return batched(head, v * (inner * inner))

    wide = 2**12
    model = eqx.filter_eval_shape(lambda: [linear(wide, wide) for _ in range(3)])
    x = jax.ShapeDtypeStruct((64, wide), jnp.float32)
    value, gate, head = forecast_of(model, [KERNELS], x, call)
    assert value.grad_std**2 == pytest.approx(3, rel=1e-2)
    assert gate.grad_std**2 == pytest.approx(4, rel=1e-2)
    assert head.grad_std == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("std", [0.1, 2.0])
def test_one_layer(std: float):
    """`n std^2` for independent weights, less what the mean over 64 x 50 takes."""
    model = linear(100, 50)
    (row,) = forecast_of(model, [ei.Rule(eqx.nn.Linear, weight=ei.Normal(std))], X).rows
    exact = 100 * std**2 * (1 - 1 / (64 * 50))
    assert row.std == pytest.approx(exact**0.5, rel=1e-9)
    assert row.grad_std == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize(("turned", "wanted"), [(0, 1.0), (2, -1 / 3)])
def test_samples_that_are_alike_or_cancel(turned: int, wanted: float):
    """Four that are the same correlate by 1; four that add up to nothing by -1 / 3."""
    x = jnp.ones((4, 64)).at[:turned].multiply(-1)
    (row,) = forecast_of(linear(64, 64), [KERNELS], x).rows
    assert row.sample_corr == pytest.approx(wanted)


@pytest.mark.thorough
def test_relu_layers_keep_their_second_moment():
    """He's theorem, and that of its backward pass."""
    model = eqx.nn.MLP(100, 100, 100, 5, key=KEY)
    rows = forecast_of(model, [HE], X).rows
    for row in rows:
        assert row.second_moment == pytest.approx(2, rel=2e-3)
    assert rows[0].grad_std == pytest.approx(rows[-2].grad_std, rel=5e-3)


class Mean(eqx.Module):
    """A linear layer at each of 25 positions, and the mean over them."""

    linear: eqx.nn.Linear
    head: eqx.nn.Linear

    def __call__(self, x: Any) -> Any:
        return self.head(jnp.mean(jax.vmap(self.linear)(x), 0))


@pytest.mark.parametrize("alike", [False, True])
def test_mean_over_positions(alike: bool):
    """Of independent positions a 25th of the variance is left, of equal ones all."""
    model = Mean(linear(100, 100), linear(100, 100))
    x = normal(32, 1 if alike else 25, 100)
    x = jnp.broadcast_to(x, (32, 25, 100))
    first, head = forecast_of(model, [KERNELS], x)
    left = 1 if alike else 1 / 25
    assert head.std == pytest.approx(first.std * left**0.5, rel=2e-2)


class Causal(eqx.Module):
    """Attention with equal logits: the mean over all positions up to one's own."""

    value: eqx.nn.Linear
    out: eqx.nn.Linear

    def __call__(self, x: Any) -> Any:
        mask = jnp.tril(jnp.ones((len(x), len(x)), bool))
        logits = jnp.where(mask, jnp.zeros(mask.shape) + 0 * jnp.sum(x), -jnp.inf)
        return jax.vmap(self.out)(jax.nn.softmax(logits, -1) @ jax.vmap(self.value)(x))


@pytest.mark.thorough
def test_causal_mask():
    """The variance at position `t` is that of a mean over `t`: on average H_T / T."""
    model = Causal(linear(64, 64), linear(64, 64))
    x = jax.ShapeDtypeStruct((32, 10, 64), jnp.float32)
    _, out = forecast_of(model, [KERNELS], x)
    harmonic = sum(1 / t for t in range(1, 11)) / 10
    assert out.second_moment == pytest.approx(harmonic, rel=1e-2)


class Attention(eqx.Module):
    """Causal, of one head, and with a query that is next to nothing."""

    query: eqx.nn.Linear
    key: eqx.nn.Linear
    value: eqx.nn.Linear

    def __call__(self, x: Any) -> Any:
        q, k, v = (jax.vmap(f)(x) for f in (self.query, self.key, self.value))
        mask = jnp.tril(jnp.ones((len(x), len(x)), bool))
        logits = jnp.where(mask, q @ k.T / k.shape[-1] ** 0.5, -jnp.inf)
        return jax.nn.softmax(logits, -1) @ v


@pytest.mark.parametrize("mean", [0.0, 3.0])
@pytest.mark.thorough
def test_gradients_behind_a_causal_softmax(mean: float):
    """Position `t` has `t` equal weights, and logits a gradient of
    `(g_k - mean(g)) / t`: over all terms of `t (1 - 1/t) / t^2`, which is none for the
    first position. What keys have in common, such as a mean, is no part of the
    query's: terms add up to nothing.
    """
    key = eqx.nn.Linear(64, 64, key=KEY)
    model = Attention(linear(64, 64), key, linear(64, 64))
    rules = [("query.weight", ei.Normal(1e-4)), ("key.bias", ei.Constant(mean))]
    x = jax.ShapeDtypeStruct((32, 10, 64), jnp.float32)
    query, _, _ = forecast_of(model, [*rules, KERNELS], x)
    exact = sum((1 - 1 / t) / t for t in range(1, 11)) / 10
    assert query.grad_std**2 == pytest.approx(exact, rel=1e-2)


class Padded(eqx.Module):
    conv: eqx.nn.Conv1d

    def __call__(self, x: Any) -> Any:
        return self.conv(x)


def test_padding():
    """Two of five positions see a zero through one of three taps: 13 of 15 are left."""
    model = Padded(eqx.nn.Conv1d(20, 20, 3, padding=1, use_bias=False, key=KEY))
    x = jax.ShapeDtypeStruct((32, 20, 5), jnp.float32)
    (row,) = forecast_of(model, [ei.Rule(eqx.nn.Conv, weight=ei.LecunNormal())], x)
    assert row.second_moment == pytest.approx(13 / 15, rel=1e-6)


class Normed(eqx.Module):
    linear: eqx.nn.Linear
    norm: Any

    def __call__(self, x: Any) -> Any:
        return self.norm(self.linear(x))


@pytest.mark.parametrize(
    ("norm", "scale"),
    [
        (eqx.nn.RMSNorm, 1e3),
        pytest.param(eqx.nn.LayerNorm, 1e-3, marks=pytest.mark.thorough),
    ],
)
def test_norms(norm: Any, scale: float):
    """Whatever comes in leaves with a second moment of one, and gradients shrink."""
    model = Normed(
        linear(100, 64), norm(64, eps=1e-12, use_weight=False, use_bias=False)
    )
    rules = [ei.Rule(eqx.nn.Linear, weight=ei.LecunNormal(gain=scale))]
    whole = forecast(
        ei.plan(model, rules), model, batched, X, select=lambda m: [m.linear, m]
    )
    inner, outer = whole["linear"], whole[""]
    assert outer.second_moment == pytest.approx(1, rel=1e-3)
    # A gradient of one, without its mean and what is along the output, over the scale:
    # that of an input, of 100 numbers, times that of the units left. For n normal
    # numbers, E[1 / mean square] = n / (n - 2).
    lost = 2 if norm is eqx.nn.LayerNorm else 1
    square = (1 - lost / 64) * 100 / 98 * 64 / (64 - lost - 1)
    assert inner.grad_std == pytest.approx(square**0.5 / scale, rel=3e-3)


def test_dropout():
    """What is kept is scaled up: the second moment is divided by the share."""
    model = Normed(linear(100, 64), eqx.nn.Dropout(0.5))
    key = jax.random.key(0)

    def call(m: Any, x: Any, key: Any) -> Any:
        keys = jax.random.split(key, len(x))
        return jax.vmap(lambda a, k: m.norm(m.linear(a), key=k))(x, keys)

    rules = [KERNELS]
    plan = ei.plan(model, rules)
    report = forecast(plan, model, call, X, key, select=eqx.nn.Dropout)
    assert report.rows[0].second_moment == pytest.approx(2, rel=1e-2)


def stacked(length: int) -> eqx.nn.Linear:
    make = eqx.filter_vmap(lambda key: eqx.nn.Linear(8, 8, use_bias=False, key=key))
    return make(jax.random.split(KEY, length))


def mapped(layers: Any, x: Any) -> Any:
    return eqx.filter_vmap(lambda layer: batched(layer, x))(layers)


@pytest.mark.parametrize("members", [1, 3])
def test_a_member_of_an_ensemble_is_like_one_alone(members: int):
    """What all of them return is one array, and each has its part of the numbers."""
    rows = forecast_of(stacked(members), [KERNELS], jnp.ones((16, 8)), mapped).rows
    (alone,) = forecast_of(linear(8, 8), [KERNELS], jnp.ones((16, 8))).rows
    assert [row.path for row in rows] == [f"[{i}]" for i in range(members)]
    for row in rows:
        assert (row.count, row.uses) == (alone.count, alone.uses)
        assert row.second_moment == pytest.approx(alone.second_moment)
        assert row.sample_corr == pytest.approx(alone.sample_corr)


def test_slices_that_are_called_one_by_one():
    """Each has a value of its own, though no loop is over them: as layers that are not
    stacked.
    """

    def call(layers: Any, x: Any) -> Any:
        for layer in layers:
            x = jnp.tanh(batched(layer, x))
        return x

    def unrolled(layers: Any, x: Any) -> Any:
        return call([jax.tree.map(operator.itemgetter(i), layers) for i in range(3)], x)

    sliced = forecast_of(stacked(3), [KERNELS], X8, unrolled).rows
    apart = forecast_of([linear(8, 8) for _ in range(3)], [KERNELS], X8, call).rows
    for one, other in zip(sliced, apart, strict=True):
        assert (one.count, one.uses) == (other.count, other.uses)
        assert (one.std, one.grad_std) == pytest.approx((other.std, other.grad_std))


# What is not known.


class Sorted(eqx.Module):
    first: eqx.nn.Linear
    second: eqx.nn.Linear

    def __call__(self, x: Any) -> Any:
        return self.second(jnp.sort(self.first(x)))


def test_missing_rules_are_named():
    model = Sorted(linear(100, 64), linear(64, 64))
    report = forecast_of(model, [KERNELS], X)
    first, second = report.rows
    assert first.std == pytest.approx(1, rel=1e-2)
    assert second.std is None
    assert second.count == 0
    assert "`sort`" in second.why
    assert "first (gradient), second: there is no rule" in str(report)
    assert "`sort`" in report.summary()


def test_a_quotient_by_what_may_be_zero():
    """Of both at once and apart: its rows are unknown, and nothing else is said."""
    x = jax.ShapeDtypeStruct((32, 64), jnp.float32)

    def call(model: Any, x: Any) -> Any:
        first = batched(model[0], x / -jax.nn.relu(x))
        return first, batched(model[2], batched(model[1], x) / -jax.nn.relu(x))

    model = [linear(64, 64) for _ in range(3)]
    first, second, third = forecast_of(model, [KERNELS], x, call).rows
    assert first.why == "its second moment is not finite"
    assert second.std == pytest.approx(1, rel=1e-2)
    assert third.why == "a quotient by what may be zero"


def test_the_largest_of_two_normals_has_their_second_moment():
    """The squares of both add up to theirs, and by symmetry are alike."""
    x = jax.ShapeDtypeStruct((64, 16, 32), jnp.float32)

    def call(model: Any, x: Any) -> Any:
        return jax.vmap(jax.vmap(model))(jax.vmap(eqx.nn.MaxPool1d(2, 2))(x))

    (row,) = forecast_of(linear(16, 64), [KERNELS], x, call).rows
    assert row.second_moment == pytest.approx(1, rel=1e-2)


def test_a_constant_that_has_a_name_is_what_it_was():
    """As a policy of checkpoints wants it: the identity."""
    x = jax.ShapeDtypeStruct((32, 64), jnp.float32)

    def call(model: Any, x: Any) -> Any:
        return batched(model, x * checkpoint_name(jnp.full(x.shape, 2.0), "two"))

    (row,) = forecast_of(linear(64, 64), [KERNELS], x, call).rows
    assert row.std == pytest.approx(2, rel=1e-2)


def test_a_constant_of_an_operation_that_nobody_knows():
    """Of Python's own: it cannot be computed ahead either."""
    x = jax.ShapeDtypeStruct((32, 64), jnp.float32)

    def call(model: Any, x: Any) -> Any:
        return batched(model, x * jax.pure_callback(lambda a: a, x, jnp.ones(x.shape)))

    (row,) = forecast_of(linear(64, 64), [KERNELS], x, call).rows
    assert row.std is None
    assert "there is no rule for `pure_callback`" in row.why


def test_parameters_that_are_no_independent_draws():
    model = linear(64, 64)
    x = jax.ShapeDtypeStruct((32, 64), jnp.float32)
    (row,) = forecast_of(model, [ei.Rule(eqx.nn.Linear, weight=ei.Identity())], x)
    assert row.std is None
    assert "no independent draws" in row.why
    normed = eqx.nn.WeightNorm(model)
    report = forecast_of(normed, [KERNELS], x)
    assert all("another form (WeightNorm)" in row.why for row in report.rows)


def test_kept_parameters_are_what_they_are():
    """No rule claims them: of their own mean square, in place of a law's."""
    model = eqx.tree_at(lambda m: m.weight, linear(100, 50), 3 * normal(50, 100))
    (row,) = forecast_of(model, [], X).rows
    square = float(jnp.mean(jnp.square(model.weight)))
    assert row.second_moment == pytest.approx(100 * square, rel=1e-5)
    skeleton = eqx.filter_eval_shape(lambda: linear(100, 50))
    plan = ei.plan(model, [])
    with pytest.raises(ValueError, match="this plan was made for another model"):
        forecast(plan, linear(99, 50), batched, X)
    (row,) = forecast(plan, skeleton, batched, X).rows
    assert "no rule claims" in row.why


@pytest.mark.thorough
def test_report(tmp_path: Any):
    pytest.importorskip("matplotlib")
    case = CASES["tanh"]()
    report = of(case)
    text = str(report)
    assert text.splitlines()[0].split()[:4] == ["layer", "kind", "mean", "std"]
    assert "gradient  shrinks" in text
    assert max(map(len, text.splitlines())) <= 100
    assert repr(report).startswith("Forecast(9 rows: signal keeps its scale, gradient")
    assert report["layers.3"] == report.rows[3]
    assert len(report.to_dict()["rows"]) == 9
    with pytest.raises(KeyError, match="no row `nowhere`"):
        report["nowhere"]
    model = ei.apply(eqx.filter_eval_shape(case.make), KEY, case.rules)
    path = tmp_path / "forecast.png"
    figure = report.plot(probe(model, batched, case.x), path=path)
    assert path.read_bytes().startswith(b"\x89PNG")
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["forecast", "measured"]


def test_errors():
    model = linear(100, 50)
    plan = ei.plan(model, [])
    with pytest.raises(ValueError, match="calls none of the 1 selected layers"):
        forecast(plan, model, lambda m, x: x, X)
    with pytest.raises(TypeError, match=r"called as `call\(model, \*args\)`"):
        forecast(plan, model, jax.vmap(model), X)
