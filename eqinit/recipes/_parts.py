"""Rules that several recipes share."""

from typing import Any

import equinox as eqx

from .._models.selectors import AbstractSelector, Layer, Path
from .._models.walk import Site
from .._planning.rule import Rule
from .._schemes.constant import Ones, Zeros


_NORMS = (eqx.nn.LayerNorm, eqx.nn.RMSNorm, eqx.nn.GroupNorm, eqx.nn.BatchNorm)

# Equinox's own names in its transformer layers.
ATTENTION_INPUTS = Path("**.query_proj") | Path("**.key_proj") | Path("**.value_proj")
# The last layer of each residual branch: attention's output, an MLP's last layer.
RESIDUAL = Path("**.output_proj") | Path("**.c_proj") | Path("**.proj_down")
# What DeepNorm and T-Fixup scale: values, attention outputs and MLPs.
BRANCH = Path("**.value_proj") | Path("**.output_proj") | Layer(eqx.nn.MLP)


def any_of(*layers: type) -> AbstractSelector:
    """Parameters of layers of any of these types."""
    found: AbstractSelector = Layer(layers[0])
    for layer in layers[1:]:
        found = found | Layer(layer)
    return found


CONVS = any_of(eqx.nn.Conv, eqx.nn.ConvTranspose)
DENSE = any_of(eqx.nn.Linear, eqx.nn.Conv, eqx.nn.ConvTranspose)


def norms() -> list[Rule]:
    """Ones and zeros in every norm."""
    return [Rule(any_of(*_NORMS), weight=Ones(), bias=Zeros(), optional=True)]


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


def block_of(site: Site, recipe: str) -> int:
    """The position of the block that a parameter is in: its outermost sequence."""
    if not site.indices:
        raise ValueError(
            f"`{site.path}` is in no sequence of blocks, so that {recipe} does not "
            "know its depth. Pass selectors for layers inside of one."
        )
    return site.indices[0][0]
