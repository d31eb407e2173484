"""Slots: what goes into a pass, and what comes back."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from by_hand import KEY, filled, normal

import eqinit as ei
from eqinit.signal._taps.extremes import histogram, longer, order_key, order_value
from eqinit.signal._taps.lanes import In, Out, width
from eqinit.signal._taps.slots import tap


def test_lanes_of_the_example():
    """The table at the head of `lanes`: two calls, one unit in two samples each."""

    def call(x: Any, slot: Any) -> Any:
        return jnp.sum(tap(x, slot, -1, False))

    def both(slot: Any) -> Any:
        first, second = jnp.array([[1.0], [2.0]]), jnp.array([[3.0], [4.0]])
        return call(first, slot) + call(second, slot)

    slot = jax.grad(both)(jnp.zeros(width(1, bytewise=False)))
    lanes = ("USES", "COUNT", "TOTAL", "SQUARE", "MAX", "GRAD_TOTAL")
    assert [float(slot[Out[lane]]) for lane in lanes] == [2, 4, 10, 30, 6, 4]


def test_bytes_of_the_example():
    """The table at the head of `extremes`: 5.0 and 3.0."""
    values = jnp.array([5.0, 3.0])
    assert [f"{int(k):08X}" for k in order_key(values)] == ["C0A00000", "C0400000"]
    wanted = [
        ({0xC0: 2}, "C0"),
        ({0xA0: 1, 0x40: 1}, "C0A0"),
        ({0x00: 1}, "C0A000"),
        ({0x00: 1}, "C0A00000"),
    ]
    prefix = jnp.zeros(1, jnp.uint32)
    for level, (bins, after) in enumerate(wanted):
        levels = jnp.full(2, level, jnp.uint32)
        counts = jnp.sum(histogram(values, levels, jnp.tile(prefix, 2)), axis=0)
        assert {int(i): int(counts[i]) for i in np.flatnonzero(counts)} == bins
        prefix = longer(prefix, counts[None].astype(jnp.float32))
        assert f"{int(prefix[0]):X}" == after
    assert float(order_value(prefix)[0]) == 5.0


def test_keys_have_the_order_of_values():
    values = np.sort(
        np.asarray(normal(1000)) * 10.0 ** np.arange(-30, 30).repeat(20)[:1000]
    )
    values = np.concatenate([[-np.inf], values, [np.inf]]).astype(np.float32)
    keys = np.asarray(order_key(jnp.asarray(values)))
    assert (np.diff(keys.astype(np.int64)) >= 0).all()
    np.testing.assert_array_equal(order_value(jnp.asarray(keys)), values)


def test_a_slot_has_room_for_what_goes_in():
    assert len(In) <= width(0, bytewise=False)


class Repeated(eqx.Module):
    linear: eqx.nn.Linear
    unused: eqx.nn.Linear

    def __call__(self, x: Any) -> Any:
        step = lambda h, _: (jnp.tanh(self.linear(h)), None)  # noqa: E731
        return jax.lax.scan(step, x, None, length=3)[0] + 0 * jnp.sum(
            jax.lax.stop_gradient(self.unused(x))
        )


def test_nothing_is_not_a_number_on_the_way():
    """A user who looks for NaNs in a model finds none of ours."""

    def make() -> Repeated:
        linear, unused = (eqx.nn.Linear(4, 4, key=KEY) for _ in range(2))
        return Repeated(linear, unused)

    model, x = filled(make), normal(5, 4)
    with jax.debug_nans(True):
        report = ei.probe(model, lambda m, x: jnp.sum(jax.vmap(m)(x)), x)
    assert [row.uses for row in report.rows] == [3, 0]
    outs = [jax.vmap(model.linear)(x)]
    for _ in range(2):
        outs.append(jax.vmap(model.linear)(jnp.tanh(outs[-1])))
    row, largest = report.rows[0], np.max(outs)
    np.testing.assert_allclose([row.max, row.min], [largest, np.min(outs)], rtol=1e-6)
