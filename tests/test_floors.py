"""The architecture, held by a test: who may import whom, and how long things may be."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "eqinit"


def drawn_floors(page: str) -> dict[str, int]:
    """Dotted name to floor (6 at the top), read from the drawing in docs/pattern.md."""
    drawing = page.partition("## Six floors")[2].split("```")[1]
    floors: dict[str, int] = {}
    floor, room = 0, ""
    for line in drawing.splitlines()[1:]:
        number, words = line[:1].strip(), line[1:].split()
        floor = int(number) if number else floor
        if words and words[0].endswith("/"):
            room = words.pop(0).rstrip("/").replace("/", ".") + "."
        for word in words:
            single = word.endswith(".py")
            name = word.removesuffix(".py") if single else room + word
            floors[f"eqinit.{name}"] = floor
    return floors


# `eqinit/__init__.py` stands above them all: it re-exports.
FLOORS = {
    "eqinit": 7,
    **drawn_floors((ROOT / "docs" / "pattern.md").read_text("utf-8")),
}

MAX_FUNCTION_LINES = 80
MAX_FILE_LINES = 300


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

        `from . import axes` names the module `axes`; `from . import apply` can only
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


def floor(package: Package, name: str) -> int | None:
    """Of a file; of a folder, the one that its files are on."""
    inside = [FLOORS.get(n) for n in package.trees if n.startswith(f"{name}.")]
    return FLOORS.get(name, next(filter(None, inside), None))


def homeless(package: Package) -> list[str]:
    return [name for name in package.trees if floor(package, name) is None]


def absent(package: Package) -> list[str]:
    return [name for name in FLOORS if name not in package.trees]


def upward_imports(package: Package) -> list[str]:
    return [
        f"{name} imports {imported}"
        for name, found in package.imports.items()
        for imported in sorted(found)
        if (floor(package, name) or 0) < (floor(package, imported) or 0)
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


def test_every_file_is_in_the_drawing_and_nothing_else(eqinit_tree: Package):
    assert homeless(eqinit_tree) == []
    assert absent(eqinit_tree) == []
    assert set(FLOORS.values()) == set(range(1, 8))


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
    "__init__.py": "from ._apply import apply as apply\n",
    "_apply.py": "from ._planning import plan\nfrom ._schemes.chaos import Walk\n",
    "_planning/plan.py": (
        "import eqinit._parameters.axes\nfrom .._schemes import chaos\n"
    ),
    "_planning/rule.py": "",
    "_parameters/axes.py": "import math\n",
    "_schemes/__init__.py": "",
    "_schemes/chaos.py": "from .._parameters.axes import parse\n",
}
AXES, FANS = "_parameters/axes.py", "_schemes/chaos.py"
UP = "eqinit._parameters.axes imports eqinit._planning.plan"


def test_good_tree_passes(tmp_path: Path):
    package = make_package(tmp_path, GOOD)
    fans, axes = "eqinit._schemes.chaos", "eqinit._parameters.axes"
    assert package.imports["eqinit._apply"] == {"eqinit._planning.plan", fans}
    assert package.imports["eqinit._planning.plan"] == {axes, fans}
    assert package.imports[fans] == {axes}
    for check in (homeless, upward_imports, import_cycle, forbidden, long_functions):
        assert check(package) == []


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        (AXES, "from .._planning.plan import x", UP),
        (AXES, "from .._planning import plan", UP),
        (AXES, "import eqinit._planning.plan", UP),
        (AXES, "def f():\n  from .._planning.plan import x", UP),
        (AXES, "from eqinit import apply", "eqinit._parameters.axes imports eqinit"),
        (FANS, "from .. import _apply", "chaos imports eqinit._apply"),
        (
            FANS,
            "from .._planning.plan import x",
            "chaos imports eqinit._planning.plan",
        ),
        ("_schemes/__init__.py", "from .._planning.plan import x", "_planning.plan"),
    ],
)
def test_upward_import_fails(tmp_path: Path, path: str, text: str, complaint: str):
    (found,) = upward_imports(make_package(tmp_path, {**GOOD, path: text}))
    assert complaint in found


def test_cycle_on_one_floor_fails(tmp_path: Path):
    cycle = {
        "_planning/rule.py": "from . import plan",
        "_planning/plan.py": "from . import rule",
    }
    package = make_package(tmp_path, {**GOOD, **cycle})
    assert upward_imports(package) == []
    assert set(import_cycle(package)) == {
        "eqinit._planning.plan",
        "eqinit._planning.rule",
    }


def test_import_for_static_checkers_is_held_to_floors_but_makes_no_cycle(
    tmp_path: Path,
):
    back = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from "
    files = {
        "_planning/rule.py": f"{back}. import plan",
        "_planning/plan.py": "from . import rule",
    }
    package = make_package(tmp_path, {**GOOD, **files})
    assert import_cycle(package) == []
    package = make_package(tmp_path, {**GOOD, AXES: f"{back}.._planning import plan"})
    assert upward_imports(package) == [UP]


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
    found = forbidden(make_package(tmp_path, {**GOOD, AXES: text}))
    assert found
    assert complaint in found[0]


def test_long_function_and_file_fail(tmp_path: Path):
    body = "def f():\n" + "    pass\n" * MAX_FILE_LINES
    package = make_package(tmp_path, {**GOOD, AXES: body})
    lines = MAX_FILE_LINES + 1
    assert long_functions(package) == [f"eqinit._parameters.axes.f: {lines} lines"]
    assert long_files(package.root) == [f"axes.py: {lines} lines"]
