"""What errors say: the path, what was got, what was wanted, the call that fixes it."""

import re
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import pytest

import eqinit as ei
from eqinit import (
    Constant,
    ForgetGateBias,
    GlorotNormal,
    HeNormal,
    LogNormal,
    Normal,
    Orthogonal,
    Role,
    Rule,
    TruncatedNormal,
    Uniform,
    Zeros,
)


nn = eqx.nn
KEY = jax.random.key(0)


class Cells(eqx.Module):
    lstm: nn.LSTMCell
    head: nn.Linear
    embed: nn.Embedding
    norm: nn.LayerNorm

    def __init__(self, key: Any):
        self.lstm = nn.LSTMCell(3, 4, key=key)
        self.head = nn.Linear(4, 2, key=key)
        self.embed = nn.Embedding(5, 3, key=key)
        self.norm = nn.LayerNorm(4)


CELLS = Cells(KEY)


def error_text(model: Any, rules: Any, piece: str, **kwargs: Any) -> str:
    """The error, which holds `piece`; and nothing was drawn, nothing was changed."""
    leaves = jtu.tree_leaves(model)
    with pytest.raises(ValueError, match=re.escape(piece)) as raised:
        ei.apply(model, KEY, rules, **kwargs)
    with pytest.raises(ValueError, match=re.escape(str(raised.value))):
        ei.plan(model, rules, **kwargs)
    assert all(a is b for a, b in zip(jtu.tree_leaves(model), leaves, strict=True))
    # One f-string: a stray comma would make a tuple of it.
    (text,) = raised.value.args
    assert isinstance(text, str)
    return text


class Exploding(ei.AbstractInitializer):
    """Shows that something was drawn."""

    def sample(self, key: Any, spec: Any) -> Any:
        raise AssertionError("drawn")


BOOM = Rule("head.weight", Exploding())

# name: (rules, every piece that the text must hold)
MISTAKES: dict[str, tuple[list[Any], list[str]]] = {
    "a path that is not there": (
        [("heda", Zeros())],
        ["rule Path('heda'): it matches nothing", "Did you mean `head`"],
    ),
    "a name that is not there, at any depth": (
        [("wieght", Zeros())],
        ["rule Path('wieght'): it matches nothing. Did you mean `**.weight` or"],
    ),
    "stars that are part of a step": (
        [("**weight", Zeros())],
        [
            "Did you mean `**.weight`? `**` stands for any number of steps, and `*` "
            "stays within one.",
        ],
    ),
    "one step where any number was meant": (
        [("*bias", Zeros())],
        ["Did you mean `**.*bias`?"],
    ),
    "a type that is not there": (
        [Rule(nn.Conv, weight=HeNormal())],
        ["matches nothing", "['Embedding', 'LSTMCell', 'LayerNorm', 'Linear']"],
    ),
    "a role that is not there": (
        [(Role("other"), Zeros())],
        [
            "rule Role('other'): it matches nothing",
            "roles here are ['bias', 'embedding'",
        ],
    ),
    "a function that picks nothing": (
        [(lambda m: [], Zeros())],
        ["matches nothing", "print(eqinit.plan(model, []))"],
    ),
    "a rule that comes too late": (
        [("head", Normal()), Rule("head.bias", Zeros())],
        ["rule Path('head.bias'): all 1 parameters", "first rule", "optional=True"],
    ),
    "a misspelt field": (
        [Rule("head", wieght=HeNormal())],
        ["field `wieght`", "['bias', 'weight']", "Did you mean `weight`?"],
    ),
    "a field that holds no parameter": (
        [Rule("head", out_features=HeNormal())],
        ["sets ['out_features']", "has only ['bias', 'weight']", "optional=True"],
    ),
    "a kernel scheme on everything": (
        [("head", HeNormal())],
        [
            "head.bias (rule Path('head')): HeNormal is made for a kernel, and this is",
            "a bias. Say which field gets what",
            "`Rule(..., weight=HeNormal(), bias=Zeros())` for Linear",
        ],
    ),
    "a kernel scheme on a cell": (
        [("lstm", GlorotNormal())],
        [
            "`Rule(..., weight_ih=GlorotNormal(), weight_hh=GlorotNormal(), "
            "bias=Zeros())` for LSTMCell"
        ],
    ),
    "a fan where there is none": (
        [Rule("embed", weight=HeNormal())],
        [
            "embed.weight, of Embedding",
            "rule Path('embed')",
            "this embedding of shape (5, 3) has none",
            "register_layout(Embedding, weight=",
            '`axes="out in"`',
            "`fan_in=...`",
            "Normal(0.02)",
        ],
    ),
    "a fan for a norm": (
        [Rule("norm", weight=HeNormal())],
        ["norm.weight, of LayerNorm", "this scale of shape (4,) has none"],
    ),
    "a matrix where there is none": (
        [Rule("norm", weight=Orthogonal())],
        ["norm.weight", "draws matrices", "an array of shape (4,) is none"],
    ),
    "a gate that is not there": (
        [Rule("lstm", bias=ForgetGateBias(gate="z"))],
        ["lstm.bias", "no gate `z`", "its gates are ['i', 'f', 'g', 'o']"],
    ),
    "a gate where there are none": (
        [Rule("head", bias=ForgetGateBias())],
        ["head.bias", "no named gates", "register_layout(Cell, bias="],
    ),
    "a constant that does not fit": (
        [Rule("head", weight=Constant(jnp.ones(3)))],
        ["head.weight", "value of shape (3,)", "the parameter's (2, 4)"],
    ),
    "a function that returns nonsense": (
        [Rule("head", weight=lambda site: "he")],
        ["head.weight", "an initializer is an eqinit scheme", "got 'he'"],
    ),
    "a function that fails": (
        [Rule("head", weight=lambda site: Normal(1 / 0))],
        ["head.weight", "the rule's function raised ZeroDivisionError", "`None`"],
    ),
    "another library's function that fails": (
        [Rule("head", bias=jax.nn.initializers.he_normal())],
        ["head.bias", "variance_scaling", "this bias of shape (2,)", "bias=Zeros()"],
    ),
    "a notation that does not fit": (
        [Rule("head", weight=HeNormal(), axes="out in in")],
        ["head.weight", "axes `out in in` name 3 axes, but the shape is (2, 4)"],
    ),
    "nothing for a parameter, and strict": (
        [("head", Normal())],
        ["claimed by no rule, and `strict=True`", "lstm.weight_ih   f32[16,3]  kernel"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str):
    rules, pieces = MISTAKES[name]
    # With a rule that would explode if it came to drawing, where it does not interfere.
    free = not any("head" in repr(rule) for rule in rules)
    rules = [*rules, BOOM] if free else rules
    text = error_text(CELLS, rules, pieces[0], strict="strict" in name)
    for piece in pieces:
        assert piece in text
    assert "\n- " not in text  # a single problem is no list


def test_all_problems_in_one_error():
    rules = [
        Rule("heda", Zeros()),
        Rule("embed", weight=HeNormal()),
        Rule("head", wieght=HeNormal()),
        Rule("lstm", GlorotNormal()),
        Rule("norm", weight=Orthogonal(), bias=lambda site: {}),
    ]
    text = error_text(CELLS, rules, "6 problems, and nothing was drawn:\n- ")
    assert text.startswith("6 problems")
    for piece in [
        "heda",
        "embed.weight",
        "wieght",
        "weight_ih",
        "norm.weight",
        "got {}",
    ]:
        assert piece in text


def test_a_typo_is_said_once():
    text = error_text(CELLS, [Rule("head", wieght=HeNormal())], "wieght")
    assert text.count("wieght") == 1


def test_a_repeated_problem_is_said_once():
    model = [nn.Embedding(5, 3, key=KEY) for _ in range(40)]
    text = error_text(model, [Rule(nn.Embedding, weight=HeNormal())], "needs a fan")
    assert text.startswith("0.weight, of Embedding, and 39 more up to 39.weight (rule")
    assert text.count("needs a fan") == 1


def test_a_stray_role_is_not_said_again_by_row():
    # The first that is no kernel, in the order of the model.
    rule = "(rule Path('**')): HeNormal is made for a kernel"
    text = error_text(CELLS, [("**", HeNormal())], rule)
    assert text.startswith("lstm.bias, and 4 more up to norm.bias (rule")
    assert "each is a bias or an embedding or a scale" in text
    assert text.count("HeNormal is made for") == 1
    assert "needs a fan" not in text  # what embedding and norm would add


def test_too_many_problems_are_cut():
    rules = [Rule(f"missing{i}", Zeros()) for i in range(50)]
    text = error_text(CELLS, rules, "50 problems")
    assert text.startswith("50 problems")
    assert text.endswith("- ... and 20 more")


def test_abstract_parameters_without_a_rule():
    skeleton = eqx.filter_eval_shape(Cells, KEY)
    opening = "5 parameters are abstract and no rule gives them a value"
    text = error_text(skeleton, [Rule("**", weight=Normal())], opening)
    assert text.startswith(opening)
    assert "lstm.weight_ih   f32[16,3]  kernel" in text
    assert '`Rule(Role("bias"), Zeros())`' in text
    assert "eqinit.build" in text


def test_a_broken_rule_is_not_an_abstract_parameter_too():
    skeleton = eqx.filter_eval_shape(Cells, KEY)
    rules = [Rule("embed", weight=HeNormal()), (~ei.Path("embed"), Normal())]
    assert "abstract" not in error_text(skeleton, rules, "embed.weight, of Embedding")


def test_shared_slots_name_their_source():
    pair = (nn.Embedding(5, 3, key=KEY), nn.Linear(3, 5, key=KEY))
    model = nn.Shared(pair, lambda m: m[1].weight, lambda m: m[0].weight)
    slot = "shared copy of an `eqx.nn.Shared`"
    text = error_text(model, [("pytree.1.weight", Zeros())], slot)
    assert "source" in text


def test_layouts_that_do_not_fit():
    text = error_text(
        nn.Linear(2, 2, key=KEY),
        [("weight", HeNormal())],
        "weight: the layout of Linear does not fit",
        layouts={nn.Linear: {"weight": "(gate=3 out) in"}},
    )
    assert "an axis of length 2 does not split into {'gate': 3, 'out': None}" in text


def test_paths_that_print_alike():
    text = error_text(_Twins(), [], "paths stand for two parameters")
    assert "- " not in text


@jtu.register_pytree_with_keys_class
class _Twins:
    """Two leaves with keys that print the same."""

    leaves = (jnp.ones(2), jnp.ones(2))

    def tree_flatten_with_keys(self):
        return [(jtu.GetAttrKey("x"), leaf) for leaf in self.leaves], None

    def tree_flatten(self):
        return self.leaves, None

    @classmethod
    def tree_unflatten(cls, aux: Any, children: Any) -> "_Twins":
        return cls()


NOTATIONS = {
    "(out in": "unbalanced or empty brackets",
    "out) in": "unbalanced brackets",
    "() in": "unbalanced or empty brackets",
    "out in-put": "has `-`, which is no name",
    "*a *b": "has 2 starred names; one at most",
    "(out *in)": "a starred name inside brackets",
    "kernels: out in": "no role `kernels`; roles are ['kernel'",
}


@pytest.mark.parametrize("axes", NOTATIONS)
def test_notations(axes: str):
    with pytest.raises(ValueError, match=re.escape(NOTATIONS[axes])):
        HeNormal()(KEY, (3, 4), axes=axes)


SPLITS = {
    "(a b) in": "the sizes of ['a', 'b'] are all unknown; say all but one, such as "
    "`(a=4 b)`",
    "(a=3 b) in": "an axis of length 4 does not split",
    "out in extra more": "name 4 axes, but the shape is (4, 6)",
}


@pytest.mark.parametrize("axes", SPLITS)
def test_splits(axes: str):
    with pytest.raises(ValueError, match=re.escape(SPLITS[axes])):
        Normal()(KEY, (4, 6), axes=axes)


ARGUMENTS = {
    "Normal got std=-1": lambda: Normal(-1.0),
    "std=nan; it must be a finite number >= 0": lambda: Normal(float("nan")),
    "HeNormal got gain=-2": lambda: HeNormal(gain=-2.0),
    "leave nothing to draw": lambda: TruncatedNormal(1.0, lower=2.0, upper=1.0),
    "Uniform takes a bound, two bounds or `std`": lambda: Uniform(),
    "`lower` must be at most `upper`": lambda: Uniform(1.0, -1.0),
    "LogNormal got mean=0": lambda: LogNormal(mean=0.0),
    "corr=1.0; it must be a number inside (0, 1)": lambda: ei.HoedtNormal(corr=1.0),
    "PriorProb got probability=1.0": lambda: ei.PriorProb(1.0),
}


@pytest.mark.parametrize("message", ARGUMENTS)
def test_arguments(message: str):
    with pytest.raises(ValueError, match=re.escape(message)):
        ARGUMENTS[message]()


def test_by_itself_without_axes_or_fan():
    for scheme, message in [
        (HeNormal(), "needs a fan, and this parameter of shape (3, 4) has none"),
        (Orthogonal(), 'pass `axes="out in"`'),
        (ForgetGateBias(), 'pass `axes="out in"`'),
    ]:
        with pytest.raises(ValueError, match=re.escape(message)):
            scheme(KEY, (3, 4))


class Layer(eqx.Module):
    w: jax.Array
    b: jax.Array | None = None


def test_bad_layouts():
    with pytest.raises(ValueError, match=r"said by `sizes={'gate': \('i', 'f'\)}`"):
        ei.register_layout(Layer, w="out in", gate=("i", "f"))
    with pytest.raises(ValueError, match=r"`b` is fed by `v`, which has no notation"):
        ei.register_layout(Layer, w="out in", b="out <- v")
