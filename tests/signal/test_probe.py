"""A probe sees what a computation by hand sees."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from by_hand import (
    CASES,
    KEY,
    Case,
    by_hand,
    filled,
    mean_loss,
    member_of,
    mlp,
    normal,
    transformer,
)

from eqinit import Layer, Path, plan, probe
from eqinit.signal import LayerSignal
from eqinit.signal._taps.layers import tap_points


def assert_row(row: LayerSignal, h: np.ndarray, g: np.ndarray) -> None:
    """Equal to float32 rounding.

    Both sides round every output to 2^-24 of its size, in another order; what follows
    differs by a few such roundings, hence 2^-18 of the largest number involved.
    """
    tiny = 2.0**-18
    size = np.abs(h).max()
    grad = np.abs(g).max()
    assert row.count == h.size
    np.testing.assert_allclose(row.mean, h.mean(), atol=tiny * size)
    np.testing.assert_allclose(row.std, h.std(), rtol=tiny)
    np.testing.assert_allclose(row.second_moment, np.mean(np.abs(h) ** 2), rtol=tiny)
    np.testing.assert_allclose(row.max, h.max(), atol=tiny * size)
    np.testing.assert_allclose(row.min, h.min(), atol=tiny * size)
    assert row.dead == pytest.approx((h == 0).mean(), abs=1e-7)
    np.testing.assert_allclose(row.grad_mean, g.mean(), atol=tiny * grad)
    np.testing.assert_allclose(row.grad_std, g.std(), rtol=4 * tiny)
    np.testing.assert_allclose(row.grad_max, np.abs(g).max(), rtol=4 * tiny)
    assert row.blocked == pytest.approx((g == 0).mean(), abs=1e-7)


def assert_case(case: Case, report: Any) -> None:
    expected = by_hand(case)
    assert [row.path for row in report.rows] == list(expected)  # call order, too
    for row in report.rows:
        assert_row(row, *expected[row.path])


def batched(m: Any, x: Any) -> Any:
    return jax.vmap(m)(x)


def total(m: Any, x: Any) -> Any:
    """One number, where the gradients are of no interest: no noise to compile."""
    return jnp.sum(batched(m, x).real.astype(jnp.float32))


@pytest.mark.first_case
@pytest.mark.parametrize("name", CASES)
def test_equals_by_hand(name: str):
    case = CASES[name]()

    def call(m, x):
        return mean_loss(m, case.loss, x)

    assert_case(case, probe(case.model, call, case.x))


# Two layers and one `call`, so that what is equal is compiled once.
SMALL = mlp(depth=1)


def small_loss(m: Any, x: Any) -> Any:
    return mean_loss(m, SMALL.loss, x)


TRANSFORMS: dict[str, Any] = {
    "jit": lambda loss: eqx.filter_jit(loss),
    "jit of checkpoint": lambda loss: eqx.filter_jit(eqx.filter_checkpoint(loss)),
    "cond": lambda loss: (
        lambda m, x: jax.lax.cond(x[0] < jnp.inf, lambda: loss(m, x), lambda: 0.0)
    ),
}


@pytest.mark.first_case
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_sees_through_transformations(transform: Any):
    def call(m, x):
        return mean_loss(m, transform(SMALL.loss), x)

    assert_case(SMALL, probe(SMALL.model, call, SMALL.x))


def test_nested_vmap_with_the_model_mapped_over():
    def call(m, x):
        folded = x.reshape(4, 8, *x.shape[1:])
        inner = eqx.filter_vmap(SMALL.loss, in_axes=(None, 0))
        return jnp.mean(eqx.filter_vmap(inner, in_axes=(None, 0))(m, folded))

    report = probe(SMALL.model, call, SMALL.x)
    assert {row.uses for row in report.rows} == {1}
    assert_case(SMALL, report)


def loop_loss(m: Any, x: Any) -> Any:
    return jnp.mean(jax.lax.map(lambda a: SMALL.loss(m, a), x))


@pytest.mark.thorough
@pytest.mark.parametrize("jitted", [False, True])
def test_loop_over_the_batch(jitted: bool):
    """Batches by `lax.map`: sums over steps, and a maximum spelled out exactly."""

    def run(m, x):
        return probe(m, loop_loss, x)

    report = (eqx.filter_jit(run) if jitted else run)(SMALL.model, SMALL.x)
    assert {row.uses for row in report.rows} == {len(SMALL.x)}
    assert_case(SMALL, report)


def test_inside_jit():
    @eqx.filter_jit
    def run(m, x):
        report = probe(m, small_loss, x)
        with pytest.raises(ValueError, match="not known inside a transformation"):
            report.rows
        return report

    assert_case(SMALL, run(SMALL.model, SMALL.x))


def ensemble() -> Any:
    def make():
        keys = jax.random.split(KEY, 3)
        return eqx.filter_vmap(lambda k: eqx.nn.MLP(6, 3, 16, 1, key=k))(keys)

    return filled(make, seed=7)


@pytest.mark.thorough
def test_mapped_over_an_ensemble():
    """vmap of the probe: one report for each member."""
    models = ensemble()
    reports = eqx.filter_vmap(lambda m: probe(m, small_loss, SMALL.x))(models)
    with pytest.raises(ValueError, match="reports in one"):
        reports.rows
    for i in range(3):
        member = Case(member_of(models, i), SMALL.loss, SMALL.forward, SMALL.x)
        assert_case(member, member_of(reports, i))


def test_ensemble_inside_the_call():
    """An ensemble mapped inside of `call` is a stack: one row for each member."""
    models = ensemble()

    def call(m: Any, x: Any) -> Any:
        return jnp.sum(eqx.filter_vmap(lambda one: small_loss(one, x))(m))

    report = probe(models, call, SMALL.x)
    assert [r.path for r in report.rows[:2]] == ["layers.0[0]", "layers.1[0]"]
    for i in range(3):
        member = Case(member_of(models, i), SMALL.loss, SMALL.forward, SMALL.x)
        for path, (h, g) in by_hand(member).items():
            assert_row(report[f"{path}[{i}]"], h, g)


class RNN(eqx.Module):
    cell: eqx.nn.LSTMCell
    head: eqx.nn.Linear

    def __call__(self, xs: Any) -> Any:
        def step(carry: Any, x: Any) -> tuple[Any, None]:
            return self.cell(x, carry), None

        zeros = jnp.zeros(self.cell.hidden_size)
        (h, _), _ = jax.lax.scan(step, (zeros, zeros), xs)
        return self.head(h)


@pytest.mark.thorough
def test_recurrent_cell():
    """Two arrays returned are two rows; steps add up, extremes are exact."""

    def make():
        return RNN(eqx.nn.LSTMCell(3, 5, key=KEY), eqx.nn.Linear(5, 2, key=KEY))

    model = filled(make)
    xs = 2 * normal(6, 9, 3)
    report = probe(model, total, xs)
    assert [r.path + r.output for r in report] == ["cell[0]", "cell[1]", "head"]

    @jax.jit
    def states(xs: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            new = model.cell(x, carry)
            return new, new

        return jax.lax.scan(step, (jnp.zeros(5), jnp.zeros(5)), xs)[1]

    for row, values in zip(report.rows[:2], jax.vmap(states)(xs), strict=True):
        h = np.asarray(values, np.float64)
        assert (row.uses, row.count) == (9, h.size)
        np.testing.assert_allclose(row.std, h.std(), rtol=1e-5)
        np.testing.assert_allclose(row.mean, h.mean(), atol=1e-6)
        # Another program: the last bits may differ.
        np.testing.assert_allclose([row.max, row.min], [h.max(), h.min()], rtol=1e-6)


def scaled_sum(m: Any, x: Any, scale: Any) -> Any:
    return jnp.sum(jax.vmap(m)(x)) * scale


@pytest.mark.parametrize("scale", [1e-30, 1e-10, 1.0, 1e12, 1e30])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_extreme_scales(scale: float, offset: float):
    """Neither 1e-30 nor a mean of a hundred standard deviations is lost."""
    check_scale(scale, offset, lambda run: run)


def test_an_extreme_scale_inside_jit():
    """Slots begin at zero there as well, and are centred on the mean from then on."""
    check_scale(1e-30, 100.0, eqx.filter_jit)


def check_scale(scale: float, offset: float, around: Callable[..., Any]) -> None:
    layer = eqx.tree_at(
        lambda m: (m.weight, m.bias),
        filled(lambda: eqx.nn.Linear(8, 64, key=KEY)),
        (normal(64, 8) * np.float32(scale), jnp.asarray(np.full(64, scale * offset))),
    )
    layer = eqx.tree_at(lambda m: m.bias, layer, layer.bias.astype(jnp.float32))
    x = normal(50, 8, seed=1)
    run = around(lambda *args: probe(layer, scaled_sum, *args))
    row = run(x, jnp.asarray(np.float32(scale))).rows[0]
    h = np.asarray(batched(layer, x), np.float64)
    np.testing.assert_allclose(row.std, h.std(), rtol=2e-5)
    np.testing.assert_allclose(row.mean, h.mean(), atol=1e-5 * np.abs(h).max())
    np.testing.assert_allclose(row.grad_max, scale, rtol=1e-6)


def test_correlations():
    """Against the full correlation matrices, on features that do correlate."""
    layer = filled(lambda: eqx.nn.Linear(4, 12, key=KEY))
    x = normal(200, 4) + np.float32(0.5)
    row = probe(layer, total, x).rows[0]
    h = np.asarray(batched(layer, x), np.float64)
    cov = np.cov(h.T, bias=True)
    off = ~np.eye(12, dtype=bool)
    pooled = cov[off].mean() / np.diag(cov).mean()
    np.testing.assert_allclose(row.feature_corr, pooled, atol=1e-5)
    gram = h @ h.T
    off = ~np.eye(200, dtype=bool)
    pooled = gram[off].mean() / np.diag(gram).mean()
    np.testing.assert_allclose(row.sample_corr, pooled, atol=1e-5)


def test_dead_and_blocked():
    """A ReLU that is off: its input gets no gradient, its output is zero."""

    class Dead(eqx.Module):
        linear: eqx.nn.Linear

        def __call__(self, x: Any, key: Any = None) -> Any:
            del key
            return jax.nn.relu(self.linear(x))

    layer = filled(lambda: eqx.nn.Linear(3, 4, key=KEY))
    layer = eqx.tree_at(lambda m: m.bias, layer, jnp.array([-1e3, 1e3, -1e3, 1e3]))
    model = eqx.nn.Sequential([Dead(layer)])
    both = probe(model, total, normal(10, 3), select=Layer(Dead) | Path("**.linear"))
    inner, outer = both["layers.0.linear"], both["layers.0"]
    assert (inner.dead, inner.blocked) == (0.0, 0.5)
    assert (outer.dead, outer.blocked) == (0.5, 0.0)


def test_gradients_drawn_for_outputs_have_variance_one():
    layer = filled(lambda: eqx.nn.Linear(4, 50, key=KEY))
    x = normal(200, 4)
    first = probe(layer, batched, x).rows[0]
    other = probe(layer, batched, x, key=jax.random.key(5)).rows[0]
    # The std of n normals deviates by 1/sqrt(2n); five of those: 1 in 2 million seeds.
    assert abs(first.grad_std - 1) < 5 / np.sqrt(2 * first.count)
    assert first.grad_std != other.grad_std
    assert first.std == other.std


@pytest.mark.thorough
@pytest.mark.parametrize("through", [jax.grad, jax.jacrev])
def test_a_call_that_takes_a_gradient_itself(through: Any):
    """As of a physical law: by hand, gradients of numbers added to each output."""
    model = filled(lambda: eqx.nn.MLP(2, 1, 8, 2, key=KEY))
    x = normal(30, 2)

    def output(model: Any, x: Any, shifts: Any) -> Any:
        for layer, shift in zip(model.layers[:-1], shifts, strict=True):
            x = jnp.tanh(layer(x) + shift)
        return model.layers[-1](x)[0]

    def loss(model: Any, x: Any, shifts: Any) -> Any:
        slopes = jax.vmap(through(output, 1), (None, 0, 0))(model, x, shifts)
        return jnp.mean(slopes**2)

    zeros = [jnp.zeros((30, 8)), jnp.zeros((30, 8))]
    report = probe(model, lambda m, x: loss(m, x, zeros), x)
    outputs = [jax.vmap(model.layers[0])(x)]
    outputs.append(jax.vmap(model.layers[1])(jnp.tanh(outputs[0])))
    wanted = jax.grad(loss, 2)(model, x, zeros)
    for row, h, g in zip(report.rows, outputs, wanted, strict=False):
        assert_row(row, np.asarray(h), np.asarray(g))
    # The slope of the model does not depend on what is added to its output.
    assert report.rows[2].count == 0


def test_shared_layer_counts_both_uses():
    class Twice(eqx.Module):
        linear: eqx.nn.Linear

        def __call__(self, x: Any) -> Any:
            return self.linear(jnp.tanh(self.linear(x)))

    model = Twice(filled(lambda: eqx.nn.Linear(4, 4, key=KEY)))
    x = normal(6, 4)
    row = probe(model, total, x).rows[0]
    first = batched(model.linear, x)
    h = np.stack([first, batched(model.linear, jnp.tanh(first))])
    assert row.uses == 2
    np.testing.assert_allclose(row.std, h.std(), rtol=1e-5)
    assert row.max == h.max()
    assert row.min == h.min()


def test_half_precision_and_complex():
    half = filled(lambda: eqx.nn.Linear(8, 300, key=KEY, dtype=jnp.bfloat16))
    x = normal(100, 8, dtype=jnp.bfloat16)
    row = probe(half, total, x).rows[0]
    h = np.asarray(batched(half, x), np.float64)
    assert row.count == h.size
    # Sums are in float32; only the fused product may round the other way (2^-9).
    np.testing.assert_allclose(row.std, h.std(), rtol=1e-3)

    cplx = filled(lambda: eqx.nn.Linear(8, 30, key=KEY, dtype=jnp.complex64))
    # A mean and imaginary parts of its own.
    numbers = np.asarray(normal(100, 8)) + 1j * np.asarray(normal(100, 8, seed=1)) + 1j
    z = jnp.asarray(numbers, jnp.complex64)
    row = probe(cplx, total, z).rows[0]
    h = np.asarray(batched(cplx, z), np.complex128)
    np.testing.assert_allclose(row.mean, h.mean(), rtol=1e-4)
    np.testing.assert_allclose(row.std, h.std(), rtol=1e-5)
    np.testing.assert_allclose(row.max, np.abs(h).max(), rtol=1e-5)


def test_state_passes_through():
    """BatchNorm returns `(out, state)`: the output is measured, the state is not."""

    make = eqx.nn.make_with_state(eqx.nn.BatchNorm)
    model, state = make(3, axis_name="batch", mode="ema")
    x = 3 * normal(64, 3) + 1

    def call(m: Any, x: Any) -> Any:
        mapped = jax.vmap(m, in_axes=(0, None), out_axes=(0, None), axis_name="batch")
        return mapped(x, state)[0]

    (row,) = probe(model, lambda m, x: jnp.sum(call(m, x)), x).rows
    assert row.count == x.size
    assert row.output == "[0]" or row.output == ""
    h = np.asarray(call(model, x), np.float64)
    np.testing.assert_allclose(row.std, h.std(), rtol=1e-5)


def test_model_is_not_changed():
    before = jax.tree.leaves(SMALL.model)
    probe(SMALL.model, small_loss, SMALL.x)
    after = jax.tree.leaves(SMALL.model)
    assert all(a is b for a, b in zip(before, after, strict=True))


def test_one_compile_for_equal_shapes():
    """A second probe with the same `call` does not trace the model again."""
    traces = 0

    def call(m: Any, x: Any) -> Any:
        nonlocal traces
        traces += 1
        return total(m, x)

    first = probe(SMALL.model, call, SMALL.x)
    assert traces == 2  # the dry run, and the pass
    again = probe(jax.tree.map(lambda a: a, SMALL.model), call, normal(32, 6, seed=1))
    assert traces == 2
    assert again.rows[0].mean != first.rows[0].mean
    probe(SMALL.model, call, SMALL.x, select="layers.1")
    assert traces == 4
    probe(SMALL.model, call, SMALL.x[:5])
    assert traces == 6


class Fussy(eqx.Module):
    linear: eqx.nn.Linear
    norm: eqx.nn.LayerNorm
    unused: eqx.nn.Linear

    def __call__(self, x: Any) -> Any:
        assert isinstance(self.linear, eqx.nn.Linear)
        assert self.linear.out_features == len(self.linear.weight)
        assert self.linear.use_bias
        assert type(self.linear).__name__ == "Linear"
        leaves = jax.tree.leaves(eqx.filter(self.linear, eqx.is_inexact_array))
        assert leaves[0] is self.linear.weight
        return self.norm(jax.vmap(self.linear)(x[None])[0])


def test_layers_with_taps_are_what_they_were():
    linear, unused = (filled(lambda: eqx.nn.Linear(4, 4, key=KEY)) for _ in range(2))
    model = Fussy(linear, eqx.nn.LayerNorm(4), unused)
    report = probe(model, total, jnp.ones((2, 4)))
    assert [row.path for row in report.rows] == ["linear", "norm"]
    assert report.missing == ("unused",)
    assert "not called: unused" in str(report)


def test_layer_behind_stop_gradient_is_listed_as_not_reached():
    model = [filled(lambda: eqx.nn.Linear(4, 4, key=KEY)) for _ in range(2)]

    def call(m, x):
        return jnp.sum(m[1](jax.lax.stop_gradient(m[0](x))))

    report = probe(model, call, jnp.ones(4))
    assert [row.count for row in report.rows] == [0, 4]
    assert np.isnan(report["0"].std)
    assert "not reached" in str(report)


def test_selectors():
    model = transformer(depth=2).model

    def paths(select):
        return [point.path for point in tap_points(model, select)]

    attention = eqx.nn.MultiheadAttention
    assert paths(attention) == ["blocks.0.attn", "blocks.1.attn"]
    assert paths(lambda m: m.head) == ["head"]
    assert paths("blocks.1.attn.query_proj") == ["blocks.1.attn.query_proj"]
    assert paths(Layer(attention) & Path("blocks.1")) == ["blocks.1.attn"]
    # The block, its attention and dropout, and the 8 layers with parameters.
    assert len(paths("blocks.1")) == 11
    assert len(paths(None)) == 2 + 2 * 8
    with pytest.raises(ValueError, match=r"(?s)matches no layer.*blocks\.0\.norm1"):
        paths("nowhere")


def test_paths_are_spelled_as_those_of_parameters():
    layer = filled(lambda: eqx.nn.Linear(2, 2, key=KEY))
    model = {"a.b": [layer], "a": {"b": layer}, "c\\": (layer,)}
    found = {f"{point.path}.weight" for point in tap_points(model, None)}
    assert found == {row.path for row in plan(model, []) if row.path[-1] == "t"}


def test_errors():
    layer = filled(lambda: eqx.nn.Linear(4, 4, key=KEY))
    x = jnp.ones(4)
    with pytest.raises(ValueError, match="no floating-point array"):
        probe(layer, lambda m, x: jnp.argmax(m(x)), x)
    with pytest.raises(ValueError, match="calls none of the 1 selected layers"):
        probe(layer, lambda m, x: m.weight @ x, x)
    with pytest.raises(ValueError, match="no layers to look at"):
        probe({"w": x}, lambda m, x: m["w"], x)

    def half(m, x):
        return jax.tree.map(lambda a: a.astype(jnp.bfloat16), m)(x)

    with pytest.raises(ValueError, match="casts the model"):
        probe(layer, half, x.astype(jnp.bfloat16))
    for closes_over_the_model in (jax.vmap(layer), lambda x: jax.vmap(layer)(x)):
        with pytest.raises(
            TypeError, match=r"called as `call\(model, \*args\)`.*lambda"
        ):
            probe(layer, closes_over_the_model, x[None])
    with pytest.raises(ValueError, match="not one that it closes over"):
        probe(layer, lambda m, x: layer(x), x)
    static = eqx.filter(layer, eqx.is_array, inverse=True)
    params = eqx.filter(layer, eqx.is_array)
    with pytest.raises(ValueError, match="Pass the whole model"):
        probe(params, lambda p, x: eqx.combine(p, static)(x), x)
    with pytest.raises(ZeroDivisionError, match="division"):
        probe(layer, lambda m, x: m(x) * (1 // 0), x)


def test_third_party():
    """klax's Linear stores `(in, out)` and keeps constraints in wrappers."""
    klax = pytest.importorskip("klax")
    model = klax.nn.MLP(3, 2, [8, 16], weight_wrap=klax.NonNegative, key=KEY)

    def forward(m: Any, x: Any, nudge: Any) -> Any:
        m = klax.finalize(m)
        for i, layer in enumerate(m.layers):
            x = nudge(f"layers.{i}", x @ layer.weight + layer.bias)
            x = m.activations[i](x) if i < 2 else m.final_activation(x)
        return jnp.sum(jnp.square(x))

    def loss(m, x):
        return jnp.sum(jnp.square(klax.finalize(m)(x)))

    case = Case(model, loss, forward, normal(20, 3))
    assert_case(case, probe(model, lambda m, x: mean_loss(m, loss, x), case.x))


class Dropping(eqx.Module):
    linear: eqx.nn.Linear
    drop: eqx.nn.Dropout

    def __call__(self, x: Any) -> Any:
        return self.drop(self.linear(x))


def test_a_layer_without_arrays_is_stacked_as_its_neighbours_are():
    """More layers are in no stack, and are not asked."""

    def block(key: Any) -> Dropping:
        dropout = eqx.nn.Dropout(0.5, inference=True)
        return Dropping(eqx.nn.Linear(4, 4, key=key), dropout)

    blocks = eqx.filter_vmap(block)(jax.random.split(KEY, 2))
    heads = [eqx.nn.Linear(4, 4, key=KEY) for _ in range(4)]

    def call(model: Any, x: Any) -> Any:
        arrays, rest = eqx.partition(model["blocks"], eqx.is_array)
        x, _ = jax.lax.scan(lambda x, a: (eqx.combine(a, rest)(x), None), x, arrays)
        return sum(head(x) for head in model["heads"])

    model = {"blocks": blocks, "heads": heads}
    report = probe(
        model, jax.vmap(call, (None, 0)), normal(6, 4), select=eqx.nn.Dropout
    )
    assert [row.path for row in report.rows] == ["blocks.drop[0]", "blocks.drop[1]"]
