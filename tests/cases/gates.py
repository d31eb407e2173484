"""Biases of gates and of output heads."""

import numpy as np

from eqinit import ForgetGateBias, ParamSpec, PriorProb

from ._case import Case


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
]
