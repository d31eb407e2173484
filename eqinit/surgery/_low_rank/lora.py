"""Low-rank adapters: put into a model, found in it, merged with what they adapt."""

import math
from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax.tree_util as jtu

from ..._models.selectors import SelectorLike
from ..._models.site import Site
from ..._parameters.axes import Axes
from ..._parameters.keys import derive_keys
from ..._parameters.paths import join, spell
from ..._typing import FiniteNumber, Key, Natural, NonNegativeNumber, checked
from .._checks import check_same
from .._edit import edit
from .._origins import Origin, fresh, moved
from .._record import make_record, returned
from .._selection import select
from .._wrapped import how_to_unwrap, wrapped_in
from .adapted import LoRA, as_kernel, as_matrix, row_lengths
from .merge import merged_at, without_adapters
from .starts import STARTS


@checked
def lora(
    model: Any,
    selector: SelectorLike,
    rank: Natural,
    key: Key,
    *,
    alpha: FiniteNumber | None = None,
    start: Literal["lora", "pissa", "olora"] = "lora",
    rslora: bool = False,
    dora: bool = False,
    call: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    tolerance: NonNegativeNumber = 1e-5,
    record: bool = False,
) -> Any:
    r"""Put low-rank adapters on kernels: $W$ becomes $W + \frac{\alpha}{r} B A$.

    The model computes what it did. Train the adapters alone:

    ```python
    model = surgery.lora(model, "blocks.*.attn", 8, key)
    adapters = surgery.lora_parameters(model).mask()
    trained, frozen = eqx.partition(model, adapters)
    ...
    model = surgery.merge_lora(eqx.combine(trained, frozen))
    ```

    A kernel of a convolution is adapted as the matrix of outputs by everything else.
    Layers stay callable as they were, stacked ones under `vmap` and `scan` too.

    **Arguments:**

    - `model`: any model.
    - `selector`: kernels and embeddings are adapted, of all that it selects.
    - `rank`: $r$.
    - `key`: a PRNG key; each draw depends on it and on the parameter's path.
    - `alpha`: $\alpha$, by default $r$.
    - `start`: `"lora"` draws $A$ from $U(\pm 1/\sqrt{n_\text{in}})$ and sets $B = 0$.
        `"pissa"` takes the $r$ largest singular values out of $W$, their roots into $A$
        and into $B$; `"olora"` the first $r$ columns and rows of its QR. Both leave the
        rest in $W$.
    - `rslora`: $\alpha / \sqrt r$ in place of $\alpha / r$.
    - `dora`: train the lengths of the kernel's rows on their own.
    - `call`, `args`, `tolerance`: what is to stay as it is, `call(model, *args)`, up to
        so much of its size.
    - `record`: also return the [`eqinit.surgery.Record`][]; `undo` merges.

    **Returns:** a new model, with [`eqinit.surgery.LoRA`][] around the adapted layers.

    **Raises:** `ValueError` where nothing can be adapted, or the rank is too large.

    Hu et al., LoRA: Low-rank adaptation of large language models, arXiv:2106.09685.
    Kalajdzievski, A rank stabilization scaling factor for fine-tuning with LoRA,
    arXiv:2312.03732. Meng, Wang and Zhang, PiSSA: Principal singular values and
    singular vectors adaptation of large language models, arXiv:2404.02948. Büyükakyüz,
    OLoRA: Orthonormal low-rank adaptation of large language models, arXiv:2406.01775.
    Liu et al., DoRA: Weight-decomposed low-rank adaptation, arXiv:2402.09353.
    """
    kernels = _kernels(model, selector, rank)
    scale = (rank if alpha is None else alpha) / (math.sqrt(rank) if rslora else rank)
    keys = derive_keys(key, [join(site.path, "lora_a") for site in kernels])
    layers: dict[str, LoRA] = {}
    for site, draw in zip(kernels, keys, strict=True):
        old: Any = layers.get(site.layer_path, site.layer)
        layers[site.layer_path] = _adapted(old, site, rank, draw, scale, start, dora)
    changed = edit(model, layers)
    note = check_same("lora", model, changed, call, args, tolerance)
    made = make_record(
        "lora",
        model,
        changed,
        _origins(layers, {site.path: start for site in kernels}),
        notes=[note],
        inverse=lambda later: merged_at(later, layers.keys()),
    )
    return returned(changed, made, record)


def _kernels(model: Any, selector: SelectorLike, rank: int) -> list[Site]:
    """The kernels that can be adapted, of those that are selected."""
    sites = select(model, selector).sites
    kernels = [s for s in sites if s.spec.role in ("kernel", "embedding")]
    problems = [problem for site in kernels if (problem := _problem(site, rank))]
    if not kernels:
        problems = [f"{selector!r} selects no kernel and no embedding"]
    if problems:
        listed = "\n".join(f"- {problem}" for problem in problems)
        wrapped = [site for site in kernels if wrapped_in(site)]
        raise ValueError(
            f"lora cannot adapt what is selected:\n{listed}\n"
            + (f"{how_to_unwrap(wrapped)} Or narrow" if wrapped else "Narrow")
            + ' the selector, such as `ei.Layer(eqx.nn.Linear) & ~ei.Path("head")`, or '
            "pass a smaller rank."
        )
    return kernels


def _problem(site: Site, rank: int) -> str:
    if site.is_abstract:
        return f"`{site.path}` has a shape and no values"
    if wrapped_in(site):
        return f"`{site.path}` is kept in {wrapped_in(site)}"
    if site.follows is not None:
        return f"`{site.path}` follows `{site.follows}`, which is kept in another form"
    if site.path != join(site.layer_path, site.field):
        return f"`{site.path}` is one of several arrays in `{site.field}`"
    if isinstance(site.layer, LoRA):
        return f"`{site.path}` is an adapter itself: merge it first"
    order = _outputs_first(site.spec.axes)
    if order is None:
        return f"`{site.path}` of {list(site.shape)} is no matrix by its axes"
    most = min(as_matrix(site.leaf, order).shape[-2:])
    return "" if 0 < rank <= most else f"`{site.path}` has a rank of at most {most}"


def _outputs_first(axes: Axes | None) -> tuple[int, ...] | None:
    """The axes behind any stacks, that of the outputs (or the tokens) first."""
    if axes is None:
        return None
    stacks = len(axes.stack)
    names: dict[int, set[str]] = {}
    for factor in axes.factors:
        names.setdefault(factor.dim - stacks, set()).add(factor.name)
    rows = [dim for dim, found in names.items() if found & {"out", "vocab"}]
    known = all(
        found & {"out", "in", "kernel", "vocab", "feature"} for found in names.values()
    )
    if len(rows) != 1 or not known:
        return None
    return (rows[0], *(dim for dim in sorted(names) if dim != rows[0]))


def _adapted(
    layer: Any, site: Site, rank: int, key: Key, scale: float, start: str, dora: bool
) -> LoRA:
    axes = _outputs_first(site.spec.axes)
    assert axes is not None
    matrix = as_matrix(site.leaf, axes)
    wide = matrix.astype(site.spec.draw_dtype)
    a, b = STARTS[start](wide, rank, key, scale)
    a, b = a.astype(matrix.dtype), b.astype(matrix.dtype)
    if start != "lora":
        rest = wide - scale * (b.astype(wide.dtype) @ a.astype(wide.dtype))
        kernel = as_kernel(rest.astype(matrix.dtype), site.shape, axes)
        layer = eqx.tree_at(_getter(site.field), layer, kernel)
    magnitude = row_lengths(matrix) if dora else None
    return LoRA(layer, a, b, magnitude, site.field, float(scale), axes)


def _getter(field: str) -> Callable[[Any], Any]:
    def get(node: Any) -> Any:
        return get(node.layer) if isinstance(node, LoRA) else getattr(node, field)

    return get


def _origins(layers: dict[str, LoRA], starts: dict[str, str]) -> dict[str, Origin]:
    """Where the parameters under each new adapter were before there was one."""
    found: dict[str, Origin] = {}
    for path, node in layers.items():
        for entries, _ in jtu.tree_flatten_with_path(node)[0]:
            inner, kernel = without_adapters(node, spell(entries))
            new, old = join(path, spell(entries)), join(path, inner)
            if kernel:
                found[new] = fresh("low-rank factor", join(path, kernel))
            elif starts.get(old, "lora") == "lora":
                found[new] = moved(old, "frozen" if old in starts else "moved")
            else:
                found[new] = fresh("what the factors leave", old)
    return found
