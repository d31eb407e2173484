"""Matrices drawn side by side are those drawn one by one."""

import threading
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eqinit
from eqinit._drawing import threads


KEY = jax.random.key(7)


@pytest.fixture
def two_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "workers", lambda: 2)
    monkeypatch.setattr(threads, "_MUCH", 1)


def layers() -> list[Any]:
    sizes = (24, 24, 16, 24, 16, 8)
    return [eqx.nn.Linear(n, n, key=jax.random.key(n)) for n in sizes]


@pytest.mark.bits
@pytest.mark.usefixtures("two_workers")
@pytest.mark.parametrize("algorithm", ["qr", "householder"])
def test_side_by_side_is_one_by_one(algorithm: Any, monkeypatch: pytest.MonkeyPatch):
    rules = [eqinit.Rule("**.weight", eqinit.Orthogonal(1.5, algorithm=algorithm))]
    together = eqinit.apply(layers(), KEY, rules)
    monkeypatch.setattr(threads, "workers", lambda: 1)
    apart = eqinit.apply(layers(), KEY, rules)
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_array_equal(one.weight, other.weight)


class Watched(eqinit.AbstractInitializer):
    """A user's own, that notes which thread runs its Python."""

    seen: list[Any] = eqx.field(static=True)

    def sample(self, key: Any, spec: Any) -> Any:
        self.seen.append((threading.get_ident(), jax.config.jax_enable_x64))
        return jax.random.normal(key, spec.shape, spec.dtype)


@pytest.mark.usefixtures("two_workers")
def test_no_thread_runs_the_code_of_users():
    # Settings of a context manager belong to the thread that entered it.
    seen: list[Any] = []
    with jax.enable_x64():
        drawn = eqinit.apply(layers(), KEY, [("**.weight", Watched(seen))])
    assert set(seen) == {(threading.get_ident(), True)}
    assert len({float(layer.weight[0, 0]) for layer in drawn}) == len(drawn)


@pytest.mark.usefixtures("two_workers")
def test_what_fails_fails_aloud():
    class Broken(eqinit.AbstractInitializer):
        def sample(self, key: Any, spec: Any) -> Any:
            return jnp.zeros((3,))

    with pytest.raises(ValueError, match=r"\(rule .*\): Broken drew float32\[3\]"):
        eqinit.apply(layers(), KEY, [("**.weight", Broken())])


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({}, False),
        ({"OPENBLAS": "1"}, True),
        ({"OPENBLAS": "2", "OMP": "1"}, False),
        ({"OMP": "1"}, True),
    ],
)
def test_side_by_side_only_where_lapack_has_one_thread(
    said: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
):
    for name in ("OPENBLAS", "OMP"):
        monkeypatch.delenv(f"{name}_NUM_THREADS", raising=False)
    for name, value in said.items():
        monkeypatch.setenv(f"{name}_NUM_THREADS", value)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    threads.workers.cache_clear()
    assert (threads.workers() > 1) is wanted
    threads.workers.cache_clear()
