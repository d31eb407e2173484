"""Units of models that nobody here wrote, moved to other places: the function stays."""

import importlib
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
import pytest
from test_libraries import LIBRARIES, entries, names
from test_traced import KEY

from eqinit import surgery
from eqinit.surgery._units.change import Change


# Built, traced and called in a few seconds each; the others with `--runslow`.
QUICK = ("klax-picnn", "pdequinox-resnet1d", "eqx_zoo-qwen2_tied", "eqx_zoo-bert")

# Where all that there is to move is looked up, masked or an output.
NONE_FREE = {
    *("klax-constant_skew", "pdequinox-ensemble", "flowjax-maf_rqs", "flowjax-bnaf"),
    *("flowjax-planar", "flowjax-triangular_spline", "jaxonmodels-resnet18"),
}


def cases():
    for entry in entries():
        slow = [] if entry.id in QUICK else [pytest.mark.slow]
        yield pytest.param(*entry.values, marks=[*entry.marks, *slow], id=entry.id)


def scattered(model: Any) -> Any:
    """Norms and biases start at ones and zeros, under which mistakes do not show."""
    rng = np.random.default_rng(0)

    def noisy(leaf: Any) -> Any:
        if not eqx.is_inexact_array(leaf) or leaf.ndim != 1:
            return leaf
        return leaf + jnp.asarray(0.1 * rng.normal(size=leaf.shape), leaf.dtype)

    return jtu.tree_map(noisy, model)


@pytest.mark.filterwarnings("ignore")  # some libraries warn
@pytest.mark.parametrize(("library", "name"), list(cases()))
def test_units_can_be_moved_in_all_groups_at_once(library: str, name: str):
    entry = importlib.import_module(f"builders.{library}").MODELS[name]
    if entry.call is None:
        pytest.skip("its own forward pass fails")
    rng = np.random.default_rng(1)
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        model, args = scattered(entry.make(KEY)), (KEY, *entry.inputs())
        free = surgery.unit_groups(model, entry.call, *args).free
        moved = model
        for group in free:
            moved = Change(group, rng.permutation(group.size)).leaves(moved)
        run = eqx.filter_jit(entry.call)
        pairs = zip(*(outputs(run(m, *args)) for m in (model, moved)), strict=True)
    assert bool(free) == (f"{library}-{name}" not in NONE_FREE)
    for one, other in pairs:
        size = max(1e-3, float(np.abs(one).max()))
        # Sums in another order, through some dozens of layers.
        assert np.abs(one - other).max() <= 1e-5 * size


def outputs(out: Any) -> list[Any]:
    """Floating-point arrays; states that come back hold units in another order."""
    nodes = jtu.tree_leaves(out, is_leaf=lambda node: isinstance(node, eqx.nn.State))
    arrays = [np.asarray(x) for x in nodes if eqx.is_inexact_array(x)]
    return [a.astype(np.float64) for a in arrays if np.isfinite(a).all()]


def test_models_in_the_lists_above_are_models():
    known = {f"{library}-{name}" for library in LIBRARIES for name in names(library)}
    assert {*QUICK, *NONE_FREE} <= known
