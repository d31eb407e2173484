"""Rules that several recipes share."""

from typing import Any

import equinox as eqx

from .._layouts.known.equinox import of_kind
from .._models.selectors import Layer, Path
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes.constant import Ones, Zeros


# Equinox's own names in its transformer layers.
ATTENTION_INPUTS = Path("**.query_proj") | Path("**.key_proj") | Path("**.value_proj")
# The last layer of each residual branch: attention's output, an MLP's last layer.
RESIDUAL = Path("**.output_proj") | Path("**.c_proj") | Path("**.proj_down")
# What DeepNorm and T-Fixup scale: values, attention outputs and MLPs.
BRANCH = Path("**.value_proj") | Path("**.output_proj") | Layer(eqx.nn.MLP)


CONVS = Layer(of_kind("conv"))
DENSE = Layer(of_kind("dense", "conv"))
CONV_TRANSPOSE = Layer(eqx.nn.ConvTranspose)
CELLS = Layer(of_kind("cell"))


def norms() -> list[Rule]:
    """Ones and zeros in every norm."""
    return [Rule(Layer(of_kind("norm")), weight=Ones(), bias=Zeros(), optional=True)]


def layers(selector: Any, weight: Any, bias: Any = Zeros()) -> list[Rule]:
    """Weight and bias of layers that a model may lack."""
    return [Rule(selector, weight=weight, bias=bias, optional=True)]


def embeddings(weight: Any) -> list[Rule]:
    return [Rule(eqx.nn.Embedding, weight=weight, optional=True)]


def cells(weight_ih: Any, weight_hh: Any, lstm_bias: Any, gru_bias: Any) -> list[Rule]:
    """The two recurrent cells, gate by gate as their layouts say."""
    both: dict[str, Any] = {
        "weight_ih": weight_ih,
        "weight_hh": weight_hh,
        "optional": True,
    }
    return [
        Rule(eqx.nn.LSTMCell, **both, bias=lstm_bias),
        Rule(eqx.nn.GRUCell, **both, bias=gru_bias, bias_n=Zeros()),
    ]


def attention_of(site: Site) -> Any:
    """The attention that a projection is of."""
    return next(
        node.module
        for node in reversed(site.ancestors)
        if isinstance(node.module, eqx.nn.MultiheadAttention)
    )


def block_of(site: Site, recipe: str) -> int:
    """The position of the block that a parameter is in: its outermost sequence."""
    if not site.indices:
        raise ValueError(
            f"`{site.path}` is in no sequence of blocks, so that {recipe} does not "
            "know its depth. Pass selectors for layers inside of one."
        )
    return site.indices[0][0]
