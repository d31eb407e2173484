"""What is said of layers: a typo changes nothing, and nobody is overruled unawares."""

import re
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eqinit as ei


KEY = jax.random.key(0)
LINEAR = eqx.nn.Linear(4, 3, key=KEY)


def fans() -> tuple[Any, ...]:
    plan = ei.plan(LINEAR, [])
    return tuple((row.spec.fan_in, row.spec.fan_out) for row in plan)


class Cell(eqx.Module):
    """Two kernels, a bias and a static size."""

    w: jax.Array
    v: jax.Array
    b: jax.Array
    groups: int = eqx.field(static=True)


def said(**layout: Any) -> dict[type, dict[str, Any]]:
    return {Cell: layout}


WRONG = {
    "a field": (said(vv="out in"), "no field `vv`. Did you mean `v`?"),
    "a notation": (said(w=3), 'no notation such as `w="out in"`'),
    "a size among fields": (
        said(w="(gate out) in", gate=2),
        "is said by `sizes={'gate': 2}`",
    ),
    "the name of a size": (
        said(w="(gate out) in", sizes={"gaet": 2}),
        "`sizes` has `gaet`, which no notation uses. Did you mean `gate`?",
    ),
    "the field of a size": (
        said(w="(gate out) in", sizes={"gate": "gropus"}),
        "is the field `gropus`, which Cell has not. Did you mean `groups`?",
    ),
    "the field of a stride": (
        said(w="out in", stride="stirde"),
        "`stride` is the field `stirde`, which Cell has not",
    ),
    "the field of an axis": (
        said(w="out in", unit_axis="axsi"),
        "`unit_axis` is the field `axsi`, which Cell has not",
    ),
    "what feeds a bias": (
        said(w="out in", b="out <- v + w"),
        "`b` is fed by `v`, which has no notation",
    ),
    "brackets": (said(w="(out in"), "unbalanced"),
    "a class": ({object: {"w": "out in"}}, "are those of an `eqx.Module`"),
    "every class": ({eqx.Module: {"w": "out in"}}, "are those of an `eqx.Module`"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_typo_raises(what: str):
    layouts, text = WRONG[what]
    ((cls, layout),) = layouts.items()
    with pytest.raises(ValueError, match=re.escape(text)):
        ei.register_layout(cls, **layout)
    with pytest.raises(ValueError, match=re.escape(text)):
        ei.plan(LINEAR, [], layouts=layouts)


def test_all_typos_are_said_at_once():
    with pytest.raises(ValueError, match=r"(?s)`vv`.*`ww`"):
        ei.register_layout(Cell, vv="out in", ww="out in")


def test_a_typo_takes_no_fan_from_a_layer_that_is_known():
    before = fans()
    with pytest.raises(ValueError, match=r"no field `wieght`. Did you mean `weight`"):
        ei.register_layout(eqx.nn.Linear, wieght="in out")
    with pytest.raises(ValueError, match=r"no field `wieght`. Did you mean `weight`"):
        ei.plan(LINEAR, [], layouts={eqx.nn.Linear: {"wieght": "in out"}})
    rule = ei.Rule(eqx.nn.Linear, bias=ei.TorchDefault(), axes={"wieght": "in out"})
    with pytest.raises(ValueError, match=r"has a field `wieght`.*Did you mean `weight"):
        ei.plan(LINEAR, [rule])
    assert fans() == before == ((4, 3), (4, 3))


def test_axes_of_a_rule_say_nothing_of_layers_without_that_field():
    model = {"linear": LINEAR, "cell": Cell(*map(jnp.ones, [(3, 4)] * 2 + [3]), 1)}
    axes = {"weight": "out in", "w": "out in"}
    rules = [ei.Rule("**", weight=ei.HeNormal(), w=ei.HeNormal(), axes=axes)]
    rules.append(ei.Rule(eqx.nn.Linear, bias=ei.TorchDefault()))
    assert ei.plan(model, rules)["linear.bias"].spec.fan_in == 4


def test_what_eqinit_knows_is_not_overruled_unawares():
    before = fans()
    with pytest.raises(
        ValueError,
        match=r"contradicts eqinit itself, which was first: `weight` is `in out` and "
        r"was `out in`\. Pass `override=True`",
    ):
        ei.register_layout(eqx.nn.Linear, weight="in out")
    with pytest.raises(ValueError, match="contradicts eqinit itself"):
        ei.register_parametrization(eqx.nn.WeightNorm, field="g")
    with pytest.raises(ValueError, match="contradicts eqinit itself"):
        ei.transforms.register_inverse(jax.nn.softplus, jnp.log)
    assert fans() == before
    # What agrees is welcome.
    ei.register_layout(eqx.nn.Linear, weight="out in")
    assert fans() == before


def test_whoever_comes_second_is_told_who_was_first():
    class Mine(eqx.Module):
        w: jax.Array

    ei.register_layout(Mine, w="in out")
    ei.register_layout(Mine, w="in out")
    first = rf"contradicts `{__name__}`, line \d+, which was first: `w` is `out in`"
    with pytest.raises(ValueError, match=first):
        ei.register_layout(Mine, w="out in")
    ei.register_layout(Mine, w="out in", override=True)
    (row,) = ei.plan(Mine(jnp.ones((3, 4))), [])
    assert row.spec.fan_in == 4


def test_functions_are_compared_by_their_code():
    class Sized(eqx.Module):
        w: jax.Array

    for _ in range(2):  # as a cell of a notebook that is run again
        ei.register_layout(Sized, w="out *k", sizes={"k": lambda layer: layer.w.ndim})
    with pytest.raises(ValueError, match="the size of `k` is"):
        ei.register_layout(Sized, w="out *k", sizes={"k": lambda layer: 2})

    class Kept(eqx.Module):
        raw: jax.Array

    for _ in range(2):
        ei.register_parametrization(Kept, field="raw", forward=jnp.exp)
    with pytest.raises(ValueError, match=r"`forward` is .* and was"):
        ei.register_parametrization(Kept, field="raw", forward=jnp.tanh)
    with pytest.raises(ValueError, match="`layer` is True and was False"):
        ei.register_parametrization(Kept, field="raw", forward=jnp.exp, layer=True)
    ei.register_parametrization(Kept, field="raw", forward=jnp.tanh, override=True)
    layers = {Cell: {"w": "out in"}}
    model = Cell(Kept(jnp.zeros((3, 4))), jnp.ones((3, 4)), jnp.ones(3), 1)  # pyright: ignore
    new = ei.apply(model, KEY, [("w", ei.Constant(0.5))], layouts=layers)
    np.testing.assert_allclose(jnp.tanh(new.w.raw), 0.5, rtol=1e-6)  # pyright: ignore


def test_a_parametrization_of_a_field_that_is_not_there():
    with pytest.raises(ValueError, match=r"Cell has no field `ww`\. Did you mean `w`"):
        ei.register_parametrization(Cell, field="ww", forward=jnp.exp)


def test_in_lists_of_arrays_each_bias_belongs_to_its_kernel():
    class Net(eqx.Module):
        ws: list[jax.Array]
        bs: list[jax.Array]
        last: jax.Array

    shapes = [(8, 4), (2, 8)]
    ws = [jnp.ones(shape) for shape in shapes]
    net = Net(ws, [jnp.ones(8), jnp.ones(2)], jnp.ones(2))
    layouts = {Net: {"ws": "out in", "bs": "out <- ws", "last": "out <- ws"}}
    plan = ei.plan({"a": net}, [], layouts=layouts)
    fans = {row.path: (row.spec.fan_in, row.spec.fan_out) for row in plan}
    assert fans["a.bs.0"] == fans["a.ws.0"] == (4, 8)
    assert fans["a.bs.1"] == fans["a.ws.1"] == (8, 2)
    assert fans["a.last"] == (12, 8)  # one bias for all of them: their inputs add up
