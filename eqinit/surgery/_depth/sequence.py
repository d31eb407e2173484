"""Blocks in a row: a list of equal modules, or one module with stacked arrays."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu

from ..._articles import kind_of
from ..._models.walk import model_of
from ..._parameters.paths import join, spell
from ..._typing import Array, checked
from .._edit import edit, node_at
from .._origins import Origin, fresh, moved, parameters
from .._selection import select


class Stack(eqx.Module):
    """Equal blocks as one, whose arrays have one axis more in front.

    Made by [`eqinit.surgery.stack_blocks`][]. Iterating gives the blocks, so that code
    for a list of them still works, each block traced on its own; calling it scans.

    - `blocks`: one block, with stacked arrays.
    - `length`: how many there are.
    """

    blocks: Any
    length: int = eqx.field(static=True)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Any:
        if not -self.length <= index < self.length:
            raise IndexError(f"block {index} of {self.length}")
        return _slice(self.blocks, index % self.length)

    def __iter__(self) -> Any:
        return (self[i] for i in range(self.length))

    @checked
    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Each block on the output of the one before, by `jax.lax.scan`.

        **Arguments:**

        - `x`: for the first block.
        - `*args`, `**kwargs`: the same for every block.

        **Returns:** the output of the last block.
        """
        arrays, static = eqx.partition(self.blocks, eqx.is_array)

        def step(x: Any, block: Any) -> tuple[Any, None]:
            return eqx.combine(block, static)(x, *args, **kwargs), None

        return jax.lax.scan(step, x, arrays)[0]


class Blocks(NamedTuple):
    """The blocks at a path, one by one, and how they are kept.

    - `path`: of the container.
    - `held`: where the blocks are, from the container: `layers` of a `Sequential`,
        `blocks` of a `Stack`.
    - `parts`: the blocks.
    - `stacked`: whether they are one module.
    """

    path: str
    held: str
    parts: list[Any]
    stacked: bool

    def put(self, model: Any, parts: Sequence[Any]) -> Any:
        """The model with these blocks in the place of the old ones."""
        old = node_at(model, self.path)
        if not self.stacked:
            kept = tuple if isinstance(node_at(old, self.held), tuple) else list
            return edit(model, {join(self.path, self.held): kept(parts)})
        new = stacked(parts)
        if isinstance(old, Stack):
            return edit(model, {self.path: Stack(new, len(parts))})
        return edit(model, {self.path: new})

    def origins(
        self, order: Sequence[int], copies: Sequence[bool]
    ) -> dict[str, Origin]:
        """Of the blocks in a new order; copies have no history of their own.

        `order` says which old block each new one is, or is a copy of.
        """
        where = join(self.path, self.held)
        pairs = list(zip(order, copies, strict=True))
        if self.stacked:
            return {
                join(where, path): _taken(join(where, path), pairs)
                for path in parameters(self.parts[0])
            }
        found: dict[str, Origin] = {}
        for new, (old, copy) in enumerate(pairs):
            for path in parameters(self.parts[old]):
                source = join(where, str(old), path)
                target = join(where, str(new), path)
                if copy:
                    found[target] = fresh(f"copy of block {old}", source)
                elif old != new:
                    found[target] = moved(source)
        return found


def _taken(path: str, pairs: list[tuple[int, bool]]) -> Origin:
    def follow(moments: list[Array], power: int) -> Array:
        del power
        rows = [
            jnp.zeros_like(moments[0][old]) if copy else moments[0][old]
            for old, copy in pairs
        ]
        return jnp.stack(rows)

    listed = ", ".join(f"{old}{'*' if copy else ''}" for old, copy in pairs)
    return Origin(f"blocks {listed}", (path,), follow)


def blocks_at(model: Any, path: str) -> Blocks:
    """The blocks at a path.

    **Raises:** `TypeError` where there are none.
    """
    node = node_at(model_of(model), path)
    if isinstance(node, (list, tuple)) and all(isinstance(n, eqx.Module) for n in node):
        return Blocks(path, "", list(node), False)
    if isinstance(node, eqx.nn.Sequential):
        return Blocks(path, "layers", list(node.layers), False)
    if isinstance(node, Stack):
        return Blocks(path, "blocks", list(node), True)
    length = stack_length(model, path) if isinstance(node, eqx.Module) else None
    if length is None:
        raise TypeError(
            f"`{path}` is {kind_of(node)}, and not blocks in a row: a list or "
            "a tuple of modules, an `eqx.nn.Sequential`, or one module with stacked "
            "arrays. Pass the path of such."
        )
    return Blocks(path, "", [_slice(node, i) for i in range(length)], True)


def stack_length(model: Any, path: str) -> int | None:
    """How many layers a stacked module holds; `None` where it is not stacked.

    By the layouts of the layers in it, never by shapes that happen to agree.
    """
    sites = select(model, path).sites if path else select(model, "**").sites
    known = [site.spec.axes.stack for site in sites if site.spec.axes is not None]
    node = node_at(model_of(model), path)
    arrays = [leaf for leaf in jtu.tree_leaves(node) if eqx.is_array(leaf)]
    lengths = {leaf.shape[:1] for leaf in arrays}
    if not known or not all(known) or len(lengths) != 1:
        return None
    return arrays[0].shape[0]


def _slice(node: Any, index: int) -> Any:
    return jtu.tree_map(lambda x: x[index] if eqx.is_array(x) else x, node)


def stacked(parts: Sequence[Any]) -> Any:
    """One module for equal ones.

    **Raises:** `ValueError` where they are not equal but for the values of arrays.
    """
    arrays, rest = zip(*(eqx.partition(p, eqx.is_array) for p in parts), strict=True)
    for i, (array, other) in enumerate(zip(arrays, rest, strict=True)):
        if problem := _difference(arrays[0], array) or _other(rest[0], other):
            raise ValueError(
                f"blocks 0 and {i} cannot be stacked: {problem}. Stack those that are "
                "equal but for their numbers."
            )
    return eqx.combine(jtu.tree_map(lambda *xs: jnp.stack(xs), *arrays), rest[0])


def _difference(one: Any, other: Any) -> str:
    if jtu.tree_structure(one) != jtu.tree_structure(other):
        return "they differ in static fields, or in the layers that they are made of"
    pairs = zip(jtu.tree_flatten_with_path(one)[0], jtu.tree_leaves(other), strict=True)
    for (path, a), b in pairs:
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            return (
                f"`{spell(path)}` is {a.dtype}{list(a.shape)} in one and "
                f"{b.dtype}{list(b.shape)} in the other"
            )
    return ""


def _other(one: Any, other: Any) -> str:
    same = eqx.tree_equal(one, other)
    return "" if same is True else "they differ in something that is no array"
