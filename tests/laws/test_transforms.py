"""The table of transforms: forward, inverse, domain."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eqinit as ei
from eqinit._laws.transforms import TRANSFORMS, Domain


KEY = jax.random.key(0)
INSIDE = {(0.0, math.inf): (1e-6, 30.0), (0.0, 1.0): (1e-3, 0.999)}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_inverses_undo(name: str):
    transform, domain = TRANSFORMS[name], TRANSFORMS[name].domain
    low, high = INSIDE.get((domain.lower, domain.upper), (-0.999, 0.999))
    values = np.linspace(low, high, 1001)
    # In float64, as numpy has it; to 1e-12, for 1 - tanh(x)^2 is 2e-3 at the ends.
    with jax.enable_x64(True):
        again = transform.forward(jnp.asarray(transform.inverse_fn(values)))
        np.testing.assert_allclose(again, values, rtol=1e-12)
    single = jnp.asarray(values, jnp.float32)
    np.testing.assert_allclose(
        transform.inverse(single), transform.inverse_fn(values), rtol=2e-4, atol=1e-6
    )


@pytest.mark.parametrize("name", TRANSFORMS)
def test_domains_are_what_the_function_takes(name: str):
    transform, domain = TRANSFORMS[name], TRANSFORMS[name].domain
    raw = jnp.arange(-2000, 2001, dtype=jnp.float32) / 10
    values = transform.forward(raw)
    assert domain.lower <= float(values.min())
    assert float(values.max()) <= domain.upper
    # And no larger than that: within rounding, the ends are reached or outgrown.
    assert float(values.min()) < domain.lower + 1e-6
    assert float(values.max()) > min(domain.upper - 1e-6, 100)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_values_on_an_open_bound_are_stored_as_finite_numbers(name: str):
    transform, domain = TRANSFORMS[name], TRANSFORMS[name].domain
    ends = [end for end in (domain.lower, domain.upper) if math.isfinite(end)]
    raw = transform.stored(jnp.asarray(ends))
    assert jnp.isfinite(raw).all()
    np.testing.assert_allclose(transform.forward(raw), ends, atol=2e-7)


def test_domains_and_laws():
    open_, closed = Domain(0, 1, closed=False), Domain(0, 1)
    assert open_.holds(0, 1)  # a law of many values meets its bounds never
    assert not open_.holds(0, 0)
    assert closed.holds(0, 0)
    assert not closed.holds(-0.1, 1)
    assert Domain(zero=False).holds(-1, 1)
    assert not Domain(zero=False).holds(0, 0)
    assert (str(open_), str(closed)) == ("(0, 1)", "[0, 1]")
    traced = jax.jit(lambda low, high: open_.holds(low, high))
    assert traced(0.0, 1.0)
    assert not traced(0.0, 0.0)


def test_a_plan_refuses_what_a_transform_never_takes():
    model = eqx.nn.Linear(8, 8, key=KEY)
    rules = [ei.Rule(eqx.nn.Linear, weight=ei.Through(ei.Normal(), "softplus"))]
    refused = r"weight.*Normal draws from -inf to inf, and softplus takes .* \(0, inf\)"
    with pytest.raises(ValueError, match=refused):
        ei.plan(model, rules)
    with pytest.raises(ValueError, match=refused):
        eqx.filter_jit(ei.apply)(model, KEY, rules)
    with pytest.raises(ValueError, match="Zeros draws from 0 to 0"):
        ei.Through(ei.Zeros(), jnp.exp)(KEY, (3,))
    ei.Through(ei.Uniform(0.0, 1.0), jax.nn.sigmoid).check(
        ei.ParamSpec((3,), np.dtype(np.float32))
    )


def test_functions_whose_inverse_is_known_are_transforms():
    by_name = ei.Through(ei.Uniform(0.1, 0.9), "sigmoid")
    by_function = ei.Through(ei.Uniform(0.1, 0.9), jax.nn.sigmoid)
    assert by_name == by_function
    assert ei.to_config(by_function)["transform"] == "sigmoid"
    with pytest.raises(ValueError, match="a function whose inverse is known"):
        ei.Through(ei.Normal(), jnp.sin)


class Shifted(ei.transforms.AbstractTransform):
    """A transform of a user's own, with a domain."""

    def forward(self, raw):
        return raw + 2

    def inverse(self, effective):
        return effective - 2

    @property
    def domain(self):
        return ei.transforms.Domain(2.0, 5.0)


def test_a_domain_of_one_s_own():
    ei.Through(ei.Uniform(2.0, 5.0), Shifted())(KEY, (3,))
    with pytest.raises(ValueError, match=r"Shifted takes values in \[2, 5\] only"):
        ei.Through(ei.Uniform(1.0, 5.0), Shifted())(KEY, (3,))
