"""Rules, exactly: which parameter gets which initializer."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eqinit as ei
from eqinit import (
    Constant,
    HeNormal,
    Keep,
    LecunNormal,
    Normal,
    Ones,
    Role,
    Rule,
    TorchDefault,
    Zeros,
)


nn = eqx.nn
KEY = jax.random.key(0)


def mlp(depth: int = 2) -> nn.MLP:
    return nn.MLP(3, 2, 4, depth, key=KEY)


def chosen(model: Any, rules: Any, **kwargs: Any) -> dict[str, str]:
    """Path to the name of what it gets."""
    rows = ei.plan(model, rules, **kwargs)
    return {row.path: type(row.init).__name__ for row in rows if row.init is not None}


def test_first_rule_wins():
    rules = [("layers.0.bias", Ones()), Rule(nn.Linear, bias=Zeros())]
    assert chosen(mlp(1), rules) == {"layers.0.bias": "Ones", "layers.1.bias": "Zeros"}


def test_a_rule_without_the_field_does_not_claim():
    # The first rule selects every parameter of the layer and sets only its bias.
    rules = [Rule("layers.0", bias=Ones()), Rule(nn.Linear, weight=HeNormal())]
    assert chosen(mlp(1), rules) == {
        "layers.0.weight": "HeNormal",
        "layers.0.bias": "Ones",
        "layers.1.weight": "HeNormal",
    }


def test_positional_goes_to_everything_selected():
    assert chosen(mlp(1), [("layers.0", Normal())]) == {
        "layers.0.weight": "Normal",
        "layers.0.bias": "Normal",
    }


@pytest.mark.parametrize(
    "rules",
    [
        Rule("**.bias", Zeros()),
        ("**.bias", Zeros()),
        [("**.bias", Zeros())],
        (("**.bias", Zeros()),),
        {"**.bias": Zeros()},
        [Rule("**.bias", Zeros())],
        (Rule("**.bias", Zeros()), ("**.weight", HeNormal())),
    ],
)
def test_ways_to_write_rules(rules: Any):
    assert chosen(mlp(1), rules)["layers.0.bias"] == "Zeros"


def test_two_pairs_in_a_tuple_are_two_rules():
    rules = (("**.bias", Zeros()), ("**.weight", HeNormal()))
    assert len(chosen(mlp(1), rules)) == 4


def test_no_rules_keep_everything():
    model = mlp()
    assert chosen(model, []) == {}
    assert ei.apply(model, KEY, []) is model


def test_keep_shields_from_later_rules():
    model = mlp(1)
    rules = [("layers.0", Keep()), ("**", Ones())]
    drawn = ei.apply(model, KEY, rules)
    assert drawn.layers[0].weight is model.layers[0].weight
    assert np.array_equal(drawn.layers[1].weight, np.ones((2, 4)))
    # It says that the value is meant to stay, also to `strict`.
    assert len(ei.plan(model, rules, strict=True)) == 4


def test_keep_does_not_make_a_value():
    skeleton = eqx.filter_eval_shape(mlp)
    with pytest.raises(ValueError, match="2 parameters are abstract"):
        ei.plan(skeleton, [("layers.0", Keep()), ("**", Normal())])


def test_optional_rules_may_be_idle():
    rules = [
        Rule("nowhere", Zeros(), optional=True),
        Rule("**", Normal()),
        Rule("**.bias", Zeros(), optional=True),
        Rule(nn.Conv, weight=HeNormal(), optional=True),
    ]
    assert set(chosen(mlp(1), rules).values()) == {"Normal"}


def test_a_site_function_chooses():
    blocks = [nn.Linear(4, 4, key=KEY) for _ in range(3)]
    rule = Rule("**", weight=lambda site: Normal(0.1 * (site.index + 1)))
    plan = ei.plan(blocks, [rule])
    assert [plan[f"{i}.weight"].std for i in range(3)] == pytest.approx([0.1, 0.2, 0.3])


def test_a_site_function_sees_the_site():
    seen: list[ei.Site] = []

    def look(site: ei.Site) -> Any:
        seen.append(site)
        return None if site.field == "bias" else Zeros()

    model = {"body": [nn.Linear(4, 3, key=KEY), nn.LayerNorm(3)]}
    drawn = ei.apply(model, KEY, [Rule("body.0", look)])
    weight, bias = seen
    assert (weight.path, weight.field, weight.layer_path) == (
        "body.0.weight",
        "weight",
        "body.0",
    )
    assert weight.layer is model["body"][0]
    assert (weight.index, weight.count) == (0, 2)
    assert (weight.spec.fan_in, weight.spec.fan_out, bias.spec.role) == (4, 3, "bias")
    assert drawn["body"][0].bias is model["body"][0].bias
    assert not drawn["body"][0].weight.any()


def test_a_function_that_returns_none_claims_nothing():
    model = mlp(1)

    def narrow(site: ei.Site) -> Any:
        return Ones() if site.spec.fan_in == 3 else None

    # What it leaves is for the rules below, and is kept where there is none.
    rules = [Rule(nn.Linear, weight=narrow), ("**", Zeros())]
    assert chosen(model, rules) == {
        "layers.0.weight": "Ones",
        "layers.0.bias": "Zeros",
        "layers.1.weight": "Zeros",
        "layers.1.bias": "Zeros",
    }
    row = ei.plan(model, rules[:1])["layers.1.weight"]
    assert (row.status, row.rule) == ("kept", None)
    with pytest.raises(ValueError, match="claimed by no rule, and `strict=True`"):
        ei.plan(model, [*rules[:1], ("**.bias", Zeros())], strict=True)
    # Below a rule that took everything it would have had, or alone, it is idle.
    idle = r"its function returned None for each of the 2 parameters that"
    with pytest.raises(ValueError, match=idle):
        ei.plan(model, [Rule(nn.Linear, weight=lambda site: None)])
    with pytest.raises(ValueError, match="returned None for each of the 1 param"):
        ei.plan(model, [("layers.0", Zeros()), Rule(nn.Linear, weight=narrow)])
    quiet = Rule(nn.Linear, weight=lambda site: None, optional=True)
    assert ei.apply(model, KEY, [quiet]) is model


def test_a_function_is_asked_once_for_each_site():
    asked: list[str] = []

    def note(site: ei.Site) -> Any:
        asked.append(site.path)
        return Zeros()

    ei.plan(mlp(1), [("layers.0", Ones()), Rule(nn.Linear, weight=note, bias=note)])
    assert asked == ["layers.1.weight", "layers.1.bias"]


class Bare(eqx.Module):
    """A layer that nobody has said anything about."""

    w: jax.Array
    b: jax.Array


def bare() -> Bare:
    return Bare(jnp.zeros((6, 4)), jnp.zeros(6))


def fan(plan: ei.Plan, path: str) -> tuple[Any, Any]:
    spec = plan[path].spec
    return spec.fan_in, spec.fan_out


def test_axes_said_by_the_rule():
    plan = ei.plan(bare(), [Rule("w", HeNormal(), axes="in out")])
    assert fan(plan, "w") == (6, 4)
    plan = ei.plan(bare(), [Rule("**", w=HeNormal(), axes="out in")])
    assert fan(plan, "w") == (4, 6)
    both = {"w": "out in", "b": "out"}
    plan = ei.plan(bare(), [Rule(Bare, w=HeNormal(), b=TorchDefault(), axes=both)])
    assert fan(plan, "b") == (4, 6)


def test_fans_said_by_the_rule():
    plan = ei.plan(bare(), [Rule("w", HeNormal(), fan_in=64)])
    assert fan(plan, "w") == (64, None)
    assert plan["w"].std == pytest.approx((2 / 64) ** 0.5)
    plan = ei.plan(
        bare(), [Rule("b", LecunNormal(mode="fan_out"), fan_in=1, fan_out=9)]
    )
    assert plan["b"].std == pytest.approx(1 / 3)
    # They stand above those of the layout.
    plan = ei.plan(mlp(1), [Rule("layers.0.weight", LecunNormal(), fan_in=100)])
    assert plan["layers.0.weight"].std == pytest.approx(0.1)


def test_rules_with_other_axes_do_not_mix():
    layers = [bare() for _ in range(6)]
    rules = [
        Rule(f"{i}", w=LecunNormal(), axes="in out" if i % 2 else "out in")
        for i in range(6)
    ]
    plan = ei.plan(layers, rules)
    assert [fan(plan, f"{i}.w")[0] for i in range(6)] == [4, 6, 4, 6, 4, 6]


def test_layouts_of_one_call():
    layouts = {Bare: {"w": "in out", "b": "out"}}
    rules = [Rule(Bare, w=HeNormal(), b=TorchDefault())]
    assert fan(ei.plan(bare(), rules, layouts=layouts), "w") == (6, 4)
    with pytest.raises(ValueError, match="layout is unknown"):
        ei.plan(bare(), rules)


class Registered(Bare):
    """Has a layout of its own, of which its subclasses know."""


class Heir(Registered):
    pass


def test_registered_layouts_are_inherited():
    ei.register_layout(Registered, w="in (head out)", b="(head out)", sizes={"head": 2})
    layer = Heir(jnp.zeros((6, 4)), jnp.zeros(4))
    plan = ei.plan(layer, [Rule("**", w=HeNormal(), b=TorchDefault())])
    assert fan(plan, "w") == (6, 2)
    assert fan(plan, "b") == (6, 2)


def test_bias_takes_the_fan_that_its_kernel_was_given():
    # A layer of one's own, with the layout said in the call: the bias follows.
    layouts = {Bare: {"w": "out in", "b": "out"}}
    plan = ei.plan(bare(), [("b", TorchDefault())], layouts=layouts)
    assert plan["b"].std == pytest.approx(1 / (4 * 3) ** 0.5)


def test_strict_wants_every_parameter():
    rules = [Rule(nn.Linear, weight=HeNormal(), bias=Zeros())]
    assert len(ei.plan(mlp(1), rules, strict=True)) == 4
    with pytest.raises(ValueError, match="2 parameters are claimed by no rule"):
        ei.plan(mlp(1), [Rule(nn.Linear, weight=HeNormal())], strict=True)


def test_gains_in_rules_are_leaves():
    rule = Rule(nn.Linear, weight=HeNormal(gain=2.0), bias=Constant(0.5))
    assert sorted(map(float, jax.tree_util.tree_leaves(rule))) == [0.0, 0.5, 2.0]


def test_types_match_subclasses_and_what_is_inside():
    model = {"conv": nn.Conv2d(1, 2, 3, key=KEY), "mlp": mlp(1)}
    assert set(chosen(model, [(nn.Conv, Normal())])) == {"conv.weight", "conv.bias"}
    assert len(chosen(model, [(nn.MLP, Normal())])) == 4
    assert set(chosen(model, [(Role("bias"), Zeros())]).values()) == {"Zeros"}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda: Rule("**"), "takes one initializer for everything"),
        (lambda: Rule("**", Zeros(), weight=Zeros()), "takes one initializer for"),
        (lambda: Rule("**", w=Zeros(), b=Zeros(), axes="out in"), "Say them by field"),
        (lambda: Rule("**", {}), "an initializer is an eqinit scheme"),
        (lambda: Rule("**", weight=True), "got True for an initializer"),
        (lambda: Rule("**", Keep), "got the class Keep"),
        (
            lambda: Rule("**", HeNormal),
            r"is an instance: `HeNormal\(\)`",
        ),
        (lambda: Rule("**", weight="he"), "an initializer is an eqinit scheme"),
        (
            lambda: ei.plan(mlp(), [Zeros()]),
            r"`\[Rule\(eqx.nn.Linear, weight=Zeros\(\)",
        ),
        (lambda: ei.plan(mlp(), HeNormal()), r"the initializer HeNormal\(.*are wanted"),
        (lambda: ei.plan(mlp(), Keep()), r"the initializer Keep\(\) where rules"),
        (lambda: ei.plan(mlp(), "**"), r"such as `\[\('\*\*', Zeros\(\)\)\]`|as in"),
        (lambda: ei.plan(mlp(), [("**", Zeros(), 1)]), "a pair is .* got 3 things"),
        (lambda: ei.plan(mlp(), 3), "rules are a list of .* got 3"),
    ],
)
def test_what_is_no_rule(rule: Any, message: str):
    with pytest.raises(TypeError, match=message):
        rule()
