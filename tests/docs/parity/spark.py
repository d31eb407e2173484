"""What every row of the page about spark has to do."""

import json
import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from helpers import SIGMAS, follows, uniform_cdf

import eqinit as ei

from .page import draw


Check = Callable[[Any], None]
SIZE = 64 * 32


def _is(condition: Any) -> None:
    assert condition


def _near(share: float, wanted: float, count: int = SIZE) -> None:
    """A share of so many entries, within five of its deviations."""
    error = math.sqrt(wanted * (1 - wanted) / count)
    assert abs(share - wanted) < SIGMAS * error


def uniform(lower: float, upper: float) -> Check:
    return lambda init: _is(follows(draw(init), uniform_cdf(lower, upper)))


def same(*, wanted: Any) -> Check:
    return lambda got: _is(got == wanted)


def config_of(init: ei.AbstractInitializer) -> Check:
    """Plain data that survives JSON and gives the initializer back."""

    def check(config: Any) -> None:
        again = ei.from_config(json.loads(json.dumps(config)))
        assert again == init
        assert config["type"] == type(init).__name__

    return check


def decorator(register: Any) -> None:
    class Mine(ei.AbstractLawInitializer):
        def law(self, spec: ei.ParamSpec) -> Any:
            return ei.Zeros().law(spec)

    assert ei.to_config(Mine())["type"] in ("Mine", f"{__name__}.{Mine.__qualname__}")
    register(Mine)
    assert ei.to_config(Mine()) == {"type": "lab.Mine"}


def refuses(cls: Any) -> None:
    with pytest.raises(ValueError, match="gain=-1"):
        cls(gain=-1.0)


def with_rule(config: Any) -> None:
    rule = ei.Rule("head", ei.Zeros())
    assert ei.from_config(json.loads(json.dumps(config))) == [ei.Zeros(), rule]


def half(w: Any) -> None:
    assert w.dtype == jnp.float16
    assert follows(np.asarray(w, np.float64), uniform_cdf(0, 3))
    # Not drawn in float16, which has a thousand uniforms: no two bits are alike there.
    assert len(np.unique(np.asarray(w))) > 1200


def truncated(w: Any) -> None:
    assert w.dtype == jnp.int8
    for number in (0, 1, 2):
        _near(float((np.asarray(w) == number).mean()), 1 / 3)


def whole(w: Any) -> None:
    assert w.dtype == jnp.int8
    for number in (-1, 0, 1):
        _near(float((np.asarray(w) == number).mean()), 1 / 3)


def clipped(init: Any) -> None:
    w = draw(init)
    _near((w == 0.5).mean(), 0.5 / 3)
    _near((w == 2.0).mean(), 1.0 / 3)
    assert follows(w[(w > 0.5) & (w < 2.0)], uniform_cdf(0.5, 2.0))


def spans(init: Any) -> None:
    w = draw(init)
    assert (w.min(), w.max()) == (0.5, 2.0)


def sparse(lower: float, upper: float) -> Check:
    def check(init: Any) -> None:
        w = draw(init)
        _near((w != 0).mean(), 0.2)
        assert w[w != 0].min() >= lower
        assert w.max() <= upper

    return check


def sparse_uniform(init: Any) -> None:
    sparse(0.0, 3.0)(init)
    w = draw(init)
    assert follows(w[w != 0], uniform_cdf(0, 3))


def rare(init: Any) -> None:
    shape = (1000, 2000)
    w = np.asarray(init(ei_key(), shape))
    _near(float(w.mean()), 0.0005, w.size)


def ei_key() -> Any:
    import jax

    return jax.random.key(7)


def not_sparse(init: Any) -> None:
    w = draw(init)
    # All the zeros and what a clip moves: 0.8 + 0.2 / 6.
    _near((w == 0.5).mean(), 0.8 + 0.2 / 6)
    assert w.min() == 0.5


def seven(init: Any) -> None:
    assert np.all((draw(init) != 0).sum(1) == 7)


def sums(total: float, axis: int | None = 1) -> Check:
    def check(init: Any) -> None:
        w = draw(init)
        assert w.min() >= 0
        # Thirty-odd additions and a division in float32. No row of 32 is empty here:
        # that happens to one of 64 with probability 64 * 0.8^32 = 0.05.
        rows_of = w.sum(axis)
        assert np.abs(rows_of[rows_of != 0] / total - 1).max() < 40 * 2**-24
        assert (np.asarray(rows_of) == 0).mean() < 0.1

    return check


def all_of_it(init: Any) -> None:
    # 2048 additions in float32, pairwise or in rows.
    assert abs(draw(init).sum() - 1) < 100 * 2**-24
    _near((draw(init) != 0).mean(), 0.2)


def middle(w: Any) -> None:
    assert w.shape == (4, 30, 5)
    assert np.abs(np.asarray(w, np.float64).sum(1) - 1).max() < 40 * 2**-24


def clipped_sums(init: Any) -> None:
    w = draw(init)
    assert w.max() == np.float32(0.1)
    assert w.sum(1).max() < 1


def none_quiescent(init: Any) -> None:
    w = draw(init)
    assert (w != 0).sum(1).min() == 1  # some rows have been given their only one
    assert np.abs(w.sum(1) - 1).max() < 40 * 2**-24


_UNIFORM = ei.Uniform(0.0, 3.0)
_CLIPPED = ei.Clipped(_UNIFORM, 0.5, 2.0)
_UNIT = ei.Sparse(ei.Uniform(0.0, 1.0), density=0.2)
_NORMED = "NormalizedSparseUniformInitializer"
_SPARSE = "SparseUniformInitializer"

CHECKS: dict[str, Check] = {
    "`Initializer`": lambda cls: _is(issubclass(ei.Uniform, cls)),
    "`Initializer(config=)`": same(wanted=_UNIFORM),
    "`Initializer.config`": config_of(_UNIFORM),
    "`Initializer.default_config`": config_of(ei.HeNormal()),
    "`Initializer.get_config_spec()`": same(wanted=ei.HeNormal()),
    "`Initializer.__init_subclass__`": decorator,
    "`Initializer.__call__(key, shape)`": lambda w: _is(
        follows(np.asarray(w), uniform_cdf(0, 3)) and w.shape == (64, 32)
    ),
    "`InitializerConfig`": with_rule,
    "`InitializerConfig.merge(...)`": same(wanted=_UNIFORM),
    "`InitializerConfig.__skip_validation__`": refuses,
    "`InitializerConfig.dtype`, float16": half,
    "`InitializerConfig.dtype`, integers": truncated,
    "integers, equally likely": whole,
    "`InitializerConfig.scale`": uniform(0, 3),
    "`InitializerConfig.min_value`, `.max_value`": clipped,
    "`ConstantInitializer(scale)`": lambda init: _is(np.all(draw(init) == 3)),
    "`ConstantInitializerConfig`": config_of(ei.Constant(3.0)),
    "`ConstantInitializerConfig.__class_ref__`": same(wanted="Constant"),
    "`UniformInitializer(scale)`": uniform(0, 3),
    "`UniformInitializer(scale, min_value, max_value)`, as it draws": clipped,
    "`UniformInitializer(scale, min_value, max_value)`, as documented": uniform(0.5, 2),
    "the same, spanning the range exactly": spans,
    "`UniformInitializerConfig`": config_of(_CLIPPED),
    f"`{_SPARSE}(scale, density)`": sparse_uniform,
    f"`{_SPARSE}(density)`, a small one": rare,
    f"`{_SPARSE}(min_value, max_value)`, as it draws": not_sparse,
    f"`{_SPARSE}(min_value, max_value)`, as documented": sparse(0.5, 2.0),
    "an exact number of entries": seven,
    f"`{_SPARSE}Config`": config_of(ei.Sparse(_UNIFORM, density=0.2)),
    f"`{_NORMED}()`": sums(1.0),
    f"`{_NORMED}(scale)`": sums(3.0),
    f"`{_NORMED}(norm_axes=(0, 2))`": middle,
    f"`{_NORMED}(norm_axes=None)`": all_of_it,
    f"`{_NORMED}(min_value, max_value)`": clipped_sums,
    "no quiescent neuron": none_quiescent,
    f"`{_NORMED}Config`": config_of(ei.Normalized(_UNIT, over="in", by="sum")),
}
