"""Bulk fill gives every leaf the bits of its own draw, whatever comes with it."""

import contextlib
import functools
import math
import threading
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flat_draws import flat_draw

from eqinit._fill.bases import COLUMNS, eligible
from eqinit._fill.fill import fill
from eqinit._fill.kernels import WIDTH, compiled, prefetch, rows_per_launch
from eqinit._fill.put import Putter
from eqinit._fill.request import FillRequest, key_eligible


pytestmark = pytest.mark.bits
KINDS: dict[str, tuple[str, tuple[float, ...]]] = {
    "normal": ("normal", ()),
    "truncated": ("truncated_normal", ()),
    "truncated-skew": ("truncated_normal", (-1.5, 3.0)),
    "truncated-half": ("truncated_normal", (0.0, 5.4)),
    "uniform": ("uniform", ()),
    "uniform-unit": ("uniform", (0.0, 1.0)),
    "uniform-lim": ("uniform", (-0.037, 0.037)),
    "uniform-far": ("uniform", (-3.3, 17.1)),
    "lognormal": ("lognormal", ()),
}
LAUNCH = rows_per_launch(jax.devices()[0]) * WIDTH
# Around every edge: no element, one, a vector, a row, a launch; several axes; and
# (100, 3), for which jax 0.12 itself rounds otherwise than for (300,).
SHAPES: list[tuple[int, ...]] = [
    (),
    (0,),
    (0, 5),
    (1,),
    (3,),
    (7,),
    (31,),
    (33,),
    (5, 7),
    (100, 3),
    (2, 3, 4, 5, 6),
    (WIDTH - 1,),
    (WIDTH,),
    (WIDTH + 1,),
    (8, 3, 64, 33),
    (LAUNCH + 1,),
]
FEW = [(), (0, 5), (7,), (100, 3), (WIDTH + 1,), (LAUNCH + 1,)]
# -0.0 must survive a zero scale; a location must not be fused into its product.
MOVES = [(0.0, 1.0), (0.0, 0.02), (0.37, 1.71), (-1e-3, 123.4), (0.0, 0.0)]
LOW_PRECISION = [
    jnp.float16,
    jnp.bfloat16,
    jnp.float8_e4m3fn,
    jnp.float8_e5m2,
    jnp.float8_e4m3b11fnuz,
]


def same_bits(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    return (a.shape, a.dtype) == (b.shape, b.dtype) and a.tobytes() == b.tobytes()


def key_data(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**32, 2, dtype=np.uint32)


def typed(data: np.ndarray) -> jax.Array:
    return jax.random.wrap_key_data(jnp.asarray(data), impl="threefry2x32")


def requests_of(
    kind: str, shapes: list[tuple[int, ...]] = FEW, dtype: Any = np.float32
) -> list[FillRequest]:
    base, params = KINDS[kind]
    pairs = [(shape, move) for shape in shapes for move in MOVES]
    return [
        FillRequest(key_data(i), shape, base, loc, scale, params, dtype)
        for i, (shape, (loc, scale)) in enumerate(pairs)
    ]


def threefry(key: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Threefry-2x32 as its paper has it (Salmon et al. 2011), for 64-bit counters."""

    def turn(x: np.ndarray, by: int) -> np.ndarray:
        return (x << np.uint32(by)) | (x >> np.uint32(32 - by))

    k = [*key, key[0] ^ key[1] ^ np.uint32(0x1BD11BDA)]
    x0, x1 = (index >> np.uint64(32)).astype(np.uint32), index.astype(np.uint32)
    x0, x1 = x0 + k[0], x1 + k[1]
    for step in range(20):
        x0 = x0 + x1
        x1 = turn(x1, (13, 15, 26, 6, 17, 29, 16, 24)[step % 8]) ^ x0
        if step % 4 == 3:
            group = step // 4 + 1
            x0 = x0 + k[group % 3]
            x1 = x1 + (k[(group + 1) % 3] + np.uint32(group))
    return x0 ^ x1


def unit_interval(bits: np.ndarray) -> np.ndarray:
    one = np.float32(1).view(np.uint32)
    return ((bits >> np.uint32(9)) | one).view(np.float32) - np.float32(1)


@pytest.mark.parametrize("kind", KINDS)
def test_same_bits_as_the_draw_of_each_leaf(kind: str):
    requests = requests_of(kind, SHAPES if kind == "normal" else FEW)
    for request, array in zip(requests, fill(requests), strict=True):
        assert same_bits(array, flat_draw(request)), request


@pytest.mark.parametrize("dtype", LOW_PRECISION)
def test_low_precision_is_the_float32_draw_rounded_once(dtype: Any):
    shapes = [(), (100, 3)]
    requests = [r for k in ("normal", "uniform") for r in requests_of(k, shapes, dtype)]
    for request, array in zip(requests, fill(requests), strict=True):
        assert same_bits(array, flat_draw(request)), request


@pytest.mark.parametrize("shape", [(), (257,), (64, 33), (16, 7, 3, 3), (3, 3, 8, 16)])
def test_same_bits_as_jax_random(shape: tuple[int, ...]):
    data, scale, loc = key_data(1), np.float32(0.3), np.float32(0.7)
    key, f32 = typed(data), jnp.float32
    draws = {
        "normal": lambda: jax.random.normal(key, shape, f32),
        "truncated-skew": lambda: jax.random.truncated_normal(
            key, -1.5, 3.0, shape, f32
        ),
        "uniform-lim": lambda: jax.random.uniform(key, shape, f32, -0.037, 0.037),
    }
    # Seconds of compilation each for four axes.
    kinds = ["normal"] if len(shape) > 2 else draws
    for kind, wanted in ((kind, draws[kind]()) for kind in kinds):
        base, params = KINDS[kind]
        make = functools.partial(FillRequest, data, shape, base, params=params)
        plain, scaled, moved = fill([make(), make(scale=scale), make(loc, scale)])
        assert same_bits(plain, wanted)
        assert same_bits(scaled, wanted * scale)
        assert same_bits(moved, wanted * scale + loc)


@pytest.mark.parametrize("kind", ["normal", "truncated", "uniform", "lognormal"])
def test_resident_blocks_give_the_same(kind: str):
    # How blocks reach their leaves on an accelerator, here on CPU.
    requests = requests_of(kind, SHAPES[::3])
    for a, b in zip(fill(requests, resident=True), fill(requests), strict=True):
        assert same_bits(a, b)


def test_several_launches_stay_on_the_device():
    request = FillRequest(key_data(3), (3, LAUNCH), "uniform")
    small = FillRequest(key_data(4), (5,), "uniform")
    arrays = fill([small, request, small], resident=True)
    assert all(map(same_bits, arrays, fill([small, request, small])))


def test_an_offset_is_a_slice_of_the_larger_draw():
    data = key_data(5)
    whole = fill([FillRequest(data, (9000,), "normal")])[0]
    parts = [(0, 1), (1, 1023), (17, 5000), (1024, 1024), (8999, 1)]
    made = fill([FillRequest(data, (n,), "normal", offset=start) for start, n in parts])
    for (start, n), part in zip(parts, made, strict=True):
        assert same_bits(part, whole[start : start + n])
    assert same_bits(
        flat_draw(FillRequest(data, (9, 2), "normal", offset=5)),
        whole[5:23].reshape(9, 2),
    )


def test_bits_are_threefry_of_the_element_index():
    data = key_data(6)
    bits = threefry(data, np.arange(300, dtype=np.uint64))
    assert same_bits(jax.random.bits(typed(data), (300,), jnp.uint32), bits)


@pytest.mark.parametrize("offset", [2**31 - 5, 2**32 - 700, 2**32, 2**40 + 12345])
def test_beyond_32_bits_of_index(offset: int):
    # 0 <= u < 1 shows the upper 23 bits of each draw; a row crosses 2**32.
    data = key_data(7)
    request = FillRequest(data, (3000,), "uniform", params=(0.0, 1.0), offset=offset)
    index = np.arange(3000, dtype=np.uint64) + np.uint64(offset)
    assert same_bits(fill([request])[0], unit_interval(threefry(data, index)))


def test_every_leaf_gets_its_own():
    # 500 leaves of mixed kinds, dtypes and sizes share few launches, and stay in order.
    rng = np.random.default_rng(8)
    dtypes = [np.float32, jnp.bfloat16]
    requests = [
        FillRequest(
            key_data(i),
            (int(rng.integers(0, 40)), 50),
            *[("normal", 0.0, 0.5), ("uniform", 0.1, 2.0)][i % 2],
            dtype=dtypes[i // 2 % 2],
        )
        for i in range(500)
    ]
    arrays = fill(requests)
    for i in range(0, 500, 37):
        assert same_bits(arrays[i], fill([requests[i]])[0])
    assert same_bits(arrays[37], flat_draw(requests[37]))
    for request, array in zip(requests, arrays, strict=True):
        assert (array.shape, array.dtype) == (request.shape, request.dtype)


def test_arrays_are_ordinary():
    shapes = [(0,), (3,), (5,), (LAUNCH + 77,), (LAUNCH + 78,)]
    requests = [FillRequest(key_data(9), shape, "uniform") for shape in shapes]
    for resident in (False, True):
        arrays = fill(requests, resident=resident)
        assert not any(a.weak_type or a.committed for a in arrays)
        held = [a.unsafe_buffer_pointer() for a in arrays if a.size]
        assert len(set(held)) == len(held)
        assert all(isinstance(a, jax.Array) for a in arrays)


def test_arrays_keep_their_values():
    # The memory of a long leaf began as numpy's: later fills must not touch it, and
    # giving one array away must leave the others alone.
    request = FillRequest(key_data(10), (2, LAUNCH), "uniform")
    first, second = fill([request, request])
    before = np.array(first)
    del second
    fill([FillRequest(key_data(11), (2, LAUNCH), "uniform")])
    assert same_bits(first, before)
    third = fill([request])[0]
    doubled = jax.jit(lambda x: x + x, donate_argnums=0)(third)
    assert third.is_deleted()
    assert same_bits(doubled, 2 * before)
    assert same_bits(first, before)


def test_a_device_can_be_asked_for():
    device = jax.devices()[-1]
    shapes = [(0,), (4,), (LAUNCH + 1,)]
    requests = [FillRequest(key_data(12), shape, "normal") for shape in shapes]
    for resident in (False, True):
        arrays = fill(requests, device=device, resident=resident)
        assert all(a.devices() == {device} and a.committed for a in arrays)
        assert all(map(same_bits, arrays, fill(requests)))


def test_nothing_compiles_for_a_new_shape():
    compiled: list[str] = []

    def listen(event: str, duration: float, **_: Any) -> None:
        del duration
        if "backend_compile" in event:
            compiled.append(event)

    for base in ("normal", "truncated_normal"):
        fill([FillRequest(key_data(13), (3,), base, dtype=jnp.float16)])
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        jax.jit(lambda x: x * 3 - 1)(jnp.ones(3))
        assert compiled, "the event that this test counts is gone"
        compiled.clear()
        shapes = [(n, 7) for n in range(1, 60)] + [(LAUNCH + 3,)]
        fill(
            [
                FillRequest(key_data(n), s, base, 0.1, n, dtype=jnp.float16)
                for n, s in enumerate(shapes)
                for base in ("normal", "truncated_normal")
            ]
        )
        assert not compiled
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


def test_progress_counts_every_byte():
    done: list[int] = []
    shapes = [(3,), (0,), (LAUNCH, 2), (17, 5)]
    requests = [
        FillRequest(key_data(14), shape, "uniform", dtype=dtype)
        for shape in shapes
        for dtype in (np.float32, jnp.bfloat16)
    ]
    for resident in (False, True):
        done.clear()
        arrays = fill(requests, progress=done.append, resident=resident)
        assert sum(done) == sum(a.nbytes for a in arrays)
        assert len(done) > 2


def test_no_requests_no_arrays():
    assert fill([]) == []
    prefetch([])


def test_prefetched_from_many_threads():
    request = FillRequest(key_data(15), (40,), "lognormal", dtype=jnp.float8_e5m2)
    prefetch(["lognormal", "truncated_normal"], jnp.float8_e5m2)
    made: list[jax.Array] = []
    threads = [
        threading.Thread(target=lambda: made.extend(fill([request]))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert all(same_bits(a, flat_draw(request)) for a in made)


def test_x64_changes_nothing():
    requests = [r for kind in KINDS for r in requests_of(kind) if r.size < 500]
    narrow = fill(requests)
    enabled = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", True)
    try:
        for resident in (False, True):
            wide = fill(requests, resident=resident)
            assert all(map(same_bits, narrow, wide))
            assert not any(a.weak_type for a in wide)
    finally:
        jax.config.update("jax_enable_x64", enabled)


def test_keys_that_can_be_cut():
    assert key_eligible(jax.random.key(0))
    assert key_eligible(jax.random.PRNGKey(0))
    assert key_eligible(np.array([1, 2], np.uint32))
    assert not key_eligible(jax.random.key(0, impl="rbg"))
    assert not key_eligible(jax.random.key(0, impl="unsafe_rbg"))
    assert not key_eligible(jax.random.PRNGKey(0, impl="rbg"))
    assert not key_eligible(jax.random.split(jax.random.key(0)))
    assert not key_eligible(jnp.zeros(2))
    assert not key_eligible(0)
    jax.eval_shape(lambda k: [None][key_eligible(k)], jax.random.key(0))
    with jax.threefry_partitionable(False):
        assert not key_eligible(jax.random.key(0))
        assert not eligible(FillRequest(key_data(0), (3,), "normal"))
    with jax.default_prng_impl("rbg"):
        assert not key_eligible(np.array([1, 2], np.uint32))
        assert key_eligible(jax.random.key(0, impl="threefry2x32"))


def test_requests_that_can_be_filled():
    make = functools.partial(FillRequest, key_data(0), (3,), "normal")
    assert eligible(make())
    assert eligible(make(dtype=jnp.bfloat16))
    refused = [
        make(dtype=np.float64),
        make(dtype=np.complex64),
        make(dtype=np.int32),
        make(offset=2**64 - 2),
        FillRequest(key_data(0), (3,), "cauchy"),
        FillRequest(np.zeros(4, np.uint32), (3,), "normal"),
    ]
    assert not any(map(eligible, refused))
    with pytest.raises(ValueError, match="6 of 7 requests cannot be filled in bulk"):
        fill([make(), *refused])


@pytest.mark.parametrize("kind", ["normal", "truncated", "uniform-far", "lognormal"])
def test_the_law(kind: str):
    base, params = KINDS[kind]
    n = 200_000
    x = np.asarray(fill([FillRequest(key_data(16), (n,), base, params=params)])[0])
    x = np.log(x) if kind == "lognormal" else x
    # Standard deviation of the law, and the kurtosis that rules its sampling error.
    # Truncated at 2: variance 1 - 4 pdf(2) / (2 cdf(2) - 1).
    variance, kurtosis = {
        "truncated": (0.7737413, 2.4),
        "uniform-far": (20.4**2 / 12, 1.8),
    }.get(kind, (1.0, 3.0))
    mean = 6.9 if kind == "uniform-far" else 0.0
    # Five standard errors: false once in two million seeds.
    assert abs(x.mean() - mean) < 5 * math.sqrt(variance / n)
    error = 5 * math.sqrt((kurtosis - 1) / n)
    assert abs(np.square(x - mean).mean() / variance - 1) < error


@pytest.mark.parametrize("jitted", [True, False])
def test_thousands_of_arrays_are_put_in_order(jitted: bool):
    shapes = [(3,) if i % 3 else (i % 5, 2) for i in range(3200)]
    hosts = [np.full(shape, i, np.float32) for i, shape in enumerate(shapes)]
    with contextlib.nullcontext() if jitted else jax.disable_jit():
        putter = Putter(None, ((host.shape, host.dtype) for host in hosts))
        put = putter.put(hosts)
    for i, (array, shape) in enumerate(zip(put, shapes, strict=True)):
        assert isinstance(array, jax.Array)
        assert not array.committed
        assert array.shape == shape
        assert np.array_equal(array, np.full(shape, i, np.float32))


def test_small_leaves_hold_no_launch(monkeypatch: pytest.MonkeyPatch):
    # A view of a launch would keep all of its memory alive.
    launches: list[jax.Array] = []

    def watched(*name: Any) -> Any:
        kernel = compiled(*name)

        def launch(table: np.ndarray) -> jax.Array:
            launches.append(kernel(table))
            return launches[-1]

        return launch

    monkeypatch.setattr("eqinit._fill.fill.compiled", watched)
    key = np.zeros(2, np.uint32)
    leaves = fill([FillRequest(key, (8,), "normal") for _ in range(9)])
    assert len(launches) == 1
    start = launches[0].unsafe_buffer_pointer()
    held = range(start, start + launches[0].nbytes)
    assert not [leaf for leaf in leaves if leaf.unsafe_buffer_pointer() in held]


@pytest.mark.thorough
@pytest.mark.parametrize("base", ["normal", "uniform", "lognormal"])
def test_numbers_overwrite_the_bits_that_they_are_made_of(base: str):
    # In place, as both are of one dtype: nothing is needed beside the output.
    device = jax.devices()[0]
    kernel: Any = compiled(base, "float32", 128, device)
    memory = kernel.lower(np.zeros((128, COLUMNS), np.uint32)).compile()
    memory = memory.memory_analysis()
    assert memory.output_size_in_bytes == 4 * 128 * WIDTH
    assert memory.temp_size_in_bytes < memory.output_size_in_bytes / 8
