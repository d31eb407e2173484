"""Much of everything: leaves, entries, applies, threads. All slow."""

import gc
import json
import os
import subprocess
import sys
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest

import eqinit as ei


pytestmark = pytest.mark.slow
nn = eqx.nn
KEY = jax.random.key(0)
RULES = [ei.Rule(nn.Linear, weight=ei.HeNormal(), bias=ei.Normal(0.1))]


def run(code: str, **env: str) -> str:
    """What a process of a user's prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **env},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


MANY_LEAVES = """
import equinox as eqx, jax, numpy as np
import eqinit as ei
layer = eqx.nn.Linear(2, 2, key=jax.random.key(0))
fresh = lambda: jax.tree_util.tree_map(lambda x: x, layer)
model = [fresh() for _ in range(50_000)]
rules = [ei.Rule(eqx.nn.Linear, weight=ei.HeNormal(), bias=ei.Normal(0.1))]
drawn = ei.apply(model, jax.random.key(1), rules)
weights = {np.asarray(layer.weight).tobytes() for layer in drawn}
print(len(weights), sum(x.weight.size + x.bias.size for x in drawn))
"""


def test_a_hundred_thousand_leaves_are_all_drawn_apart():
    distinct, numbers = map(int, run(MANY_LEAVES).split())
    assert numbers == 300_000
    # 128 bits each of 50,000 normals: two alike once in 10^28 models.
    assert distinct == 50_000


def test_two_billion_entries_are_planned_without_memory():
    shape = jax.ShapeDtypeStruct((40_000, 50_000), np.float32)
    layer = nn.Linear(2, 2, use_bias=False, key=KEY)
    model = eqx.tree_at(lambda m: m.weight, layer, shape)
    plan = ei.plan(model, [ei.Rule(nn.Linear, weight=ei.HeNormal())])
    assert plan["weight"].spec.fan_in == 50_000
    assert plan["weight"].std == pytest.approx((2 / 50_000) ** 0.5)
    assert "2,000,000,000 numbers" in str(plan)
    # Traced, the draw is a program of this shape, and nothing is allocated either.
    traced = eqx.filter_eval_shape(ei.apply, model, KEY, RULES[:1])
    assert traced.weight.shape == shape.shape


SHARDED = """
import json, os
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"
import equinox as eqx, jax, numpy as np
import eqinit as ei
from jax.sharding import NamedSharding, PartitionSpec
spread = NamedSharding(jax.make_mesh((4,), ("d",)), PartitionSpec("d", None))
shape = jax.ShapeDtypeStruct((40_000, 50_000), np.float32, sharding=spread)
layer = eqx.nn.Linear(2, 2, use_bias=False, key=jax.random.key(0))
model = eqx.tree_at(lambda m: m.weight, layer, shape)
rules = [ei.Rule(eqx.nn.Linear, weight=ei.HeNormal())]
draw = jax.jit(lambda key: ei.apply(model, key, rules).weight)
done = draw.lower(jax.random.key(1)).compile()
memory = done.memory_analysis()
(out,) = jax.tree_util.tree_leaves(done.output_shardings)
print(json.dumps([memory.output_size_in_bytes, memory.temp_size_in_bytes,
                  out.is_equivalent_to(spread, 2)]))
"""


def test_two_billion_entries_are_drawn_a_shard_on_each_device():
    # Compiled and not run: a device holds its quarter, and some arrays of that size.
    out, temporary, placed = json.loads(run(SHARDED).splitlines()[-1])
    assert placed
    assert out == 8_000_000_000 // 4
    assert temporary < 4 * out


def test_a_thousand_applies_neither_grow_nor_compile():
    compiled: list[str] = []

    def listen(event: str, duration: float, **_: Any) -> None:
        del duration
        if "backend_compile" in event:
            compiled.append(event)

    model = nn.MLP(8, 4, 16, 2, key=KEY)
    rules = [ei.Rule(nn.Linear, weight=ei.Orthogonal(), bias=ei.Normal(0.1))]
    for seed in range(20):
        ei.apply(model, jax.random.key(seed), rules)
    gc.collect()
    objects, arrays = len(gc.get_objects()), len(jax.live_arrays())
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        for seed in range(1000):
            ei.apply(model, jax.random.key(seed), rules)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    gc.collect()
    assert compiled == []
    assert len(jax.live_arrays()) <= arrays
    # A hundred objects are no trend: one for each apply would be a thousand.
    assert len(gc.get_objects()) - objects < 100


COLD_THREADS = """
import threading, equinox as eqx, jax, numpy as np
import eqinit as ei
model = eqx.nn.MLP(8, 4, 16, 2, key=jax.random.key(0))
rules = [ei.Rule(eqx.nn.Linear, weight=ei.HeNormal(), bias=ei.Uniform(0.1)),]
start, drawn = threading.Barrier(8), [None] * 8
def work(i):
    start.wait()
    drawn[i] = ei.apply(model, jax.random.key(7), rules)
threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
bits = {b"".join(np.asarray(x).tobytes() for x in jax.tree_util.tree_leaves(
    eqx.filter(d, eqx.is_array))) for d in drawn}
print(len(bits), bits.pop().hex()[:64])
"""


def test_eight_threads_from_cold_draw_the_same():
    outputs = {run(COLD_THREADS) for _ in range(2)}
    (only,) = outputs
    assert only.startswith("1 ")
