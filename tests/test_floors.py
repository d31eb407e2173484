"""The architecture, held by a test: who may import whom, and how long things may be."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "eqinit"

# Top to bottom. A module imports from its own floor (without cycles) and from below.
# A folder is one entry. `eqinit/__init__.py` stands above them all: it re-exports.
FLOORS: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "__init__",
        "recipes signal",
        "_engine _build _swap _with_bias _units _renew _citations",
        "_plan _check _selection _draw _looped _one _several _sharded _requests _fill "
        "_trace _resolve _through _notes _inspect _guess _problems _specs _row _rules "
        "_table",
        "_select _sites _statics _wrapped _binding _shared _surgery _place interop",
        "schemes layouts _gains",
        "_initializer combinators",
        "_law _bases _more_bases _support _spec _axes",
        "_typing _keys _bibliography _lazy _progress _collection",
    )
)

MAX_FUNCTION_LINES = 80
MAX_FILE_LINES = 350


class Package:
    """A package's modules, parsed: dotted name to syntax tree, and who imports whom."""

    def __init__(self, root: Path):
        self.root = root
        self.trees = {
            self._dotted(path): ast.parse(path.read_text(encoding="utf-8"))
            for path in sorted(root.rglob("*.py"))
        }
        self.imports = {
            name: set(self._imports(name, ast.walk(tree)))
            for name, tree in self.trees.items()
        }
        # Those that ever run: not the ones for static checkers alone.
        self.run_imports = {
            name: set(self._imports(name, running(tree)))
            for name, tree in self.trees.items()
        }

    def _dotted(self, path: Path) -> str:
        parts = path.relative_to(self.root.parent).with_suffix("").parts
        return ".".join(parts).removesuffix(".__init__")

    def _is_folder(self, name: str) -> bool:
        return self.root.parent.joinpath(*name.split("."), "__init__.py").exists()

    def _base(self, name: str, node: ast.ImportFrom) -> str:
        """The absolute module that `from ... import` reads from."""
        if node.level == 0:
            return node.module or ""
        parts = name.split(".")
        up = node.level - 1 if self._is_folder(name) else node.level
        kept = parts[: len(parts) - up]
        return ".".join(kept + ([node.module] if node.module else []))

    def _imports(self, name: str, nodes: Iterator[ast.AST]) -> Iterator[str]:
        """Modules of this package that `name` imports, at the top or inside a function.

        `from . import _axes` names the module `_axes`; `from . import apply` can only
        have it from the package itself.
        """
        for node in nodes:
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = self._base(name, node)
                names = [f"{base}.{alias.name}" for alias in node.names]
                found = [full if full in self.trees else base for full in names]
            else:
                continue
            yield from (f for f in found if f in self.trees and f != name)


def running(node: ast.AST) -> Iterator[ast.AST]:
    """As `ast.walk`, without what stands under `if TYPE_CHECKING:`."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (
            isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        ):
            yield from running(child)


def entry(name: str) -> str:
    """`eqinit._schemes.fan` belongs to the entry `schemes`."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def floor(name: str) -> int | None:
    return next((i for i, names in enumerate(FLOORS) if entry(name) in names), None)


def homeless(package: Package) -> list[str]:
    return [name for name in package.trees if floor(name) is None]


def upward_imports(package: Package) -> list[str]:
    return [
        f"{name} imports {imported}"
        for name, found in package.imports.items()
        for imported in sorted(found)
        if (floor(name) or 0) > (floor(imported) or 0)
    ]


def import_cycle(package: Package) -> list[str]:
    # A folder's `__init__` is run before any module in it, but that is not an import
    # that anybody wrote, and so it is not counted as one.
    try:
        TopologicalSorter(package.run_imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def forbidden(package: Package) -> list[str]:
    """`jax._src` may move any day; lazy annotations turn `AbstractVar` into a field.

    They come from `__future__`, from which nothing else is wanted either.
    """
    found: list[str] = []
    for name, tree in package.trees.items():
        for node in ast.walk(tree):
            text = ast.unparse(node) if isinstance(node, ast.Import) else ""
            if isinstance(node, ast.ImportFrom | ast.Attribute):
                text = ast.unparse(node)
            if "jax._src" in text:
                found.append(f"{name}:{node.lineno}: jax._src")
            if text.startswith("from __future__"):
                found.append(f"{name}:{node.lineno}: {text}")
    return found


def long_functions(package: Package) -> list[str]:
    return [
        f"{name}.{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for name, tree in package.trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.end_lineno is not None
        if node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    ]


def long_files(root: Path) -> list[str]:
    lengths = {p: len(p.read_text("utf-8").splitlines()) for p in root.rglob("*.py")}
    return [f"{p.name}: {n} lines" for p, n in lengths.items() if n > MAX_FILE_LINES]


@pytest.fixture(scope="module")
def eqinit_tree() -> Package:
    return Package(PACKAGE)


def test_every_module_has_a_floor(eqinit_tree: Package):
    assert homeless(eqinit_tree) == []


def test_imports_point_down(eqinit_tree: Package):
    assert upward_imports(eqinit_tree) == []


def test_no_import_cycles(eqinit_tree: Package):
    assert import_cycle(eqinit_tree) == []


def test_nothing_forbidden(eqinit_tree: Package):
    assert forbidden(eqinit_tree) == []


def test_functions_and_files_are_short(eqinit_tree: Package):
    assert long_functions(eqinit_tree) == []
    assert long_files(PACKAGE) == []


# The checks above pass on good code; the ones below show that they fail on bad code.


def make_package(root: Path, files: dict[str, str]) -> Package:
    for path, text in files.items():
        file = root / "eqinit" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Package(root / "eqinit")


GOOD = {
    "__init__.py": "from ._engine import apply as apply\n",
    "_engine.py": "from . import _plan\nfrom .schemes import HeNormal\n",
    "_plan.py": "import eqinit._parameters.axes\nfrom .schemes.fan import HeNormal\n",
    "_axes.py": "import math\n",
    "schemes/__init__.py": "from .fan import HeNormal as HeNormal\n",
    "schemes/fan.py": "from .._axes import parse\n",
}


def test_good_tree_passes(tmp_path: Path):
    package = make_package(tmp_path, GOOD)
    assert package.imports["eqinit._apply"] == {
        "eqinit._planning.plan",
        "eqinit._schemes",
    }
    assert package.imports["eqinit._planning.plan"] == {
        "eqinit._parameters.axes",
        "eqinit._schemes.fan",
    }
    assert package.imports["eqinit._schemes.fan"] == {"eqinit._parameters.axes"}
    for check in (homeless, upward_imports, import_cycle, forbidden, long_functions):
        assert check(package) == []


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        (
            "_axes.py",
            "from ._plan import x",
            "eqinit._parameters.axes imports eqinit._planning.plan",
        ),
        (
            "_axes.py",
            "from . import _plan",
            "eqinit._parameters.axes imports eqinit._planning.plan",
        ),
        (
            "_axes.py",
            "import eqinit._planning.plan",
            "eqinit._parameters.axes imports eqinit._planning.plan",
        ),
        (
            "_axes.py",
            "def f():\n  from ._plan import x",
            "_axes imports eqinit._planning.plan",
        ),
        (
            "_axes.py",
            "from eqinit import apply",
            "eqinit._parameters.axes imports eqinit",
        ),
        ("schemes/fan.py", "from .. import _engine", "fan imports eqinit._apply"),
        (
            "schemes/fan.py",
            "from .._plan import x",
            "fan imports eqinit._planning.plan",
        ),
        (
            "schemes/__init__.py",
            "from .._plan import x",
            "imports eqinit._planning.plan",
        ),
    ],
)
def test_upward_import_fails(tmp_path: Path, path: str, text: str, complaint: str):
    (found,) = upward_imports(make_package(tmp_path, {**GOOD, path: text}))
    assert complaint in found


def test_cycle_on_one_floor_fails(tmp_path: Path):
    cycle = {"_rules.py": "from . import _plan", "_plan.py": "from . import _rules"}
    package = make_package(tmp_path, {**GOOD, **cycle})
    assert upward_imports(package) == []
    assert set(import_cycle(package)) == {
        "eqinit._planning.plan",
        "eqinit._planning.rule",
    }


def test_import_for_static_checkers_is_held_to_floors_but_makes_no_cycle(
    tmp_path: Path,
):
    back = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import "
    files = {"_rules.py": f"{back}_plan", "_plan.py": "from . import _rules"}
    package = make_package(tmp_path, {**GOOD, **files})
    assert import_cycle(package) == []
    package = make_package(tmp_path, {**GOOD, "_axes.py": f"{back}_plan"})
    assert upward_imports(package) == [
        "eqinit._parameters.axes imports eqinit._planning.plan"
    ]


def test_unknown_module_fails(tmp_path: Path):
    package = make_package(tmp_path, {**GOOD, "_utils.py": ""})
    assert homeless(package) == ["eqinit._utils"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("from jax._src import core", "jax._src"),
        ("import jax._src.core", "jax._src"),
        ("import jax\nx = jax._src.core", "jax._src"),
        ("from __future__ import generators", "from __future__"),
    ],
)
def test_forbidden_fails(tmp_path: Path, text: str, complaint: str):
    found = forbidden(make_package(tmp_path, {**GOOD, "_axes.py": text}))
    assert found
    assert complaint in found[0]


def test_long_function_and_file_fail(tmp_path: Path):
    body = "def f():\n" + "    pass\n" * MAX_FILE_LINES
    package = make_package(tmp_path, {**GOOD, "_axes.py": body})
    assert long_functions(package) == [
        f"eqinit._parameters.axes.f: {MAX_FILE_LINES + 1} lines"
    ]
    assert long_files(package.root) == [f"_axes.py: {MAX_FILE_LINES + 1} lines"]
