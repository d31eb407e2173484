"""What holds for every test: strict promotion, slow tests on request."""

import os


# Two workers on few cores: LAPACK's own threads would only get in each other's way (a
# QR that takes a second can take tens). Read when the library loads, hence first.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax
import pytest


# Nothing here may import eqinit: `--jaxtyping-packages` can only check modules that are
# imported after it was read.
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--runslow", action="store_true", help="run slow tests as well")
    parser.addoption(
        "--update-docs", action="store_true", help="write what the docs' blocks print"
    )


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    if config.getoption("--runslow") or "slow" in config.getoption("markexpr"):
        return
    skip = pytest.mark.skip(reason="slow: run with --runslow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)
