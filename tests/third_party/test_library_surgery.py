"""Surgery of models that nobody here wrote: what must stay does, and all follows."""

import importlib
import importlib.util
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
import optax
import pytest
from test_library_units import KEY, outputs, scattered

import eqinit as ei
from eqinit import surgery
from eqinit.surgery._swap import problems_of


pytestmark = [pytest.mark.thorough, pytest.mark.filterwarnings("ignore")]


class Patient(NamedTuple):
    """A model of a library.

    - `units`: a parameter, along an axis of which there are units to be changed.
    - `kernels`: what gets adapters; `None` where nothing can.
    - `baked`: whether its wrappers are made plain first. A kernel that is read through
        one is no kernel that copies could share.
    """

    library: str
    name: str
    units: tuple[str, int]
    kernels: Any = None
    baked: bool = False


LAST = "bijection.bijection.bijection.bijections.0.conditioner.layers"
PATIENTS = (
    Patient("pdequinox", "resnet1d", ("lifting.weight", 0), eqx.nn.Conv),
    Patient("klax", "mlp", ("layers.0.weight", 1), ei.Role("kernel")),
    Patient("klax", "picnn", ("layers.0.linear_y.weights.0", 1), baked=True),
    Patient("flowjax", "coupling", (f"{LAST}.0.weight", 1), f"{LAST}.1.weight"),
    Patient(
        "eqx_zoo",
        "bert",
        ("encoder.layer.0.intermediate.dense.weight", 0),
        "**.intermediate.dense.weight",
    ),
    Patient(
        "jaxonmodels",
        "vit",
        ("transformer.resblocks.0.c_fc.weight", 0),
        "**.c_fc.weight",
    ),
)
# The same kinds of layers as in others, and compiled for minutes.
SLOW = ("vit", "bert", "resnet1d")


class Case:
    """A model on the table: its call, compiled, and one group of units."""

    def __init__(self, patient: Patient) -> None:
        builder = importlib.import_module(f"builders.{patient.library}")
        entry = builder.MODELS[patient.name]
        model = scattered(entry.make(KEY))
        self.model = surgery.bake(model) if patient.baked else model
        self.args = (KEY, *entry.inputs())
        self.run: Any = eqx.filter_jit(entry.call)
        groups = surgery.unit_groups(self.model, self.run, *self.args)
        (self.group,) = (g for g in groups.of(*patient.units) if not g.frozen)
        self.patient = patient

    def call(self) -> tuple[Any, ...]:
        return (self.run, *self.args)


def silent(case: Case, unit: int) -> Any:
    """The model, where nothing reads one of the units."""
    leaves = jtu.tree_leaves(case.model)
    for member in case.group.members:
        assert member.way != "both"
        if member.way == "in":
            places, _ = member.pattern.entries(np.array([unit]), case.group.size)
            kept = np.ones(leaves[member.position].shape[member.axis], bool)
            kept[places] = False
            shape = [1] * leaves[member.position].ndim
            shape[member.axis] = -1
            mask = jnp.asarray(kept.reshape(shape), leaves[member.position].dtype)
            leaves[member.position] = leaves[member.position] * mask
    return jtu.tree_unflatten(jtu.tree_structure(case.model), leaves)


def other_values(model: Any) -> Any:
    change = lambda x: x * 0.5 if eqx.is_inexact_array(x) else x  # noqa: E731
    return jtu.tree_map(change, model)


# Every operation: from a case to the model that is compared with, the new one, and the
# record where there is one.
def permuted(case: Case) -> Any:
    order = np.roll(np.arange(case.group.size), 1)
    new, record = surgery.permute(
        case.model, case.group, order, *case.call(), record=True
    )
    assert not eqx.tree_equal(new, case.model)
    assert eqx.tree_equal(record.undo(new), case.model)
    assert eqx.tree_equal(surgery.match(new, case.model, *case.call()), case.model)
    return case.model, new, record


def widened(case: Case) -> Any:
    units = case.group.size + 2
    new, record = surgery.widen(
        case.model, case.group, units, KEY, *case.call(), record=True
    )
    return case.model, new, record


def pruned(case: Case) -> Any:
    old, keep = silent(case, 1), np.arange(case.group.size) != 1
    assert not eqx.tree_equal(old, case.model)
    new, record = surgery.prune(old, case.group, keep, *case.call(), record=True)
    return old, new, record


def adapted(case: Case) -> Any:
    if case.patient.kernels is None:
        pytest.skip("its kernels are several arrays of one field")
    new, record = surgery.lora(case.model, case.patient.kernels, 2, KEY, record=True)
    return case.model, new, record


def adapted_and_merged(case: Case) -> Any:
    if case.patient.kernels is None:
        pytest.skip("its kernels are several arrays of one field")
    chosen = case.patient.kernels
    adapters = surgery.lora(case.model, chosen, 2, KEY, start="pissa")
    new = surgery.merge_lora(adapters)
    assert jtu.tree_structure(new) == jtu.tree_structure(case.model)
    return case.model, new, None


def transplanted(case: Case) -> Any:
    new = surgery.transplant(other_values(case.model), case.model)
    return case.model, new, None


def stored_and_loaded(case: Case) -> Any:
    stored = surgery.save_weights(case.model)
    new = surgery.load_weights(other_values(case.model), stored)
    return case.model, new, None


def averaged(case: Case) -> Any:
    return case.model, surgery.merge([case.model, case.model]), None


OPERATIONS = {
    f.__name__: f
    for f in (
        *(permuted, widened, pruned, adapted, adapted_and_merged),
        *(transplanted, stored_and_loaded, averaged),
    )
}


def rows():
    for patient in PATIENTS:
        marks = [pytest.mark.slow] if patient.name in SLOW else []
        if importlib.util.find_spec(patient.library) is None:
            marks.append(pytest.mark.skip(reason=f"{patient.library} is not installed"))
        name = f"{patient.library}-{patient.name}"
        yield pytest.param(patient, marks=marks, id=name)


@pytest.fixture(autouse=True)
def _ordinary_promotion():
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture(scope="module", params=list(rows()))
def case(request: pytest.FixtureRequest) -> Case:
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        return Case(request.param)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_function_stays_and_all_follows(case: Case, operation: str):
    old, new, record = OPERATIONS[operation](case)
    results = zip(*(outputs(case.run(m, *case.args)) for m in (old, new)), strict=True)
    compared = 0
    for one, other in results:
        assert np.abs(one).max() > 1e-3
        assert np.abs(one - other).max() <= 1e-5 * np.abs(one).max()
        compared += 1
    assert compared
    assert problems_of(new) == problems_of(old)
    assert_gradients_flow(case, new)
    if record is not None:
        assert_moments_follow(record, old, new)


def assert_gradients_flow(case: Case, model: Any) -> None:
    """Finite, and as many are other than zero as of the model that came in."""
    params, rest = eqx.partition(model, eqx.is_inexact_array)

    def loss(params: Any) -> Any:
        out = case.run(eqx.combine(params, rest), *case.args)
        return sum(jnp.sum(x**2) for x in jtu.tree_leaves(out) if eqx.is_array(x))

    grads = jtu.tree_leaves(jax.jit(jax.grad(loss))(params))
    assert all(bool(jnp.isfinite(g).all()) for g in grads)
    assert sum(bool((g != 0).any()) for g in grads) >= len(grads) // 2


def assert_moments_follow(record: Any, old: Any, new: Any) -> None:
    adam = optax.adam(1e-3)
    states = [adam.init(eqx.filter(m, eqx.is_inexact_array)) for m in (old, new)]
    followed = record.apply_to(states[0])
    shapes = [
        [(x.shape, x.dtype) for x in jtu.tree_leaves(s)] for s in (followed, states[1])
    ]
    assert shapes[0] == shapes[1]
    assert jtu.tree_structure(followed) == jtu.tree_structure(states[1])


def test_sizes_in_a_record_that_all_layers_share_are_not_guessed():
    """Heads of eqx-zoo are counted in one `config`, and their length is divided."""
    pytest.importorskip("eqx_zoo")
    entry = importlib.import_module("builders.eqx_zoo").MODELS["bert"]
    model, args = entry.make(KEY), (KEY, *entry.inputs())
    path = "encoder.layer.0.attention.self.query.weight"
    heads = surgery.unit_groups(model, entry.call, *args).of(path, 0)[0]
    assert heads.size == 4
    with pytest.raises(ValueError, match="the call does not run any more"):
        surgery.prune(model, heads, [0, 1, 2], entry.call, *args)
