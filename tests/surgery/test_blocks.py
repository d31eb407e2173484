"""More blocks, fewer blocks, and blocks as one stack."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest
from small_models import (
    MODELS,
    assert_same_outputs,
    assert_sound,
    call,
    mlp,
    scanned,
    transformer,
)

from eqinit import surgery


KEY = jr.key(8)
ZERO = ["attn.output_proj", "down"]
BOTH = {
    "transformer": (lambda: transformer(), MODELS["transformer"][2]()),
    "scanned": (lambda: scanned(), MODELS["scanned"][2]()),
}


def count_of(model) -> int:
    blocks = model.blocks
    return len(blocks) if isinstance(blocks, list) else len(blocks.up.weight)


def ones_for(model):
    params = eqx.filter(model, eqx.is_inexact_array)
    return jax.tree.map(lambda x: x + 1.0, optax.sgd(0.1, 0.9).init(params))


def assert_follows(record, old, new):
    """A momentum of ones stays one for old parameters, and is zero for copies."""
    moments = record.apply_to(ones_for(old))[0].trace
    params = eqx.filter(new, eqx.is_inexact_array)
    assert jax.tree.structure(moments) == jax.tree.structure(params)
    shapes = [jax.tree.map(jnp.shape, tree) for tree in (moments, params)]
    assert shapes[0] == shapes[1]
    return moments


@pytest.mark.thorough
@pytest.mark.first_case
@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("index", [0, 1, -1])
def test_an_inserted_block_changes_nothing(name: str, index: int):
    make, x = BOTH[name]
    old = make()
    index %= count_of(old) + 1
    new, record = surgery.insert(
        old, "blocks", index, zero=ZERO, call=call, args=(x,), record=True
    )
    assert count_of(new) == count_of(old) + 1
    assert_same_outputs(call(old, x), call(new, x))
    assert_sound(new, call, x)
    assert eqx.tree_equal(record.undo(new), old)
    moments = assert_follows(record, old, new)
    kernels = surgery_weights(moments)
    assert [float(w.max()) for w in kernels] == [
        float(i != index) for i in range(count_of(new))
    ]


def surgery_weights(model):
    blocks = model.blocks
    if isinstance(blocks, list):
        return [block.up.weight for block in blocks]
    return list(blocks.up.weight)


@pytest.mark.thorough
def test_a_block_that_is_no_identity_is_caught():
    x = BOTH["transformer"][1]
    with pytest.raises(ValueError, match="to leave what `call` returns as it is"):
        surgery.insert(transformer(), "blocks", 1, zero=["down"], call=call, args=(x,))
    with pytest.raises(IndexError, match="got index=3 for the 2 blocks"):
        surgery.insert(transformer(), "blocks", 3, zero=ZERO)
    with pytest.raises(ValueError, match="matches nothing"):
        surgery.insert(transformer(), "blocks", 1, zero=["mlp"])


@pytest.mark.thorough
def test_a_block_of_ones_own_is_inserted():
    old, x = transformer(), BOTH["transformer"][1]
    block = type(old.blocks[0])(8, 4, 6, KEY)
    new = surgery.insert(old, "blocks", 2, block=block, zero=ZERO, call=call, args=(x,))
    assert new.blocks[2].attn.num_heads == 4
    with pytest.raises(ValueError, match="cannot be stacked"):
        surgery.insert(scanned(), "blocks", 1, block=block, zero=ZERO)


@pytest.mark.first_case
@pytest.mark.parametrize("name", BOTH)
def test_removing_takes_a_block_out(name: str):
    old = BOTH[name][0]()
    more = surgery.insert(old, "blocks", 1, zero=ZERO)
    back, record = surgery.remove(more, "blocks", 1, record=True)
    assert eqx.tree_equal(back, old)
    moments = assert_follows(record, more, back)
    assert all(float(w.min()) == 1 for w in surgery_weights(moments))
    fewer = surgery.remove(old, "blocks", [0, -1]) if name == "scanned" else None
    if fewer is not None:
        assert jnp.array_equal(fewer.blocks.up.weight[0], old.blocks.up.weight[1])


def test_removing_goes_wrong():
    with pytest.raises(IndexError, match="got index=2 for the 2 blocks"):
        surgery.remove(transformer(), "blocks", 2)
    with pytest.raises(ValueError, match="would leave no block"):
        surgery.remove(transformer(), "blocks", [0, 1])
    with pytest.raises(TypeError, match="not blocks in a row"):
        surgery.remove(transformer(), "head", 0)
    with pytest.raises(TypeError, match="not blocks in a row"):
        surgery.remove(transformer(), "blocks.0", 0)


@pytest.mark.thorough
@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("order", ["stack", "repeat"])
def test_grown_models_compute_what_they_did(name: str, order: str):
    make, x = BOTH[name]
    old = make()
    new, record = surgery.grow(
        old, "blocks", 5, order=order, zero=ZERO, call=call, args=(x,), record=True
    )
    assert count_of(new) == 5
    assert_same_outputs(call(old, x), call(new, x))
    moments = assert_follows(record, old, new)
    ones = [float(w.max()) for w in surgery_weights(moments)]
    if order == "stack":
        assert ones == [1.0] * count_of(old) + [0.0] * (5 - count_of(old))
    else:
        assert ones == ([1, 0, 0, 1, 0] if count_of(old) == 2 else [1, 0, 1, 0, 1])


def test_the_order_of_copies():
    old = transformer()
    first, second = (block.up.weight for block in old.blocks)
    for order, wanted in (
        ("stack", [first, second, first, second]),
        ("repeat", [first, first, second, second]),
    ):
        new = surgery.grow(old, "blocks", 4, order=order)
        got = [block.up.weight for block in new.blocks]
        assert all(jnp.array_equal(a, b) for a, b in zip(got, wanted, strict=True))
    with pytest.raises(ValueError, match="`remove` makes fewer"):
        surgery.grow(old, "blocks", 1)


@pytest.mark.thorough
def test_a_stack_is_the_same_function_iterated_or_scanned():
    old, x = transformer(), BOTH["transformer"][1]
    new, record = surgery.stack_blocks(old, "blocks", record=True)
    assert isinstance(new.blocks, surgery.Stack)
    assert_same_outputs(call(old, x), call(new, x))
    hidden = jr.normal(KEY, (6, 8))
    wanted = hidden
    for block in old.blocks:
        wanted = block(wanted)
    assert_same_outputs(wanted, new.blocks(hidden))
    assert_sound(new, call, x)
    assert eqx.tree_equal(record.undo(new), old)
    moments = assert_follows(record, old, new)
    back, again = surgery.unstack_blocks(new, "blocks", record=True)
    assert eqx.tree_equal(back, old)
    assert eqx.tree_equal(again.undo(back), new)
    lists = again.apply_to(record.apply_to(ones_for(old)))[0].trace
    assert jax.tree.structure(lists) == jax.tree.structure(
        eqx.filter(old, eqx.is_inexact_array)
    )
    assert (moments.blocks.blocks.up.weight == 1).all()
    assert len(list(new.blocks)) == 2
    with pytest.raises(IndexError, match="block 2 of 2"):
        new.blocks[2]


@pytest.mark.thorough
def test_a_stack_grows_as_a_list_does():
    old, x = transformer(), BOTH["transformer"][1]
    stack = surgery.stack_blocks(old, "blocks")
    grown = surgery.insert(stack, "blocks", 1, zero=ZERO, call=call, args=(x,))
    assert len(grown.blocks) == 3
    fewer = surgery.remove(grown, "blocks", 1)
    assert eqx.tree_equal(fewer, stack)


@pytest.mark.thorough
def test_a_vmapped_module_is_a_stack():
    old, x = scanned(), BOTH["scanned"][1]
    lists, record = surgery.unstack_blocks(old, "blocks", record=True)
    assert len(lists.blocks) == 3
    assert np.array_equal(lists.blocks[2].up.weight, old.blocks.up.weight[2])
    assert eqx.tree_equal(record.undo(lists), old)
    assert_same_outputs(call(old, x), call(record.undo(lists), x))


def test_layers_of_a_sequence_are_blocks_too():
    layers = [eqx.nn.Linear(4, 4, key=key) for key in jr.split(KEY, 3)]
    old = {"net": eqx.nn.Sequential(layers)}
    new, record = surgery.stack_blocks(old, "net", record=True)
    x = jr.normal(KEY, (4,))
    assert_same_outputs(old["net"](x), new["net"](x))
    assert eqx.tree_equal(record.undo(new), old)
    fewer = surgery.remove(old, "net", 1)
    assert_same_outputs(layers[2](layers[0](x)), fewer["net"](x))


def test_an_mlp_counts_its_layers():
    old = mlp()
    middle = old.layers[1]
    new = surgery.insert(old, "layers", 2, zero=[""], block=middle)
    assert new.depth == 3


@pytest.mark.thorough
def test_blocks_that_differ_are_not_stacked():
    old = transformer()
    thin = type(old.blocks[0])(8, 2, 4, KEY)
    mixed = eqx.tree_at(lambda m: m.blocks[1], old, thin)
    with pytest.raises(ValueError, match="blocks 0 and 1 cannot be stacked"):
        surgery.stack_blocks(mixed, "blocks")
    narrow = surgery.cast(old, "blocks.1.up.weight", jnp.bfloat16)
    with pytest.raises(ValueError, match=r"`up\.weight` is float32\[12, 8\] in one"):
        surgery.stack_blocks(narrow, "blocks")
    with pytest.raises(TypeError, match="a stack already"):
        surgery.stack_blocks(scanned(), "blocks")
    with pytest.raises(TypeError, match="a list of blocks already"):
        surgery.unstack_blocks(old, "blocks")
