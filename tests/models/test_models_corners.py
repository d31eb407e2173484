"""Single lines about models."""

from typing import Any

import equinox as eqx
import jax

import eqinit as ei


def blocks_of(model: Any) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    def note(site: ei.Site) -> bool:
        seen[site.path] = site.block
        return True

    ei.select(model, ei.Filter(note))
    return seen


def test_layers_that_stand_alone_in_lists_are_counted_by_the_outer_one():
    def layer(seed: int) -> Any:
        return eqx.nn.Linear(2, 2, use_bias=False, key=jax.random.key(seed))

    # A list of plain layers is no sequence of blocks; one of lists of one is.
    assert set(blocks_of([layer(0), layer(1)]).values()) == {None}
    nested = blocks_of([[layer(0)], [layer(1)], [layer(2)]])
    assert list(nested.values()) == [(0, 3), (1, 3), (2, 3)]


def test_a_plan_says_what_a_parametrization_does_to_a_draw():
    linear = eqx.nn.Linear(3, 2, key=jax.random.key(0))
    make = eqx.nn.make_with_state(eqx.nn.SpectralNorm)
    pair = make(layer=linear, weight_name="weight", key=jax.random.key(1))
    set_ = [ei.Rule(eqx.nn.Linear, weight=ei.HeNormal())]
    words = "layer.weight: SpectralNorm divides by the largest singular value"
    assert any(words.partition(": ")[2] in note for note in ei.plan(pair, set_).notes)
    kept = ei.plan(pair, [ei.Rule(eqx.nn.Linear, bias=ei.Zeros())])
    assert not any("SpectralNorm divides" in note for note in kept.notes)
