"""Transformers whose branches are scaled as a whole: outputs, MLPs and values."""

import math
from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx

from .._models.selectors import Layer, Path, SelectorLike
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes import depth
from .._schemes.constant import Zeros
from .._schemes.distributions import Normal
from .._schemes.fans import GlorotNormal, GlorotUniform
from .._schemes.initializer import AbstractInitializer
from .._typing import Natural, NonNegativeNumber, checked
from ._branches import RESIDUAL, branches_of, either
from ._parts import VALUES, embeddings, for_part, glorot, recipe, unit_rows
from ._selectors import Branch, Of


# Values, attention outputs and MLPs by name, where no trace tells.
_INNER = either("**.mlp.fc1", "**.ffn.fc1", "**.c_fc", "**.linear1", "**.linear2")
_BRANCH = RESIDUAL | VALUES | _INNER | Layer(eqx.nn.MLP)
_LACKING = (
    "These are the ends of residual branches and what is in them before. Pass "
    "`layouts=eqinit.trace_layouts(model, call, x)`, or say which: `branch=...`."
)


def _scaled(
    branch: SelectorLike | None,
    layers: int | None,
    factor: Any,
    name: str,
    glorot_with: Callable[[float], AbstractInitializer] = GlorotUniform,
) -> list[Rule]:
    """Glorot everywhere, with a gain in the layers of the branches.

    `factor` takes the number of layers, which a trace counts if it is not known.
    """

    def scheme(site: Site) -> AbstractInitializer:
        return glorot_with(factor(branches_of(site, name) // 2))

    weight = scheme if layers is None else glorot_with(factor(layers))
    rest = glorot(glorot_with(1.0))
    if branch is not None:
        return [Rule(branch, weight=weight, bias=Zeros()), *rest]
    inside = Rule(Branch(_BRANCH), weight, optional=True)
    values = Rule(VALUES & Of("kernel"), weight, optional=True)
    return [
        *for_part("outputs and MLPs of residual branches", [inside], lacking=_LACKING),
        *for_part("values (`value_proj` or `v_proj`)", [values]),
        *rest,
    ]


@checked
def t_fixup(
    num_layers: Natural | None = None,
    part: Literal["encoder", "decoder"] = "encoder",
    branch: SelectorLike | None = None,
) -> list[Rule]:
    """T-Fixup, for training without norms or warm-up: one part of a transformer.

    Scales as [`eqinit.depth.t_fixup`][]; the embeddings get the decoder's. What is
    scaled is found from a trace where there is one, as in [`eqinit.recipes.gpt2`][],
    but for the values, which are known by name alone.

    **Arguments:**

    - `num_layers`: layers of this part; with a trace, half of the residual branches.
    - `part`: `"encoder"` or `"decoder"`.
    - `branch`: values, attention outputs and the layers of the MLPs, to say them
        oneself.

    **Returns:** rules.

    Huang et al., Improving transformer optimization through better initialization,
    ICML 2020.
    """

    def rows(site: Site) -> Normal:
        layers = num_layers or branches_of(site, "t_fixup") // 2
        return Normal(depth.t_fixup(layers, "decoder") * site.shape[-1] ** -0.5)

    def factor(layers: int) -> float:
        return depth.t_fixup(layers, part)

    rules = _scaled(branch, num_layers, factor, "t_fixup")
    return recipe("t_fixup", [*rules, *embeddings(rows)])


@checked
def dt_fixup(
    largest: NonNegativeNumber,
    num_layers: Natural | None = None,
    branch: SelectorLike | None = None,
) -> list[Rule]:
    r"""DT-Fixup, for training a transformer without norms or warm-up on top of a model
    that has been trained before.

    Glorot normal, and in the branches the scale of [`eqinit.depth.dt_fixup`][], as in
    the authors' code. Tables that relations between tokens add to values
    (`relation_v_emb`) get it as well; embeddings are Glorot over rows and columns. Give
    rules for the trained model in front: `Rule("encoder", Keep())`.

    **Arguments:**

    - `largest`: the largest norm of an input vector of the first layer.
    - `num_layers`: layers of the transformer; with a trace, half of its residual
        branches.
    - `branch`: values, attention outputs and the layers of the MLPs, to say them
        oneself; otherwise as in [`eqinit.recipes.t_fixup`][].

    **Returns:** rules.

    Xu et al., Optimizing deeper transformers on small datasets, arXiv:2012.15355.
    """

    def factor(layers: int) -> float:
        return depth.dt_fixup(layers, largest)

    def relations(site: Site) -> Normal:
        layers = num_layers or branches_of(site, "dt_fixup") // 2
        return Normal(factor(layers) * _of_table(site))

    def rows(site: Site) -> Normal:
        return Normal(_of_table(site))

    def normal(gain: float) -> GlorotNormal:
        return GlorotNormal(gain, distribution="normal")

    rules = _scaled(branch, num_layers, factor, "dt_fixup", normal)
    values = Rule(Path("**.relation_v_emb"), relations, optional=True)
    tables = for_part("relations added to values (`relation_v_emb`)", [values])
    return recipe("dt_fixup", [*tables, *rules, *embeddings(rows)])


def _of_table(site: Site) -> float:
    """The std of Glorot for a table, by its two axes as torch takes them."""
    return math.sqrt(2 / sum(site.shape[-2:]))


@checked
def deepnet(
    encoder: Natural | None = None,
    decoder: Natural | None = None,
    part: Literal["encoder", "decoder"] = "encoder",
    branch: SelectorLike | None = None,
) -> list[Rule]:
    """DeepNet: Glorot, shrunk in the branches; the model multiplies its stream.

    The other half of the method is `alpha` of [`eqinit.depth.deepnorm`][], which the
    model itself applies.

    **Arguments:**

    - `encoder`, `decoder`: layers of each; leave out what there is not. Leave out both
        for a model of one part that a trace is passed of.
    - `part`: which of them these rules are for.
    - `branch`: values, attention outputs and the layers of the MLPs, to say them
        oneself; otherwise as in [`eqinit.recipes.t_fixup`][].

    **Returns:** rules.

    Wang et al., DeepNet: Scaling transformers to 1,000 layers, arXiv:2203.00555.
    """

    def factor(layers: int) -> float:
        alone = encoder is None and decoder is None
        both = depth.deepnorm(layers) if alone else depth.deepnorm(encoder, decoder)
        return _given(both.encoder if alone else getattr(both, part), "deepnet", part)[
            1
        ]

    layers = _layers(encoder, decoder, part, "deepnet")
    rules = _scaled(branch, layers, factor, "deepnet")
    return recipe("deepnet", [*rules, *embeddings(unit_rows)])


def _layers(
    encoder: int | None, decoder: int | None, part: str, name: str
) -> int | None:
    """The layers of the part that is asked for, of the parts that are there."""
    if encoder is None and decoder is None:
        return None
    return _given(encoder if part == "encoder" else decoder, name, part)


@checked
def subln(
    encoder: Natural | None = None,
    decoder: Natural | None = None,
    part: Literal["encoder", "decoder"] = "encoder",
    branch: SelectorLike | None = None,
) -> list[Rule]:
    """Magneto (Sub-LayerNorm): Glorot, enlarged in the branches.

    **Arguments:**

    - `encoder`, `decoder`: layers of each; leave out what there is not. Leave out both
        for a model of one part that a trace is passed of.
    - `part`: which of them these rules are for.
    - `branch`: values, attention outputs and the layers of the MLPs, to say them
        oneself; otherwise as in [`eqinit.recipes.t_fixup`][].

    **Returns:** rules.

    Wang et al., Foundation transformers, arXiv:2210.06423.
    """

    def factor(layers: int) -> float:
        alone = encoder is None and decoder is None
        both = depth.subln(layers) if alone else depth.subln(encoder, decoder)
        return _given(both.encoder if alone else getattr(both, part), "subln", part)

    layers = _layers(encoder, decoder, part, "subln")
    rules = _scaled(branch, layers, factor, "subln")
    return recipe("subln", [*rules, *embeddings(unit_rows)])


def _given(scale: Any, recipe: str, part: str) -> Any:
    if scale is None:
        raise ValueError(
            f"{recipe} was asked for the {part} and not told its layers: "
            f"`{recipe}({part}=12, part={part!r})`."
        )
    return scale
