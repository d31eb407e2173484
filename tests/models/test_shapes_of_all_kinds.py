"""Models that nobody's library makes: every axis order, odd leaves, odd names."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
import pytest

import eqinit
from eqinit import (
    Filter,
    HeNormal,
    Keep,
    LecunNormal,
    Normal,
    Ones,
    Orthogonal,
    Path,
    Role,
    Rule,
    Zeros,
)


KEY = jax.random.key(7)


class Holder(eqx.Module):
    """One raw array."""

    w: Any


# (notation, shape, fan_in, fan_out): every order that public libraries use.
ORDERS = [
    ("out in", (24, 40), 40, 24),
    ("in out", (40, 24), 40, 24),
    ("out in *kernel", (24, 8, 5), 40, 120),
    ("*kernel in out", (5, 8, 24), 40, 120),
    ("in out *kernel", (8, 24, 5), 40, 120),
    ("*kernel out in", (3, 3, 24, 8), 72, 216),
    ("*kernel in out", (2, 2, 2, 8, 24), 64, 192),
    ("head in out", (6, 40, 24), 40, 24),
    ("in in out", (4, 10, 24), 40, 24),
    ("out in out", (4, 40, 6), 40, 24),
    ("(head=4 out) in", (24, 40), 40, 6),
    ("in (head=4 out)", (40, 24), 40, 6),
    ("expert block out in", (2, 3, 24, 40), 40, 24),
    ("pair out in", (2, 24, 40), 40, 24),
    ("out in pair", (24, 40, 2), 40, 24),
    ("block out in mode mode", (2, 24, 40, 3, 3), 40, 24),
]


@pytest.mark.parametrize(("axes", "shape", "fan_in", "fan_out"), ORDERS)
def test_every_axis_order(axes: str, shape: tuple[int, ...], fan_in: int, fan_out: int):
    model = {"raw": Holder(jnp.zeros(shape))}
    plan = eqinit.plan(model, [Rule(Holder, w=LecunNormal(), axes=axes)])
    (row,) = plan
    assert (row.spec.fan_in, row.spec.fan_out) == (fan_in, fan_out)
    # Real and imaginary part share a variance of 1 / fan_in.
    parts = 2 if "pair" in axes else 1
    assert row.std == pytest.approx(math.sqrt(1 / (parts * fan_in)))
    assert plan.check(plan.apply(model, KEY)).ok


@pytest.mark.parametrize(("axes", "shape", "fan_in", "fan_out"), ORDERS)
def test_orthogonal_in_every_axis_order(
    axes: str, shape: tuple[int, ...], fan_in: int, fan_out: int
):
    from eqinit._parameters.views import matrices

    model = [Holder(jnp.zeros(shape))]
    plan = eqinit.plan(model, [Rule(Holder, w=Orthogonal(), axes=axes)])
    w = np.asarray(plan.apply(model, KEY)[0].w, np.float64)
    for matrix in matrices(plan.rows[0].spec).slices(w):
        small = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
        # Float32 QR: a few hundred roundings of 6e-8 a scalar product.
        assert np.allclose(small @ small.T, np.eye(len(small)), atol=1e-5)


def test_star_without_a_layer_takes_what_is_left():
    model = Holder(jnp.zeros((2, 3, 8, 24)))
    (row,) = eqinit.plan(model, [Rule(Holder, w=HeNormal(), axes="*kernel in out")])
    assert row.spec.fan_in == 48


def test_stacks_need_a_rank_to_be_seen():
    class Conv(eqx.Module):
        w: jax.Array
        num_spatial_dims: int = eqx.field(static=True, default=2)

    one = {Conv: {"w": "*kernel in out", "sizes": {"kernel": "num_spatial_dims"}}}
    model = Conv(jnp.zeros((7, 3, 3, 8, 24)))
    (row,) = eqinit.plan(model, [Rule(Conv, w=HeNormal())], layouts=one)
    assert row.spec.fan_in == 72
    assert row.spec.axes is not None
    assert row.spec.axes.stack == (7,)


class Odd(eqx.Module):
    """Fields with names that get in the way, and leaves of every kind."""

    self: jax.Array
    key: jax.Array
    _weights: tuple[jax.Array, ...]
    table: jax.Array
    flags: jax.Array
    phase: jax.Array
    rng: jax.Array
    host: np.ndarray
    count: int
    rate: float
    name: str
    missing: None
    act: Any
    empty: jax.Array
    scalar: jax.Array


def odd() -> Odd:
    return Odd(
        jnp.zeros((4, 3)),
        jnp.zeros((4,)),
        (jnp.zeros((3, 3)), jnp.zeros((2, 3))),
        jnp.arange(5),
        jnp.zeros(3, bool),
        jnp.zeros((3, 4), jnp.complex64),
        jax.random.key(3),
        np.zeros((3, 2), np.float32),
        3,
        0.5,
        "odd",
        None,
        jax.nn.relu,
        jnp.zeros((0, 4)),
        jnp.zeros(()),
    )


def odd_layout() -> dict[type, dict[str, Any]]:
    said = {"self": "out in", "key": "out", "_weights": "out in", "phase": "out in"}
    return {Odd: {**said, "host": "in out", "empty": "out in", "scalar": "other:"}}


def test_odd_leaves_and_names():
    model = {"a b.c[0],d": [odd()]}
    rules = [
        Rule(
            Odd,
            **{"self": HeNormal(), "_weights": LecunNormal()},
            key=Normal(1.0),
            phase=HeNormal(),
            host=HeNormal(),
            empty=HeNormal(),
            scalar=Ones(),
        )
    ]
    plan = eqinit.plan(model, rules, layouts=odd_layout())
    assert [row.path for row in plan][:2] == [
        r"a b\.c[0],d.0.self",
        r"a b\.c[0],d.0.key",
    ]
    new = plan.apply(model, KEY)
    assert plan.check(new).ok
    (old,), (got,) = model["a b.c[0],d"], new["a b.c[0],d"]
    for name in ("table", "flags", "rng", "count", "rate", "name", "missing", "act"):
        assert getattr(got, name) is getattr(old, name)
    assert isinstance(got.host, np.ndarray)
    assert got.host.std() > 0
    assert got.phase.dtype == jnp.complex64
    assert float(jnp.abs(got.phase.imag).max()) > 0
    assert jtu.tree_structure(new) == jtu.tree_structure(model)
    # One layer's two kernels in a tuple: two keys, and fans of their own.
    assert plan[r"a b\.c[0],d.0._weights.1"].spec.fan_in == 3


def test_odd_names_can_be_selected():
    model = {"a b.c": [Holder(jnp.ones(3))], "a b": {"c": [Holder(jnp.ones(3))]}}
    assert eqinit.select(model, Path(r"a b\.c")).paths == (r"a b\.c.0.w",)
    assert eqinit.select(model, Path("a b.c")).paths == ("a b.c.0.w",)


def test_numpy_leaves_stay_numpy_through_jit_as_jax_does():
    model = Holder(np.zeros((3, 4), np.float32))
    rule = Rule(Holder, w=HeNormal(), axes="out in")
    eager = eqinit.apply(model, KEY, [rule])
    jitted = eqx.filter_jit(lambda key: eqinit.apply(model, key, [rule]))(KEY)
    np.testing.assert_array_equal(eager.w, np.asarray(jitted.w))


class Twice(eqx.Module):
    """One model with layers stacked once and twice."""

    once: eqx.nn.Linear
    twice: eqx.nn.Linear
    norms: eqx.nn.LayerNorm
    plain: eqx.nn.Linear


def twice() -> Twice:
    def linear(key):
        return eqx.nn.Linear(40, 30, key=key)

    keys = jax.random.split(KEY, 6)
    stacked = eqx.filter_vmap(linear)
    return Twice(
        stacked(keys),
        eqx.filter_vmap(stacked)(keys.reshape(2, 3)),
        eqx.filter_vmap(lambda _: eqx.nn.LayerNorm(40))(jnp.zeros(6)),
        linear(KEY),
    )


def test_stacks_of_one_and_two_axes_in_one_model():
    model = twice()
    rules = [
        Rule(Role("kernel"), HeNormal()),
        Rule(Role("bias"), Zeros()),
        Rule(Role("scale"), Ones()),
    ]
    plan = eqinit.plan(model, rules)
    stacks = [plan[f"{name}.weight"].spec for name in ("once", "twice", "plain")]
    assert [spec.axes and spec.axes.stack for spec in stacks] == [(6,), (2, 3), ()]
    assert {spec.fan_in for spec in stacks} == {40}
    assert plan["norms.weight"].spec.role == "scale"
    new = plan.apply(model, KEY)
    assert plan.check(new).ok
    slices = np.asarray(new.twice.weight).reshape(6, -1)
    assert len({row.tobytes() for row in slices}) == 6


def test_per_slice_inside_a_stack():
    scheme = eqinit.PerSlice(HeNormal(), lambda i, n: 1 / math.sqrt(i + 1))
    model = twice()
    new = eqinit.apply(model, KEY, [Rule("once", weight=scheme)])
    stds = np.asarray(new.once.weight).std(axis=(1, 2))
    wanted = math.sqrt(2 / 40) / np.sqrt(np.arange(1, 7))
    # 1200 truncated normals a slice: 1.8 % of sampling error, and five of those.
    assert np.all(np.abs(stds / wanted - 1) < 5 * 0.018)


def test_aliases_are_noted_and_drawn_apart():
    weight = jnp.zeros((4, 3))
    model = {"one": Holder(weight), "two": Holder(weight)}
    plan = eqinit.plan(model, [Rule(Holder, w=HeNormal(), axes="out in")])
    (note,) = plan.notes
    assert "`one.w` and `two.w` hold one and the same array" in note
    assert "eqx.nn.Shared" in note
    assert "same array as two.w" in str(eqinit.inspect(model))
    new = plan.apply(model, KEY)
    assert not np.array_equal(new["one"].w, new["two"].w)


class Tied(eqx.Module):
    """An embedding and a head with one weight."""

    shared: eqx.nn.Shared

    def __init__(self):
        pair = (eqx.nn.Embedding(10, 4, key=KEY), eqx.nn.Linear(4, 10, key=KEY))
        self.shared = eqx.nn.Shared(pair, lambda p: p[1].weight, lambda p: p[0].weight)


def test_shared_slots_show_their_source():
    model = Tied()
    plan = eqinit.plan(model, [Rule(eqx.nn.Embedding, weight=Normal(0.02))])
    assert plan.shared == ("shared.pytree.1.weight",)
    assert plan.to_dict()["rows"][-1] == {
        "path": "shared.pytree.1.weight",
        "status": "shared",
        "source": "shared.pytree.0.weight",
    }
    new = plan.apply(model, KEY)
    embedding, head = new.shared()
    assert embedding.weight is head.weight
    remarks = [row.remark for row in eqinit.inspect(model)]
    assert "shared with shared.pytree.1.weight" in remarks


def test_shared_paths_are_spelled_as_all_others_are():
    pair = {"a.b": eqx.nn.Linear(4, 4, key=KEY), "c": eqx.nn.Linear(4, 4, key=KEY)}
    model = eqx.nn.Shared(pair, lambda p: p["c"].weight, lambda p: p["a.b"].weight)
    plan = eqinit.plan(model, [])
    assert plan.sources == (("pytree.c.weight", r"pytree.a\.b.weight"),)
    assert plan[plan.sources[0][1]].status == "kept"


def test_shared_through_a_computation_has_no_source():
    pair = (eqx.nn.Linear(4, 4, key=KEY), eqx.nn.Linear(4, 4, key=KEY))
    model = eqx.nn.Shared(
        pair, lambda p: p[1].weight, lambda p: jnp.transpose(p[0].weight)
    )
    plan = eqinit.plan(model, [])
    assert plan.shared == ("pytree.1.weight",)
    assert plan.sources == ()


class Stateful(eqx.Module):
    """Running statistics beside parameters."""

    norm: eqx.nn.BatchNorm
    linear: eqx.nn.Linear

    def __init__(self, key):
        self.norm = eqx.nn.BatchNorm(3, "batch", mode="batch")
        self.linear = eqx.nn.Linear(3, 2, key=key)


def test_state_is_never_touched():
    rules = [Rule(Role("kernel"), HeNormal()), Rule(Role("scale"), Ones())]
    bare = Stateful(KEY)
    new = eqinit.apply(bare, KEY, rules)
    for old, got in zip(
        jtu.tree_leaves(bare.norm), jtu.tree_leaves(new.norm), strict=True
    ):
        assert old is got or bool(jnp.all(got == 1))
    model, state = eqx.nn.make_with_state(Stateful)(KEY)
    new, new_state = eqinit.apply((model, state), KEY, rules)
    for old, got in zip(
        jtu.tree_leaves(state), jtu.tree_leaves(new_state), strict=True
    ):
        assert old is got
    assert new.linear.weight is not model.linear.weight


def test_inspect_and_suggestions():
    class Raw(eqx.Module):
        w: jax.Array
        b: jax.Array
        rope_table: jax.Array
        a_log: jax.Array
        cube: jax.Array
        in_features: int = eqx.field(static=True, default=3)
        out_features: int = eqx.field(static=True, default=4)

    raw = Raw(
        jnp.zeros((3, 4)),
        jnp.zeros(4),
        jnp.zeros((5, 2)),
        jnp.zeros(4),
        jnp.zeros((2,) * 3),
    )
    model = {"raw": raw, "steps": jnp.arange(3), "known": eqx.nn.Linear(2, 2, key=KEY)}
    seen = eqinit.inspect(model)
    assert len(seen) == 8
    assert [row.path for row in seen.unknown] == [
        f"raw.{name}" for name in ("w", "b", "rope_table", "a_log", "cube")
    ]
    by_path = {row.path: row for row in seen}
    assert by_path["known.weight"].axes == "out in"
    assert by_path["raw.w"].role == "kernel"
    assert not by_path["steps"].is_parameter
    assert "5 with unknown layout" in str(seen)
    assert "<table>" in seen._repr_html_()

    text = eqinit.suggest_layouts(model)
    assert 'register_layout(Raw, w="in out", b="out")' in text
    assert "rope_table: f32[5,2]" in text
    assert "buffer" in text
    exec(text, {"Raw": Raw})
    assert [row.field for row in eqinit.inspect(model).unknown] == [
        "rope_table",
        "a_log",
        "cube",
    ]


def test_nothing_to_suggest():
    assert eqinit.suggest_layouts(eqx.nn.MLP(2, 2, 4, 1, key=KEY)) == ""


def test_unknown_layout_names_the_call_that_says_it():
    with pytest.raises(ValueError, match=r"register_layout\(Holder, w=\"out in\"\)"):
        eqinit.plan(Holder(jnp.zeros((3, 4))), [Rule(Holder, w=HeNormal())])


def test_keep_lets_a_blind_wrapper_pass():
    class Blind(eqx.Module):
        raw: jax.Array

    linear = eqx.nn.Linear(3, 4, key=KEY)
    model = eqx.tree_at(lambda m: m.weight, linear, Blind(jnp.zeros((4, 3))))
    blind = Filter(
        lambda site: site.parametrization is not None and site.parametrization.blind
    )
    plan = eqinit.plan(model, [Rule(blind, Keep()), Rule(eqx.nn.Linear, bias=Zeros())])
    assert plan["weight.raw"].status == "kept"
    with pytest.raises(ValueError, match="kept in a Blind, and nobody said"):
        eqinit.plan(model, [Rule(eqx.nn.Linear, weight=HeNormal())])
