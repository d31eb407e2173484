"""Plans of random models by random rules: made, or refused with a reason."""

from typing import Any

import jax
import jax.tree_util as jtu
from hypothesis import assume, event, given
from oracle import cases, claims, outcome, sites
from trees import KEY, models, rules

import eqinit as ei


@cases(0.6)
@given(models(), rules())
def test_a_plan_is_made_or_says_why_not(model: Any, some: list[ei.Rule]):
    before = jtu.tree_leaves(model)
    plan, complaint = outcome(lambda: ei.plan(model, some))
    # The model is what it was, leaf by leaf.
    assert all(a is b for a, b in zip(before, jtu.tree_leaves(model), strict=True))
    event("planned" if plan is not None else "refused")
    if plan is None:
        _, applied = outcome(lambda: ei.apply(model, KEY, some))
        assert applied == complaint
        return
    assert str(plan)
    # One row for each parameter, in the order of the tree.
    assert [row.path for row in plan] == list(sites(model))
    assert all(plan[row.path] is row for row in plan)


@cases(0.2)
@given(models(), rules())
def test_the_first_rule_that_claims_a_parameter_wins(model: Any, some: list[ei.Rule]):
    plan, _ = outcome(lambda: ei.plan(model, some))
    assume(plan is not None)
    claimed = [claims(model, rule) for rule in some]
    for row in plan:
        winners = [i for i, one in enumerate(claimed) if row.path in one]
        if row.status == "follows":  # it is brought into step with another
            continue
        if not winners:
            assert row.init is None
            continue
        first = winners[0]
        assert row.rule == repr(some[first].selector)
        assert row.init == claimed[first][row.path]
    # A rule whose every match is taken, or that matches nothing, is loud.
    for i, (rule, one) in enumerate(zip(some, claimed, strict=True)):
        taken = set().union(*claimed[:i])
        assert rule.optional or set(one) - taken


@cases(0.13)
@given(models(), rules())
def test_a_skeleton_has_the_plan_of_its_model(model: Any, some: list[ei.Rule]):
    plan, _ = outcome(lambda: ei.plan(model, some))
    assume(plan is not None)

    def shape(leaf: Any) -> Any:
        is_key = isinstance(leaf, jax.Array) and leaf.dtype == KEY.dtype
        if is_key or not isinstance(leaf, jax.Array):
            return leaf
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)

    skeleton = jtu.tree_map(shape, model)
    planned, complaint = outcome(lambda: ei.plan(skeleton, some))
    kept = [row for row in plan if row.status == "kept"]
    if planned is None:
        assert "abstract" in complaint
        assert kept
        return
    for ours, theirs in zip(plan, planned, strict=True):
        assert (ours.path, ours.spec, ours.rule) == (
            theirs.path,
            theirs.spec,
            theirs.rule,
        )
