"""Tables of wikis and manuals: Confluence, AsciiDoc, reStructuredText; and those whose columns are accounts, with a cell empty."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand

GRID = "+{0}+{1}+{1}+".format("-" * 10, "-" * 66)


def _confluence(rows: list[list[str]]) -> str:
    return "h2. Keys\n||Venue||API key||Secret||\n" + "".join(f"|{v}|{{{{{k}}}}}|{{{{{s}}}}}|\n" for v, k, s in rows)


def _storage(rows: list[list[str]]) -> str:
    head = "<tr><th><p>Venue</p></th><th><p>Access key</p></th><th><p>Secret key</p></th></tr>"
    return f"<table>{head}" + "".join("<tr>" + "".join(f"<td><p>{c}</p></td>" for c in row) + "</tr>" for row in rows) + "</table>"


def _asciidoc(rows: list[list[str]]) -> str:
    return "|===\n|Exchange |API key |API secret\n\n" + "".join(f"|{v}\n|{k}\n|{s}\n\n" for v, k, s in rows) + "|===\n"


def _grid(rows: list[list[str]]) -> str:
    line = lambda row: f"| {row[0]:<8} | {row[1]:<64} | {row[2]:<64} |\n"  # noqa: E731
    body = "".join(line(row) + GRID + "\n" for row in rows)
    return GRID + "\n" + line(["Venue", "Key", "Secret"]) + GRID.replace("-", "=") + "\n" + body


def _listed(rows: list[list[str]]) -> str:
    head = ".. list-table:: Accounts\n   :header-rows: 1\n\n   * - Venue\n     - Key\n     - Secret\n"
    return head + "".join(f"   * - {v}\n     - ``{k}``\n     - ``{s}``\n" for v, k, s in rows) + "\nText.\n"


def _turned(rows: list[list[str]]) -> str:
    return "\n".join("\t".join([label, *(row[at] for row in rows)]) for at, label in enumerate(("", "API Key", "Secret"))) + "\n"


@pytest.mark.parametrize("layout", [_confluence, _storage, _asciidoc, _grid, _listed, _turned])
def test_the_keys_in_a_table_are_the_venues_of_their_rows(engine: Engine, layout) -> None:  # type: ignore[no-untyped-def]
    draw = Random(layout.__name__)
    shapes = {"gateio": ("{{hex*32}}", "{{hex*64}}"), "coinex": ("{{HEX*32}}", "{{HEX*48}}"), "xt": ("{{uuid}}", "{{hex*40}}")}
    rows = [[venue, expand(key, draw), expand(secret, draw)] for venue, (key, secret) in shapes.items()]
    data = layout(rows).encode()
    found = {(engine.rules[m.rule].id, data[m.secret_start : m.secret_end].decode()) for m in engine.scan(data, "page.txt").matches}
    names = {"gateio": "gate", "coinex": "coinex", "xt": "xt"}
    assert found == {(f"{names[v]}.{part}", value) for v, k, s in rows for part, value in (("api-key", k), ("api-secret", s))}


def test_a_table_of_what_was_traded_has_none(engine: Engine) -> None:
    draw = Random("orders")
    rows = "".join(f"|okx|{expand('{{uuid}}', draw)}|{expand('{{hex*64}}', draw)}|\n" for _ in range(5))
    assert not engine.scan(f"||Venue||Order||Transaction||\n{rows}".encode(), "page.txt").matches


def test_a_grid_has_one_head(engine: Engine) -> None:
    """Each row of a grid has a rule below it; one that was called like a credential was taken for the names of columns."""
    names = ("[Function]", "change_password", "list_nodes_full", "securitygroup", "rackconnect1")
    rule = "+-----------------------+------+\n"
    text = rule + "".join(f"|{name:<23}|Yes   |\n" + (rule.replace("-", "=") if name[0] == "[" else rule) for name in names)
    assert not engine.scan(text.encode(), "features.rst").matches


def test_a_grid_may_have_a_title(engine: Engine) -> None:
    keys = [expand("{{upper*58}}", Random(seed)) for seed in (3, 4)]
    rule = f"+{'-' * 12}+{'-' * 60}+{'-' * 13}+\n"
    head = "|   Seeds   |\n" + rule + f"| Entity     | Private Key {' ' * 46} | Signing Key |\n" + rule
    text = "+" + "-" * 87 + "+\n" + head + "".join(f"| Account {n}  | {key} |             |\n" for n, key in enumerate(keys)) + rule
    found = {(match.secret_start, match.secret_end) for match in engine.scan(text.encode(), "keys.md").matches}
    assert found == {(text.index(key), text.index(key) + 58) for key in keys}
