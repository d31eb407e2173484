"""Arguments of schemes: numbers that cannot be are refused, whatever kind they are."""

import dataclasses
import json
import math
import os
import re
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import CASES

import eqinit as ei
from eqinit._checks import Condition, natural, passes


SCHEMES = {type(case.init).__name__: type(case.init) for case in CASES}
WORKER = Path(__file__).parent / "workers" / "wrong_arguments.py"


def test_wrong_values_of_every_argument_are_refused():
    # In users' hands: without the suite's import hook.
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), str(root / "tests")])
    done = subprocess.run(
        [sys.executable, str(WORKER)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    report = json.loads(done.stdout)
    assert report["accepted"] == []
    assert report["unclear"] == []
    assert report["tried"] > 5000


def parts(annotation: Any) -> Iterator[Any]:
    """A type and what it is made of, without what a condition is said of."""
    inner = typing.get_args(annotation)
    if typing.get_origin(annotation) is Callable:
        return  # what a function takes and returns is checked when it is called
    if not any(isinstance(part, Condition) for part in inner):
        yield annotation
        for part in inner:
            yield from parts(part)


@pytest.mark.parametrize("name", SCHEMES)
def test_every_number_says_what_it_may_be(name: str):
    bare = [
        field.name
        for field in dataclasses.fields(SCHEMES[name])
        if {int, float, np.ndarray, jax.Array}.intersection(
            part for part in parts(field.type) if isinstance(part, type)
        )
    ]
    assert bare == []


F = np.float32
N = ei.Normal(1.0)
TOGETHER: dict[str, Callable[[], Any]] = {
    "lower=2.0 (float32) and upper=1.0 (float32); `lower` must be at most": (
        lambda: ei.Uniform(F(2), F(1))
    ),
    "Uniform takes a bound, two bounds or `std`": lambda: ei.Uniform(1.0, std=1.0),
    "leave nothing to draw within 4 standard deviations": (
        lambda: ei.TruncatedNormal(lower=50, upper=60)
    ),
    "lower=1.0 and upper=1.00001, which leave nothing": (
        lambda: ei.TruncatedNormal(lower=1.0, upper=1.00001)
    ),
    "StudentT takes either `std` or `scale`": lambda: ei.StudentT(5, 1.0, scale=1.0),
    "no variance exists from 2 down": lambda: ei.StudentT(2.0),
    "DiscreteUniform got lower=3 and upper=3": lambda: ei.DiscreteUniform(3, 3),
    "LogDt got lower=0.1 and upper=0.001": lambda: ei.ssm.LogDt(0.1, 1e-3),
    "UniformRate got lower=16.0 and upper=1.0": lambda: ei.ssm.UniformRate(16.0, 1.0),
    "LruRing got r_min=0.9 and r_max=0.5": lambda: ei.ssm.lru_ring(0.9, 0.5),
    "t_max must be above 1 + t_min": lambda: ei.Chrono(F(2)),
    "Clipped got lower=1 and upper=-1": lambda: ei.Clipped(N, 1, -1),
    "Linspace got log=True, start=-1.0": lambda: ei.Linspace(-1.0, 1.0, log=True),
    "ClassPrior got frequencies=[ 1. inf]": lambda: ei.ClassPrior([math.inf, 1, 1]),
    "got frequencies of shape (2, 1)": lambda: ei.ClassPrior(np.ones((2, 1))),
    "pass one weight each, not all 0": lambda: ei.Mixture((N, N), (0.0, 0.0)),
    "each of it a finite number >= 0": lambda: ei.Mixture((N, N), (1.0, math.nan)),
    "Mixture got 0 initializers": lambda: ei.Mixture(()),
    "Blocks got no initializer": lambda: ei.Blocks({}),
    "orthogonal=True for the laplace kernel": (
        lambda: ei.FourierFeatures("laplace", orthogonal=True)
    ),
    "an activation and negative_slope=0.1": (
        lambda: ei.HoedtNormal(negative_slope=0.1, activation="relu")
    ),
    'stored="log_real" for the low_rank': lambda: ei.ssm.S4Dplr("low_rank", "log_real"),
    "either a share or a number": lambda: ei.Sparse(N),
}


@pytest.mark.parametrize("message", TOGETHER)
def test_arguments_that_do_not_go_together(message: str):
    with pytest.raises(ValueError, match=re.escape(message)):
        TOGETHER[message]()


FUNCTIONS: dict[str, Callable[[], Any]] = {
    "hippo got size=-1": lambda: ei.ssm.hippo("legs", -1),
    "dplr got size=0": lambda: ei.ssm.dplr(0),
    "diagonal got size=0": lambda: ei.ssm.diagonal("lin", 0),
    "gpt2 got num_layers=0": lambda: ei.depth.gpt2(0),
    "beit got index=-1": lambda: ei.depth.beit(-1),
    "fixup got branch_layers=1": lambda: ei.depth.fixup(4, 1),
    "layer_scale got num_layers=-3": lambda: ei.depth.layer_scale(-3),
    "deepnorm got decoder=0": lambda: ei.depth.deepnorm(12, 0),
    "hoedt got corr=1.0": lambda: ei.hoedt(corr=1.0),
    "edge_of_chaos got bias_var=-1.0": lambda: ei.depth.edge_of_chaos("tanh", -1.0),
    "lru_ring got r_max=1.5": lambda: ei.ssm.lru_ring(0.0, 1.5),
    "xlstm got num_layers=0": lambda: ei.recipes.xlstm(0, 8),
    "Normal got std=nan": lambda: ei.recipes.gpt2(12, std=math.nan),
}


@pytest.mark.parametrize("message", FUNCTIONS)
def test_functions_check_their_numbers(message: str):
    with pytest.raises(ValueError, match=re.escape(message)):
        FUNCTIONS[message]()


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ValueError, match=r"(?s)std=-1\.0.*\n.*mean=nan"):
        ei.Normal(-1.0, mean=math.nan)


def test_an_error_ends_with_a_call_that_works():
    with pytest.raises(ValueError, match=r"such as `Normal\(std=0\.01\)`\.$"):
        ei.Normal(-1.0)


def test_numbers_of_all_kinds_and_arrays_of_them_pass():
    for gain in (2, 2.0, F(2), np.int64(2), np.ones(3), jnp.ones(3), jnp.bfloat16(2)):
        assert np.all(np.asarray(ei.HeNormal(gain=gain).gain, np.float64) >= 1)
    with pytest.raises(ValueError, match=r"gain=\[-1\.  1\.\] \(float32\[2\]\)"):
        ei.HeNormal(gain=jnp.asarray([1.0, -1.0]))


def test_traced_numbers_pass():
    swept = eqx.filter_vmap(lambda gain: ei.HeNormal(gain=gain))(jnp.arange(3.0) - 1)
    assert swept.gain.shape == (3,)

    def loss(std: jax.Array) -> jax.Array:
        return jnp.sum(ei.Uniform(std=std)(jax.random.key(0), (5,)) ** 2)

    assert jnp.isfinite(jax.grad(loss)(jnp.asarray(2.0)))


def test_what_double_precision_holds_is_finite_there():
    with pytest.raises(ValueError, match=r"std=1e\+39; it must be a finite number"):
        ei.Normal(1e39)
    with jax.enable_x64(True):
        assert ei.Normal(1e39).std == 1e39


class Mine(ei.AbstractLawInitializer):
    """A scheme of a user's, who says what his numbers may be."""

    depth: Annotated[int, natural] = eqx.field(static=True)
    kind: Literal["a", "b"] = eqx.field(static=True, default="a")

    def law(self, spec: ei.ParamSpec) -> Any:
        return ei.HeNormal(gain=self.depth**-0.5).law(spec)


def test_users_schemes_are_checked_alike():
    assert Mine(4).depth == 4
    with pytest.raises(ValueError, match="Mine got depth=0; it must be a whole number"):
        Mine(0)
    with pytest.raises(TypeError, match=r"Mine has no argument `dept`; .*`depth`"):
        Mine(dept=4)


WORDS = {
    "`stddev`; here it is called `std`: `Normal(std=...)`": (
        lambda: ei.Normal(stddev=1.0)  # pyright: ignore
    ),
    "`scale`; here it is called `gain`": lambda: ei.HeNormal(scale=1.0),  # pyright: ignore
    "`minval`; here it is called `lower`": lambda: ei.Uniform(minval=0.0),  # pyright: ignore
    "`maxval`; here it is called `upper`": (
        lambda: ei.Clipped(N, maxval=0.0)  # pyright: ignore
    ),
    "`alpha`; here it is called `negative_slope`": (
        lambda: ei.HoedtNormal(alpha=0.1)  # pyright: ignore
    ),
    "`num_blocks`; here it is called `num_layers`": (
        lambda: ei.transformer.Wang(num_blocks=3)  # pyright: ignore
    ),
    "`density`: `Sparse(density=...)`, and is one minus that": (
        lambda: ei.Sparse(N, sparsity=0.1)  # pyright: ignore
    ),
    "`sigma`; here it is called `std`": lambda: ei.Laplace(sigma=1.0),  # pyright: ignore
    "`loc`; here it is called `mean`": lambda: ei.Logistic(loc=1.0),  # pyright: ignore
    "`tau`; here it is called `gain`": lambda: ei.IDInit(tau=1.0),  # pyright: ignore
    "it takes std, mean. Did you mean `mean`?": lambda: ei.Normal(maen=1),  # pyright: ignore
}


@pytest.mark.parametrize("message", WORDS)
def test_other_words_say_ours(message: str):
    with pytest.raises(TypeError, match=re.escape(message)):
        WORDS[message]()


def test_no_scheme_has_an_argument_that_is_another_ones_word():
    """One word for one idea: where a scheme has `std`, none has `stddev`."""
    taken = {
        field.name for cls in SCHEMES.values() for field in dataclasses.fields(cls)
    }
    other = {"stddev", "minval", "maxval", "low", "high", "alpha_", "slope", "n_layers"}
    other |= {"num_blocks", "layers", "depth", "sigma", "variance", "constant"}
    assert taken & other == set()


def test_mean_stands_behind_std():
    for cls in SCHEMES.values():
        names = [field.name for field in dataclasses.fields(cls)]
        if {"std", "mean"} <= set(names):
            assert names.index("mean") == names.index("std") + 1, cls.__name__


def test_what_a_condition_says_of_what_is_no_number():
    assert not passes(natural, "3")
    assert not passes(natural, True)
    assert passes(natural, np.int8(3))
