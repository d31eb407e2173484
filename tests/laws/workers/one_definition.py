"""Run by test_one_definition.py, compiled as users compile; prints counts as JSON.

For every base with a kernel and every shape: how many entries of a draw differ from
those of `jax.random` on the flat leaf, by who makes it.
"""

import json
import sys
from typing import Any

import jax
import numpy as np

import eqinit as ei
from eqinit._fill.request import FillRequest
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


def main(tests: str, widths: list[int], taps: list[int]) -> dict[str, dict[str, int]]:
    sys.path.insert(0, tests)
    from flat_draws import flat_draw

    key, other = jax.random.split(jax.random.key(11))
    data = np.asarray(jax.random.key_data(key))
    counts: dict[str, dict[str, int]] = {}
    for name, init in INITS.items():
        specs = [make_spec(s, np.float32) for s in shapes_of(widths, taps)]
        bulk = init.law(specs[0]).bulk()
        numbers = (float(bulk.loc), float(bulk.scale), bulk.params)
        wanted = [
            flat_draw(FillRequest(data, spec.shape, bulk.kernel, *numbers))
            for spec in specs
        ]
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
        counts[name]["entries"] = sum(array.size for array in wanted)
    return counts


if __name__ == "__main__":
    where, said = sys.argv[1], json.loads(sys.argv[2])
    print(json.dumps(main(where, *said)))
