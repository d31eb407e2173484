"""Checked at run time, in users' hands: annotations, and what initializers return."""

import os
import pathlib
import subprocess
import sys
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

import eqinit as ei
from eqinit import AbstractInitializer, HeNormal, Normal, Rule, Zeros


nn = eqx.nn
KEY = jax.random.key(0)


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A process of a user's, without the suite's own import hook."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **env},
    )


WRONG_CALLS = """
import warnings; warnings.simplefilter("error")
import equinox as eqx, jax, jax.numpy as jnp
import eqinit as ei
key = jax.random.key(0)
model = eqx.nn.Linear(2, 2, key=key)
calls = {
    "apply, key": lambda: ei.apply(model, 0, []),
    "apply, float key": lambda: ei.apply(model, jnp.zeros(2), []),
    "apply, strict": lambda: ei.apply(model, key, [], strict="yes"),
    "plan, layouts": lambda: ei.plan(model, [], layouts=[1]),
    "plan.apply": lambda: ei.plan(model, []).apply(model, "key"),
    "init, shape": lambda: ei.Normal()(key, 3),
    "init, float shape": lambda: ei.Normal()(key, (3.0,)),
    "init, axes": lambda: ei.HeNormal()(key, (2, 2), axes=("out", "in")),
    "init, fan": lambda: ei.HeNormal()(key, (2, 2), fan_in="all"),
    "select, optional": lambda: ei.select(model, "**", optional=1),
    "to_jax": lambda: ei.interop.to_jax("he"),
    "register_layout": lambda: ei.register_layout("Linear", weight="out in"),
    "hoedt": lambda: ei.hoedt(corr="half"),
}
for name, call in calls.items():
    try:
        call()
    except Exception as error:
        print(name, type(error).__name__, sep="|")
    else:
        print(name, "nothing", sep="|")
"""


def outcomes(**env: str) -> dict[str, str]:
    done = run(WRONG_CALLS, **env)
    assert done.returncode == 0, done.stderr
    return dict(line.split("|") for line in done.stdout.splitlines())


def test_wrong_arguments_raise_for_users():
    found = outcomes()
    assert len(found) == 13
    # Numbers are eqinit's own to check: its error says what they have to be.
    for name in ("hoedt", "init, shape", "init, float shape", "init, fan"):
        assert found.pop(name) == "ValueError"
    assert set(found.values()) == {"TypeCheckError"}


def test_checking_can_be_turned_off():
    found = outcomes(JAXTYPING_DISABLE="1")
    assert "TypeCheckError" not in found.values()
    # Some of them even work; the rest fails where it fails.
    assert found["select, optional"] == "nothing"


RIGHT_CALLS = """
import warnings; warnings.simplefilter("error")
import equinox as eqx, jax, jax.numpy as jnp, numpy as np
import eqinit as ei
model = eqx.nn.Linear(4, 2, key=jax.random.key(0))
rules = [ei.Rule("**", weight=ei.HeNormal(gain=2), bias=ei.Normal(1, mean=0))]
for key in (jax.random.key(0), jax.random.PRNGKey(0), jax.random.key(0, impl="rbg")):
    ei.apply(model, key, rules)
    jax.jit(lambda k: ei.apply(model, k, rules).weight)(key)
for gain in (2, 2.0, np.float32(2), np.ones(()), jnp.ones(())):
    ei.apply(model, key, [ei.Rule("weight", ei.HeNormal(gain=gain))])
ei.plan(model, [ei.Rule("weight", ei.HeNormal(), fan_in=3, fan_out=np.prod([2, 2]))])
ei.HeNormal()(key, (3, 2), "float32", axes="out in")
ei.HeNormal()(key, (3, 2), np.float16, fan_in=3)
ei.hoedt(var=1, corr=0.5, bias_noise=0, negative_slope=0)
ei.TruncatedNormal(1, lower=-1, upper=1)(key, (3,))
print("fine")
"""


def test_right_arguments_of_all_kinds_pass():
    done = run(RIGHT_CALLS)
    assert done.stdout == "fine\n", done.stderr


class Transposed(AbstractInitializer):
    """Gets the shape wrong."""

    def sample(self, key: Any, spec: Any) -> Any:
        return jnp.zeros(spec.shape[::-1], spec.dtype)


class Wide(AbstractInitializer):
    """Gets the dtype wrong."""

    def sample(self, key: Any, spec: Any) -> Any:
        return jnp.zeros(spec.shape, jnp.float16)


class Absent(AbstractInitializer):
    """Returns nothing at all."""

    def sample(self, key: Any, spec: Any) -> Any:
        return None


@pytest.mark.parametrize(
    ("init", "got"),
    [
        (Transposed(), r"float32\[4, 2\]"),
        (Wide(), r"float16\[2, 4\]"),
        (Absent(), r"None\[\]"),
    ],
    ids=["shape", "dtype", "nothing"],
)
def test_a_users_initializer_is_named(init: AbstractInitializer, got: str):
    model = {"head": nn.Linear(4, 2, key=KEY)}
    name = type(init).__name__
    pattern = (
        rf"`head\.weight` \(rule Path\('head\.weight'\)\): {name} drew {got}; its .* "
        r"here float32\[2, 4\]"
    )
    for run_apply in (ei.apply, eqx.filter_jit(ei.apply)):
        with pytest.raises(ValueError, match=pattern):
            run_apply(model, KEY, [("head.weight", init)])


class Halves(AbstractInitializer):
    """A user's scheme that is right."""

    value: float = 0.5

    def sample(self, key: Any, spec: Any) -> Any:
        return jnp.full(spec.shape, self.value, spec.dtype)


def test_a_users_initializer_works():
    model = nn.Linear(4, 2, key=KEY)
    drawn = ei.apply(model, KEY, [Rule("**", weight=Halves(), bias=Zeros())])
    assert float(drawn.weight.sum()) == 4.0
    swept = eqx.filter_vmap(lambda v: ei.apply(model, KEY, [("weight", Halves(v))]))
    assert swept(jnp.array([1.0, 2.0])).weight.shape == (2, 2, 4)
    plan = ei.plan(model, [("weight", Halves(0.25))])
    assert "Halves(value=0.25)" in str(plan)
    assert plan["weight"].std is None


def test_keyword_and_roles_of_a_users_scheme():
    class Kernel(Halves):
        roles = ("kernel",)

    model = nn.Linear(4, 2, key=KEY)
    with pytest.raises(ValueError, match=r"Kernel is made for a kernel"):
        ei.plan(model, [("**", Kernel())])
    # A keyword means what it says.
    assert len(ei.plan(model, [Rule("**", bias=Kernel(), weight=Normal())])) == 2


def test_bits_of_the_annotations():
    # beartype reads these: a wrong one would refuse right calls.
    assert HeNormal(gain=1).gain == 1
    assert ei.HoedtNormal(negative_slope=0).negative_slope == 0


@pytest.mark.slow
def test_static_checkers_know_what_comes_back():
    # The comments in that file that ignore errors are errors where there are none.
    pytest.importorskip("pyright")
    file = pathlib.Path(__file__).with_name("typed.py")
    checked = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=file.parents[1],
    )
    assert checked.returncode == 0, checked.stdout
