"""The coordinate check: do sizes stay what they are as a model grows wider?"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._tables import AbstractReport, Column, Table
from .._typing import Key, Natural, checked
from ..signal._probe.plot import require_pyplot
from ..signal._probe.probe import probe


@dataclasses.dataclass(frozen=True)
class Coordinates:
    """One layer at all widths.

    - `path`: of the layer.
    - `before`, `after`: the root mean square of what it returns, by width, before and
        after the steps.
    - `slope`: of the logarithm of `after` against that of the width: 0 if sizes stay,
        1 if they grow in proportion.
    """

    path: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    slope: float


@dataclasses.dataclass(frozen=True, repr=False)
class CoordinateCheck(AbstractReport):
    """What `mup_coordinate_check` measured; prints as a table.

    - `widths`: from the smallest.
    - `rows`: one [`eqinit.recipes.Coordinates`][] a layer, in call order.
    """

    widths: tuple[int, ...]
    rows: tuple[Coordinates, ...]

    @property
    def steepest(self) -> float:
        """The largest slope, up or down, of a layer that returns something."""
        return max((row.slope for row in self.rows), key=abs, default=0.0)

    def plot(self) -> Any:
        """Sizes after the steps against width, one line per layer, with matplotlib."""
        plt = require_pyplot()
        figure, axes = plt.subplots()
        for row in self.rows:
            axes.loglog(self.widths, row.after, "o-", label=row.path)
        axes.set_xlabel("width")
        axes.set_ylabel("root mean square of a layer's output after the steps")
        axes.legend(fontsize="small")
        return figure

    def _table(self) -> Table[Coordinates]:
        columns = [
            Column[Coordinates]("layer", lambda row: row.path),
            *(self._at(i, width) for i, width in enumerate(self.widths)),
            Column[Coordinates]("slope", lambda row: f"{row.slope:+.3f}"),
        ]
        return Table(
            self.rows, columns, [f"steepest slope {self.steepest:+.3f}"], _data
        )

    @staticmethod
    def _at(i: int, width: int) -> Column[Coordinates]:
        return Column(str(width), lambda row: f"{row.after[i]:.4g}")


def _data(row: Coordinates) -> dict[str, Any]:
    return dataclasses.asdict(row)


@checked
def mup_coordinate_check(
    make: Callable[[int], tuple[Any, Any]],
    call: Callable[..., Any],
    loss: Callable[..., Any],
    *args: Any,
    widths: Sequence[int] = (64, 128, 256, 512),
    steps: Natural = 4,
    key: Key | None = None,
) -> CoordinateCheck:
    r"""Train a model for some steps at several widths, and compare sizes.

    In the maximal update parametrisation every layer's output is as large at every
    width, before and after: slopes are near 0. (That of the readout may be down to
    -1/2 where steps are few: it starts smaller in a wider model.) In another they are
    not, and what suits a narrow model does not suit a wide one.

    ```python
    def make(width):
        model = ei.apply(net(width), key, recipes.mup(base))
        return model, optax.chain(optax.adam(1e-2), recipes.mup_steps(model, base))

    print(recipes.mup_coordinate_check(make, call, loss, x, y))
    ```

    **Arguments:**

    - `make`: from a width to a model, with its initial values, and an optimiser of
        optax for its arrays (`eqx.filter(model, eqx.is_inexact_array)`).
    - `call`: a forward pass, `call(model, *args)`, for [`eqinit.probe`][].
    - `loss`: what is trained, `loss(model, *args)`.
    - `*args`: a batch.
    - `widths`: several, such as four up to 1024.
    - `steps`: of the optimiser.
    - `key`: as in [`eqinit.probe`][].

    **Returns:** a [`eqinit.recipes.CoordinateCheck`][].

    **Raises:** `ValueError` for fewer than two widths.

    Yang et al., Tensor programs V, arXiv:2203.03466, section 6.
    """
    ordered = tuple(sorted(set(widths)))
    if len(ordered) < 2:
        raise ValueError(
            f"mup_coordinate_check got widths={tuple(widths)}; a slope takes two at "
            "least, such as `widths=(64, 128, 256, 512)`."
        )
    before: dict[str, list[float]] = {}
    after: dict[str, list[float]] = {}
    for width in ordered:
        model, optimizer = make(width)
        trained = _trained(model, optimizer, loss, args, steps)
        for found, which in ((before, model), (after, trained)):
            for row in probe(which, call, *args, key=key):
                found.setdefault(row.path, []).append(math.sqrt(row.second_moment))
    rows = [
        Coordinates(path, tuple(before[path]), tuple(sizes), _slope(ordered, sizes))
        for path, sizes in after.items()
    ]
    return CoordinateCheck(ordered, tuple(rows))


def _slope(widths: Sequence[int], sizes: Sequence[float]) -> float:
    with np.errstate(divide="ignore"):
        logs = np.log(np.asarray(sizes, np.float64))
    if not np.isfinite(logs).all():
        return math.nan
    return float(np.polyfit(np.log(widths), logs, 1)[0])


def _trained(
    model: Any, optimizer: Any, loss: Callable[..., Any], args: Any, steps: int
) -> Any:
    arrays, static = eqx.partition(model, eqx.is_inexact_array)

    @jax.jit
    def step(arrays: Any, state: Any, args: Any) -> tuple[Any, Any]:
        grads = jax.grad(lambda a: loss(eqx.combine(a, static), *args))(arrays)
        updates, state = optimizer.update(grads, state, arrays)
        return eqx.apply_updates(arrays, updates), state

    # Optax relies on it.
    with jax.numpy_dtype_promotion("standard"):
        state = optimizer.init(arrays)
        for _ in range(steps):
            arrays, state = step(arrays, state, args)
    return eqx.combine(arrays, static)
