"""Biases of gates and of output heads."""

import math

import numpy as np
from helpers import follows, uniform_cdf

from eqinit import (
    Chrono,
    ClassPrior,
    ForgetGateBias,
    ParamSpec,
    PriorProb,
    UniformGate,
)

from ._case import FLOATS, Case


def forget_gate(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    i, f, g, o = draw.reshape(4, 5)
    assert np.all(f == 2.0)
    assert all(np.all(gate == 0.5) for gate in (i, g, o))


def prior(probability):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        wanted = np.broadcast_to(probability, spec.shape)
        # A rounding of b in float32 moves p by p (1 - p) |b| 2^-24 at most.
        assert np.allclose(1 / (1 + np.exp(-draw.astype(np.float64))), wanted, 3e-7, 0)

    return gold


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def chrono_lstm(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    i, f, g, o = draw.reshape(4, -1)
    assert np.array_equal(i, -f)
    assert not g.any()
    assert not o.any()
    # A unit forgets over 1 / (1 - sigmoid(b)) = 1 + u steps, u uniform on [1, 99): 51
    # on average and 100 at most.
    assert follows(1 / (1 - sigmoid(f)), uniform_cdf(2, 100))


def chrono_gru(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    r, z, n = draw.reshape(3, -1)
    assert not r.any()
    assert not n.any()
    assert follows(1 / (1 - sigmoid(z)), uniform_cdf(6, 20))


def uniform_gate(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    i, f, _, _ = draw.reshape(4, -1)
    assert np.array_equal(i, -f)
    n = f.size
    assert follows(sigmoid(f), uniform_cdf(1 / n, 1 - 1 / n))


def softmax_is(frequencies: np.ndarray):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        power = np.exp(draw.astype(np.float64))
        # One rounding of a logarithm below 4 moves a probability by 2.4e-7 of itself.
        assert np.allclose(power / power.sum(), frequencies, 3e-7, 0)

    return gold


def no_class_is_likelier(draw: np.ndarray, spec: ParamSpec) -> None:
    assert np.array_equal(draw, np.full(spec.shape, np.float32(-math.log(6))))


_LSTM = {"gate": ("i", "f", "g", "o")}
_GRU = {"gate": ("r", "z", "n")}
_EACH = np.array([0.01, 0.5, 0.9], np.float32)

CASES = [
    Case(
        "ForgetGateBias",
        ForgetGateBias(2.0, 0.5),
        (20,),
        forget_gate,
        axes="(gate out)",
        sizes={"gate": ("i", "f", "g", "o")},
        zero=(0,),
    ),
    Case("PriorProb", PriorProb(0.01), (6,), prior(0.01), axes="out", zero=(0,)),
    Case("PriorProb-each", PriorProb(_EACH), (3,), prior(_EACH), axes="out"),
    Case(
        "Chrono-lstm",
        Chrono(100.0),
        (4 * 256,),
        chrono_lstm,
        axes="(gate out)",
        sizes=_LSTM,
        dtypes=FLOATS,
        zero=(0,),
    ),
    Case(
        "Chrono-gru",
        Chrono(20.0, 5.0),
        (3 * 256,),
        chrono_gru,
        axes="(gate out)",
        sizes=_GRU,
        dtypes=FLOATS,
    ),
    Case(
        "UniformGate",
        UniformGate(),
        (4 * 256,),
        uniform_gate,
        axes="(gate out)",
        sizes=_LSTM,
        dtypes=FLOATS,
        zero=(0,),
    ),
    Case(
        "ClassPrior",
        ClassPrior(np.array([1.0, 2.0, 5.0])),
        (3,),
        softmax_is(np.array([0.125, 0.25, 0.625])),
        axes="out",
    ),
    Case("ClassPrior-even", ClassPrior(), (6,), no_class_is_likelier, "out", zero=(0,)),
]
