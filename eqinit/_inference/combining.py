"""Sums and products of data: streams and their branches, gates, normalisations."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from .curves import is_identity, name_of
from .digits import owned
from .domain import Meaning, is_varying
from .values import Track, Use, Value
from .walker import Equation, Place


def is_statistic(of: Value, value: Value) -> bool:
    """Whether `value` is a mean, a norm or the like of what `of` is made of."""
    if not value.near & of.direct:
        return False
    return apart(of, value) and not apart(value, of)


def apart(one: Value, other: Value) -> bool:
    """Whether one array varies along an axis on which the other is repeated."""
    pairs = zip(one.spread, other.spread, strict=True)
    return any(is_varying(a) and not is_varying(b) for a, b in pairs)


def summation(
    domain: Meaning, eqn: Equation, data: Sequence[Value], curve: Any
) -> Value:
    one, other = data
    out = domain.blend(data, linear=True, notes=_kept(data))
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
    for mine, theirs in ((one, other), (other, one)):
        for track in mine.tracks:
            if track.linear and track.use.how == "add":
                domain.fate(track).added.extend(t for t in theirs.tracks if t.linear)
    if curve[0] is not None or not (one.roots and other.roots):
        return out.but(curve=curve[0], roots=curve[1])
    if is_identity(one.curve) and is_identity(other.curve):
        return out.but(curve=one.curve, roots=one.roots | other.roots)
    domain.note_curve(one)
    domain.note_curve(other)
    return out


def add_up(domain: Meaning, place: Place, one: Value, other: Value) -> None:
    """Uses of different parts of one parameter that add up: its parts are inputs."""
    routed = one.notes | other.notes
    for a in one.tracks:
        for b in other.tracks:
            _rows_of_experts(domain, place, a, b)
            _rows_of_experts(domain, place, b, a)
            if a.of is b.of and isinstance(a.of, Use):
                domain.fate(a).blended |= {cut.digit for cut in a.cuts ^ b.cuts}
            if a.of is b.of or a.use.parameter != b.use.parameter:
                continue
            sequential = a.use.bit & b.use.before or b.use.bit & a.use.before
            if a.linear and b.linear and not sequential:
                parts = a.use.track.cuts | b.use.track.cuts
                domain.summed[a.use.parameter].update(cut.digit for cut in parts)
                if "routed" in routed | a.use.track.marks | b.use.track.marks:
                    domain.routed.add(a.use.parameter)


def _rows_of_experts(domain: Meaning, place: Place, row: Track, kernel: Track) -> None:
    """A row that is added to what a kernel picked by data gives: a bias, as it is."""
    experts = {cut.how for cut in kernel.use.track.cuts} & {"data"}
    if row.use.how == "lookup" and row.linear and kernel.linear and experts:
        relations = tuple((digit, "each") for digit, _ in row.use.relations)
        laid_out = row.use.track.but(dims=row.dims)
        domain.uses[row.use.key] = dataclasses.replace(
            row.use, how="add", relations=relations, linear_in=(kernel,), track=laid_out
        )


def residual(domain: Meaning, eqn: Equation, one: Value, other: Value) -> Value | None:
    """The summand that is a branch of a stream which the other one is, if it is."""
    for branch, stream in ((one, other), (other, one)):
        kernels = {t.of: t.key for t in branch.tracks if t.linear}
        # Or through a norm or a function, so no longer linear.
        kernels |= {domain.uses[k]: k for k, _ in branch.roots if k in domain.uses}
        bypassed = [
            key
            for use, key in kernels.items()
            if isinstance(use, Use)
            and use.how in ("dot", "conv")
            and use.before & stream.direct
            and not use.bit & stream.reach
        ]
        for key in bypassed:
            domain.fates[key].residual.append(eqn.place)
        if bypassed:
            return branch
    return None


def product(domain: Meaning, eqn: Equation, data: Sequence[Value], curve: Any) -> Value:
    for a, b in (data, data[::-1]) if eqn.name == "mul" else (data,):
        if is_statistic(a, b):
            return normalise(domain, a, b)
    one, other = data
    gates = [v for v in data if v.roots and not is_identity(v.curve)]
    if curve[0] is None or (gates and not (one.roots and other.roots)):
        domain.note_curve(one)
        domain.note_curve(other)
        curve = None, frozenset[Any]()
    gate = [t.use for t in other.tracks if t.linear]
    gated = [t.use for t in one.tracks if t.linear]
    shared = {t.of for t in one.tracks} & {t.of for t in other.tracks}
    # Linear in one factor, for a given other (a mask, a gate), but not in both.
    linear = not shared and not (gate and gated) and not (eqn.name == "div" and gate)
    axes = [(i, i) for i in range(len(one.spread))]
    notes = mixtures(domain, one, other, axes) | mixtures(domain, other, one, axes)
    for hot, by in ((one, other), (other, one)):
        if "one-hot" in hot.notes and not apart(by, hot):
            notes |= {"scaled"}
    if apart(one, other) and apart(other, one):
        notes |= {"outer"}
    elif apart(one, other) or apart(other, one):
        notes |= {"routed"}
    out = domain.blend(data, linear, notes)
    if any(track.linear for track in out.tracks):
        out = out.noted("weighed")
    return out.but(curve=curve[0], roots=curve[1], direct=0)


def mixtures(
    domain: Meaning, values: Value, weights: Value, axes: Iterable[tuple[int, int]]
) -> frozenset[str]:
    """Outputs of experts, along axes on which the softmax of a router weighs them."""
    found = {
        (track, digit)
        for i, j in axes
        if weighs(domain, weights, j)
        for track in values.tracks
        for digit in owned(track.dims[i : i + 1])
    }
    for track, digit in found:
        domain.fate(track).mixed[digit] = True
    return frozenset({"mixture"}) if found else frozenset()


def weighs(domain: Meaning, value: Value, axis: int) -> bool:
    """Whether a softmax was taken over this axis, of a kernel's outputs."""
    return any(
        digit in domain.fate(track).weights
        for track in value.tracks
        for digit in owned(track.dims[axis : axis + 1])
    )


def _note_softmax(domain: Meaning, of: Value, by: Value) -> None:
    """What a softmax is taken over: a kernel's own outputs, or positions."""
    axes = [i for i, digits in enumerate(by.spread) if not is_varying(digits)]
    kernels = {key for key, _ in of.roots}
    for track in of.tracks:
        along = [d for i in axes for d in owned(track.dims[i : i + 1])]
        domain.fate(track).weights.update(along)
        direct = track.key in kernels
        if direct and not along and any(owned(track.dims)):
            domain.fate(track).attends = True


def normalise(domain: Meaning, of: Value, by: Value) -> Value:
    softmax = name_of(of.curve) == "exp"
    for track in of.tracks:
        # A factor that the norm does not see is the norm's own scale.
        if track.linear and not (track.use.how == "mul" and track.use.bit & by.reach):
            domain.fate(track).followed = True
    out = domain.blend([of, by], linear=False)
    if softmax:
        _note_softmax(domain, of, by)
        for key, part in of.roots:
            domain.fates[key].curves.append((part, "softmax"))
        return out.noted("softmax")
    return out.but(curve=of.curve, roots=of.roots).noted("normalised")


def _kept(values: Sequence[Value]) -> frozenset[str]:
    return frozenset(n for v in values for n in v.notes & {"normalised"})
