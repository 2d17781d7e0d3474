"""Imports point one way. A new edge needs a visible edit of the table below."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKAGE = os.path.join(ROOT, "leakguard")

LEAVES = {"version", "errors", "model", "globs", "given", "hashes", "rotated"}
ALLOWED: dict[str, set[str]] = {
    "version": set(),
    "errors": set(),
    "hashes": set(),
    "given": set(),
    "globs": set(),
    "rotated": set(),
    "model": {"errors", "hashes"},
    "config": {"errors", "model", "hashes", "given", "globs"},
    "accepted": LEAVES | {"config", "triage", "sources"},
    "detect": LEAVES | {"detect"},
    "sources": LEAVES | {"sources"},
    "report": LEAVES | {"report"},
    "triage": LEAVES | {"detect", "triage"},
    "findings": LEAVES | {"detect", "triage"},
    "paths": LEAVES | {"findings", "detect"},
    "work": LEAVES | {"triage", "sources"},
    "collector": LEAVES | {"detect", "triage", "sources", "work", "seams"},
    "pipeline": LEAVES | {"findings", "paths", "detect", "triage", "sources", "work", "collector", "workers", "spread", "seams"},
    "pieces": LEAVES | {"paths", "detect", "sources", "work", "collector", "pipeline", "workers", "checkouts"},
    "spread": LEAVES | {"paths", "detect", "sources", "work", "collector", "pipeline", "pieces"},
    "checkouts": LEAVES | {"detect", "sources", "work", "pipeline"},
    "seams": LEAVES | {"findings", "detect", "sources", "work", "pipeline"},
    "workers": LEAVES | {"detect", "forks", "work", "pipeline"},
    "forks": set(),
    "gitpiece": LEAVES | {"work", "pipeline"},
    "commits": LEAVES | {"findings", "gitpiece", "detect", "sources"},
    "objects": LEAVES | {"work", "findings", "gitpiece", "commits", "detect", "sources", "pipeline"},
    "cutting": LEAVES | {"sources", "gitpiece", "objects"},
    "attribution": LEAVES | {"paths", "work", "findings", "gitpiece", "detect", "triage", "sources", "pipeline"},
    "history": LEAVES | {"paths", "work", "collector", "findings", "gitpiece", "detect", "triage", "sources", "pipeline", "workers", "objects", "cutting", "attribution", "beside"},
    "beside": LEAVES | {"work", "collector", "findings", "gitpiece", "detect", "sources", "pipeline"},
    "images": LEAVES | {"paths", "work", "collector", "detect", "sources", "pipeline", "pieces", "attribution"},
    "compare": LEAVES | {"sources"},
    "changes": LEAVES | {"work", "compare", "findings", "sources", "pipeline"},
    "hook": LEAVES | {"paths", "work", "collector", "accepted", "changes", "config", "detect", "triage", "sources", "pipeline"},
    "redact": LEAVES | {"detect", "triage", "redact"},
    "cli": LEAVES | {"paths", "work", "collector", "findings", "accepted", "config", "detect", "triage", "sources", "report", "pipeline", "history", "images", "changes", "redact", "forks", "cli"},
    "__main__": {"cli"},
    "__init__": {"version"},
}
TOOLING = {"corpus", "score"}
"""Modules of detect/ that measure the whole scanner and are imported by `rules stats` alone."""


def modules() -> Iterator[tuple[str, str]]:
    for folder, _, names in os.walk(PACKAGE):
        for name in sorted(names):
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                yield os.path.relpath(path, PACKAGE), path


MODULES = dict(modules())


def layer(module: str) -> str:
    return module.split(os.sep)[0].removesuffix(".py")


def imports(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8") as handle:
        tree = ast.parse(handle.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "leakguard":
                yield from (f"leakguard.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    own = layer(module)
    if os.path.basename(module).removesuffix(".py") in TOOLING:
        return
    seen = {name.split(".")[1] for name in imports(MODULES[module]) if name.startswith("leakguard.")}
    assert own in ALLOWED, f"{own} is not in the table of layers"
    assert seen <= ALLOWED[own] | {own}, f"{module} imports {sorted(seen - ALLOWED[own])}"


@pytest.mark.parametrize("module", [m for m in MODULES if layer(m) not in ("cli", "__main__")])
def test_click_is_for_the_command_line_alone(module: str) -> None:
    assert not {"click", "rich"} & {name.split(".")[0] for name in imports(MODULES[module])}


@pytest.mark.parametrize("module", [m for m in MODULES if layer(m) in ("detect", "triage", "sources", "report")])
def test_detection_neither_prints_nor_logs(module: str) -> None:
    with open(MODULES[module], encoding="utf-8") as handle:
        tree = ast.parse(handle.read())
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert "print" not in called
    assert "logging" not in {name.split(".")[0] for name in imports(MODULES[module])}


@pytest.mark.parametrize("module", MODULES)
def test_every_module_opens_with_its_promise(module: str) -> None:
    with open(MODULES[module], encoding="utf-8") as handle:
        assert ast.get_docstring(ast.parse(handle.read()))


def _dotted(module: str) -> str:
    return f"leakguard.{module.removesuffix('.py').replace(os.sep, '.')}".removesuffix(".__init__")


def _taken(path: str) -> Iterator[tuple[str, str]]:
    """(module, name) of all that is imported from the package."""
    with open(path, encoding="utf-8") as handle:
        tree = ast.parse(handle.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "leakguard":
            yield from ((str(node.module), alias.name) for alias in node.names)


TAKEN = {module: set(_taken(path)) for module, path in MODULES.items()}


@pytest.mark.parametrize("module", MODULES)
def test_private_names_stay_in_their_module(module: str) -> None:
    assert not {f"{of}.{name}" for of, name in TAKEN[module] if name.startswith("_") and name != "__version__"}


_ALONE = re.compile(r"mported by ((?:this package|[`\w/.]+)(?:(?:, | and )(?:by )?[`\w/.]+)*) (?:only|alone)\b")


@pytest.mark.parametrize("module", MODULES)
def test_who_alone_imports_a_module_is_said_truly(module: str) -> None:
    with open(MODULES[module], encoding="utf-8") as handle:
        said = _ALONE.search(" ".join((ast.get_docstring(ast.parse(handle.read())) or "").split()))
    if said is None:
        return
    own = _dotted(module)
    package, _, name = own.rpartition(".")
    users = {user for user, taken in TAKEN.items() for of, what in taken if user != module and (of == own or (of, what) == (package, name))}
    named = re.split(r", | and |^this package", said[1].replace("by ", ""))
    named = [one.strip("`").removesuffix(".py").replace("/", os.sep) for one in named if one]
    own_folder = os.path.dirname(module) + os.sep
    assert not {
        user for user in users
        if not any(user.startswith(one if one.endswith(os.sep) else one + ".") or f"{os.sep}{one}." in user for one in named)
        and not ("this package" in said[1] and user.startswith(own_folder))
    }  # fmt: skip


READERS = {"archives", "documents", "databases", "logs", "columns"}
"""Folders of leakguard/sources/inside."""


def test_what_goes_into_files_imports_readers_only_when_their_kind_is_met() -> None:
    inside = os.path.join("sources", "inside")
    folders = {module.split(os.sep)[2] for module in MODULES if module.startswith(inside) and module.count(os.sep) > 2}
    assert folders == READERS
    for module in (m for m in MODULES if os.path.dirname(m) == inside):
        with open(MODULES[module], encoding="utf-8") as handle:
            top = ast.parse(handle.read()).body
        names = {node.module or "" for node in top if isinstance(node, ast.ImportFrom)}
        assert not {name for name in names for folder in READERS if f".inside.{folder}" in f"{name}."}, module
