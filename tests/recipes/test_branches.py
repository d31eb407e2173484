"""Ends of residual branches and depths: by a trace on any model, by name otherwise."""

import functools
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import IMAGES, TOKENS, Gpt, Resnet, Scanned, Strange, call

import eqinit as ei
from eqinit import recipes


KEY = jax.random.key(0)


def traced(model: Any, inputs: Any = TOKENS) -> Any:
    return ei.trace_layouts(model, call, inputs)


def stds(model: Any, rules: Any, layouts: Any = None) -> dict[str, float]:
    return {row.path: row.std for row in ei.plan(model, rules, layouts=layouts)}


def skeleton(make: Any) -> Any:
    return eqx.filter_eval_shape(make)


@functools.cache
def gpt(layers: int) -> tuple[Gpt, Any]:
    """An abstract model, and what a call of it says."""
    one = skeleton(lambda: Gpt(1))
    model = eqx.tree_at(lambda m: m.blocks, one, one.blocks * layers)
    return model, traced(model)


@pytest.mark.thorough
def test_gpt2_of_24_layers():
    """0.02 / sqrt(48) = 0.00289 in both branches, and nowhere else."""
    model, layouts = gpt(24)
    for rules in (recipes.gpt2(), recipes.gpt2(24)):
        found = stds(model, rules, layouts)
        small = {p for p, std in found.items() if std == pytest.approx(0.02 / 48**0.5)}
        assert len(small) == 48
        assert {p.split(".", 2)[2] for p in small} == {
            "attn.output_proj.weight",
            "mlp.layers.1.weight",
        }
        kernels = {p for p in found if p.endswith("weight") and "norm" not in p}
        assert all(found[path] == 0.02 for path in kernels - small)


@pytest.mark.thorough
def test_gpt2_without_a_trace_says_what_it_does_not_find():
    model, _ = gpt(24)
    message = (
        r"recipes\.gpt2: 24 blocks have 48 residual branches, and by name the ends of "
        r"24 are found, such as `blocks\.0\.attn\.output_proj\.weight`"
    )
    with pytest.raises(ValueError, match=message):
        ei.plan(model, recipes.gpt2(24))
    for recipe in (recipes.beit, recipes.olmo):
        message = rf"recipes\.{recipe.__name__}: 24 blocks have 48 residual branches"
        with pytest.raises(ValueError, match=message):
            ei.plan(model, recipe())
    with pytest.raises(ValueError, match="not told how many blocks there are"):
        ei.plan(model, recipes.gpt2(residual="blocks.*.attn.output_proj"))
    # Nothing of what it needs: no name is known.
    with pytest.raises(ValueError, match="found no ends of residual branches"):
        ei.plan(eqx.nn.MLP(2, 2, 4, 1, key=KEY), recipes.gpt2(24))


def test_gpt2_on_a_model_that_nobody_wrote_patterns_for():
    model = Strange()
    found = stds(model, recipes.gpt2(), traced(model))
    for path in ("a.q", "a.t", "b.q", "b.t"):  # 4 branches
        assert found[path] == pytest.approx(0.02 / 4**0.5), path
    for path in ("e", "o", "a.p", "a.r", "b.p", "b.r"):
        assert found[path] == 0.02, path
    assert (found["a.s"], found["a.g"]) == (0, 0)
    with pytest.raises(ValueError, match=r"speaks of .*and there is none of these"):
        ei.plan(model, recipes.plain_normal())


def test_gpt2_on_a_stack():
    model = skeleton(lambda: Scanned(6))
    found = stds(model, recipes.gpt2(), traced(model))
    assert found["blocks.attn.output_proj.weight"] == pytest.approx(0.02 / 12**0.5)
    assert found["blocks.mlp.layers.1.weight"] == pytest.approx(0.02 / 12**0.5)
    assert found["blocks.mlp.layers.0.weight"] == 0.02


# OLMo's kernels are of variance 1 / fan_in; both divide by sqrt(2 (l + 1)) in block l.
@pytest.mark.thorough
@pytest.mark.first_case
@pytest.mark.parametrize(("recipe", "unit"), [(recipes.beit, 0.02), (recipes.olmo, 64)])
def test_depth_by_trace(recipe, unit):
    unit = unit if unit < 1 else unit**-0.5
    model, layouts = gpt(3)
    found = stds(model, [("embed", ei.Zeros()), *recipe()], layouts)
    for block in range(3):
        std = found[f"blocks.{block}.mlp.layers.1.weight"]
        assert std == pytest.approx(unit / math.sqrt(2 * (block + 1)))
    strange = Strange()  # two branches to a block
    found = stds(strange, [("*.p", ei.Zeros()), *recipe()], traced(strange))
    assert found["a.t"] == pytest.approx(unit / math.sqrt(2))
    assert found["b.t"] == pytest.approx(unit / math.sqrt(4))
    stack = ei.apply(Scanned(3), KEY, recipe(), layouts=traced(Scanned(3)))
    for block, layer in enumerate(stack.blocks.mlp.layers[1].weight):
        std = unit / math.sqrt(2 * (block + 1))
        # 1,024 numbers: five times the error of their std.
        assert abs(float(layer.std()) / std - 1) < 5 / math.sqrt(2 * layer.size)


class Layer(eqx.Module):
    attn: dict[str, eqx.nn.Linear]
    mlp: dict[str, eqx.nn.Linear]

    def __init__(self):
        def linear() -> eqx.nn.Linear:
            return eqx.nn.Linear(8, 8, key=KEY)

        self.attn = {"qkv": linear(), "proj": linear()}
        self.mlp = {"fc1": linear(), "fc2": linear()}


class Stage(eqx.Module):
    blocks: list[Layer]
    downsample: eqx.nn.Linear

    def __init__(self, depth: int):
        self.blocks = [Layer() for _ in range(depth)]
        self.downsample = eqx.nn.Linear(8, 8, key=KEY)


class Vit(eqx.Module):
    """As timm calls its layers; blocks in stages, of which one may be alone."""

    cls_token: jax.Array
    pos_embed: jax.Array
    blocks: list[Stage]
    head: eqx.nn.Linear

    def __init__(self, *depths: int):
        self.cls_token, self.pos_embed = jnp.zeros((1, 8)), jnp.zeros((5, 8))
        self.blocks = [Stage(depth) for depth in depths]
        self.head = eqx.nn.Linear(8, 10, key=KEY)


@pytest.mark.parametrize("depths", [(4,), (2, 3), (1, 2, 1), (1, 1)])
def test_depth_is_counted_through_stages(depths):
    """timm's `fix_init_weight`: block l divides by sqrt(2 (l + 1))."""
    found = stds(skeleton(lambda: Vit(*depths)), recipes.beit())
    level = 0
    for stage, depth in enumerate(depths):
        for block in range(depth):
            level += 1
            at = f"blocks.{stage}.blocks.{block}"
            for name in ("attn.proj", "mlp.fc2"):
                wanted = 0.02 / math.sqrt(2 * level)
                assert found[f"{at}.{name}.weight"] == pytest.approx(wanted)
            assert found[f"{at}.attn.qkv.weight"] == 0.02
    # timm's class token and classifier: trunc_normal_(.02), and that times 1e-3.
    assert found["cls_token"] == found["pos_embed"] == 0.02
    assert found["head.weight"] == pytest.approx(2e-5)
    assert found["head.bias"] == 0


class Mixed(eqx.Module):
    """Sequences that hold no blocks: experts, and pairs of one block."""

    layers: list[list[Any]]

    def __init__(self):
        mlp = eqx.nn.MLP(4, 4, 8, 1, key=KEY)
        attention = eqx.nn.MultiheadAttention(2, 4, key=KEY)
        self.layers = [[attention, {"experts": [mlp, mlp]}] for _ in range(3)]


def lacking() -> dict[str, Any]:
    linear = eqx.nn.Linear(4, 4, key=KEY)
    block = {name: linear for name in ("up", "down", "value")}
    return {"rows": [{"up": linear, "down": linear}, block, block]}


def test_blocks_are_what_repeats():
    seen: dict[str, Any] = {}

    def note(site: ei.Site) -> ei.AbstractInitializer:
        seen[site.path] = site.block
        return ei.Zeros()

    for model in (Mixed(), gpt(3)[0], Strange(), Vit(1, 2), lacking()):
        ei.plan(model, [ei.Rule("**", note)])
    # Blocks that are dicts, the first of which lacks a layer that the others have.
    assert [seen[f"rows.{n}.up.weight"] for n in range(3)] == [(0, 3), (1, 3), (2, 3)]
    assert seen["layers.1.0.output_proj.weight"] == (1, 3)
    assert seen["layers.2.1.experts.0.layers.1.weight"] == (2, 3)
    assert seen["blocks.1.mlp.layers.1.weight"] == (1, 3)
    assert seen["blocks.1.blocks.0.attn.proj.weight"] == (1, 3)
    assert seen["a.t"] is None
    assert seen["head.weight"] is None


def test_fixup_needs_nothing_but_a_trace():
    """As its authors: He by fan_out, times L^-1/2, zero last, zero classifier."""
    model = skeleton(lambda: Resnet(9))
    found = stds(model, recipes.fixup(), traced(model, IMAGES))
    assert found["stem.weight"] == pytest.approx((2 / (8 * 9)) ** 0.5)
    for block in range(9):
        at = f"blocks.{block}"
        assert found[f"{at}.conv1.weight"] == pytest.approx((2 / 144) ** 0.5 / 3)
        assert found[f"{at}.conv2.weight"] == 0
    assert found["head.weight"] == 0
    with pytest.raises(ValueError, match=r"found no ends of residual branches. Say"):
        ei.plan(model, recipes.fixup(num_layers=9))


@pytest.mark.parametrize(
    ("recipe", "gain"),
    [
        (recipes.t_fixup, 0.67 * 3**-0.25),
        (recipes.deepnet, (8 * 3) ** -0.25),
        (recipes.subln, math.sqrt(math.log(6))),
    ],
)
def test_what_is_scaled_in_branches(recipe, gain):
    model, layouts = gpt(3)
    found = stds(model, recipe(), layouts)
    at = "blocks.1"
    square, wide = math.sqrt(2 / 32), math.sqrt(2 / 80)
    assert found[f"{at}.attn.query_proj.weight"] == pytest.approx(square)
    assert found[f"{at}.attn.key_proj.weight"] == pytest.approx(square)
    assert found[f"{at}.attn.value_proj.weight"] == pytest.approx(gain * square)
    assert found[f"{at}.attn.output_proj.weight"] == pytest.approx(gain * square)
    assert found[f"{at}.mlp.layers.0.weight"] == pytest.approx(gain * wide)
    assert found[f"{at}.mlp.layers.1.weight"] == pytest.approx(gain * wide)


def test_values_are_told_by_name_alone_and_the_plan_says_so():
    model = Strange()
    rules = [("*.p", ei.Zeros()), *recipes.t_fixup()]
    plan = ei.plan(model, rules, layouts=traced(model))
    assert "recipes.t_fixup found no values (`value_proj` or `v_proj`)" in str(plan)
    assert plan["a.t"].std == pytest.approx(0.67 * 2**-0.25 * math.sqrt(2 / 80))


def test_rwkv_on_any_model():
    model, layouts = gpt(3)
    plan = ei.plan(model, recipes.rwkv(), layouts=layouts)
    assert plan["blocks.0.mlp.layers.1.weight"].std == 0
    assert plan["blocks.1.attn.output_proj.weight"].std == 0
    assert plan["blocks.1.attn.query_proj.weight"].std == pytest.approx(1 / 4)
    # Half of sqrt(20 / 16), for columns of 20 entries.
    head = 0.5 * math.sqrt(20 / 16) / math.sqrt(20)
    assert plan["head.weight"].std == pytest.approx(head)
    assert "found no `ln_x` and no keys and gates of time mixing" in str(plan)


class Tokens(eqx.Module):
    """Arrays by the names that timm, DeiT, DINOv2 and SimMIM give them."""

    reg_tokens: jax.Array
    dist_token: jax.Array
    mask_token: jax.Array
    global_pos_embed: jax.Array
    extra: jax.Array
    blocks: list[dict[str, eqx.nn.Linear]]
    ls1: Any
    norm: eqx.nn.LayerNorm

    def __init__(self):
        zeros = jnp.zeros((2, 8))
        self.reg_tokens, self.dist_token, self.mask_token = zeros, zeros, zeros
        self.global_pos_embed, self.extra = zeros, zeros
        linear = eqx.nn.Linear(8, 8, key=KEY)
        self.blocks = [{"in": linear, "proj": linear}]
        self.ls1, self.norm = Gamma(), eqx.nn.LayerNorm(8)


class Gamma(eqx.Module):
    gamma: jax.Array

    def __init__(self):
        self.gamma = jnp.ones(8)


def test_names_of_tokens_and_gammas():
    plan = ei.plan(Tokens(), recipes.vit_timm())
    wanted = {
        "reg_tokens": 1e-6,
        "dist_token": 0.02,
        "mask_token": 0.02,
        "global_pos_embed": 0.02,
    }
    assert {path: plan[path].std for path in wanted} == wanted
    assert plan["ls1.gamma"].mean == 1e-5
    assert plan["norm.weight"].mean == 1
    assert plan["extra"].status == "kept"
    assert "leaves as they are `extra`" in str(plan)
    assert ei.plan(Tokens(), recipes.beit(ei.Path("**.proj")))["ls1.gamma"].mean == 0.1


def test_a_recipe_that_has_no_rule_for_something_says_so():
    text = str(ei.plan(Tokens(), recipes.keras()))
    assert "recipes.keras found no " in text
    assert "leaves as they are `reg_tokens`, `dist_token`" in text
    # A recipe for a part leaves the rest alone, as it should.
    cells = {"cell": eqx.nn.LSTMCell(2, 3, key=KEY), "other": jnp.zeros(3)}
    assert "recipes" not in str(ei.plan(cells, recipes.lstm()))


def test_names_of_swin_and_beit_tables():
    model = [{"attn": Biased(), "fc": eqx.nn.Linear(8, 8, key=KEY)}]
    for recipe, std in [(recipes.swin, 0.02), (recipes.beit, 0.0)]:
        rules = recipe() if recipe is recipes.swin else recipe("0.attn.proj")
        plan = ei.plan(model, rules)
        assert plan["0.attn.relative_position_bias_table"].std == std
        if recipe is recipes.beit:
            assert plan["0.attn.q_bias"].std == plan["0.attn.v_bias"].std == 0


class Biased(eqx.Module):
    q_bias: jax.Array
    v_bias: jax.Array
    relative_position_bias_table: jax.Array
    proj: eqx.nn.Linear

    def __init__(self):
        self.q_bias, self.v_bias = jnp.ones(8), jnp.ones(8)
        self.relative_position_bias_table = jnp.ones((9, 2))
        self.proj = eqx.nn.Linear(8, 8, key=KEY)


@pytest.mark.slow
def test_trains_at_24_layers():
    """GPT-2's scales where no pattern names the ends of branches.

    The logits of an untrained GPT are near zero, and the loss is that of a uniform
    guess, ln 20. Of a sequence that repeats, some steps of Adam learn half of that.
    """
    import optax

    model = Gpt(24, key=jax.random.key(3))
    model = ei.apply(model, KEY, recipes.gpt2(), layouts=traced(model))
    tokens = jnp.asarray(np.arange(9)[None] * 3 % 20)

    def loss(model: Gpt) -> jax.Array:
        logits = call(model, tokens[:, :-1])
        picked = jnp.take_along_axis(
            jax.nn.log_softmax(logits), tokens[:, 1:, None], -1
        )
        return -picked.mean()

    adam = optax.adam(3e-3)
    arrays, static = eqx.partition(model, eqx.is_inexact_array)

    @jax.jit
    def step(arrays, state):
        value, grads = jax.value_and_grad(lambda a: loss(eqx.combine(a, static)))(
            arrays
        )
        updates, state = adam.update(grads, state)
        return eqx.apply_updates(arrays, updates), state, value

    state, losses = adam.init(arrays), []
    with jax.numpy_dtype_promotion("standard"):  # optax relies on it
        for _ in range(100):
            arrays, state, value = step(arrays, state)
            losses.append(float(value))
    assert abs(losses[0] - math.log(20)) < 0.1
    assert losses[-1] < math.log(20) / 2
