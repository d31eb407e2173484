"""More blocks, fewer blocks: a new row of the old ones and of copies."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import equinox as eqx
import jax.numpy as jnp

from ..._articles import kind_of
from ..._models.selectors import SelectorLike
from ..._typing import NonNegativeNumber, Whole, checked
from .._checks import check_runs, check_same
from .._record import make_record, returned
from .._selection import select
from .sequence import Blocks, blocks_at


_FITTING = (
    "Pass as `block=` a module that returns what the next one takes. (An `eqx.nn.MLP` "
    "gets one more layer by `surgery.net2deeper(mlp, index)`.)"
)
_SILENT = "Name in `zero=` the last layer of every branch of a residual block."
_IN_A_ROW = (
    "Copies stand behind one another: each block has to take what the one before it "
    "returns. Those that do not are made with `surgery.insert(model, path, index, "
    "block=..., zero=...)`."
)

_STILL_FITTING = (
    "Remove blocks that return what they take: what stood behind one gets then what "
    "stood before it."
)


@checked
def insert(
    model: Any,
    path: str,
    index: Whole,
    *,
    zero: Sequence[SelectorLike],
    block: Any = None,
    call: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    tolerance: NonNegativeNumber = 1e-5,
    record: bool = False,
) -> Any:
    """Insert a block that changes nothing yet, and can learn to.

    Of a residual block, $x + f(x)$, the last layer of each branch is set to zero: the
    block is the identity, and has gradients.

    ```python
    model = surgery.insert(
        model, "blocks", 3, zero=["attn.output_proj", "down"], call=outputs, args=(x,)
    )
    ```

    **Arguments:**

    - `model`: any model.
    - `path`: of a list of blocks, an `eqx.nn.Sequential`, or a stack.
    - `index`: where it shall be; the number of blocks puts it behind all of them.
    - `zero`: selectors inside of the block, of what is set to zero.
    - `block`: the block, with values; by default a copy of the one before (the first,
        for index 0).
    - `call`, `args`, `tolerance`: what is to stay as it is, `call(model, *args)`, up to
        so much of its size. Pass it: what makes the block an identity is yours to know.
    - `record`: also return the [`eqinit.surgery.Record`][]; `undo` removes the block.

    **Returns:** a new model.

    **Raises:** `IndexError` where there is no such place.
    """
    blocks = blocks_at(model, path)
    count = len(blocks.parts)
    if not 0 <= index <= count:
        raise IndexError(
            f"insert got index={index} for the {count} blocks of `{path}`; pass one "
            f"from 0 to {count}."
        )
    if block is not None and not isinstance(block, eqx.Module):
        raise TypeError(
            f"insert got {kind_of(block)} as `block=`; it takes a module like those of "
            f"`{path}`, or makes a copy of the one before."
        )
    like = max(index - 1, 0)
    new = _silenced(blocks.parts[like] if block is None else block, zero)
    parts = [*blocks.parts[:index], new, *blocks.parts[index:]]
    order = [*range(index), like, *range(index, count)]
    copies = [i == index for i in range(count + 1)]
    changed = blocks.put(model, parts)
    note = check_same(
        "insert", model, changed, call, args, tolerance, fix=_FITTING, off=_SILENT
    )
    made = make_record(
        "insert",
        model,
        changed,
        _origins(blocks, order, copies, changed),
        notes=[note],
        inverse=lambda later: remove(later, path, index),
    )
    return returned(changed, made, record)


def _silenced(block: Any, zero: Sequence[SelectorLike]) -> Any:
    for selector in zero:
        block = select(block, selector).map(jnp.zeros_like)
    return block


def _origins(
    blocks: Blocks, order: Sequence[int], copies: Sequence[bool], changed: Any
) -> Any:
    from .._origins import parameters

    # A block of one's own may have other parameters than its neighbour.
    new = parameters(changed)
    return {p: o for p, o in blocks.origins(order, copies).items() if p in new}


@checked
def remove(
    model: Any,
    path: str,
    index: Whole | Sequence[int],
    *,
    call: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    record: bool = False,
) -> Any:
    """Remove blocks.

    **Arguments:**

    - `model`: any model.
    - `path`: of a list of blocks, an `eqx.nn.Sequential`, or a stack.
    - `index`: which, or several of them.
    - `call`, `args`: `call(model, *args)` has to run on the new model.
    - `record`: also return the [`eqinit.surgery.Record`][].

    **Returns:** a new model; it computes something else, unless the block was the
    identity.

    **Raises:** `IndexError` where there is no such block, `ValueError` where none would
    be left.

    Fan, Grave and Joulin, Reducing transformer depth on demand with structured dropout,
    arXiv:1909.11556.
    """
    blocks = blocks_at(model, path)
    count = len(blocks.parts)
    gone = {index} if isinstance(index, int) else set(index)
    if wrong := [i for i in gone if not -count <= i < count]:
        raise IndexError(
            f"remove got index={wrong[0]} for the {count} blocks of `{path}`; pass one "
            f"from 0 to {count - 1}."
        )
    order = [i for i in range(count) if i not in {g % count for g in gone}]
    if not order:
        raise ValueError(f"remove would leave no block of the {count} in `{path}`.")
    changed = blocks.put(model, [blocks.parts[i] for i in order])
    check_runs("remove", model, changed, call, args, _STILL_FITTING)
    origins = blocks.origins(order, [False] * len(order))
    made = make_record("remove", model, changed, origins)
    return returned(changed, made, record)


@checked
def grow(
    model: Any,
    path: str,
    count: Whole,
    *,
    order: Literal["stack", "repeat"] = "stack",
    zero: Sequence[SelectorLike] = (),
    call: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    tolerance: NonNegativeNumber = 1e-5,
    record: bool = False,
) -> Any:
    """Make a deeper model out of copies of its blocks.

    ```python
    model = surgery.grow(model, "blocks", 12)
    model = surgery.grow(model, "blocks", 12, zero=["attn.output_proj", "down"])
    ```

    **Arguments:**

    - `model`: any model.
    - `path`: of a list of blocks, an `eqx.nn.Sequential`, or a stack.
    - `count`: how many blocks there shall be.
    - `order`: `"stack"` puts all of them behind one another again, 0 1 2 0 1 2;
        `"repeat"` each behind itself, 0 0 1 1 2 2.
    - `zero`: selectors inside of a block, of what is set to zero in copies: then they
        are the identity, if the blocks are residual, and the model computes what it
        did. Without, it computes something else, from which papers found that training
        goes on faster than from scratch.
    - `call`, `args`, `tolerance`: with `zero`, what is to stay as it is,
        `call(model, *args)`; without, what has to run on the new model.
    - `record`: also return the [`eqinit.surgery.Record`][]; copies have no moments.

    **Returns:** a new model.

    **Raises:** `ValueError` for a count that is smaller than that of the blocks.

    Gong et al., Efficient training of BERT by progressively stacking, ICML 2019. Du et
    al., Stacking your transformers: A closer look at model growth for efficient LLM
    pre-training, arXiv:2405.15319.
    """
    blocks = blocks_at(model, path)
    old = len(blocks.parts)
    if count < old:
        raise ValueError(
            f"grow got count={count} for the {old} blocks of `{path}`; `remove` makes "
            "fewer of them."
        )
    sources, copies = _grown(old, count, order)
    parts = [
        _silenced(blocks.parts[i], zero) if copy else blocks.parts[i]
        for i, copy in zip(sources, copies, strict=True)
    ]
    changed = blocks.put(model, parts)
    note = None
    if zero:
        note = check_same(
            "grow", model, changed, call, args, tolerance, fix=_IN_A_ROW, off=_SILENT
        )
    else:
        check_runs("grow", model, changed, call, args, _IN_A_ROW)
    made = make_record(
        "grow", model, changed, blocks.origins(sources, copies), notes=[note]
    )
    return returned(changed, made, record)


def _grown(old: int, count: int, order: str) -> tuple[list[int], list[bool]]:
    """Which block each new one is, and whether it is a copy."""
    if order == "stack":
        return [i % old for i in range(count)], [i >= old for i in range(count)]
    # The first blocks get one copy more where the numbers do not divide.
    each = [count // old + (i < count % old) for i in range(old)]
    sources = [i for i, n in enumerate(each) for _ in range(n)]
    firsts = [sum(each[:i]) for i in range(old)]
    return sources, [at not in firsts for at in range(count)]
