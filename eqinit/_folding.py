"""Lines that differ by the number of a layer alone, folded into one: `blocks.0..23`."""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise


# A number between the dots or the brackets of a path. A dot that is part of a segment
# is written `\.`, and numbers that are folded already have two.
_NUMBER = re.compile(r"(?:^|(?<=(?<![\\.])\.)|(?<=\[))\d+(?=$|\.(?!\.)|[\[\]])")


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of a table, or several that look alike.

    - `path`: of what it shows: `blocks.3.norm.weight`, or `blocks.0..23.norm.weight`.
    - `cells`: what else it shows.
    - `first`: number of the first line that it stands for.
    - `passed`: how many of the path's numbers, from the right, could not be folded.
    """

    path: str
    cells: tuple[str, ...]
    first: int
    passed: int = 0

    def parted(self) -> tuple[str, int, str] | None:
        """The path at the next number to fold: `("blocks.", 3, ".norm.weight")`."""
        numbers = list(_NUMBER.finditer(self.path))
        if len(numbers) <= self.passed:
            return None
        number = numbers[-1 - self.passed]
        head, tail = self.path[: number.start()], self.path[number.end() :]
        return head, int(number.group()), tail

    def renamed(self, head: str, number: int, said: str, tail: str) -> "Line":
        """With `said` in place of this number."""
        return dataclasses.replace(
            self, path=head + said + tail, cells=self.cells_with(head, number, said)
        )

    def cells_with(self, head: str, number: int, said: str) -> tuple[str, ...]:
        """The cells, with `said` for this number where they tell of such paths."""
        name = f"{head}{number}"
        if not any(name in cell for cell in self.cells):
            return self.cells
        # At the root of a list a path begins with a number, as do shapes and stds: `4`
        # is a path there where a field follows.
        end = r"(?!\d)" if head else r"(?=\.[^\W\d])"
        whole = re.compile(rf"(?<![\w.]){re.escape(name)}{end}")
        return tuple(whole.sub(lambda _: head + said, cell) for cell in self.cells)


def fold(lines: Sequence[Line]) -> list[Line]:
    """Fold the innermost numbers first; lines stay where the first of them stood."""
    done: list[Line] = []
    todo = list(lines)
    while len(todo) > 1:
        families: dict[tuple[object, ...], list[tuple[int, Line]]] = {}
        for line in todo:
            parts = line.parted()
            if parts is None:
                done.append(line)
                continue
            head, number, tail = parts
            key = (head, tail, line.cells_with(head, number, "*"), line.passed)
            families.setdefault(key, []).append((number, line))
        todo = [line for family in families.values() for line in _folded(family)]
    return sorted([*done, *todo], key=lambda line: line.first)


def _folded(family: list[tuple[int, Line]]) -> Iterator[Line]:
    """One line for each run of numbers."""
    family.sort(key=lambda member: member[0])
    for run in _runs([number for number, _ in family]):
        members = [family[place] for place in run]
        _, line = min(members, key=lambda member: member[1].first)
        parts = line.parted()
        assert parts is not None
        head, number, tail = parts
        if len(members) == 1:
            yield dataclasses.replace(line, passed=line.passed + 1)
            continue
        low, second, high = members[0][0], members[1][0], members[-1][0]
        start = f"{low}" if second == low + 1 else f"{low},{second}"
        yield line.renamed(head, number, f"{start}..{high}", tail)


def _runs(numbers: Sequence[int]) -> list[range]:
    """Places of neighbours (3, 4, 5), or of all of them if they are evenly spaced."""
    steps = {b - a for a, b in pairwise(numbers)}
    if len(steps) == 1 and 0 not in steps and (steps == {1} or len(numbers) > 2):
        return [range(len(numbers))]
    starts = [i for i, n in enumerate(numbers) if i == 0 or n != numbers[i - 1] + 1]
    ends = [*starts[1:], len(numbers)]
    return [range(start, end) for start, end in zip(starts, ends, strict=True)]
