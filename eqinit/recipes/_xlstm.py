"""The extended LSTM: its two kinds of cells, and what is around them."""

import math
from collections.abc import Callable

from .._models.selectors import AbstractSelector, Path, SelectorLike
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes.combined.split import Blocks, PerGate
from .._schemes.constant import Ones, Zeros
from .._schemes.distributions import Normal
from .._schemes.fans import TorchDefault
from .._schemes.initializer import AbstractInitializer
from .._schemes.spaced import Linspace
from .._schemes.transformer import SmallInit, Wang
from .._typing import Natural, checked
from ._branches import block_of, either
from ._parts import biases, embeddings, for_part, given_or_named, kernels, norms, recipe
from ._selectors import Named
from ._tokens import convolutions


_CELL = either("**.slstm_cell._bias_", "**.slstm_cell.bias")
_RECURRENT = either(
    "**.slstm_cell._recurrent_kernel_", "**.slstm_cell.recurrent_kernel"
)
_GATES = (
    "By name these are the layer `fgate` of an mLSTM and the bias of an sLSTM's "
    "`slstm_cell`. Say which they are: `forget_gate=...`, `cell=...`."
)
_DOWN = "By name these are `proj_down`. Say which they are: `down=...`."


@checked
def xlstm(
    num_layers: Natural,
    dim: Natural,
    input_gate: SelectorLike | None = None,
    forget_gate: SelectorLike | None = None,
    down: SelectorLike | None = None,
    cell: SelectorLike | None = None,
) -> list[Rule]:
    r"""The extended LSTM: small weights, gates that start at their biases alone.

    In an mLSTM kernels of gates are zero, input gates have biases
    $\mathcal N(0, 0.1^2)$, forget gates 3 to 6, evenly spaced over the heads. In an
    sLSTM recurrent kernels are zero, and so are the biases of all but the forget gates,
    which in block $l$ run from 5 down to -7 over the $n$ units of each head:
    $5 - 12 (i / (n - 1))^p$ with $p = 0.3 + 1.3\, l / (L - 1)$.

    Down projections have std $2/(L\sqrt d)$, all other layers and embeddings
    $\sqrt{2/(5d)}$, convolutions torch's default; skips of the cell
    (`learnable_skip`) are one.

    **Arguments:**

    - `num_layers`: $L$, the number of blocks.
    - `dim`: $d$, the model's width.
    - `input_gate`, `forget_gate`: the layers that compute the gates of an mLSTM; by
        name `igate` and `fgate`. An sLSTM's have no biases of their own, and start as
        other layers do.
    - `down`: the last layers of the blocks; by name `proj_down`.
    - `cell`: biases of sLSTMs, of shape `(heads, 4, units)` with the forget gate
        second, or of any shape whose layout names the gates; by name `slstm_cell.bias`.
        Their block is that of `site.block` of [`eqinit.Site`][].

    **Returns:** rules.

    Beck et al., xLSTM: Extended long short-term memory, arXiv:2405.04517.
    """
    small = SmallInit(dim)
    skip = Rule(Named(("learnable_skip",)), Ones(), optional=True)
    return recipe(
        "xlstm",
        [
            *_input_gates(input_gate),
            *_forget_gates(forget_gate, cell),
            *for_part("recurrent kernels", [Rule(_RECURRENT, Zeros(), optional=True)]),
            *given_or_named(
                *("down projections", down, Path("**.proj_down"), _DOWN),
                weight=Wang(num_layers, dim),
                bias=Zeros(),
            ),
            *for_part("skips of cells", [skip]),
            *convolutions(TorchDefault(), TorchDefault()),
            *kernels(small),
            *embeddings(small),
            *biases(),
            *norms(),
        ],
    )


def _input_gates(given: SelectorLike | None) -> list[Rule]:
    start = _at_rest(Normal(0.1))
    if given is not None:
        return [Rule(given, start)]
    named = Rule(Path("**.igate"), start, optional=True)
    return for_part("input gates", [named])


def _forget_gates(given: SelectorLike | None, cell: SelectorLike | None) -> list[Rule]:
    """Those of both kinds of cells, of which there has to be one."""
    start = _at_rest(Linspace(3.0, 6.0))
    rules = [] if cell is None else [Rule(cell, _curves)]
    if given is not None:
        return [*rules, Rule(given, start), Rule(_CELL, _curves, optional=True)]

    def either_kind(site: Site) -> AbstractInitializer | None:
        return _curves(site) if _CELL.matches(site) else start(site)

    named: AbstractSelector = Path("**.fgate") | _CELL
    lacking = "" if rules else _GATES
    rule = Rule(named, either_kind, optional=True)
    return [*rules, *for_part("forget gates", [rule], lacking=lacking)]


def _at_rest(bias: AbstractInitializer) -> Callable[[Site], AbstractInitializer | None]:
    """A gate that opens by its bias, whatever comes in."""

    def scheme(site: Site) -> AbstractInitializer | None:
        if getattr(site.layer, "bias", None) is None:
            return None  # of an sLSTM, whose cell has the biases
        return bias if site.field == "bias" else Zeros()

    return scheme


def _curves(site: Site) -> AbstractInitializer:
    """The bias of an sLSTM, also where blocks are stacked."""
    stack = site.stack if site.spec.axes is not None else site.shape[:-3]
    if not stack:
        return _curve(site, block_of(site, "xlstm"), (site.block or (0, 1))[1])
    if len(stack) > 1 or site.block is not None:
        raise ValueError(
            f"`{site.path}` is a stack of blocks inside of another sequence, so that "
            "xlstm does not know its depth. A rule in front says its values."
        )
    count = math.prod(stack)
    return Blocks([_curve(site, block, count) for block in range(count)], axis=0)


def _curve(site: Site, block: int, count: int) -> AbstractInitializer:
    power = 0.3 + 1.3 * block / max(count - 1, 1)
    forget = Linspace(5.0, -7.0, power=power)
    axes = site.spec.axes
    if axes is not None and any("f" in factor.labels for factor in axes.factors):
        return PerGate(f=forget, other=Zeros())
    if len(site.shape) < 2 or site.shape[-2] != 4:
        raise ValueError(
            f"`{site.path}` has shape {site.shape}; xlstm takes the bias of an sLSTM "
            "of shape `(heads, 4, units)`, the forget gate second, or with gates that "
            'have names: `register_layout(Cell, bias="head gate out", '
            'sizes={"gate": ("i", "f", "z", "o")})`.'
        )
    return Blocks([Zeros(), forget, Zeros(), Zeros()], axis=-2)
