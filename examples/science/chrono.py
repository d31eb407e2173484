"""How much of a memory is left after 100 steps, by the bias of the forget gate.

A gate that is open by f = sigmoid(b) keeps f^100. Chrono biases are those for which
1 / (1 - f) = 1 + u with u uniform on (1, 99): the mean of (u / (1 + u))^100 is 0.1497,
and the mean time constant (100 + 2) / 2 = 51.

    python examples/science/chrono.py

Tallec and Ollivier, arXiv:1804.11188.
"""

import math

import equinox as eqx
import jax
import numpy as np
from claims import BLUE, ORANGE, THEORY, Claim, figure, report

import eqinit as ei


UNITS, T_MAX = 1 << 14, 100


def forget(rules: list[ei.Rule]) -> np.ndarray:
    """The forget gate of an LSTM whose input and state are zero."""
    cell = eqx.filter_eval_shape(
        lambda: eqx.nn.LSTMCell(1, UNITS, key=jax.random.key(0))
    )
    bias = ei.plan(cell, rules)["bias"]
    drawn = np.asarray(bias.init.draw(jax.random.key(1), bias.spec), np.float64)
    return 1 / (1 + np.exp(-drawn.reshape(4, UNITS)[1]))


def main() -> None:
    plain = forget(ei.recipes.lstm(0.0)).mean() ** T_MAX
    one = forget(ei.recipes.lstm(1.0)).mean() ** T_MAX
    chrono = forget(ei.recipes.lstm_chrono(T_MAX))
    u = np.linspace(1, T_MAX - 1, 100_001)
    kept, times = (u / (1 + u)) ** T_MAX, 1 / (1 - chrono)
    with figure("chrono", 2) as [left, right]:
        left.hist(times, 50, density=True, color=BLUE)
        left.plot([2, T_MAX], [1 / (T_MAX - 2)] * 2, **THEORY, label="uniform")
        left.legend(fontsize=8, loc="lower left")
        left.set(xlabel="time constant, in steps", ylabel="density of units")
        steps = np.arange(T_MAX + 1)
        for name, gate in (("b = 1", 1 / (1 + math.exp(-1))), ("chrono", chrono)):
            left_over = np.power.outer(np.asarray(gate).ravel(), steps).mean(0)
            colour = BLUE if name == "chrono" else ORANGE
            right.semilogy(steps, left_over, color=colour, label=name)
        right.set(xlabel="steps", ylabel="what is kept", ylim=(1e-15, 2))
        right.legend(fontsize=8)
    half = (T_MAX - 2) / math.sqrt(12)
    report(
        Claim("b = 0: kept after 100 steps", 2.0**-T_MAX, plain, 1e-34),
        Claim("b = 1", (1 + math.exp(-1)) ** -T_MAX, one, 1e-18),
        Claim(
            "chrono: kept after 100 steps",
            float(kept.mean()),
            float((chrono**T_MAX).mean()),
            5 * float(kept.std()) / math.sqrt(UNITS),
        ),
        Claim(
            "chrono: mean time constant",
            (T_MAX + 2) / 2,
            float(times.mean()),
            5 * half / math.sqrt(UNITS),
        ),
    )


if __name__ == "__main__":
    main()
