"""Run by test_one_definition.py, compiled as users compile; prints counts as JSON.

For every base with a kernel and every shape: how many entries of a draw differ from
those of `jax.random` on the flat leaf, by who makes it.
"""

import json
import os
import sys
from typing import Any


# Before jax is imported: a mesh needs devices.
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

import eqinit as ei
from eqinit._fill.request import FillRequest
from eqinit._parameters.keys import derive_keys
from eqinit._parameters.spec import make_spec


INITS = {
    "normal": ei.Normal(0.3),
    "moved": ei.Normal(0.3, mean=0.7),
    "truncated": ei.TruncatedNormal(0.3, corrected=False),
    "uniform": ei.Uniform(-0.037, 0.21),
    "lognormal": ei.LogNormal(0.5, 1.2),
}


def shapes_of(widths: list[int], taps: list[int]) -> list[tuple[int, ...]]:
    # 1800 entries at least: a draw of which 0.8 % round otherwise passes by luck once
    # in two million.
    matrices = [(-(-1800 // width), width) for width in widths]
    return matrices + [(30, 60 // size + 1, size) for size in taps]


def differing(a: Any, b: Any) -> int:
    x, y = np.asarray(a), np.asarray(b)
    assert x.shape == y.shape
    assert x.dtype == y.dtype == np.float32
    return int((x.view(np.int32) != y.view(np.int32)).sum())


MESH = jax.make_mesh((4,), ("x",))


def sharded(site: ei.Site) -> NamedSharding:
    """By the first axis that four devices can share evenly, else whole on each."""
    axes = [i for i, size in enumerate(site.shape) if size % 4 == 0]
    parts = ["x" if axes and i == axes[0] else None for i in range(len(site.shape))]
    return NamedSharding(MESH, PartitionSpec(*parts))


def through_models(
    init: Any, key: jax.Array, shapes: list[tuple[int, ...]]
) -> tuple[list[Any], dict[str, list[Any]]]:
    """The keys of the leaves of a model, and these leaves, by who made them."""
    names = [f"w{i:03}" for i in range(len(shapes))]
    keys = list(derive_keys(key, names))

    def make(key: Any) -> dict[str, Any]:
        del key
        return {n: jax.numpy.zeros(s) for n, s in zip(names, shapes, strict=True)}

    model, rules = make(key), [("*", init)]
    made = {
        "apply": ei.apply(model, key, rules),
        "build": ei.build(make, key, rules),
        "jit(apply)": jax.jit(lambda m, k: ei.apply(m, k, rules))(model, key),
        "mesh": ei.build(make, key, rules, sharding=sharded),
    }
    return keys, {way: [tree[name] for name in names] for way, tree in made.items()}


def main(tests: str, widths: list[int], taps: list[int]) -> dict[str, dict[str, int]]:
    sys.path.insert(0, tests)
    from flat_draws import flat_draw

    key, other = jax.random.split(jax.random.key(11))
    counts: dict[str, dict[str, int]] = {}
    for name, init in INITS.items():
        shapes = shapes_of(widths, taps)
        specs = [make_spec(shape, np.float32) for shape in shapes]
        bulk = init.law(specs[0]).bulk()
        numbers = (float(bulk.loc), float(bulk.scale), bulk.params)

        def flat(
            k: Any, shape: tuple[int, ...], b: Any = bulk, n: Any = numbers
        ) -> Any:
            data = np.asarray(jax.random.key_data(k))
            return flat_draw(FillRequest(data, shape, b.kernel, *n))

        wanted = [flat(key, shape) for shape in shapes]
        jitted = jax.jit(lambda k, i=init, ss=specs: [i.draw(k, s) for s in ss])(key)
        mapped = jax.vmap(lambda k, i=init, ss=specs: [i.draw(k, s) for s in ss])(
            jax.numpy.stack([other, key])
        )
        made: dict[str, Any] = {
            "eager": [init.draw(key, spec) for spec in specs],
            "jit": jitted,
            "vmap": [array[1] for array in mapped],
        }
        counts[name] = {
            way: sum(map(differing, arrays, wanted)) for way, arrays in made.items()
        }
        keys, leaves = through_models(init, key, shapes)
        wanted = list(map(flat, keys, shapes))
        counts[name] |= {
            way: sum(map(differing, arrays, wanted)) for way, arrays in leaves.items()
        }
        counts[name]["entries"] = sum(array.size for array in wanted)
    return counts


if __name__ == "__main__":
    where, said = sys.argv[1], json.loads(sys.argv[2])
    print(json.dumps(main(where, *said)))
