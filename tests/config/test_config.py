"""Configs: what is written down is read back, and nothing else is."""

import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import CASES, Case
from helpers import same_bits

import eqinit as ei
from eqinit import Rule, from_config, to_config
from eqinit._config import limits
from eqinit._planning.rule import as_rules


def as_toml(value: Any) -> str:
    """Plain data as a TOML value (tables inline): the writer that Python lacks."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(k)} = {as_toml(v)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    # Booleans, numbers and strings are written alike in JSON and TOML.
    return json.dumps(value, allow_nan=False)


def through_json(config: Any) -> Any:
    return json.loads(json.dumps(config, allow_nan=False))


def through_toml(config: Any) -> Any:
    return tomllib.loads(f"value = {as_toml(config)}")["value"]


def round_trip(value: Any, through: Any) -> Any:
    config = to_config(value)
    survived = through(config)
    assert survived == config
    return from_config(survived)


def written_down(case: Case) -> bool:
    """Whether it holds no function, for which there is no name."""
    held = vars(case.init).values()
    return not any(callable(v) and not isinstance(v, eqx.Module) for v in held)


@pytest.mark.parametrize(
    "case", [c for c in CASES if written_down(c)], ids=lambda case: case.name
)
def test_every_scheme_round_trips(case: Case):
    for through in (through_json, through_toml):
        again = round_trip(case.init, through)
        assert type(again) is type(case.init)
        assert jax.tree.structure(again) == jax.tree.structure(case.init)
        for leaf, old in zip(*map(jax.tree.leaves, (again, case.init)), strict=True):
            assert np.array_equal(leaf, old)
            assert np.asarray(leaf).dtype == np.asarray(old).dtype


def test_draws_are_the_same():
    init = ei.Scaled(ei.Sparse(ei.HeNormal(), density=0.5), np.float32(0.1))
    again = round_trip(init, through_toml)
    key = jax.random.key(0)
    draws = [i(key, (8, 4), axes="out in") for i in (init, again)]
    assert same_bits(*draws)


RULES: list[Any] = [
    Rule("head", weight=ei.Zeros(), bias=ei.PriorProb(0.01)),
    Rule(eqx.nn.LSTMCell, ei.PerGate(f=ei.Ones(), other=ei.Zeros()), optional=True),
    Rule(
        (ei.Layer(eqx.nn.Conv) & ~ei.Path("stem.**")) | ei.Role("bias"),
        weight=ei.HeNormal(distribution=ei.bases.StandardStudentT(5)),
        axes={"weight": "out in *kernel"},
        fan_in=3.5,
        fan_out=4,
    ),
    Rule("w", ei.LecunNormal(), axes="out in"),
    ("pos_embed", ei.Normal(0.02)),
]


@pytest.mark.parametrize("through", [through_json, through_toml])
def test_rules_round_trip(through: Any):
    rules = list(as_rules(RULES))
    assert round_trip(rules, through) == rules


def test_rules_read_back_apply():
    model = eqx.nn.MLP(2, 3, 4, 2, key=jax.random.key(0))
    rules = [Rule(eqx.nn.Linear, weight=ei.HeNormal(), bias=ei.Zeros())]
    config = through_json({"rules": to_config(rules)})
    key = jax.random.key(1)
    made = [ei.apply(model, key, r) for r in (rules, from_config(config)["rules"])]
    assert eqx.tree_equal(*made)


def test_a_class_that_stands_in_for_a_layer_is_not_taken_for_it():
    # As `probe` makes them: a subclass that gives itself out for its parent.
    space = {"__module__": eqx.nn.GRUCell.__module__, "__qualname__": "GRUCell"}
    stand_in = type(eqx.nn.GRUCell)("GRUCell", (eqx.nn.GRUCell,), space)
    assert stand_in in eqx.nn.GRUCell.__subclasses__()
    for name in ("GRUCell", "equinox.nn.GRUCell"):
        assert from_config({"type": "Layer", "cls": name}) == ei.Layer(eqx.nn.GRUCell)


def test_defaults_are_written_and_none_is_not():
    assert to_config(ei.LecunNormal()) == {
        "type": "LecunNormal",
        "gain": 1.0,
        "mode": "fan_in",
        "distribution": "truncated_normal",
    }
    assert "nonzero" not in to_config(ei.Sparse(ei.Zeros(), density=0.5))


def test_written_by_hand():
    assert from_config({"type": "HeNormal", "gain": 0.5}) == ei.HeNormal(gain=0.5)
    assert from_config({"type": "XavierNormal"}) == ei.GlorotNormal()
    # By its name alone where no other library that is loaded has one of that name.
    cell = from_config({"type": "Layer", "cls": "GRUCell"})
    assert cell == ei.Layer(eqx.nn.GRUCell)
    rule = from_config({"type": "Rule", "selector": "head", "init": {"type": "Zeros"}})
    assert rule == Rule("head", ei.Zeros())


@pytest.mark.parametrize(
    "value", [math.inf, -math.inf, 1 + 2j, 2**40, -0.0, 5e-324, True, 'a = [b]\n"c"']
)
def test_values(value: Any):
    for through in (through_json, through_toml):
        again = round_trip({"x": value}, through)["x"]
        assert type(again) is type(value)
        assert repr(again) == repr(value)  # tells -0.0 from 0.0
    assert math.isnan(round_trip({"x": math.nan}, through_toml)["x"])


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "bfloat16", "complex64", "int8", "bool"]
)
def test_arrays(dtype: str):
    values = np.array([[0.1, 1e30, 0.0], [1.5, -2.0, 7.0]])
    array = np.clip(values, -9, 9).astype(jnp.dtype(dtype))
    for shape in ((2, 3), (6,), (3, 2, 1)):
        again = round_trip({"x": array.reshape(shape)}, through_toml)["x"]
        assert again.dtype == array.dtype
        assert np.array_equal(again, array.reshape(shape))
    empty = round_trip({"x": array[:0]}, through_json)["x"]
    assert (empty.shape, empty.dtype) == ((0, 3), array.dtype)


def test_array_with_infinities():
    again = round_trip({"x": np.array([np.nan, np.inf, 1.0])}, through_toml)["x"]
    assert np.array_equal(again, [np.nan, np.inf, 1.0], equal_nan=True)


class MyScheme(ei.AbstractLawInitializer):
    """A user's own: subclassing is enough."""

    size: float = 2.0

    def law(self, spec: ei.ParamSpec) -> Any:
        return ei.Constant(self.size).law(spec)


def test_own_scheme_joins_by_subclassing():
    assert to_config(MyScheme(3.0)) == {"type": "MyScheme", "size": 3.0}
    assert from_config({"type": "MyScheme"}) == MyScheme()
    assert from_config({"type": f"{__name__}.MyScheme"}) == MyScheme()


@ei.configurable(name="lab.Pair", fields=lambda p: {"both": [p.a, p.b]})
class Pair(ei.AbstractLawInitializer):
    """One whose constructor does not take its fields."""

    a: float
    b: float

    def __init__(self, both: tuple[float, float]) -> None:
        self.a, self.b = both

    def law(self, spec: ei.ParamSpec) -> Any:
        return ei.Constant(self.a).law(spec)


def test_own_scheme_joins_by_decorator():
    config = to_config(Pair((1.0, 2.0)))
    assert config == {"type": "lab.Pair", "both": [1.0, 2.0]}
    assert from_config(config) == Pair((1.0, 2.0))


@ei.configurable
class NoModule(tuple[Any, ...]):
    """A layer type that is no `eqx.Module`."""


def test_layer_that_is_no_module():
    assert round_trip(ei.Layer(NoModule), through_json) == ei.Layer(NoModule)
    with pytest.raises(ValueError, match=r"dict is no `eqx.Module`.*configurable"):
        to_config(ei.Layer(dict))


def test_two_of_one_name():
    class Twin(ei.AbstractLawInitializer):
        def law(self, spec: ei.ParamSpec) -> Any:
            return ei.Zeros().law(spec)

    first = Twin

    def scope() -> type:
        class Twin(ei.AbstractLawInitializer):
            def law(self, spec: ei.ParamSpec) -> Any:
                return ei.Ones().law(spec)

        return Twin

    second = scope()
    for cls in (first, second):
        assert type(round_trip(cls(), through_json)) is cls
    with pytest.raises(
        ValueError, match=r"`Twin` may be .*first|`Twin` may be .*scope"
    ):
        from_config({"type": "Twin"})


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"type": "HeNorml"}, r"called `HeNorml`\. Did you mean `HeNormal`"),
        ({"type": "Role", "name": "kernle"}, "no role 'kernle'"),
        ({"type": "HeNormal", "gian": 2.0}, r"no argument `gian`.*Did you mean `gain`"),
        ({"type": "Layer", "cls": "equinox.nn.Liner"}, "mean `equinox.nn.Linear`"),
        ({"type": "Layer", "cls": "os.system"}, "never imports anything"),
        ({"type": "os.system"}, "called `os.system`"),
        ({"type": "AbstractInitializer"}, "called `AbstractInitializer`"),
        ({"type": "Sparse", "init": {"type": "Zeros"}}, "either a share or a number"),
    ],
)
def test_refused_configs(bad: Any, message: str):
    with pytest.raises(ValueError, match=message):
        from_config(bad)


def test_all_problems_at_once_and_where():
    bad = [{"type": "Zero"}, {"type": "Scaled", "init": {"type": "One"}, "factor": 1.0}]
    with pytest.raises(ValueError, match=r"config\[0\]: [^\n]*\nconfig\[1\]\.init: "):
        from_config(bad)


def test_an_import_that_is_named_does_not_happen():
    import sys

    with pytest.raises(ValueError, match=r"called `this\.Zeros`"):
        from_config({"type": "this.Zeros"})
    assert "this" not in sys.modules


@pytest.mark.parametrize(
    "value, message",
    [
        (
            ei.Where(lambda model: model.head),
            r"config\.fn: .*lambda.*cannot be written",
        ),
        (ei.Filter(lambda site: True), r"config\.fn: .*cannot be written"),
        (Rule("a", jax.nn.initializers.zeros), r"config\.init\.fn: zeros cannot"),
        (Rule("a", b=lambda site: ei.Zeros()), r"config\.fields\.b: .*lambda"),
        ({"type": 1}, r"the keys \['type'\] cannot be written"),
        (ei.Through(ei.Zeros(), (jnp.exp, jnp.log)), r"transform\.forward_fn: "),
        (jnp.dtype("float32"), "cannot be written down"),
    ],
)
def test_refused_values(value: Any, message: str):
    with pytest.raises(ValueError, match=message):
        to_config(value)


def test_traced_values_are_refused():
    def inside(gain: jax.Array) -> jax.Array:
        to_config(ei.HeNormal(gain=gain))
        return gain

    with pytest.raises(ValueError, match=r"config\.gain: a traced value"):
        jax.jit(inside)(jnp.ones(()))


@pytest.mark.parametrize("name", ["HeNormal", "he_normal", "eqinit.HeNormal"])
def test_a_name_alone_is_an_initializer_where_one_is_wanted(name: str):
    he = ei.HeNormal()
    assert from_config(name) == he
    assert from_config({"type": name, "gain": 2.0}) == ei.HeNormal(gain=2.0)
    scaled = from_config({"type": "Scaled", "init": name, "factor": 0.5})
    assert scaled == ei.Scaled(he, 0.5)
    mixed = {"type": "Mixture", "inits": [name, "zeros"], "weights": [0.5, 0.5]}
    assert from_config(mixed) == ei.Mixture((he, ei.Zeros()), (0.5, 0.5))
    rule = {"type": "Rule", "selector": "head", "fields": {"weight": name, "bias": 0.0}}
    assert from_config(rule) == Rule("head", weight=he, bias=0.0)
    assert from_config({**rule, "fields": {"weight": "keep"}}) == Rule(
        "head", weight=ei.Keep()
    )
    assert from_config([name, {"type": "Zeros"}]) == [he, ei.Zeros()]
    # Elsewhere a string is a string.
    assert from_config({"name": name, "tags": [name]}) == {"name": name, "tags": [name]}


def test_keep_round_trips():
    rules = [Rule("encoder", ei.Keep())]
    assert round_trip(rules, through_toml) == rules


MISTAKES: list[tuple[Any, str]] = [
    ("he_norml", r"config: no scheme.*called `he_norml`\. Did you mean `HeNormal`"),
    (
        {"_target_": "eqinit.HeNormal"},
        r"`_target_` is no word .*\{\"type\": \"HeNormal\"\}",
    ),
    ({"typ": "HeNorml"}, r"`typ` is no word of a config"),
    (
        {"he_normal": {"gain": 2.0}},
        r"config: `he_normal` is a key with arguments",
    ),
    ({"a": {"Zeros": {}}}, r"config\.a: `Zeros` is a key .*\{\"type\": \"Zeros\""),
    (["he_norml"], r"config\[0\]: no scheme.*Did you mean `HeNormal`"),
    ({"rules": [{"Type": "Rule"}]}, r"config\.rules\[0\]: `Type` is no word"),
    (
        {"type": "Scaled", "init": {"gain": 1.0}, "factor": 2.0},
        r"config\.init: got a dict with the keys \['gain'\]",
    ),
    ({"type": "Scaled", "init": "zeroz", "factor": 2.0}, r"config\.init: .*`Zeros`"),
    ({"type": "Rule", "selector": "a", "init": "he"}, r"config\.init: .*called `he`"),
    ({"type": "HeNormal", "gain": "2.0"}, r"config\.gain: .*write 2\.0 without quotes"),
    ({"type": "Constant", "value": "abc"}, r"config\.value: got the string 'abc'"),
    ({"type": "Path", "glob": 3}, r"config\.glob: got 3 for what is text"),
    ({"type": 5}, "`type` is int, and has to be a name"),
    ({"array": [1], "shpae": [1]}, r"got `shpae` as well\. Did you mean `shape`"),
    ({"array": ["1"]}, "`array` is a list of numbers"),
    ({"array": [[1], [1, 2]]}, "`array` is a list of numbers"),
    ({"array": [1.0], "shape": [2]}, r"`shape` is \[2\], of 1 numbers"),
    ({"array": [1.0], "shape": [-1]}, r"`shape` is \[-1\], of 1 numbers"),
    ({"array": [1.0], "dtype": "complex64"}, r"complex ones are `\[real, imag"),
    ({"array": [1.0], "dtype": "float33"}, "'float33' is no dtype of numbers"),
    ({"float": "x"}, "could not convert string to float"),
    ({"float": "1.0", "more": 1}, "got `more` as well"),
    ({"complex": [1.0]}, "`complex` is a pair"),
]


@pytest.mark.parametrize("config, message", MISTAKES)
def test_what_is_not_known_is_named(config: Any, message: str):
    with pytest.raises(ValueError, match=message):
        from_config(config)


def test_an_array_by_hand():
    assert np.array_equal(from_config({"array": [[1, 2], [3, 4]]}), [[1, 2], [3, 4]])
    assert from_config({"array": [1]}).dtype == np.float32


def nested(depth: int) -> Any:
    config: Any = {"type": "Zeros"}
    for _ in range(depth):
        config = {"type": "Scaled", "init": config, "factor": 1.0}
    return config


def doubled(times: int) -> Any:
    """A line to write, and 2^n values to read."""
    config: Any = ["a"]
    for _ in range(times):
        config = [config, config]
    return config


def holds_itself() -> list[Any]:
    config: list[Any] = []
    config += [config, config]
    return config


HOSTILE: dict[str, tuple[Any, str]] = {
    "deep": (nested(5000), "at most 50 deep"),
    "a list that holds itself": (holds_itself(), "cannot hold itself"),
    "a list that doubles": (doubled(40), "at most 1,000 lists and dicts"),
    "many numbers": ([[0.0] * 1000] * 200, "at most 100,000 values"),
    "many schemes": ([{"type": "Zeros"}] * 200, "at most 100 schemes"),
    "many mistakes": ([{"type": "Nope"}] * 90, r"\.\.\. and so on"),
    "a large dtype": ({"array": [1], "dtype": "S2000000000"}, "is no dtype of numbers"),
    "a structured dtype": (
        {"array": [1], "dtype": "i4,i4"},
        "is no dtype of numbers",
    ),
    "a padded dtype": (
        {"array": [1], "dtype": "f" + "0" * 198 + "4"},
        "is no dtype of numbers",
    ),
    "a large shape": ({"array": [1.0], "shape": [10**9] * 3}, "of 1 numbers"),
    "a large number": ({"type": "HeNormal", "gain": 10**400}, "at most 64 bits"),
    "a large constant": ({"type": "Constant", "value": -(10**400)}, "at most 64 bits"),
    "a long name": (
        {"type": "x" * 10**6},
        "no scheme, base, selector or rule is called",
    ),
    "a long argument": ({"type": "Zeros", "x" * 10**6: 1}, "Zeros has no argument"),
}


# Limits for which it does not take seconds to see that they are kept.
SMALLER = {"VALUES": 100_000, "CONTAINERS": 1000, "INSTANCES": 100}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_configs_end_in_an_error(name: str, monkeypatch: pytest.MonkeyPatch):
    config, message = HOSTILE[name]
    for limit, smaller in SMALLER.items():
        monkeypatch.setattr(limits, limit, smaller)
    with pytest.raises(ValueError, match=message) as raised:
        from_config(config)
    assert len(str(raised.value)) < 20_000


def test_what_is_written_down_has_the_same_limits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "CONTAINERS", 1000)
    deep: Any = ei.Zeros()
    for _ in range(60):
        deep = [deep]
    for value, message in [
        (deep, "at most 50 deep"),
        (holds_itself(), "cannot hold itself"),
        (doubled(40), "at most 1,000 lists"),
        ({"x": 10**400}, "more than 64 bits"),
    ]:
        with pytest.raises(ValueError, match=message):
            to_config(value)


def test_a_number_has_the_bits_of_a_signed_integer():
    largest = np.iinfo(np.int64).max
    config = to_config(ei.HeNormal(gain=int(largest)))
    assert from_config(config).gain == largest
    for beyond in (int(largest) + 1, -int(largest) - 2):
        with pytest.raises(ValueError, match="at most 64 bits, its sign is one"):
            from_config({"type": "HeNormal", "gain": beyond})
        with pytest.raises(ValueError, match="more than 64 bits, its sign is one"):
            to_config({"x": beyond})


class TheirDict(Mapping[str, Any]):
    """A mapping that is no dict, as OmegaConf's, and raises for what is missing."""

    def __init__(self, **items: Any) -> None:
        self._items = items

    def __getitem__(self, key: str) -> Any:
        if self._items[key] == "???":
            raise LookupError(f"missing mandatory value: {key}")
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


class TheirList(Sequence[Any]):
    def __init__(self, *items: Any) -> None:
        self._items = items

    def __getitem__(self, i: Any) -> Any:
        return self._items[i]

    def __len__(self) -> int:
        return len(self._items)


def test_containers_of_other_libraries():
    config = TheirDict(
        rules=TheirList(TheirDict(type="Rule", selector="head", init="he_normal")),
        table=TheirDict(array=TheirList(1.0, 2.0), shape=TheirList(2, 1)),
    )
    read = from_config(config)
    assert read["rules"] == [Rule("head", ei.HeNormal())]
    assert np.array_equal(read["table"], [[1.0], [2.0]])
    with pytest.raises(
        ValueError, match=r"config\[0\]: LookupError: .*mandatory.*gain"
    ):
        from_config(TheirList(TheirDict(type="HeNormal", gain="???")))


def test_names_are_not_taken_away_unawares():
    def scope(value: float) -> type:
        class Mine(MyScheme):
            size: float = value

        Mine.__qualname__ = f"Mine{value}"
        return Mine

    first, second = scope(1.0), scope(2.0)
    ei.configurable(name="lab.Again")(first)
    ei.configurable(name="lab.Again")(first)  # a cell that is run again
    with pytest.raises(
        ValueError, match=r"Mine1\.0 `lab\.Again` already.*override=True"
    ):
        ei.configurable(name="lab.Again")(second)
    assert type(from_config({"type": "lab.Again"})) is first
    ei.configurable(name="lab.Again", override=True)(second)
    assert type(from_config({"type": "lab.Again"})) is second
    with pytest.raises(ValueError, match=r"HeNormal `HeNormal` already"):
        ei.configurable(name="HeNormal")(first)
    assert from_config("HeNormal") == ei.HeNormal()


def test_omegaconf_as_the_guide_writes_it():
    """The YAML of docs/guides/configuration.md, interpolations resolved."""
    omegaconf = pytest.importorskip("omegaconf")
    page = Path(__file__).parents[2] / "docs" / "guides" / "configuration.md"
    (text,) = re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    rules = from_config(omegaconf.OmegaConf.create(text).rules)
    assert rules[0].init == ei.Zeros()
    assert rules[1].fields["weight"] == ei.HeNormal(gain=0.7)
