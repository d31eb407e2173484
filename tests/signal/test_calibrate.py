"""Calibrated layers have the statistics that were asked for, seen by another route."""

import dataclasses
import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from by_hand import CASES, CNN, KEY, Scanned, filled, normal, outputs_by_hand

from eqinit import calibrate, probe
from eqinit.signal import (
    LSUV,
    ActNorm,
    CalibratedLayer,
    Calibration,
    OutputBias,
    ScaleShift,
    SkippedLayer,
    label_bias,
)
from eqinit.signal._calibration.adjust import _unit_moments


X = normal(256, 8)


def batched(m: Any, x: Any) -> Any:
    return jax.vmap(m)(x)


def mlp(depth: int, activation: Any = jnp.tanh) -> eqx.nn.MLP:
    return filled(lambda: eqx.nn.MLP(8, 4, 32, depth, activation, key=KEY))


def affine(n_in: int, n_out: int, **kwargs: Any) -> eqx.nn.Linear:
    return filled(lambda: eqx.nn.Linear(n_in, n_out, key=KEY, **kwargs))


def biases(m: Any) -> list[Any]:
    return [layer.bias for layer in m.layers]


def pre_activations(model: eqx.nn.MLP, x: Any) -> list[np.ndarray]:
    """Layer by layer, with numpy."""
    h = np.asarray(x, np.float64)
    found: list[np.ndarray] = []
    for layer in model.layers:
        z = h @ np.asarray(layer.weight, np.float64).T
        z = z + np.asarray(layer.bias, np.float64)
        found.append(z)
        h = np.asarray(model.activation(jnp.asarray(z, jnp.float32)), np.float64)
    return found


@pytest.mark.thorough
@pytest.mark.first_case
@pytest.mark.parametrize("activation", [jnp.tanh, jax.nn.relu], ids=["tanh", "relu"])
@pytest.mark.parametrize("gain", [1e-3, 1.0, 30.0])
def test_lsuv(activation: Any, gain: float):
    """30 layers within 1 % after one correcting pass, wherever it starts."""
    start = mlp(29, activation)
    start = jax.tree.map(lambda a: gain * a if eqx.is_array(a) else a, start)
    # Biases stay, so they must leave room for the variance that is asked for.
    start = eqx.tree_at(biases, start, [0.1 * b for b in biases(mlp(29))])
    model, report = calibrate(start, batched, X, strict=True)
    assert report.ok
    assert report.passes == 2
    for z in pre_activations(model, X):
        assert abs(z.var() - 1) < 0.01
    assert all(a is b for a, b in zip(biases(model), biases(start), strict=True))


def test_lsuv_keeps_directions_and_structure():
    start = mlp(3)
    model, _ = calibrate(start, batched, X)
    assert jax.tree.structure(model) == jax.tree.structure(start)
    for new, old in zip(model.layers, start.layers, strict=True):
        ratio = np.asarray(new.weight / old.weight)
        np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-5)
        assert ratio[0, 0] > 0


def test_lsuv_does_not_depend_on_the_scale_of_the_start():
    zeros = [jnp.zeros_like(b) for b in biases(mlp(3))]
    start = eqx.tree_at(biases, mlp(3), zeros)
    larger = jax.tree.map(lambda a: 7 * a if eqx.is_array(a) else a, start)
    one, other = (calibrate(m, batched, X)[0] for m in (start, larger))
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        if eqx.is_array(a):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)


@pytest.mark.thorough
def test_actnorm():
    model, report = calibrate(mlp(4), batched, X, method=ActNorm(), tol=1e-3)
    assert report.ok
    for z in pre_activations(model, X):
        np.testing.assert_allclose(z.mean(0), 0, atol=1e-3)
        np.testing.assert_allclose(z.var(0), 1, rtol=2e-3)


def test_scale_shift():
    method = ScaleShift(var=4.0, mean=0.5)
    model, report = calibrate(mlp(4), batched, X, method=method, tol=1e-3)
    assert report.ok
    for z, row in zip(pre_activations(model, X), report.rows, strict=True):
        np.testing.assert_allclose(z.mean(0), 0.5, atol=1e-3)
        assert abs(z.var(0).mean() / 4 - 1) < 1e-3
        np.testing.assert_allclose(row.after[1], 2, rtol=1e-3)
        assert row.scale[0] == row.scale[1]


def test_weight_times_reported_scale():
    """What the report calls the scale is what happened to the weights."""
    start = mlp(2)
    model, report = calibrate(start, batched, X, method=ActNorm())
    for row, new, old in zip(report.rows, model.layers, start.layers, strict=True):
        ratio = np.asarray(new.weight / old.weight)
        np.testing.assert_allclose([ratio.min(), ratio.max()], row.scale, rtol=1e-4)


@pytest.mark.thorough
def test_convolutions_by_channel():
    case = CASES["cnn"]()
    model, report = calibrate(case.model, batched, case.x, method=ActNorm())
    assert report.ok
    h = case.x
    for conv in model.convs:
        z = np.asarray(jax.vmap(conv)(h))
        np.testing.assert_allclose(z.mean((0, 2, 3)), 0, atol=1e-2)
        np.testing.assert_allclose(z.var((0, 2, 3)), 1, rtol=1e-2)
        h = jnp.tanh(z)
    assert isinstance(model, CNN)


@pytest.mark.thorough
@pytest.mark.first_case
@pytest.mark.parametrize("name", ["transformer", "scanned"])
def test_transformers(name: str):
    """Attention projections and stacked layers: a correction a slice."""
    case = CASES[name]()
    model, report = calibrate(case.model, batched, case.x)
    assert report.ok
    outputs = outputs_by_hand(dataclasses.replace(case, model=model))
    norms = ("embed", "norm")
    kernels = {p: h for p, h in outputs.items() if not any(n in p for n in norms)}
    assert set(kernels) == {row.path for row in report.rows}
    for h in kernels.values():
        assert abs(h.var() - 1) < 0.01
    if isinstance(model, Scanned):
        assert "blocks.up[2]" in kernels


@pytest.mark.thorough
def test_batch_handled_by_the_layer_or_by_nested_vmaps():
    """Statistics are over all mapped axes, in whatever way they are mapped."""
    model = mlp(2)
    flat, _ = calibrate(model, batched, X)
    nested, _ = calibrate(
        model, lambda m, x: jax.vmap(jax.vmap(m))(x), X.reshape(16, 16, 8)
    )
    for a, b in zip(flat.layers, nested.layers, strict=True):
        np.testing.assert_allclose(a.weight, b.weight, rtol=1e-5)


@pytest.mark.thorough
def test_one_compilation():
    traces = 0

    def call(m: Any, x: Any) -> Any:
        nonlocal traces
        traces += 1
        return jax.vmap(m)(x)

    _, report = calibrate(mlp(9), call, X)
    # The dry run, and one trace of the pass that is run twice.
    assert report.passes == 2
    assert traces == 2


def test_output_bias():
    labels = jnp.asarray(np.arange(256) % 4 == 0, jnp.int32) * 3
    target = label_bias(labels, "softmax", classes=4)
    method = OutputBias(target)
    model, report = calibrate(mlp(2), batched, X, method=method, select="layers.2")
    assert report.ok
    start = np.asarray(jax.vmap(model)(X)).mean(0)
    np.testing.assert_allclose(start, target, atol=0.01)
    np.testing.assert_array_equal(model.layers[2].weight, mlp(2).layers[2].weight)
    with pytest.raises(ValueError, match=r"target of shape \(4,\).*32 units"):
        calibrate(mlp(2), batched, X, method=method)


def test_label_bias_minimises_its_loss():
    """Against gradient descent's fixed point: the gradient of the loss is zero."""
    classes = jnp.asarray([0, 0, 0, 1, 2, 2] * 50)
    counts = np.asarray([150, 50, 100]) + 0.5
    soft = label_bias(classes, "softmax", classes=3)
    np.testing.assert_allclose(jax.nn.softmax(soft), counts / counts.sum(), rtol=1e-5)
    one_hot = label_bias(jax.nn.one_hot(classes, 3), "softmax")
    np.testing.assert_allclose(one_hot, soft, rtol=1e-6)
    binary = label_bias(classes == 1, "sigmoid")
    np.testing.assert_allclose(jax.nn.sigmoid(binary), [50.5 / 301], rtol=1e-5)
    np.testing.assert_allclose(label_bias(X), np.asarray(X).mean(0), rtol=1e-4)
    assert np.isfinite(label_bias(jnp.zeros(5, bool), "sigmoid")).all()
    with pytest.raises(ValueError, match="do not say how many"):
        label_bias(classes, "softmax")


def test_wrapped_kernels():
    """Through weight normalisation it is the effective weight that is scaled."""
    layer = eqx.nn.WeightNorm(affine(8, 16))
    model, report = calibrate(layer, batched, X, method=ActNorm())
    assert report.ok
    z = np.asarray(jax.vmap(model)(X))
    np.testing.assert_allclose(z.var(0), 1, rtol=1e-2)


@pytest.mark.thorough
def test_half_precision():
    make = functools.partial(eqx.nn.MLP, 8, 4, 32, 3, key=KEY)
    model = filled(lambda: make(dtype=jnp.bfloat16))
    # bfloat16 rounds by up to 2^-9, weights and outputs alike.
    model, report = calibrate(model, batched, X.astype(jnp.bfloat16), tol=0.02)
    assert report.ok
    assert model.layers[0].weight.dtype == jnp.bfloat16


class Squared(eqx.Module):
    """Not linear in its kernel, whatever its layout says."""

    weight: jax.Array

    def __call__(self, x: Any) -> Any:
        return jnp.square(self.weight) @ x


LAYOUT = {Squared: {"weight": "out in"}}


def test_tolerance_not_met_is_said():
    model = Squared(normal(4, 8))
    with pytest.warns(UserWarning, match=r"did not reach 1e-07 in 2 passes") as caught:
        _, report = calibrate(model, batched, X, layouts=LAYOUT, tol=1e-7, max_passes=2)
    assert not report.ok
    assert "not met" in str(report)
    assert caught[0].filename == __file__
    with pytest.raises(ValueError, match="did not reach 1e-07"):
        calibrate(
            model, batched, X, layouts=LAYOUT, tol=1e-7, max_passes=2, strict=True
        )


def test_biases_that_vary_more_than_the_target():
    layer = affine(8, 4)
    layer = eqx.tree_at(lambda m: m.bias, layer, jnp.array([-9.0, 9.0, 0.0, 1.0]))
    with pytest.raises(ValueError, match="did not reach 0"):
        calibrate(layer, batched, X, strict=True)
    assert calibrate(layer, batched, X, method=ScaleShift())[1].ok


class Recurrent(eqx.Module):
    cell: eqx.nn.Linear

    def __call__(self, x: Any) -> Any:
        return jax.lax.scan(lambda h, _: (self.cell(h), None), x, None, length=3)[0]


def test_nothing_to_calibrate():
    """Every reason is named, whatever it is."""
    linear = affine(8, 8)
    cases = {
        "used 3 times in sequence": (Recurrent(linear), batched, {}),
        "no kernel": (Squared(jnp.ones((4, 8))), batched, {}),
        r"axes \['gate'\]": (eqx.nn.LSTMCell(8, 8, key=KEY), batched, {}),
        "no bias to shift with": (
            affine(8, 8, use_bias=False),
            batched,
            {"method": ActNorm()},
        ),
        "not called": (linear, lambda m, x: x @ m.weight, {}),
        "does not reach that of `call`": (
            linear,
            lambda m, x: x + jax.lax.stop_gradient(batched(m, x)),
            {},
        ),
        "no data reach it": (linear, lambda m, x: batched(m, 0 * x), {}),
        "complex numbers": (
            affine(8, 8, dtype=jnp.complex64),
            lambda m, x: batched(m, x.astype(jnp.complex64)),
            {},
        ),
    }
    for why, (model, call, options) in cases.items():
        text = rf"(?s)no layer to calibrate.*{why}.*register_layout"
        with pytest.raises(ValueError, match=text):
            calibrate(model, call, X, **options)


def test_inside_a_transformation():
    with pytest.raises(ValueError, match="cannot be traced"):
        eqx.filter_jit(lambda m: calibrate(m, batched, X)[0])(affine(8, 8))


class Mixed(eqx.Module):
    """Layers of all kinds around two that can be calibrated."""

    first: eqx.nn.Linear
    norm: eqx.nn.LayerNorm
    cell: eqx.nn.GRUCell
    shared: eqx.nn.Linear
    spare: eqx.nn.Linear
    head: eqx.nn.Linear

    def __call__(self, x: Any) -> Any:
        h = self.norm(jnp.tanh(self.first(x)))
        h = self.cell(h, h)
        h = jax.lax.fori_loop(0, 2, lambda _, h: jnp.tanh(self.shared(h)), h)
        return self.head(h)


@pytest.mark.thorough
def test_what_is_skipped_is_named_with_its_reason():
    def make() -> Mixed:
        linears = [eqx.nn.Linear(8, 8, key=KEY) for _ in range(4)]
        first, shared, spare, head = linears
        norm, cell = eqx.nn.LayerNorm(8), eqx.nn.GRUCell(8, 8, key=KEY)
        return Mixed(first, norm, cell, shared, spare, head)

    start = filled(make)
    model, report = calibrate(start, batched, X)
    assert report.ok
    assert [row.path for row in report.rows] == ["first", "head"]
    why = {layer.path: layer.why for layer in report.skipped}
    assert set(why) == {"norm", "cell", "shared", "spare"}
    assert "no kernel" in why["norm"]
    assert why["cell"] == "has 2 biases"
    assert "used 2 times in sequence" in why["shared"]
    assert why["spare"] == "not called"
    for path in why:
        kept, old = (jax.tree.leaves(getattr(m, path)) for m in (model, start))
        assert all(a is b for a, b in zip(kept, old, strict=True))
        assert path in str(report)
    # What follows a skipped layer is measured behind that layer as it is.
    h = batched(model, X)
    np.testing.assert_allclose(np.var(h), 1, rtol=0.01)


class Gated(eqx.Module):
    """A ReZero block whose gate decides whether the head sees anything."""

    inner: eqx.nn.Linear
    gate: jax.Array
    head: eqx.nn.Linear

    def __call__(self, x: Any) -> Any:
        return self.head(self.gate * jnp.tanh(self.inner(x)))


def batched_heads(m: Any, x: Any) -> Any:
    """In the model's own precision."""
    return batched(m, x.astype(m.gate.dtype))


def gated(key: Any) -> Gated:
    inner, head = eqx.nn.Linear(8, 8, key=key), eqx.nn.Linear(8, 5, key=key)
    return Gated(inner, jnp.zeros(()), head)


def closed(dtype: Any = jnp.float32) -> Gated:
    start = eqx.tree_at(lambda m: m.gate, filled(lambda: gated(KEY)), jnp.zeros(()))
    return jax.tree.map(lambda a: a.astype(dtype) if eqx.is_array(a) else a, start)


@pytest.mark.parametrize(
    ("method", "dtype"),
    [
        (LSUV(), jnp.float32),
        (LSUV(), jnp.bfloat16),
        (ActNorm(), jnp.float32),
        (ScaleShift(), jnp.float32),
    ],
)
@pytest.mark.filterwarnings("error")
def test_layers_that_no_data_reach_are_left(method: Any, dtype: Any):
    """Behind a gate at 0 all that a layer returns is its bias, and rounding."""
    start = closed(dtype)
    model, report = calibrate(start, batched_heads, X, method=method, tol=0.03)
    assert report.ok
    assert [row.path for row in report.rows] == ["inner"]
    assert [layer.path for layer in report.skipped] == ["", "head"]
    assert "head Linear: no data reach it" in str(report)
    np.testing.assert_array_equal(model.head.weight, start.head.weight)
    np.testing.assert_array_equal(model.head.bias, start.head.bias)


def test_layers_that_few_data_reach_are_calibrated():
    with pytest.raises(ValueError, match=r"no data reach \['head'\]"):
        calibrate(closed(), batched_heads, X, strict=True)
    opened = eqx.tree_at(lambda m: m.gate, closed(), jnp.asarray(np.float32(1e-5)))
    zeros = eqx.tree_at(lambda m: m.head.bias, opened, jnp.zeros(5))
    _, report = calibrate(zeros, batched_heads, X, strict=True)
    assert [row.path for row in report.rows] == ["inner", "head"]


def test_a_slice_that_no_data_reach():
    """Of a stack of layers, only those slices are left."""
    stack = filled(lambda: eqx.filter_vmap(gated)(jax.random.split(KEY, 3)))
    stack = eqx.tree_at(lambda m: m.gate, stack, jnp.array([1.0, 0.0, 1.0]))

    def call(m: Any, x: Any) -> Any:
        return eqx.filter_vmap(batched, in_axes=(eqx.if_array(0), None))(m, x)

    model, report = calibrate(stack, call, X)
    paths = ["inner[0]", "inner[1]", "inner[2]", "head[0]", "head[2]"]
    assert [row.path for row in report.rows] == paths
    assert [layer.path for layer in report.skipped] == ["", "head[1]"]
    np.testing.assert_array_equal(model.head.weight[1], stack.head.weight[1])


def test_output_bias_of_a_head_at_zero():
    """The bias is set where no data reach the head: it needs none."""
    head = eqx.tree_at(lambda m: m.weight, affine(8, 4), jnp.zeros((4, 8)))
    target = jnp.arange(4.0)
    model, report = calibrate(head, batched, X, method=OutputBias(target))
    assert report.ok
    np.testing.assert_allclose(model.bias, target, atol=1e-6)


def test_inputs_that_are_all_alike():
    """A unit that varies by rounding alone keeps its weights."""
    start, x = affine(100, 5), jnp.ones((77, 100))
    model, report = calibrate(start, batched, x, method=ActNorm())
    assert report.ok
    np.testing.assert_array_equal(model.weight, start.weight)


class Named:
    """An array with named axes, as haliax has them: a PyTree of one array."""

    def __init__(self, array: Any, axes: tuple[str, ...]):
        self.array, self.axes = array, axes


jax.tree_util.register_pytree_node(
    Named, lambda n: ((n.array,), n.axes), lambda axes, kids: Named(kids[0], axes)
)


class NamedLinear(eqx.Module):
    """Holds and returns arrays with named axes."""

    weight: Named
    bias: Named

    def __call__(self, x: Named) -> Named:
        out = jnp.einsum("oi,...i->...o", self.weight.array, x.array)
        shift = jnp.expand_dims(self.bias.array, tuple(range(out.ndim - 1)))
        return Named(out + shift, (*x.axes[:-1], "out"))


NAMED = {NamedLinear: {"weight": "out in", "bias": "out"}}


def test_named_arrays():
    """A layer that holds and returns arrays inside of a class of their own."""
    weight, bias = Named(normal(5, 8), ("out", "in")), Named(normal(5), ("out",))
    start = NamedLinear(weight, bias)

    def call(m: Any, x: Any) -> Any:
        return m(Named(x, ("batch", "in"))).array

    (row,) = probe(start, call, X, layouts=NAMED).rows
    h = np.asarray(call(start, X))
    np.testing.assert_allclose(row.std, h.std(), rtol=1e-5)
    model, report = calibrate(start, call, X, method=ActNorm(), layouts=NAMED)
    assert report.ok
    h = np.asarray(call(model, X))
    np.testing.assert_allclose(h.mean(0), 0, atol=0.01)
    np.testing.assert_allclose(h.var(0), 1, rtol=0.01)
    assert (model.weight.axes, model.bias.axes) == (weight.axes, bias.axes)


class Rows(eqx.Module):
    """(rows, in) to (rows, out)."""

    weight: jax.Array
    bias: jax.Array

    def __call__(self, x: Any) -> Any:
        return x @ self.weight.T + self.bias[None]


def test_report_of_many_layers_fits_a_page():
    layer = CalibratedLayer("", (0.1, 2.0), (1e-9, 1.0), (0.5, 0.7), 1e-7)
    rows = [
        dataclasses.replace(layer, path=f"blocks.{i}.{name}", miss=1e-3 * i)
        for name in ("attention.output_projection", "feed_forward.up")
        for i in range(20)
    ]
    skipped = [SkippedLayer(f"blocks.{i}.norm", "LayerNorm", "why") for i in range(20)]
    report = Calibration(tuple(rows), 2, 0.01, tuple(skipped))
    lines = str(report).splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) < 12
    assert "left as they are: blocks.0..19.norm LayerNorm: why" in lines
    assert "1.9e-02 not met" in str(report)
    assert repr(report).startswith("Calibration(22 of 40 layers within 0.01 after 2")
    assert len(report.to_dict()["rows"]) == 40
    assert report.unfolded().count("attention.output_projection") == 20


def test_layout_that_contradicts_the_output():
    """Two rows along the axis that the layout says, and a bias of five units."""
    layouts = {Rows: {"weight": "out in", "bias": "out", "unit_axis": 0}}
    start = Rows(normal(5, 8), normal(5))
    x = X.reshape(-1, 2, 8)
    text = r"(?s)do not fit.*2 units along axis 0.*bias 5 entries.*unit_axis"
    with pytest.raises(ValueError, match=text):
        calibrate(start, batched, x, layouts=layouts)
    # Without a bias one scale serves all, and what is a unit does not matter.
    flat = {Rows: {"weight": "out in", "bias": "other: feature", "unit_axis": 0}}
    with pytest.raises(ValueError, match=r"holds \['other'\] beside kernels"):
        calibrate(start, batched, x, layouts=flat)


def test_uncalled_layers_are_left():
    used, spare = (affine(8, 8) for _ in range(2))
    model, report = calibrate([used, spare], lambda m, x: jax.vmap(m[0])(x), X)
    assert [(layer.path, layer.why) for layer in report.skipped] == [
        ("1", "not called")
    ]
    assert model[1].weight is spare.weight


@pytest.mark.parametrize("outlier", [1e-15, -1e-15])
def test_the_variance_of_one_sample_among_many(outlier: float):
    """It is far on one side of the mean, whose square is no float32 any more."""
    x = np.zeros((10_000, 1), np.float32)
    x[0] = outlier
    mean, var, largest = _unit_moments(0, jnp.zeros(1), jnp.asarray(x))
    wanted = x.astype(np.float64)
    np.testing.assert_allclose(var, wanted.var(0), rtol=1e-5)
    np.testing.assert_allclose(mean, wanted.mean(0), rtol=1e-5)
    np.testing.assert_array_equal(largest, np.abs(x).max(0))


def test_third_party_positive_layers():
    """klax's FICNN: several kernels and one bias a layer, some of them not negative."""
    klax = pytest.importorskip("klax")
    key = jax.random.key(3)
    model = klax.nn.FICNN(8, "scalar", [16] * 10, activation=jax.nn.relu, key=key)

    def call(m: Any, x: Any) -> Any:
        return jax.vmap(klax.finalize(m))(x)

    model, report = calibrate(klax.apply(model), call, X, method=ScaleShift())
    assert report.ok
    assert len(report.rows) == 11
    for row in probe(model, call, X).rows:
        assert abs(row.mean) < 0.01
        assert abs(row.std - 1) < 0.01
