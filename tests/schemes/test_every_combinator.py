"""Every combinator around every scheme: what is planned is drawn, jitted as eagerly."""

import collections
from collections.abc import Callable, Iterable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import CASES, Case
from helpers import same_bits

import eqinit as ei


KEY = jax.random.key(11)
Wrap = Callable[[Any], Any]

COMBINATORS: dict[str, Wrap] = {
    "nothing": lambda init: init,
    "Scaled": lambda init: ei.Scaled(init, 0.5),
    "Scaled-negative": lambda init: ei.Scaled(init, -1.0),
    "Scaled-array": lambda init: ei.Scaled(init, np.full(1, 2.0, np.float32)),
    "Shifted": lambda init: ei.Shifted(init, 0.25),
    "Shifted-array": lambda init: ei.Shifted(init, np.full(1, 2.0, np.float32)),
    "Clipped": lambda init: ei.Clipped(init, -0.25, 0.5),
    "Stretched": lambda init: ei.Stretched(init, -1.0, 1.0),
    "Abs": ei.Abs,
    "Rounded": lambda init: ei.Rounded(init, "bfloat16"),
    "Masked": lambda init: ei.Masked(init, np.ones(1, bool)),
    "Sparse": lambda init: ei.Sparse(init, density=0.5),
    "Sparse-output": lambda init: ei.Sparse(init, density=0.5, per="output"),
    "Normalized": ei.Normalized,
    "Mixture": lambda init: ei.Mixture((init, ei.Zeros()), (3, 1)),
    "Blocks": lambda init: ei.Blocks((init, ei.Scaled(init, 2.0)), axis=0),
    "PerGate": lambda init: ei.PerGate(other=init),
    "PerSlice": lambda init: ei.PerSlice(init, lambda i, n: (i + 1) / n),
    "ForActivation": lambda init: ei.ForActivation(init, "tanh"),
    "LooksLinear": ei.LooksLinear,
    "ICNR": lambda init: ei.ICNR(init, 1),
    "Through-exp": lambda init: ei.Through(ei.Abs(init), "exp"),
    "Through-pair": lambda init: ei.Through(init, (lambda x: 2 * x, lambda x: x / 2)),
    "three deep": lambda init: ei.Shifted(
        ei.Sparse(ei.Scaled(init, -2.0), density=0.5), 1.0
    ),
}
SCHEMES = list({type(case.init): case for case in reversed(CASES)}.values())
SCHEMES = [case for case in SCHEMES if not isinstance(case.init, ei.AbstractCombinator)]


class Holder(eqx.Module):
    """A layer with one array."""

    w: Any


class Gated(eqx.Module):
    """One whose array has gates."""

    w: Any


GATES = {"w": "(gate out) in", "sizes": {"gate": ("i", "f", "g", "o")}}


def planned(
    case: Case, names: Iterable[str]
) -> tuple[dict[str, Any], list[ei.Rule], dict[Any, Any]]:
    """A model with an array for each combinator that plans around a scheme."""
    dtype = "float32" if "float32" in case.dtypes else case.dtypes[0]
    layouts: dict[Any, Any] = {Gated: GATES}
    if case.axes is not None:
        layouts[Holder] = {"w": case.axes, "sizes": case.sizes}
    model: dict[str, Any] = {}
    rules: list[ei.Rule] = []
    for name in names:
        # Pieces of a gate, and slices of a stack.
        gated, stack = name == "PerGate", (2,) if name == "PerSlice" else ()
        shape = (32, 8) if gated else (*stack, *case.shape)
        layer = (Gated if gated else Holder)(np.ones(shape, jnp.dtype(dtype)))
        fans = {} if gated else {"fan_in": case.fan_in, "fan_out": case.fan_out}
        try:
            rule = ei.Rule(name, COMBINATORS[name](case.init), **fans)
            ei.plan({name: layer}, [rule], layouts=layouts)
        except (TypeError, ValueError):  # it takes no such scheme, or no such array
            continue
        model[name] = layer
        rules.append(rule)
    return model, rules, layouts


def apply(case: Case, names: Iterable[str]) -> tuple[Any, Callable[[Any], Any]]:
    model, rules, layouts = planned(case, names)
    return model, lambda key: ei.apply(model, key, rules, layouts=layouts)


def trace(every: int) -> collections.Counter[str]:
    """Trace what plans; how many schemes each combinator goes around."""
    around: collections.Counter[str] = collections.Counter()
    for i, case in enumerate(SCHEMES):
        names = [n for j, n in enumerate(COMBINATORS) if (i + j) % every == 0]
        model, draw = apply(case, names)
        around.update(list(model))
        # A number that is asked for while it is traced has no value.
        drawn = jax.eval_shape(draw, KEY)
        for name, layer in model.items():
            got, wanted = drawn[name].w, layer.w
            assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype), name
    return around


@pytest.mark.thorough
def test_what_plans_around_some_schemes_is_traced():
    around = trace(every=6)  # on a diagonal: each scheme, and each combinator
    assert set(around) == set(COMBINATORS)
    assert sum(around.values()) > 200


@pytest.mark.slow
def test_what_plans_around_any_scheme_is_traced():
    around = trace(every=1)
    # Each goes around most schemes; these need what not every scheme has.
    narrow = {"PerGate": 60, "PerSlice": 50, "LooksLinear": 28, "Sparse-output": 42}
    narrow |= {"ICNR": 48, "Blocks": 52}
    assert {n for n in COMBINATORS if around[n] < narrow.get(n, 73)} == set()
    assert sum(around.values()) > 1600


# Some of each kind; the others with `--runslow`.
SOME = {"HoedtNormal", "Uniform", "Siren", "HyperfanIn", "GlorotNormal", "Orthogonal"}


def _param(case: Case) -> Any:
    name = type(case.init).__name__
    marks = () if name in SOME else (pytest.mark.slow,)
    return pytest.param(case, id=name, marks=marks)


@pytest.mark.first_case
@pytest.mark.bits
@pytest.mark.parametrize("case", [_param(case) for case in SCHEMES])
def test_what_plans_is_drawn_and_jitted(case: Case):
    model, draw = apply(case, COMBINATORS)
    eager, jitted = draw(KEY), jax.jit(draw)(KEY)
    for name in model:
        values = np.asarray(eager[name].w)
        assert np.isfinite(values.astype(np.complex128)).all(), name
        assert same_bits(eager[name].w, jitted[name].w), name
