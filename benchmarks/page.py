"""Results as the tables and the plot of the speed page."""

import json
import re
from pathlib import Path
from typing import Any


DOCS = Path(__file__).parents[1] / "docs"
ACCELERATOR = Path(__file__).with_name("accelerator.json")
MESH = DOCS / "mesh.md"
PAGE, PLOT = DOCS / "speed.md", DOCS / "images" / "speed.png"
Results = dict[str, Any]


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _against(run: Results | None, ours: float, variant: str) -> str:
    if run is None:  # cold.TOO_LONG
        return "-"
    seconds = _seconds(run["wall"])
    if variant.startswith("eqinit"):
        return seconds
    return f"{seconds} ({run['wall'] / ours:.1f}x)"


def cold_table(results: Results) -> str:
    found = results["cold"]
    # On a narrow page the first columns are seen, so ours are in front.
    variants = sorted(next(iter(found.values())), key=lambda v: "eqinit" not in v)
    rows: list[list[str]] = []
    for model, runs in found.items():
        ours = runs["eqinit"]["wall"]
        cells = [_against(runs.get(v), ours, v) for v in variants]
        rows.append([model, f"{runs['eqinit']['size'] / 4e6:.1f} M", *cells])
    return _table(["model", "parameters", *variants], rows)


def memory_table(results: Results) -> str:
    rows = [
        [model, *(f"{run['peak'] / run['size']:.2f}" for run in _sized(runs))]
        for model, runs in results["cold"].items()
        if runs["eqinit"]["size"] > 5e7  # the compiler's own would hide smaller ones
    ]
    return _table(["model", *_JAX], rows)


_JAX = ("equinox", "jax leaf by leaf", "one jit", "eqinit")


def _sized(runs: Results) -> list[Results]:
    return [runs[variant] for variant in _JAX]


def steady_table(results: Results) -> str:
    found = results["steady"]
    ways = list(next(iter(found.values())))
    rows: list[list[str]] = []
    for law, runs in found.items():
        ours = runs["eqinit"]["wall"]
        rows.append(
            [law.replace("_", " ")]
            + [f"{runs[w]['wall']:.3f} ({runs[w]['wall'] / ours:.2f}x)" for w in ways]
        )
    return _table(["law", *ways], rows)


def orthogonal_table(results: Results) -> str:
    found = results["orthogonal"]
    ways = list(next(iter(found.values())))
    rows = [
        [name]
        + [
            f"{runs[w]['wall']:.2f} ({runs[ways[0]]['wall'] / runs[w]['wall']:.2f}x)"
            for w in ways
        ]
        for name, runs in found.items()
    ]
    return _table(["matrices", *ways], rows)


def scaling_table(results: Results) -> str:
    rows = [
        [f"{int(n):,}", *(f"{run[what]:.2f}" for what in ("plan", "keys", "apply"))]
        for n, run in results["scaling"].items()
        if n.isdigit()
    ]
    return _table(["parameters", "plan, s", "keys, s", "first apply, s"], rows)


def jit_table(results: Results) -> str:
    rows = [
        [
            model,
            *(_seconds(run[what]) for what in ("trace", "compile")),
            f"{run['run']:.3f}",
            f"{run['outside']:.3f}",
            f"{run['peak']:.2f}",
        ]
        for model, run in results["traced"]["jit"].items()
    ]
    header = [
        "model",
        "trace, s",
        "compile, s",
        "run, s",
        "outside of `jit`, s",
        "memory",
    ]
    return _table(header, rows)


def vmap_table(results: Results) -> str:
    rows = [
        [model, *(_seconds(runs[way][time]) for way in _WAYS for time in _TIMES)]
        for model, runs in results["traced"]["vmap"].items()
    ]
    header = [f"{name}, {time}" for name in _WAYS.values() for time in _TIMES]
    return _table(["four of", *header], rows)


_TIMES = ("first", "again")
_WAYS = {
    "vmap": "`jax.vmap`",
    "filter_vmap": "`eqx.filter_vmap`",
    "alone": "`eqx.filter_vmap` of nothing",
    "loop": "loop",
}


def import_table(results: Results) -> str:
    run = results["scaling"]["import"]
    return _table(
        ["`import eqinit`", "and the first use of `apply`, `Rule`, `HeNormal`"],
        [[f"{run['import'] * 1e3:.0f} ms", f"{run['first use'] * 1e3:.0f} ms"]],
    )


def mesh_table(results: Results) -> str:
    rows = [
        [
            name,
            f"{run['parameters'] / 1e9:.1f} B",
            f"{run['bytes'] / 1e9:.1f} GB",
            f"{run['device_bytes'] / 1e6:,.0f} MB",
            f"{run['plan']:.1f} s",
            f"{int(run['shard']):,} numbers",
        ]
        for name, run in results["mesh"].items()
    ]
    header = ["model", "parameters", "bf16", "on each of 64", "plan", "measured shard"]
    return _table(header, rows)


def accelerator_table() -> str:
    """What `--accelerator` has measured, or that nobody has."""
    if not ACCELERATOR.exists():
        return (
            "No accelerator has been at hand: **eqinit is unmeasured there.** The "
            "script runs on a CPU at small sizes, and is tested so."
        )
    found = json.loads(ACCELERATOR.read_text())
    rows = [
        [*name.split(" | "), *(_figure(run, f) for f in ("cold", "again", "memory"))]
        for name, run in found["runs"].items()
        if " | " in name
    ]
    header = ["what", "who", "first, s", "again, s", "memory / model"]
    kind, version = found["device"]["kind"], found["device"]["jax"]
    return f"{kind}, jax {version}.\n\n{_table(header, rows)}"


def _figure(run: Results | None, name: str) -> str:
    if run is None:
        return "over the limit" if name == "cold" else "-"
    # The orthogonal matrices are measured by calls again and again.
    value = run.get(name, run.get("wall") if name == "again" else None)
    return "-" if value is None else _seconds(value)


def machine_line(results: Results) -> str:
    m = results["machine"]
    return (
        f"{m['cores']} CPU cores, Python {m['python']}, jax {m['jax']}, "
        f"Equinox {m['equinox']}."
    )


# Marker in the page: what writes it, and the part of the results that it needs.
TABLES = {
    "cold": (cold_table, "cold"),
    "memory": (memory_table, "cold"),
    "steady": (steady_table, "steady"),
    "orthogonal": (orthogonal_table, "orthogonal"),
    "scaling": (scaling_table, "scaling"),
    "import": (import_table, "scaling"),
    "jit": (jit_table, "traced"),
    "vmap": (vmap_table, "traced"),
    "machine": (machine_line, "machine"),
}


def plot(results: Results) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found = results["cold"]
    variants = [v for v in next(iter(found.values())) if v != "eqinit, kernels only"]
    width = 0.8 / len(variants)
    figure, axes = plt.subplots(figsize=(10, 4), layout="constrained")
    for i, variant in enumerate(variants):
        at = [x + (i - (len(variants) - 1) / 2) * width for x in range(len(found))]
        color = "#c0392b" if variant == "eqinit" else plt.cm.Greys(0.3 + 0.1 * i)
        runs_of = [runs.get(variant) for runs in found.values()]
        heights = [run["wall"] if run else float("nan") for run in runs_of]
        axes.bar(at, heights, width, label=variant, color=color)
    axes.set_yscale("log")
    axes.set_xticks(range(len(found)), list(found))
    axes.set_ylabel("seconds to a ready model")
    axes.set_title("Cold start: a fresh process, everything imported")
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(ncols=4, fontsize="small", loc="upper right")
    axes.set_ylim(top=axes.get_ylim()[1] * 3)
    figure.savefig(PLOT, dpi=110)


def _between(text: str, name: str, table: str) -> str:
    """The page with this table between the two markers of that name."""
    start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    assert text.count(start) == text.count(end) == 1, name
    block = f"{start}\n{table}\n{end}"
    return re.sub(f"{start}.*?{end}", lambda _: block, text, flags=re.DOTALL)


def write(results: Results) -> None:
    """Put every table between its two markers in the page."""
    text = PAGE.read_text(encoding="utf-8")
    if "mesh" in results:
        page = MESH.read_text(encoding="utf-8")
        MESH.write_text(_between(page, "mesh", mesh_table(results)), encoding="utf-8")
    for name, (table, part) in TABLES.items():
        if part not in results:
            continue
        text = _between(text, name, table(results))
    text = _between(text, "accelerator", accelerator_table())
    PAGE.write_text(text, encoding="utf-8")
    if "cold" in results:
        plot(results)
