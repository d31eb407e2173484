"""Ship MathJax with the site, so that formulas are readable offline.

The file is taken from the package `django-static-mathjax`, which holds MathJax and
nothing that needs Django. With SVG output it is complete in itself, fonts included.
"""

import importlib.util
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files


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
