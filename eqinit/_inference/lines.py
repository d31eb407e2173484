"""What a trace says, as lines of Python to paste."""

from collections.abc import Iterator, Mapping, Sequence

from .._parameters.paths import below, parent, split
from .row import TracedRow


# By owner and field.
_Rows = Mapping[str, Mapping[str, Sequence[TracedRow]]]


def register_lines(rows: Sequence[TracedRow]) -> str:
    """`register_layout` for every class whose instances agree; comments for others."""
    fields: dict[str, dict[str, list[TracedRow]]] = {}
    for row in rows:
        if row.layout is None and row.owner:
            fields.setdefault(row.owner, {}).setdefault(row.field, []).append(row)
    if not fields:
        return ""
    imports = dict.fromkeys(filter(None, map(_import, fields)))
    head = ["from eqinit import register_layout", *imports, ""]
    return "\n".join([*head, *_calls(fields)])


def _calls(fields: _Rows) -> Iterator[str]:
    for owner, by_field in fields.items():
        name = class_name(owner)
        readings = {field: _agreed(found) for field, found in by_field.items()}
        known = [f'{field}="{axes}"' for field, axes in readings.items() if axes]
        yield f"register_layout({name}, {', '.join(known)})" if known else f"# {name}"
        for field, axes in readings.items():
            if axes is None:
                yield from _comments(field, by_field[field])
        yield ""


def class_name(owner: str) -> str:
    """What one writes for a class that is imported, or at hand."""
    return owner.partition(":")[2].rpartition("<locals>.")[2]


def _agreed(rows: Sequence[TracedRow]) -> str | None:
    """The notation of a field, if it is certain and the same in all instances."""
    used = [row for row in rows if row.status != "unused"]
    texts = {_notation(row) if row.status == "certain" else None for row in used}
    return texts.pop() if len(texts) == 1 else None


def _notation(row: TracedRow) -> str | None:
    if row.role == "bias" and len(row.fed_by) > 1:
        layer = parent(row.path)
        names = [split(below(path, layer) or path)[0] for path in row.fed_by]
        return f"{row.axes} <- {' + '.join(names)}"
    return row.axes


def _comments(field: str, rows: Sequence[TracedRow]) -> Iterator[str]:
    for row in rows[:3]:
        said = row.remark or row.status
        yield f"#   {field}: {row.axes or 'unknown'} at {row.path}; {said}"


def _import(owner: str) -> str:
    module, _, name = owner.partition(":")
    if "<locals>" in name or module == "__main__":
        return ""
    return f"from {module} import {name.partition('.')[0]}"
