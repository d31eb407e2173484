"""Single lines of surgery, each by what a model does afterwards."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

import eqinit as ei
from eqinit.surgery._low_rank.adapted import LoRA
from eqinit.surgery._low_rank.merge import without_adapters
from eqinit.surgery._units.fields import _renumbered
from eqinit.surgery._units.match import _places
from eqinit.surgery._units.pattern import Pattern


nn = eqx.nn
KEY = jax.random.key(9)


def numbers(model: Any) -> int:
    return sum(
        x.size for x in jax.tree_util.tree_leaves(eqx.filter(model, eqx.is_array))
    )


def normed() -> Any:
    a, b = jax.random.split(KEY)
    layers = [nn.Linear(3, 4, key=a), nn.BatchNorm(4, "batch", mode="ema")]
    make = nn.make_with_state(nn.Sequential)
    model, state = make([*layers, nn.Linear(4, 4, key=b)])
    run = jax.vmap(model, in_axes=(0, None), out_axes=(0, None), axis_name="batch")
    _, state = run(jax.random.normal(a, (8, 3)), state)
    return model, state


def test_a_batch_norm_is_folded_into_the_layer_before_it():
    model, _ = ei.surgery.fold_batch_norm(normed())
    assert not isinstance(model[1], nn.BatchNorm)
    assert (model[2].weight == normed()[0][2].weight).all()
    assert (model[0].weight != normed()[0][0].weight).all()


@pytest.mark.parametrize(("off", "fine"), [(0.7e-5, True), (1.5e-5, False)])
def test_how_far_off_a_folded_model_may_be(off: float, fine: bool):
    def call(pair: Any, x: jax.Array) -> jax.Array:
        folded = not isinstance(pair[0][1], nn.BatchNorm)
        return x * (1 + off * folded)

    fold = ei.surgery.fold_batch_norm
    if fine:
        fold(normed(), call=call, args=(jnp.ones(3),))
        return
    with pytest.raises(ValueError, match="fold_batch_norm"):
        fold(normed(), call=call, args=(jnp.ones(3),))


def test_fused_attention_holds_nothing_twice():
    attention = nn.MultiheadAttention(2, 4, key=KEY)
    assert numbers(ei.surgery.fuse_qkv(attention)) == numbers(attention)


def test_more_and_fewer_channels():
    conv = nn.Conv2d(1, 2, 3, key=KEY)
    assert ei.surgery.change_in_channels(conv, "", 3).weight.shape == (2, 3, 3, 3)
    with pytest.raises(ValueError, match="channels=0; it must be a whole number >= 1"):
        ei.surgery.change_in_channels(conv, "", 0)


def test_factors_of_an_adapter_are_those_of_its_kernel():
    layer = nn.Linear(3, 4, key=KEY)
    one = LoRA(layer, jnp.ones((1, 3)), jnp.ones((4, 1)), None, "weight", 1.0, (0, 1))
    two = LoRA(one, jnp.ones((1, 3)), jnp.ones((4, 1)), None, "weight", 1.0, (0, 1))
    assert without_adapters(two, "lora_a") == ("lora_a", "weight")
    assert without_adapters(two, "layer.lora_b") == ("lora_b", "weight")
    assert without_adapters(two, "layer.layer.bias") == ("bias", "")


def test_where_the_entries_of_each_unit_are():
    # Three units: two entries each, one behind the other; in two runs; behind others.
    assert _places(Pattern(((None, 2),)), 3).tolist() == [[0, 1], [2, 3], [4, 5]]
    assert _places(Pattern(((2, None),)), 3).tolist() == [[0, 3], [1, 4], [2, 5]]
    assert _places(Pattern(((), (None,))), 3).tolist() == [[1], [2], [3]]


class Picks(eqx.Module):
    """Pools two arrays at once: the largest entries, and where they are."""

    conv: nn.Conv1d
    head: nn.Linear

    def __call__(self, x: jax.Array) -> jax.Array:
        h = self.conv(x)
        places = jax.lax.broadcasted_iota(jnp.int32, h.shape, 1)

        def pick(a: Any, b: Any) -> Any:
            later = b[0] > a[0]
            return tuple(
                jax.lax.select(later, *pair) for pair in zip(b, a, strict=True)
            )

        none = (-jnp.inf, jnp.int32(0))
        best, _ = jax.lax.reduce_window(
            (h, places), none, pick, (1, 2), (1, 2), "VALID"
        )
        return self.head(best.mean(1))


def test_units_go_through_a_pooling_of_two_arrays():
    a, b = jax.random.split(KEY)
    model = Picks(nn.Conv1d(2, 4, 1, key=a), nn.Linear(4, 3, key=b))
    groups = ei.surgery.unit_groups(model, lambda m, x: m(x), jnp.ones((2, 6)))
    (free,) = groups.free
    assert {m.path for m in free.members} == {"conv.weight", "conv.bias", "head.weight"}


@pytest.mark.parametrize("dora", [False, True])
def test_only_dora_has_magnitudes(dora: bool):
    layer = nn.Linear(3, 4, key=KEY)
    adapted = ei.surgery.lora(layer, nn.Linear, rank=1, key=KEY, dora=dora)
    assert (adapted.magnitude is not None) is dora


def test_only_whole_numbers_that_were_sizes_are_sizes_now():
    new = {1: 5, 4: 8}
    assert [_renumbered(value, new) for value in (4, 7, (4, 7))] == [8, 7, (8, 7)]
    for value in (True, 4.0, "4", (True, 7), None):
        assert _renumbered(value, new) is value
