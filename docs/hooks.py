"""What the site does beyond its plugins.

MathJax is shipped, so that formulas are readable offline. The file is taken from the
package `django-static-mathjax`, which holds MathJax and nothing that needs Django. With
SVG output it is complete in itself, fonts included.

Pages are made fit for narrow screens: printed sentences are told apart from printed
tables, since only the former may be wrapped, and code in tables may be broken.
"""

import importlib.util
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files


# A printed block, as pymdownx writes it, and the line below the heads of a table.
PRINTED = re.compile(r'<div class="language-text highlight">.*?</div>', re.DOTALL)
RULE = re.compile(r"^(<[^>]+>)*-{3,}", re.MULTILINE)
CELL = re.compile(r"<td[^>]*>.*?</td>", re.DOTALL)
CODE = re.compile(r"<code>[^<]*</code>")
# Not within a number, nor at the end of what is called.
JOINT = re.compile(r"\((?=[\w*&-])|(?<=\w)\.(?=[A-Za-z_])")
SCRIPT = "static/mathjax/es5/tex-svg-full.js"


def on_files(files: Files, config: Any) -> Files:
    # Found and not imported: its `__init__` may ask for Django.
    spec = importlib.util.find_spec("mathjax")
    folders = [] if spec is None else spec.submodule_search_locations or []
    scripts = [path for f in folders if (path := Path(f) / SCRIPT).is_file()]
    if not scripts:
        raise PluginError("MathJax is missing: pip install '.[docs]' brings it.")
    files.append(
        File.generated(config, "assets/tex-svg-full.js", abs_src_path=str(scripts[0]))
    )
    return files


def on_page_content(html: str, page: Any, config: Any, files: Files) -> str:
    del page, config, files
    return CELL.sub(_breakable, PRINTED.sub(_sentences, html))


def _sentences(block: re.Match[str]) -> str:
    """Printed sentences are marked, so that assets/extra.css may wrap them."""
    if RULE.search(block[0]):
        return block[0]
    return block[0].replace("highlight", "highlight sentences", 1)


def _breakable(cell: re.Match[str]) -> str:
    """Code in a table may go on in the next line after a bracket or a dot."""
    return CODE.sub(lambda code: JOINT.sub(r"\g<0><wbr>", code[0]), cell[0])
