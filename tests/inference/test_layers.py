"""Every layer of `equinox.nn`, called: the computation says what its layout says."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from layers import LAYERS, LayerCase

import eqinit as ei


nn = eqx.nn
KEY = jax.random.key(0)


def floats(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def plain(model: Any, *inputs: Any) -> Any:
    return model(*inputs)


def batched(pair: Any, batch: Any) -> Any:
    model, state = pair
    axes = {"in_axes": (0, None), "out_axes": (0, None), "axis_name": "batch"}
    return jax.vmap(lambda x, s: model(x, s), **axes)(batch, state)[0]


def with_state(pair: Any, x: Any) -> Any:
    model, state = pair
    return model(x, state)[0]


# By the name of the case: inputs, and how it is called where not as it is.
CALLS: dict[str, tuple[Any, ...]] = {
    "Linear": (floats(24),),
    "Linear-in": (floats(),),
    "Linear-out": (floats(96),),
    "Conv1d": (floats(8, 9),),
    "Conv2d": (floats(3, 9, 9),),
    "Conv3d": (floats(2, 5, 5, 5),),
    "Conv2d-grouped": (floats(8, 9, 9),),
    "Conv2d-depthwise": (floats(16, 9, 9),),
    "Conv1d-multiplier": (floats(8, 9),),
    "ConvTranspose1d": (floats(8, 9),),
    "ConvTranspose2d": (floats(4, 5, 5),),
    "ConvTranspose2d-grouped": (floats(8, 5, 5),),
    "ConvTranspose3d": (floats(2, 3, 3, 3),),
    "LSTMCell": (floats(20), (floats(12), floats(12))),
    "GRUCell": (floats(20), floats(12)),
    "MultiheadAttention": (floats(5, 12), floats(7, 14), floats(7, 16)),
    "MLP": (floats(6),),
    "Embedding": (jax.ShapeDtypeStruct((), jnp.int32),),
    "LayerNorm": (floats(3, 4),),
    "RMSNorm": (floats(4),),
    "GroupNorm": (floats(4, 5),),
    "BatchNorm": (floats(6, 4, 5),),
    "PReLU": (floats(3),),
    "SpectralNorm": (floats(3),),
}
HOW: dict[str, Callable[..., Any]] = {"BatchNorm": batched, "SpectralNorm": with_state}
STATEFUL = {
    "BatchNorm": lambda key: nn.BatchNorm(4, axis_name="batch", mode="ema"),
    "SpectralNorm": lambda key: nn.SpectralNorm(
        nn.Linear(3, 4, key=key), "weight", key=key
    ),
}


@pytest.mark.parametrize("case", LAYERS, ids=[case.name for case in LAYERS])
def test_roles_and_fans_are_those_worked_out_by_hand(case: LayerCase):
    stateful = STATEFUL.get(case.name)
    make = case.make if stateful is None else nn.make_with_state(stateful)
    model = eqx.filter_eval_shape(make, KEY)
    call = HOW.get(case.name, plain)
    rows = {r.path: r for r in ei.trace_layouts(model, call, *CALLS[case.name])}
    assert set(rows) == set(case.parameters)
    for path, (_, fans, role) in case.parameters.items():
        row = rows[path]
        if case.name == "PReLU":  # a factor of data, which cannot be told from a scale
            assert (row.status, row.role) == ("ambiguous", "scale")
            continue
        assert row.status == "certain", row
        assert row.role == role
        if role in ("kernel", "bias") and fans is not None:
            fan_out = (row.fan_out or 0) / (2 if "MHA" in path else 1)
            assert (row.fan_in, fan_out) == fans


def test_every_case_has_a_call():
    assert CALLS.keys() == {case.name for case in LAYERS}


@pytest.mark.parametrize("stack", [(), (3,), (3, 2)], ids=["one", "stack", "two"])
def test_stacked_layers_are_read_as_one(stack: tuple[int, ...]):
    def make(key: Any) -> Any:
        return nn.MLP(4, 3, 8, 1, key=key)

    run = plain
    for _ in stack:
        make, run = eqx.filter_vmap(make), eqx.filter_vmap(run)
    model = eqx.filter_eval_shape(make, jax.random.split(KEY, stack) if stack else KEY)
    rows = ei.trace_layouts(model, run, floats(*stack, 4))
    for row in rows:
        assert row.status == "certain"
        assert row.axes == ("out in" if row.path.endswith("weight") else "out")
    assert [row.fan_in for row in rows] == [4, 4, 8, 8]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "complex64"])
def test_dtypes(dtype: str):
    model = eqx.filter_eval_shape(lambda: nn.Linear(4, 3, dtype=dtype, key=KEY))
    x = jax.ShapeDtypeStruct((4,), dtype)
    rows = ei.trace_layouts(model, plain, x)
    assert [(row.status, row.axes) for row in rows] == [
        ("certain", "out in"),
        ("certain", "out"),
    ]


def test_the_state_of_a_model_is_no_data():
    pair = nn.make_with_state(STATEFUL["BatchNorm"])(KEY)
    assert len(ei.trace_layouts(pair, batched, floats(6, 4, 5))) == 2
    with pytest.raises(ValueError, match="got no array among the arguments"):
        ei.trace_layouts(pair, lambda pair: pair[1])


def test_a_running_sum_of_constants_is_a_constant():
    def call(layer: Any, x: Any) -> Any:
        return jnp.cumsum(jnp.ones(4, jnp.float32)) * layer(x)

    traced = ei.trace_layouts(nn.Linear(3, 4, key=KEY), call, jnp.ones(3))
    rows = {row.path: row for row in traced}
    assert (rows["weight"].axes, rows["weight"].status) == ("out in", "certain")
