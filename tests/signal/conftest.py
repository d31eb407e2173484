"""What these tests cost is compilation: LLVM's optimisations are half of it."""

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(scope="module", autouse=True)
def quick_to_compile() -> Iterator[None]:
    """XLA still rewrites and fuses as for users; machine code is left as it comes."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
