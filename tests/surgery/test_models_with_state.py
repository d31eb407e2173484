"""Surgery of `(model, state)`: paths are those of the model, the state stays."""

from typing import Any

import equinox as eqx
import jax
import pytest

import eqinit


KEY = jax.random.key(11)


def test_surgery_of_a_model_with_state_takes_the_paths_of_the_model():
    def make(key: Any) -> Any:
        return eqx.nn.Sequential(
            [
                eqx.nn.Linear(4, 6, key=key),
                eqx.nn.BatchNorm(6, axis_name="batch", mode="batch"),
                eqx.nn.Linear(6, 3, key=key),
            ]
        )

    pair = eqx.nn.make_with_state(make)(KEY)

    def head(old: Any) -> Any:
        return eqx.nn.Linear(old.in_features, 5, key=KEY)

    for selector in ("layers.2", lambda model: model.layers[2]):
        model, state = eqinit.swap(pair, selector, head, count=1)
        assert model.layers[2].weight.shape == (5, 6)
        assert model.layers[0].weight is pair[0].layers[0].weight
        assert state is pair[1]
    with pytest.raises(ValueError, match=r"Did you mean `layers\.\d`"):
        eqinit.swap(pair, "layers.9", head)
