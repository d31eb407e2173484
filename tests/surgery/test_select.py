"""Selectors and the surgery that they make possible."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
import pytest
from helpers import same_bits

import eqinit as ei
from eqinit import Filter, Layer, Path, Role, Where


nn = eqx.nn
KEY = jax.random.key(0)


class Block(eqx.Module):
    attn: nn.Linear
    norm: nn.LayerNorm


class Net(eqx.Module):
    embed: nn.Embedding
    blocks: list[Block]
    head: nn.Linear
    extra: dict[str, Any]

    def __init__(self):
        self.embed = nn.Embedding(5, 4, key=KEY)
        self.blocks = [
            Block(nn.Linear(4, 4, key=KEY), nn.LayerNorm(4)) for _ in range(2)
        ]
        self.head = nn.Linear(4, 3, use_bias=False, key=KEY)
        self.extra = {"a.b": jnp.ones(2), "step": jnp.array(3), "name": "net"}


NET = Net()
ATTN = ["blocks.0.attn.weight", "blocks.0.attn.bias"]
ATTN += ["blocks.1.attn.weight", "blocks.1.attn.bias"]
NORM = ["blocks.0.norm.weight", "blocks.0.norm.bias"]
NORM += ["blocks.1.norm.weight", "blocks.1.norm.bias"]
EVERYTHING = [
    "embed.weight",
    *ATTN[:2],
    *NORM[:2],
    *ATTN[2:],
    *NORM[2:],
    "head.weight",
    r"extra.a\.b",
]


def paths(selector: Any) -> list[str]:
    return list(ei.select(NET, selector, optional=True).paths)


GLOBS = {
    "**": EVERYTHING,
    "": EVERYTHING,
    "head": ["head.weight"],
    "blocks": [p for p in EVERYTHING if p.startswith("blocks")],
    "blocks.1.attn": ATTN[2:],
    "blocks.*.attn.bias": ATTN[1::2],
    "blocks.*.norm.**": NORM,
    "**.bias": [p for p in EVERYTHING if p.endswith("bias")],
    "**.attn.**": ATTN,
    "blocks.**.weight": [ATTN[0], NORM[0], ATTN[2], NORM[2]],
    "blocks.?.norm.weight": [NORM[0], NORM[2]],
    "*.weight": ["embed.weight", "head.weight"],
    "h*d": ["head.weight"],
    r"extra.a\.b": [r"extra.a\.b"],
    r"extra.*": [r"extra.a\.b"],
    # A glob is a whole path, or that of a node: no part of a segment, no regex.
    "hea": [],
    "weight": [],
    "extra.a.b": [],
    "block": [],
    "head.weigh[t]": [],
    "blocks.**.attn.**.nothing": [],
}


@pytest.mark.parametrize("glob", GLOBS)
def test_globs(glob: str):
    assert paths(glob) == GLOBS[glob]


def test_types_and_roles():
    assert paths(nn.LayerNorm) == NORM
    assert paths(Layer(Block)) == GLOBS["blocks"]
    assert paths(Role("scale")) == [NORM[0], NORM[2]]
    assert paths(Role("embedding")) == ["embed.weight"]
    assert paths(Role("other")) == [r"extra.a\.b"]


def test_functions():
    assert paths(lambda m: m.head) == ["head.weight"]
    assert paths(Where(lambda m: [m.head, m.blocks[0].norm])) == [
        *NORM[:2],
        "head.weight",
    ]
    assert paths(Filter(lambda site: site.spec.size == 4)) == [ATTN[1], *NORM[:2]] + [
        ATTN[3],
        *NORM[2:],
    ]


def test_several_types_at_once():
    both = paths(Layer((nn.Embedding, nn.LayerNorm)))
    assert both == paths(Layer(nn.Embedding) | nn.LayerNorm)
    assert paths(Layer(nn.Embedding | nn.LayerNorm)) == both
    assert paths(nn.Embedding | nn.LayerNorm) == both
    assert repr(Layer((nn.Embedding, nn.LayerNorm))) == "Layer(Embedding | LayerNorm)"
    assert Layer((nn.Embedding,)) == Layer(nn.Embedding)
    assert Layer(nn.Embedding | nn.LayerNorm) == Layer((nn.Embedding, nn.LayerNorm))
    rules = [ei.Rule(nn.Embedding | nn.LayerNorm, weight=ei.Ones())]
    assert [row.path for row in ei.plan(NET, rules) if row.rule] == [
        path for path in both if path.endswith("weight")
    ]
    with pytest.raises(TypeError, match="Layer takes a class, or several"):
        Layer(())


def test_what_is_picked_has_to_be_a_node():
    linear = nn.Linear(3, 2, key=jax.random.key(0))
    # `True` would be position 1.
    with pytest.raises(ValueError, match="it picks True, which is no node"):
        ei.select(linear, lambda m: m.use_bias)
    for fn in (lambda m: m.in_features, lambda m: [m.weight, 0], lambda m: "weight"):
        with pytest.raises(ValueError, match="which is no node of the model"):
            ei.select(linear, fn)
    with pytest.raises(ValueError, match="sees the structure alone"):
        ei.select(linear, lambda m: m.weight + 1)
    # A module in a static field is none of the model's either.
    mlp = nn.MLP(2, 2, 2, 1, key=jax.random.key(0))
    with pytest.raises(ValueError, match="which is no node of the model"):
        ei.select(mlp, lambda m: nn.Identity())
    assert not ei.select(linear, lambda m: [], optional=True).paths


def test_an_object_that_stands_twice_is_picked_where_it_is_picked():
    linear = nn.Linear(3, 2, key=jax.random.key(0))
    twice = {"a": linear, "b": linear}
    assert ei.select(twice, lambda m: m["b"]).paths == ("b.weight", "b.bias")
    assert ei.select(twice, lambda m: m["b"].bias).paths == ("b.bias",)


def test_selectors_compose():
    assert paths(Role("bias") & Path("blocks.0")) == [ATTN[1], NORM[1]]
    assert paths(Path("head") | nn.Embedding) == ["embed.weight", "head.weight"]
    assert paths(~Path("blocks")) == ["embed.weight", "head.weight", r"extra.a\.b"]
    assert paths(~Role("bias") & Layer(nn.LayerNorm)) == [NORM[0], NORM[2]]
    # `Where` needs the whole model, also inside of others.
    assert paths(Where(lambda m: m.blocks[1]) & Role("bias")) == [ATTN[3], NORM[3]]
    assert paths(~Where(lambda m: m.blocks)) == paths(~Path("blocks"))
    assert paths(Where(lambda m: m.head) | "embed") == paths(Path("head") | "embed")


def test_selectors_print_themselves():
    assert repr(Layer(nn.Linear) & ~Path("head")) == "(Layer(Linear) & ~Path('head'))"
    assert repr(Role("bias") | "a.*") == "(Role('bias') | Path('a.*'))"

    def big(site: ei.Site) -> bool:
        return site.spec.size > 4

    assert repr(Filter(big)) == "Filter(big)"
    assert repr(Where(lambda m: m.head)).startswith("Where(<lambda> at line ")
    assert " at 0x" not in repr(Filter(big) & Where(lambda m: m.head))


def test_a_selector_of_ones_own():
    class Large(ei.AbstractSelector):
        def matches(self, site: ei.Site) -> bool:
            return site.spec.size > 16

    assert paths(Large()) == ["embed.weight"]
    assert paths(Large() | Path("head")) == ["embed.weight", "head.weight"]


def test_get_and_count():
    selection = ei.select(NET, "head")
    assert selection.count == 1
    assert selection.get()[0] is NET.head.weight
    assert "1 parameters" in repr(selection)


def test_set_by_order_path_and_number():
    norm = ei.select(NET, "blocks.0.norm")
    values = [jnp.full(4, 2.0, jnp.float32), jnp.full(4, 3.0, jnp.float32)]
    by_order = norm.set(values)
    by_path = norm.set(dict(zip(norm.paths, values, strict=True)))
    assert eqx.tree_equal(by_order, by_path)
    assert same_bits(by_order.blocks[0].norm.bias, values[1])
    ones = ei.select(NET, Role("bias")).set(1)
    assert all(
        np.array_equal(v, np.ones(4)) for v in ei.select(ones, Role("bias")).get()
    )
    assert not ones.blocks[0].attn.bias.weak_type
    one = ei.select(NET, "head").set(np.zeros((3, 4), np.float32))
    assert isinstance(one.head.weight, jax.Array)


def test_map():
    doubled = ei.select(NET, Layer(nn.LayerNorm)).map(lambda x: 2 * x)
    assert np.array_equal(doubled.blocks[1].norm.weight, np.full(4, 2.0))
    assert doubled.head.weight is NET.head.weight
    with pytest.raises(ValueError, match=r"got float32\[\], wanted float32\[4\]"):
        ei.select(NET, Layer(nn.LayerNorm)).map(jnp.sum)


def test_mask_partitions():
    mask = ei.select(NET, Layer(nn.Linear)).mask()
    assert jtu.tree_structure(mask) == jtu.tree_structure(NET)
    assert all(isinstance(leaf, bool) for leaf in jtu.tree_leaves(mask))
    chosen, rest = eqx.partition(NET, mask)
    assert len(jtu.tree_leaves(chosen)) == 5
    assert eqx.tree_equal(eqx.combine(chosen, rest), NET)


def test_surgery_leaves_the_model_alone():
    before = jtu.tree_leaves(NET)
    ei.select(NET, "**").set(0.0)
    assert all(a is b for a, b in zip(jtu.tree_leaves(NET), before, strict=True))


def test_a_single_layer_is_a_model():
    assert ei.select(nn.Linear(2, 2, key=KEY), "**").paths == ("weight", "bias")
    assert ei.select(jnp.ones(3), "**").paths == ("",)


@pytest.mark.parametrize(
    ("do", "message"),
    [
        (lambda: ei.select(NET, "heda"), r"Did you mean `head`"),
        (lambda: ei.select(NET, nn.Conv), r"The layers with parameters here are \["),
        (lambda: ei.select(NET, Role("kernel") & Path("embed")), "matches nothing"),
        (
            lambda: ei.select(NET, "head").set([1.0, 2.0]),
            "selects 1 parameters and got",
        ),
        (lambda: ei.select(NET, "**").set(jnp.ones(3)), "and got one array"),
        (lambda: ei.select(NET, "head").set({"a": 1}), r"has \['a'\] too many and"),
        (
            lambda: ei.select(NET, "head").set([None]),
            r"a NoneType, wanted an array(?! \()",
        ),
        (
            lambda: ei.select(NET, Where(lambda m: m.nothing)),
            "failed on the model: AttributeError",
        ),
        (
            lambda: ei.select(NET, Where(lambda m: m.head.weight.shape)),
            "select by attribute",
        ),
        (lambda: Role("kernels"), r"no role 'kernels'; roles are \['kernel'"),
    ],
)
def test_errors(do: Any, message: str):
    with pytest.raises(ValueError, match=message):
        do()


def test_role_of_one_selection_in_one_call():
    class Own(eqx.Module):
        w: jax.Array

    model = Own(jnp.ones((2, 2)))
    assert ei.select(model, Role("kernel"), optional=True).paths == ()
    layouts = {Own: {"w": "in out"}}
    assert ei.select(model, Role("kernel"), layouts=layouts).paths == ("w",)


class Named:
    """An array with named axes, as haliax has them: a PyTree of one array."""

    def __init__(self, array: Any, axes: tuple[str, ...]):
        self.array, self.axes = array, axes


jtu.register_pytree_node(
    Named, lambda n: ((n.array,), n.axes), lambda axes, kids: Named(kids[0], axes)
)


def test_named_arrays_are_reached_as_arrays():
    model = {"weight": Named(jnp.ones((2, 3)), ("out", "in")), "other": jnp.ones(2)}
    selection = ei.select(model, "weight")
    same_bits(selection.get()[0], jnp.ones((2, 3)))
    changed = selection.set(jnp.zeros((2, 3)))
    same_bits(changed["weight"].array, jnp.zeros((2, 3)))
    assert changed["weight"].axes == ("out", "in")
    swapped = Named(jnp.zeros((2, 3)), ("in", "out"))
    with pytest.raises(ValueError, match=r"got a Named.*pass the array in it"):
        selection.set(swapped)
