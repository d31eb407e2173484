"""Run by test_mesh.py with 8 forced host devices; prints what it found as JSON."""

import json
import os
import sys


if __name__ == "__main__":  # processes.py has devices of its own
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_force_host_platform_device_count=8"

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec, SingleDeviceSharding

import eqinit as ei


MESHES = ((8, 1), (4, 2), (2, 4))
KEY = 1


def model() -> eqx.nn.MLP:
    return eqx.nn.MLP(64, 32, 128, 4, key=jax.random.key(0))


def rules() -> list[ei.Rule]:
    return [
        ei.Rule("layers.0", weight=ei.HeNormal(), bias=ei.TorchDefault()),
        ei.Rule("layers.1", weight=ei.Orthogonal(), bias=ei.Normal(0.1, mean=1.0)),
        ei.Rule("layers.2", **ei.hoedt(bias_noise=0.1)),
        ei.Rule("layers.3", weight=ei.GlorotUniform(), bias=ei.Constant(0.3)),
        ei.Rule("layers.4", weight=jax.nn.initializers.lecun_normal(), bias=ei.Zeros()),
    ]


def arrays(tree: object) -> list[np.ndarray]:
    return [np.asarray(x) for x in jax.tree.leaves(eqx.filter(tree, eqx.is_array))]


def same(a: object, b: object) -> bool:
    pairs = zip(arrays(a), arrays(b), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def spec_of(site: ei.Site) -> PartitionSpec:
    return PartitionSpec("a", "b") if len(site.shape) == 2 else PartitionSpec("a")


def on_mesh(mesh: jax.sharding.Mesh, key: jax.Array, whole: eqx.nn.MLP) -> dict:
    def place(site: ei.Site) -> NamedSharding:
        return NamedSharding(mesh, spec_of(site))

    applied = ei.apply(model(), key, rules(), sharding=place)
    built = ei.build(
        lambda key: eqx.nn.MLP(64, 32, 128, 4, key=key), key, rules(), sharding=place
    )
    again = ei.apply(applied, key, rules())  # keeps the places that it finds
    weight = applied.layers[1].weight
    shard = weight.addressable_shards[0].data.shape
    return {
        "apply": same(applied, whole),
        "build": same(built, whole),
        "spec": str(weight.sharding.spec),
        "kept": str(again.layers[1].weight.sharding.spec),
        "shard": list(shard),
    }


def jitted(mesh: jax.sharding.Mesh, key: jax.Array, whole: eqx.nn.MLP) -> bool:
    everywhere = NamedSharding(mesh, PartitionSpec())
    skeleton = eqx.filter_eval_shape(model)

    @eqx.filter_jit
    def run(key: jax.Array) -> eqx.nn.MLP:
        return ei.apply(skeleton, key, rules(), sharding=everywhere)

    return same(run(key), whole)


def main() -> None:
    impl = sys.argv[1]
    key = jax.random.key(KEY, impl=impl)
    whole = ei.apply(model(), key, rules())
    found: dict = {"devices": jax.device_count()}
    for shape in MESHES:
        mesh = jax.make_mesh(
            shape, ("a", "b"), axis_types=(jax.sharding.AxisType.Auto,) * 2
        )
        found["x".join(map(str, shape))] = on_mesh(mesh, key, whole)
    found["jit"] = jitted(mesh, key, whole)
    prefix = jax.tree.map(lambda _: None, model(), is_leaf=eqx.is_array)
    prefix = eqx.tree_at(
        lambda m: m.layers[0],
        prefix,
        NamedSharding(mesh, PartitionSpec("a")),
        is_leaf=lambda x: x is None,
    )
    partly = ei.apply(model(), key, rules(), sharding=prefix)
    found["prefix"] = [
        same(partly, whole),
        str(partly.layers[0].weight.sharding.spec),
        len(partly.layers[1].weight.devices()),
    ]
    third = jax.devices()[3]
    moved = ei.apply(model(), key, rules(), sharding=SingleDeviceSharding(third))
    found["device"] = [same(moved, whole), moved.layers[2].weight.devices() == {third}]
    stacked = eqx.filter_vmap(lambda k: eqx.nn.Linear(16, 16, key=k))(
        jax.random.split(key, 8)
    )
    layer = [ei.Rule(eqx.nn.Linear, weight=ei.Orthogonal(), bias=ei.Zeros())]
    spread = NamedSharding(mesh, PartitionSpec("a"))
    found["stack"] = same(
        ei.apply(stacked, key, layer), ei.apply(stacked, key, layer, sharding=spread)
    )
    print(json.dumps(found))


if __name__ == "__main__":
    assert jnp is not None
    main()
