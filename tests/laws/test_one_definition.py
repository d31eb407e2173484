"""A draw is that of the flat leaf, then shaped, whoever makes it.

A scheme by itself, eagerly, jitted and mapped; `apply`, `build` and a mesh. At LLVM's
first level, at which the suite compiles, nothing is unrolled and nothing rounds by
shape; so this runs in a process of its own, compiled as users compile.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest


TESTS = pathlib.Path(__file__).parents[1]
WAYS = ("eager", "jit", "vmap", "apply", "build", "jit(apply)", "mesh")
# The last axes that jax 0.12 unrolls on CPU, and some that it does not.
FEW = [[3, 5], [3]]
NARROW = [[1, 3, 4, 5, 8, 17], [3, 5]]
ALL = [list(range(1, 41)), list(range(1, 8))]


@pytest.mark.bits
@pytest.mark.parametrize(
    "shapes",
    [
        pytest.param(FEW, id="few"),
        pytest.param(NARROW, id="some", marks=pytest.mark.thorough),
        pytest.param(ALL, id="all", marks=pytest.mark.slow),
    ],
)
def test_a_draw_is_that_of_the_flat_leaf(shapes: list[list[int]]):
    environment = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    done = subprocess.run(
        [
            sys.executable,
            str(TESTS / "laws" / "workers" / "one_definition.py"),
            str(TESTS),
            json.dumps(shapes),
        ],
        env={**environment, "PYTHONPATH": str(TESTS.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    counts = json.loads(done.stdout.splitlines()[-1])
    assert len(counts) == 5
    for name, by_way in counts.items():
        assert by_way.pop("entries") >= 1800 * (len(shapes[0]) + len(shapes[1]))
        assert by_way == dict.fromkeys(WAYS, 0), name
