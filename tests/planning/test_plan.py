"""A plan is a value: it prints, can be asked, and checked against a model."""

import dataclasses
import json
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
import pytest
from helpers import SIGMAS

import eqinit as ei
from eqinit import HeNormal, HoedtNormal, Normal, Orthogonal, PriorProb, Rule, Zeros


nn = eqx.nn
KEY = jax.random.key(0)


def mlp() -> nn.MLP:
    return nn.MLP(3, 2, 4, 1, key=KEY)


RULES = [Rule(nn.Linear, weight=HeNormal(gain=0.5), bias=Zeros())]


def test_the_table():
    table = str(ei.plan(mlp(), RULES))
    header, line, weight, bias = table.splitlines()[:4]
    assert header.split() == (
        "parameter array axes fan in/out initializer std rule".split()
    )
    assert set(line) == {"-", " "}
    assert weight.split() == (
        "layers.0.weight f32[4,3] out in 3/4 HeNormal(gain=0.5) 0.4082 "
        "Layer(Linear)".split()
    )
    assert bias.split() == (
        "layers.0.bias f32[4] out 3/4 Zeros() 0 Layer(Linear)".split()
    )
    assert (
        table.splitlines()[-1]
        == "4 parameters set (26 numbers), 0 kept; keys: eqinit-key-v1"
    )
    # Columns line up.
    starts = {text.index("HeNormal") for text in table.splitlines() if "HeN" in text}
    assert starts == {header.index("initializer")}


def test_kept_stacked_and_short():
    stack = eqx.filter_vmap(lambda k: nn.Linear(4, 4, key=k))(jax.random.split(KEY, 3))
    table = str(ei.plan(stack, [("weight", HeNormal())]))
    assert "3 x out in" in table
    assert "kept" in table.splitlines()[3]
    low = nn.Linear(2, 2, dtype=jnp.bfloat16, key=KEY)
    assert "bf16[2,2]" in str(ei.plan(low, []))
    long = ei.Constant(np.zeros((4, 4), np.float32))
    row = str(ei.plan(nn.Linear(4, 4, key=KEY), [("weight", long)])).splitlines()[2]
    assert "Constant(value=f32[4,4]" in row


def test_no_address_in_the_table():
    jax_he = jax.nn.initializers.he_normal()
    plan = ei.plan(mlp(), [Rule("**", weight=jax_he, bias=lambda site: Normal())])
    assert " at 0x" not in str(plan)
    assert plan.to_dict()["rows"][0]["initializer"] == (
        "Foreign(variance_scaling(truncated_normal, fan_in, 2.0))"
    )


def test_a_plan_is_plain_data():
    plan = ei.plan(mlp(), [Rule(nn.Linear, weight=HeNormal(gain=1 / 3))])
    data = json.loads(json.dumps(plan.to_dict()))
    assert [row["path"] for row in data["rows"]] == [row.path for row in plan]
    assert data["rows"][0] == {
        "path": "layers.0.weight",
        "status": "set",
        "shape": [4, 3],
        "dtype": "float32",
        "role": "kernel",
        "axes": "out in",
        "stack": [],
        "fan_in": 3,
        "fan_out": 4,
        "initializer": "HeNormal(gain=0.3333333333333333)",
        "mean": 0.0,
        "std": pytest.approx(math.sqrt(2 / 3) / 3),
        "rule": "Layer(Linear)",
        "through": None,
        "follows": None,
    }
    assert data["rows"][1]["status"] == "kept"
    assert "gain=0.3333)" in str(plan)


@pytest.mark.thorough
def test_a_plan_of_very_many_leaves_prints_at_once(monkeypatch: pytest.MonkeyPatch):
    # By counting what is slow: asking an initializer for its moments.
    asked: list[object] = []
    moments = Normal.moments
    monkeypatch.setattr(
        Normal, "moments", lambda self, spec: asked.append(spec) or moments(self, spec)
    )
    (row,) = ei.plan({"w": jnp.zeros(3)}, [("w", Normal())]).rows
    paths = [f"blocks.{i}.{name}" for i in range(5000) for name in ("w", "b")]

    one = ei.Plan(tuple(dataclasses.replace(row, path=path) for path in paths))
    asked.clear()
    lines = str(one).splitlines()
    assert [line.split()[0] for line in lines[2:]] == [
        "blocks.0..4999.w",
        "blocks.0..4999.b",
        "10000",  # parameters set
    ]
    assert len(asked) == 1

    # A function of the site makes an initializer of its own for each.
    asked.clear()
    each = ei.Plan(
        tuple(dataclasses.replace(r, init=Normal(i)) for i, r in enumerate(one))
    )
    lines = str(each).splitlines()
    assert "more lines" in lines[-2]
    assert len(lines) < 500
    assert len(asked) == 1000


def test_html():
    text = ei.plan({"a<b": mlp()}, [("**", Normal())])._repr_html_()
    assert text.startswith("<table>")
    assert text.endswith("</table>")
    assert "a&lt;b.layers.0.weight" in text
    assert "a<b" not in text
    assert text.count("<tr>") == 1 + 4


def test_rows_are_data():
    plan = ei.plan(mlp(), RULES)
    assert len(plan) == 4
    assert [row.path for row in plan] == [
        "layers.0.weight",
        "layers.0.bias",
        "layers.1.weight",
        "layers.1.bias",
    ]
    row = plan["layers.1.weight"]
    assert (row.status, row.rule, row.abstract) == ("set", "Layer(Linear)", False)
    assert (row.spec.fan_in, row.spec.shape, row.mean) == (4, (2, 4), 0.0)
    assert row.std == pytest.approx(0.5 * math.sqrt(2 / 4))
    kept = ei.plan(mlp(), [])["layers.0.bias"]
    assert (kept.status, kept.rule, kept.mean, kept.std) == ("kept", None, None, None)
    with pytest.raises(KeyError, match="no parameter `layers`"):
        plan["layers"]


@pytest.mark.parametrize(
    "rule, written",
    [
        (
            ei.Rule(nn.Linear, weight=ei.HeNormal(gain=0.7), bias=0.0),
            "Rule(Layer(Linear), weight=HeNormal(gain=0.7), bias=Constant())",
        ),
        (ei.Rule("a.b", ei.Keep()), "Rule(Path('a.b'), Keep())"),
        (
            ei.Rule("a", ei.Zeros(), axes="out in", fan_in=3, optional=True),
            "Rule(Path('a'), Zeros(), axes='out in', fan_in=3.0, optional=True)",
        ),
        (
            ei.Rule("a", weight=ei.Zeros(), axes={"weight": "out in"}),
            "Rule(Path('a'), weight=Zeros(), axes={'weight': 'out in'})",
        ),
        (
            ei.Rule("a", ei.ForActivation(ei.LecunNormal(), jax.nn.relu)),
            "Rule(Path('a'), ForActivation(init=LecunNormal(), activation='relu'))",
        ),
    ],
)
def test_rule_prints_as_it_is_written(rule: ei.Rule, written: str):
    assert repr(rule) == written


def test_no_address_is_printed():
    """It would be another one in every process."""

    @jax.jit
    def mine(x: jax.Array) -> jax.Array:
        return 2 * x

    rule = ei.Rule("layers.0", weight=ei.ForActivation(ei.LecunNormal(), mine))
    rest = ei.Rule("**", lambda site: ei.Zeros())
    for text in (repr(rule), repr(rest), str(ei.plan(mlp(), [rule, rest]))):
        assert " at 0x" not in text
    assert "mine" in repr(rule)


def test_repr_is_short():
    plan = ei.plan(mlp(), RULES)
    assert (
        repr(plan) == "Plan(4 parameters set (26 numbers), 0 kept; keys: eqinit-key-v1)"
    )


def test_a_plan_is_a_tree_of_gains():
    plan = ei.plan(mlp(), RULES)
    twice = jtu.tree_map(lambda g: g * 2, plan)
    assert twice["layers.0.weight"].std == pytest.approx(
        2 * plan["layers.0.weight"].std
    )


def test_a_plan_serves_models_with_the_same_parameters():
    plan = ei.plan(mlp(), RULES)
    other = nn.MLP(3, 2, 4, 1, activation=jnp.tanh, key=jax.random.key(1))
    drawn = plan.apply(other, KEY)
    wanted = ei.apply(mlp(), KEY, RULES)
    assert np.array_equal(drawn.layers[0].weight, wanted.layers[0].weight)
    assert drawn.activation is other.activation
    skeleton = eqx.filter_eval_shape(mlp)
    made = plan.apply(skeleton, KEY)
    assert np.array_equal(made.layers[0].weight, wanted.layers[0].weight)


def test_a_plan_refuses_other_models():
    plan = ei.plan(mlp(), RULES)
    wide = nn.MLP(3, 2, 5, 1, key=KEY)
    with pytest.raises(ValueError, match="made for another model") as raised:
        plan.apply(wide, KEY)
    assert "`layers.0.weight` is float32[5, 3], planned float32[4, 3]" in str(
        raised.value
    )
    assert "eqinit.plan(model, rules)" in str(raised.value)
    with pytest.raises(ValueError, match=r"`layers\.0\.weight` is missing"):
        plan.apply(nn.Linear(3, 4, key=KEY), KEY)


# check


def check(model: Any, rules: Any) -> ei.reports.Check:
    plan = ei.plan(model, rules)
    return plan.check(plan.apply(model, KEY))


def big() -> nn.MLP:
    return nn.MLP(64, 64, 64, 2, key=KEY)


# One seed, and at most 12 z-scores a call: one in 140,000 seeds would fail.
@pytest.mark.parametrize(
    "rules",
    [
        [Rule(nn.Linear, weight=HeNormal(), bias=Zeros())],
        [Rule(nn.Linear, weight=Orthogonal(), bias=Normal(0.1))],
        [Rule(nn.Linear, weight=ei.LecunUniform(), bias=PriorProb(0.01))],
        [Rule(nn.Linear, **ei.hoedt())],
        [Rule(nn.Linear, **ei.hoedt(bias_noise=0.2))],
        [Rule(nn.Linear, weight=ei.Uniform(1.0, 1.0), bias=ei.Constant(0.1))],
        [("**", Normal(0.0, mean=3.0))],
        [("**", ei.LogNormal(0.0, 2.0))],
    ],
)
def test_check_accepts_what_was_planned(rules: Any):
    result = check(big(), rules)
    assert result.ok, str(result)
    assert result.worst < SIGMAS
    assert "within 5" in str(result)
    assert len(result.rows) == 6


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("value", [0.01, 0.5, 0.99])
def test_check_of_a_constant_knows_rounding(dtype: Any, value: float):
    # log(p / (1 - p)) is no float: it was 'beyond' by as much as rounding moved it.
    layer = nn.Linear(2, 8, dtype=dtype, key=KEY)
    result = check(layer, [("bias", PriorProb(value))])
    assert result.worst <= 1.0


def test_check_of_a_constant_is_no_pass():
    layer = nn.Linear(2, 8, key=KEY)
    plan = ei.plan(layer, [("bias", PriorProb(0.01))])
    drawn = plan.apply(layer, KEY)
    off = ei.select(drawn, "bias").map(lambda b: b.at[3].multiply(1 + 1e-5))
    # Eight roundings off in one entry.
    assert not plan.check(off).ok


def test_check_finds_what_was_not_planned():
    plan = ei.plan(big(), RULES)
    result = plan.check(big())
    assert not result.ok
    assert "BEYOND 5" in str(result)
    biases = [row for row in result.rows if row.path.endswith("bias")]
    assert all(row.worst > SIGMAS for row in biases)
    # A factor of two in the variance of 4,096 normals, truncated at two deviations:
    # their kurtosis is 2.3655, so that it is sqrt(4096 / 1.3655) = 54.77 standard
    # errors, which themselves deviate by two. Five of those.
    drawn = ei.select(plan.apply(big(), KEY), "**.weight").map(
        lambda w: w * jnp.float32(2**0.5)
    )
    scores = {row.path: row.z_std for row in plan.check(drawn).rows}
    assert scores["layers.0.weight"] == pytest.approx(54.77, abs=10)


def test_check_measures_a_shift_of_the_mean():
    plan = ei.plan(big(), [("**.weight", Normal(0.5))])
    shifted = ei.select(plan.apply(big(), KEY), "**.weight").map(
        lambda w: w + jnp.float32(0.1)
    )
    (row, *_) = plan.check(shifted).rows
    # A shift of c is c sqrt(n) / std sampling errors of the mean, and deviates by one.
    # About the mean that was planned, it adds (c / std)^2 to the variance.
    assert row.realised.mean == pytest.approx(0.1, abs=5 * 0.5 / 64)
    assert row.z_mean == pytest.approx(0.1 * 64 / 0.5, abs=5)
    assert row.z_std == pytest.approx(0.04 * math.sqrt(4096 / 2), abs=5 * 1.04)
    assert row.worst == max(row.z_mean, row.z_std)
    down = ei.select(shifted, "**.weight").map(lambda w: w - jnp.float32(0.2))
    assert plan.check(down).rows[0].z_mean == pytest.approx(-12.8, abs=5)


def test_check_of_impossible_values():
    layer = nn.Linear(8, 8, key=KEY)
    plan = ei.plan(layer, [("weight", HoedtNormal())])
    # The log of a negative weight is nan, and no comparison with nan holds.
    result = plan.check(layer)
    assert result.worst == math.inf
    assert not result.ok
    nans = ei.select(layer, "weight").set(math.nan)
    plan = ei.plan(layer, [("weight", HeNormal())])
    assert not plan.check(nans).ok


def test_check_of_another_librarys_function_is_by_draws_of_it():
    layer = nn.Linear(8, 8, key=KEY)
    plan = ei.plan(layer, [("weight", jax.nn.initializers.he_normal())])
    drawn = plan.apply(layer, KEY)
    (row,) = plan.check(drawn).rows
    assert row.by == "draws"
    # The std of 64 x 4 draws: off by 1 / sqrt(512) = 4.4 %, of which five.
    assert row.expected is not None
    assert row.expected.std == pytest.approx(0.5, rel=0.22)
    assert row.ok
    assert not plan.check(ei.select(drawn, "weight").map(lambda w: 4 * w))


def test_check_wants_values():
    skeleton = eqx.filter_eval_shape(mlp)
    with pytest.raises(ValueError, match="is abstract: there is no value to check"):
        ei.plan(skeleton, RULES).check(skeleton)


@pytest.mark.thorough
def test_check_of_sixteen_bits_and_complex():
    # Rounding adds to the variance, and is no finding.
    for dtype in (jnp.bfloat16, jnp.float16, jnp.complex64):
        layer = nn.Linear(64, 64, dtype=dtype, key=KEY)
        result = check(layer, [("**", Normal(0.02))])
        assert result.ok, str(result)
