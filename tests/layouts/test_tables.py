"""The tables of third-party libraries: true to their sources, and read late."""

import ast
import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from eqinit._layouts.layout import Layout
from eqinit._layouts.libraries import _LIBRARIES
from eqinit._layouts.said import make_layout


TABLES = sorted(set(_LIBRARIES.values()))


def sources(table: str) -> dict[str, ast.ClassDef]:
    """Every class of the packages that a table is for, by name, without importing."""
    found: dict[str, ast.ClassDef] = {}
    for package, name in _LIBRARIES.items():
        spec = importlib.util.find_spec(package) if name == table else None
        if spec is None or spec.origin is None:
            continue
        for file in Path(spec.origin).parent.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, node)
    return found


def fields(cls: ast.ClassDef, known: dict[str, ast.ClassDef]) -> set[str]:
    own = {ast.unparse(n.target) for n in cls.body if isinstance(n, ast.AnnAssign)}
    bases = [ast.unparse(base).split("[")[0].split(".")[-1] for base in cls.bases]
    inherited = (fields(known[base], known) for base in bases if base in known)
    return own.union(*inherited)


@pytest.mark.parametrize("table", TABLES)
def test_table_is_well_formed(table: str):
    module = importlib.import_module(f"eqinit._layouts.known.{table}")
    for said in module.LAYOUTS.values():
        layout = make_layout(said)
        assert layout != Layout()
        assert set(layout.sizes) <= layout.names


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_table_names_what_the_library_has(table: str):
    known = sources(table)
    if not known:
        pytest.skip(f"{table} is not installed")
    module = importlib.import_module(f"eqinit._layouts.known.{table}")
    for name, said in module.LAYOUTS.items():
        assert set(make_layout(said).fields) <= fields(known[name], known), name
    assert set(module.PARAMETRIZATIONS) <= set(known)


def test_nothing_is_imported_before_it_is_met():
    code = (
        "import sys, equinox as eqx, jax, eqinit\n"
        "eqinit.plan(eqx.nn.MLP(2, 2, 2, 1, key=jax.random.key(0)), [])\n"
        "roots = {name.split('.')[0] for name in sys.modules}\n"
        f"assert roots & {set(_LIBRARIES)!r} == {{'equinox'}}, roots\n"
        "known = 'eqinit._layouts.known.'\n"
        "tables = {n for n in sys.modules if n.startswith(known)}\n"
        f"unmet = {{known + n for n in {set(TABLES) - {'equinox'}!r}}}\n"
        "assert not tables & unmet, tables\n"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, timeout=300)
