"""Reports say what is wrong, in a table and in a plot."""

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eqinit as ei
from eqinit import probe
from eqinit.signal import LayerSignal, Report, jacobian_spectrum, plot_reports
from eqinit.signal._probe.drift import Mark, Trend, marks, trends
from eqinit.signal._probe.table import full_table, short_table


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
    assert marks(reports["steady"].rows) == [Mark("", "", ())] * 8
    for name, arrow in {"shrinks": "↓", "grows": "↑"}.items():
        found = marks(reports[name].rows)
        assert [mark.signal for mark in found] == [""] * 3 + [arrow] * 5
        assert [mark.gradient for mark in found] == [arrow] * 5 + [""] * 3


def test_table(reports: dict[str, Report]):
    lines = str(reports["shrinks"]).splitlines()
    assert len(lines) == 2 + 8 + 3  # header and rule, rows, blank and summary
    assert lines[0].split()[:4] == ["layer", "kind", "mean", "std"]
    assert lines[2].startswith("layers.0  Linear")
    assert lines[-1].startswith("gradient  shrinks: std 0.99")
    assert lines[-1].endswith("over 8 of layers.* (Linear), x0.6 per layer")
    # Three factors of 0.6 are less than a quarter, and marked beside the number.
    assert [" ↓" in line for line in lines[2:10]] == [True] * 5 + [True] * 3
    assert lines[2].count("↓") == 1
    html = reports["shrinks"]._repr_html_()
    assert html.count("<tr>") == 9
    assert "layers.7" in html
    data = reports["shrinks"].to_dict()
    assert data["rows"][3]["std"] == reports["shrinks"].rows[3].std
    assert data["missing"] == []


def test_repr(reports: dict[str, Report]):
    text = "Report(8 rows: signal grows, gradient grows)"
    assert repr(reports["grows"]) == text
    model = eqx.nn.MLP(16, 16, 16, 1, key=KEY)

    @eqx.filter_jit
    def traced(m: Any) -> Report:
        report = probe(m, batched, X)
        assert repr(report) == "Report(2 rows, traced)"
        return report

    assert repr(traced(model)).startswith("Report(2 rows: signal ")
    two = jax.tree.map(lambda a: jnp.stack([a, a]), traced(model))
    assert repr(two) == "Report(2 rows, (2,) in one)"


VERDICTS: dict[str, tuple[str, list[float]]] = {
    "steady": ("keeps its scale", [1.0, 1.1, 0.9]),
    "a factor of 3.9": ("keeps its scale", [1.0, 2.0, 3.9]),
    "a factor of 4.1": ("grows", [1.0, 2.0, 4.1]),
    "a quarter": ("shrinks", [1.0, 0.5, 0.24]),
    "two layers, 1.9": ("keeps its scale", [1.0, 1.9]),
    "two layers, 2.1": ("grows", [1.0, 2.1]),
    "two layers, 0.266": ("shrinks", [1.0, 0.266]),
    "slow": ("grows", list(1.05 ** np.arange(30))),
    "slower": ("keeps its scale", list(1.04 ** np.arange(30))),
    "there and back": ("goes up and down", [1.0, 5.0, 1.0]),
    "nan": ("breaks down", [1.0, math.nan, 1.0]),
    "zero at the end": ("breaks down", [1.0, 0.5, 0.0]),
    "infinite": ("breaks down", [math.inf, 1.0]),
    "one": ("", [3.0]),
    "none": ("", []),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict(name: str):
    """The rule at the head of `drift`, on both sides of its limits."""
    wanted, scales = VERDICTS[name]
    paths = tuple(f"layers.{i}" for i in range(len(scales)))
    trend = Trend("layers.* (Linear)", paths, tuple(scales))
    assert trend.verdict == wanted
    assert wanted in str(trend)
    assert "nan" not in str(trend)


def test_verdict_on_unlike_layers():
    """They differ by design: only beyond 30, and there is no factor per layer."""
    for wanted, last in {"keeps its scale": 0.04, "shrinks": 0.03}.items():
        trend = Trend("", ("embed", "head"), (1.0, last))
        assert str(trend) == f"{wanted}: std 1 to {last} over 2 unlike layers"


def test_break_down_says_where():
    paths = ("layers.0", "layers.1", "layers.2")
    faults = {0.0: "zero", math.inf: "infinite", math.nan: "not a number"}
    for scale, fault in faults.items():
        text = str(Trend("layers.* (Linear)", paths, (1.0, scale, 1.0)))
        assert text == f"breaks down: {fault} at layers.1"


def test_layers_that_repeat_are_one_line(reports: dict[str, Report]):
    """Many layers fit a page: the first and the last value of a run of like layers."""
    rows = [
        replace(row, path=f"blocks.{i}.{name}", kind=name)
        for name in ("up", "down")
        for i, row in enumerate(reports["shrinks"].rows * 2)
    ]
    head = replace(rows[0], path="head", kind="Linear")
    shown = short_table([*rows, head], ["line"], []).text()
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 100
    assert sum("0..15.up" in line for line in lines) == 1
    first, last = f"{rows[0].std:.3g}", f"{rows[15].std:.3g}"
    assert f"{first} to" in shown
    assert f"{last} ↓" in shown
    assert any(line.startswith("head") for line in lines)
    full = full_table([*rows, head], ["line"], []).text(folded=False).splitlines()
    assert sum(line.startswith("blocks") for line in full) == 32


def test_summary_fits_the_page(reports: dict[str, Report]):
    long = "encoder.stages.{}.transformer_blocks.attention.output_projection"
    rows = [
        replace(row, path=long.format(i)) for i, row in enumerate(reports["grows"].rows)
    ]
    assert len(str(trends(rows)[0])) > 100
    model = reports["grows"]
    layers = tuple(
        replace(layer, path=long.format(i)) for i, layer in enumerate(model.layers)
    )
    report = Report(model.readings, layers)
    assert max(map(len, str(report).splitlines())) <= 100


def test_rows_by_path(reports: dict[str, Report]):
    report = reports["steady"]
    assert report["layers.3"] == report.rows[3]
    assert len(report) == 8
    with pytest.raises(KeyError, match=r"no row `layers\.9`.*layers\.0"):
        report["layers.9"]


def test_broken_models_are_named():
    model = eqx.nn.MLP(16, 16, 16, 3, key=KEY)
    nan = probe(filled(model, jnp.nan), batched, X).unfolded()
    assert nan.count("not finite") == 4
    assert "signal    breaks down: not a number at layers.0" in nan
    assert "nan" not in nan
    zero = probe(filled(model, 0.0), batched, X).unfolded()
    assert zero.count("constant, dead") == 4
    assert zero.count("no gradient") == 3  # all but the last layer
    assert "gradient  breaks down: zero at layers.2" in zero
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


def repeated(report: Report, paths: list[str]) -> list[LayerSignal]:
    """Rows of a report, for as many layers as there are paths."""
    return [replace(report.rows[i % 8], path=path) for i, path in enumerate(paths)]


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
    assert forward.name == "blocks.*.up (Linear)"
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
    scales = jnp.arange(1, 31, dtype=jnp.float32)  # singular values that differ
    few = jacobian_spectrum(lambda x: scales * x, jnp.ones(30), count=2, exact=False)
    assert repr(few).startswith("JacobianSpectrum(30 x 30, largest 2: ")
    mapped = jax.vmap(lambda x: jacobian_spectrum(doubled, x))(jnp.ones((5, 3)))
    assert "(5,) spectra in one" in repr(mapped)
    assert "(5,) spectra in one" in str(mapped)

    def traced(x: Any) -> Any:
        assert "not known inside" in repr(jacobian_spectrum(doubled, x))
        return x

    jax.eval_shape(traced, jnp.ones(3))
