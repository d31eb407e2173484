"""State spaces with everything that they hold: S5 and the linear recurrent unit."""

from collections.abc import Callable

import numpy as np

from .._models.selectors import Path
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes.constant import Constant
from .._schemes.distributions import Normal
from .._schemes.hippo import dplr
from .._schemes.rates import LogDt, Radius, lru_ring
from .._schemes.ssm import S5
from .._typing import Natural, Positive, checked
from ._parts import recipe


@checked
def s5(blocks: Natural = 1, *, half: bool = True) -> list[Rule]:
    r"""S5's own parameters: eigenvalues and eigenbasis of HiPPO-LegS, a block diagonal
    of them.

    Eigenvalues $-\frac12 + i\omega$ in `Lambda_re` and `Lambda_im`, input and output
    matrices by [`eqinit.ssm.S5`][] in `B` and `C`, of shapes `(state, in, 2)` and
    `(out, state, 2)`, skips $\mathcal N(0, 1)$ in `D` and log-uniform steps in
    `log_step`. Rules for the state space alone; put them in front of those for the
    rest.

    **Arguments:**

    - `blocks`: number of HiPPO blocks that the state is made of.
    - `half`: whether the state holds one of each conjugate pair.

    **Returns:** rules.

    Smith, Warrington and Linderman, Simplified state space layers for sequence
    modeling, arXiv:2208.04933.
    """

    def eigenvalues(
        part: Callable[[np.ndarray], np.ndarray],
    ) -> Callable[..., Constant]:
        def of(site: Site) -> Constant:
            size = site.shape[-1] // blocks if site.shape else 0
            if size * blocks != (site.shape or (0,))[-1] or not size:
                raise ValueError(
                    f"`{site.path}` has shape {site.shape}, which {blocks} HiPPO "
                    "blocks do not divide; pass another `blocks=`."
                )
            values = dplr(2 * size if half else size, half=half).eigenvalues
            return Constant(np.tile(part(values), blocks))

        return of

    matrices = "out in pair=2"
    return recipe(
        "s5",
        [
            Rule(Path("**.Lambda_re"), eigenvalues(np.real)),
            Rule(Path("**.Lambda_im"), eigenvalues(np.imag)),
            Rule(Path("**.B"), S5("B", blocks, half), axes=matrices),
            Rule(Path("**.C"), S5("C", blocks, half), axes=matrices),
            Rule(Path("**.D"), Normal(1.0)),
            Rule(Path("**.log_step"), LogDt()),
        ],
        whole=False,
    )


@checked
def lru(
    r_min: Radius = 0.0, r_max: Radius = 1.0, max_phase: Positive = 6.28
) -> list[Rule]:
    r"""The linear recurrent unit's own parameters: eigenvalues uniform on a ring.

    `nu_log`, `theta_log` and `gamma_log` by [`eqinit.ssm.lru_ring`][]; `B_re` and
    `B_im`, of shape `(state, in)`, are $\mathcal N(0, 1/(2 n_\text{in}))$, `C_re` and
    `C_im`, of shape `(out, state)`, $\mathcal N(0, 1/n_\text{state})$ and `D`
    $\mathcal N(0, 1)$. Rules for the recurrence alone; put them in front of those for
    the rest.

    **Arguments:**

    - `r_min`, `r_max`: radii of the ring, within [0, 1]; 0.9 and 0.999 for long
        memories.
    - `max_phase`: largest angle, in radians; $\pi/10$ for long memories.

    **Returns:** rules.

    Orvieto et al., Resurrecting recurrent neural networks for long sequences,
    arXiv:2303.06349.
    """

    def over(terms: int) -> Callable[[Site], Normal]:
        return lambda site: Normal((terms * max(site.shape[-1], 1)) ** -0.5)

    ring = lru_ring(r_min, r_max, max_phase)
    return recipe(
        "lru",
        [
            *(Rule(Path(f"**.{name}"), init) for name, init in ring.items()),
            Rule(Path("**.B_re") | Path("**.B_im"), over(2)),
            Rule(Path("**.C_re") | Path("**.C_im"), over(1)),
            Rule(Path("**.D"), Normal(1.0)),
        ],
        whole=False,
    )
