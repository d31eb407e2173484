"""klax: looks like Equinox and stores `(in, out)`; constraints are wrappers."""

import jax.numpy as jnp
import klax

from eqinit import Abs, Filter, LecunNormal, Rule, hoedt

from ._entry import Entry


def _constrained(site) -> bool:
    return (
        site.parametrization is not None and site.parametrization.name == "NonNegative"
    )


# What must stay positive cannot be centred.
POSITIVE = (Rule(Filter(_constrained), Abs(LecunNormal())),)


def _finalized(model, key, *inputs):
    del key
    return klax.finalize(model)(*inputs)


def _ones(*sizes):
    return lambda: tuple(jnp.ones(size) for size in sizes)


def _ficnn(key):
    return klax.nn.FICNN(3, 2, [8, 8], non_decreasing=True, key=key)


MODELS = {
    "ficnn": Entry(_ficnn, _finalized, _ones(3), POSITIVE),
    "ficnn_hoedt": Entry(
        _ficnn,
        _finalized,
        _ones(3),
        (
            Rule(klax.nn.Linear, **hoedt()),
            Rule(klax.nn.InputSplitLinear, weights=hoedt()["weight"]),
        ),
    ),
    "mlp": Entry(lambda key: klax.nn.MLP(3, 2, [8, 16], key=key), _finalized, _ones(3)),
    "mlp_nonneg": Entry(
        lambda key: klax.nn.MLP(3, 2, [8, 16], weight_wrap=klax.NonNegative, key=key),
        _finalized,
        _ones(3),
        POSITIVE,
    ),
    "picnn": Entry(
        lambda key: klax.nn.PICNN(3, 4, 2, [8, 8], key=key),
        _finalized,
        _ones(3, 4),
        POSITIVE,
    ),
    "skew_matrix": Entry(
        lambda key: klax.nn.SkewSymmetricMatrix(3, 4, [8], key=key),
        _finalized,
        _ones(3),
    ),
    "constant_skew": Entry(
        lambda key: klax.nn.ConstantSkewSymmetricMatrix(4, key=key),
        _finalized,
        _ones(3),
    ),
}
