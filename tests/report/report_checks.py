"""Validators of the report tests: our schemas, SARIF's, what GitLab demands, and what no output may hold."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource

import leakguard.report

OURS = Path(leakguard.report.__file__).parent
FOREIGN = Path(__file__).parent / "schemas"

_URI = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?#]|%[0-9A-Fa-f]{2})*")


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@cache
def validator(name: str) -> Any:
    """finding, report, receipt, sarif, gitlab."""
    if name == "sarif":
        schema = _load(FOREIGN / "sarif-2.1.0-rtm.5.json")
        jsonschema.Draft4Validator.check_schema(schema)
        return jsonschema.Draft4Validator(schema)
    path = FOREIGN / "gitlab-essentials.json" if name == "gitlab" else OURS / f"{name}.schema.json"
    schema = _load(path)
    jsonschema.Draft202012Validator.check_schema(schema)
    own = [_load(OURS / f"{one}.schema.json") for one in ("finding", "receipt", "report")]
    registry: Registry[Any] = Registry().with_resources([(one["$id"], Resource.from_contents(one)) for one in own])
    return jsonschema.Draft202012Validator(schema, registry=registry)


def valid(name: str, document: Any) -> None:
    errors = [f"{error.json_path}: {error.message[:200]}" for error in validator(name).iter_errors(document)]
    assert not errors, "\n".join(errors[:5])


def check_uris(document: Any) -> None:
    """The schema only names the format: every `uri` must be made of what RFC 3986 allows."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in ("uri", "helpUri"):
                assert _URI.fullmatch(value), value
                assert value.startswith(("file:///", "http")) or ":" not in value.split("/")[0], value
            check_uris(value)
    elif isinstance(document, list):
        for value in document:
            check_uris(value)


def check_quiet(output: bytes, allowed: str = "\n") -> None:
    """UTF-8, and nothing in it that a terminal acts on or an eye cannot see."""
    text = output.decode("utf-8")
    bad = {char for char in text if not char.isprintable() and char not in allowed}
    assert not bad, bad
