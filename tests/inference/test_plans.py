"""Plans that are told by a call what layouts do not say."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eqinit as ei
from eqinit import HeNormal, Role, Rule, Zeros


KEY = jax.random.key(3)


class Dense(eqx.Module):
    """Stores `(in, out)`, under names that say nothing."""

    a: jax.Array
    c: jax.Array

    def __init__(self, inputs: int, outputs: int):
        self.a, self.c = jnp.ones((inputs, outputs)), jnp.ones(outputs)

    def __call__(self, x):
        return x @ self.a + self.c


class Net(eqx.Module):
    layers: list[Dense]
    head: eqx.nn.Linear

    def __init__(self):
        self.layers = [Dense(4, 8), Dense(8, 8)]
        self.head = eqx.nn.Linear(8, 3, key=KEY)

    def __call__(self, x):
        for layer in self.layers:
            x = jax.nn.relu(layer(x))
        return self.head(x)


def call(model: Any, x: Any) -> Any:
    return model(x)


X = jax.ShapeDtypeStruct((4,), jnp.float32)
RULES = [Rule(Role("kernel"), HeNormal()), Rule(Role("bias"), Zeros())]


def test_without_a_layout_the_computation_serves():
    traced = ei.trace_layouts(Net(), call, X)
    assert ei.plan(Net(), RULES)["layers.0.a"].status == "kept"
    plan = ei.plan(Net(), RULES, layouts=traced)
    assert {row.status for row in plan} == {"set"}
    spec = plan["layers.0.a"].spec
    assert (spec.axes.text, spec.fan_in, spec.fan_out) == ("in out", 4, 8)
    assert plan["layers.0.c"].spec.fan_in == 4
    assert plan["layers.0.a"].std == pytest.approx((2 / 4) ** 0.5)
    # The same values as if somebody had said the layout.
    applied = ei.apply(Net(), KEY, RULES, layouts=traced)
    told = {Dense: {"a": "in out", "c": "out"}}
    for one, other in zip(
        jax.tree.leaves(applied),
        jax.tree.leaves(ei.apply(Net(), KEY, RULES, layouts=told)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    built = ei.build(lambda key: Net(), KEY, RULES, layouts=traced)
    np.testing.assert_array_equal(built.layers[1].a, applied.layers[1].a)


def test_an_abstract_model_is_traced_and_planned():
    model = eqx.filter_eval_shape(Net)
    traced = ei.trace_layouts(model, call, X)
    assert {r.status for r in ei.plan(model, RULES, layouts=traced)} == {"set"}


def test_doubtful_rows_are_not_used():
    def temperature(model: Any, x: Any) -> Any:
        return call(model["net"], x) / jnp.exp(model["t"])

    model = {"net": Net(), "t": jnp.ones(())}
    traced = ei.trace_layouts(model, temperature, X)
    assert traced["t"].status == "ambiguous"
    plan = ei.plan(model, [Rule(Role("scale"), 1.0, optional=True)], layouts=traced)
    assert plan["t"].status == "kept"


def test_a_rule_contradicts_the_computation():
    rule = Rule(Dense, a=HeNormal(), axes="out in", optional=True)
    assert ei.plan(Net(), [rule])["layers.0.a"].spec.fan_in == 8
    traced = ei.trace_layouts(Net(), call, X)
    with pytest.raises(
        ValueError, match=r"`out in` with fan_in 8, and the computa"
    ) as e:
        ei.plan(Net(), [rule], layouts=traced)
    assert 'register_layout(Dense, a="in out", override=True)' in str(e.value)
    # A square one has the right fan, and is another matrix all the same.
    assert "layers.1.a" in str(e.value)


class Wrong(eqx.Module):
    w: jax.Array
    b: jax.Array

    def __call__(self, x):
        return self.w @ x + self.b


ei.register_layout(Wrong, w="in out", b="out")


def test_a_layout_contradicts_the_computation():
    model = Wrong(jnp.ones((3, 4)), jnp.ones(3))
    traced = ei.trace_layouts(model, call, X)
    assert [row.path for row in traced.contradictions] == ["w", "b"]
    with pytest.raises(ValueError, match="2 layouts contradict the computation"):
        traced.verify()
    with pytest.raises(ValueError, match="`in out` with fan_in 3, and the computation"):
        ei.plan(model, [Rule("w", HeNormal()), Rule("b", Zeros())], layouts=traced)
    # A rule that says it right is heard.
    rule = Rule("w", HeNormal(), axes="out in")
    with pytest.raises(ValueError, match=r"^b: its axes are said to be `out` with"):
        ei.plan(model, [rule], layouts=traced)
    right = {"w": "out in", "b": "out"}
    plan = ei.plan(model, [Rule(Wrong, w=HeNormal(), axes=right), ("b", 0.0)])
    assert plan["w"].spec.fan_in == 4


def test_right_layouts_are_verified():
    traced = ei.trace_layouts(Net().head, call, jax.ShapeDtypeStruct((8,), jnp.float32))
    traced.verify()
    assert traced["weight"].layout == "out in"


def test_lines_to_paste():
    lines = ei.trace_layouts(Net(), call, X).register_lines()
    assert 'register_layout(Dense, a="in out", c="out")' in lines
    assert "Linear" not in lines
    assert ei.suggest_layouts(Net(), call, X) == lines
    assert "# Guesses" in ei.suggest_layouts(Net())
    known = eqx.nn.Linear(4, 3, key=KEY)
    assert ei.suggest_layouts(known, call, X) == ""


class Cell(eqx.Module):
    x: jax.Array
    h: jax.Array
    b: jax.Array

    def __call__(self, x, h):
        return jnp.tanh(self.x @ x + self.h @ h + self.b)


def test_lines_say_what_feeds_a_bias_and_what_is_in_doubt():
    class Odd(eqx.Module):
        cell: Cell
        t: jax.Array

        def __call__(self, x, h):
            return self.cell(x, h) / jnp.exp(self.t)

    cell = Cell(jnp.ones((6, 4)), jnp.ones((6, 6)), jnp.ones(6))
    model = Odd(cell, jnp.ones(()))
    h = jax.ShapeDtypeStruct((6,), jnp.float32)
    lines = ei.suggest_layouts(model, lambda m, x, h: m(x, h), X, h)
    assert 'register_layout(Cell, x="out in", h="out in", b="out <- x + h")' in lines
    assert "# Odd\n#   t: scale: at t; a factor of data" in lines


class Fused(eqx.Module):
    qkv: eqx.nn.Linear

    def __call__(self, x):
        q, k, v = jnp.split(jax.vmap(self.qkv)(x), 3, axis=-1)
        return jax.nn.softmax(q @ k.T) @ v


def test_parts_of_a_fused_projection_are_seen_by_who_asks():
    model = Fused(eqx.nn.Linear(8, 24, key=KEY))
    x = jax.ShapeDtypeStruct((5, 8), jnp.float32)
    traced = ei.trace_layouts(model, call, x)
    assert traced["qkv.weight"].axes == "(gate=3 out) in"
    assert traced.contradictions == ()
    rules = [Rule(eqx.nn.Linear, weight=ei.Orthogonal(), bias=Zeros())]
    plain = ei.plan(model, rules, layouts=traced)["qkv.weight"]
    assert (plain.spec.axes.text, plain.spec.fan_out) == ("out in", 24)
    gated = traced.with_gates()
    apart = ei.plan(model, rules, layouts=gated)["qkv.weight"]
    assert (apart.spec.axes.text, apart.spec.fan_out) == ("(gate=3 out) in", 8)
    drawn = ei.apply(model, KEY, rules, layouts=gated).qkv.weight
    for part in np.asarray(drawn).reshape(3, 8, 8):
        np.testing.assert_allclose(part @ part.T, np.eye(8), atol=1e-5)


class Positive(eqx.Module):
    raw: jax.Array

    def __call__(self, x):
        return jax.nn.softplus(self.raw) @ x


def test_what_is_kept_in_another_form_is_told_and_can_be_set():
    model = Positive(jnp.ones((64, 256)))
    x = jax.ShapeDtypeStruct((256,), jnp.float32)
    traced = ei.trace_layouts(model, call, x)
    assert traced["raw"].through == "softplus"
    law = ei.Abs(ei.LecunNormal())
    plan = ei.plan(model, [Rule("raw", law)], layouts=traced)
    assert "uses softplus of `raw`" in str(plan)
    rule = Rule("raw", law, through="softplus")
    plan = ei.plan(model, [rule], layouts=traced)
    assert "uses softplus" not in str(plan)
    raw = plan.apply(model, KEY).raw
    # The draw of the law itself, by way of softplus and back.
    wanted = ei.plan(model, [Rule("raw", law)], layouts=traced).apply(model, KEY).raw
    np.testing.assert_allclose(jax.nn.softplus(raw), wanted, rtol=1e-5, atol=1e-7)


def test_through_is_said_for_one_field():
    law = ei.LogNormal()
    with pytest.raises(TypeError, match="one `through` for all"):
        Rule(Dense, a=law, c=law, through="exp")
    with pytest.raises(TypeError, match="let that return `Through"):
        Rule(Dense, a=lambda site: law, through="exp")
    with pytest.raises(ValueError, match="transform='cosh'"):
        Rule("raw", law, through="cosh")


def test_an_unknown_parametrization_has_no_layout_of_its_own():
    class Where(eqx.Module):
        """Stands for an array, as paramax's classes do, and nobody has said how."""

        inner: jax.Array
        scale: jax.Array

        def __jax_array__(self):
            return self.inner * self.scale

    linear = eqx.nn.Linear(3, 12, key=KEY)
    wrapped = Where(jnp.ones((12, 3)), jnp.ones((12, 1)))
    model = eqx.tree_at(lambda m: m.weight, linear, wrapped)
    # The layout is that of the value, whose shape nobody knows; so is the bias's fan.
    plan = ei.plan(model, [])
    assert plan["weight.inner"].spec.axes is None
    assert plan["weight.scale"].spec.axes is None
    assert plan["bias"].spec.fan_in is None

    def multiply(m: Any, x: Any) -> Any:
        return jnp.asarray(m.weight.__jax_array__()) @ x + m.bias

    traced = ei.trace_layouts(model, multiply, jax.ShapeDtypeStruct((3,), jnp.float32))
    assert traced["weight.inner"].fan_in == 3
    assert ei.plan(model, [], layouts=traced)["bias"].spec.fan_in == 3


class Block(eqx.Module):
    norm: eqx.nn.LayerNorm
    up: eqx.nn.Linear
    down: eqx.nn.Linear

    def __init__(self, width: int, key: Any):
        self.norm = eqx.nn.LayerNorm(width)
        self.up = eqx.nn.Linear(width, 2 * width, key=key)
        self.down = eqx.nn.Linear(2 * width, width, key=key)

    def __call__(self, x):
        return x + self.down(jnp.tanh(self.up(self.norm(x))))


class Stream(eqx.Module):
    embed: eqx.nn.Linear
    blocks: list[Block]
    head: eqx.nn.Linear

    def __init__(self):
        self.embed = eqx.nn.Linear(4, 8, key=KEY)
        self.blocks = [Block(8, KEY) for _ in range(3)]
        self.head = eqx.nn.Linear(8, 5, key=KEY)

    def __call__(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def test_rules_by_what_follows_a_kernel():
    traced = ei.trace_layouts(Stream(), call, X)
    rules = [
        Rule(ei.Readout() & Role("kernel"), Zeros()),
        Rule(ei.Residual(), ei.Scaled(ei.LecunNormal(), 6**-0.5)),
        Rule(Role("kernel"), ei.ForActivation(ei.LecunNormal())),
    ]
    plan = ei.plan(Stream(), rules, layouts=traced)
    assert plan["head.weight"].std == 0
    for i in range(3):
        assert plan[f"blocks.{i}.down.weight"].std == pytest.approx((16 * 6) ** -0.5)
        # E tanh(z)^2 = 0.3942945
        up = plan[f"blocks.{i}.up.weight"].std
        assert up == pytest.approx((8 * 0.3942945) ** -0.5, rel=1e-5)
    assert plan["embed.weight"].std == pytest.approx(4**-0.5)
    selected = ei.select(Stream(), ei.Residual(), layouts=traced)
    assert selected.paths == tuple(f"blocks.{i}.down.weight" for i in range(3))


def test_without_a_trace_such_rules_say_what_they_need():
    with pytest.raises(ValueError, match=r"Residual\(\) is read off a call"):
        ei.plan(Stream(), [Rule(ei.Residual(), Zeros())])
    rule = Rule(eqx.nn.Linear, weight=ei.ForActivation(ei.LecunNormal()))
    with pytest.raises(ValueError, match="needs to know which function"):
        ei.plan(Stream(), [rule])
