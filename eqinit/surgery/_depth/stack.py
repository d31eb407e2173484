"""From a list of blocks to one stack of them, and back."""

from typing import Any

import jax.numpy as jnp

from ..._parameters.paths import join
from ..._typing import Array, checked
from .._edit import edit
from .._origins import Origin, parameters
from .._record import make_record, returned
from .sequence import Blocks, Stack, blocks_at, stacked


@checked
def stack_blocks(model: Any, path: str, *, record: bool = False) -> Any:
    """Make one stack of a list of equal blocks, to be scanned over.

    A scan compiles one block, however many there are. Code that iterates over the list
    still works on the stack; `x = self.blocks(x)` in its place scans.

    ```python
    model = surgery.stack_blocks(model, "blocks")
    ```

    **Arguments:**

    - `model`: any model.
    - `path`: of a list, a tuple or an `eqx.nn.Sequential` of blocks.
    - `record`: also return the [`eqinit.surgery.Record`][]; moments are stacked too.

    **Returns:** a new model, with a [`eqinit.surgery.Stack`][] at the path. Its
    `blocks` are what `eqx.filter_vmap` of the block's constructor would give.

    **Raises:** `ValueError` where blocks differ in more than their numbers.
    """
    blocks = blocks_at(model, path)
    if blocks.stacked or not blocks.parts:
        raise TypeError(
            f"`{path}` is {'a stack already' if blocks.stacked else 'empty'}; "
            "stack_blocks takes the path of a list of blocks."
        )
    changed = edit(model, {path: Stack(stacked(blocks.parts), len(blocks.parts))})
    old, new = join(path, blocks.held), join(path, "blocks")
    origins = {
        join(new, name): _stacked(old, name, len(blocks.parts))
        for name in parameters(blocks.parts[0])
    }
    made = make_record(
        "stack_blocks", model, changed, origins, inverse=lambda m: _as_before(m, blocks)
    )
    return returned(changed, made, record)


def _stacked(path: str, name: str, count: int) -> Origin:
    sources = tuple(join(path, str(i), name) for i in range(count))
    return Origin(f"{count} blocks", sources, lambda moments, _: jnp.stack(moments))


def _as_before(model: Any, before: Blocks) -> Any:
    now = blocks_at(model, before.path)
    parts = now.parts
    if before.held:  # a Sequential, of which the stack holds no more than the layers
        from equinox.nn import Sequential

        return edit(model, {before.path: Sequential(parts)})
    return edit(model, {before.path: parts})


@checked
def unstack_blocks(model: Any, path: str, *, record: bool = False) -> Any:
    """Make a list of blocks of a stack of them.

    For surgery on one of them, or to load weights that are stored block by block.

    **Arguments:**

    - `model`: any model.
    - `path`: of a [`eqinit.surgery.Stack`][], or of a module with stacked arrays, such
        as `eqx.filter_vmap` of a constructor makes.
    - `record`: also return the [`eqinit.surgery.Record`][]; moments are unstacked too.

    **Returns:** a new model, with a list at the path.

    **Raises:** `TypeError` where there is no stack: what the arrays' leading axes are
    is read off the layouts of the layers.
    """
    blocks = blocks_at(model, path)
    if not blocks.stacked:
        raise TypeError(
            f"`{path}` is a list of blocks already; unstack_blocks takes a stack."
        )
    changed = edit(model, {path: blocks.parts})
    origins: dict[str, Origin] = {}
    for i, part in enumerate(blocks.parts):
        for name in parameters(part):
            source = join(path, blocks.held, name)
            origins[join(path, str(i), name)] = _row(source, i)
    made = make_record(
        "unstack_blocks",
        model,
        changed,
        origins,
        inverse=lambda m: _stacked_again(m, blocks),
    )
    return returned(changed, made, record)


def _row(source: str, index: int) -> Origin:
    def follow(moments: list[Array], power: int) -> Array:
        del power
        return moments[0][index]

    return Origin(f"block {index}", (source,), follow)


def _stacked_again(model: Any, before: Blocks) -> Any:
    parts = blocks_at(model, before.path).parts
    one = stacked(parts)
    return edit(model, {before.path: Stack(one, len(parts)) if before.held else one})
