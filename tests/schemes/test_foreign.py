"""Initializers of other libraries in rules, and eqinit's in other libraries."""

import pickle
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import compilations, has_std, same_bits

import eqinit as ei
from eqinit import HeNormal, HoedtBias, LecunNormal, Orthogonal, Rule, Zeros
from eqinit._parameters.keys import derive_keys
from eqinit._schemes.foreign import Foreign, as_initializer


nn = eqx.nn
jinit = jax.nn.initializers
KEY = jax.random.key(5)


def leaf_key(path: str) -> jax.Array:
    return derive_keys(KEY, [path])[0]


def drawn(model: Any, scheme: Any, field: str = "weight") -> jax.Array:
    return getattr(ei.apply(model, KEY, [(field, scheme)]), field)


def test_a_kernel_is_handed_over_as_jax_stores_it():
    seen: list[Any] = []

    def spy(key: Any, shape: Any, dtype: Any) -> jax.Array:
        seen.append((shape, np.dtype(dtype)))
        return jax.random.normal(key, shape, dtype)

    for layer in (
        nn.Linear(4, 3, key=KEY),
        nn.Conv2d(4, 6, (3, 5), key=KEY),
        nn.Conv2d(4, 6, (3, 5), groups=2, key=KEY),
        nn.LSTMCell(4, 3, key=KEY),
    ):
        field = "weight_ih" if isinstance(layer, nn.LSTMCell) else "weight"
        drawn(layer, spy, field)
    shapes = list(dict.fromkeys(shape for shape, _ in seen))
    # (in, out); HWIO; per group; per gate.
    assert shapes == [(4, 3), (3, 5, 4, 6), (3, 5, 2, 3)]
    assert {dtype for _, dtype in seen} == {np.dtype(np.float32)}


def test_the_draw_is_moved_back():
    conv = nn.Conv2d(4, 6, (3, 5), key=KEY)
    hwio = jinit.he_normal()(leaf_key("weight"), (3, 5, 4, 6))
    assert same_bits(drawn(conv, jinit.he_normal()), hwio.transpose(3, 2, 0, 1))
    linear = nn.Linear(4, 3, key=KEY)
    matrix = jinit.orthogonal()(leaf_key("weight"), (4, 3))
    assert same_bits(drawn(linear, jinit.orthogonal()), matrix.T)


def test_each_slice_is_a_kernel_of_its_own():
    cell = nn.LSTMCell(64, 64, key=KEY)
    weight = np.asarray(drawn(cell, jinit.lecun_normal(), "weight_hh"))
    assert has_std(weight, 1 / 8)  # not 1 / 16: four gates are no receptive field
    gates = np.asarray(drawn(cell, jinit.orthogonal(), "weight_hh")).reshape(4, 64, 64)
    gram = gates.astype(np.float64) @ gates.transpose(0, 2, 1)
    assert np.abs(gram - np.eye(64)).max() < 64 * 2**-22
    keys = jax.random.split(KEY, 3)
    stack = eqx.filter_vmap(lambda k: nn.Linear(256, 64, key=k))(keys)
    assert has_std(drawn(stack, jinit.lecun_normal()), 1 / 16)


def test_biases_are_vectors():
    seen: list[Any] = []

    def spy(key: Any, shape: Any, dtype: Any) -> jax.Array:
        seen.append(shape)
        return jnp.arange(shape[0], dtype=dtype)

    conv = nn.Conv2d(1, 4, 3, key=KEY)
    bias = drawn(conv, spy, "bias")
    assert set(seen) == {(4,)}
    assert np.array_equal(bias[:, 0, 0], np.arange(4))


def test_problems_are_found_while_planning():
    linear = nn.Linear(4, 3, key=KEY)

    def wrong_shape(key: Any, shape: Any, dtype: Any) -> jax.Array:
        return jnp.zeros(shape[::-1], dtype)

    def broken(key: Any, shape: Any, dtype: Any) -> jax.Array:
        raise RuntimeError("oh no")

    for fn, message in [
        (wrong_shape, r"asked for an array of shape \(4, 3\) and returned \(3, 4\)"),
        (broken, "broken cannot draw this kernel.*RuntimeError: oh no"),
        (jinit.delta_orthogonal(), "delta_orthogonal.*3D, 4D or 5D"),
    ]:
        with pytest.raises(ValueError, match=message):
            ei.plan(linear, [("weight", fn)])


def test_dtypes_are_kept():
    linear = nn.Linear(4, 3, dtype=jnp.bfloat16, key=KEY)
    weight = drawn(linear, jinit.he_normal())
    exact = jinit.he_normal()(leaf_key("weight"), (4, 3)).T
    assert same_bits(weight, exact.astype(jnp.bfloat16))


def klax_style(key: Any, shape: Any, fan_in: Any, dtype: Any) -> jax.Array:
    return jnp.full(shape, fan_in, dtype)


def test_klax_protocol():
    conv = nn.Conv2d(4, 6, 3, groups=2, key=KEY)
    rule = Rule(nn.Conv, weight=klax_style, bias=klax_style)
    model = ei.apply(conv, KEY, [rule])
    assert np.unique(model.weight) == np.unique(model.bias) == [2 * 9]
    with pytest.raises(ValueError, match="needs a fan"):
        ei.plan(nn.LayerNorm(3), [("weight", klax_style)])


def test_what_is_an_initializer():
    assert isinstance(as_initializer(jinit.he_normal()), Foreign)
    assert as_initializer(klax_style).takes_fan  # pyright: ignore
    he = HeNormal()
    assert as_initializer(he) is he
    with pytest.raises(TypeError, match=r"`he_normal` is not an init.*`he_normal\(\)`"):
        as_initializer(jinit.he_normal)
    with pytest.raises(TypeError, match="got the class HeNormal"):
        as_initializer(HeNormal)


@pytest.mark.parametrize(
    ("fn", "shown"),
    [
        (jinit.he_normal(), "Foreign(variance_scaling(truncated_normal, fan_in, 2.0))"),
        (jinit.normal(0.5), "Foreign(normal(0.5))"),
        (jinit.zeros, "Foreign(zeros)"),
        (jinit.orthogonal(), "Foreign(orthogonal(1.0))"),
        (klax_style, "Foreign(klax_style)"),
        (lambda key, shape, dtype: None, "Foreign(<lambda>)"),
    ],
)
def test_repr(fn: Any, shown: str):
    assert repr(as_initializer(fn)) == shown


def test_to_jax():
    he = ei.interop.to_jax(HeNormal())
    # flax's axes by default: the values of jax's own.
    assert same_bits(he(KEY, (3, 3, 4, 6)), jinit.he_normal()(KEY, (3, 3, 4, 6)))
    assert he(KEY, (4, 6), jnp.bfloat16).dtype == jnp.bfloat16
    ours = ei.interop.to_jax(HeNormal(), "out in *kernel")
    theirs = jinit.he_normal(in_axis=1, out_axis=0)
    assert same_bits(ours(KEY, (6, 4, 3, 3)), theirs(KEY, (6, 4, 3, 3)))
    bias = ei.interop.to_jax(ei.TorchDefault(), None, fan_in=4)
    assert float(jnp.abs(bias(KEY, (1000,))).max()) <= 0.5
    for axes in ("*kernel in out", None):
        with pytest.raises(ValueError, match="needs a fan"):
            ei.interop.to_jax(HeNormal(), axes)(KEY, (3,))
    # A bias has no axes to speak of, and one function serves both.
    assert ei.interop.to_jax(ei.Normal(0.1))(KEY, (3,)).shape == (3,)
    assert ei.interop.to_jax(ei.Normal(0.1))(KEY, ()).shape == ()
    sharding = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    placed = he(KEY, (4, 6), jnp.float32, sharding)
    assert placed.sharding == sharding


def test_to_klax():
    he, bias = ei.interop.to_klax(HeNormal()), ei.interop.to_klax(HoedtBias())
    assert same_bits(he(KEY, (4, 6), 4), jinit.he_normal()(KEY, (4, 6)))
    assert same_bits(bias(KEY, (6,), 9), HoedtBias()(KEY, (6,), fan_in=9))


def test_there_and_back():
    linear = nn.Linear(4, 3, key=KEY)
    back = drawn(linear, ei.interop.to_jax(LecunNormal()))
    assert same_bits(back, drawn(linear, jinit.lecun_normal()))


def test_flax():
    flax_nn = pytest.importorskip("flax.linen")
    linear = nn.Linear(4, 3, key=KEY)
    weight = drawn(linear, flax_nn.initializers.he_normal())
    assert same_bits(weight, drawn(linear, jinit.he_normal()))
    he, zeros = ei.interop.to_jax(HeNormal()), ei.interop.to_jax(Zeros())
    dense = flax_nn.Dense(3, kernel_init=he, bias_init=zeros)
    reference = flax_nn.Dense(3, kernel_init=jinit.he_normal())
    x = jnp.ones((2, 4))
    ours, theirs = (d.init(KEY, x)["params"] for d in (dense, reference))
    assert same_bits(ours["kernel"], theirs["kernel"])
    assert same_bits(ours["bias"], theirs["bias"])


def test_klax():
    klax = pytest.importorskip("klax")
    # klax's own initializer in a rule, on an Equinox layer.
    linear = nn.Linear(256, 64, key=KEY)
    rule = Rule("**", weight=klax.hoedt_normal(), bias=klax.hoedt_bias())
    model = ei.apply(linear, KEY, [rule])
    assert float(model.weight.min()) > 0
    # And ours in a layer of klax, which stores (in, out).
    layer = klax.nn.Linear(
        64,
        3,
        weight_init=ei.interop.to_klax(LecunNormal()),
        bias_init=ei.interop.to_klax(HoedtBias()),
        key=KEY,
    )
    assert layer.weight.shape == (64, 3)
    assert has_std(layer.weight, 1 / 8)
    assert np.allclose(layer.bias, HoedtBias()(KEY, (3,), fan_in=64))


def test_orthogonal_of_either_library_is_the_same():
    linear = nn.Linear(4, 6, key=KEY)
    assert same_bits(drawn(linear, Orthogonal()), drawn(linear, jinit.orthogonal()))


def test_initializers_that_are_made_anew_are_not_compiled_anew():
    model = eqx.nn.Linear(7, 11, key=KEY)

    def run(init: Any) -> Any:
        return lambda: ei.apply(model, KEY, [ei.Rule(eqx.nn.Linear, weight=init)])

    def mine(std: float) -> Any:
        return lambda key, shape, dtype: std * jax.random.normal(key, shape, dtype)

    for make in (jinit.he_normal, jinit.orthogonal, lambda: mine(0.25)):
        assert compilations(run(make())) > 0
        assert compilations(run(make())) == 0
    # Other values are another function, also where they are equal to Python.
    assert compilations(run(mine(0.75))) > 0
    assert Foreign(mine(1.0)).fn is not Foreign(mine(1)).fn
    assert Foreign(mine(0.0)).fn is not Foreign(mine(-0.0)).fn
    half, whole = (run(mine(std))().weight for std in (0.25, 0.5))
    assert np.array_equal(2 * half, whole)


def test_functions_that_cannot_be_told_apart_by_value_are_themselves():
    scale = np.ones(3)
    array = lambda key, shape, dtype: scale[0] * jnp.ones(shape, dtype)  # noqa: E731
    assert Foreign(array).fn is array

    def recursive(key: Any, shape: Any, dtype: Any) -> Any:
        return recursive(key, shape[1:], dtype) if shape else jnp.ones(shape, dtype)

    assert Foreign(recursive).fn is recursive
    # What a variable is now counts, not what it was when another was made.
    first, second = counted(1.0), counted(1.0)
    assert Foreign(first).fn is Foreign(second).fn
    first.__closure__[0].cell_contents = 2.0
    assert Foreign(second).fn is second


def counted(std: float) -> Any:
    return lambda key, shape, dtype: jnp.full(shape, std, dtype)


def test_rules_pickle_where_their_function_does():
    rule = ei.Rule(eqx.nn.Linear, weight=plain)
    again = pickle.loads(pickle.dumps(rule))
    model = eqx.nn.Linear(3, 2, key=KEY)
    one, two = (ei.apply(model, KEY, [r]) for r in (rule, again))
    assert eqx.tree_equal(one, two)
    with pytest.raises(AttributeError, match="local object"):
        pickle.dumps(ei.Rule(eqx.nn.Linear, weight=jinit.he_normal()))


def plain(key: Any, shape: Any, dtype: Any) -> Any:
    return jax.random.normal(key, shape, dtype)
