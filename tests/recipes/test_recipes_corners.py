"""Single lines of recipes."""

import equinox as eqx
import jax
import pytest

import eqinit as ei
from eqinit.recipes._coordinates import CoordinateCheck, Coordinates


KEY = jax.random.key(0)


def test_a_gru_for_long_memories_has_all_of_its_biases_set():
    cell = eqx.nn.GRUCell(3, 2, key=KEY)
    rows = {row.path: row.init for row in ei.plan(cell, ei.recipes.gru_chrono(20.0))}
    assert rows["bias_n"] == ei.Zeros()
    assert isinstance(rows["bias"], ei.Chrono)


def test_a_plot_of_coordinates_has_a_line_for_each_layer():
    pytest.importorskip("matplotlib").use("agg")
    rows = [Coordinates(name, (1.0, 1.0), (1.0, 2.0), 0.5) for name in ("a", "b")]
    (axes,) = CoordinateCheck((8, 16), tuple(rows)).plot().axes
    assert [line.get_label() for line in axes.lines] == ["a", "b"]
    assert list(axes.lines[1].get_ydata()) == [1.0, 2.0]


def test_a_recipe_for_branches_says_in_its_own_words_that_there_are_none():
    model = [eqx.nn.Linear(3, 2, key=KEY), eqx.nn.Linear(2, 2, key=KEY)]
    with pytest.raises(ValueError, match="found no outputs and MLPs of") as raised:
        ei.plan(model, ei.recipes.t_fixup(num_layers=2))
    assert "matches nothing" not in str(raised.value)
