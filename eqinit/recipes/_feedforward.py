"""Networks of plain layers: coordinates, convex functions, policies."""

import math

import equinox as eqx

from .._laws.gains import Activation
from .._models.selectors import SelectorLike
from .._planning.rule import Rule
from .._schemes.constant import Zeros
from .._schemes.distributions import Uniform
from .._schemes.fans import LecunNormal, TorchDefault
from .._schemes.hoedt import hoedt
from .._schemes.implicit import Siren
from .._schemes.orthogonal import Orthogonal
from .._typing import Number, checked
from ._parts import DENSE, layers, recipe


@checked
def siren(
    first: SelectorLike, w0: Number = 30.0, hidden_w0: Number | None = None
) -> list[Rule]:
    r"""SIREN: uniform weights by [`eqinit.Siren`][], torch's default for biases.

    **Arguments:**

    - `first`: the layer that sees the coordinates, such as `"layers.0"`.
    - `w0`: the frequency $\omega_0$ of the layers.
    - `hidden_w0`: that of the hidden layers, where it differs.

    **Returns:** rules.

    Sitzmann et al., Implicit neural representations with periodic activation
    functions, arXiv:2006.09661.
    """
    hidden = Siren(w0 if hidden_w0 is None else hidden_w0)
    return recipe(
        "siren",
        [
            Rule(first, weight=Siren(w0, first=True), bias=TorchDefault()),
            Rule(eqx.nn.Linear, weight=hidden, bias=TorchDefault()),
        ],
    )


@checked
def finer(first: SelectorLike, w0: Number = 30.0, bound: Number = 10.0) -> list[Rule]:
    r"""FINER: a SIREN whose first bias is $U(-k, k)$, which sets the frequencies that
    the network can reach.

    **Arguments:**

    - `first`: the layer that sees the coordinates, such as `"layers.0"`.
    - `w0`: the frequency $\omega_0$ of the layers.
    - `bound`: $k$, half-width of the first bias.

    **Returns:** rules.

    Liu et al., FINER: Flexible spectral-bias tuning in implicit neural representation
    by variable-periodic activation functions, arXiv:2312.02434.
    """
    return recipe("finer", [Rule(first, bias=Uniform(bound)), *siren(first, w0)])


@checked
def icnn(
    convex: SelectorLike,
    activation: Activation | None = None,
    corr: Number = 0.5,
    bias_noise: Number = 0.0,
    *,
    matched: bool = True,
) -> list[Rule]:
    r"""Input-convex networks: [`eqinit.hoedt`][] for the layers whose weights stay
    positive, LeCun normal and zero biases for the others.

    **Arguments:**

    - `convex`: the layers with positive weights: a path, or their type.
    - `activation`: the network's, a function or its name; ReLU if left out.
    - `corr`: correlation between features that the pair keeps.
    - `bias_noise`: share of the weights' variance that the bias carries instead.
    - `matched`: give each drawn matrix exactly the nominal moments.

    **Returns:** rules.

    Hoedt and Klambauer, Principled weight initialisation for input-convex neural
    networks, arXiv:2312.12474.
    """
    pair = hoedt(1, corr, bias_noise, activation=activation, matched=matched)
    return recipe("icnn", [Rule(convex, **pair), *layers(eqx.nn.Linear, LecunNormal())])


@checked
def rl_ppo(policy: SelectorLike, value: SelectorLike) -> list[Rule]:
    r"""Proximal policy optimisation: orthogonal, with a gain of $\sqrt2$ in the body,
    0.01 in the policy's last layer and 1 in the value's.

    **Arguments:**

    - `policy`: the last layer of the policy.
    - `value`: the last layer of the value function.

    **Returns:** rules.

    Engstrom et al., Implementation matters in deep policy gradients, arXiv:2005.12729.
    """
    return recipe(
        "rl_ppo",
        [
            Rule(policy, weight=Orthogonal(0.01), bias=Zeros()),
            Rule(value, weight=Orthogonal(1.0), bias=Zeros()),
            *layers(DENSE, Orthogonal(math.sqrt(2))),
        ],
    )


@checked
def rl_ddpg(last: SelectorLike, bound: Number = 3e-3) -> list[Rule]:
    r"""Deep deterministic policy gradient: $U(\pm 1/\sqrt n)$, and $U(\pm 0.003)$ in
    the last layers of actor and critic.

    **Arguments:**

    - `last`: those last layers.
    - `bound`: half-width of theirs.

    **Returns:** rules.

    Lillicrap et al., Continuous control with deep reinforcement learning,
    arXiv:1509.02971.
    """
    final = Uniform(bound)
    return recipe(
        "rl_ddpg",
        [
            Rule(last, weight=final, bias=final),
            Rule(DENSE, TorchDefault(), optional=True),
        ],
    )


@checked
def selu_net() -> list[Rule]:
    r"""Self-normalising networks: LeCun normal and zero biases.

    **Returns:** rules.

    Klambauer et al., Self-normalizing neural networks, arXiv:1706.02515.
    """
    return recipe("selu_net", layers(DENSE, LecunNormal()))
