"""Hatch build hook: writes the index of the rule packs into the wheel, so that a cold start need not parse TOML.

The index holds nothing that is not in the packs, and is used only while it matches their bytes
(leakguard/detect/cache.py). Run by the build backend only.
"""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class IndexHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds leakguard/_rules_index.json to a wheel; lays it beside the package for an editable install (git ignores it),
    where it serves until a pack is changed."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        sys.path.insert(0, self.root)
        try:
            from leakguard.detect import index, rules
        finally:
            sys.path.remove(self.root)
        files = rules.read_files(rules.pack_files(os.path.join(self.root, "rules")))
        if version == "editable":
            with open(os.path.join(self.root, "leakguard", index.NAME), "wb") as out:
                out.write(index.build(files))
            return
        handle, path = tempfile.mkstemp(suffix=".json")
        with os.fdopen(handle, "wb") as out:
            out.write(index.build(files))
        self._written = path
        build_data["force_include"][path] = "leakguard/" + index.NAME

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        written = getattr(self, "_written", None)
        if written is not None:
            os.unlink(written)
