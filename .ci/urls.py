"""The project's addresses, from where a release is built.

No address stands in the checkout, which does not know where it is published. Built by a
workflow, the wheel says `Repository`, `Changelog` and `Documentation`; built elsewhere
it says none. See `[tool.hatch.metadata.hooks.custom]`.
"""

import os
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Urls(MetadataHookInterface):
    """Fills `project.urls`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Called by hatchling with the table `project`."""
        repository = os.environ.get("EQINIT_REPO_URL")
        site = os.environ.get("EQINIT_SITE_URL")
        urls: dict[str, str] = {}
        if site:
            urls["Documentation"] = site
        if repository:
            urls["Repository"] = repository
            urls["Issues"] = f"{repository}/issues"
            urls["Changelog"] = f"{repository}/blob/main/CHANGELOG.md"
        metadata["urls"] = urls
