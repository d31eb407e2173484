"""Golden values: what each base draws from one key, in the bits of float32.

A change here changes draws of every user. It needs a heading in the changelog, or a
mend.
"""

import json
import multiprocessing
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eqinit as ei
from eqinit import bases
from eqinit._laws.families import LocScale


KEY = jax.random.key(2026)
GOLDEN: dict[bases.AbstractBase, list[int]] = {
    bases.StandardNormal(): [
        1067786205,
        1063299636,
        1061289768,
        1046278696,
        3207442219,
    ],
    bases.TruncatedStandardNormal(): [
        1066957149,
        1062446963,
        1060597461,
        1045610238,
        3206844185,
    ],
    bases.SymmetricUniform(): [
        1062047456,
        1058975148,
        1057827444,
        1043263056,
        3204490472,
    ],
    bases.StandardLaplace(): [
        3218074339,
        3212285845,
        3209509749,
        3191854024,
        1060289723,
    ],
    bases.StandardLogistic(): [
        1074638507,
        1069123748,
        1067373737,
        1051765178,
        3213720467,
    ],
    bases.StandardCauchy(): [
        1078469244,
        1069301297,
        1066831169,
        1049413946,
        3212903436,
    ],
    bases.StandardStudentT(5.0): [
        1067555815,
        1027630803,
        1060053591,
        1053023891,
        3213456519,
    ],
    bases.StandardHalfNormal(): [
        1067786205,
        1063299636,
        1061289768,
        1046278696,
        1059958571,
    ],
    bases.UnitExponential(): [
        1075073526,
        1070892245,
        1069504198,
        1063347976,
        1049784160,
    ],
    bases.UnitGamma(2.0): [1061695946, 1079996251, 1065363216, 1080425824, 1072865428],
    bases.RandomSign(): [3212836864, 3212836864, 3212836864, 3212836864, 1065353216],
    bases.RandomTernary(): [1065353216, 1065353216, 3212836864, 3212836864, 3212836864],
    bases.RandomPhase(): [
        3209723857,
        1058310700,
        3200007326,
        1064178211,
        3190078042,
        1065134711,
        1062994511,
        1057153967,
        3154216023,
        3212836340,
    ],
}
# Made of random bits by shifts and exact arithmetic: the same on every processor.
EXACT = (bases.SymmetricUniform, bases.RandomSign, bases.RandomTernary)
# Logarithms, cosines and the inverse error function depend on the processor, which may
# fuse multiplications, and on XLA: its `expm1`, in Student's t, differs in the last
# place under jax 0.10 and 0.12.
LAST_PLACES = 2


def words(base: bases.AbstractBase) -> np.ndarray:
    is_complex = isinstance(base, bases.RandomPhase)
    dtype = jnp.complex64 if is_complex else jnp.float32
    return np.asarray(LocScale(base).sample(KEY, (5,), dtype)).view(np.uint32)


def test_every_base_has_golden_values():
    public = [value for value in vars(bases).values() if isinstance(value, type)]
    assert {type(base) for base in GOLDEN} == {*public} - {bases.AbstractBase}


@pytest.mark.bits
@pytest.mark.parametrize("base", GOLDEN, ids=lambda base: type(base).__name__)
def test_golden_draws(base: bases.AbstractBase):
    got, wanted = words(base).astype(np.int64), np.asarray(GOLDEN[base])
    allowed = 0 if isinstance(base, EXACT) else LAST_PLACES
    assert np.abs(got - wanted).max() <= allowed


def drawn_elsewhere(index: int) -> list[int]:
    return words(list(GOLDEN)[index]).tolist()


@pytest.mark.slow
def test_processes_that_are_spawned_draw_the_same():
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        elsewhere = pool.map(drawn_elsewhere, range(len(GOLDEN)))
    assert elsewhere == [words(base).tolist() for base in GOLDEN]


def test_a_plan_says_how_keys_are_made():
    plan = ei.plan({"w": jnp.ones(3)}, [("w", ei.Normal())])
    data: dict[str, Any] = json.loads(json.dumps(plan.to_dict()))
    assert data["key_scheme"] == plan.key_scheme == "eqinit-key-v1"
