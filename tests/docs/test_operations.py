"""The table of operations and models: it is whole, and so is the page that shows it."""

import re
from pathlib import Path

import pytest
from operations import OPERATIONS
from operations.case import Case, Refused
from operations.models import OURS, THEIRS

from eqinit import surgery


PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
MODELS = (*OURS, *THEIRS)
# What a model is looked at with, and stays as it is.
READS = {
    *("unit_groups", "unit_scores", "dormant_units", "lora_parameters"),
    "save_weights",
}


def test_every_function_of_surgery_is_in_the_table():
    public = {name: getattr(surgery, name) for name in surgery.__all__}
    types = {name for name, value in public.items() if isinstance(value, type)}
    told = [operation.name for operation in OPERATIONS]
    assert len(told) == len(set(told))
    assert {*told, *READS} == public.keys() - types
    assert not READS & set(told)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_every_cell_is_a_case_or_says_why_not(operation):
    assert operation.cells.keys() == set(MODELS)
    for cell in operation.cells.values():
        assert isinstance(cell, Case) or (cell.why and len(cell.error) > 8)
    assert any(isinstance(cell, Case) for cell in operation.cells.values())


def table() -> str:
    names = [*OURS.values(), *(title for title, _ in THEIRS.values())]
    head = ["operation", *names, "outputs of the new model"]
    rows = [head, ["---", *[":-:"] * len(names), "---"]]
    for operation in OPERATIONS:
        cells = [operation.cells[name] for name in MODELS]
        marks = ["–" if isinstance(cell, Refused) else "✓" for cell in cells]
        link = f"[`{operation.name}`][eqinit.surgery.{operation.name}]"
        rows.append([link, *marks, operation.law])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def test_the_page_shows_the_table(request: pytest.FixtureRequest):
    text = PAGE.read_text(encoding="utf-8")
    (shown,) = re.findall(r"^\| operation \|.*?\n\n", text, re.MULTILINE | re.DOTALL)
    if request.config.getoption("--update-docs"):
        PAGE.write_text(text.replace(shown, table() + "\n"), encoding="utf-8")
    else:
        assert shown == table() + "\n", "run with --update-docs and look"
