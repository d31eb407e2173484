"""What is exported, and that exporting it costs nothing until it is used."""

import importlib
import pkgutil
import subprocess
import sys
import types

import pytest

import eqinit


PACKAGES = ("eqinit",)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_name_is_there(package: str) -> None:
    module = importlib.import_module(package)
    assert len(module.__all__) > 50
    for name in module.__all__:
        assert getattr(module, name) is not None
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("package", PACKAGES)
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
        "assert 'eqinit._schemes.variance_scaling' in sys.modules\n"
        "assert 'eqinit._schemes.ssm' not in sys.modules\n"
        "for extra in ('matplotlib', 'optax', 'flax', 'klax', 'rich', 'tqdm'):\n"
        "    assert extra not in sys.modules, extra\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
