"""Under a mesh whose axes are explicit, as `jax.make_mesh` makes them: JSON."""

import contextlib
import json
import os


os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"
import equinox as eqx
import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec as P

import eqinit as ei


mesh = jax.make_mesh((2, 2), ("a", "b"))
key = jax.random.key(1)
model = eqx.nn.Linear(8, 4, use_bias=False, key=key)
rules = [ei.Rule(eqx.nn.Linear, weight=ei.HeNormal())]
alone = np.asarray(ei.apply(model, key, rules).weight)
found: dict[str, bool] = {}
for inside in (False, True):
    for spec in (P("a", "b"), P(None, "a"), P()):
        sharding = NamedSharding(mesh, spec)

        def draw(key, sharding=sharding):
            return ei.apply(model, key, rules, sharding=sharding).weight

        with jax.set_mesh(mesh) if inside else contextlib.nullcontext():
            for name, call in (("eager", draw), ("jit", jax.jit(draw))):
                drawn = call(key)
                there = drawn.sharding.is_equivalent_to(sharding, 2)
                same = np.array_equal(np.asarray(drawn), alone)
                found[f"{name} {spec} {inside}"] = bool(there and same)
print(json.dumps(found))
