"""What errors advise works when it is followed."""

import dataclasses
import re
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eqinit as ei
from eqinit import Constant, HeNormal, Keep, Normal, Ones, Orthogonal, Rule, Zeros


nn = eqx.nn
KEY = jax.random.key(0)


class Stranger(eqx.Module):
    """A layer that nobody has described."""

    w: jax.Array


def refused(model: Any, rules: Any, match: str) -> str:
    with pytest.raises((ValueError, TypeError), match=match) as raised:
        ei.plan(model, rules)
    return str(raised.value)


@pytest.mark.parametrize("scheme", [HeNormal(), HeNormal(mode="fan_avg"), Orthogonal()])
@pytest.mark.parametrize("shape", [(), (4,), (4, 3), (5, 4, 3)])
def test_whatever_is_advised_for_a_fan_or_for_axes_plans(scheme: Any, shape: Any):
    model = Stranger(jnp.zeros(shape))
    text = refused(model, [Rule(Stranger, w=scheme)], "w, of Stranger")
    fans = {name: 3.0 for name in ("fan_in", "fan_out") if f"`{name}=" in text}
    followed: list[dict[str, Any]] = [fans] if fans else []
    followed += [{"axes": a} for a in re.findall(r'`axes="([^"]*)"`', text)]
    plans = [ei.plan(model, [Rule(Stranger, w=scheme, **way)]) for way in followed]
    layouts = {a for a in re.findall(r'register_layout\(Stranger, w="([^"]*)"\)', text)}
    plans += [
        ei.plan(model, [Rule(Stranger, w=scheme)], layouts={Stranger: {"w": axes}})
        for axes in layouts
    ]
    if "`Normal(0.02)`" in text:
        plans.append(ei.plan(model, [Rule(Stranger, w=Normal(0.02))]))
    assert plans
    for plan in plans:
        assert all(row.status == "set" for row in plan)


def test_the_bias_and_the_prelu_that_were_told_to_be_matrices():
    for shape in [(4,), ()]:
        text = refused(Stranger(jnp.zeros(shape)), [Rule("w", HeNormal())], "fan")
        assert "out in" not in text


@pytest.mark.parametrize("fan", [-1, 0, -0.5, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["fan_in", "fan_out"])
def test_fans_that_are_none(name: str, fan: float):
    with pytest.raises(ValueError, match=rf"got {name}={fan}; a fan is a number of"):
        Rule("weight", HeNormal(), **{name: fan})


class Wrong(ei.AbstractInitializer):
    """A user's scheme whose moments are no numbers, or that fails to say them."""

    std: float = float("nan")

    def sample(self, key: Any, spec: Any) -> Any:
        raise AssertionError("drawn")

    def moments(self, spec: Any) -> ei.Moments:
        return ei.Moments(0.0, self.std if self.std else 1 / self.std)


def test_moments_that_are_no_numbers():
    model = nn.Linear(2, 2, key=KEY)
    refused(model, [("weight", Wrong())], r"weight, of Linear .*its std nan: it was")
    refused(model, [("weight", Wrong(0.0))], "its `moments` raised ZeroDivisionError")
    # A law may have no finite moments, and NaN may be what is asked for.
    ei.plan(model, [("weight", ei.Cauchy()), ("bias", Constant(float("nan")))])


def test_numbers_and_arrays_are_constants():
    model = nn.MLP(3, 2, 4, 1, key=KEY)
    rules = [
        Rule("layers.0", weight=0.0, bias=np.arange(4.0)),
        ("layers.1.bias", jnp.ones(2)),
        Rule("layers.1", weight=lambda site: site.index + 1),
    ]
    drawn = ei.apply(model, KEY, rules)
    assert np.array_equal(drawn.layers[0].weight, np.zeros((4, 3)))
    assert np.array_equal(drawn.layers[0].bias, np.arange(4.0))
    assert np.array_equal(drawn.layers[1].bias, np.ones(2))
    assert np.array_equal(drawn.layers[1].weight, np.full((2, 4), 2.0))
    refused(
        model, [("layers.0.bias", np.ones(3))], "value of shape .3,., which does not"
    )


def test_lists_of_rules_in_lists_of_rules():
    model = nn.MLP(3, 2, 4, 1, key=KEY)
    nested = [
        Rule("layers.0.bias", Ones()),
        [("layers.1.bias", Normal()), ({"layers.1.weight": Zeros()},)],
        ei.recipes.keras(),
        (rule for rule in [Rule("**", Zeros(), optional=True)]),
    ]
    flat = [
        Rule("layers.0.bias", Ones()),
        ("layers.1.bias", Normal()),
        ("layers.1.weight", Zeros()),
        *ei.recipes.keras(),
        Rule("**", Zeros(), optional=True),
    ]
    assert str(ei.plan(model, nested)) == str(ei.plan(model, flat))


def test_keep_is_nothing_to_draw():
    with pytest.raises(TypeError, match=r"(?s)Scaled.*Keep\(\)"):
        ei.Scaled(Keep(), 0.5)
    assert not isinstance(Keep(), ei.AbstractInitializer)
    assert not callable(Keep())
    model = nn.Linear(2, 2, key=KEY)
    for rule in (Rule("weight", Keep()), Rule("**", weight=lambda site: Keep())):
        plan = ei.plan(model, [rule])
        assert (plan["weight"].status, plan["weight"].rule) == ("kept", rule.label)
        assert plan.apply(model, KEY) is model


def test_axes_for_a_field_that_is_not_there():
    model = nn.Linear(3, 2, key=KEY)
    rule = Rule(nn.Linear, weight=HeNormal(), axes={"wieght": "out in"})
    text = refused(model, [rule], "has a field `wieght`")
    assert text.endswith("Did you mean `weight`?")
    # What a bias follows may be said for a field that the rule does not set.
    rule = Rule(Pair, b=ei.HoedtBias(), axes={"a": "out in", "b": "out <- a"})
    plan = ei.plan(Pair(), [rule])
    assert plan["b"].spec.fan_in == 3


class Pair(eqx.Module):
    a: jax.Array = eqx.field(default_factory=lambda: jnp.zeros((2, 3)))
    b: jax.Array = eqx.field(default_factory=lambda: jnp.zeros(2))


def test_an_optional_rule_does_not_mind_another_layer():
    rule = Rule("**", gamma=Ones(), optional=True)
    assert ei.plan([jnp.zeros(3)], [rule])
    assert ei.plan([nn.Linear(2, 2, key=KEY)], [rule])  # which has no `gamma`
    refused(
        [nn.Linear(2, 2, key=KEY)], [Rule("**", gamma=Ones())], "no.*has a field `gam"
    )


def test_functions_of_the_site_that_fail_name_the_site():
    model = nn.MLP(3, 2, 4, 1, key=KEY)

    def fails(site: ei.Site) -> Any:
        return {}[site.field]

    refused(
        model,
        [(ei.Filter(fails), Zeros())],
        r"Filter\(fails\) raised KeyError on `layers\.0\.weight`: 'weight'",
    )
    refused(
        model,
        [Rule("**", weight=fails)],
        r"the rule's function raised KeyError on `layers\.0\.weight`",
    )
    with pytest.raises(
        ValueError, match=r"the function `sharding` raised KeyError on `l"
    ):
        ei.apply(model, KEY, [("**", Normal())], sharding=fails)


def test_the_index_of_a_scanned_layer_points_to_per_slice():
    stack = eqx.filter_vmap(lambda k: nn.Linear(4, 4, key=k))(jax.random.split(KEY, 3))
    rule = Rule("blocks", weight=lambda site: Normal(0.1 / (site.index + 1)))
    text = refused({"blocks": stack}, [rule], "TypeError on `blocks.weight`")
    assert "`site.index` is None" in text
    advice = "`PerSlice(Normal(0.02), lambda i, n: ...)`"
    assert f"3 layers are stacked in one array: {advice}" in text
    per_slice = ei.PerSlice(Normal(0.1), lambda i, n: 1 / (i + 1))
    assert ei.plan({"blocks": stack}, [Rule("blocks", weight=per_slice)])
    # A layer that is not stacked hears of lists alone.
    text = refused(
        nn.Linear(4, 4, key=KEY), [Rule("**", weight=rule.fields["weight"])], "None"
    )
    assert "no list or tuple of modules" in text
    assert "PerSlice" not in text


class OfBlock(ei.AbstractSelector):
    """A selector with a field, that is no dataclass."""

    block: int

    def matches(self, place: Any) -> bool:
        return place.index == self.block


def test_a_selector_with_fields_is_to_be_a_dataclass():
    advice = r"`@dataclasses\.dataclass\(frozen=True\)`"
    with pytest.raises(TypeError, match=rf"OfBlock\(\) takes no arguments.*{advice}"):
        OfBlock(1)
    followed = dataclasses.dataclass(frozen=True)(OfBlock)
    model = nn.MLP(3, 2, 4, 1, key=KEY)
    plan = ei.plan(model, [Rule(followed(1), Zeros())])
    assert [row.path for row in plan if row.status == "set"] == [
        "layers.1.weight",
        "layers.1.bias",
    ]


@pytest.mark.parametrize("types", [(nn.Linear, nn.Conv), nn.Linear | nn.Conv])
def test_rules_and_pairs_take_several_types(types: Any):
    model = [nn.Linear(3, 2, key=KEY), nn.Conv1d(2, 2, 3, key=KEY), nn.LayerNorm(2)]
    for rules in ([Rule(types, Zeros())], [(types, Zeros())]):
        chosen = {row.path for row in ei.plan(model, rules) if row.status == "set"}
        assert chosen == {"0.weight", "0.bias", "1.weight", "1.bias"}


def test_what_is_suggested_for_arrays_of_no_module():
    model = {"a": jnp.zeros((4, 3)), "b.c": jnp.zeros((4, 3))}
    lines = ei.suggest_layouts(model).splitlines()
    rules = [line.removeprefix("# ") for line in lines if "Rule(" in line]
    rules = [rule.replace("...", "HeNormal()", 1) for rule in rules]
    plan = ei.plan(model, [eval(rule) for rule in rules])
    assert [row.spec.fan_in for row in plan] == [3, 3]


def test_the_activation_that_swap_was_asked_for():
    model = nn.MLP(3, 2, 4, 1, activation=jax.nn.relu, key=KEY)
    with pytest.raises(TypeError, match="relu is a function that the") as raised:
        ei.swap(model, jax.nn.relu, jax.nn.gelu)
    (advice,) = re.findall("`(eqx.*)`", str(raised.value))
    followed = eval(advice, {"eqx": eqx, "model": model, "new": jax.nn.gelu})
    expected = nn.MLP(3, 2, 4, 1, activation=jax.nn.gelu, key=KEY)
    assert np.array_equal(followed(jnp.ones(3)), expected(jnp.ones(3)))


def test_recipes_list_recipes_alone():
    names = dir(ei.recipes)
    assert "gpt2" in names
    assert all(callable(getattr(ei.recipes, name)) for name in names)
