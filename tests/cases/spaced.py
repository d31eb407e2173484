"""Values along an axis."""

import numpy as np

from eqinit import Linspace, ParamSpec

from ._case import Case


def linear(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    assert (draw[0], draw[-1]) == (3.0, 6.0)
    assert np.array_equal(draw, np.linspace(3.0, 6.0, 13).astype(np.float32))


def per_gate(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    for gate in draw.reshape(4, 5):
        assert np.array_equal(gate, np.float32([0, 0.25, 0.5, 0.75, 1]))


def xlstm_power(draw: np.ndarray, spec: ParamSpec) -> None:
    """The second of four blocks of xLSTM's `powerlaw_blockdependent`."""
    del spec
    i = np.arange(9)
    wanted = -(-5.0 + 12.0 * (i / 8) ** (0.3 + 1.3 * 1 / 3))
    # One rounding to float32 of numbers up to 7, worked out in float64.
    assert np.abs(draw - wanted).max() <= 7 * 2**-24


def octaves(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    wanted = np.array([1, 2, 4, 8, 16])
    # ln and exp in float64, then one rounding.
    assert np.abs(draw / wanted - 1).max() <= 2**-23
    assert draw.shape == (3, 5)


CASES = [
    Case("Linspace", Linspace(3.0, 6.0), (13,), linear, axes="out", zero=(0,)),
    Case(
        "Linspace-gates",
        Linspace(0.0, 1.0),
        (20,),
        per_gate,
        axes="(gate out)",
        sizes={"gate": ("i", "f", "g", "o")},
    ),
    Case(
        "Linspace-power",
        Linspace(5.0, -7.0, power=0.3 + 1.3 / 3),
        (9,),
        xlstm_power,
        axes="out",
    ),
    Case("Linspace-log", Linspace(1.0, 16.0, log=True), (3, 5), octaves, axes=None),
]
