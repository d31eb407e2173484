"""Rules of functions of entries, and of sums over axes."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from .curves import apply, is_identity, name_of
from .digits import VARIES, Dims, owned, plain, shows
from .domain import Meaning, bits_of, union, varied
from .values import Kind, Track, Value, constant
from .walker import Equation, Place, Rule


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
        tracks = [dataclasses.replace(t, dims=spread) for t in value.tracks]
        return value.but(spread=spread, tracks=tuple(tracks))

    def stretch(dims: Dims) -> Dims:
        pairs = zip(dims, value.shape, plain(shape), strict=True)
        return tuple(b if n == 1 and b else a for a, n, b in pairs)

    tracks = [dataclasses.replace(t, dims=stretch(t.dims)) for t in value.tracks]
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
        return np.issubdtype(eqn.outputs[0].dtype, np.inexact) or "float" in str(
            eqn.outputs[0].dtype
        )
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
            track = dataclasses.replace(
                track,
                linear=track.linear and linear,
                curve=lone if track.curve is None else track.curve,
                marks=track.marks | _masked(eqn, values),
            )
            before = tracks.get(track.of)
            tracks[track.of] = track if before is None else _both(eqn, before, track)
    spread = values[0].spread
    for value in values[1:]:
        spread = tuple(
            max(a, b, key=_varying) for a, b in zip(spread, value.spread, strict=True)
        )
    notes = frozenset(n for v in values for n in v.notes & {"picked"})
    reach = union(*(v.reach for v in values))
    return Value(
        Kind.PARAMETER, spread, tuple(tracks.values()), curve, roots, reach, notes=notes
    )


def _varying(digits: Any) -> bool:
    return any(digit.axis == VARIES for digit in digits)


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
    if "reduced" in lesser.marks and "reduced" not in fuller.marks:
        # Divided by its norm, or with its mean taken off.
        marks = (marks - {"reduced"}) | {"normalised"}
        return dataclasses.replace(fuller, marks=marks)
    if one.dims == other.dims and one.cuts == other.cuts:
        linear = one.linear and other.linear and eqn.name != "mul"
        return dataclasses.replace(one, marks=marks, linear=linear)
    joint = (
        "pair" if np.issubdtype(eqn.outputs[0].dtype, np.complexfloating) else "mixed"
    )
    cuts = one.cuts | other.cuts
    return dataclasses.replace(fuller, marks=marks | {joint}, cuts=cuts)


def _of_data(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> Value:
    data = [v for v in values if v.kind == Kind.DATA]
    if any(v.kind == Kind.PARAMETER for v in values):
        values, met = _met(domain, eqn, values, data)
        data = [v for v in values if v.kind == Kind.DATA]
    else:
        met = ()
    name, curve_and_roots = eqn.name, _curve(eqn, values)
    if name in _SUMS and len(data) == 2:
        out = _sum(domain, eqn, data, curve_and_roots)
    elif name in _PRODUCTS and len(data) == 2:
        out = _product(domain, eqn, data, curve_and_roots)
    else:
        linear = _keeps_linear(eqn, values) and not (
            name == "select_n" and values[0].kind == Kind.DATA and _decides(values)
        )
        if curve_and_roots[0] is None:
            for value in data:
                domain.note_curve(value)
        out = domain.blend(values, linear, _notes(eqn, values))
        out = out.but(curve=curve_and_roots[0], roots=curve_and_roots[1])
    return (
        out.but(tracks=out.tracks + met, reach=out.reach | bits_of(met)) if met else out
    )


def _decides(values: Sequence[Value]) -> bool:
    """Whether the condition of a choice is computed from what it chooses."""
    return any(values[0].near & case.direct for case in values[1:])


def _notes(eqn: Equation, values: Sequence[Value]) -> frozenset[str]:
    kept = frozenset(n for v in values for n in v.notes & {"normalised", "one-hot"})
    name = eqn.name
    if name == "eq" and not np.issubdtype(eqn.inputs[0].dtype, np.inexact):
        return frozenset({"one-hot"})
    if name == "convert_element_type":
        return kept
    by_buffer = any(v.kind == Kind.CONSTANT and "buffer" in v.notes for v in values)
    if name in _PRODUCTS and by_buffer:
        return frozenset({"normalised"})
    linear = name in (*_SUMS, *_PRODUCTS, *_LINEAR)
    return kept - {"one-hot"} if linear else frozenset()


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
                args = (eqn.place, how, value, track, relations, other, track.dims)
                met.append(domain.meet(*args))
            blank = Value(Kind.CONSTANT, varied(value))
            done.append(blank)
        else:
            done.append(value)
    return done, tuple(met)


def entries(dims: Dims, spread: Dims) -> list[tuple[Any, str]]:
    """Digits of a parameter against where data varies: `each` if it does, or `out`."""
    from .digits import paired

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


def is_statistic(of: Value, value: Value) -> bool:
    """Whether `value` is a mean, a norm or the like of what `of` is made of."""
    if not value.near & of.direct:
        return False
    pairs = zip(of.spread, value.spread, strict=True)
    return any(_varying(a) and not _varying(b) for a, b in pairs)


def _sum(domain: Meaning, eqn: Equation, data: Sequence[Value], curve: Any) -> Value:
    one, other = data
    out = domain.blend(data, linear=True, notes=_notes(eqn, data))
    if is_statistic(one, other):
        return out.but(
            curve=one.curve,
            roots=one.roots,
            direct=one.direct,
            notes=out.notes - {"normalised"},
        )
    add_up(domain, eqn.place, one, other)
    branch = residual(domain, eqn, one, other)
    if branch is not None:
        # The stream's own kernels have met what they meet on their own branches.
        return out.but(curve=branch.curve, roots=branch.roots)
    if curve[0] is not None or not (one.roots and other.roots):
        return out.but(curve=curve[0], roots=curve[1])
    if is_identity(one.curve) and is_identity(other.curve):
        return out.but(curve=one.curve, roots=one.roots | other.roots)
    domain.note_curve(one)
    domain.note_curve(other)
    return out


def add_up(domain: Meaning, place: Place, one: Value, other: Value) -> None:
    """Uses of different parts of one parameter that add up: its parts are inputs."""
    for a in one.tracks:
        for b in other.tracks:
            _rows_of_experts(domain, place, a, b)
            _rows_of_experts(domain, place, b, a)
            if a.of is b.of or a.use.parameter != b.use.parameter:
                continue
            sequential = a.use.bit & b.use.before or b.use.bit & a.use.before
            if a.linear and b.linear and not sequential:
                parts = a.use.cuts | b.use.cuts
                domain.summed[a.use.parameter].update(cut.digit for cut in parts)


def _rows_of_experts(
    domain: Meaning, place: Place, row: Track, kernel: Track
) -> None:
    """A row that is added to what a kernel picked by data gives: a bias, as it is."""
    experts = {cut.how for cut in kernel.use.cuts} & {"data"}
    if row.use.how == "lookup" and row.linear and kernel.linear and experts:
        key = row.use.place, row.use.parameter
        relations = tuple((digit, "each") for digit, _ in row.use.relations)
        domain.uses[key] = dataclasses.replace(
            row.use, how="add", relations=relations, linear_in=(kernel,), dims=row.dims
        )


def residual(domain: Meaning, eqn: Equation, one: Value, other: Value) -> Value | None:
    """The summand that is a branch of a stream which the other one is, if it is."""
    for branch, stream in ((one, other), (other, one)):
        kernels = [
            track
            for track in branch.tracks
            if track.linear
            and track.use.how in ("dot", "conv")
            and track.use.before & stream.direct
            and not track.use.bit & stream.reach
        ]
        for track in kernels:
            domain.fate(track).residual.append(eqn.place)
        if kernels:
            return branch
    return None


def _product(
    domain: Meaning, eqn: Equation, data: Sequence[Value], curve: Any
) -> Value:
    for a, b in (data, data[::-1]) if eqn.name == "mul" else (data,):
        if is_statistic(a, b):
            return _normalised(domain, a, b)
    one, other = data
    if curve[0] is None:
        domain.note_curve(one)
        domain.note_curve(other)
    gate = [t.use for t in other.tracks if t.linear]
    gated = [t.use for t in one.tracks if t.linear]
    shared = {t.of for t in one.tracks} & {t.of for t in other.tracks}
    # Linear in one factor, for a given other (a mask, a gate), but not in both.
    linear = not shared and not (gate and gated) and not (eqn.name == "div" and gate)
    out = domain.blend(data, linear)
    return out.but(curve=curve[0], roots=curve[1], direct=0)


def _normalised(domain: Meaning, of: Value, by: Value) -> Value:
    softmax = name_of(of.curve) == "exp"
    for track in of.tracks:
        # A factor that the norm does not see is the norm's own scale.
        if track.linear and not (track.use.how == "mul" and track.use.bit & by.reach):
            domain.fate(track).followed = True
    out = domain.blend([of, by], linear=False)
    if softmax:
        for key, part in of.roots:
            domain.fates[key].curves.append((part, "softmax"))
        return out.noted("softmax")
    return out.but(curve=of.curve, roots=of.roots).noted("normalised")


def reduction(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    """`reduce_sum` is linear; maxima, products and the like are not."""
    (value,) = values[:1]
    gone, name = set(eqn.params["axes"]), eqn.name
    if "picked" in value.notes and any(value.spread[axis] for axis in gone):
        value = domain.as_data(value, eqn.place, "lookup")

    def keep(dims: Dims) -> Dims:
        return tuple(d for axis, d in enumerate(dims) if axis not in gone)

    tracks: list[Track] = []
    for track in value.tracks:
        removed = [d for axis in gone for d in track.dims[axis] if d.axis >= 0]
        linear = track.linear and name == "reduce_sum"
        if isinstance(track.of, int):
            marks = track.marks | ({"reduced"} if removed else set())
            track = dataclasses.replace(track, marks=marks, linear=linear)
        else:
            if linear:
                domain.fate(track).summed.update(removed)
            else:
                domain.end(track)
            track = dataclasses.replace(track, linear=linear)
        tracks.append(dataclasses.replace(track, dims=keep(track.dims)))
    if value.kind == Kind.DATA and not (value.roots and is_identity(value.curve)):
        domain.note_curve(value)
    direct = value.direct if name == "reduce_sum" else 0
    out = value.but(spread=keep(value.spread), tracks=tuple(tracks), direct=direct)
    kept = frozenset({"many", "picked", "buffer"})
    return [out.but(curve=None, roots=frozenset[Any](), notes=out.notes & kept)] * len(
        eqn.outputs
    )


def cumulative(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    (value,) = values
    if any(
        shows(t.dims[eqn.params["axis"] : eqn.params["axis"] + 1], d.axis)
        for t in value.tracks
        for d in owned(t.dims)
    ):
        return list(domain.unknown(eqn, values))
    if value.kind != Kind.DATA:
        return [value.but(curve=None, roots=frozenset[Any]())]
    return [domain.blend([value], linear=eqn.name == "cumsum")]


_ENTRIES = (
    "abs acos acosh add add_any and asin asinh atan atan2 atanh bessel_i0e bessel_i1e "
    "cbrt ceil clamp conj convert_element_type copy copy_p cos cosh digamma div eq erf "
    "erf_inv erfc exp exp2 expm1 floor ge gt igamma igammac imag integer_pow is_finite "
    "le lgamma log log1p logistic lt max min mul ne neg nextafter not or pow real "
    "reduce_precision rem round rsqrt select_n shift_left shift_right_arithmetic "
    "shift_right_logical sharding_constraint sign sin sinh sqrt square stop_gradient sub "
    "tan tanh xor complex population_count clz"
).split()
_REDUCTIONS = (
    "reduce_sum reduce_max reduce_min reduce_prod reduce_and reduce_or argmax argmin"
).split()

RULES: dict[str, Rule[Any]] = {
    **dict.fromkeys(_ENTRIES, elementwise),
    **dict.fromkeys(_REDUCTIONS, reduction),
    **dict.fromkeys(
        ("cumsum", "cummax", "cummin", "cumprod", "cumlogsumexp"), cumulative
    ),
}
