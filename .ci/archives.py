"""Builds the sdist, and from it the wheel, and looks whether anything is missing.

Run from the root of a checkout by `.ci/run`, with the `build` of the `dev` extra.
"""

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path


def files_below(root: Path) -> set[str]:
    """What a checkout holds; git knows, and where there is no git the folders do."""
    git = ["git", "-C", str(root), "ls-files"]
    listed = subprocess.run(git, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return set(listed.stdout.splitlines())
    code = (p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    rooms = ("eqinit", "tests", "docs", "benchmarks", ".ci")
    return {
        path.relative_to(root).as_posix()
        for path in code
        if path.relative_to(root).parts[0] in rooms
    }


def collects(archive: Path, where: Path) -> None:
    """All tests of the unpacked sdist can be imported, against the package in it."""
    with tarfile.open(archive) as packed:
        packed.extractall(where, filter="data")
    (root,) = where.iterdir()
    pytest = [sys.executable, "-m", "pytest", "--collect-only", "-q"]
    done = subprocess.run(pytest, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    print("sdist:", done.stdout.splitlines()[-1])


def main() -> None:
    checkout = Path.cwd()
    wanted = files_below(checkout)
    with tempfile.TemporaryDirectory() as folder:
        dist = Path(folder) / "dist"
        build = [sys.executable, "-m", "build", "--outdir", str(dist)]
        subprocess.run(build, cwd=checkout, check=True, stdout=subprocess.DEVNULL)
        (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
        with tarfile.open(sdist) as packed:
            names = [m.name.partition("/")[2] for m in packed.getmembers()]
        missing = sorted(wanted.difference(names))
        assert not missing, f"the sdist lacks {missing}"
        package = {name for name in wanted if name.startswith("eqinit/")}
        missing = sorted(package.difference(zipfile.ZipFile(wheel).namelist()))
        assert not missing, f"the wheel lacks {missing}"
        print(f"wheel: {len(package)} files, {wheel.name}")
        collects(sdist, Path(folder) / "unpacked")


main()
