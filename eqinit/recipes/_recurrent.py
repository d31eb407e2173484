"""Recurrent networks and state space models."""

import math
from typing import Any

import equinox as eqx

from .._models.selectors import Path, SelectorLike
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes.constant import Ones, Zeros
from .._schemes.distributions import Normal
from .._schemes.fans import FanUniform, GlorotUniform, TorchDefault
from .._schemes.gates import Chrono, ForgetGateBias
from .._schemes.orthogonal import Orthogonal
from .._schemes.rates import LogDt, UniformRate
from .._schemes.ssm import S4D
from .._typing import Natural, Number, checked
from ._parts import biases, embeddings, for_part, kernels, norms, recipe
from ._selectors import Convolution


_KERNELS: dict[str, Any] = {"weight_ih": GlorotUniform(), "weight_hh": Orthogonal()}


@checked
def lstm(forget: Number = 1.0) -> list[Rule]:
    """LSTM: Glorot input and orthogonal recurrent kernels, gate by gate; one in the
    bias of the forget gate.

    **Arguments:**

    - `forget`: bias of the forget gate; the others are zero.

    **Returns:** rules.

    Jozefowicz et al., An empirical exploration of recurrent network architectures,
    ICML 2015.
    """
    return recipe(
        "lstm",
        [Rule(eqx.nn.LSTMCell, **_KERNELS, bias=ForgetGateBias(forget))],
        whole=False,
    )


@checked
def lstm_chrono(t_max: Number, t_min: Number = 1.0) -> list[Rule]:
    """LSTM as [`eqinit.recipes.lstm`][], with gate biases for memories of up to `t_max`
    steps.

    **Arguments:**

    - `t_max`, `t_min`: longest and shortest time to remember, as [`eqinit.Chrono`][].

    **Returns:** rules.

    Tallec and Ollivier, Can recurrent neural networks warp time?, arXiv:1804.11188.
    """
    return recipe(
        "lstm_chrono",
        [Rule(eqx.nn.LSTMCell, **_KERNELS, bias=Chrono(t_max, t_min))],
        whole=False,
    )


@checked
def gru() -> list[Rule]:
    """GRU: Glorot input and orthogonal recurrent kernels, gate by gate; zero biases.

    **Returns:** rules.
    """
    return recipe(
        "gru",
        [Rule(eqx.nn.GRUCell, **_KERNELS, bias=Zeros(), bias_n=Zeros())],
        whole=False,
    )


@checked
def gru_chrono(t_max: Number, t_min: Number = 1.0) -> list[Rule]:
    """GRU as [`eqinit.recipes.gru`][], with update gates for memories of up to `t_max`
    steps.

    **Arguments:**

    - `t_max`, `t_min`: longest and shortest time to remember, as [`eqinit.Chrono`][].

    **Returns:** rules.

    Tallec and Ollivier, Can recurrent neural networks warp time?, arXiv:1804.11188.
    """
    return recipe(
        "gru_chrono",
        [Rule(eqx.nn.GRUCell, **_KERNELS, bias=Chrono(t_max, t_min), bias_n=Zeros())],
        whole=False,
    )


def _around(num_layers: int | None) -> list[Rule]:
    """What is around the state spaces of a network of Mamba's layers."""

    def last(site: Site) -> FanUniform:
        layers = num_layers or (site.block or (0, 0))[1] or math.prod(site.stack)
        return FanUniform(gain=layers**-0.5)

    out = Rule(Path("**.out_proj"), weight=last, bias=Zeros(), optional=True)
    taps = Rule(Convolution(), TorchDefault(), optional=True)
    return [
        *for_part("output projections (`out_proj`)", [out]),
        *for_part("convolutions", [taps]),
        *kernels(TorchDefault()),
        *embeddings(Normal(0.02)),
        *biases(),
        *norms(),
    ]


@checked
def mamba(
    a_log: SelectorLike = Path("**.A_log"),
    d: SelectorLike = Path("**.D"),
    step: SelectorLike = Path("**.dt_proj"),
    dt_gain: Number = 1.0,
    num_layers: Natural | None = None,
) -> list[Rule]:
    r"""Mamba: decays $1 \dots N$, skips of one, log-uniform steps; around them torch's
    default, over $\sqrt L$ in the output projections.

    Embeddings are $\mathcal N(0, 0.02^2)$, as in its authors' code.

    **Arguments:**

    - `a_log`, `d`: the parameters with these roles.
    - `step`: the layer whose softplus is the step size.
    - `dt_gain`: gain of its weights, which are $U(\pm r^{-1/2})$ for a rank $r$.
    - `num_layers`: $L$; the number of blocks that there are if left out.

    **Returns:** rules.

    Gu and Dao, Mamba: Linear-time sequence modeling with selective state spaces,
    arXiv:2312.00752.
    """
    steps = LogDt(1e-3, 0.1, "softplus", floor=1e-4)
    return recipe(
        "mamba",
        [
            Rule(a_log, S4D("real", "log_real")),
            Rule(d, Ones()),
            Rule(step, weight=FanUniform(gain=dt_gain), bias=steps),
            *_around(num_layers),
        ],
    )


@checked
def mamba2(
    a_log: SelectorLike = Path("**.A_log"),
    d: SelectorLike = Path("**.D"),
    dt_bias: SelectorLike = Path("**.dt_bias"),
    num_layers: Natural | None = None,
) -> list[Rule]:
    r"""Mamba-2: one decay per head, uniform in 1 to 16; around the state spaces as
    [`eqinit.recipes.mamba`][].

    **Arguments:**

    - `a_log`, `d`: the parameters with these roles.
    - `dt_bias`: the parameter whose softplus is the step size.
    - `num_layers`: the number of blocks that there are if left out.

    **Returns:** rules.

    Dao and Gu, Transformers are SSMs, arXiv:2405.21060.
    """
    return recipe(
        "mamba2",
        [
            Rule(a_log, UniformRate(1.0, 16.0)),
            Rule(d, Ones()),
            Rule(dt_bias, LogDt(1e-3, 0.1, "softplus", floor=1e-4)),
            *_around(num_layers),
        ],
    )


@checked
def s4d(
    log_real: SelectorLike = Path("**.log_A_real"),
    imag: SelectorLike = Path("**.A_imag"),
    log_dt: SelectorLike = Path("**.log_dt"),
) -> list[Rule]:
    r"""S4D-Lin: $\lambda_n = -\frac12 + i \pi n$, log-uniform steps.

    Rules for the eigenvalues and steps alone; put them in front of those for the rest.

    **Arguments:**

    - `log_real`, `imag`: the parameters with $\ln(-\operatorname{Re}\lambda)$ and
        $\operatorname{Im}\lambda$.
    - `log_dt`: the parameter with the logarithm of the step.

    **Returns:** rules.

    Gu et al., On the parameterization and initialization of diagonal state space
    models, arXiv:2206.11893.
    """
    return recipe(
        "s4d",
        [
            Rule(log_real, S4D("lin", "log_real")),
            Rule(imag, S4D("lin", "imag")),
            Rule(log_dt, LogDt()),
        ],
        whole=False,
    )
