"""Ctrl-C at random moments: the next call gives what it always gives."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


HERE = Path(__file__).parent


def interrupted(moments: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What a run left behind that nobody interrupted, and those at random moments."""
    seed = os.environ.get("EQINIT_RESEED", "0")
    done = subprocess.run(
        [sys.executable, str(HERE / "workers" / "interrupts.py"), str(moments), seed],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    whole, *rest = json.loads(done.stdout.splitlines()[-1])
    assert whole["lines"] > 30_000
    assert whole["digest"] == whole["ended"]
    return whole, rest


def check(moments: int) -> None:
    whole, rest = interrupted(moments)
    assert len(rest) == moments
    for left in rest:
        # It came, and to whoever asked: the call did not go on as if nothing were.
        assert left["ended"].startswith("interrupted at "), left
        assert left["changed"] == {}, left
        assert left["digest"] == whole["digest"], left


@pytest.mark.thorough
def test_two_interrupts_leave_nothing_behind():
    check(2)


@pytest.mark.slow
def test_interrupts_at_forty_moments_leave_nothing_behind():
    check(40)
