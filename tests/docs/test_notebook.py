"""The notebook runs, shows what it says, and shows everything that has a table."""

import ast
import importlib
import json
import pkgutil
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import eqinit


NOTEBOOK = Path(__file__).parents[2] / "examples" / "tables.ipynb"


def last_value(source: str, namespace: dict[str, object]) -> object:
    """Runs a cell; the value of its last line if that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), namespace)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)


def display(value: object) -> list[dict[str, Any]]:
    """What Jupyter would store of it."""
    if value is None:
        return []
    data = {"text/plain": repr(value).splitlines(True)}
    if hasattr(value, "_repr_html_"):
        data["text/html"] = value._repr_html_().splitlines(True)
    return [
        {
            "data": data,
            "execution_count": None,
            "metadata": {},
            "output_type": "execute_result",
        }
    ]


# What is zero, or is but for rounding, which is another number under another jax.
_NOISE = re.compile(r"\d(\.\d+)?e-(0[6-9]|[1-9]\d)|0\.0e\+00")


def steady(text: str) -> str:
    return _NOISE.sub("0", text)


def shown_in_notebooks() -> set[str]:
    """Names of our concrete classes with a `_repr_html_`, wherever they are."""
    for module in pkgutil.walk_packages(eqinit.__path__, "eqinit."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    ours = [vars(m) for n, m in sys.modules.items() if n.startswith("eqinit")]
    values = [value for names in ours for value in names.values()]
    return {
        value.__name__
        for value in values
        if isinstance(value, type)
        and value.__module__.startswith("eqinit")
        and hasattr(value, "_repr_html_")
        and not value.__name__.startswith("Abstract")
    }


@pytest.mark.thorough
def test_notebook_shows_every_table(request: pytest.FixtureRequest):
    text = NOTEBOOK.read_text("utf-8")
    notebook = json.loads(text)
    namespace: dict[str, object] = {}
    shown: set[str] = set()
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        value = last_value("".join(cell["source"]), namespace)
        cell["outputs"] = display(value)
        shown.add(type(value).__name__)
    assert shown_in_notebooks() - shown == set()
    real = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    if request.config.getoption("--update-docs"):
        NOTEBOOK.write_text(real, encoding="utf-8")
    else:
        assert steady(real) == steady(text), "differs; run with --update-docs and look"


def test_stored_tables_are_tables():
    """What a reader sees who does not run it."""
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    html = [
        "".join(output["data"]["text/html"])
        for cell in cells
        for output in cell.get("outputs", [])
        if "text/html" in output["data"]
    ]
    assert len(html) > 10
    for table in html:
        assert table.startswith("<table>")
        assert table.endswith("</table>")
        assert " at 0x" not in table
