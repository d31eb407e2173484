"""The same values on one device, on any mesh, and in two processes."""

import json
import os
import pathlib
import socket
import subprocess
import sys
from typing import Any

import pytest


WORKERS = pathlib.Path(__file__).parent / "workers"


def start(*args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *args],
        cwd=WORKERS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(WORKERS.parents[2])},
    )


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


# In one process, which then starts the eight devices once.
mesh_group = pytest.mark.xdist_group("mesh")
IMPLS = ["threefry2x32", pytest.param("rbg", marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=IMPLS)
def found(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"impl": request.param, **finish(start("mesh.py", request.param))}


@mesh_group
@pytest.mark.parametrize("mesh", ["8x1", "4x2", "2x4"])
def test_values_do_not_depend_on_the_mesh(found: dict[str, Any], mesh: str) -> None:
    assert found["devices"] == 8
    assert found[mesh]["apply"]
    assert found[mesh]["build"]


@mesh_group
@pytest.mark.parametrize("mesh", ["8x1", "4x2", "2x4"])
def test_shards_are_where_they_should_be(found: dict[str, Any], mesh: str) -> None:
    rows, cols = (int(n) for n in mesh.split("x"))
    assert found[mesh]["shard"] == [128 // rows, 128 // cols]
    assert found[mesh]["kept"] == found[mesh]["spec"]


@mesh_group
def test_prefix_device_stack_and_jit(found: dict[str, Any]) -> None:
    # Under the caller's own `jit` the compiler is free to shard the draw, and jax
    # promises equal values for threefry alone.
    assert found["jit"] or found["impl"] != "threefry2x32"
    assert found["stack"]
    assert found["device"] == [True, True]
    equal, spec, devices = found["prefix"]
    assert equal
    assert "'a'" in spec
    assert devices == 1


@pytest.mark.thorough
def test_two_processes_draw_the_same_model() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    workers = [start("processes.py", str(rank), port) for rank in range(2)]
    for result in [finish(worker) for worker in workers]:
        assert result == {"devices": 8, "local": 4, "whole": False} | dict.fromkeys(
            ("equal", "built"), True
        )


@pytest.mark.thorough
def test_axes_of_a_mesh_may_be_explicit() -> None:
    # With and without `jax.set_mesh`, eagerly and jitted, under three shardings.
    found = finish(start("explicit.py"))
    assert len(found) == 12
    assert {name for name, well in found.items() if not well} == set()


@mesh_group
def test_groups_stay_together(request: pytest.FixtureRequest) -> None:
    # pytest 9.2 hides groups from pytest-xdist 3.8: fixtures and compiled kernels are
    # then made once a worker, and nothing says so.
    if request.config.getoption("loadgroup", False):
        assert request.node.nodeid.endswith("@mesh")
