"""What every initializer keeps to, over the one table of cases."""

import dataclasses
import functools
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
import pytest
from cases import CASES, Case
from helpers import RESEED, SIGMAS, bits, enable_x64, same_bits

import eqinit
from eqinit import AbstractInitializer, AbstractLawInitializer
from eqinit._laws.families import LocScale
from eqinit._parameters.spec import ParamSpec
from eqinit._typing import ScalarLike


KEYS = 32
# |t| of 31 degrees of freedom is beyond 6.5 three times in ten million.
STUDENT = 6.5


# One group a case: what is drawn and compiled for it once is shared by all its tests,
# which therefore run in one process (`pytest -n 2 --dist loadgroup`).
PARAMS = [
    pytest.param(case, id=case.name, marks=pytest.mark.xdist_group(case.name))
    for case in CASES
]


@pytest.fixture(params=PARAMS)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@functools.cache
def keys() -> jax.Array:
    # One choice, so that the suite fails where the code changes; `--reseed N` others.
    return jax.random.split(jax.random.key(2026 + RESEED), KEYS)


def find(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


@functools.cache
def single(name: str) -> jax.Array:
    """The first key's draw in the main dtype, eagerly."""
    case = find(name)
    return case.init.draw(keys()[0], case.spec(main_dtype(case)))


@functools.cache
def jitted(name: str, dtype: str) -> Callable[[jax.Array], jax.Array]:
    case = find(name)
    spec = case.spec(dtype)
    return jax.jit(lambda key: case.init.draw(key, spec))


@functools.cache
def many(name: str) -> np.ndarray:
    """One draw per key: a loop over the draw that `test_jit_is_eager` checks."""
    draw = jitted(name, main_dtype(find(name)))
    return np.stack([np.asarray(draw(key)) for key in keys()])


def main_dtype(case: Case) -> str:
    return "float32" if "float32" in case.dtypes else case.dtypes[0]


def test_names_are_unique():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


def subclasses(cls: type) -> set[type]:
    return {cls}.union(*(subclasses(sub) for sub in cls.__subclasses__()))


def test_table_is_complete():
    # Everything is imported first, or a class in a module that no test needs would go
    # unseen.
    for module in pkgutil.walk_packages(eqinit.__path__, "eqinit."):
        importlib.import_module(module.name)
    concrete = {
        cls
        for cls in subclasses(AbstractInitializer)
        if cls.__module__.partition(".")[0] == "eqinit"
        and not getattr(cls, "__abstractmethods__", None)
        and not cls.__name__.startswith(("_", "Abstract"))
    }
    covered = {type(case.init) for case in CASES}
    assert {cls.__name__ for cls in concrete - covered} == set()


def test_draw_and_check_are_final():
    final = {"draw", "check"}
    redefined = {
        f"{cls.__name__}.{name}"
        for cls in subclasses(AbstractInitializer) - {AbstractInitializer}
        for name in final.intersection(vars(cls))
    }
    assert redefined == set()


def test_all_problems_are_told():
    # Of the scheme itself, of a scheme inside, and each once.
    init = eqinit.Clipped(eqinit.Masked(eqinit.HeNormal(), np.ones((2, 3), bool)))
    spec = ParamSpec((4,), np.dtype(np.complex64))
    with pytest.raises(ValueError, match="orders numbers") as raised:
        init.check(spec)
    clipped, masked, fan = str(raised.value).splitlines()
    assert clipped.startswith("Clipped orders numbers")
    assert masked.startswith("Masked got a mask of shape (2, 3)")
    assert fan.startswith("a scheme scaled by fan_in needs a fan")


class Returns(AbstractInitializer):
    """A user's scheme that returns what it is given."""

    value: jax.Array

    def sample(self, key: jax.Array, spec: ParamSpec) -> jax.Array:
        del key, spec
        return self.value


class Counts(AbstractInitializer):
    """One that says that it returns whole numbers, which may be integers."""

    value: jax.Array
    whole: ClassVar[bool] = True

    def sample(self, key: jax.Array, spec: ParamSpec) -> jax.Array:
        del key, spec
        return self.value


def test_draw_casts_and_never_asks_for_nothing():
    key = jax.random.key(0)
    assert Returns(jnp.ones(3))(key, (3,), "bfloat16").dtype == jnp.bfloat16
    assert Counts(jnp.arange(3))(key, (3,)).dtype == jnp.float32
    with pytest.raises(ValueError, match=r"Returns drew int32\[3\]; .* float32\[3\]"):
        Returns(jnp.arange(3))(key, (3,))
    assert Returns(jnp.ones(3))(key, (0, 3)).shape == (0, 3)
    with pytest.raises(
        ValueError, match=r"Returns drew bfloat16\[3\]; .* float32\[3\]"
    ):
        Returns(jnp.ones(3, jnp.bfloat16))(key, (3,), "bfloat16")
    with pytest.raises(ValueError, match=r"Returns drew float32\[4\]; .* float32\[3\]"):
        Returns(jnp.ones(4))(key, (3,))


def test_shape_dtype_and_strong_type(case: Case):
    for dtype in case.dtypes:
        spec = case.spec(dtype)
        case.init.check(spec)
        draw = jax.eval_shape(lambda key, s=spec: case.init.draw(key, s), keys()[0])
        assert (draw.shape, draw.dtype) == (spec.shape, spec.dtype)
        # Weak types cost whoever takes the model as an argument one more trace.
        assert not draw.weak_type


@pytest.mark.first_case
def test_double_precision(case: Case):
    wide = {"float32": "float64", "complex64": "complex128"}
    with enable_x64():
        for dtype in (wide[dtype] for dtype in case.dtypes if dtype in wide):
            spec = case.spec(dtype)
            draw = jax.eval_shape(lambda key, s=spec: case.init.draw(key, s), keys()[0])
            assert (draw.shape, draw.dtype) == (spec.shape, spec.dtype)
            assert not draw.weak_type


@pytest.mark.heavy
def test_finite(case: Case):
    draw = single(case.name)
    assert (draw.shape, draw.dtype) == (case.shape, main_dtype(case))
    assert np.isfinite(many(case.name)).all()
    assert not draw.weak_type


@pytest.mark.first_case
@pytest.mark.heavy
def test_half_precision_is_float32_rounded(case: Case):
    if "float32" not in case.dtypes:
        pytest.skip("no float32")
    for dtype in {"float16", "bfloat16"}.intersection(case.dtypes):
        draw = case.init.draw(keys()[0], case.spec(dtype))
        assert same_bits(draw, single(case.name).astype(dtype))


@pytest.mark.heavy
def test_jit_is_eager(case: Case):
    drawn = jitted(case.name, main_dtype(case))(keys()[0])
    assert same_bits(drawn, single(case.name))


@pytest.mark.first_case
@pytest.mark.heavy
def test_vmap_is_a_loop(case: Case):
    spec = case.spec(main_dtype(case))
    draw = jax.vmap(lambda key: case.init.draw(key, spec))
    mapped, looped = draw(keys()[:3]), many(case.name)[:3]
    if case.adds:
        # Two sums of n numbers, each within n roundings of the true one.
        off = 2 * case.adds * 2**-24 * np.abs(looped).max()
        assert np.abs(np.asarray(mapped) - looped).max() <= off
    else:
        assert np.array_equal(bits(mapped), bits(looped))


def scalars(init: AbstractInitializer) -> dict[str, float]:
    """The fields that may be traced: Python floats that are not static."""
    fields = [f for f in dataclasses.fields(init) if not f.metadata.get("static")]
    values = {field.name: getattr(init, field.name) for field in fields}
    return {name: value for name, value in values.items() if isinstance(value, float)}


def traceable(init: AbstractInitializer) -> dict[str, float]:
    """Fields annotated as `ScalarLike`: a plain `float` is worked with in Python.

    Where no law says the draw beforehand, the engine lifts every float to an array.
    """
    kinds = {field.name: field.type for field in dataclasses.fields(init)}
    lifted = not isinstance(init, AbstractLawInitializer)
    found = scalars(init)
    return {n: v for n, v in found.items() if lifted or kinds[n] == ScalarLike}


@pytest.mark.slow
def test_scalars_may_be_traced(case: Case):
    values = traceable(case.init)
    if not values:
        pytest.skip("nothing to trace")
    spec = case.spec(main_dtype(case))
    names = list(values)

    @jax.jit
    def draw(said: list[jax.Array]) -> jax.Array:
        init = eqx.tree_at(lambda i: [getattr(i, n) for n in names], case.init, said)
        return init.draw(keys()[0], spec)

    traced = draw([jnp.asarray(v, jnp.float32) for v in values.values()])
    wanted = np.asarray(single(case.name))
    # The scale was worked out in float32 instead of float64: some twenty roundings.
    scale = np.abs(wanted).max() if wanted.size else 1.0
    assert np.abs(np.asarray(traced) - wanted).max() <= 20 * 2**-23 * scale


def test_hashable_or_a_tree(case: Case):
    leaves, treedef = jtu.tree_flatten(case.init)
    if not any(isinstance(leaf, np.ndarray | jax.Array) for leaf in leaves):
        assert hash(case.init) == hash(jtu.tree_unflatten(treedef, leaves))
        assert case.init == jtu.tree_unflatten(treedef, leaves)
    again = jtu.tree_unflatten(treedef, leaves)
    spec = case.spec(main_dtype(case))
    assert same_bits(again.draw(keys()[0], spec), single(case.name))


def test_zero_size(case: Case):
    if case.zero is None:
        pytest.skip("no zero-size variant")
    spec = case.spec(main_dtype(case), case.zero)
    case.init.check(spec)
    draw = case.init.draw(keys()[0], spec)
    assert (draw.shape, draw.dtype) == (spec.shape, spec.dtype)
    assert draw.size == 0


def test_repr_shows_the_class(case: Case):
    name = type(case.init).__name__
    assert name in repr(case.init)
    assert name in eqx.tree_pformat(case.init)
    assert " at 0x" not in repr(case.init) + eqx.tree_pformat(case.init)


def student(per_key: np.ndarray, wanted: float, grain: float) -> float:
    """t of a mean over keys, which are independent whatever the entries are."""
    error = per_key.std(ddof=1) / np.sqrt(len(per_key))
    return abs(per_key.mean() - wanted) / np.hypot(error, grain)


@pytest.mark.heavy
def test_moments(case: Case):
    spec = case.spec(main_dtype(case))
    moments = case.init.moments(spec)
    law = case.init.law(spec)
    if moments is None:
        pytest.skip("no moments are promised")
    if law is not None and not isinstance(law, LocScale):
        # The sample variance of a heavy tail says nothing: `test_law` looks at the law
        # in a form that does, and here at the mean alone.
        pytest.skip("heavy tails are tested by `test_law`")
    if not np.isfinite(moments.std):
        pytest.skip("no variance")
    values = many(case.name).astype(np.complex128).reshape(KEYS, -1)
    grain = 2**-23 * max(abs(moments.mean), moments.std, 1e-30)
    assert student(values.mean(1).real, moments.mean, grain) < STUDENT
    squares = (np.abs(values - moments.mean) ** 2).mean(1)
    assert (
        student(squares, moments.std**2, 4 * grain * moments.std + grain**2) < STUDENT
    )


@pytest.mark.heavy
def test_law(case: Case):
    spec = case.spec(main_dtype(case))
    law = case.init.law(spec)
    if law is None:
        pytest.skip("entries are not independent and alike")
    wide = np.complex128 if spec.is_complex else np.float64
    draws = many(case.name).astype(wide)
    values = np.asarray(law.normalise(draws, spec.is_complex)).ravel()
    mean, std, kurtosis = law.normalised(spec.is_complex)
    grain = 2**-20
    error = std / np.sqrt(values.size)
    assert abs(values.mean() - mean) < SIGMAS * error + grain
    spread = np.sqrt(max(kurtosis - 1, 0.0) / values.size)
    off = (np.abs(values - mean) ** 2).mean() - std**2
    assert abs(off) < SIGMAS * spread * std**2 + grain


@pytest.mark.slow
def test_complex_moments(case: Case):
    if "complex64" not in case.dtypes:
        pytest.skip("real only")
    spec = case.spec("complex64")
    draw = jitted(case.name, "complex64")
    draws = np.stack([np.asarray(draw(key)) for key in keys()[:8]])
    moments = case.init.moments(spec)
    if moments is None:
        pytest.skip("its law depends on more than its moments")
    grain = 2**-22 * max(abs(moments.mean), moments.std, 1e-30)
    # The variance is E|w - mean|^2, as for real parameters. Five deviations of a normal
    # (kurtosis 3, more than any law here has) and 8 draws.
    power = (np.abs(draws.astype(np.complex128) - moments.mean) ** 2).mean()
    off = abs(power - moments.std**2)
    assert off <= SIGMAS * np.sqrt(2 / draws.size) * moments.std**2 + grain**2 * 16


def test_gold(case: Case):
    dtype = main_dtype(case)
    case.gold(np.asarray(single(case.name)), case.spec(dtype))


def test_same_key_same_draw_in_another_process():
    code = (
        "import jax, numpy as np, eqinit as ei;"
        "w = ei.HeNormal()(jax.random.key(7), (3, 5), axes='out in');"
        "print(np.asarray(w).tobytes().hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    here = eqinit.HeNormal()(jax.random.key(7), (3, 5), axes="out in")
    assert done.stdout.strip() == np.asarray(here).tobytes().hex()
