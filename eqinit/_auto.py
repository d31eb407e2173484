"""`auto`: initial values for people with no opinion, each with its reason in words."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import equinox as eqx

from ._inference.roles import ABOUT_OUTPUTS
from ._inference.row import TracedRow
from ._inference.trace import trace_layouts
from ._laws.gains import gain
from ._models.place import AbstractPlace
from ._models.read import read
from ._models.selectors import AbstractSelector
from ._models.site import Site
from ._planning.keep import Keep
from ._planning.plan import Plan, plan
from ._planning.rule import Rule
from ._schemes.constant import Ones, Zeros
from ._schemes.distributions import Normal
from ._schemes.fans import LecunNormal
from ._schemes.gates import ForgetGateBias
from ._schemes.orthogonal import Orthogonal
from ._typing import Key, Number, checked


_M = TypeVar("_M")

# Functions that pass a signal on, and so ask for a gain. A sigmoid is a gate or an
# output, and a softmax a choice: their inputs are to be of size one.
_GAINED = (
    "relu relu6 leaky_relu elu celu selu gelu silu mish softplus tanh hard_tanh sin "
    "hard_swish hard_silu squareplus soft_sign"
).split()
_READOUT, _POSITIONS = 0.1, 0.02


@dataclasses.dataclass(frozen=True)
class Because(AbstractSelector):
    """The parameters that one reason holds for; a plan shows the reason."""

    why: str
    paths: frozenset[str]

    def matches(self, place: AbstractPlace) -> bool:
        return place.path in self.paths

    def __repr__(self) -> str:
        return self.why


@checked
def auto(model: _M, key: Key, call: Callable[..., Any], *args: Any) -> tuple[_M, Plan]:
    r"""Give every parameter a value that suits what the model does with it.

    For people with no opinion. The call is traced, and what each parameter is for
    decides; the plan says why, row by row.

    ```python
    model, plan = eqinit.auto(model, key, lambda model, x: jax.vmap(model)(x), x)
    print(plan)
    ```

    Kernels are LeCun normal, times the gain of the function that follows; over
    $\sqrt N$ where one of $N$ residual branches ends; times 0.1 where the output is the
    model's. Recurrent kernels of cells are orthogonal. Biases are zero (one in a forget
    gate), scales of norms one, tables that are looked up of std 1 and tables of
    positions of std 0.02.

    What the trace is in doubt about keeps its value, and the plan says so.

    **Arguments:**

    - `model`: any PyTree, concrete or abstract.
    - `key`: a PRNG key.
    - `call`, `*args`: a forward pass, as for [`eqinit.trace_layouts`][]; it returns the
        model's output and not a loss, so that the readout is seen.

    **Returns:** the model and its plan, in which `row.rule` is the reason, in words.

    **Raises:** `ValueError` where a parameter that is in doubt is abstract, where a
    registered layout contradicts the computation, and where there is no array among
    `*args`.
    """
    traced = trace_layouts(model, call, *args)
    paths: dict[_Choice, list[str]] = {}
    for site in read(model, traced).parameters:
        row = site.traced
        if row is not None:
            paths.setdefault(_choice(site, row), []).append(site.path)
    rules = [
        Rule(Because(choice.why, frozenset(them)), choice.init, fan_in=choice.fan_in)
        for choice, them in paths.items()
    ]
    made = plan(model, rules, layouts=traced)
    return made.apply(model, key), made


class _Choice(NamedTuple):
    """What a parameter gets, and why; `fan_in` where no layout may say it."""

    why: str
    init: Any
    fan_in: Number | None = None


def _kept(why: str) -> _Choice:
    return _Choice(f"kept: {why}", Keep())


def _choice(site: Site, row: TracedRow) -> _Choice:
    """What one parameter gets, by its role and by what is done with it."""
    if row.status in ("unknown", "unused"):
        return _kept(row.remark or "the call does without it")
    if row.function:
        name = "a function" if row.function == "?" else row.function
        return _kept(f"the model uses {name} of it, and not what is stored")
    spec, tied = site.spec, _is_tied(row)
    if tied:
        std = site.shape[-1] ** -0.5
        return _Choice(f"table that is read out too: std {std:.3g}", Normal(std))
    if row.status == "ambiguous" and spec.axes is None and row.axes is not None:
        if "position" in row.axes:
            return _Choice(f"table of positions: std {_POSITIONS}", Normal(_POSITIONS))
        if row.role == "kernel" and row.remark == ABOUT_OUTPUTS:
            return _kernel(site, row)._replace(fan_in=row.fan_in)
        return _kept(f"in doubt ({row.remark})")
    if spec.axes is None:
        return _kept(f"in doubt ({row.remark})")
    return _by_role(site, row)


def _is_tied(row: TracedRow) -> bool:
    roles = {use.role for use in row.uses}
    return roles == {"embedding", "kernel"}


def _by_role(site: Site, row: TracedRow) -> _Choice:
    match site.spec.role:
        case "kernel":
            return _kernel(site, row)
        case "bias":
            gates = site.spec.known_axes.factors
            if any("f" in factor.labels for factor in gates):
                return _Choice("bias of gates: 1 in the forget gate", ForgetGateBias())
            return _Choice("bias: zero", Zeros())
        case "scale":
            return _Choice("scale of a norm: one", Ones())
        case "embedding" if "position" in site.spec.known_axes.text:
            return _Choice(f"table of positions: std {_POSITIONS}", Normal(_POSITIONS))
        case "embedding":
            return _Choice("table of rows that are looked up: std 1", Normal(1.0))
        case _:
            return _kept("neither kernel, bias, scale nor table")


def _kernel(site: Site, row: TracedRow) -> _Choice:
    cell = isinstance(site.layer, eqx.nn.LSTMCell | eqx.nn.GRUCell)
    if cell and site.field == "weight_hh":
        return _Choice("recurrent kernel: orthogonal, gate by gate", Orthogonal())
    if row.residual_count is not None:
        count = row.residual_count
        return _Choice(
            f"ends one of {count} residual branches: 1 / sqrt({count})",
            LecunNormal(1 / math.sqrt(count)),
        )
    if row.readout:
        why = f"readout: times {_READOUT}, to start near zero"
        return _Choice(why, LecunNormal(_READOUT))
    met = row.activation
    if met in _GAINED:
        factor = gain(met)
        why = f"{met} follows: times its gain, {factor:.3f}"
        return _Choice(why, LecunNormal(factor))
    if met in (None, "identity"):
        return _Choice("no function follows: gain 1", LecunNormal())
    return _Choice(f"`{met}` follows, which asks for no gain", LecunNormal())
