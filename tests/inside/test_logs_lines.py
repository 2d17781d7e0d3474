"""Container logs, syslog by counts, journald's export: what is cut in pieces is found, and where it stands is told."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nests import CODECS, look, tar
from scanned import findings
from test_inside_scan import findings as by_process
from test_inside_scan import run, token

from leakguard.detect.generate import expand
from leakguard.sources.inside import walk
from leakguard.sources.inside.base import Budget, Context, Stream, from_bytes
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.logs import lines
from leakguard.sources.inside.magic import kind_of
from leakguard.sources.inside.places import Places

pytestmark = pytest.mark.usefixtures("loaded")

CUT = 16 * 1024
TIME = "2026-01-02T03:04:05.678901234Z"


def json_file(parts: list[tuple[str, str]]) -> bytes:
    """Docker's records, as its encoder writes them."""
    return b"".join(
        json.dumps({"log": text, "stream": stream, "time": TIME}, separators=(",", ":")).encode() + b"\n"
        for stream, text in parts
    )


def cut(stream: str, text: str, size: int = CUT) -> list[tuple[str, str]]:
    """What Docker makes of a line: parts of 16 KiB, the last with the line's end."""
    text += "\n"
    return [(stream, text[at : at + size]) for at in range(0, len(text), size)]


def cri(parts: list[tuple[str, str]]) -> bytes:
    return b"".join(
        f"{TIME} {stream} {'F' if text.endswith(chr(10)) else 'P'} {text.rstrip(chr(10))}\n".encode()
        for stream, text in parts
    )


FORMS: dict[str, Callable[[list[tuple[str, str]]], bytes]] = {"json-file": json_file, "cri": cri}


def split_token(number: int) -> list[tuple[str, str]]:
    """A line cut in the middle of a secret."""
    text = "x" * (CUT - 30) + f" GITHUB_TOKEN={token(number)}"
    parts = cut("stdout", text)
    assert len(parts) == 2
    assert token(number) not in parts[0][1]
    return parts


def places(folder: Path, *arguments: str) -> list[tuple[object, ...]]:
    return [(r["path"], r["start_line"], r["secret"]) for r in findings(folder, *arguments)]


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_cut_in_two_is_found_where_it_begins(form: str, tmp_path: Path) -> None:
    before, after = [("stdout", "hello\n"), ("stderr", "warn\n")], [("stdout", "GITHUB_TOKEN=" + token(2) + "\n")]
    first, second = split_token(1)
    data = FORMS[form]([*before, first, ("stderr", "meanwhile\n"), second, *after])
    assert kind_of(data[:512]) == form
    (tmp_path / "c.log").write_bytes(data)
    (tmp_path / "c.tar.gz").write_bytes(gzip.compress(tar([("var/c.log", data)])))
    assert places(tmp_path, "c.log") == [("c.log", 3, token(1)), ("c.log", 6, token(2))]
    assert [(r["path"], r["start_line"], r["secret"]) for r in by_process(tmp_path, "c.tar.gz")] == [
        ("c.tar.gz!/var/c.log", 3, token(1)),
        ("c.tar.gz!/var/c.log", 6, token(2)),
    ]
    record = findings(tmp_path, "c.log")[0]
    line = data.split(b"\n")[2]
    start = record["start_column"] - 1  # type: ignore[operator]
    assert line[start : start + 12] == token(1)[:12].encode()
    offset = record["start_byte"]
    assert isinstance(offset, int)
    assert data[offset : offset + 12] == token(1)[:12].encode()
    extracted = run(tmp_path, "extract", "c.tar.gz!/var/c.log:3")
    assert (extracted.returncode, extracted.stdout) == (0, data)


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_in_a_later_part_has_that_parts_line(form: str, tmp_path: Path) -> None:
    text = "a " * CUT + f" GITHUB_TOKEN={token(3)} " + "b " * 9000
    parts = cut("stdout", text)
    where = next(number for number, (_, part) in enumerate(parts, 1) if token(3) in part)
    assert 1 < where < len(parts)
    data = FORMS[form](parts)
    (tmp_path / "c.log").write_bytes(data)
    record = findings(tmp_path, "c.log")[0]
    assert (record["start_line"], record["end_line"]) == (where, where)
    start, end = record["start_byte"], record["end_byte"]
    assert isinstance(start, int) and isinstance(end, int)
    assert data[start:end] == token(3).encode()


@pytest.mark.parametrize("form", FORMS)
def test_two_streams_in_parts_at_once(form: str, tmp_path: Path) -> None:
    one, two = split_token(4), split_token(5)
    mixed = [one[0], ("stderr", two[0][1]), one[1], ("stderr", two[1][1])]
    (tmp_path / "c.log").write_bytes(FORMS[form](mixed))
    assert sorted(places(tmp_path, "c.log")) == [("c.log", 1, token(4)), ("c.log", 2, token(5))]


@pytest.mark.parametrize("form", FORMS)
def test_cut_lines_across_many_blocks_and_windows(form: str, tmp_path: Path) -> None:
    """Far more than a block and a window; parallel or not, each secret once and in its line."""
    parts: list[tuple[str, str]] = []
    planted = []
    for number in range(9):
        parts += [("stdout", f"line {n} of {number}: nothing to see in here\n") for n in range(15_000)]
        planted.append(("c.log", len(parts) + 1, token(100 + number)))
        parts += split_token(100 + number)
    (tmp_path / "c.log").write_bytes(FORMS[form](parts))
    assert places(tmp_path, "c.log") == planted


@pytest.mark.parametrize("form", FORMS)
def test_the_parts_of_a_credential_keep_their_lines(form: str, tmp_path: Path) -> None:
    key, secret = (expand("{{alnum*64}}", Random(seed)) for seed in (1, 2))
    lines_of = [f"BINANCE_API_KEY={key}\n", f"BINANCE_API_SECRET={secret}\n"]
    parts = [*split_token(1) * 3, *[("stdout", line) for line in lines_of]]
    (tmp_path / "c.log").write_bytes(FORMS[form](parts))
    report = json.loads(run(tmp_path, "scan", "-f", "json", "c.log").stdout)
    (made,) = report["sets"]
    assert (made["start_line"], made["end_line"]) == (7, 8)
    assert [found["start_line"] for found in report["findings"]] == [1, 3, 5, 7, 8]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("codec", CODECS)
def test_compressed_container_logs(form: str, codec: str, tmp_path: Path) -> None:
    suffix, pack = CODECS[codec]
    (tmp_path / f"c.log{suffix}").write_bytes(pack(FORMS[form](split_token(6))))
    assert [r["secret"] for r in findings(tmp_path, ".")] == [token(6)]


def test_a_log_without_cut_lines_is_text_like_any_other(tmp_path: Path) -> None:
    """Large ones are read by all workers at once."""
    plain = [("stdout", "line of some text\n")] * 2000
    for form, make in FORMS.items():
        (tmp_path / "a").write_bytes(make(plain))
        (tmp_path / "b").write_bytes(make([*plain, *split_token(1)]))
        for name, kind in (("a", ""), ("b", form)):
            path = str(tmp_path / name)
            head = Path(path).read_bytes()[:4096]
            assert walk.is_container(head, name, path, False) == kind


# ---- laws -----------------------------------------------------------------------------------------------------------


def joined(data: bytes, form: lines.Form, step: int = 1 << 20) -> tuple[bytes, Places, list[tuple[str, str, str]]]:
    told: list[tuple[str, str, str]] = []
    source = io.BytesIO(data)
    context = Context("x", Limits(), Budget(Limits(), len(data)), lambda *what: told.append(what))
    made = lines.Joined(Stream(lambda count: source.read(min(count, step))), form, context)
    return b"".join(made), made.places, told


RECORDS = st.lists(
    st.tuples(st.sampled_from(["stdout", "stderr"]), st.text("ab\\n\"é ", max_size=6), st.booleans()), max_size=30
)


@given(RECORDS, st.sampled_from(sorted(FORMS)), st.integers(1, 40), st.booleans())
@settings(max_examples=300, deadline=None)
def test_joining_loses_nothing_and_knows_its_places(
    records: list[tuple[str, str, bool]], form: str, step: int, junk: bool
) -> None:
    parts = [(stream, text + ("\n" if whole else "")) for stream, text, whole in records]
    data = FORMS[form](parts)
    if junk:
        data = data.replace(b"stderr", b"std err")
    kind: lines.Form = lines._JsonFile() if form == "json-file" else lines._Cri()
    text, found, told = joined(data, kind, step)
    assert told == []
    log_lines = data.split(b"\n")
    line = start = 0
    for offset, byte in enumerate(text):
        there, there_line, column = found.place(offset, line + 1, offset - start + 1)
        assert data[there] == byte
        assert log_lines[there_line - 1][column - 1 : column] in (bytes([byte]), b"")
        if byte == 10:
            line, start = line + 1, offset + 1
    for stream in ("stdout", "stderr") if not junk else ("stdout",):
        said = "".join(text for name, text in parts if name == stream)
        if form == "json-file":
            whole = "".join(r["log"] for r in map(json.loads, text.splitlines()) if r["stream"] == stream)
            assert whole == said
    assert len(text) <= len(data)


def test_what_is_not_cut_is_handed_on_as_it_is() -> None:
    data = json_file([("stdout", f"{n}\n") for n in range(50_000)])
    text, found, _ = joined(data, lines._JsonFile())
    assert text == data
    assert len(found) == 1


def test_a_record_that_says_more_is_not_joined_and_not_dropped() -> None:
    """Somebody may put anything between the parts: only what says nothing is dropped."""
    odd = b'{"log":"ab","stream":"stdout","password":"kept","time":"2026-01-02T03:04:05.6Z"}\n'
    attrs = b'{"log":"ab","stream":"stdout","attrs":{"k":"kept"},"time":"2026-01-02T03:04:05.6Z"}\n'
    plain = b'{"log":"cd\\n","stream":"stdout","time":"2026-01-02T03:04:05.6Z"}\n'
    for first in (odd, attrs):
        text, _, _ = joined(first + plain, lines._JsonFile())
        assert b"kept" in text
    text, _, _ = joined(attrs + attrs.replace(b"ab", b"cd\\n"), lines._JsonFile())
    assert text.count(b"kept") == 1
    assert b'"abcd\\n"' in text


def test_lines_that_wait_are_bounded_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_HELD", 1000)
    parts = [("stdout", "never ended"), *[("stderr", f"{n}\n") for n in range(100)], ("stdout", "end\n")]
    text, _, told = joined(json_file(parts), lines._JsonFile())
    assert [reason for _, _, reason in told] == [
        "more than 1000 bytes of another stream between the parts of a line: not joined"
    ]
    assert len(text.splitlines()) == 102


def test_cuts_are_bounded_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_CUTS", 10)
    text, found, told = joined(json_file([("stdout", "a"), ("stdout", "b\n")] * 50), lines._JsonFile())
    assert len(found) < 20
    assert len(told) == 1
    assert text.count(b'"a') == 50
    text, found, told = joined(json_file([("stdout", "a")] * 100), lines._JsonFile())
    assert len(found) < 20
    assert len(told) == 1
    assert text.count(b"a") >= 100


def test_a_truncated_and_a_damaged_log_are_read_as_they_are(tmp_path: Path) -> None:
    data = json_file(split_token(7))
    (tmp_path / "a.log").write_bytes(data[: data.rfind(b"GITHUB") + 40] + b"\0\0\xff")
    (tmp_path / "b.log").write_bytes(data.replace(b'"stream"', b'"strXam"', 1) + json_file([("stdout", f"k {token(8)}\n")]))
    found = findings(tmp_path, ".")
    assert ("b.log", 3, token(8)) in [(r["path"], r["start_line"], r["secret"]) for r in found]


def test_standard_input_of_any_length_has_no_limit(tmp_path: Path) -> None:
    data = json_file([("stdout", "nothing\n")] * 3000 + split_token(9))
    found = by_process(tmp_path, "-", "--archive-bytes", "1000", stdin=data)
    assert [(r["path"], r["start_line"]) for r in found] == [("<stdin>", 3001)]


# ---- syslog by counts -----------------------------------------------------------------------------------------------


def counted(messages: list[bytes]) -> bytes:
    return b"".join(b"%d %s" % (len(message), message) for message in messages)


def test_syslog_frames_are_lines(tmp_path: Path) -> None:
    messages = [b"<34>1 2026-10-11T22:14:15.003Z host app - ID47 - GITHUB_TOKEN=" + token(n).encode() for n in range(3)]
    data = counted([messages[0], b"<13>1 - - - - - two\nlines\n", messages[1], messages[2]])
    assert kind_of(data[:512]) == "syslog"
    (tmp_path / "s.log").write_bytes(data)
    (tmp_path / "s.tar.gz").write_bytes(gzip.compress(tar([("s.log", data)])))
    # lines count as if each message had one of its own
    assert places(tmp_path, "s.log") == [("s.log", 1, token(0)), ("s.log", 4, token(1)), ("s.log", 5, token(2))]
    assert len(places(tmp_path, "s.tar.gz")) == 3
    for record in findings(tmp_path, "s.log"):
        start, end = record["start_byte"], record["end_byte"]
        assert isinstance(start, int) and isinstance(end, int)
        assert data[start:end] == str(record["secret"]).encode()


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(0, 60), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_syslog_keeps_length_and_content(bodies: list[bytes], end: int, step: int) -> None:
    messages = [b"<1>" + body for body in bodies]
    data = counted(messages)
    data = data[: len(data) - end] if end < len(data) else data
    source = io.BytesIO(data)
    out = b"".join(lines._frames(Stream(lambda count: source.read(min(count, step)))))
    assert len(out) == len(data) or (not data and out == b"\n")
    if end == 0:
        for message in messages:
            assert message in out


def test_a_count_that_lies_hides_nothing(tmp_path: Path) -> None:
    data = b"9999999 <34>1 GITHUB_TOKEN=" + token(11).encode() + b"\n" + b"0 <3>x" + b"\nGITHUB_TOKEN=" + token(12).encode()
    (tmp_path / "s.log").write_bytes(data)
    assert [r["secret"] for r in findings(tmp_path, ".")] == [token(11), token(12)]
    data = counted([b"<34>1 text"]) + b"then plain text\nGITHUB_TOKEN=" + token(13).encode() + b"\n"
    (tmp_path / "s.log").write_bytes(data)
    assert [r["secret"] for r in findings(tmp_path, ".")] == [token(13)]


# ---- journald's export ----------------------------------------------------------------------------------------------


def field(name: str, value: bytes, binary: bool) -> bytes:
    if binary:
        return name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
    return name.encode() + b"=" + value + b"\n"


def entry(number: int, *fields: bytes) -> bytes:
    return b"__CURSOR=s=%d\n__REALTIME_TIMESTAMP=17%d\n" % (number, number) + b"".join(fields) + b"\n"


def test_the_export_format(tmp_path: Path) -> None:
    pem = b"first\nGITHUB_TOKEN=" + token(14).encode() + b"\nlast"
    data = entry(1, field("MESSAGE", b"hello", False)) + entry(2, field("MESSAGE", pem, True), field("_PID", b"1", False))
    data += entry(3, field("GITHUB_TOKEN", token(15).encode() + b"\x1b[0m", True))
    data += entry(4, field("MESSAGE", b"x" * 10, True))  # a length with a line feed in it
    assert kind_of(data[:512]) == "journal-export"
    (tmp_path / "j.export").write_bytes(data)
    (tmp_path / "j.tar.gz").write_bytes(gzip.compress(tar([("j", data)])))
    lines_of = [data[: data.index(token(n).encode())].count(b"\n") + 1 for n in (14, 15)]
    assert places(tmp_path, "j.export") == [("j.export", lines_of[0], token(14)), ("j.export", lines_of[1], token(15))]
    assert len(places(tmp_path, "j.tar.gz")) == 2


@given(st.lists(st.tuples(st.sampled_from(["A", "MESSAGE", "_X9"]), st.binary(max_size=30), st.booleans()), max_size=8),
       st.integers(0, 30), st.integers(1, 50))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_the_export_keeps_length_lines_and_values(fields: list[tuple[str, bytes, bool]], end: int, step: int) -> None:
    fields = [(name, value, binary or b"\n" in value) for name, value, binary in fields]
    data = entry(1, *[field(*one) for one in fields])
    data = data[: len(data) - end]
    source = io.BytesIO(data)
    out = b"".join(lines._fields(Stream(lambda count: source.read(min(count, step)))))
    assert len(out) == len(data)
    assert out.count(b"\n") == data.count(b"\n")
    for name, value, binary in fields if not end else ():
        assert name.encode() + (b"=" if not binary else b"") in out
        assert value in out


@pytest.mark.parametrize("data", [b"__CURSOR=\nMESSAGE\n", b"__CURSOR=\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xffabc", b"__CURSOR="])
def test_a_hostile_export_is_handed_on(data: bytes) -> None:
    out = b"".join(lines._fields(Stream(from_bytes(data))))
    assert len(out) == len(data)
    assert out.endswith(data[-3:] if data.endswith(b"abc") else data[-1:])


def test_what_journalctl_exports(tmp_path: Path) -> None:
    remote = shutil.which("systemd-journal-remote") or shutil.which("systemd-journal-remote", path="/lib/systemd:/usr/lib/systemd")
    if remote is None or shutil.which("journalctl") is None:
        pytest.skip("needs systemd-journal-remote and journalctl")
    made = entry(1, field("MESSAGE", b"a\nGITHUB_TOKEN=" + token(16).encode(), True))
    path = tmp_path / "x.journal"
    subprocess.run([remote, "-o", path, "-"], input=made, check=True, capture_output=True)
    export = subprocess.run(["journalctl", "--file", path, "-o", "export"], check=True, capture_output=True).stdout
    path.unlink()
    (tmp_path / "j").write_bytes(export)
    assert [r["secret"] for r in findings(tmp_path, ".")] == [token(16)]


# ---- logs as they are rotated and packed ----------------------------------------------------------------------------


@pytest.mark.parametrize("codec", CODECS)
def test_packed_logs(codec: str, tmp_path: Path) -> None:
    suffix, pack = CODECS[codec]
    (tmp_path / f"app.log.3{suffix}").write_bytes(pack(b"start\n" * 1000 + b"GITHUB_TOKEN=" + token(17).encode() + b"\n"))
    seen = look((tmp_path / f"app.log.3{suffix}").read_bytes(), tmp_path, f"app.log.3{suffix}")
    assert seen.incidents == []
    assert places(tmp_path, ".") == [(f"app.log.3{suffix}!/app.log.3", 1001, token(17))]


def escaped(text: str, levels: int) -> str:
    for _ in range(levels):
        text = json.dumps({"msg": text})
    return text


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_json_in_json(levels: int, tmp_path: Path) -> None:
    """A log in a log in a log: what is escaped so often is seen as what it is."""
    random = Random(levels)
    secret = "".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", k=64))
    text = json.dumps({"exchange": "binance", "apiSecret": secret, "github": token(18)})
    (tmp_path / "app.log").write_text("nothing\n" + escaped(text, levels) + "\n")
    found = findings(tmp_path, ".")
    assert {(record["secret"], record["start_line"]) for record in found} == {(secret, 2), (token(18), 2)}


@pytest.mark.parametrize(
    "text",
    [
        b"ORCHESTRATION of services\n", b"PAR1 was the first part\n", b"FEA1 plain\n", b"20 things\n", b"1 <b>bold</b>\n",
        b"12 <3> hearts and more text\n", b'{"log":"x","level":"info"}\n{"log":"y"}\n', b"2026-01-01T00:00:00Z stderr none\n",
        b"2026-01-01 10:00:00,123 INFO started\n", b"2026-01-01T00:00:00Z  stdout  P\n", b"__CURSORS=1\n", b"\n\r\r\ntext\n",
    ],
)  # fmt: skip
def test_ordinary_text_is_no_log_of_a_kind(text: bytes) -> None:
    assert kind_of(text * 30, "notes.txt") == ""
