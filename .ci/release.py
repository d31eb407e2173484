"""Refuses a tag that does not say what the checkout says.

`python .ci/release.py v1.2.3`: the tag is the package's version, and the changelog has
a section for it that is dated, not "not yet released".
"""

import re
import sys
from pathlib import Path


def problems(tag: str, init: str, changelog: str) -> list[str]:
    """What a release of `tag` would get wrong, in words."""
    found: list[str] = []
    version = re.search(r'^__version__ = "(.+)"$', init, re.MULTILINE)
    assert version, "eqinit/__init__.py has no `__version__`"
    if tag != f"v{version[1]}":
        found.append(f"the tag is {tag}, the package is {version[1]}")
    heading = re.search(r"^## (\S+), (.+)$", changelog, re.MULTILINE)
    assert heading, "CHANGELOG.md has no section"
    if heading[1] != version[1]:
        found.append(f"CHANGELOG.md begins with {heading[1]}")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", heading[2]):
        found.append(f"CHANGELOG.md says `{heading[2]}` where a date should stand")
    return found


if __name__ == "__main__":
    wrong = problems(
        sys.argv[1],
        Path("eqinit/__init__.py").read_text("utf-8"),
        Path("CHANGELOG.md").read_text("utf-8"),
    )
    if wrong:
        sys.exit("No release:\n- " + "\n- ".join(wrong))
    print(f"{sys.argv[1]}: version, changelog and tag agree")
