"""A model of many layers: work is counted, and not timed (benchmarks time 100,000)."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eqinit as ei
from eqinit import HeNormal, Normal, Rule, Zeros


nn = eqx.nn
KEY = jax.random.key(0)
LAYERS = 500  # enough to tell one from one per layer


class Counter:
    """Counts the calls of a function that it stands in for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str):
        self.calls = 0
        self.inner = getattr(owner, name)
        monkeypatch.setattr(owner, name, self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return self.inner(*args, **kwargs)


@pytest.fixture(scope="module")
def model() -> list[nn.Linear]:
    # Equal layers share their arrays: it is the number of leaves that counts.
    return [nn.Linear(4, 4, key=KEY)] * LAYERS


@pytest.fixture
def compiles() -> Any:
    """How many programs jax compiles while the list is open."""
    names: list[str] = []

    def listen(event: str, duration: float, **kwargs: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield names
    jax.monitoring.unregister_event_duration_listener(listen)


RULES = [Rule(nn.Linear, weight=HeNormal(), bias=Normal(0.1))]


@pytest.mark.thorough
def test_work_does_not_grow_with_the_layers(
    model: Any, monkeypatch: pytest.MonkeyPatch, compiles: list[str]
):
    from eqinit._drawing import ask

    ei.apply(model[:3], KEY, RULES)
    few = len(compiles)
    puts = Counter(monkeypatch, eqx, "tree_at")
    keys = Counter(monkeypatch, ask, "derive_keys")
    drawn = ei.apply(model, KEY, RULES)
    assert puts.calls <= 1  # one per model; one per leaf would be quadratic
    assert keys.calls == 1
    # What three layers needed serves five hundred, but for one program whose shape is
    # the number of keys.
    assert len(compiles) - few <= 1
    again = ei.apply(model, jax.random.key(1), RULES)
    assert len(compiles) - few <= 1
    assert not np.array_equal(drawn[7].weight, again[7].weight)
    assert len({np.asarray(layer.bias).tobytes() for layer in drawn}) == LAYERS


@pytest.mark.thorough
def test_the_plan_reads_each_layer_once(model: Any, monkeypatch: pytest.MonkeyPatch):
    from eqinit._layouts.layout import Layout

    spec = Counter(monkeypatch, Layout, "spec")
    monkeypatch.setattr(Layout, "spec", lambda *args, **kwargs: spec(*args, **kwargs))
    plan = ei.plan(model, RULES)
    assert len(plan) == 2 * LAYERS
    # Equal layers share a spec.
    assert spec.calls == 2


def test_gains_do_not_compile(model: Any, compiles: list[str]):
    few = model[:8]
    ei.apply(few, KEY, [Rule("**", weight=HeNormal(gain=0.3), bias=Zeros())])
    before = len(compiles)
    for gain in (0.4, 0.5, 0.6):
        ei.apply(few, KEY, [Rule("**", weight=HeNormal(gain=gain), bias=Zeros())])
    assert len(compiles) == before


def test_a_gain_for_each_layer_does_not_compile(model: Any, compiles: list[str]):
    few = model[:32]
    ei.apply(few, KEY, [Rule("**", weight=Normal(0.3))])
    before = len(compiles)
    rule = Rule("**", weight=lambda site: Normal(0.1 / (site.index + 1)))
    ei.apply(few, KEY, [rule])
    ei.apply(few, jax.random.key(1), [rule])
    assert len(compiles) == before


def test_orthogonal_compiles_once_a_shape(compiles: list[str]):
    few = [nn.Linear(5, 3, key=KEY) for _ in range(6)]
    rule = [Rule("**", weight=ei.Orthogonal(gain=1.5))]
    ei.apply(few[:1], KEY, rule)
    first = len(compiles)
    ei.apply(few, KEY, rule)
    ei.apply([*few, *few], KEY, rule)
    ei.apply(few, KEY, [Rule("**", weight=ei.Orthogonal(gain=0.5))])
    # Keys are derived for six, and for twelve.
    assert len(compiles) - first <= 2


def test_equal_layers_print_as_one(model: Any):
    _, _, weight, bias, summary, *_ = str(ei.plan(model, RULES)).splitlines()
    assert weight.split()[0] == f"0..{LAYERS - 1}.weight"
    assert bias.split()[0] == f"0..{LAYERS - 1}.bias"
    assert f"{2 * LAYERS} parameters set ({20 * LAYERS:,} numbers)" in summary


def test_wide_and_deep_trees():
    # Deeper than Python's default recursion limit allows careless walks to go.
    tree: Any = {"w": jnp.ones(2)}
    for _ in range(200):
        tree = [tree]
    (path,) = ei.select(tree, "**").paths
    assert path == "0." * 200 + "w"
