"""What depends on depth: how much smaller a residual branch starts, and criticality.

`EdgeOfChaos` and `RandomWalk` keep a signal alive through hundreds of layers without
residual connections; `critical` and `edge_of_chaos` are their numbers.

Each other function gives a factor for the std (or gain) of some layers of every branch.
Use them in a rule, plainly or by depth:

```python
Rule("blocks.*.mlp.out", weight=Normal(0.02 * depth.gpt2(12)))
Rule("blocks.*.mlp.out", weight=lambda site: Normal(0.02 * depth.beit(site.index)))
```

ReZero (arXiv:2003.04887) and SkipInit (arXiv:2002.10444) are `Zeros()` on the scalar
that multiplies a branch.
"""

from ._schemes.chaos import (
    EdgeOfChaos as EdgeOfChaos,
    RandomWalk as RandomWalk,
    critical as critical,
    edge_of_chaos as edge_of_chaos,
)
from ._schemes.depth import (
    beit as beit,
    deepnorm as deepnorm,
    dt_fixup as dt_fixup,
    fixup as fixup,
    gpt2 as gpt2,
    layer_scale as layer_scale,
    subln as subln,
    t_fixup as t_fixup,
)
