"""Reports say what is wrong, in a table and in a plot."""

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eqinit as ei
from eqinit import probe
from eqinit.signal import Report, jacobian_spectrum, plot_reports
from eqinit.signal._probe.drift import marks, trends


KEY = jax.random.key(0)
X = jax.random.normal(jax.random.key(1), (64, 16))
GAINS = {"steady": 1.0, "shrinks": 0.6, "grows": 1.7}


def batched(m: Any, x: Any) -> Any:
    return jax.vmap(m)(x)


def filled(model: Any, value: float) -> Any:
    return jax.tree.map(
        lambda a: jnp.full_like(a, value) if eqx.is_array(a) else a, model
    )


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    """Linear networks whose scale per layer is known: no activation, orthogonal."""
    model = eqx.nn.MLP(16, 16, 16, 7, lambda h: h, key=KEY)
    found: dict[str, Report] = {}
    for name, gain in GAINS.items():
        weight = ei.Orthogonal(gain=gain)
        rules = [ei.Rule(eqx.nn.Linear, weight=weight, bias=ei.Zeros())]
        found[name] = probe(ei.apply(model, KEY, rules), batched, X)
    return found


@pytest.mark.parametrize("name", GAINS)
def test_trends(reports: dict[str, Report], name: str):
    forward, backward = trends(reports[name].rows)
    # Orthogonal layers multiply every norm by the gain, forward and backward.
    assert forward.per_layer == pytest.approx(GAINS[name], rel=1e-2)
    assert backward.per_layer == pytest.approx(GAINS[name], rel=1e-2)
    assert (forward.count, backward.count) == (8, 8)


def test_marks_say_where(reports: dict[str, Report]):
    """Three layers of 1.7 (or 0.6) each go beyond the factor of 4."""
    assert marks(reports["steady"].rows) == [[]] * 8
    for name, arrow in {"shrinks": "↓", "grows": "↑"}.items():
        found = marks(reports[name].rows)
        signal = [f"{arrow} signal" in notes for notes in found]
        gradient = [f"{arrow} gradient" in notes for notes in found]
        assert signal == [False] * 3 + [True] * 5
        assert gradient == [True] * 5 + [False] * 3


def test_table(reports: dict[str, Report]):
    lines = str(reports["shrinks"]).splitlines()
    assert len(lines) == 2 + 8 + 3  # header and rule, rows, blank and summary
    assert lines[0].split()[:4] == ["layer", "kind", "mean", "std"]
    assert lines[2].startswith("layers.0  Linear")
    assert lines[-1].endswith("a layer: shrinks")
    assert "keeps its scale" in str(reports["steady"])
    assert "grows" in reports["grows"].summary()
    html = reports["shrinks"]._repr_html_()
    assert html.count("<tr>") == 9
    assert "layers.7" in html
    assert "8 rows" in repr(reports["shrinks"])


def test_rows_by_path(reports: dict[str, Report]):
    report = reports["steady"]
    assert report["layers.3"] == report.rows[3]
    assert len(report) == 8
    with pytest.raises(KeyError, match=r"no row `layers\.9`.*layers\.0"):
        report["layers.9"]


def test_broken_models_are_named():
    model = eqx.nn.MLP(16, 16, 16, 3, key=KEY)
    nan = str(probe(filled(model, jnp.nan), batched, X))
    assert nan.count("not finite") == 4
    assert "breaks down" in nan
    zero = str(probe(filled(model, 0.0), batched, X))
    assert zero.count("constant, dead") == 4
    assert zero.count("no gradient") == 3  # all but the last layer
    assert "inputs alike" in str(probe(model, batched, X[:1] + 1e-3 * X))
    assert "units alike" in str(probe(filled(model, 1.0), batched, X))


def legend(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_plot(reports: dict[str, Report], tmp_path: Path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "signal.png"
    figure = plot_reports(reports, path=path, title="three")
    assert path.read_bytes().startswith(b"\x89PNG")
    forward, backward = figure.axes
    assert forward.get_yscale() == backward.get_yscale() == "log"
    for axis, field in ((forward, "std"), (backward, "grad_std")):
        drawn = [line.get_ydata() for line in axis.lines if len(line.get_ydata())]
        for values, report in zip(drawn, reports.values(), strict=True):
            wanted = [getattr(row, field) for row in report.rows]
            np.testing.assert_allclose(values, wanted)
    assert legend(figure) == list(reports)
    one = reports["steady"].plot(reports["grows"], labels=["a", "b"])
    assert legend(one) == ["a", "b"]


def test_plot_marks_what_has_no_logarithm():
    pytest.importorskip("matplotlib")
    model = eqx.nn.MLP(16, 16, 16, 3, key=KEY)
    figure = plot_reports(probe(filled(model, 0.0), batched, X))
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert [line.get_ydata()[0] for line in crosses] == [0.0] * 4


def repeated(report: Report, paths: list[str]) -> Any:
    """What a plot reads of a report, for as many layers as there are paths."""
    rows = report.rows
    long = [replace(rows[i % 8], path=path) for i, path in enumerate(paths)]
    return SimpleNamespace(rows=long)


@pytest.mark.parametrize("count", [24, 60])
def test_labels_do_not_overlap(reports: dict[str, Report], count: int):
    pytest.importorskip("matplotlib")
    paths = [f"encoder.stages.{i}.blocks.attention.projection" for i in range(count)]
    figure = plot_reports({"a": repeated(reports["steady"], paths)})
    figure.canvas.draw()
    for axis in figure.axes:
        left, right = axis.get_window_extent().intervalx
        boxes = [t.get_window_extent() for t in axis.get_xticklabels() if t.get_text()]
        seen = [b for b in boxes if left - 1 <= (b.x0 + b.x1) / 2 <= right + 1]
        assert len(seen) > 3
        for a, b in itertools.pairwise(seen):
            assert not a.overlaps(b)


def test_lines_connect_like_layers(reports: dict[str, Report]):
    """Two kinds in turn, and a head: two lines and a point of one colour."""
    pytest.importorskip("matplotlib")
    paths = [f"blocks.{i // 2}.{('up', 'down')[i % 2]}" for i in range(8)]
    figure = plot_reports({"a": repeated(reports["grows"], [*paths, "head"])})
    drawn = [line for line in figure.axes[0].lines if len(line.get_xdata())]
    assert [list(line.get_xdata()) for line in drawn] == [
        [0, 2, 4, 6],
        [1, 3, 5, 7],
        [8],
    ]
    assert drawn[-1].get_linestyle() == "None"
    assert len({line.get_color() for line in drawn}) == 1
    assert legend(figure) == ["a"]


def test_trend_of_blocks_is_that_of_the_layers_that_change(reports: dict[str, Report]):
    """Norms keep any scale; they do not speak for the others."""
    rows = [
        replace(row, path=f"blocks.{i // 2}.{('norm', 'up')[i % 2]}")
        for i, row in enumerate(reports["grows"].rows)
    ]
    rows[::2] = [replace(row, std=1.0) for row in rows[::2]]
    forward, _ = trends(rows)
    assert forward.name == "`blocks.*.up` Linear"
    assert forward.per_layer == pytest.approx(GAINS["grows"] ** 2, rel=2e-2)


def test_mean_of_rounding_is_not_shown():
    key = jax.random.key(0)
    model = [eqx.nn.Linear(16, 16, key=key), eqx.nn.LayerNorm(16)]
    text = str(probe(model, lambda m, x: jax.vmap(lambda a: m[1](m[0](a)))(x), X))
    norm = next(line for line in text.splitlines() if "LayerNorm" in line)
    assert norm.split()[2] == "0"


def test_spectrum_prints():
    text = str(jacobian_spectrum(lambda x: 2 * x, jnp.ones(3)))
    assert text == "Jacobian 3 x 3, all singular values: 2 to 2, mean square 4"


def test_spectrum_has_a_readable_repr():
    """Also where its numbers are not known, or are those of several spectra."""

    def doubled(x: Any) -> Any:
        return 2 * x

    one = jacobian_spectrum(doubled, jnp.ones(3))
    assert repr(one) == "JacobianSpectrum(3 x 3, exact: 2 to 2, mean square 4)"
    few = jacobian_spectrum(doubled, jnp.ones(30), count=2, exact=False)
    assert repr(few).startswith("JacobianSpectrum(30 x 30, largest 2: 2 to ")
    mapped = jax.vmap(lambda x: jacobian_spectrum(doubled, x))(jnp.ones((5, 3)))
    assert "(5,) spectra in one" in repr(mapped)
    assert "(5,) spectra in one" in str(mapped)

    def traced(x: Any) -> Any:
        assert "not known inside" in repr(jacobian_spectrum(doubled, x))
        return x

    jax.eval_shape(traced, jnp.ones(3))
