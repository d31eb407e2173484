"""Biases and the flags that say whether a layer reads them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import pytest

import eqinit


KEY = jax.random.key(11)


def test_a_bias_beside_its_flag_is_refused():
    conv = eqx.nn.Conv2d(2, 3, 3, use_bias=False, key=KEY)

    def patched(old):
        new = jnp.ones((3, 1, 1))
        return eqx.tree_at(lambda c: c.bias, old, new, is_leaf=lambda x: x is None)

    image = jnp.zeros((2, 5, 5))
    assert float(jnp.abs(patched(conv)(image)).max()) == 0  # silently ignored
    with pytest.raises(ValueError, match="`bias` is set, and its flags say"):
        eqinit.swap({"conv": conv}, "conv", patched)
    model = eqinit.swap(
        {"conv": conv}, "conv", lambda c: eqinit.surgery.with_bias(c, 1.0)
    )
    assert float(model["conv"](image).min()) == 1


CELLS = [eqx.nn.GRUCell, eqx.nn.LSTMCell]


@pytest.mark.parametrize("cls", CELLS)
def test_cells_get_every_bias_that_they_read(cls):
    bare = cls(2, 3, use_bias=False, key=KEY)
    full = cls(2, 3, key=KEY)
    made = eqinit.surgery.with_bias(bare)
    assert jtu.tree_structure(made) == jtu.tree_structure(full)
    shapes = [leaf.shape for leaf in jtu.tree_leaves(full) if eqx.is_array(leaf)]
    assert shapes == [x.shape for x in jtu.tree_leaves(made) if eqx.is_array(x)]
    assert jtu.tree_structure(eqinit.surgery.without_bias(made)) == jtu.tree_structure(
        bare
    )


def test_stacked_layers_get_stacked_biases():
    def conv(key):
        return eqx.nn.Conv1d(2, 3, 3, use_bias=False, key=key)

    stacked = eqx.filter_vmap(conv)(jax.random.split(KEY, 4))
    assert eqinit.surgery.with_bias(stacked).bias.shape == (4, 3, 1)
