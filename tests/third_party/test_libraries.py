"""Models of third-party libraries: built, planned, applied, called."""

import ast
import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
import pytest

import eqinit
from eqinit._models.read import read


# Library to the packages that must be there; without them its models are skipped.
LIBRARIES = {
    "klax": "klax",
    "pdequinox": "pdequinox",
    "flowjax": "flowjax",
    "esm2quinox": "esm2quinox",
    "eqx_zoo": "eqx_zoo",
    "jaxonmodels": "jaxonmodels",
    "equimo": "equimo",
}


# Constructors that compile for more than six seconds, a program for every shape. In
# every run `build` makes these models; with `--runslow` their constructors do as well.
SLOW = {
    "jaxonmodels": (
        *("resnet18", "resnet18_alone", "resnext50", "swin_t", "swin_v2_t"),
        *("efficientnet_b0", "convnext_tiny", "alexnet"),
    ),
    "equimo": (
        *("fastervit", "mlla", "vssd_mamba2", "partialformer", "attnet", "iformer"),
        *("lowformer", "mobilenetv3", "reduceformer", "deq_convnext"),
    ),
}


def entries() -> Iterator[Any]:
    for library in LIBRARIES:
        if importlib.util.find_spec(library) is None:
            skip = pytest.mark.skip(reason=f"{library} is not installed")
            yield pytest.param(library, "", marks=skip, id=library)
            continue
        # Importing a library costs seconds, so its names are asked for only here.
        for name in names(library):
            yield pytest.param(library, name, id=f"{library}-{name}")


def names(library: str) -> list[str]:
    """The models of a builder, read off its source: nothing is imported yet."""
    source = Path(__file__).with_name("builders") / f"{library}.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    (models,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MODELS"
    )
    assert isinstance(models, ast.Dict)
    return [ast.literal_eval(key) for key in models.keys if key is not None]


def paths(tree: Any) -> dict[str, Any]:
    return {jtu.keystr(path): leaf for path, leaf in jtu.tree_leaves_with_path(tree)}


def assert_same_values(one: Any, other: Any, rtol: float = 0.0) -> None:
    """By path: two builds of one model may have unequal tree definitions."""
    ones, others = paths(one), paths(other)
    assert ones.keys() == others.keys()
    for path, leaf in ones.items():
        if isinstance(leaf, jax.Array | np.ndarray):
            assert leaf.dtype == others[path].dtype, path
            got, wanted = plain(leaf), plain(others[path])
            if rtol and np.issubdtype(got.dtype, np.floating):
                np.testing.assert_allclose(got, wanted, rtol, 0, err_msg=path)
            else:
                np.testing.assert_array_equal(got, wanted, path)


def plain(leaf: Any) -> np.ndarray:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.extended):
        return np.asarray(jax.random.key_data(leaf))
    return np.asarray(leaf)


def assert_finite(out: Any) -> None:
    leaves = [leaf for leaf in jtu.tree_leaves(out) if eqx.is_inexact_array(leaf)]
    assert leaves
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in leaves)


@pytest.fixture
def ordinary_promotion() -> Iterator[None]:
    """What the libraries rely on."""
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield


KEY = jax.random.key(20)


def test_slow_models_are_models():
    for library, slow in SLOW.items():
        assert set(slow) <= set(names(library))


@pytest.mark.filterwarnings("ignore")  # some libraries warn
@pytest.mark.usefixtures("ordinary_promotion")
@pytest.mark.parametrize(("library", "name"), list(entries()))
def test_model(library: str, name: str, request: pytest.FixtureRequest):
    """Built, planned, applied and called: concrete, abstract and under `jit`."""
    entry = importlib.import_module(f"builders.{library}").MODELS[name]
    built = eqinit.build(entry.make, KEY, entry.all_rules)
    plan = eqinit.plan(built, entry.all_rules)
    # One in 1.7 million checks of a true law is beyond 5, and there are 10,000.
    assert plan.check(built).ok, plan.check(built)

    late = name in SLOW.get(library, ()) and not request.config.getoption("--runslow")
    made = built if late else entry.make(KEY)
    applied = plan.apply(made, KEY)
    touched = {row.path for row in plan if row.status != "kept"}
    positions = {s.position for s in read(made).parameters if s.path in touched}
    for i, (old, new) in enumerate(leaf_pairs(made, applied)):
        assert (old is new) or i in positions
    assert_same_values(built, applied)

    # From jax 0.12 on, the compiler evaluates the inverse error function of a
    # truncated normal otherwise in some shapes: the last two bits differ.
    jitted = eqx.filter_jit(plan.apply)(made, KEY)
    assert_same_values(jitted, applied, rtol=4 * 2**-23)
    if entry.call is not None:
        assert_finite(eqx.filter_jit(entry.call)(applied, KEY, *entry.inputs()))


def leaf_pairs(one: Any, other: Any) -> list[tuple[Any, Any]]:
    return list(zip(jtu.tree_leaves(one), jtu.tree_leaves(other), strict=True))


def test_unknown_rules_are_loud_on_a_library_model():
    klax = pytest.importorskip("klax")
    model = klax.nn.MLP(3, 2, [4], weight_wrap=klax.NonNegative, key=jax.random.key(0))
    rule = eqinit.Rule(klax.nn.Linear, weight=eqinit.HeNormal())
    with pytest.raises(ValueError, match=r"NonNegative can stand for \[0, inf\) only"):
        eqinit.plan(model, [rule])
