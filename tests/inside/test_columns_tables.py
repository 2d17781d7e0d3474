"""Parquet, Arrow, Feather, ORC and Avro, written by the libraries that read them."""

from __future__ import annotations

import datetime
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nests import look, tar, zip_
from scanned import findings
from test_inside_scan import run, token

from leakguard.sources.inside import child
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.magic import kind_of

pytestmark = pytest.mark.usefixtures("loaded")

pyarrow = pytest.importorskip("pyarrow")
fastavro = pytest.importorskip("fastavro")
from pyarrow import feather, ipc, orc, parquet  # noqa: E402 - behind the check

Rows = list[dict[str, Any]]


def written(write: Callable[[Any, Any], Any]) -> Callable[[Rows], bytes]:
    def make(rows: Rows) -> bytes:
        out = io.BytesIO()
        write(pyarrow.Table.from_pylist(rows), out)
        return out.getvalue()

    return make


def stream(table: Any, out: Any) -> None:
    with ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)


def avro(codec: str) -> Callable[[Rows], bytes]:
    def make(rows: Rows) -> bytes:
        kinds = {str: "string", int: "long", bytes: "bytes", type(None): "null"}
        fields = [{"name": name, "type": sorted({kinds[type(row[name])] for row in rows} | {"null"})} for name in rows[0]]
        out = io.BytesIO()
        fastavro.writer(out, {"type": "record", "name": "r", "fields": fields}, rows, codec=codec)
        return out.getvalue()

    return make


FORMS: dict[str, tuple[str, Callable[[Rows], bytes]]] = {
    "parquet": (".parquet", written(parquet.write_table)),
    "parquet zstd": (".parquet", written(lambda table, out: parquet.write_table(table, out, compression="zstd"))),
    "arrow": (".arrow", written(lambda table, out: feather.write_feather(table, out, compression="uncompressed"))),
    "feather": (".feather", written(lambda table, out: feather.write_feather(table, out, compression="zstd"))),
    "arrow stream": (".arrows", written(stream)),
    "orc": (".orc", written(lambda table, out: orc.write_table(table, out, compression="zlib"))),
    "avro": (".avro", avro("null")),
    "avro deflate": (".avro", avro("deflate")),
    "avro xz": (".avro", avro("xz")),
}
KINDS = {"feather": "arrow"}


def planted(number: int) -> Rows:
    rows: Rows = [{"exchange": "kraken", "github_token": f"none {n}", "n": n} for n in range(600)]
    rows[450]["github_token"] = token(number)
    return rows


@pytest.mark.parametrize("form", FORMS)
def test_a_cell_is_found_with_its_column_and_row(form: str, tmp_path: Path) -> None:
    suffix, make = FORMS[form]
    data = make(planted(1))
    kind = form.split()[0]
    assert kind_of(data[:512], "x" + suffix) == KINDS.get(kind, kind)
    (tmp_path / f"t{suffix}").write_bytes(data)
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(tar([(f"data/t{suffix}", data)])))
    found = findings(tmp_path, ".")
    assert [(r["path"], r["secret"]) for r in found] == [
        (f"t{suffix}!/rows", token(1)), (f"x.tar.gz!/data/t{suffix}!/rows", token(1)),
    ]  # fmt: skip
    assert str(found[0]["masked"]).startswith("github_token = <")
    text = look(data, tmp_path, f"t{suffix}").members[f"t{suffix}!/rows"]
    assert text.split(b"\n")[: found[0]["start_line"]][-3] == b"[row 451]"


def test_rows_can_be_extracted(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(FORMS["parquet"][1](planted(7)))
    extracted = run(tmp_path, "extract", "t.parquet!/rows:5")
    assert extracted.returncode == 0
    assert token(7).encode() in extracted.stdout


@pytest.mark.parametrize("form", FORMS)
def test_columns_truncated_damaged_and_lied_about(form: str, tmp_path: Path) -> None:
    suffix, make = FORMS[form]
    data = make(planted(2))
    for hurt in (data[: len(data) // 2], data[:100], data[:40] + b"\xff" * 400 + data[440:]):
        seen = look(hurt + b"\nGITHUB_TOKEN=" + token(3).encode(), tmp_path, f"x{suffix}")
        told = b"".join(seen.members.values())
        assert token(3).encode() in told  # behind the damage, as it stands
        assert seen.states == {"failed"}


def test_kinds_of_values(tmp_path: Path) -> None:
    import decimal

    row = {
        "text": "a\nb", "key": bytes(range(32)), "utf8": "é".encode(), "n": 5, "f": 1.5, "none": None, "flag": True,
        "list": [1, 2, 3], "struct": {"apiKey": "inner", "deep": {"x": b"\xff"}}, "when": datetime.datetime(2024, 1, 2),
        "amount": decimal.Decimal("1.50"), "zip": zip_([("a.txt", b"in a cell " + token(4).encode())]),
    }  # fmt: skip
    seen = look(FORMS["parquet"][1]([row]), tmp_path, "x.parquet")
    lines = seen.members["x.parquet!/rows"].split(b"\n")
    assert lines[0] == b"[row 1]"
    for line in (
        b"text = a", b"b", b"key = " + bytes(range(32)).hex().encode(), "utf8 = é".encode(), b"n = 5", b"f = 1.5",
        b"list = [1, 2, 3]", b'struct = {"apiKey": "inner", "deep": {"x": "ff"}}', b"when = 2024-01-02 00:00:00",
        b"amount = 1.50", b"flag = True",
    ):  # fmt: skip
        assert line in lines
    assert not any(line.startswith(b"none") for line in lines)
    assert seen.members["x.parquet!/row 1/zip!/a.txt"] == b"in a cell " + token(4).encode()


def test_two_columns_of_one_name_are_both_read(tmp_path: Path) -> None:
    table = pyarrow.table([["one"], ["two"]], names=["same", "same"])
    out = io.BytesIO()
    with ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    assert look(out.getvalue(), tmp_path, "x.arrow").members["x.arrow!/rows"] == b"[row 1]\nsame = one\nsame = two\n\n"


def test_metadata_is_read(tmp_path: Path) -> None:
    table = pyarrow.table({"a": ["b"]}).replace_schema_metadata({"GITHUB_TOKEN": token(5)})
    out = io.BytesIO()
    parquet.write_table(table, out)
    seen = look(out.getvalue(), tmp_path, "x.parquet")
    assert b"GITHUB_TOKEN = " + token(5).encode() in seen.members["x.parquet!/metadata"]


def test_rows_of_numbers_say_nothing(tmp_path: Path) -> None:
    table = pyarrow.table({"a": list(range(1000)), "b": [0.5] * 1000})
    out = io.BytesIO()
    parquet.write_table(table, out)
    seen = look(out.getvalue(), tmp_path, "x.parquet")
    assert seen.members.get("x.parquet!/rows", b"") == b""
    assert seen.incidents == []


@pytest.mark.parametrize("texts", [[], ["", "b"]])
def test_rows_of_numbers_and_times_say_nothing(texts: list[str], tmp_path: Path) -> None:
    """Candles: of a million rows none is written, and a row of them that holds text is written whole."""
    when = datetime.datetime(2024, 1, 2, 3, 4, 5, 6)
    columns: dict[str, list[Any]] = {
        "day": [when.date()] * 2, "at": [when] * 2, "time": [when.time()] * 2, "took": [datetime.timedelta(1)] * 2,
        "open": [0.5, 1.5], "count": [1, 2], "closed": [True, None], "none": [None, None],
    }  # fmt: skip
    out = io.BytesIO()
    parquet.write_table(pyarrow.table(columns | ({"note": texts} if texts else {})), out)
    seen = look(out.getvalue(), tmp_path, "x.parquet")
    assert seen.incidents == []
    lines = seen.members.get("x.parquet!/rows", b"").decode().split("\n")
    if not texts:
        assert lines == [""]
        return
    assert lines == [
        "[row 2]", "day = 2024-01-02", "at = 2024-01-02 03:04:05.000006", "time = 03:04:05.000006", "took = 1 day, 0:00:00",
        "open = 1.5", "count = 2", "note = b", "", "",
    ]  # fmt: skip


def test_a_bomb_of_rows_ends_at_a_limit(tmp_path: Path) -> None:
    """A dictionary of one long value, named by ten thousand rows: 10 GB from a few kilobytes."""
    column = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 10_000, pyarrow.int32()), pyarrow.array(["x" * (1 << 20)]))
    out = io.BytesIO()
    with ipc.new_file(out, pyarrow.schema([("a", column.type)])) as writer:
        writer.write_batch(pyarrow.record_batch([column], names=["a"]))
    seen = look(out.getvalue(), tmp_path, "x.arrow", Limits(bytes=8 << 20))
    assert seen.states <= {"truncated", "failed"}
    assert seen.states
    assert seen.tally.expanded < 200 << 20


def test_a_reader_that_takes_too_much_memory_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "MEMORY", 1 << 20)
    path = tmp_path / "child.py"
    path.write_text(Path(child.__file__).read_text().replace("MEMORY = 1024 * 1024 * 1024", "MEMORY = 64 * 1024 * 1024"))
    (tmp_path / "columns").mkdir()
    (tmp_path / "columns" / "tablechild.py").write_text((Path(child.__file__).parent / "columns" / "tablechild.py").read_text())
    monkeypatch.setattr(child, "__file__", str(path))
    data = FORMS["parquet"][1]([{"a": token(6), "b": "x" * (32 << 20)}])  # the packages were there before the limit
    seen = look(data, tmp_path, "x.parquet")
    assert seen.states == {"failed"}
    assert seen.members["x.parquet"] == data


@pytest.mark.parametrize("form", FORMS)
def test_without_its_package_a_kind_is_named_and_scanned(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leakguard.sources.inside.columns.tables.find_spec", lambda name: None)
    suffix, make = FORMS[form]
    data = make([{"a": "b"}])
    seen = look(data, tmp_path, f"x{suffix}")
    assert seen.members == {f"x{suffix}": data}
    assert seen.reasons.endswith(", not read: install leakguard-scanner[columns]")
    assert seen.states == {"skipped"}
    assert look(data, tmp_path, f"x{suffix}", strict=True).states == {"failed"}
