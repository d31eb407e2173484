"""Rules of entries that are picked by data: embeddings, labels."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._inference.walker import Equation
from .domain import SecondMoments
from .independent import moments_of_value
from .moments import Moments, agreeing, differing
from .moves import broadcast, reshaped, transposed, without
from .values import Known, NotKnown, Random, Value, random


def gather(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    """Slices of an array, at indices that may be known or not.

    Two places show the same slice as often as their indices are equal.
    """
    del domain
    table, indices = args
    shape, numbers = tuple(eqn.outputs[0].shape), eqn.params["dimension_numbers"]
    one, sizes = moments_of_value(table), eqn.params["slice_sizes"]
    along = list(numbers.operand_batching_dims)
    left = [a for a in range(one.ndim) if a not in numbers.collapsed_slice_dims]
    offsets = zip([a for a in left if a not in along], numbers.offset_dims, strict=True)
    # One entry along an axis is looked up, whether or not the axis is left.
    kept = {a: place for a, place in offsets if sizes[a] == one.shape[a]}
    picked = [a for a in range(one.ndim) if a not in kept and a not in along]
    if any(sizes[a] != 1 for a in picked):
        raise NotKnown("a lookup of parts of slices")
    places = [i for i in range(len(shape)) if i not in numbers.offset_dims]
    batching = [places[i] for i in numbers.start_indices_batching_dims]
    target = [*batching, *kept.values()]
    columns = [numbers.start_index_map.index(a) for a in picked]
    same = _chance(indices, columns, math.prod(one.shape[a] for a in picked))
    # One flag for all axes that are picked from: whether the slice is the same.
    moved = transposed(one, [*picked, *along, *kept])
    count = len(picked)
    rows = reshaped(moved, (math.prod(moved.shape[:count]), *moved.shape[count:]))
    agree, differ = (_rows(rows, f, target, shape) for f in (agreeing, differing))
    pairs, unlike = agree.pairs, same * agree.pairs + (1 - same) * differ.pairs
    # All other places must agree for the slice to be the same.
    for place in places:
        if shape[place] > 1 and place not in batching:
            apart = np.broadcast_to(unlike, _wide(unlike, pairs))
            pairs = np.concatenate([apart, np.broadcast_to(pairs, apart.shape)], place)
    units = kept.values() if isinstance(table, Random) and table.atom.drawn else ()
    unevenness = table.unevenness if isinstance(table, Random) else 0.0
    return random(Moments(shape, agree.mean, pairs), unevenness, frozenset(units))


def _wide(one: np.ndarray, other: np.ndarray) -> tuple[int, ...]:
    return np.broadcast_shapes(one.shape, other.shape)


def _rows(
    rows: Moments, which: Callable[..., Any], target: list[int], shape: Any
) -> Moments:
    """Moments of two rows that are one (or are not), among the output's axes."""
    mean = rows.mean.mean(0, keepdims=True)
    pairs = which(rows.pairs, 0).mean(rows.ndim, keepdims=True)
    lean = without(Moments((1, *rows.shape[1:]), mean, pairs), [0])
    turn = [int(i) for i in np.argsort(target)]
    return broadcast(transposed(lean, turn), shape, sorted(target))


def _chance(indices: Value, columns: Sequence[int], count: int) -> float:
    """How often the indices of two places are equal."""
    if not isinstance(indices, Known) or not indices.array.size:
        return 1 / max(count, 1)
    flat = indices.array.reshape(-1, indices.array.shape[-1])[:, list(columns)]
    _, counts = np.unique(flat, axis=0, return_counts=True)
    n = len(flat)
    return float((counts**2).sum() - n) / (n * (n - 1)) if n > 1 else 0.0


RULES: Mapping[str, Callable[..., Any]] = {"gather": gather}
