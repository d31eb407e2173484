"""Plain text and HTML tables."""

import html
from collections.abc import Sequence

from ._typing import DTypeLike, Number


_SHORT = {"float": "f", "bfloat": "bf", "complex": "c", "int": "i", "uint": "u"}


def short_dtype(dtype: DTypeLike) -> str:
    """`f32`, `bf16`, `c64`, `f8_e4m3fn`."""
    name = str(dtype)
    head = name.rstrip("0123456789")
    if head in _SHORT:
        return _SHORT[head] + name[len(head) :]
    return name.replace("float8", "f8")


def number(value: Number | None) -> str:
    if value is None:
        return ""
    return "0" if value == 0 else f"{value:.4g}"


def count(value: Number | None) -> str:
    """A fan: an integer where it is one."""
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else f"{value:.4g}"


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest cell; numbers keep their place on the left."""
    table = [list(header), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    rule = ["-" * width for width in widths]
    table.insert(1, rule)
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in table
    )
    return "\n".join(line.rstrip() for line in lines)


def html_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], caption: str
) -> str:
    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    head = f"<thead><tr>{cells('th', header)}</tr></thead>"
    return (
        f"<table><caption>{html.escape(caption)}</caption>{head}"
        f"<tbody>{body}</tbody></table>"
    )
