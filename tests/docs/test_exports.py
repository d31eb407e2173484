"""What is exported, and that exporting it costs nothing until it is used."""

import importlib
import pkgutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

import eqinit


# Their names stand in an `__init__.pyi` beside, and are imported when asked for.
LAZY = ("eqinit", "eqinit.surgery")
NAMESPACES = tuple(
    value.__name__
    for value in (getattr(eqinit, name) for name in eqinit.__all__)
    if isinstance(value, types.ModuleType)
)


def exported(module: str) -> dict[str, object]:
    loaded = importlib.import_module(module)
    names = {n: getattr(loaded, n) for n in dir(loaded) if not n.startswith("_")}
    # The suite's import hook adds the modules that it checks with.
    return {n: v for n, v in names.items() if not isinstance(v, types.ModuleType)}


def test_namespaces():
    assert sorted(name.rpartition(".")[2] for name in NAMESPACES) == [
        "bases",
        "depth",
        "filters",
        "interop",
        "matrices",
        "recipes",
        "reports",
        "signal",
        "ssm",
        "surgery",
        "transformer",
        "transforms",
        "typing",
    ]


@pytest.mark.parametrize("package", LAZY)
def test_every_exported_name_is_there(package: str) -> None:
    module = importlib.import_module(package)
    assert len(module.__all__) > 5
    for name in module.__all__:
        assert getattr(module, name) is not None
    assert set(module.__all__) <= set(dir(module))


def test_every_object_is_exported_once():
    homes: dict[int, set[str]] = {}
    for module in ("eqinit", *NAMESPACES):
        for value in exported(module).values():
            # An alias (`XavierNormal`) is a second name, not a second place.
            homes.setdefault(id(value), set()).add(module)

    assert [found for found in homes.values() if len(found) > 1] == []


def test_no_two_namespaces_use_one_name_for_a_class():
    """`Spectrum` the scheme and `Spectrum` the report would be two."""
    classes = [
        name
        for module in ("eqinit", *NAMESPACES)
        for name, value in exported(module).items()
        if isinstance(value, type)
    ]
    assert sorted(name for name in classes if classes.count(name) > 1) == []


FACES = [name for name in NAMESPACES if not hasattr(sys.modules[name], "__path__")]


@pytest.mark.parametrize("face", FACES)
def test_a_face_has_imports_and_nothing_else(face: str):
    module = importlib.import_module(face)
    # Those of `typing` are aliases, which know no module.
    classes = {} if face == "eqinit.typing" else exported(face)
    for name, value in classes.items():
        assert value.__module__.startswith("eqinit._"), name
    lines = Path(str(module.__file__)).read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.startswith(("def ", "class ", "@"))]


@pytest.mark.parametrize("package", LAZY)
def test_no_export_hides_behind_a_module_of_its_name(package: str) -> None:
    # Importing `eqinit.x` sets the attribute `x` of the package, whoever imports it: an
    # export called as its module would be the module now and the export later.
    module = importlib.import_module(package)
    modules = {info.name for info in pkgutil.iter_modules(module.__path__)}
    clash = {
        name
        for name in modules.intersection(module.__all__)
        if not isinstance(getattr(module, name), types.ModuleType)
    }
    assert clash == set()


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'HeNorml'"):
        eqinit.HeNorml  # pyright: ignore[reportAttributeAccessIssue]


def test_families_are_imported_on_first_use() -> None:
    code = (
        "import sys, eqinit\n"
        "assert not [m for m in sys.modules if m.startswith('eqinit._schemes.')]\n"
        "eqinit.HeNormal\n"
        "assert 'eqinit._schemes.fans' in sys.modules\n"
        "assert 'eqinit._schemes.ssm' not in sys.modules\n"
        "eqinit.select\n"
        "assert 'eqinit.surgery._net2net' not in sys.modules\n"
        "for extra in ('matplotlib', 'optax', 'flax', 'klax', 'rich', 'tqdm'):\n"
        "    assert extra not in sys.modules, extra\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
