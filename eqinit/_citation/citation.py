"""Whom to cite for what was used."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .._planning.plan import Plan
from .._planning.rule import Rule
from .._schemes.foreign import is_site_function
from .._schemes.initializer import AbstractInitializer
from .papers import ARXIV
from .papers.elsewhere import OTHERS


@dataclasses.dataclass(frozen=True)
class Paper:
    """One BibTeX entry. `mark` is what a docstring names it by."""

    mark: str
    authors: str
    title: str
    year: int
    where: str

    @property
    def key(self) -> str:
        """Surname, year and the title's first long word."""
        surname = self.authors.partition(",")[0]
        word = next(w for w in re.findall(r"\w+", self.title) if len(w) > 3)
        return re.sub(r"\W", "", f"{surname}{self.year}{word}".lower())

    def bibtex(self) -> str:
        """The entry, with the capitals of its title kept."""
        kind = "article" if self.where.startswith("arXiv") else "inproceedings"
        place = "journal" if kind == "article" else "booktitle"
        fields = {
            "author": self.authors,
            "title": f"{{{self.title}}}",
            "year": str(self.year),
            place: self.where,
        }
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
        return "\n".join([f"@{kind}{{{self.key},", *lines, "}"])


def _year(number: str) -> int:
    return 2000 + int(number.rpartition("/")[2][:2])


PAPERS: tuple[Paper, ...] = tuple(
    Paper(f"arXiv:{number}", *said, _year(number), f"arXiv:{number}")
    for number, said in ARXIV.items()
) + tuple(Paper(mark, *said) for mark, said in OTHERS.items())


def named_in(text: str) -> tuple[Paper, ...]:
    """The papers that a docstring names, however its lines are broken."""
    plain = " ".join(text.split())
    return tuple(paper for paper in PAPERS if paper.mark in plain)


def _parts(used: Any) -> Iterator[Any]:
    """Everything inside of what was passed that may have a docstring of its own."""
    if isinstance(used, Plan):
        for row in used.rows:
            yield from _parts(row.init)
    elif isinstance(used, Rule):
        yield from _parts([used.init, *used.fields.values()])
    elif isinstance(used, Mapping):
        yield from _parts(list(used.values()))
    elif isinstance(used, (list, tuple)):
        for part in used:
            yield from _parts(part)
    elif isinstance(used, AbstractInitializer):
        yield type(used)
        yield from _parts(list(vars(used).values()))
    elif isinstance(used, type) or callable(used):
        yield used


def _docs(part: Any) -> Iterator[str]:
    ours = AbstractInitializer.__module__.partition(".")[0]
    classes = part.__mro__ if isinstance(part, type) else (part,)
    for cls in classes:
        # A parent's docstring counts; those of Equinox and of Python say nothing here.
        if cls is part or cls.__module__.partition(".")[0] == ours:
            yield getattr(cls, "__doc__", None) or ""


def bibtex(*used: Any) -> str:
    """BibTeX of the papers behind what was used, as [`eqinit.citation`][] prints it.

    **Arguments:** as in [`eqinit.citation`][].

    **Returns:** the entries, each under a comment with the schemes that it is for.
    """
    lines: dict[Paper, list[str]] = {}
    open_ended = False
    for part in _parts(used):
        open_ended |= is_site_function(part) and part.__name__ == "<lambda>"
        for paper in (p for text in _docs(part) for p in named_in(text)):
            names = lines.setdefault(paper, [])
            names.extend([part.__name__] if part.__name__ not in names else [])
    entries = [f"% {', '.join(names)}\n{p.bibtex()}" for p, names in lines.items()]
    if open_ended:
        entries.append(
            "% Some rules decide by the site: `citation(plan)` knows what they chose."
        )
    return "\n\n".join(entries) or "% Nothing here has a paper of its own."


def citation(*used: Any) -> None:
    """Print BibTeX of the papers behind initializers, rules, a plan or a recipe.

    ```python
    eqinit.citation(plan)
    eqinit.citation(eqinit.HeNormal(), eqinit.recipes.gpt2)
    ```

    Above each entry stands which of the things used it is for.

    **Arguments:**

    - `*used`: plans, rules or lists of them, initializers, or documented functions and
        classes of eqinit, such as recipes.
    """
    print(bibtex(*used))  # noqa: T201  (what it is for)
