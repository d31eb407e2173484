"""Functions known by their values, against those of jax."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eqinit._inference.curves import NODES, apply, is_identity, name_of


JAX = {
    **{n: getattr(jax.nn, n) for n in "relu sigmoid softplus elu gelu silu".split()},
    **{n: getattr(jax.nn, n) for n in "selu mish log_sigmoid leaky_relu".split()},
    **{n: getattr(jax.nn, n) for n in "soft_sign relu6 hard_tanh hard_sigmoid".split()},
    **{n: getattr(jax.nn, n) for n in "hard_silu squareplus identity".split()},
    **{n: getattr(jnp, n) for n in "square abs tanh exp sin cos".split()},
}


@pytest.mark.parametrize("name", JAX)
def test_functions_of_jax_have_their_names(name: str):
    values = np.asarray(JAX[name](jnp.asarray(NODES, jnp.float32)), float)
    assert name_of(values) == name
    assert name_of(-3.5 * values) == name
    assert is_identity(values) == (name == "identity")


def test_written_otherwise_they_are_the_same():
    exact = jax.nn.gelu(jnp.asarray(NODES, jnp.float32), approximate=False)
    assert name_of(np.asarray(exact, float)) == "gelu"
    assert name_of(NODES * np.tanh(np.log1p(np.exp(NODES)))) == "mish"


def test_others_have_no_name():
    assert name_of(np.tanh(2 * NODES)) is None
    assert name_of(np.ones_like(NODES)) is None
    assert name_of(np.exp(NODES) - 1) is None
    assert name_of(np.zeros_like(NODES)) is None
    assert name_of(np.sqrt(np.maximum(NODES, 0)) - np.inf) is None
    assert name_of(None) is None


def test_a_shift_is_told():
    assert name_of(NODES + 1) == "x + 1"
    assert name_of(NODES - 0.5) == "x - 0.5"


def test_what_is_not_known_is_not_applied():
    assert apply("igamma", {}, [NODES, NODES]) is None
    assert apply("tanh", {}, [None]) is None
    np.testing.assert_array_equal(apply("integer_pow", {"y": 3}, [2.0]), 8.0)
