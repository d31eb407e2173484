"""A dry run: which layers are called, in what order, sliced how, returning what.

Nothing is computed: the call is traced once on abstract values. Stacks are not guessed
from a layout: a weight that is `(12, 64, 64)` in the model and `(64, 64)` when its
layer is called has been sliced along 12.
"""

import collections
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np

from ..._inference.calls import check_call
from ..._typing import Shape
from .layers import TapPoint, axis_within
from .memory import from_memory, structure
from .tap import AbstractTap, KeyPath, Run, attach_all


@dataclasses.dataclass(frozen=True)
class Output:
    """One array that a layer returns.

    - `label`: where in the layer's output it stands; empty where that is the array.
    - `units`: how many features (channels) it has; 0 where calls disagree.
    - `axis`: the axis that counts them; in a call that returns fewer axes, the last.
    """

    label: str
    units: int
    axis: int
    complex: bool


@dataclasses.dataclass(frozen=True)
class CalledLayer:
    """One layer that was called.

    - `stack`: the leading axes along which it is scanned or vmapped.
    - `root`: where the stacked part of the model begins, so what is scanned together.
    """

    path: str
    keys: KeyPath
    kind: str
    stack: Shape
    root: KeyPath
    outputs: tuple[Output, ...]


@dataclasses.dataclass(frozen=True)
class _Call:
    index: int
    stack: Shape | None
    outputs: tuple[Output, ...]


class _Recorder:
    """What the marks report to while the call is traced; equal only to itself."""

    def __init__(self, layers: Sequence[TapPoint]):
        self.layers = layers
        self.calls: list[_Call] = []

    def add(self, index: int, layer: eqx.Module, out: Any) -> None:
        original = self.layers[index].node.module
        outputs = _outputs(self.layers[index].unit_axis, out)
        self.calls.append(_Call(index, _stack(original, layer), outputs))


class _Mark(AbstractTap):
    # Static, and not equal to those of another run: a jitted function inside of the
    # model is traced anew instead of being found in a cache and not seen.
    index: int = eqx.field(static=True)
    recorder: _Recorder = eqx.field(static=True)

    def __call__(
        self, layer: eqx.Module, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        out = run(layer, *args, **kwargs)
        self.recorder.add(self.index, layer, out)
        return out


def is_state(node: Any) -> bool:
    """Running statistics travel with outputs but are no signal."""
    return isinstance(node, eqx.nn.State)


def is_signal(leaf: Any) -> bool:
    """Whether an output leaf can be measured: a non-empty array of floats."""
    return eqx.is_inexact_array(leaf) and leaf.size > 0


def _outputs(unit_axis: int, out: Any) -> tuple[Output, ...]:
    outputs: list[Output] = []
    for keys, leaf in jtu.tree_leaves_with_path(out, is_leaf=is_state):
        if is_signal(leaf):
            axis = axis_within(unit_axis, leaf.ndim)
            units = leaf.shape[axis] if leaf.ndim else 1
            cplx = bool(jnp.issubdtype(leaf.dtype, jnp.complexfloating))
            outputs.append(Output(jtu.keystr(keys), units, unit_axis, cplx))
    return tuple(outputs)


def _arrays(tree: Any) -> list[Any]:
    kinds = (jax.Array, np.ndarray, jax.ShapeDtypeStruct)
    return [x for x in jtu.tree_leaves(tree) if isinstance(x, kinds)]


def _stack(original: Any, called: Any) -> Shape | None:
    """The leading axes that a layer's arrays lost on the way to its call."""
    before, after = _arrays(original), _arrays(called)
    if not before or len(before) != len(after):
        return None  # no arrays to tell by, or it was put into another form on the way
    votes: collections.Counter[Shape] = collections.Counter()
    for a, b in zip(before, after, strict=True):
        lost = a.ndim - b.ndim
        if lost >= 0 and a.shape[lost:] == b.shape:
            votes[tuple(a.shape[:lost])] += 1
    return votes.most_common(1)[0][0] if votes else None


def dry_run(
    model: Any,
    call: Callable[..., Any],
    args: tuple[Any, ...],
    layers: Sequence[TapPoint],
    context: Sequence[TapPoint] = (),
) -> tuple[list[CalledLayer], list[str]]:
    """Trace `call(model, *args)` and say what happened.

    **Arguments:**

    - `model`, `call`, `args`: as for [`eqinit.probe`][].
    - `layers`: whose calls are wanted.
    - `context`: further layers that help to see stacks (those with parameters).

    **Returns:** the layers that were called, in the order in which their outputs came,
    and the paths of those that were not. For a structure that was seen before nothing
    is traced: on small models that would cost more than the pass itself.
    """
    names = tuple((p.path, p.unit_axis) for p in (*layers, *context)), len(layers)
    key = (call, names, structure((model, args)))
    called, missing = from_memory(
        key, lambda: _trace(model, call, args, layers, context)
    )
    return list(called), list(missing)


def some_called(
    model: Any,
    call: Callable[..., Any],
    args: tuple[Any, ...],
    layers: Sequence[TapPoint],
    context: Sequence[TapPoint] = (),
) -> tuple[list[CalledLayer], list[str]]:
    """`dry_run`, where a call of none of the layers is a mistake."""
    called, missing = dry_run(model, call, args, layers, context)
    if not called:
        raise ValueError(
            f"`call` calls none of the {len(layers)} selected layers (or none of them "
            f"returns floating-point arrays): {', '.join(p.path for p in layers[:8])}. "
            "It has to run the model that it is given, and not one that it closes over."
        )
    return called, missing


def _trace(
    model: Any,
    call: Callable[..., Any],
    args: tuple[Any, ...],
    layers: Sequence[TapPoint],
    context: Sequence[TapPoint],
) -> tuple[list[CalledLayer], list[str]]:
    wanted = {point.node.keys for point in layers}
    extra = [point for point in context if point.node.keys not in wanted]
    recorder = _Recorder([*layers, *extra])
    marks = {p.node.keys: _Mark(i, recorder) for i, p in enumerate(recorder.layers)}
    try:
        eqx.filter_eval_shape(call, attach_all(model, marks), *args)
    except Exception as error:
        # Raises by itself where the fault is not in the taps.
        check_call(model, call, args)
        raise ValueError(_blame(error)) from error
    stacks = _settle_stacks(recorder)
    order = dict.fromkeys(call.index for call in recorder.calls)
    called = [_called_layer(recorder, i, stacks) for i in order if i < len(layers)]
    keys = {layer.keys for layer in called}
    missing = [p.path for p in layers if p.node.keys not in keys]
    return [layer for layer in called if layer.outputs], missing


def _blame(error: Exception) -> str:
    return (
        "the call works on the model but not on the model with taps on its layers: "
        f"{type(error).__name__}: {error}\n"
        "A layer with a tap is an instance of a subclass of its own class. Code that "
        "asks `type(x) is ...`, or puts the model together with a second copy of it "
        "inside the call (`eqx.combine` with a static half made outside), does not "
        "know it. "
        "Pass the whole model, or leave such layers out with `select=`."
    )


def _settle_stacks(recorder: _Recorder) -> dict[int, Shape]:
    """The stack of every layer; those without arrays share their neighbours'."""
    known = {c.index: c.stack for c in recorder.calls if c.stack is not None}
    settled = dict(known)
    for call in recorder.calls:
        if call.index not in settled:
            settled[call.index] = _inherited(recorder, call.index, known)
    return settled


def _inherited(recorder: _Recorder, index: int, known: dict[int, Shape]) -> Shape:
    keys = recorder.layers[index].node.keys
    for length in range(len(keys), -1, -1):
        votes = collections.Counter(
            stack
            for i, stack in known.items()
            if recorder.layers[i].node.keys[:length] == keys[:length]
        )
        if votes:
            return votes.most_common(1)[0][0]
    return ()


def _called_layer(
    recorder: _Recorder, index: int, stacks: dict[int, Shape]
) -> CalledLayer:
    point = recorder.layers[index]
    outputs = _agreed([c.outputs for c in recorder.calls if c.index == index])
    return CalledLayer(
        point.path,
        point.node.keys,
        type(point.node.module).__name__,
        stacks[index],
        _root(point, stacks[index]),
        outputs,
    )


def _agreed(calls: list[tuple[Output, ...]]) -> tuple[Output, ...]:
    """What a layer returns; a width that changes from call to call becomes 0."""
    first = max(calls, key=len)
    agreed: list[Output] = []
    for i, output in enumerate(first):
        widths = {call[i].units for call in calls if i < len(call)}
        units = output.units if len(widths) == 1 else 0
        agreed.append(dataclasses.replace(output, units=units))
    return tuple(agreed)


def _root(point: TapPoint, stack: Shape) -> KeyPath:
    """The outermost module above a layer all of whose arrays share its stack."""
    for above in point.node.ancestors:
        if stack and all(x.shape[: len(stack)] == stack for x in _arrays(above.module)):
            return above.keys
    return point.node.keys
