"""`build`: what the constructor gives, without what rules claim ever being drawn."""

import functools
import logging
import types
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import jax.tree_util as jtu
import numpy as np
import pytest

import eqinit as ei
from benchmarks.models import SMALL


pytestmark = pytest.mark.bits
RULES = [
    ei.Rule(eqx.nn.Conv, weight=ei.HeNormal(), bias=ei.Zeros(), optional=True),
    ei.Rule(eqx.nn.Linear, weight=ei.Orthogonal(), optional=True),
    ei.Rule(eqx.nn.Embedding, weight=ei.Normal(0.02), optional=True),
]


def bits(leaf: Any) -> Any:
    """A leaf as something that is equal only where every bit is."""
    if not isinstance(leaf, (jax.Array, np.ndarray)):
        return leaf
    kind = (type(leaf) is np.ndarray, leaf.shape, str(leaf.dtype))
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return (*kind, np.asarray(jr.key_data(leaf)).tobytes())
    return (*kind, getattr(leaf, "weak_type", None), np.asarray(leaf).tobytes())


def assert_same(got: Any, wanted: Any) -> None:
    """Equal leaf by leaf, by path: tree definitions may differ from call to call."""
    got, wanted = (jtu.tree_flatten_with_path(tree)[0] for tree in (got, wanted))
    assert [path for path, _ in got] == [path for path, _ in wanted]
    for (path, a), (_, b) in zip(got, wanted, strict=True):
        if not callable(a):
            assert bits(a) == bits(b), jtu.keystr(path)


KEYS: dict[str, Callable[[], Any]] = {
    "typed": lambda: jr.key(3),
    "raw": lambda: jr.PRNGKey(3),
    "rbg": lambda: jr.key(3, impl="rbg"),
    "unsafe_rbg": lambda: jr.key(3, impl="unsafe_rbg"),
}


# The constructor's numbers


@pytest.mark.parametrize(
    "name", ["mlp", "resnet", pytest.param("vit", marks=pytest.mark.slow)]
)
def test_it_is_the_constructor_and_then_the_rules(name: str):
    make, key = SMALL[name], jr.key(0)
    made = make(key=key)
    assert_same(ei.build(make, key, []), made)
    assert_same(ei.build(make, key, RULES), ei.apply(made, key, RULES))


@pytest.mark.parametrize("kind", KEYS)
def test_every_kind_of_key(kind: str):
    make, key = functools.partial(eqx.nn.Linear, 3, 2), KEYS[kind]()
    rules = [ei.Rule("weight", ei.HeNormal())]
    assert_same(ei.build(make, key, rules), ei.apply(make(key=key), key, rules))


def keys_at_will(key: Any) -> list[Any]:
    a, b = jr.split(key)
    seeds = [jr.key(7), jr.key(-7), jr.split(jr.PRNGKey(2**31 - 1))]
    many = jr.split(jr.fold_in(a, 2**32 - 1), (2, 3))
    stacked = jax.vmap(lambda k: jr.split(jr.fold_in(k, 5), 2))(jr.split(b, 3))
    again = jnp.concatenate([stacked[0], stacked[1:2, 0]])
    return [
        *seeds,
        key,
        a,
        b,
        many,
        stacked,
        again[::2],
        jnp.reshape(many, (6, *many.shape[2:])),
        *again,
    ]


def tables(key: Any) -> list[Any]:
    n = jnp.arange(0, 16, 2)
    angles = jnp.arange(9.0)[:, None] / (10_000.0 ** (n / 16))[None]
    noise = jr.normal(key, (5, 7))
    return [
        jnp.sin(angles),
        jnp.cos(angles).astype(jnp.bfloat16),
        jnp.tril(jnp.ones((6, 6), bool)),
        jnp.linspace(-1, 1, 7),
        jnp.log(jnp.expm1(jr.uniform(key, (4,), minval=0.001, maxval=0.1))),
        noise / jnp.linalg.norm(noise, axis=-1, keepdims=True),
        jnp.linalg.qr(noise)[0],
        jnp.full((3, 2), -jnp.inf),
        jnp.eye(4) * 0.3,
        jr.permutation(key, 9),
        jnp.zeros((0, 4)),
        jnp.asarray(0.5),
        jnp.asarray(2),
        jnp.asarray([1.0, 2.0j]) * jnp.complex64(1 + 2j),
    ]


def draws(key: Any) -> list[Any]:
    keys = iter(jr.split(key, 12))
    half = jnp.float32(0.5)
    return [
        jr.normal(next(keys), (3, 4)),
        jr.uniform(next(keys), (5,), minval=-0.3, maxval=0.3),
        jr.uniform(next(keys), (5,), minval=-half, maxval=half),
        jr.truncated_normal(next(keys), -2, 2, (4, 4)),
        jr.truncated_normal(next(keys), -1.5, 3.0, (4,)),
        jr.normal(next(keys), (3,), jnp.bfloat16),
        jr.normal(next(keys), ()),
        0.02 * jr.normal(next(keys), (1025,)) + 1.0,
        jr.bernoulli(next(keys), 0.3, (7,)),
        jax.vmap(lambda k: jr.normal(k, (2,)))(jr.split(next(keys), 3)),
    ]


def few_draws(key: Any) -> list[Any]:
    a, b = jr.split(key)
    return [a, jr.normal(b, (5,)), jr.uniform(a, (3,), minval=-0.3, maxval=0.3)]


@pytest.mark.parametrize(
    "make, kind",
    [
        *((keys_at_will, kind) for kind in KEYS),
        *((few_draws, kind) for kind in KEYS),
        (draws, "typed"),
        (tables, "typed"),
    ],
)
def test_any_computation_to_the_last_bit(make: Callable[[Any], Any], kind: str):
    key = KEYS[kind]()
    assert_same(ei.build(make, key, []), make(key))


def test_switched_generator():
    def make(key: Any) -> list[Any]:
        with jax.threefry_partitionable(False):
            return few_draws(key)

    key = jr.key(0)
    assert_same(ei.build(make, key, []), make(key))
    with jax.threefry_partitionable(False):
        assert_same(ei.build(few_draws, key, []), few_draws(key))


def test_double_precision():
    with jax.enable_x64(True):
        key = jr.key(0)
        assert_same(ei.build(few_draws, key, []), few_draws(key))


# A function that bears the name of one of jax's draws and is none.
@jax.jit
def _normal(key: Any) -> Any:
    return jr.normal(key, (4,)) + 1


def test_namesake_of_a_draw():
    key = jr.key(0)
    assert_same(ei.build(lambda key: [_normal(key)], key, []), [_normal(key)])


# What rules claim is not drawn


class Counter:
    """Draws by a callback, and counts."""

    def __init__(self) -> None:
        self.count = 0

    def draw(self, key: Any, shape: tuple[int, ...]) -> Any:
        struct = jax.ShapeDtypeStruct(shape, jnp.float32)
        method = "sequential"
        return jax.pure_callback(self._host, struct, jr.bits(key), vmap_method=method)

    def _host(self, bits: Any) -> Any:
        self.count += 1
        return np.full((3, 4), float(bits) / 2**32, np.float32)


class Drawn(eqx.Module):
    weight: Any
    bias: Any

    def __init__(self, counter: Counter, key: Any):
        k1, k2 = jr.split(key)
        self.weight = counter.draw(k1, (3, 4))
        self.bias = jr.uniform(k2, (3,))


def plain(counter: Counter, key: Any) -> Any:
    return Drawn(counter, key)


def jitted(counter: Counter, key: Any) -> Any:
    return eqx.filter_jit(lambda k: Drawn(counter, k))(key)


def twice_jitted(counter: Counter, key: Any) -> Any:
    return eqx.filter_jit(lambda k: jitted(counter, k))(key)


def vmapped(counter: Counter, key: Any) -> Any:
    return eqx.filter_vmap(lambda k: Drawn(counter, k))(jr.split(key, 2))


def scanned(counter: Counter, key: Any) -> Any:
    def body(carry: Any, k: Any) -> Any:
        return carry, Drawn(counter, k)

    return jax.lax.scan(body, None, jr.split(key, 2))[1]


WAYS = {f.__name__: f for f in (plain, jitted, twice_jitted, vmapped, scanned)}


@pytest.mark.parametrize("way", WAYS)
def test_claimed_parameters_are_never_drawn(way: str):
    counter, key = Counter(), jr.key(1)
    make = functools.partial(WAYS[way], counter)
    built = ei.build(lambda k: make(k), key, [("weight", ei.Normal())])
    jax.block_until_ready(built.bias)
    assert counter.count == 0
    made = make(key)
    jax.block_until_ready(made.weight)
    assert counter.count > 0
    assert_same(built, ei.apply(made, key, [("weight", ei.Normal())]))


def test_unclaimed_parameters_are_drawn_once():
    counter = Counter()
    built = ei.build(lambda k: plain(counter, k), jr.key(1), [("bias", ei.Zeros())])
    jax.block_until_ready(built.weight)
    assert counter.count == 1


def test_nothing_is_drawn_if_a_rule_is_wrong():
    counter = Counter()
    with pytest.raises(ValueError, match="matches nothing"):
        ei.build(lambda k: plain(counter, k), jr.key(1), [("wieght", ei.Normal())])
    assert counter.count == 0


def test_keep_is_what_the_constructor_computes():
    make, key = SMALL["mlp"], jr.key(0)
    rules = [("layers.0", ei.Keep()), ei.Rule(eqx.nn.Linear, weight=ei.HeNormal())]
    built = ei.build(make, key, rules)
    assert_same(built.layers[0], make(key=key).layers[0])


def test_strict_names_what_no_rule_claims():
    rules = [ei.Rule(eqx.nn.Linear, weight=ei.HeNormal())]
    with pytest.raises(ValueError, match=r"layers\.0\.bias"):
        ei.build(SMALL["mlp"], jr.key(0), rules, strict=True)


# What constructors return


class Odd(eqx.Module):
    linear: eqx.nn.Linear
    index: eqx.nn.StateIndex
    activation: Callable[..., Any]
    rate: float
    name: str
    width: int = eqx.field(static=True)
    table: np.ndarray
    absent: None = None

    def __init__(self, key: Any):
        self.linear = eqx.nn.Linear(3, 3, key=key)
        self.index = eqx.nn.StateIndex(jnp.zeros(2))
        self.activation = lambda x: x * 2
        self.rate, self.name, self.width = 0.5, "odd", 3
        self.table = np.arange(3, dtype=np.float32)


def test_leaves_that_are_no_arrays():
    key = jr.key(0)
    built = ei.build(Odd, key, [("linear.weight", ei.Zeros())])
    made = ei.apply(Odd(key), key, [("linear.weight", ei.Zeros())])
    assert jtu.tree_structure(built) != jtu.tree_structure(made)
    assert_same(built, made)
    assert (built.rate, built.name, built.width, built.absent) == (0.5, "odd", 3, None)
    assert built.activation(2.0) == 4.0


def test_state_belongs_to_its_model():
    make = eqx.nn.make_with_state(Odd)
    built, state = ei.build(make, jr.key(0), [("linear.weight", ei.Zeros())])
    assert not built.linear.weight.any()
    np.testing.assert_array_equal(state.get(built.index), np.zeros(2))


def test_paths_are_those_of_the_model_with_state_or_without():
    rules = [
        ("linear.weight", ei.Normal()),
        ei.Rule(lambda m: m.linear.bias, ei.Ones()),
    ]
    alone = ei.build(Odd, jr.key(0), rules)
    model, _ = ei.build(eqx.nn.make_with_state(Odd), jr.key(0), rules)
    assert_same(model.linear, alone.linear)


def test_several_models_at_once():
    def make(key: Any) -> tuple[Any, Any]:
        k1, k2 = jr.split(key)
        return eqx.nn.Linear(2, 3, key=k1), {"head": eqx.nn.Linear(3, 1, key=k2)}

    rules = [("1.head.weight", ei.Zeros()), ("0.weight", ei.HeNormal())]
    built = ei.build(make, jr.key(0), rules)
    assert_same(built, ei.apply(make(jr.key(0)), jr.key(0), rules))
    assert not built[1]["head"].weight.any()


def test_power_iterations_follow_the_weight():
    def make(key: Any) -> Any:
        k1, k2 = jr.split(key)
        linear = eqx.nn.Linear(4, 4, key=k1)
        return eqx.nn.SpectralNorm(linear, "weight", key=k2)

    rules = [("layer.weight", ei.Normal())]
    pair = eqx.nn.make_with_state(make)
    built = ei.build(pair, jr.key(0), rules)
    assert_same(built, ei.apply(pair(jr.key(0)), jr.key(0), rules))


def test_weight_norm_follows_the_weight_and_is_not_computed():
    counter = Counter()

    def make(key: Any) -> Any:
        linear = eqx.nn.Linear(4, 3, key=key)
        weight = counter.draw(key, (3, 4))
        linear = eqx.tree_at(lambda m: m.weight, linear, weight)
        return eqx.nn.WeightNorm(linear, "weight")

    built = ei.build(make, jr.key(0), [("layer.weight", ei.Orthogonal())])
    assert counter.count == 0
    # Rows of an orthogonal matrix have norm 1.
    np.testing.assert_allclose(np.ravel(built.g), np.ones(3), rtol=1e-6)


def test_arrays_from_outside_are_themselves():
    table = jnp.arange(3.0)

    def make(key: Any) -> Any:
        return {"table": table, "alias": table, "bias": jr.normal(key, (3,))}

    built = ei.build(make, jr.key(0), [("bias", ei.Zeros())])
    assert built["table"] is table
    assert built["alias"] is table


def test_leaves_have_buffers_of_their_own():
    def make(key: Any) -> list[Any]:
        zero = jnp.zeros(())
        return [jnp.broadcast_to(zero, (16,)) for _ in range(4)] + [key]

    *built, _ = ei.build(make, jr.key(0), [])
    pointers = {leaf.unsafe_buffer_pointer() for leaf in built}
    assert len(pointers) == 4


# How a constructor is called


def by_any_other_name(rng: Any) -> Any:
    return eqx.nn.Linear(3, 2, key=rng)


def by_name(width: int = 3, *, key: Any) -> Any:
    return eqx.nn.Linear(width, 2, key=key)


CALLS: dict[str, Any] = {
    "function": by_any_other_name,
    "keyword": by_name,
    "partial of a class": functools.partial(eqx.nn.Linear, 3, 2),
    "lambda": lambda k: eqx.nn.Linear(3, 2, key=k),
    "bound": functools.partial(by_name, key=None),
}


@pytest.mark.parametrize("call", CALLS)
def test_call(call: str):
    key = jr.key(0)
    built = ei.build(CALLS[call], key, [("weight", ei.Zeros())])
    assert not built.weight.any()
    assert_same(built.bias, eqx.nn.Linear(3, 2, key=key).bias)


def test_own_errors_of_a_constructor_are_raised():
    def make(key: Any) -> Any:
        raise KeyError("no such width")

    with pytest.raises(KeyError, match="no such width"):
        ei.build(make, jr.key(0), [])


def test_under_jit_and_vmap():
    make = functools.partial(eqx.nn.Linear, 3, 2)
    rules = [("weight", ei.HeNormal())]
    built = ei.build(make, jr.key(0), rules)
    traced = eqx.filter_jit(lambda k: ei.build(make, k, rules))(jr.key(0))
    assert_same(traced.weight, built.weight)
    assert traced.bias.shape == built.bias.shape
    many = eqx.filter_vmap(lambda k: ei.build(make, k, rules))(jr.split(jr.key(0), 3))
    assert many.weight.shape == (3, 2, 3)
    assert many.bias.shape == (3, 2)
    one = ei.build(make, jr.split(jr.key(0), 3)[1], rules)
    assert_same(many.bias[1], one.bias)


def test_under_jit_with_a_key_from_outside():
    make, key = functools.partial(eqx.nn.Linear, 3, 2), jr.key(0)
    rules = [("weight", ei.HeNormal())]
    traced = eqx.filter_jit(lambda: ei.build(make, key, rules))()
    assert_same(traced.weight, ei.build(make, key, rules).weight)


def test_part_of_a_jitted_function_that_has_keys_of_its_own():
    @jax.jit
    def both(key: Any) -> tuple[Any, Any]:
        return jr.normal(jr.key(1), (3,)), jr.normal(key, (3,))

    built = ei.build(lambda k: both(k), jr.key(0), [("1", ei.Zeros())])
    assert_same(built[0], both(jr.key(0))[0])


# Constructors that cannot be traced


class Holder:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, x: Any) -> Any:
        return x * self.value


class Untraceable(eqx.Module):
    weight: Any
    act: Any = None
    held: Any = eqx.field(static=True, default=None)


def _weight(key: Any) -> Any:
    return jr.normal(key, (3, 2))


def looks_at_values(key: Any) -> Any:
    weight = _weight(key)
    return Untraceable(weight if weight[0, 0] > 5 else -weight)


def goes_through_numpy(key: Any) -> Any:
    return Untraceable(jnp.asarray(np.linalg.svd(_weight(key))[0]))


def makes_a_float(key: Any) -> Any:
    return Untraceable(_weight(key), float(jr.uniform(key)))


def prints(key: Any) -> Any:
    jax.debug.callback(lambda k: None, jr.bits(key))
    return Untraceable(_weight(key))


def closes_over(key: Any) -> Any:
    scale = jr.uniform(key)
    return Untraceable(_weight(key), lambda x: x * scale)


class Selfish(eqx.Module):
    weight: Any
    act: Any

    def __init__(self, key: Any):
        self.weight = _weight(key)
        # It keeps the module that is being made, and so the arrays in it.
        self.act = lambda x: x * self.weight


def jits_what_it_closes_over(key: Any) -> Any:
    scale = jr.uniform(key)
    return Untraceable(_weight(key), jax.jit(lambda x: x * scale))


def binds_an_argument(key: Any) -> Any:
    return Untraceable(_weight(key), functools.partial(jnp.multiply, jr.uniform(key)))


def has_a_default(key: Any) -> Any:
    return Untraceable(_weight(key), lambda x, scale=jr.uniform(key): x * scale)


def keeps_a_method(key: Any) -> Any:
    return Untraceable(_weight(key), Holder(jr.uniform(key)).__call__)


def keeps_an_object(key: Any) -> Any:
    return Untraceable(_weight(key), None, Holder(jr.uniform(key)))


def keeps_a_static_list(key: Any) -> Any:
    return Untraceable(_weight(key), None, Held([jr.uniform(key)]))


class Held:
    """Static and hashable, whatever it holds."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items


UNTRACEABLE: dict[Callable[[Any], Any], str] = {
    looks_at_values: "TracerBoolConversionError",
    goes_through_numpy: "TracerArrayConversionError",
    makes_a_float: "ConcretizationTypeError",
    prints: "it has effects",
    Selfish: "a function of the model holds an array",
    closes_over: "a function of the model holds an array",
    jits_what_it_closes_over: "a function of the model holds an array",
    binds_an_argument: "a partial function of the model holds an array",
    has_a_default: "a function of the model holds an array",
    keeps_a_method: "a method of the model holds an array",
    keeps_an_object: "a static field of the model holds an array",
    keeps_a_static_list: "a static field of the model holds an array",
}


@pytest.mark.parametrize("make", UNTRACEABLE, ids=lambda make: make.__name__)
def test_run_as_it_is(make: Callable[[Any], Any], caplog: pytest.LogCaptureFixture):
    key, rules = jr.key(0), [("weight", ei.Orthogonal())]
    rules[0] = ei.Rule("weight", ei.Orthogonal(), axes="out in")
    with caplog.at_level(logging.WARNING, "eqinit"):
        built, plan = ei.build(make, key, rules, return_plan=True)
    assert_same(built.weight, ei.apply(make(key), key, rules).weight)
    reason = UNTRACEABLE[make]
    assert [reason in note for note in plan.notes] == [True]
    assert reason in caplog.text
    assert "run as it is" in str(plan)
    if callable(built.act):
        # What it holds is a value: nothing of the trace is left in the model.
        assert np.isfinite(np.asarray(built.act(1.0))).all()


class KnowsAModule(eqx.Module):
    """What it keeps is Python's: what others leave there is none of the model's."""

    weight: Any
    module: Any = eqx.field(static=True)

    def __init__(self, key: Any) -> None:
        self.weight = jr.normal(key, (3, 2))
        self.module = types.ModuleType("theirs")
        self.module.left = self.weight


def test_what_is_left_in_a_module_is_in_no_field_of_the_model():
    rules = [ei.Rule("weight", ei.Orthogonal(), axes="out in")]
    _, plan = ei.build(KnowsAModule, jr.key(0), rules, return_plan=True)
    (note,) = plan.notes
    assert "in a global, a cache or an object" in note


def test_traceable_constructors_are_not_noted(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING, "eqinit"):
        _, plan = ei.build(Odd, jr.key(0), [], return_plan=True)
    assert plan.notes == ()
    assert not caplog.records


# The plan, and where values go


def test_plan_is_that_of_apply():
    make, key = SMALL["resnet"], jr.key(0)
    (model, _), plan = ei.build(make, key, RULES, return_plan=True)
    wanted = ei.plan(make(key=key), RULES)
    assert [(r.path, r.status, r.rule) for r in plan] == [
        (r.path, r.status, r.rule) for r in wanted
    ]
    assert plan.check(model).ok


def test_sharding_reaches_what_the_constructor_computes():
    place = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    built = ei.build(
        SMALL["mlp"], jr.key(0), [("layers.0", ei.Normal())], sharding=place
    )
    leaves = [leaf for leaf in jtu.tree_leaves(built) if eqx.is_array(leaf)]
    assert [leaf.committed for leaf in leaves] == [True] * len(leaves)
    assert_same(built, ei.build(SMALL["mlp"], jr.key(0), [("layers.0", ei.Normal())]))
