"""The table of `docs/models.md`: third-party models, what they hold and what they cost.

    python benchmarks/third_party.py            # prints the table
    python benchmarks/third_party.py --write    # and puts it into the page

Run it where the libraries are installed (`pip install ".[models]"`, Python 3.13).
Every model is made by `eqinit.build`; `plan` and `apply` are then timed on it once.
Times are those that the process has computed, so that whatever else the machine does at
the time does not enter.
"""

import argparse
import importlib
import importlib.util
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import jax
import jax.tree_util as jtu

import eqinit


ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "models.md"
START, END = "<!-- table: start -->\n", "<!-- table: end -->"
LIBRARIES = (
    "equimo",
    "eqx_zoo",
    "esm2quinox",
    "flowjax",
    "jaxonmodels",
    "klax",
    "pdequinox",
)
HEADER = (
    "library",
    "model",
    "numbers",
    "leaves",
    "set",
    "kept",
    "follow",
    "rules used",
    "build, s",
    "plan, s",
    "apply, s",
)


def timed(fn):
    start = time.process_time()
    result = jax.block_until_ready(fn())
    return result, time.process_time() - start


def row(library: str, name: str, entry) -> list[str]:
    key = jax.random.key(0)
    rules = entry.all_rules
    model, building = timed(lambda: eqinit.build(entry.make, key, rules))
    plan, planning = timed(lambda: eqinit.plan(model, rules))
    _, applying = timed(lambda: plan.apply(model, key))
    status = Counter(line.status for line in plan)
    numbers = sum(line.spec.size for line in plan)
    used = len({line.rule for line in plan if line.rule is not None})
    arrays = sum(isinstance(leaf, jax.Array) for leaf in jtu.tree_leaves(model))
    counts = (f"{numbers:,}", arrays, status["set"], status["kept"], status["follows"])
    times = (f"{building:.1f}", f"{planning:.2f}", f"{applying:.2f}")
    return [library, name, *map(str, counts), str(used), *times]


def table() -> str:
    sys.path.insert(0, str(ROOT / "tests" / "models"))
    warnings.simplefilter("ignore")
    lines = [
        "| " + " | ".join(HEADER) + " |",
        "|---|---|" + "--:|" * (len(HEADER) - 2),
    ]
    for library in LIBRARIES:
        if importlib.util.find_spec(library) is None:
            continue
        models = importlib.import_module(f"builders.{library}").MODELS
        for name, entry in models.items():
            cells = row(library, name, entry)
            print(*cells, flush=True)
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    made = table()
    if parser.parse_args().write:
        text = PAGE.read_text(encoding="utf-8")
        head, rest = text.split(START)
        PAGE.write_text(
            head + START + made + END + rest.split(END)[1], encoding="utf-8"
        )


if __name__ == "__main__":
    main()
