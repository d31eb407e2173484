"""Which axis of an output counts units: read off the layout, never off the class."""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from by_hand import KEY, filled, normal

import eqinit as ei
from eqinit import calibrate, probe
from eqinit.signal import ActNorm


class ChannelsFirst(eqx.Module):
    """As `eqx.nn.Conv2d`, and not one: kernels are (out, in, height, width)."""

    w: jax.Array
    b: jax.Array

    def __call__(self, x: Any) -> Any:
        out = jax.lax.conv(x[None], self.w, (1, 1), "SAME")[0]
        return out + self.b.reshape(-1, 1, 1)


class ChannelsLast(eqx.Module):
    """As flax's: kernels are (height, width, in, out), images end in channels."""

    w: jax.Array
    b: jax.Array

    def __call__(self, x: Any) -> Any:
        numbers = ("NHWC", "HWIO", "NHWC")
        args = (x[None], self.w, (1, 1), "SAME")
        out = jax.lax.conv_general_dilated(*args, dimension_numbers=numbers)[0]
        return out + self.b.reshape(1, 1, -1)


class Patches(eqx.Module):
    """Takes an image apart and returns tokens of features: a kernel has taps, an output
    has units last.
    """

    w: jax.Array  # (out, in, 4, 4)
    b: jax.Array  # (out,)

    def __call__(self, x: Any) -> Any:
        out = jax.lax.conv(x[None], self.w, (4, 4), "VALID")[0]
        return out.reshape(len(self.w), -1).T + self.b.reshape(1, -1)


class Features(eqx.Module):
    """(features, time) from (features, time), as its layout alone can say."""

    w: jax.Array  # (out, in)
    b: jax.Array  # (out,)

    def __call__(self, x: Any) -> Any:
        return self.w @ x + self.b[:, None]


ei.register_layout(ChannelsFirst, w="out in *kernel", b="out *kernel")
ei.register_layout(ChannelsLast, w="*kernel in out", b="out")
ei.register_layout(Patches, w="out in *kernel", b="out")
ei.register_layout(Features, w="out in", b="out", unit_axis=0)


@dataclasses.dataclass(frozen=True)
class Case:
    """A layer, the shape of one input, and which axis of a batch counts units."""

    make: Callable[[], Any]
    shape: tuple[int, ...]
    axis: int


def conv(**kwargs: Any) -> eqx.nn.Conv2d:
    return eqx.nn.Conv2d(3, 5, 3, padding=1, key=KEY, **kwargs)


def convolution(cls: Any, w: tuple[int, ...], b: tuple[int, ...]) -> Any:
    return lambda: cls(jnp.zeros(w), jnp.zeros(b))


IMAGE = (3, 8, 8)
CASES = {
    "Equinox's": Case(conv, IMAGE, 1),
    "in groups": Case(
        lambda: eqx.nn.Conv2d(4, 6, 3, groups=2, padding=1, key=KEY), (4, 8, 8), 1
    ),
    "transposed": Case(
        lambda: eqx.nn.ConvTranspose2d(3, 5, 3, stride=2, key=KEY), IMAGE, 1
    ),
    "weight normalisation": Case(lambda: eqx.nn.WeightNorm(conv(), axis=0), IMAGE, 1),
    "channels first": Case(
        convolution(ChannelsFirst, (5, 3, 3, 3), (5, 1, 1)), IMAGE, 1
    ),
    "flat bias": Case(convolution(ChannelsFirst, (5, 3, 3, 3), (5,)), IMAGE, 1),
    "channels last": Case(convolution(ChannelsLast, (3, 3, 3, 5), (5,)), (8, 8, 3), -1),
    "patches": Case(convolution(Patches, (5, 3, 4, 4), (5,)), IMAGE, -1),
    "said by the layout": Case(convolution(Features, (5, 3), (5,)), (3, 9), 1),
}


def batched(m: Any, x: Any) -> Any:
    return jax.vmap(m)(x)


def total(m: Any, x: Any) -> Any:
    """One number: no gradients to draw and to compile."""
    return jnp.sum(batched(m, x))


def units_last(case: Case, model: Any, x: Any) -> np.ndarray:
    """Outputs of shape (samples and positions, units), by numpy."""
    h = np.asarray(batched(model, x), np.float64)
    return np.moveaxis(h, case.axis, -1).reshape(-1, h.shape[case.axis])


@pytest.mark.parametrize("name", CASES)
def test_probe_correlates_units(name: str):
    case = CASES[name]
    model, x = filled(case.make), normal(6, *case.shape) + np.float32(0.3)
    row = probe(model, total, x).rows[0]
    cov = np.cov(units_last(case, model, x).T, bias=True)
    off = ~np.eye(len(cov), dtype=bool)
    pooled = cov[off].mean() / np.diag(cov).mean()
    np.testing.assert_allclose(row.feature_corr, pooled, atol=1e-5)


@pytest.mark.parametrize("name", ["flat bias", "channels last", "patches"])
def test_calibrate_corrects_units(name: str):
    case = CASES[name]
    start, x = filled(case.make), normal(6, *case.shape) + np.float32(0.3)
    model, report = calibrate(start, batched, x, method=ActNorm(), tol=1e-3)
    assert report.ok
    h = units_last(case, model, x)
    np.testing.assert_allclose(h.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(h.var(0), 1, rtol=2e-3)


def test_stacked_convolution():
    """A stack in front of a kernel is none of its taps, where the layout says so."""
    stack = filled(
        lambda: ChannelsFirst(jnp.zeros((4, 3, 3, 3, 3)), jnp.zeros((4, 3, 1, 1)))
    )
    x = normal(6, *IMAGE)

    def outputs(m: Any, x: Any) -> Any:
        def step(h: Any, layer: Any) -> tuple[Any, Any]:
            out = layer(h)
            return jnp.tanh(out), out

        return jax.lax.scan(step, x, m)[1]

    def call(m: Any, x: Any) -> Any:
        return jax.vmap(outputs, in_axes=(None, 0))(m, x)

    layouts = {ChannelsFirst: {"sizes": {"kernel": 2}}}
    model, report = calibrate(
        stack, call, x, method=ActNorm(), layouts=layouts, tol=1e-3
    )
    assert len(report.rows) == 4
    h = np.asarray(call(model, x))  # (batch, stack, units, height, width)
    np.testing.assert_allclose(h.mean((0, 3, 4)), 0, atol=1e-3)
    np.testing.assert_allclose(h.var((0, 3, 4)), 1, rtol=2e-3)


IMAGE_LAYERS = {
    "GroupNorm": lambda: eqx.nn.GroupNorm(1, 3),
    "pool": lambda: eqx.nn.AvgPool2d(2, 2),
    "adaptive pool": lambda: eqx.nn.AdaptiveAvgPool2d((4, 4)),
}


@pytest.mark.parametrize("name", IMAGE_LAYERS)
def test_layers_between_convolutions(name: str):
    layer = IMAGE_LAYERS[name]()
    x = normal(6, *IMAGE)
    row = probe(layer, total, x, select=type(layer)).rows[0]
    h = units_last(Case(IMAGE_LAYERS[name], IMAGE, 1), layer, x)
    cov = np.cov(h.T, bias=True)
    pooled = cov[~np.eye(3, dtype=bool)].mean() / np.diag(cov).mean()
    np.testing.assert_allclose(row.feature_corr, pooled, atol=1e-5)


def test_said_after_a_first_look():
    """What a layout says later is not hidden by what was remembered before."""

    class Late(Features):
        pass

    ei.register_layout(Late, unit_axis=-1)
    layer, x = Late(normal(5, 3), jnp.zeros(5)), normal(6, 3, 9)
    before = probe(layer, total, x).rows[0]
    ei.register_layout(Late, unit_axis=0, override=True)
    after = probe(layer, total, x).rows[0]
    for_one_call = probe(layer, total, x, layouts={Late: {"unit_axis": -1}}).rows[0]
    assert before.feature_corr != after.feature_corr
    assert for_one_call.feature_corr == before.feature_corr
