"""What holds for every test: strict promotion, slow tests on request."""

import gc
import importlib.metadata
import os
import sys


# The suite compiles thousands of programs and runs each of them once or twice: with
# LLVM at its first level it takes half of the time. Tests of bits (`-m bits`) are to be
# run with `--optimised` as well, as users compile. Read when jax loads, hence first.
if "--optimised" in sys.argv:
    os.environ["EQINIT_OPTIMISED"] = "1"  # for the workers, which see no arguments
if "EQINIT_OPTIMISED" not in os.environ:
    _flags = os.environ.get("XLA_FLAGS", "")
    if "optimization_level" not in _flags:  # or somebody has chosen
        _flags += " --xla_backend_optimization_level=1"
    if importlib.metadata.version("jaxlib").startswith("0.10."):
        # XLA's older emitter of fusions compiles in half the time of its newer. Not in
        # every version: a flag that XLA does not know ends the process.
        _flags += " --xla_cpu_use_fusion_emitters=false"
        _flags += " --xla_cpu_parallel_codegen_split_count=1"
    os.environ["XLA_FLAGS"] = _flags.strip()

# Two workers on few cores: LAPACK's own threads would only get in each other's way (a
# QR that takes a second can take tens). Read when the library loads, hence first.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax
import pytest


# Nothing here may import eqinit: `--jaxtyping-packages` can only check modules that are
# imported after it was read.
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
pytest.register_assert_rewrite("helpers", "parity")

# Thousands of compilations leave millions of objects that stay. To look them through
# every thousand new ones, as Python does by default, takes a tenth of the time.
gc.set_threshold(100_000, 50, 100)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--runslow", action="store_true", help="run slow tests as well")
    parser.addoption(
        "--thorough", action="store_true", help="more models and cases, as CI does once"
    )
    parser.addoption(
        "--optimised", action="store_true", help="compile as users do, which is slower"
    )
    parser.addoption("--cases", type=int, help="random models and rules (100)")
    parser.addoption("--reseed", type=int, help="another choice of what is random")
    parser.addoption(
        "--update-docs", action="store_true", help="write what the docs' blocks print"
    )


def pytest_configure(config: pytest.Config) -> None:
    # In the environment: for the workers, and for what reads it while it is imported.
    for name in ("cases", "reseed"):
        value = config.getoption(name)
        if value is not None:
            os.environ[f"EQINIT_{name.upper()}"] = str(value)


def _variants(items: list[pytest.Item]) -> list[pytest.Item]:
    """Tests of a scheme's second case, third case, and so on."""
    first: dict[type, str] = {}
    found: list[pytest.Item] = []
    for item in items:
        case = getattr(item, "callspec", None) and item.callspec.params.get("case")
        init = getattr(case, "init", None)  # tests of layers have cases of their own
        if init is not None and first.setdefault(type(init), case.name) != case.name:
            found.append(item)
    return found


def _for_thorough_runs(items: list[pytest.Item]) -> list[pytest.Item]:
    """Those marked `thorough`; of those marked `first_case` all but the first; and a
    scheme's variants.
    """
    met: set[str] = set()
    found = _variants(items)
    for item in items:
        test = item.nodeid.partition("[")[0]
        repeated = test in met and "first_case" in item.keywords
        met.add(test)
        if repeated or "thorough" in item.keywords:
            found.append(item)
    return found


def _deselect(
    config: pytest.Config, items: list[pytest.Item], unwanted: list[pytest.Item]
) -> None:
    left_out = set(unwanted)
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=unwanted)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    for item in _variants(items):
        if "heavy" in item.keywords:
            item.add_marker(pytest.mark.slow)
    if config.getoption("--runslow") or "slow" in config.getoption("markexpr"):
        return
    if not config.getoption("--thorough"):
        _deselect(config, items, _for_thorough_runs(items))
    _deselect(config, items, [item for item in items if "slow" in item.keywords])
