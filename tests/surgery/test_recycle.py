"""Units that are started anew, in all of their places: ReDo as its paper has it."""

import re

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest
from small_models import MODELS, assert_same_outputs, mlp
from test_unit_groups import Net
from unit_cases import CASES, layers as arrays, normal

import eqinit as ei
from eqinit import surgery


# CI runs these on its newest interpreter: they compile much.
pytestmark = pytest.mark.thorough


nn = eqx.nn
KEY = jr.key(2)
# Nothing that these draw is zero.
RULES = [ei.Rule("**", ei.Normal(0.5, mean=2.0))]


def call(model, x):
    return jax.vmap(model)(x)


class Convolutions(eqx.Module):
    """Channels through a depthwise kernel, and others through a grouped one."""

    first: nn.Conv2d
    depthwise: nn.Conv2d
    second: nn.Conv2d
    grouped: nn.Conv2d
    last: nn.Conv2d

    def __init__(self, key):
        keys = jr.split(key, 5)
        self.first = nn.Conv2d(2, 6, 3, key=keys[0])
        self.depthwise = nn.Conv2d(6, 6, 3, groups=6, key=keys[1])
        self.second = nn.Conv2d(6, 4, 1, key=keys[2])
        self.grouped = nn.Conv2d(4, 6, 3, groups=2, key=keys[3])
        self.last = nn.Conv2d(6, 3, 1, key=keys[4])

    def __call__(self, x):
        x = jax.nn.relu(self.depthwise(jax.nn.relu(self.first(x))))
        x = jax.nn.relu(self.grouped(jax.nn.relu(self.second(x))))
        return self.last(x)


class Gated(eqx.Module):
    """A gated layer on a residual stream, whose gate may be shut."""

    embed: nn.Linear
    gate: nn.Linear
    up: nn.Linear
    down: nn.Linear
    head: nn.Linear

    def __init__(self, key):
        keys = jr.split(key, 5)
        self.embed = nn.Linear(3, 4, key=keys[0])
        self.gate, self.up = (nn.Linear(4, 6, key=k) for k in keys[1:3])
        self.down, self.head = nn.Linear(6, 4, key=keys[3]), nn.Linear(4, 2, key=KEY)

    def __call__(self, x):
        x = self.embed(x)
        x = x + self.down(jax.nn.relu(self.gate(x)) * self.up(x))
        return self.head(jax.nn.relu(x))


class Stacked(eqx.Module):
    up: nn.Linear
    down: nn.Linear

    def __init__(self, key):
        one, two = jr.split(key)
        make = lambda n, m: eqx.filter_vmap(lambda key: nn.Linear(n, m, key=key))  # noqa: E731
        self.up, self.down = make(4, 6)(jr.split(one, 3)), make(6, 4)(jr.split(two, 3))

    def __call__(self, x):
        def step(x, pair):
            return x + pair[1](jax.nn.relu(pair[0](x))), None

        return jax.lax.scan(step, x, (self.up, self.down))[0]


def shut(model, where, flags):
    """With biases under which the units are zero, whatever the input."""
    old = where(model)
    mask = jnp.asarray(flags).reshape(flags.shape + (1,) * (old.ndim - flags.ndim))
    return eqx.tree_at(where, model, jnp.where(mask, jnp.full_like(old, -1e4), old))


def flags(*numbers: int, size: int = 6):
    return np.isin(np.arange(size), numbers)


def convolutions(*shut_in: str):
    model = Convolutions(KEY)
    for name in shut_in:
        model = shut(model, lambda m, name=name: getattr(m, name).bias, flags(1, 4))
    return model


def residual():
    """Channels between two convolutions of a block with batch norm."""
    model, state = nn.make_with_state(Net)(KEY)
    off = flags(0, 3, size=5)
    return shut(nn.inference_mode(model), lambda m: m.norm.bias, off), state


def call_residual(tree, x):
    model, state = tree
    return jax.vmap(lambda one: model(one, state)[0])(x)


def attention():
    """Of which one head returns nothing."""
    model = MODELS["transformer"][0]()
    where = lambda m: m.blocks[1].attn.value_proj.weight  # noqa: E731
    return eqx.tree_at(where, model, where(model).at[4:].set(0.0))


def lstm():
    """Of which one output gate is shut: its exponential is zero in float32."""
    model = MODELS["lstm"][0]()
    return eqx.tree_at(
        lambda m: m.cell.bias, model, model.cell.bias.at[18 + 2].set(-1e4)
    )


PLANE = flags(1, size=3)[:, None] & flags(0, 5) | flags(2, size=3)[:, None] & flags(3)

# A model with units that are zero on every input; the layer, and which; call; inputs.
DEAD = {
    "mlp": (
        lambda: shut(mlp(), lambda m: m.layers[0].bias, flags(1, 3, size=8)),
        ("layers.0", flags(1, 3, size=8), call, (4, 3)),
    ),
    "depthwise": (
        lambda: convolutions("first", "depthwise"),
        ("first", flags(1, 4), call, (2, 2, 7, 7)),
    ),
    "grouped": (
        lambda: convolutions("grouped"),
        # The second entry of both groups of three.
        (("grouped.weight", 0), flags(1, size=3), call, (2, 2, 7, 7)),
    ),
    "gated": (
        lambda: shut(Gated(KEY), lambda m: m.gate.bias, flags(0, 5)),
        ("gate", flags(0, 5), call, (4, 3)),
    ),
    "stream": (
        lambda: shut(Gated(KEY), lambda m: m.embed.bias, flags(2, size=4)),
        ("embed", flags(2, size=4), call, (4, 3)),
    ),
    "batch norm": (
        residual,
        ("first", flags(0, 3, size=5), call_residual, (2, 3, 6, 6)),
    ),
    "heads": (
        attention,
        ("blocks.1.attn", flags(1, size=2), MODELS["transformer"][1], None),
    ),
    "lstm": (lstm, ("cell", flags(2), MODELS["lstm"][1], (2, 5, 3))),
    "stack": (
        lambda: shut(Stacked(KEY), lambda m: m.up.bias, PLANE),
        ("up", PLANE, call, (4, 4)),
    ),
}


def units(tree, layer, run, x):
    """A layer, or the fastest units along an axis."""
    if isinstance(layer, str):
        return layer
    return surgery.unit_groups(tree, run, x).of(*layer)[-1]


def inputs(shape):
    return MODELS["transformer"][2]() if shape is None else jr.normal(jr.key(9), shape)


# Others of their kind take seconds to compile.
QUICK = ("mlp", "grouped", "stack", "depthwise")
DEAD_ONES = [
    pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow])
    for name in DEAD
    if name != "stream"  # into which its block writes again
]


@pytest.mark.parametrize("name", DEAD_ONES)
def test_where_units_were_dead_the_model_computes_what_it_did(name: str):
    make, (layer, idle, run, shape) = DEAD[name]
    old, x = make(), inputs(shape)
    layer = units(old, layer, run, x)
    new, record = surgery.recycle(
        old, KEY, RULES, layer, idle, run, x, tolerance=0.0, record=True
    )
    assert np.array_equal(run(old, x), run(new, x))
    assert not eqx.tree_equal(old, new)
    assert record.notes == ("outputs of `call` differ by 0 of their size",)
    if name not in ("mlp", "stack"):
        return
    compiled = eqx.filter_jit(
        lambda m, f: surgery.recycle(m, KEY, RULES, layer, f, run, x)
    )(old, jnp.asarray(idle))
    # Draws are the same bits, compiled or not.
    assert eqx.tree_equal(compiled, new)


def parts(tree):
    model = tree[0] if isinstance(tree, tuple) else tree
    pairs, _ = jax.tree_util.tree_flatten_with_path(eqx.filter(model, eqx.is_array))
    return {jax.tree_util.keystr(p).lstrip("."): np.asarray(leaf) for p, leaf in pairs}


# Of each model: arrays whose rows are drawn, and those whose columns are zero.
PLACES = {
    "mlp": ({"layers[0].weight": 0, "layers[0].bias": 0}, {"layers[1].weight": 1}),
    "depthwise": (
        {f"{n}.{f}": 0 for n in ("first", "depthwise") for f in ("weight", "bias")},
        {"second.weight": 1},
    ),
    "gated": (
        {f"{n}.{f}": 0 for n in ("gate", "up") for f in ("weight", "bias")},
        {"down.weight": 1},
    ),
    "batch norm": (
        {"first.weight": 0, "first.bias": 0, "norm.weight": 0, "norm.bias": 0},
        {"second.weight": 1},
    ),
    "stack": ({"up.weight": 1, "up.bias": 1}, {"down.weight": 2}),
    "stream": (
        {
            **{"embed.weight": 0, "embed.bias": 0},
            **{"down.weight": 0, "down.bias": 0},
        },
        {"gate.weight": 1, "up.weight": 1, "head.weight": 1},
    ),
}


def along(idle, axis: int, ndim: int):
    """Flags where the units are, along an axis; two axes of flags are the first two."""
    shape = [1] * ndim
    shape[axis] = idle.shape[-1]
    if idle.ndim == 2:
        shape[0] = len(idle)
    return idle.reshape(shape)


@pytest.mark.parametrize("name", PLACES)
def test_rows_are_drawn_columns_are_zero_and_the_rest_stays(name: str):
    make, (layer, idle, run, shape) = DEAD[name]
    old, x = make(), inputs(shape)
    new, record = surgery.recycle(old, KEY, RULES, layer, idle, run, x, record=True)
    fresh, before, after = parts(ei.apply(old, KEY, RULES)), parts(old), parts(new)
    drawn, zero = PLACES[name]
    for path, array in before.items():
        wanted = array
        if path in drawn:
            mask = along(idle, drawn[path], array.ndim)
            wanted = np.where(mask, fresh[path], wanted)
        if path in zero:
            wanted = np.where(along(idle, zero[path], array.ndim), 0, wanted)
        assert np.array_equal(after[path], wanted), path
    # Their moments start at zero, and those of others go on.
    model = old[0] if isinstance(old, tuple) else old
    ones = jax.tree.map(jnp.ones_like, eqx.filter(model, eqx.is_inexact_array))
    state = optax.trace(0.9).update(ones, optax.trace(0.9).init(ones))[1]
    for path, moment in parts(record.apply_to(state).trace).items():
        mask = np.zeros(moment.shape, bool)
        for places in (drawn, zero):
            if path in places:
                mask = mask | along(idle, places[path], moment.ndim)
        assert np.array_equal(moment, np.where(mask, 0, 1)), path


def test_of_gates_and_heads_all_entries():
    make, (layer, idle, run, shape) = DEAD["heads"]
    old, x = make(), inputs(shape)
    new = surgery.recycle(old, KEY, RULES, layer, idle, run, x).blocks[1].attn
    fresh = ei.apply(old, KEY, RULES).blocks[1].attn
    for name in ("query_proj", "key_proj", "value_proj"):
        rows = getattr(new, name).weight[4:]
        assert np.array_equal(rows, getattr(fresh, name).weight[4:])
    assert not new.output_proj.weight[:, 4:].any()
    make, (layer, idle, run, shape) = DEAD["lstm"]
    old, x = make(), inputs(shape)
    new = surgery.recycle(old, KEY, RULES, layer, idle, run, x).cell
    fresh = ei.apply(old, KEY, RULES).cell
    rows = np.arange(4) * 6 + 2
    assert np.array_equal(new.weight_ih[rows], fresh.weight_ih[rows])
    assert np.array_equal(new.bias[rows], fresh.bias[rows])
    assert not new.weight_hh[:, 2].any()
    others = np.delete(np.arange(6), 2)
    kept = new.weight_hh[rows][:, others]
    assert np.array_equal(kept, fresh.weight_hh[rows][:, others])


def test_units_that_were_dead_are_not_any_more():
    make, (layer, idle, run, shape) = DEAD["mlp"]
    x = inputs(shape)

    def hidden(model):
        return jax.vmap(lambda one: jax.nn.relu(model.layers[0](one)))(x)

    assert np.array_equal(surgery.dormant_units(hidden(make())), idle)
    new = surgery.recycle(make(), KEY, RULES, layer, idle, run, x)
    assert not surgery.dormant_units(hidden(new))[idle].any()


def test_what_the_rules_do_not_claim_stays():
    make, (layer, idle, run, shape) = DEAD["batch norm"]
    old, x = make(), inputs(shape)
    rules = [ei.Rule(nn.Conv2d, weight=ei.Normal(1.0))]
    new = surgery.recycle(old, KEY, rules, layer, idle, run, x)
    assert eqx.tree_equal(new[0].norm, old[0].norm)
    assert np.array_equal(new[0].first.bias, old[0].first.bias)
    assert not np.array_equal(new[0].first.weight, old[0].first.weight)


def wrong_calls():
    x = inputs((4, 3))
    old = mlp()
    do = surgery.recycle
    tied, run, args, _ = CASES["tied"]()
    (group, *_) = surgery.unit_groups(tied, run, *args).free
    rank, again, more, _ = CASES["fused"]()
    found = surgery.unit_groups(rank, again, *more).free
    (scores,) = (g for g in found if len(g.members) == 1)
    wrapped = eqx.tree_at(lambda m: m.layers[1], old, nn.WeightNorm(old.layers[1]))
    stack = Stacked(KEY)
    some, two = jnp.zeros(8, bool), ei.Rule("layers.2", ei.Zeros())
    return {
        "flags": (
            lambda: do(old, KEY, RULES, "layers.0", [True], call, x),
            "recycle got bool[1] for the 8 units of `layers.0.weight[0]`: it takes a "
            "bool for each of them. Pass `dormant_units(outputs)` of that layer's own",
        ),
        "numbers": (
            lambda: do(old, KEY, RULES, "layers.0", jnp.ones(8), call, x),
            "recycle got float32[8] for the 8 units",
        ),
        "rows": (
            lambda: do(stack, KEY, RULES, "up", flags(1, size=5), call, normal(4, 4)),
            "a bool for each of them, or as many for each of 3 layers.",
        ),
        "unclaimed": (
            lambda: do(old, KEY, two, "layers.0", some, call, x),
            "recycle draws `layers.0.weight` anew, and no rule claims it. Pass the "
            'rules that initialised the model, or `Rule("layers.0.weight", ...)`.',
        ),
        "outputs": (
            lambda: do(old, KEY, RULES, "layers.2", [True, False], call, x),
            "whose units have to stay: the axis is an output of the call",
        ),
        "tied": (
            lambda: do(tied, KEY, RULES, group, flags(1, size=4), run, *args),
            "`embed` both makes and reads them, along axis 1: what reads them is to be",
        ),
        "not read": (
            lambda: do(rank, KEY, RULES, scores, flags(1, size=4), again, *more),
            "which no kernel reads by a sum of its own",
        ),
        "wrapped": (
            lambda: do(wrapped, KEY, RULES, "layers.0", some, call, x),
            "`layers.1.layer.weight` is kept in a WeightNorm, and a share of it need",
        ),
        "others notice": (
            lambda: do(
                old, KEY, RULES, "layers.0", flags(1, size=8), call, x, tolerance=1e-5
            ),
            "`recycle` was to leave what `call` returns as it is, and would change it",
        ),
    }


@pytest.mark.parametrize("name", wrong_calls())
def test_wrong_calls_say_what_to_do(name: str):
    do, text = wrong_calls()[name]
    with pytest.raises(ValueError, match=re.escape(text)):
        do()


def test_living_units_are_told_in_the_record():
    x = inputs((4, 3))
    idle = flags(1, size=8)
    _, record = surgery.recycle(
        mlp(), KEY, RULES, "layers.0", idle, call, x, record=True
    )
    assert "outputs of `call` differ by" in str(record)
    assert "units recycled" in str(record)
    model = arrays(a=(6, 3), b=(2, 6))
    run = lambda m, x: m["b"] @ jnp.tanh(m["a"] @ x)  # noqa: E731
    new = surgery.recycle(model, KEY, RULES, "a", flags(), run, normal(3))
    assert_same_outputs(run(model, normal(3)), run(new, normal(3)))
