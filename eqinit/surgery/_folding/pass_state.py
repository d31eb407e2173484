"""A layer without a state, in the place of one that had some."""

from typing import Any

import equinox as eqx


class PassState(eqx.nn.StatefulLayer):
    """A layer that is called with a state, and hands it on as it is.

    What is left of a batch norm that was folded, so that `x, state = norm(x, state)`
    works as before.

    - `layer`: what is done to `x`.
    """

    layer: Any

    def __init__(self, layer: Any = eqx.nn.Identity()) -> None:
        self.layer = layer

    def __call__(
        self, x: Any, state: Any, *, key: Any = None, inference: bool | None = None
    ) -> tuple[Any, Any]:
        """The layer's output, and the state."""
        del inference
        return self.layer(x, key=key), state
