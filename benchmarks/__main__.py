"""Run every benchmark, and write the tables and the plot of `docs/speed.md`.

    python -m benchmarks                      # all of it: about half an hour, alone
    python -m benchmarks cold steady          # some parts; the rest keeps its figures
    python -m benchmarks cold --models gpt2   # some models of it
    python -m benchmarks --turns 5            # more processes a figure
    python -m benchmarks --page               # only write the page again
    python -m benchmarks --accelerator        # the device that jax finds, by itself
    python -m benchmarks --smoke              # everything once, small: does it run?

Needs the `bench` extra; peers that are not installed (torch, haiku, flax) are left out.
"""

import argparse
import importlib.util
import json
import platform
from pathlib import Path
from typing import Any

from . import (
    accelerator,
    cold,
    mesh,
    orthogonal,
    page,
    scaling,
    smoke,
    steady,
    traced,
)
from .peers import IMPORTS, VARIANTS


RESULTS = Path(__file__).with_name("results.json")
MEASURED = {
    "steady": steady,
    "orthogonal": orthogonal,
    "scaling": scaling,
    "traced": traced,
    "mesh": mesh,
}
PARTS = ("cold", *MEASURED)


def _installed(variant: str) -> bool:
    return (
        importlib.util.find_spec(IMPORTS.get(variant, "jax").split(".")[0]) is not None
    )


def _run(part: str, turns: int, models: list[str]) -> Any:
    if part == "cold":
        variants = [v for v in VARIANTS if _installed(v)]
        return cold.measure(models, variants, turns)
    return MEASURED[part].measure(turns)


def _machine() -> dict[str, Any]:
    import os

    import equinox
    import jax

    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "equinox": equinox.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument(
        "--models", nargs="+", default=cold.COMPARED, metavar="MODEL", help="of cold"
    )
    parser.add_argument("--page", action="store_true", help="measure nothing")
    parser.add_argument("--accelerator", action="store_true")
    parser.add_argument("--small", action="store_true", help="of --accelerator")
    parser.add_argument("--smoke", action="store_true", help="measure nothing either")
    args = parser.parse_args()
    if args.smoke:
        smoke.run()
        return
    if args.accelerator:
        accelerator.main(args.small)
        return
    results: dict[str, Any] = (
        json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    )
    for part in () if args.page else args.parts or PARTS:
        print(f"\n{part}")
        found = _run(part, args.turns, args.models)
        results[part] = results.get(part, {}) | found if part == "cold" else found
        results["machine"] = _machine()
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    page.write(results)


if __name__ == "__main__":
    main()
