"""How much smaller a residual branch starts in a deeper network.

Each function gives a factor for the std (or gain) of some layers of every branch. Use
them in a rule, plainly or by depth:

```python
Rule("blocks.*.mlp.out", weight=Normal(0.02 * depth.gpt2(12)))
Rule("blocks.*.mlp.out", weight=lambda site: Normal(0.02 * depth.beit(site.index)))
```

ReZero (arXiv:2003.04887) and SkipInit (arXiv:2002.10444) are `Zeros()` on the scalar
that multiplies a branch.
"""

from ._schemes.depth import (
    beit as beit,
    deepnorm as deepnorm,
    fixup as fixup,
    gpt2 as gpt2,
    layer_scale as layer_scale,
    subln as subln,
    t_fixup as t_fixup,
)
