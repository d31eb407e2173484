"""Constructors that keep something: tracing them leaves nothing behind."""

import functools
import threading
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


RULES = [ei.Rule(eqx.nn.Linear, bias=ei.Zeros())]


class Generator:
    """Hands out keys, and counts them."""

    def __init__(self, seed: int):
        self.key = jr.key(seed)
        self.count = 0

    def __call__(self) -> Any:
        self.count += 1
        self.key, key = jr.split(self.key)
        return key


class Slotted:
    __slots__ = ("keys",)

    def __init__(self, seed: int):
        self.keys = [jr.key(seed)]

    def __call__(self) -> Any:
        key = jr.fold_in(self.keys[-1], len(self.keys))
        self.keys.append(key)
        return key


def in_a_global() -> tuple[Callable[[], Any], Callable[[], Any]]:
    space = types.ModuleType("somebodys")
    exec(  # a module of its own, with a global
        "import jax\n"
        "KEY = jax.random.key(3)\n"
        "def draw():\n"
        "    global KEY\n"
        "    KEY, key = jax.random.split(KEY)\n"
        "    return key\n",
        space.__dict__,
    )
    return lambda: space.draw(), lambda: space.KEY


def in_an_object() -> tuple[Callable[[], Any], Callable[[], Any]]:
    generator = Generator(3)
    return generator, lambda: (generator.key, generator.count)


def in_slots() -> tuple[Callable[[], Any], Callable[[], Any]]:
    generator = Slotted(3)
    return lambda: generator(), lambda: list(generator.keys)


def in_a_class() -> tuple[Callable[[], Any], Callable[[], Any]]:
    class Keys:
        key = jr.key(3)

        @classmethod
        def draw(cls) -> Any:
            cls.key, key = jr.split(cls.key)
            return key

    return Keys.draw, lambda: Keys.key


def in_a_closure() -> tuple[Callable[[], Any], Callable[[], Any]]:
    key = jr.key(3)

    def draw() -> Any:
        nonlocal key
        key, new = jr.split(key)
        return new

    return draw, lambda: key


def in_a_thread() -> tuple[Callable[[], Any], Callable[[], Any]]:
    local = threading.local()
    local.key = jr.key(3)

    def draw() -> Any:
        local.key, key = jr.split(local.key)
        return key

    return functools.partial(draw), lambda: local.key


def in_a_cache() -> tuple[Callable[[], Any], Callable[[], Any]]:
    @functools.lru_cache
    def table(n: int) -> Any:
        return jr.split(jr.key(3), n)

    return lambda: table(2)[1], lambda: table(2)


def in_a_dict() -> tuple[Callable[[], Any], Callable[[], Any]]:
    tables: dict[str, Any] = {}

    def draw() -> Any:
        if "table" not in tables:
            tables["table"] = jr.split(jr.key(3))
        return tables["table"][1]

    return draw, lambda: dict(tables)


PLACES = [
    in_a_global, in_an_object, in_slots, in_a_class, in_a_closure, in_a_thread,
    in_a_cache, in_a_dict,
]  # fmt: skip


class Net(eqx.Module):
    layer: eqx.nn.Linear
    first: jax.Array

    def __init__(self, draw: Callable[[], Any], key: Any):
        self.layer = eqx.nn.Linear(3, 2, key=draw())
        self.first = jr.normal(draw(), (3,)) + jr.normal(key, (3,))


class Fussy(eqx.Module):
    """Looks at a value, when something has been kept already."""

    layer: eqx.nn.Linear

    def __init__(self, draw: Callable[[], Any], key: Any):
        key = draw()
        self.layer = eqx.nn.Linear(3, 2 if jr.uniform(key) < 2 else 3, key=draw())


def raw(tree: Any) -> list[np.ndarray]:
    leaves = jtu.tree_leaves(tree)
    return [
        np.asarray(
            jr.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x
        )
        for x in leaves
        if eqx.is_array(x)
    ]


FEW = (in_an_object, in_a_cache)  # of constructors that fail while they are traced


@pytest.mark.parametrize(
    ("model", "place"),
    [
        *((Net, place) for place in PLACES if place not in FEW),
        *(pytest.param(Net, p, marks=pytest.mark.thorough) for p in FEW),
        *(pytest.param(Fussy, p, marks=pytest.mark.thorough) for p in FEW),
        *(
            pytest.param(Fussy, place, marks=pytest.mark.slow)
            for place in PLACES
            if place not in FEW
        ),
    ],
)
def test_all_is_as_if_it_had_run_once(model: type, place: Callable[[], Any]):
    draw, state = place()
    made = ei.apply(model(draw, jr.key(0)), jr.key(0), RULES)
    wanted = raw(made), raw(state())
    draw, state = place()
    make = functools.partial(model, draw)
    built, plan = ei.build(make, jr.key(0), RULES, return_plan=True)
    # What it keeps is a value, and the one that a single run leaves.
    for got, want in zip((raw(built), raw(state())), wanted, strict=True):
        assert len(got) == len(want)
        assert all(np.array_equal(a, b) for a, b in zip(got, want, strict=True))
    why = "keeps an array that it computes" if model is Net else "TracerBoolConversion"
    assert [why in note for note in plan.notes] == [True]
    draw()  # nothing of the trace is met here


def test_what_only_counts_is_traced_once():
    counter = types.SimpleNamespace(count=0)

    def make(key: Any) -> Any:
        counter.count += 1
        return eqx.nn.Linear(3, 2, key=jr.fold_in(key, counter.count))

    _, plan = ei.build(make, jr.key(0), RULES, return_plan=True)
    assert plan.notes == ()
    assert counter.count == 1


def test_numbers_of_numpys_generator_are_drawn_once():
    # (Of Python's as well. But a type checker draws from it, which the suite has on.)
    def make(key: Any) -> Any:
        scale = np.random.rand()
        float(jr.uniform(key))  # cannot be traced
        return {"scale": jnp.asarray(scale)}

    np.random.seed(3)
    built = ei.build(make, jr.key(0), [])
    np.random.seed(3)
    assert built["scale"] == make(jr.key(0))["scale"]


def test_garbage_is_no_leak():
    def make(key: Any) -> Any:
        cycle: list[Any] = [jr.uniform(key)]
        cycle.append(cycle)
        return eqx.nn.Linear(3, 2, key=key)

    _, plan = ei.build(make, jr.key(0), RULES, return_plan=True)
    assert plan.notes == ()


def test_under_jit_only_a_leak_is_one():
    generator = Generator(3)

    @eqx.filter_jit
    def clean(key: Any) -> Any:
        held = jr.split(key)  # a tracer of the outer trace, alive all the while
        model, plan = ei.build(
            functools.partial(eqx.nn.Linear, 3, 2), key, RULES, return_plan=True
        )
        assert plan.notes == ()
        return model, held

    clean(jr.key(0))

    @eqx.filter_jit
    def outer(key: Any) -> Any:
        draw = functools.partial(jr.fold_in, generator.key)
        return ei.build(lambda key: eqx.nn.Linear(3, 2, key=draw(1)), key, RULES)

    assert outer(jr.key(0)).weight.shape == (2, 3)


def test_run_as_it_is_where_that_is_asked_for(caplog: pytest.LogCaptureFixture):
    runs: list[bool] = []

    def make(key: Any) -> Any:
        runs.append(isinstance(key, jax.core.Tracer))
        return eqx.nn.Linear(3, 2, key=key)

    built, plan = ei.build(make, jr.key(0), RULES, trace=False, return_plan=True)
    assert runs == [False]
    assert "not to be traced (`trace=False`)" in plan.notes[0]
    assert not caplog.records
    assert eqx.tree_equal(built, ei.build(make, jr.key(0), RULES))


@pytest.mark.parametrize(
    "model", [eqx.nn.MLP(2, 2, 4, 1, key=jr.key(0)), eqx.nn.Linear(2, 2, key=jr.key(0))]
)
def test_a_model_is_no_constructor(model: Any):
    name = type(model).__name__
    with pytest.raises(
        TypeError, match=rf"build\(lambda key: {name}\(..., key=key\)"
    ) as e:
        ei.build(model, jr.key(0), RULES)
    assert "`eqinit.apply(model, key, rules)`" in str(e.value)


def test_modules_that_are_constructors():
    make = eqx.filter_jit(functools.partial(eqx.nn.Linear, 3, 2))
    partial = eqx.Partial(lambda scale, key: eqx.nn.Linear(3, 2, key=key), jnp.ones(3))
    for constructor in (make, partial):
        assert ei.build(constructor, jr.key(0), RULES).bias.sum() == 0


class Grumpy:
    """Whatever somebody asks it for, it complains."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


GRUMPY = Grumpy()


def test_an_object_that_nobody_may_ask_is_left_alone():
    def make(key: Any) -> Any:
        assert type(GRUMPY) is Grumpy
        return {"linear": eqx.nn.Linear(3, 2, key=key), "static": lambda: GRUMPY}

    built, plan = ei.build(make, jr.key(0), RULES, return_plan=True)
    assert plan.notes == ()
    assert built["linear"].weight.shape == (2, 3)


def test_thousands_of_values_may_be_left_when_a_trace_fails():
    """Each of them was looked for in the whole memory once, which took hours."""
    kept: list[Any] = []

    def make(key: Any) -> Any:
        for i in range(3_000):
            kept.append(jnp.add(i, 1.0))
        x = jr.uniform(key)
        kept.extend(x + i for i in range(3_000))
        kept.clear() if x > 2 else None  # cannot be traced
        kept.clear()
        return eqx.nn.Linear(3, 2, key=key)

    _, plan = ei.build(make, jr.key(0), RULES, return_plan=True)
    assert "TracerBoolConversionError" in plan.notes[0]
    assert kept == []
