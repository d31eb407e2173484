"""Prints the oldest versions that `pyproject.toml` allows, as constraints for pip.

`pip install -c <(python .ci/lowest.py test) .[test]` installs the lowest direct
dependencies; what they need in turn is as new as may be.
"""

import re
import sys
import tomllib
from pathlib import Path


def pins(extra: str) -> dict[str, str]:
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    found: dict[str, str] = {}

    def collect(requirements: list[str]) -> None:
        for requirement in requirements:
            own = re.match(r"eqinit\[([\w,]+)\]", requirement)
            if own:
                for name in own[1].split(","):
                    collect(extras[name])
                continue
            lower = re.match(r"([\w.-]+)(?:\[[\w,]+\])?>=([\d.]+)", requirement)
            assert lower, f"{requirement} has no lower bound"
            found[lower[1]] = lower[2]

    collect([*project["dependencies"], f"eqinit[{extra}]"])
    return found


if __name__ == "__main__":
    for name, version in pins(sys.argv[1]).items():
        print(f"{name}=={version}")
