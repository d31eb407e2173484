"""The surgery on its own: select parameters, then get, set, map or mask them."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
from jax.core import Tracer

from .._articles import kind_of
from .._checks import shown
from .._inference.facts import LayoutsLike, layouts_of
from .._models.alternatives import no_match
from .._models.read import States, read
from .._models.selectors import AbstractSelector, as_selector
from .._models.shardings import new_leaves
from .._models.site import Site
from .._models.write import replace_leaves
from .._tables import html_table, short_dtype
from .._typing import checked


_M = TypeVar("_M")


@dataclasses.dataclass(frozen=True, eq=False)
class Selection(Generic[_M]):
    """Some parameters of one model, in tree order.

    `set` and `map` return a new model; values are checked for shape and dtype. Where a
    parameter is kept in another form (`WeightNorm`, a `softplus(raw)`), values are
    those that the model uses, and what belongs to them is brought into step.

    - `sites`: the parameters.
    - `followers`: parameters selected beside one that they only follow (the `g` of a
        `WeightNorm`): they are part of the mask, and have no value of their own.
    """

    model: _M
    selector: AbstractSelector
    sites: tuple[Site, ...]
    followers: tuple[Site, ...] = ()
    states: States = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Dotted paths."""
        return tuple(site.path for site in self.sites)

    @property
    def count(self) -> int:
        """How many parameters are selected."""
        return len(self.sites)

    def get(self) -> list[Any]:
        """The values, in the order of `paths`."""
        return [_value(site) for site in self.sites]

    @checked
    def set(self, values: Any) -> _M:
        """Replace the values.

        **Arguments:**

        - `values`: one per parameter, in the order of `paths`; a mapping from path to
            value; or a single number for all, or a single array for a single parameter.

        **Returns:** a new model.

        **Raises:** `ValueError` for values of the wrong number, shape or dtype.
        """
        return self._replace(self._ordered(values))

    @checked
    def map(self, fn: Callable[[Any], Any]) -> _M:
        """Replace each value by `fn(value)`, of the same shape and dtype.

        **Returns:** a new model.
        """
        return self._replace([fn(value) for value in self.get()])

    def mask(self) -> Any:
        """The model's tree with `True` at the selected leaves and `False` elsewhere.

        For `eqx.partition`, `optax.masked` and `optax.multi_transform`.
        """
        leaves, treedef = jtu.tree_flatten(self.model)
        chosen = {site.position for site in self.sites + self.followers}
        return jtu.tree_unflatten(treedef, [i in chosen for i in range(len(leaves))])

    def _ordered(self, values: Any) -> Sequence[Any]:
        if isinstance(values, Mapping):
            return self._by_path(values)
        if isinstance(values, (list, tuple)):
            if len(values) != self.count:
                raise ValueError(
                    f"{self.selector!r} selects {self.count} parameters and got "
                    f"{len(values)} values; pass one each, in the order of `.paths`."
                )
            return values
        if isinstance(values, (int, float, complex, np.generic)):
            self._hold(values)
            return [np.full(site.shape, values, site.dtype) for site in self.sites]
        if isinstance(values, jax.Array) and values.ndim == 0:
            self._hold(values)
            return [jnp.full(site.shape, values, site.dtype) for site in self.sites]
        if self.count != 1:
            raise ValueError(
                f"{self.selector!r} selects {self.count} parameters and got one array; "
                "pass a list of arrays, or a number for all of them."
            )
        return [values]

    def _hold(self, number: Any) -> None:
        """Raise where a number would become another in one of these parameters."""
        lost = [site for site in self.sites if not _holds(site.dtype, number)]
        if lost:
            raise ValueError(
                f"`set` got {shown(number)} for `{lost[0].path}`, and {lost[0].dtype} "
                "has no such number. Pass one that it has, or arrays."
            )

    def _by_path(self, values: Mapping[str, Any]) -> list[Any]:
        if set(values) != set(self.paths):
            extra = sorted(set(values) - set(self.paths))
            missing = sorted(set(self.paths) - set(values))
            raise ValueError(
                f"the mapping has {extra} too many and lacks {missing}; its keys are "
                f"the paths of the selection, {list(self.paths)}."
            )
        return [values[path] for path in self.paths]

    def _replace(self, values: Sequence[Any]) -> _M:
        # Arithmetic on a numpy array without axes gives a number.
        arrays = [np.asarray(v) if isinstance(v, np.generic) else v for v in values]
        pairs = list(zip(self.sites, arrays, strict=True))
        wrong = [problem for pair in pairs if (problem := _mismatch(*pair))]
        if wrong:
            listed = "\n".join(f"- {problem}" for problem in wrong)
            raise ValueError(
                f"{len(wrong)} values do not fit:\n{listed}\nCast with "
                "`.astype(leaf.dtype)` or `.reshape(leaf.shape)` where that is meant."
            )
        leaves = [(site, _as_leaf(value, site)) for site, value in pairs]
        return replace_leaves(self.model, new_leaves(leaves, self.states))

    def _repr_html_(self) -> str:
        cells = [
            [site.path, f"{short_dtype(site.dtype)}{list(site.shape)}"]
            for site in self.sites
        ]
        caption = f"{self.count} parameters selected by {self.selector!r}"
        return html_table(["parameter", "array"], cells, caption)

    def __repr__(self) -> str:
        listed = "\n".join(f"  {path}" for path in self.paths)
        return f"Selection({self.selector!r}, {self.count} parameters)\n{listed}"


def _holds(dtype: Any, value: Any) -> bool:
    """Whether a parameter can be filled with this number as it is."""
    if isinstance(value, Tracer):
        return True
    array = np.asarray(value)
    is_real = not jnp.issubdtype(dtype, jnp.complexfloating)
    kind = np.complexfloating if np.iscomplexobj(array) else np.number
    # No bool, no time, no integer beyond 64 bits; and nothing loses its imaginary part.
    if not jnp.issubdtype(array.dtype, kind) or array.dtype.kind == "m":
        return False
    if is_real and np.iscomplexobj(array):
        return False
    size = abs(complex(array))
    return not math.isfinite(size) or size <= float(jnp.finfo(dtype).max)


def _value(site: Site) -> Any:
    blind = site.parametrization is None or site.parametrization.blind
    return (
        site.leaf
        if blind or site.parametrization is None
        else site.parametrization.value()
    )


def _mismatch(site: Site, value: Any) -> str:
    if site.parametrization is not None and site.parametrization.blind:
        return f"`{site.path}`: {site.parametrization.why}"
    if not isinstance(value, (jax.Array, np.ndarray, jax.ShapeDtypeStruct)):
        arrays = [a for a in jtu.tree_leaves(value) if isinstance(a, jax.Array)]
        # Not taken out of it silently: with named axes their order may be another.
        inside = " (pass the array in it, with its axes in this order)"
        hint = inside if len(arrays) == 1 else ""
        return f"`{site.path}` got {kind_of(value)}, wanted an array{hint}"
    if (tuple(value.shape), value.dtype) == (site.shape, site.dtype):
        return ""
    got = f"{value.dtype}{list(value.shape)}"
    return f"`{site.path}` got {got}, wanted {site.dtype}{list(site.shape)}"


def _as_leaf(value: Any, site: Site) -> Any:
    if isinstance(value, np.ndarray) and not isinstance(site.leaf, np.ndarray):
        return jnp.asarray(value)
    return value


@checked
def select(
    model: _M,
    selector: Any,
    *,
    layouts: LayoutsLike = None,
    optional: bool = False,
) -> Selection[_M]:
    """Select parameters of a model.

    ```python
    select(model, "head").get()
    model = select(model, Role("bias")).map(jnp.zeros_like)
    mask = select(model, Layer(eqx.nn.Linear) & ~Path("head")).mask()
    ```

    **Arguments:**

    - `model`: any PyTree.
    - `selector`: a path glob, a layer type, a function of the model or a selector.
    - `layouts`: layouts for this call, as in [`eqinit.plan`][] (they say the roles).
    - `optional`: allow an empty selection.

    **Returns:** a [`eqinit.surgery.Selection`][].

    **Raises:** `ValueError` if nothing is selected.
    """
    chosen = as_selector(selector)
    sites = read(model, layouts_of(layouts))
    mask = chosen.mask(model, sites.parameters)
    hits = tuple(s for s, hit in zip(sites.parameters, mask, strict=True) if hit)
    if not hits and not optional:
        raise ValueError(
            f"{chosen!r} matches nothing.{no_match(sites, chosen)} (Pass "
            "`optional=True` to allow an empty selection.)"
        )
    selected = {site.path for site in hits}
    followers = tuple(site for site in hits if site.follows in selected)
    own = tuple(site for site in hits if site.follows not in selected)
    return Selection(model, chosen, own, followers, sites.states)
