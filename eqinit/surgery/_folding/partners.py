"""Norms, and the layers next to them, by patterns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._articles import kind_of
from ..._nearest import nearest
from .._edit import node_at
from .._weights.names import matches, rewriter


def partners(
    operation: str,
    argument: str,
    model: Any,
    norms: Iterable[str],
    pairs: Mapping[str, str | Sequence[str]],
) -> list[tuple[str, str]]:
    """Path of each norm with that of each of its layers, stars written out.

    **Arguments:**

    - `operation`, `argument`: what errors are told of.
    - `norms`: the paths of all that can be folded.
    - `pairs`: what was passed.

    **Raises:** `ValueError` for patterns that are none of norms.
    """
    known, done, problems = list(norms), list[tuple[str, str]](), list[str]()
    for pattern, said in pairs.items():
        hits = [path for path in known if matches(pattern, path)]
        if not hits:
            problems.append(_no_norm(model, pattern, known))
        for text in [said] if isinstance(said, str) else said:
            try:
                rewrite = rewriter(pattern, text, f"`{argument}`")
            except ValueError as error:
                problems.append(str(error))
                continue
            done += [(path, rewrite(path) or "") for path in hits]
    if problems:
        raise ValueError(_what_is_wrong(operation, argument, known, problems))
    return list(dict.fromkeys(done))


def _what_is_wrong(
    operation: str, argument: str, known: Sequence[str], problems: Sequence[str]
) -> str:
    listed = "\n".join(f"- {problem}" for problem in problems)
    first = (
        f"{operation} folds norms, and `{argument}` goes from the path of each to "
        f"those of layers:\n{listed}\n"
    )
    if not known:
        return first + "This model has no norm that can be folded."
    some = ", ".join(f"`{path}`" for path in known[:5])
    more = f" and {len(known) - 5} more" if len(known) > 5 else ""
    return first + (
        f"Norms are {some}{more}: pass `{argument}={{{known[0]!r}: ...}}`, with the "
        "path of its layer. Stars stand for the same on both sides."
    )


def _no_norm(model: Any, pattern: str, known: Sequence[str]) -> str:
    if "*" not in pattern:
        try:
            return f"`{pattern}` is {kind_of(node_at(model, pattern))}"
        except ValueError:  # there is nothing
            pass
    return f"`{pattern}` matches no norm.{nearest(pattern, known)}"
