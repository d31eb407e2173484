"""The right fan for the right layer: by the spec, by the draws, and by the outputs."""

import inspect
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import SIGMAS, z_of_std
from layers import KERNELS, LAYERS, LayerCase

import eqinit as ei
from eqinit import HeNormal, LecunNormal, Role, Rule
from eqinit._layouts.registry import call_layouts


nn = eqx.nn
KEY = jax.random.key(0)


@pytest.mark.parametrize("case", LAYERS, ids=[case.name for case in LAYERS])
def test_spec_of_every_parameter(case: LayerCase):
    model = eqx.filter_eval_shape(case.make, KEY)
    rows = {row.path: row for row in ei.plan(model, [("**", ei.Normal())])}
    assert set(rows) == set(case.parameters)
    for path, (axes, fans, role) in case.parameters.items():
        spec = rows[path].spec
        assert spec.axes is not None
        assert (spec.axes.text, spec.axes.stack, spec.role) == (axes, (), role)
        assert (spec.fan_in, spec.fan_out) == (fans or (None, None))


# Classes of `eqx.nn` that a test can make without parameters of their own.
PARAMETERLESS = {
    "AdaptivePool": lambda: nn.AdaptiveAvgPool2d((2, 2)),
    "Pool": lambda: nn.MaxPool2d(2),
    "Dropout": lambda: nn.Dropout(0.5),
    "Identity": lambda: nn.Identity(),
    "Lambda": lambda: nn.Lambda(jnp.tanh),
    "RotaryPositionalEmbedding": lambda: nn.RotaryPositionalEmbedding(8),
}
# Those that only hold other layers, or nothing.
CONTAINERS = {"Sequential", "Shared", "StateIndex", "StatefulLayer"}
# Its `g` is derived: the tests of wrapped layers look at it.
PARAMETRIZATIONS = {"WeightNorm"}


@pytest.mark.parametrize("name", PARAMETERLESS)
def test_layers_without_parameters(name: str):
    assert len(ei.plan(PARAMETERLESS[name](), [])) == 0


def test_table_covers_every_layer():
    classes = [c for _, c in inspect.getmembers(nn, inspect.isclass)]
    layers = [c for c in classes if issubclass(c, eqx.Module)]
    made = {type(eqx.filter_eval_shape(case.make, KEY)) for case in LAYERS}
    made |= {type(make()) for make in PARAMETERLESS.values()}
    # A general class (`Conv`, `Pool`) is covered by the special ones that are made, and
    # a special pool by its general class.
    covered = {cls for one in made for cls in one.__mro__}
    pools = {c for c in layers if issubclass(c, (nn.Pool, nn.AdaptivePool))}
    missing = {c.__name__ for c in set(layers) - covered - pools}
    assert missing - CONTAINERS - PARAMETRIZATIONS == set()


def stacked(make: Callable[[jax.Array], Any], depth: int) -> Callable[[jax.Array], Any]:
    """`make`, in `depth` nested `filter_vmap`s of two and three layers."""
    if depth == 0:
        return make
    inner = stacked(make, depth - 1)
    # Two stacks of three.
    count = 3 if depth == 1 else 2
    return lambda key: eqx.filter_vmap(inner)(jax.random.split(key, count))


def slices(value: np.ndarray, stacks: int, gates: int) -> np.ndarray:
    """(layers x gates, entries), so that each gate of each layer is looked at."""
    value = value.reshape(-1, *value.shape[stacks:])
    if value.shape[1] % gates:
        gates = 1
    return value.reshape(value.shape[0] * gates, -1)


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("case", KERNELS, ids=[case.name for case in KERNELS])
def test_realised_std_is_the_theory(case: LayerCase, depth: int):
    # With eight keys, so that small layers say something as well.
    make = stacked(case.make, depth)
    model = eqx.filter_eval_shape(make, KEY)
    scheme = LecunNormal(distribution="normal")
    plan = ei.plan(model, [_both(scheme)])
    draws = [_leaves(plan.apply(model, key)) for key in jax.random.split(KEY, 8)]
    for path, (_, fans, role) in case.parameters.items():
        assert fans is not None
        values = np.stack([draw[path] for draw in draws], -1)
        gates = case.gates if role == "kernel" or path == "bias" else 1
        expected = math.sqrt(1 / fans[0])
        for part in slices(values, depth, gates):
            # Normal, so the sample variance deviates by sqrt(2/n); five of those fail
            # once in two million, and there are 900 parts: one seed in 2,000.
            assert abs(z_of_std(part, expected)) < SIGMAS


def _both(scheme: Any) -> Rule:
    return Rule(Role("kernel") | Role("bias"), lambda site: scheme)


def _leaves(model: Any) -> dict[str, np.ndarray]:
    selection = ei.select(model, "**")
    values = map(np.asarray, selection.get())
    return dict(zip(selection.paths, values, strict=True))


def test_stacked_slices_are_drawn_apart():
    model = stacked(KERNELS[0].make, 2)(KEY)
    weight = np.asarray(ei.apply(model, KEY, [("weight", HeNormal())]).weight)
    assert weight.shape == (2, 3, 16, 24)
    assert len({w.tobytes() for w in weight.reshape(6, -1)}) == 6


# (layer, size of the input, how many positions to drop at each edge)
CONNECTED = {
    "Linear": (lambda k: nn.Linear(24, 16, use_bias=False, key=k), (24,), 0),
    "Conv1d": (lambda k: nn.Conv1d(6, 8, 3, use_bias=False, key=k), (6, 12), 0),
    "grouped": (
        lambda k: nn.Conv2d(6, 4, 3, groups=2, use_bias=False, key=k),
        (6, 7, 7),
        0,
    ),
    "depthwise": (
        lambda k: nn.Conv2d(4, 8, 3, groups=4, use_bias=False, key=k),
        (4, 7, 7),
        0,
    ),
    "transposed": (
        lambda k: nn.ConvTranspose1d(4, 5, 3, use_bias=False, key=k),
        (4, 16),
        2,
    ),
    "transposed, stride 2": (
        lambda k: nn.ConvTranspose1d(4, 5, 4, stride=2, use_bias=False, key=k),
        (4, 16),
        4,
    ),
    # Three taps over a stride of two: outputs meet one tap or two in turn.
    "transposed, stride 2, odd": (
        lambda k: nn.ConvTranspose2d(3, 4, 3, stride=2, use_bias=False, key=k),
        (3, 9, 9),
        4,
    ),
    "transposed, stride 3, grouped": (
        lambda k: nn.ConvTranspose1d(
            4, 6, 6, stride=3, groups=2, use_bias=False, key=k
        ),
        (4, 14),
        6,
    ),
}


@pytest.mark.parametrize("name", CONNECTED)
def test_outputs_keep_the_variance(name: str):
    # The definition of fan_in: with weights of variance 1/fan_in and inputs of
    # variance 1, outputs have variance 1. No fan is mentioned here.
    make, shape, edge = CONNECTED[name]
    model = make(KEY)
    plan = ei.plan(model, [("weight", LecunNormal(distribution="normal"))])

    @jax.jit
    def powers(keys: jax.Array) -> jax.Array:
        def one(key: jax.Array) -> jax.Array:
            of_weight, of_input = jax.random.split(key)
            out = plan.apply(model, of_weight)(jax.random.normal(of_input, shape))
            # Whole periods of every stride: both sizes are even multiples of it.
            inner = [slice(edge, edge + 6 * ((n - 2 * edge) // 6)) for n in out.shape]
            return jnp.mean(jnp.square(out[:, *inner[1:]] if edge else out))

        return jax.vmap(one)(keys)

    power = np.asarray(powers(jax.random.split(KEY, 400)))
    # Keys are independent whatever the outputs are, and a mean of 400 is normal enough:
    # beyond 5 standard errors once in a million.
    assert abs(power.mean() - 1) < SIGMAS * power.std(ddof=1) / math.sqrt(power.size)
    # And it is a test: a fan that is off by half would be seen.
    assert 2 * SIGMAS * power.std(ddof=1) / math.sqrt(power.size) < 0.5


def test_facts_of_a_layer_may_be_said_for_one_call():
    """A stride, as in `register_layout`, and not a field called `stride`."""

    class Transposed(eqx.Module):
        w: jax.Array
        stride: tuple[int, ...] = eqx.field(static=True)

    layer = Transposed(jnp.zeros((5, 4, 6)), (3,))
    layouts = {Transposed: {"w": "out in *kernel", "stride": "stride"}}
    (row,) = ei.plan(layer, [("w", HeNormal())], layouts=layouts).rows
    assert row.spec.fan_in == 4 * 6 / 3


@pytest.mark.parametrize(
    ("said", "axis"),
    [
        ({"w": "out in"}, -1),
        ({"w": "out in *kernel", "sizes": {"kernel": 2}}, -3),
        ({"w": "out in *kernel"}, -3),  # of the four axes of `w`, two are left
        ({"w": "in out *kernel"}, -3),
        ({"w": "*kernel in out"}, -1),
        ({"w": "*kernel in (group out)", "sizes": {"group": 2}}, -1),
        ({"w": "out kernel in"}, -2),
        ({"b": "out *kernel", "sizes": {"kernel": 3}}, -4),
        ({"w": "out in *kernel", "unit_axis": -1}, -1),
        ({"w": "out in", "unit_axis": "axis"}, 7),
        ({"g": "scale: feature"}, -1),
    ],
)
def test_unit_axis_of_the_output(said: dict[str, Any], axis: int):
    class Layered(eqx.Module):
        w: jax.Array
        b: jax.Array | None = None
        g: jax.Array | None = None
        axis: int = 7

    layout = call_layouts({Layered: said})[Layered]
    assert layout.output_axis(Layered(jnp.zeros((2, 3, 4, 5)))) == axis
