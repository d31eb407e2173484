"""The maximal update parametrisation, against the rules of its reference package."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from mirror import mirror, reference

import eqinit as ei
from eqinit import recipes


KEY = jax.random.key(0)


def mlp(width: int, out: int = 1, **kwargs: Any) -> eqx.nn.MLP:
    return eqx.nn.MLP(2, out, width, 2, key=KEY, **kwargs)


def arrays_of(model: Any) -> Any:
    return eqx.filter(model, eqx.is_inexact_array)


def test_at_the_base_width_it_is_lecun():
    plan = ei.plan(mlp(16), recipes.mup(mlp(16)))
    assert plan["layers.1.weight"].std == pytest.approx(1 / 4)
    assert plan["layers.2.weight"].std == pytest.approx(1 / 4)
    for optimizer in ("adam", "sgd"):
        scales = recipes.mup_scales(mlp(16), mlp(16), optimizer)
        assert jax.tree.leaves(scales) == [1.0] * 6


def test_variances():
    wide = ei.plan(mlp(64), recipes.mup(mlp(16)))
    assert wide["layers.0.weight"].std == pytest.approx(2**-0.5)
    assert wide["layers.1.weight"].std == pytest.approx(1 / 8)
    # The readout: 1 / 8 over the root of a growth of 4.
    assert wide["layers.2.weight"].std == pytest.approx(1 / 16)
    deeper = eqx.nn.MLP(2, 1, 64, 3, key=KEY)
    with pytest.raises(ValueError, match=r"the base model has no `layers\.3\.weight`"):
        ei.plan(deeper, recipes.mup(mlp(16)))


def test_steps_of_adam_and_sgd():
    """Table 3 of the paper, at four times the width, and twice for one hidden axis."""
    adam = recipes.mup_scales(mlp(64), mlp(16))
    sgd = recipes.mup_scales(mlp(64), mlp(16), "sgd")
    assert [adam.layers[i].weight for i in range(3)] == [1, 1 / 4, 1 / 4]
    assert [adam.layers[i].bias for i in range(3)] == [1, 1, 1]
    assert [sgd.layers[i].weight for i in range(3)] == [4, 1, 1 / 4]
    assert [sgd.layers[i].bias for i in range(3)] == [4, 4, 1]
    table = recipes.mup_scales(
        eqx.nn.Embedding(10, 64, key=KEY), eqx.nn.Embedding(10, 16, key=KEY), "sgd"
    )
    assert table.weight == 4
    uneven = recipes.mup_scales(
        eqx.nn.Linear(32, 64, key=KEY), eqx.nn.Linear(16, 16, key=KEY), "sgd"
    )
    assert uneven.weight == 4 / 2


def test_the_table_of_the_reference_package():
    """`references/mup_models.py` wrote it, with `mup`: a model four times its base.

    What the package multiplies a weight by in the model, its readout by 1 / m, is in
    the weight itself here: in its std, in steps of Adam once, in those of SGD twice.
    """
    table = reference("mup")
    rows, draws = table["parameters"], table["draws"]
    wide, names = mirror(rows)
    base, _ = mirror(
        {path: {**row, "shape": row["base"]} for path, row in rows.items()}
    )
    rest = ei.Rule("**", ei.Zeros())
    plan = ei.plan(wide, [*recipes.mup(base), rest])
    scales = {
        optimizer: by_path(recipes.mup_scales(wide, base, optimizer))
        for optimizer in ("adam", "sgd")
    }
    for path, theirs in rows.items():
        (ours,), times = names[path], theirs["multiplier"]
        assert scales["adam"][ours] == theirs["adam"] * times, path
        assert scales["sgd"][ours] == theirs["sgd"] * times**2, path
        if plan[ours].spec.role == "kernel":
            # Normal: the sample's std is off by 1 / sqrt(2n); five once in two million.
            error = 5 / math.sqrt(2 * draws * math.prod(theirs["shape"]))
            assert plan[ours].std == pytest.approx(theirs["std"] * times, rel=error)


def keystr(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")


def by_path(tree: Any) -> dict[str, float]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {keystr(path): leaf for path, leaf in leaves}


def training(growth: float, optimizer: str) -> tuple[list[float], list[float]]:
    """The `mup` package's way: its readout divides its output by `growth`.

    `MuReadout` keeps the base model's variance. `MuAdam` divides the rate of what has
    two growing axes, `MuSGD` multiplies that of what has one.
    """
    multipliers = [1.0, 1.0, 1 / growth]
    if optimizer == "adam":
        return multipliers, [1.0, 1 / growth, 1.0]
    return multipliers, [growth, 1.0, growth]


@pytest.mark.thorough
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_training_is_that_of_the_reference_package(optimizer: str):
    """The same function after every step, though its weights are kept otherwise."""
    base, width = 8, 32
    model = ei.apply(bare(width), KEY, recipes.mup(bare(base)))
    multipliers, rates = training(width / base, optimizer)
    x = jax.random.normal(jax.random.key(1), (16, 2))
    y = jnp.sin(3 * x[:, :1])
    ours = [layer.weight for layer in model.layers]
    theirs = [w / c for w, c in zip(ours, multipliers, strict=True)]
    # The readout of the package has the base model's variance, 1 / 8 (32 numbers).
    error = math.sqrt(2 / 32)
    assert abs(float((theirs[2] ** 2).mean()) * base - 1) < 5 * error

    def forward(weights: list[jax.Array]) -> jax.Array:
        a, b, c = weights
        return jnp.tanh(jnp.tanh(x @ a.T) @ b.T) @ c.T

    def loss(weights: list[jax.Array]) -> jax.Array:
        return jnp.mean((forward(weights) - y) ** 2)

    def effective(weights: list[jax.Array]) -> list[jax.Array]:
        return [w * c for w, c in zip(weights, multipliers, strict=True)]

    # Without its epsilon Adam does not see the size of a gradient.
    plain = optax.adam(1e-2, eps=1e-30) if optimizer == "adam" else optax.sgd(3e-2)
    scaled = optax.chain(
        plain, recipes.mup_steps(arrays_of(model), bare(base), optimizer)
    )
    state, their_state = scaled.init(ours), plain.init(theirs)
    with jax.numpy_dtype_promotion("standard"):
        for _ in range(5):
            updates, state = scaled.update(jax.grad(loss)(ours), state)
            ours = optax.apply_updates(ours, updates)
            grads = jax.grad(lambda w: loss(effective(w)))(theirs)
            updates, their_state = plain.update(grads, their_state)
            updates = [u * r for u, r in zip(updates, rates, strict=True)]
            theirs = optax.apply_updates(theirs, updates)
    assert jnp.allclose(forward(ours), forward(effective(theirs)), atol=1e-4)
    assert float(loss(ours)) < float(loss([layer.weight for layer in model.layers]))


def bare(width: int) -> eqx.nn.MLP:
    return mlp(width, use_bias=False, use_final_bias=False)


def test_updates_of_another_tree_are_refused():
    steps = recipes.mup_steps(mlp(64), mlp(16))
    with pytest.raises(ValueError, match="is for a model of 6 parameters, and got 1"):
        steps.update([jnp.ones(3)], steps.init(None))


class Net(eqx.Module):
    layers: list[eqx.nn.Linear]

    def __init__(self, width: int):
        sizes = [(2, width), (width, width), (width, width), (width, 1)]
        self.layers = [eqx.nn.Linear(*size, key=KEY) for size in sizes]

    def __call__(self, x: jax.Array) -> jax.Array:
        for layer in self.layers[:-1]:
            x = jnp.tanh(layer(x))
        return self.layers[-1](x)


def coordinates(widths: tuple[int, ...], scaled: bool, optimizer: str) -> Any:
    x = jax.random.normal(jax.random.key(1), (16, 2))
    y = jnp.sin(3 * x[:, :1])
    base = eqx.filter_eval_shape(Net, widths[0])
    zeros = ei.Rule(ei.Role("bias"), ei.Zeros())
    adam = optimizer == "adam"

    def make(width: int) -> Any:
        rules = recipes.mup(base) if scaled else recipes.selu_net()
        model = ei.apply(Net(width), jax.random.key(2), [zeros, *rules])
        plain = optax.adam(2e-2) if adam else optax.sgd(0.01)
        if not scaled:
            return model, plain
        steps = recipes.mup_steps(arrays_of(model), base, optimizer)
        return model, optax.chain(plain, steps)

    def call(model: Net, x: jax.Array, y: jax.Array) -> jax.Array:
        del y
        return jax.vmap(model)(x)

    def loss(model: Net, x: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.mean((call(model, x, y) - y) ** 2)

    return recipes.mup_coordinate_check(make, call, loss, x, y, widths=widths)


@pytest.mark.thorough
def test_coordinate_check_is_a_table():
    check = coordinates((8, 16), True, "adam")
    assert check.widths == (8, 16)
    assert [row.path for row in check.rows] == [f"layers.{i}" for i in range(4)]
    last = check.rows[-1]
    wanted = math.log(last.after[1] / last.after[0]) / math.log(2)
    assert last.slope == pytest.approx(wanted)
    assert abs(check.steepest) == max(abs(row.slope) for row in check.rows)
    assert "steepest slope" in str(check)
    assert check.rows[0].before != check.rows[0].after


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_coordinates_stay_flat_with_mup_alone(optimizer: str):
    """Four widths to 1024. Flat is a factor of sqrt 2 over a factor of 16 in width.

    The readout starts as the root of the width falls, so that its output may have any
    slope from -1/2, by how far it is trained, to 0. With one rate for all, steps move
    what follows them by a power of the width.
    """
    widths = (64, 128, 256, 1024)
    *hidden, readout = coordinates(widths, True, optimizer).rows
    assert all(abs(row.slope) < 0.125 for row in hidden)
    assert -0.5 - 0.125 < readout.slope < 0.125
    assert coordinates(widths, False, optimizer).steepest > 0.25


class Residual(eqx.Module):
    norm: eqx.nn.LayerNorm
    up: eqx.nn.Linear
    down: eqx.nn.Linear

    def __init__(self, width: int):
        self.norm = eqx.nn.LayerNorm(width)
        self.up = eqx.nn.Linear(width, 2 * width, key=KEY)
        self.down = eqx.nn.Linear(2 * width, width, key=KEY)


class Deep(eqx.Module):
    """A residual network, whose branches may be multiplied, as its readout may."""

    first: eqx.nn.Linear
    blocks: list[Residual]
    last: eqx.nn.LayerNorm
    readout: eqx.nn.Linear

    def __init__(self, width: int, depth: int):
        self.first = eqx.nn.Linear(2, width, key=KEY)
        self.blocks = [Residual(width) for _ in range(depth)]
        self.last = eqx.nn.LayerNorm(width)
        self.readout = eqx.nn.Linear(width, 1, key=KEY)

    def __call__(self, x: jax.Array, branch: float = 1.0, out: float = 1.0) -> Any:
        x = self.first(x)
        for block in self.blocks:
            y = jnp.tanh(block.up(block.norm(x)))
            x = x + branch * block.down(y)
        readout = self.readout
        return out * (readout.weight @ self.last(x)) + readout.bias


DOWN = ei.Path("blocks.*.down")


def groups(alpha: float, width: float, deep: float) -> dict[str, float]:
    """Table 1 of CompleteP: rates of Adam in a model `width` times as wide and `deep`
    times as deep, whose branches are multiplied by `deep ** -alpha`.
    """
    block = deep ** (alpha - 1)
    return {
        "first": 1.0,
        "norm": block,
        "weight": block / width,
        "bias": block,
        "last": 1.0,
        "readout": 1.0,  # of what is divided by `width` in the model
    }


def group_of(path: str) -> str:
    top, _, rest = path.partition(".")
    if top != "blocks":
        return top
    return "norm" if ".norm." in path else rest.rpartition(".")[2]


@pytest.mark.thorough
@pytest.mark.parametrize("alpha", [1.0, 0.5])
def test_training_is_that_of_complete_p(alpha: float):
    """The paper's multipliers in the model, ours in its weights: the same function
    after every step of Adam, in a model twice as wide and three times as deep.
    """
    base, width, deep = eqx.filter_eval_shape(Deep, 8, 2), 2.0, 3.0
    options: dict[str, Any] = {"depth": alpha, "residual": DOWN}
    zeros = ei.Rule(ei.Role("bias"), ei.Zeros())
    rules = [*recipes.mup(base, **options), zeros]
    ours = ei.apply(Deep(16, 6), jax.random.key(2), rules)
    branch, out = deep**-alpha, 1 / width
    theirs = eqx.tree_at(
        lambda m: [*(b.down.weight for b in m.blocks), m.readout.weight],
        ours,
        replace_fn=lambda w: w / (out if w.shape[0] == 1 else branch),
    )
    plan = ei.plan(ours, rules)
    assert plan["blocks.4.up.weight"].std == pytest.approx(1 / 4)
    assert plan["blocks.4.down.weight"].std == pytest.approx(branch / 32**0.5)
    assert plan["readout.weight"].std == pytest.approx(out / 8**0.5)
    x = jax.random.normal(jax.random.key(1), (16, 2))
    y = jnp.sin(3 * x[:, :1])

    def loss(model: Deep, *multipliers: float) -> jax.Array:
        return jnp.mean((jax.vmap(lambda x: model(x, *multipliers))(x) - y) ** 2)

    rates = jax.tree_util.tree_map_with_path(
        lambda path, _: groups(alpha, width, deep)[group_of(keystr(path))],
        arrays_of(theirs),
    )
    adam = optax.adam(1e-2, eps=1e-30)  # an epsilon sees the size of a gradient
    steps = recipes.mup_steps(arrays_of(ours), base, **options)
    scaled = optax.chain(adam, steps)
    state, their_state = scaled.init(arrays_of(ours)), adam.init(arrays_of(theirs))
    step = eqx.filter_jit(eqx.filter_value_and_grad(loss))
    losses: list[float] = []
    with jax.numpy_dtype_promotion("standard"):
        for _ in range(4):
            value, grads = step(ours)
            updates, state = scaled.update(grads, state)
            ours = eqx.apply_updates(ours, updates)
            their_value, grads = step(theirs, branch, out)
            updates, their_state = adam.update(grads, their_state)
            updates = jax.tree.map(lambda u, r: u * r, updates, rates)
            theirs = eqx.apply_updates(theirs, updates)
            assert value == pytest.approx(float(their_value), rel=1e-4)
            losses.append(float(value))
    assert losses[-1] < losses[0]


def test_depth_of_a_stack_and_of_what_is_in_no_block():
    def stacked(width: int, count: int) -> Any:
        keys = jax.random.split(KEY, count)
        make = eqx.filter_vmap(lambda key: eqx.nn.Linear(width, width, key=key))
        return {
            "blocks": {"down_proj": make(keys)},
            "head": eqx.nn.Linear(width, 1, key=KEY),
        }

    base = eqx.filter_eval_shape(stacked, 4, 2)
    large = eqx.filter_eval_shape(stacked, 8, 10)
    plan = ei.plan(
        large,
        [
            *recipes.mup(base, depth=1.0, residual="blocks.down_proj"),
            ("**", ei.Zeros()),
        ],
    )
    assert plan["blocks.down_proj.weight"].std == pytest.approx(8**-0.5 / 5)
    scales = recipes.mup_scales(large, base, depth=1.0, residual="blocks.down_proj")
    assert scales["blocks"]["down_proj"].weight == pytest.approx(1 / 2 / 5)
    assert scales["blocks"]["down_proj"].bias == pytest.approx(1 / 5)
    assert (scales["head"].weight, scales["head"].bias) == (1 / 2, 1.0)


def test_depth_says_what_it_lacks():
    base = eqx.filter_eval_shape(Deep, 8, 2)
    model = eqx.filter_eval_shape(Deep, 8, 4)
    with pytest.raises(ValueError, match=r"no `blocks\.2\.up\.weight`.*`depth=1.0`"):
        ei.plan(model, [*recipes.mup(base), ("**", ei.Zeros())])
    with pytest.raises(ValueError, match="are known of Adam alone"):
        recipes.mup_scales(model, base, "sgd", depth=1.0)
    with pytest.raises(ValueError, match="finds no ends of residual branches"):
        recipes.mup_scales(model, base, depth=1.0)


def test_without_a_base_model_it_raises():
    for fn in (recipes.mup, lambda base: recipes.mup_scales(mlp(16), base)):
        with pytest.raises(ValueError, match="needs a base model"):
            fn(None)


def test_scales_are_a_tree_like_the_model():
    scales = recipes.mup_scales(mlp(64), mlp(16))
    assert scales.layers[1].bias == 1.0
    assert np.isclose(scales.layers[1].weight, 0.25)
    assert scales.activation is None
