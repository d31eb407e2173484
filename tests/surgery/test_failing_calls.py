"""Models that a call does not run on: said in our words, before anything is changed."""

import re

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import pytest
from small_models import Block, call, mlp, transformer

import eqinit as ei
from eqinit import surgery
from eqinit.surgery._calls import in_short


# CI runs these on its newest interpreter: they compile much.
pytestmark = pytest.mark.thorough


nn = eqx.nn
KEY = jr.key(3)
X = jr.normal(KEY, (4, 3))
ZERO = ["attn.output_proj", "down"]


def sequence(*layers):
    return nn.Sequential(list(layers))


def linear(n: int, m: int):
    return nn.Linear(n, m, key=KEY)


def state_call(tree, x):
    return call(tree[0], x)


def small():
    """Two blocks of a transformer, called without what is around them."""
    return {"blocks": transformer().blocks}


def through(model, x):
    for block in model["blocks"]:
        x = block(x)
    return x


# What is done, and what is said: which layer was given what, behind which.
CHANGED = {
    "insert a copy": (
        lambda: surgery.insert(mlp(), "layers", 1, zero=[""], call=call, args=(X,)),
        "`insert` would make a model that `call` does not run on, so it changed "
        "nothing: `layers.1` (a Linear with f32[8,3], f32[8]) is given f32[8] after "
        "`layers.0` returned f32[8]: TypeError, dot_general",
        "Pass as `block=` a module that returns what the next one takes. (An "
        "`eqx.nn.MLP` gets one more layer by `surgery.net2deeper(mlp, index)`.)",
    ),
    "insert another block": (
        lambda: surgery.insert(
            small(),
            "blocks",
            1,
            zero=ZERO,
            block=Block(10, 2, 12, KEY),
            call=eqx.filter_jit(through),
            args=(jnp.ones((6, 8)),),
        ),
        "`blocks.1.norm1` (a LayerNorm with f32[10], f32[10]) is given f32[8] after "
        "`blocks.0` returned f32[6,8]: ValueError",
        "Pass as `block=` a module",
    ),
    "insert into a tuple with a state": (
        lambda: surgery.insert(
            (mlp(), nn.State(mlp())),
            "layers",
            1,
            zero=[""],
            call=state_call,
            args=(X,),
        ),
        "`layers.1` (a Linear with f32[8,3], f32[8]) is given f32[8] after `layers.0`",
        "Pass as `block=` a module",
    ),
    "grow": (
        lambda: surgery.grow(mlp(), "layers", 5, zero=[""], call=call, args=(X,)),
        "`grow` would make a model that `call` does not run on, so it changed nothing: "
        "`layers.3` (a Linear with f32[8,3], f32[8]) is given f32[2] after `layers.2`",
        "made with `surgery.insert(model, path, index, block=..., zero=...)`.",
    ),
    "grow to another function": (
        lambda: surgery.grow(mlp(), "layers", 5, call=call, args=(X,)),
        "`layers.3` (a Linear with f32[8,3], f32[8]) is given f32[2]",
        "made with `surgery.insert(model, path, index, block=..., zero=...)`.",
    ),
    "grow to another shape": (
        lambda: surgery.grow(
            {"net": sequence(linear(3, 3), nn.Lambda(lambda x: x[:2]))},
            "net",
            3,
            order="repeat",
            call=lambda m, x: m["net"].layers[0](x)[: 4 - len(m["net"].layers)],
            args=(jnp.ones(3),),
        ),
        "`grow` would make a model of which `call` returns f32[1], where it returned "
        "f32[2].",
        "Copies stand behind one another",
    ),
    "insert what is not silent": (
        lambda: surgery.insert(
            small(), "blocks", 1, zero=["down"], call=through, args=(jnp.ones((6, 8)),)
        ),
        "`insert` was to leave what `call` returns as it is, and would change it by",
        "Name in `zero=` the last layer of every branch of a residual block.",
    ),
    "remove": (
        lambda: surgery.remove(mlp(), "layers", 0, call=call, args=(X,)),
        "`remove` would make a model that `call` does not run on, so it changed "
        "nothing: `layers.0` (a Linear with f32[8,8], f32[8]) is given f32[3]: Type",
        "Remove blocks that return what they take",
    ),
    "prune": (
        lambda: surgery.prune(
            mlp(), "layers.0", [0, 2], lambda m, x: call(m, x) + 0 * fixed(m, x), X
        ),
        "so `prune` changed nothing: TypeError, ",
        "Let the code read it off an array, such as `len(self.bias)`.",
    ),
}


def fixed(model, x):
    return (jax.vmap(model.layers[0])(x).reshape(len(x), 8) * 1.0).sum()


@pytest.mark.parametrize("name", CHANGED)
def test_which_layer_does_not_fit_which(name: str):
    do, text, fix = CHANGED[name]
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        do()
    assert fix in str(caught.value)
    assert "\n" not in str(caught.value)


WRONG = jnp.ones((4, 5))
UNITS = (
    *(lambda m, f: surgery.widen(m, "layers.0", 9, KEY, f, WRONG),),
    *(lambda m, f: surgery.prune(m, "layers.0", [0], f, WRONG),),
    *(lambda m, f: surgery.permute(m, "layers.0", range(8), f, WRONG),),
    *(lambda m, f: surgery.unit_scores(m, "layers.0", f, WRONG),),
    *(lambda m, f: surgery.unit_groups(m, f, WRONG),),
    *(lambda m, f: surgery.match(m, m, f, WRONG),),
    *(lambda m, f: surgery.lora(m, "**", 1, KEY, call=f, args=(WRONG,)),),
    *(lambda m, f: surgery.grow(m, "layers", 4, call=f, args=(WRONG,)),),
)


@pytest.mark.parametrize("do", UNITS)
def test_a_call_that_does_not_run_on_the_model_as_it_is(do):
    text = (
        "` calls the model as `call(model, *args)`, and that does not run on the model "
        "as it is: `layers.0` (a Linear with f32[8,3], f32[8]) is given f32[5]: "
    )
    with pytest.raises(ValueError, match=re.escape(text)):
        do(mlp(), call)
    with pytest.raises(TypeError, match="takes the args alone: the model in it"):
        do(mlp(), lambda x: x)


def test_errors_without_words_and_layers():
    def silent(model, x):
        raise AssertionError

    with pytest.raises(ValueError, match="as it is: AssertionError, without a word"):
        surgery.prune(mlp(), "layers.0", [0], silent, X)
    assert in_short(KeyError("a\nb")) == "KeyError, 'a\\nb'."


def test_where_a_trace_says_something_else_the_layer_is_not_told():
    """Code of numpy cannot be traced: what is raised then is another error."""

    def eager(model, x):
        if isinstance(x, jax.core.Tracer):
            raise RuntimeError
        return model(x)

    with pytest.raises(ValueError, match=r"as it is: TypeError, dot_general"):
        surgery.lora(mlp(), "**", 1, KEY, call=eager, args=(WRONG[0],))


@pytest.mark.parametrize(
    "module",
    [
        sequence(linear(3, 4), nn.Dropout(0.5), linear(4, 2)),
        nn.MLP(3, 2, 4, 2, lambda x: x.reshape(2, -1).sum(0), key=KEY),
    ],
)
def test_activations_that_cannot_be_called(module):
    with pytest.raises(ValueError, match=r"net2deeper calls the activation .* raises"):
        surgery.net2deeper(module, 0)


def test_activations_are_tried_as_they_are_called():
    """On all units at once behind a layer, one by one in an MLP."""
    norm = nn.Lambda(lambda x: jnp.sort(x.reshape(2, 2), axis=1).ravel())
    old = sequence(linear(3, 4), norm, linear(4, 2))
    new = surgery.net2deeper(old, 0)
    x = jr.normal(KEY, (3,))
    # Eight products of order one, in another order.
    assert jnp.abs(new(x) - old(x)).max() < 8 * 2**-23
    centred = nn.Lambda(lambda x: 2 * x - x.mean())
    with pytest.raises(ValueError, match="applied twice is not itself"):
        surgery.net2deeper(sequence(linear(3, 4), centred, linear(4, 2)), 0)


def test_one_network_of_a_stack_is_not_made_deeper():
    stack = eqx.filter_vmap(lambda key: nn.MLP(3, 2, 4, 2, key=key))(jr.split(KEY, 3))
    with pytest.raises(ValueError, match=r"shape \[3, 4, 3\], of several in a stack"):
        surgery.net2deeper(stack, 0)
    deeper = eqx.filter_vmap(lambda module: surgery.net2deeper(module, 0))(stack)
    x = jr.normal(KEY, (3, 3))
    run = eqx.filter_vmap(lambda module, x: module(x))
    # The identity moves no bit of a sum of zeros and one entry.
    assert jnp.array_equal(run(stack, x), run(deeper, x))


@pytest.mark.parametrize("wrong", [[[1], [2, 3]], "a", None, 1.0])
def test_what_is_no_row_of_units(wrong):
    rules = [ei.Rule("**", ei.Normal())]
    for name, do in {
        "prune": lambda: surgery.prune(mlp(), "layers.0", wrong, call, X),
        "permute": lambda: surgery.permute(mlp(), "layers.0", wrong, call, X),
        "recycle": lambda: surgery.recycle(
            mlp(), KEY, rules, "layers.0", wrong, call, X
        ),
    }.items():
        with pytest.raises(ValueError, match=rf"^{name} got .* 8 units of `layers"):
            do()


@pytest.mark.parametrize("block", [3, jnp.ones(3), [linear(3, 3)]])
def test_what_is_no_block(block):
    with pytest.raises(TypeError, match=r"insert got an? \w+ as `block=`; it takes a"):
        surgery.insert(small(), "blocks", 1, zero=["down"], block=block)
