"""What holds of every operation on every model to which it applies."""

import functools
import inspect
from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
import optax
import pytest

import eqinit as ei

from .case import KEY, RULES, Case, Done, Operation, Patient, Refused, model_in


# Two ways to compute one thing in float32: sums of some dozens of terms in another
# order, each rounded to 6e-8, a few layers of them. In units of the largest output.
TOLERANCE = 1e-5


def hold(operation: Operation, patient: Patient, case: Case) -> None:
    """All laws of one cell."""
    patient = patient._replace(model=case.prepare(patient.model))
    before = jtu.tree_flatten(patient.model)
    done = operation.run(patient, **case.where)
    untouched(before, patient.model)
    call, args = case.call or patient.call, case.args or patient.args
    out, grads = eager(patient, call, done.new, args)
    alike(wanted(operation, patient, case, done), case.seen(out))
    alike(out, compiled(call, done.new, args))
    slopes(grads, case.flat)
    if operation.becomes is not None:
        same_values(*map(model_in, (done.new, operation.becomes(patient, done))))
    consistent(done.new)
    initialised_anew(done.new)
    if done.record is not None:
        told(done)
        followed(done)
        undone(operation, case, done)


def refuses(operation: Operation, patient: Patient, cell: Refused) -> None:
    """What does not apply says so, in our words, and before anything is changed."""
    patient = patient._replace(model=cell.prepare(patient.model))
    before = jtu.tree_flatten(patient.model)
    with pytest.raises((ValueError, TypeError, IndexError), match=cell.error) as error:
        operation.run(patient, **cell.where)
    assert "/eqinit/" in str(error.traceback[-1].path).replace("\\", "/")
    untouched(before, patient.model)


def wanted(operation: Operation, patient: Patient, case: Case, done: Done) -> Any:
    """What the new model is to compute, by a model that was not operated on."""
    by_hand = case.by_hand or operation.by_hand
    if operation.becomes is not None:
        by_hand = functools.partial(operation.becomes, patient)
    if by_hand is None:
        call = case.old_call or patient.call
        return case.seen(compiled(call, done.old, case.old_args or patient.args))
    call, args = case.call or patient.call, case.args or patient.args
    return case.seen(compiled(call, by_hand(done), args))


def alike(one: Any, other: Any) -> None:
    ones, others = (
        [np.asarray(x) for x in jtu.tree_leaves(t) if eqx.is_inexact_array(x)]
        for t in (one, other)
    )
    assert [x.shape for x in ones] == [x.shape for x in others] != []
    for a, b in zip(ones, others, strict=True):
        size = np.abs(a).max()
        assert size > 1e-3  # or everything would be the same
        assert np.abs(a - b).max() <= TOLERANCE * size


def same_values(one: Any, other: Any) -> None:
    assert jtu.tree_structure(one) == jtu.tree_structure(other)
    for a, b in zip(jtu.tree_leaves(one), jtu.tree_leaves(other), strict=True):
        assert same(a, b)


def same(a: Any, b: Any) -> bool:
    if not eqx.is_array_like(a):
        return a is b or a == b
    a, b = np.asarray(a), np.asarray(b)
    return (a.dtype, a.shape) == (b.dtype, b.shape) and bool((a == b).all())


def untouched(before: tuple[list[Any], Any], model: Any) -> None:
    leaves, treedef = jtu.tree_flatten(model)
    assert treedef == before[1]
    assert all(a is b for a, b in zip(leaves, before[0], strict=True))


def eager(patient: Patient, call: Any, model: Any, args: Any) -> tuple[Any, Any]:
    """Outputs and gradients. A loop would be compiled anew for each: it is unrolled."""
    with jax.disable_jit(patient.loops):
        return gradient(call, model, args)


@eqx.filter_jit
def compiled(call: Any, model: Any, args: Any) -> Any:
    return call(model, *args)


def gradient(call: Any, model: Any, args: Any) -> tuple[Any, Any]:
    """Outputs, and the gradient of a sum of them."""
    params, rest = eqx.partition(model, eqx.is_inexact_array)

    def loss(params: Any) -> tuple[Any, Any]:
        out = call(eqx.combine(params, rest), *args)
        arrays = [x for x in jtu.tree_leaves(out) if eqx.is_inexact_array(x)]
        return sum((x * waves(x)).sum() for x in arrays), out

    (_, out), grads = jax.value_and_grad(loss, has_aux=True)(params)
    return out, grads


def waves(x: jax.Array) -> jax.Array:
    """Weights by which no sum of outputs is constant, as that behind a norm is."""
    return jnp.cos(jnp.arange(x.size, dtype=x.dtype)).reshape(x.shape)


def slopes(grads: Any, flat: tuple[str, ...]) -> None:
    """Gradients are finite, and zero for those parameters that are named."""
    slope = named(grads)
    assert slope
    assert all(np.isfinite(g.astype(np.float32)).all() for g in slope.values())
    zero = {path for path, g in slope.items() if not (g != 0).any()}
    told = {path for path in slope if any(ei.Path(g).reaches(path) for g in flat)}
    assert zero == told


def named(tree: Any) -> dict[str, np.ndarray]:
    """Path to array, for the floating-point arrays of the model itself."""
    pairs = jtu.tree_flatten_with_path(model_in(tree))[0]
    arrays = [(path, x) for path, x in pairs if eqx.is_inexact_array(x)]
    return {jtu.keystr(p, simple=True, separator="."): np.asarray(x) for p, x in arrays}


def consistent(tree: Any) -> None:
    """Every layer of Equinox is such as its own constructor makes it of its fields."""
    for node in modules(tree):
        if any(type(layer) is not eqx.nn.Linear for layer in layers_in(node)):
            continue  # such as an adapter
        widths = (
            {layer.out_features for layer in node.layers[:-1]} if is_mlp(node) else {0}
        )
        if len(widths) > 1:
            continue  # its one field for them holds one of them
        wanted, got = (shapes(tree) for tree in (rebuilt(node), node))
        assert wanted.keys() == got.keys(), type(node)
        for path, shape in got.items():
            # A stack of layers has more axes in front.
            assert shape[len(shape) - len(wanted[path]) :] == wanted[path], path


def rebuilt(node: Any) -> Any:
    known = inspect.signature(type(node)).parameters
    said = {field: getattr(node, field) for field in known if hasattr(node, field)}
    keyed = {"key": KEY} if "key" in known else {}
    return eqx.filter_eval_shape(lambda: type(node)(**said, **keyed))


def shapes(node: Any) -> dict[str, tuple[int, ...]]:
    pairs = jtu.tree_flatten_with_path(node)[0]
    return {jtu.keystr(path): x.shape for path, x in pairs if hasattr(x, "shape")}


def is_mlp(node: Any) -> bool:
    return isinstance(node, eqx.nn.MLP)


def layers_in(node: Any) -> list[Any]:
    """The layers that an MLP or an attention is made of."""
    if is_mlp(node):
        return list(node.layers)
    if isinstance(node, eqx.nn.MultiheadAttention):
        return [getattr(node, f"{n}_proj") for n in ("query", "key", "value", "output")]
    return []


def modules(tree: Any) -> Iterator[Any]:
    """The layers of Equinox that hold arrays of their own, and those made of them."""
    nn = eqx.nn
    kinds = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.LSTMCell, nn.LayerNorm, nn.RMSNorm)
    for kind in (kinds, (nn.Embedding,), (nn.MLP,), (nn.MultiheadAttention,)):
        known = lambda node, kind=kind: type(node) in kind  # noqa: E731
        yield from (n for n in jtu.tree_leaves(tree, is_leaf=known) if known(n))


def initialised_anew(tree: Any) -> None:
    model = model_in(tree)
    made = ei.apply(model, KEY, RULES)
    assert jtu.tree_structure(made) == jtu.tree_structure(model)
    shapes = [[(x.shape, x.dtype) for x in named(m).values()] for m in (made, model)]
    assert shapes[0] == shapes[1]
    assert all(np.isfinite(x.astype(np.float32)).all() for x in named(made).values())


def told(done: Done) -> None:
    """The record names all that changed, with its shapes, and prints."""
    old, new = named(done.old), named(done.new)
    rows = {(row.path, bool(row.after)): row for row in done.record.rows}
    changed = {p for p in new if p not in old or not same(old[p], new[p])}
    assert changed <= {path for path, stays in rows if stays}
    gone = {p for p in old if p not in new}
    sources = {
        s for o in done.record.lineage.origins.values() for s in (*o.sources, o.beside)
    }
    assert gone <= {path for path, stays in rows if not stays} | sources
    for (path, stays), row in rows.items():
        array = new[path] if stays else old[path]
        text = row.after if stays else row.before
        assert text.endswith(f"[{','.join(map(str, array.shape))}]")
    assert str(done.record).splitlines()[-1].strip()
    assert all(row.path.split(".")[0] in str(done.record) for row in done.record.rows)


@jax.numpy_dtype_promotion("standard")
def followed(done: Done) -> None:
    """The state of an optimiser has the shapes that it would have if made anew."""
    adam = optax.adam(1e-3)
    models = (eqx.filter(model_in(t), eqx.is_inexact_array) for t in done[:2])
    old, fresh = (jax.eval_shape(adam.init, params) for params in models)
    moved = done.record.apply_to(
        jtu.tree_map(lambda x: jnp.asarray(np.zeros(x.shape, x.dtype)), old)
    )
    assert jtu.tree_structure(moved) == jtu.tree_structure(fresh)
    pairs = zip(jtu.tree_leaves(moved), jtu.tree_leaves(fresh), strict=True)
    assert all((a.shape, a.dtype) == (b.shape, b.dtype) for a, b in pairs)


def undone(operation: Operation, case: Case, done: Done) -> None:
    """The record gives back what it says, or says that it cannot."""
    if operation.restores is None:
        with pytest.raises(ValueError, match="cannot be taken back: what it dropped"):
            done.record.undo(done.new)
        return
    back, old = done.record.undo(done.new), operation.restores(case, done)
    assert jtu.tree_structure(back) == jtu.tree_structure(old)
    for a, b in zip(jtu.tree_leaves(back), jtu.tree_leaves(old), strict=True):
        assert same(a, b) or near(a, b, operation.undo)


def near(a: Any, b: Any, tolerance: float) -> bool:
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    one, other = (np.asarray(x, np.float64) for x in (a, b))
    return bool(np.abs(one - other).max() <= tolerance * np.abs(other).max())
