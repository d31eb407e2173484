"""64 forced host devices: what one of them holds and draws of a model of any size.

A model is planned whole, and its shards are counted; one kernel of it is drawn on the
mesh. The table of `docs/mesh.md`.
"""

import math
from typing import Any

from . import fresh as _fresh


DEVICES, MESH = 64, (8, 8)
# Name to (vocabulary, layers, width, width of keys and values, width of the gated MLP),
# as published for Llama 2 7B and 70B and Llama 3.1 405B.
SIZES = {
    "7B": (32000, 32, 4096, 4096, 11008),
    "70B": (32000, 80, 8192, 1024, 28672),
    "405B": (128256, 126, 16384, 1024, 53248),
}


def shapes(
    vocab: int, layers: int, width: int, keys: int, hidden: int
) -> list[tuple[int, int]]:
    """Of all kernels: four of attention, three of the MLP, embedding and head."""
    attention = [(width, width)] * 2 + [(keys, width)] * 2
    block = attention + [(hidden, width)] * 2 + [(width, hidden)]
    return [(vocab, width), *block * layers, (vocab, width)]


def shard_run(name: str) -> dict[str, float]:
    """Parameters in all, and what one device of 64 holds by the plan's shardings.

    One kernel of the widest shape is drawn on the mesh at an eighth of its sides, since
    all devices are in one process here; its shards must have a 64th of it each.
    """
    import os

    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_force_host_platform_device_count=64"
    import jax
    import jax.numpy as jnp
    from jax.sharding import AxisType, NamedSharding, PartitionSpec

    import eqinit as ei

    mesh = jax.make_mesh(MESH, ("data", "model"), axis_types=(AxisType.Auto,) * 2)
    place = NamedSharding(mesh, PartitionSpec("data", "model"))
    kernels = shapes(*SIZES[name])
    skeleton = [jax.ShapeDtypeStruct(s, jnp.bfloat16) for s in kernels]
    plan, planned = _fresh.clock(lambda: ei.plan(skeleton, [("**", ei.Normal(0.02))]))
    total = sum(row.spec.size for row in plan.rows)
    held = sum(math.prod(place.shard_shape(row.spec.shape)) for row in plan.rows)
    widest = max(kernels, key=math.prod)
    small = [jax.ShapeDtypeStruct((widest[0] // 8, widest[1] // 8), jnp.bfloat16)]
    drawn, first = _fresh.clock(
        lambda: ei.apply(
            small, jax.random.key(0), [("**", ei.Normal(0.02))], sharding=place
        )
    )
    (array,) = drawn
    sizes = {shard.data.size for shard in array.addressable_shards}
    assert len(array.addressable_shards) == DEVICES, len(array.addressable_shards)
    assert sizes == {array.size // DEVICES}, sizes
    return {
        "parameters": total,
        "bytes": 2 * total,
        "device_bytes": 2 * held,
        "plan": planned["wall"],
        "drawn": first["wall"],
        "shard": sizes.pop(),
    }


def measure(turns: int) -> dict[str, Any]:
    found = {name: _fresh.fresh("mesh.shard_run", name) for name in SIZES}
    for name, run in found.items():
        print(name, run)
    return found
