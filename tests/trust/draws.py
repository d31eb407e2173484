"""Draws of random models by random rules: what plans, applies."""

from typing import Any

import equinox as eqx
import jax
import jax.tree_util as jtu
import numpy as np
from helpers import same_bits
from hypothesis import assume, given, strategies as st
from oracle import cases, outcome, sites
from trees import KEY, models, rules

import eqinit as ei


def leaves_but_state(tree: Any) -> list[Any]:
    def is_state(node: Any) -> bool:
        return isinstance(node, eqx.nn.StateIndex)

    found = jtu.tree_leaves(tree, is_leaf=is_state)
    return [leaf for leaf in found if not is_state(leaf)]


def shown(leaf: Any) -> Any:
    """What must not change of a leaf that is drawn."""
    sharding = getattr(leaf, "sharding", None)
    kind = np.ndarray if isinstance(leaf, np.ndarray) else jax.Array
    return kind, leaf.shape, leaf.dtype, sharding


@cases(0.04)
@given(models(), rules(), st.data())
def test_what_plans_applies(model: Any, some: list[ei.Rule], data: st.DataObject):
    plan, _ = outcome(lambda: ei.plan(model, some))
    assume(plan is not None and any(row.status == "set" for row in plan))
    drawn = ei.apply(model, KEY, some)
    assert jtu.tree_structure(drawn) == jtu.tree_structure(model)
    old, new = sites(model), sites(drawn)
    for row in plan:
        before, after = old[row.path].leaf, new[row.path].leaf
        if row.status == "kept":
            assert after is before
            continue
        assert after is not before
        assert not getattr(after, "weak_type", False)
        if not isinstance(before, jax.ShapeDtypeStruct):
            assert shown(after) == shown(before)
        # Nothing that was asked for is out of range of its dtype, or not a number.
        assert np.isfinite(np.asarray(after, np.complex128)).all() or row.std == np.inf
    # What is no parameter is the same object; but the vectors of a power iteration,
    # which Equinox keeps as state, follow their weight.
    parameters = {id(site.leaf) for site in old.values()}
    pairs = zip(leaves_but_state(model), leaves_but_state(drawn), strict=True)
    assert all(b is a or id(a) in parameters for a, b in pairs)
    # A draw alone, where all other parameters keep their value: the same bits.
    chosen = data.draw(st.sampled_from([row for row in plan if row.status == "set"]))
    others = ei.Filter(lambda site: site.path != chosen.path)
    alone = [ei.Rule(others, ei.Keep(), optional=True), *some]
    single, complaint = outcome(lambda: ei.apply(model, KEY, alone))
    if single is None:  # other rules are idle now, or leaves stay abstract
        assert "optional=True" in complaint or "abstract" in complaint
    else:
        assert same_bits(sites(single)[chosen.path].leaf, new[chosen.path].leaf)


@cases(0.03)
@given(models(), rules())
def test_values_meet_their_plan(model: Any, some: list[ei.Rule]):
    plan, _ = outcome(lambda: ei.plan(model, some))
    assume(plan is not None and any(row.status == "set" for row in plan))
    result = plan.check(plan.apply(model, KEY))
    # A few values each, so that no tail is a normal's; constants are held to the bit.
    for row in result.rows:
        if row.expected is not None and row.expected.std == 0:  # Cauchy's has none
            assert row.worst <= 1
