"""One of two processes on loopback, run by test_mesh.py; prints what it found."""

import json
import os
import sys


flags = os.environ.get("XLA_FLAGS", "")
os.environ["XLA_FLAGS"] = f"{flags} --xla_force_host_platform_device_count=4"

import jax


jax.config.update("jax_cpu_collectives_implementation", "gloo")
rank, port = int(sys.argv[1]), sys.argv[2]
jax.distributed.initialize(f"127.0.0.1:{port}", num_processes=2, process_id=rank)

import equinox as eqx
import numpy as np
from jax.sharding import NamedSharding
from mesh import model, rules, spec_of

import eqinit as ei


def same_shards(spread: eqx.Module, whole: eqx.Module) -> bool:
    """Whether this process holds its part of the whole model."""
    leaves = zip(
        jax.tree.leaves(eqx.filter(spread, eqx.is_array)),
        jax.tree.leaves(eqx.filter(whole, eqx.is_array)),
        strict=True,
    )
    return all(
        np.array_equal(np.asarray(shard.data), np.asarray(full)[shard.index])
        for ours, full in leaves
        for shard in ours.addressable_shards
    )


def main() -> None:
    key = jax.random.key(1)
    mesh = jax.make_mesh(
        (4, 2), ("a", "b"), axis_types=(jax.sharding.AxisType.Auto,) * 2
    )

    def place(site: ei.Site) -> NamedSharding:
        return NamedSharding(mesh, spec_of(site))

    skeleton = eqx.filter_eval_shape(model)
    spread = ei.apply(skeleton, key, rules(), sharding=place)
    # One layer is left to the constructor.
    some = [rule for rule in rules() if rule.selector != ei.Path("layers.3")]
    assert len(some) == len(rules()) - 1
    built = ei.build(lambda key: model(), key, some, sharding=place)
    weight = spread.layers[1].weight
    found = {
        "devices": jax.device_count(),
        "local": len(weight.addressable_shards),
        "whole": bool(weight.is_fully_addressable),
        "equal": same_shards(spread, ei.apply(model(), key, rules())),
        "built": same_shards(built, ei.apply(model(), key, some)),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
