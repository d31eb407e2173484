"""What static checkers know of a model after eqinit: what they knew before.

Not run: pyright reads it in strict mode, where a comment that ignores an error which is
none is an error itself.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

import equinox as eqx
import jax

import eqinit as ei


class Net(eqx.Module):
    """A model."""

    a: eqx.nn.Linear


def make(key: jax.Array) -> Net:
    return Net(eqx.nn.Linear(2, 2, key=key))


key = jax.random.key(0)
net = make(key)

net = ei.apply(net, key, [("a", ei.Zeros())])
assert_type(net, Net)
net.a.weight
net.a.wieght  # pyright: ignore[reportAttributeAccessIssue]
assert_type(ei.build(make, key, []), Net)
assert_type(ei.build(make, key, [], return_plan=True), tuple[Net, ei.Plan])
assert_type(ei.plan(net, []).apply(net, key), Net)
assert_type(ei.swap(net, "a", lambda old: old), Net)
assert_type(ei.select(net, "a").map(lambda x: x), Net)
assert_type(ei.select(net, "a").set(0.0), Net)

# All that can stand in rules, and what cannot.
ei.plan(net, ei.Rule("a", weight=0.0, bias=ei.Keep()))
ei.plan(net, ("a", jax.nn.initializers.he_normal()))
ei.plan(net, {"a": ei.Zeros()})
ei.plan(net, [(lambda m: m.a, lambda site: ei.Zeros()), ei.recipes.keras(), [[]]])
ei.plan(net, ei.HeNormal())  # pyright: ignore[reportArgumentType]
ei.plan(net, [ei.HeNormal()])  # pyright: ignore[reportArgumentType]
ei.plan(net, [3])  # pyright: ignore[reportArgumentType]
ei.Rule("a", weight="he")  # pyright: ignore[reportArgumentType]
