"""Laws of algebra on thousands of random models, in processes as users have them.

The suite checks the types of every call inside of eqinit, which takes twice the time
of all the rest here. `--cases 20000` runs forty times as many, `--reseed N` others.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest


HERE = Path(__file__).parent


@pytest.mark.parametrize("laws", ["plans.py", "draws.py"])
def test_laws_hold_on_random_models(laws: str):
    seed = os.environ.get("EQINIT_RESEED")
    options = ["-o", "addopts=", "-p", "no:cacheprovider", "-q", "--no-header"]
    options += [] if seed is None else ["--hypothesis-seed", seed]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(HERE / laws)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
