"""Rules of functions that act on each entry of an array."""

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from .combining import apart, product, summation
from .curves import apply
from .digits import VARIES, Dims, overlaid, owned, paired, plain
from .domain import Meaning, bits_of, union, varied
from .values import Kind, Track, Value, constant
from .walker import Equation, Rule


_SUMS = ("add", "sub", "add_any")
_PRODUCTS = ("mul", "div")
# Functions of one array that change no value, or its sign.
_LINEAR = (
    "neg copy copy_p reduce_precision stop_gradient real imag conj sharding_constraint "
    "optimization_barrier complex device_put"
).split()


def fitted(value: Value, shape: tuple[int, ...]) -> Value:
    """An input whose axes of length one stretch to those of the output."""
    if value.shape == shape:
        return value
    if not value.shape:
        spread = plain(shape)
        tracks = [t.but(dims=spread) for t in value.tracks]
        return value.but(spread=spread, tracks=tuple(tracks))

    def stretch(dims: Dims) -> Dims:
        pairs = zip(dims, value.shape, plain(shape), strict=True)
        return tuple(b if n == 1 and b else a for a, n, b in pairs)

    tracks = [t.but(dims=stretch(t.dims)) for t in value.tracks]
    return value.but(spread=stretch(value.spread), tracks=tuple(tracks))


def elementwise(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    values = [fitted(value, eqn.outputs[0].shape) for value in values]
    kind = max(value.kind for value in values)
    picked = [v for v in values if "picked" in v.notes]
    if kind == Kind.PARAMETER and picked and _leaves_its_place(eqn, values):
        values = [
            domain.as_data(v, eqn.place, "lookup") if v in picked else v for v in values
        ]
        kind = Kind.DATA
    if kind == Kind.CONSTANT:
        return [_constant(eqn, values)]
    if kind == Kind.PARAMETER:
        return [_of_parameters(domain, eqn, values)]
    return [_of_data(domain, eqn, values)]


def _leaves_its_place(eqn: Equation, values: Sequence[Value]) -> bool:
    """Whether a looked-up row meets something other than constants and casts."""
    alone = sum(value.kind == Kind.PARAMETER for value in values) == 1
    return not (alone and _keeps_linear(eqn, values))


def _keeps_linear(eqn: Equation, values: Sequence[Value]) -> bool:
    name = eqn.name
    if name == "convert_element_type":
        return bool(jnp.issubdtype(eqn.outputs[0].dtype, jnp.inexact))
    if name == "div":
        return values[1].kind == Kind.CONSTANT
    return name in (*_SUMS, "mul", "select_n", "convert_element_type", *_LINEAR)


def _constant(eqn: Equation, values: Sequence[Value]) -> Value:
    curve = None
    if all(np.ndim(v.curve) == 0 for v in values):
        curve = apply(eqn.name, eqn.params, [v.curve for v in values])
    if eqn.name == "convert_element_type":
        curve = values[0].curve
    notes = {n for v in values for n in v.notes & {"buffer"}}
    return constant(eqn.outputs[0].shape, curve, tuple(notes))


def _curve(eqn: Equation, values: Sequence[Value]) -> tuple[Any, frozenset[Any]]:
    """The composed function, where all that varies goes back to one input."""
    roots = {value.roots for value in values if value.roots}
    if len(roots) != 1:
        return None, frozenset()
    (root,) = roots
    active = [value for value in values if value.roots]
    if eqn.name in ("convert_element_type", *_LINEAR) and eqn.name != "neg":
        return active[0].curve, root
    if eqn.name in (*_SUMS, *_PRODUCTS, "select_n") and len(active) == 1:
        others = [value for value in values if not value.roots]
        if any(np.ndim(v.curve) or v.curve is None for v in others):
            # Masks, biases (zero) and scales (one) leave the function as it is.
            return (
                None if values[-1].roots and eqn.name == "div" else active[0].curve
            ), root
    return apply(eqn.name, eqn.params, [value.curve for value in values]), root


def _of_parameters(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> Value:
    """A function of parameters (and constants) is a parameter still."""
    linear = _keeps_linear(eqn, values)
    curve, roots = _curve(eqn, values)
    tracks: dict[Any, Track] = {}
    for value in values:
        lone = value.curve if value.roots and curve is None else None
        for track in value.tracks:
            track = track.but(
                linear=track.linear and linear,
                curve=lone if track.curve is None else track.curve,
                marks=track.marks | _masked(eqn, values),
            )
            before = tracks.get(track.of)
            tracks[track.of] = track if before is None else _both(eqn, before, track)
    mine = [v.spread for v in values if v.kind == Kind.PARAMETER]
    spread = functools.reduce(overlaid, mine)
    notes = frozenset(n for v in values for n in v.notes & {"picked"})
    reach = union(*(v.reach for v in values))
    return Value(
        Kind.PARAMETER, spread, tuple(tracks.values()), curve, roots, reach, notes=notes
    )


def _masked(eqn: Equation, values: Sequence[Value]) -> set[str]:
    """A product with an array of constants, or a choice by one, hides entries."""
    if eqn.name not in ("mul", "select_n"):
        return set()
    arrays = [v for v in values if v.kind == Kind.CONSTANT and v.curve is None]
    return {"masked"} if any(v.shape for v in arrays) else set()


def _both(eqn: Equation, one: Track, other: Track) -> Track:
    """One parameter in both operands."""
    sizes = [sum(1 for _ in owned(t.dims)) for t in (one, other)]
    fuller, lesser = (one, other) if sizes[0] >= sizes[1] else (other, one)
    marks = one.marks | other.marks
    if "reduced" in lesser.marks:
        if "reduced" not in fuller.marks:  # divided by its norm, or without its mean
            marks = (marks - {"reduced"}) | {"normalised"}
        return fuller.but(marks=marks)
    if one.dims == other.dims and one.cuts == other.cuts:
        linear = one.linear and other.linear and eqn.name != "mul"
        return one.but(marks=marks, linear=linear)
    joint = (
        "pair" if np.issubdtype(eqn.outputs[0].dtype, np.complexfloating) else "mixed"
    )
    cuts = one.cuts | other.cuts
    return fuller.but(marks=marks | {joint}, cuts=cuts)


def _of_data(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> Value:
    data = [v for v in values if v.kind == Kind.DATA]
    if any(v.kind == Kind.PARAMETER for v in values):
        values, met = _met(domain, eqn, values, data)
        data = [v for v in values if v.kind == Kind.DATA]
    else:
        met = ()
    name, curve_and_roots = eqn.name, _curve(eqn, values)
    if name in _SUMS and len(data) == 2:
        out = summation(domain, eqn, data, curve_and_roots)
    elif name in _PRODUCTS and len(data) == 2:
        out = product(domain, eqn, data, curve_and_roots)
    else:
        linear = _keeps_linear(eqn, values) and not (
            name == "select_n" and values[0].kind == Kind.DATA and _decides(values)
        )
        if curve_and_roots[0] is None:
            for value in data:
                domain.note_curve(value)
        _note_means(domain, eqn, values)
        out = domain.blend(values, linear, _notes(eqn, values))
        out = out.but(curve=curve_and_roots[0], roots=curve_and_roots[1])
    return (
        out.but(tracks=out.tracks + met, reach=out.reach | bits_of(met)) if met else out
    )


def _note_means(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> None:
    """A sum that is divided by how many there were."""
    sums = [
        (n.removeprefix("sum of "), v) for v in values for n in v.notes if "sum" in n
    ]
    numbers = [v.curve for v in values if v.kind == Kind.CONSTANT]
    for count, value in sums if eqn.name in _PRODUCTS else ():
        wanted = int(count) if eqn.name == "div" else 1 / int(count)
        if any(
            isinstance(c, (int, float)) and math.isclose(c, wanted) for c in numbers
        ):
            for track in value.tracks:
                domain.fate(track).averaged = True


def _decides(values: Sequence[Value]) -> bool:
    """Whether the condition of a choice is computed from what it chooses."""
    return any(values[0].near & case.direct for case in values[1:])


def _numbers_an_axis(values: Sequence[Value]) -> bool:
    """Whether data is compared with constants that differ where it is repeated."""
    data, fixed = sorted(values, key=lambda value: -value.kind)
    return fixed.kind == Kind.CONSTANT and apart(fixed, data)


def _notes(eqn: Equation, values: Sequence[Value]) -> frozenset[str]:
    passing = set("normalised one-hot outer routed scaled shared weighed".split())
    kept = frozenset(n for v in values for n in v.notes & passing)
    name = eqn.name
    if name == "eq" and not np.issubdtype(eqn.inputs[0].dtype, np.inexact):
        return frozenset({"one-hot"}) if _numbers_an_axis(values) else frozenset()
    if name == "convert_element_type":
        return kept
    fixed = [v for v in values if v.kind == Kind.CONSTANT]
    if name in _PRODUCTS and any("buffer" in v.notes for v in fixed):
        return frozenset({"normalised"})
    if name == "select_n" and "one-hot" in values[0].notes:
        # `where(token == numbers, 1.0, 0.0)`, whose cases are in this order.
        alone = len(fixed) == 2 and fixed[0].curve == 0
        return frozenset({"one-hot"}) if alone else frozenset()
    if name in _SUMS:
        return kept - {"one-hot"}
    return kept if name in (*_PRODUCTS, *_LINEAR) else frozenset()


def _met(
    domain: Meaning, eqn: Equation, values: Sequence[Value], data: Sequence[Value]
) -> tuple[list[Value], tuple[Track, ...]]:
    """Parameters that meet data entry by entry; they leave a blank in their place."""
    how = {**dict.fromkeys(_SUMS, "add"), **dict.fromkeys(_PRODUCTS, "mul")}.get(
        eqn.name
    )
    if how is None:
        return [domain.as_data(v, eqn.place, eqn.name) for v in values], ()
    other = domain.blend(data, linear=True, notes=data[0].notes)
    done: list[Value] = []
    met: list[Track] = []
    for value in values:
        if value.kind == Kind.PARAMETER:
            for track in value.tracks:
                relations = entries(track.dims, other.spread)
                met.append(domain.meet(eqn.place, how, value, track, relations, other))
            blank = Value(Kind.CONSTANT, varied(value))
            done.append(blank)
        else:
            done.append(value)
    return done, tuple(met)


def entries(dims: Dims, spread: Dims) -> list[tuple[Any, str]]:
    """Digits of a parameter against where data varies: `each` if it does, or `out`."""
    found: list[tuple[Any, str]] = []
    for mine, theirs in zip(dims, spread, strict=True):
        pairs = paired(mine, theirs) if mine else []
        if pairs is None:
            found += [(digit, "each") for digit in mine if digit.axis >= 0]
        else:
            found += [
                (a, "each" if b.axis == VARIES else "out")
                for a, b in pairs
                if a.axis >= 0
            ]
    return found


_ENTRIES = (
    "abs acos acosh add add_any and asin asinh atan atan2 atanh bessel_i0e bessel_i1e "
    "cbrt ceil clamp conj convert_element_type copy copy_p cos cosh digamma div eq erf "
    "erf_inv erfc exp exp2 expm1 floor ge gt igamma igammac imag integer_pow is_finite "
    "le lgamma log log1p logistic lt max min mul ne neg nextafter not or pow real "
    "reduce_precision rem round rsqrt select_n shift_left shift_right_arithmetic "
    "shift_right_logical sharding_constraint sign sin sinh sqrt square stop_gradient "
    "sub tan tanh xor complex population_count clz"
).split()
RULES: dict[str, Rule[Any]] = dict.fromkeys(_ENTRIES, elementwise)
