"""Logs cleaned in place: every format, nothing lost, nothing replaced that must not be, and a manifest without secrets."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.detect.engine import Engine
from leakguard.model import Confidence
from leakguard.redact import Redactor
from leakguard.redact.files import Options, clean, walk
from leakguard.redact.pump import follow
from leakguard.redact.recoded import Recoding
from tests import leaks
from tests.redact.texts import clean_lines, leaky_lines, secret

KEY = secret(31, "{{alnum*64}}")
OLD = time.time() - 7200


def text(seed: int = 60) -> bytes:
    rows = [line for line, _ in leaky_lines(seed)]
    return b"".join(a + b for a, b in zip(clean_lines(seed, len(rows)), rows, strict=True))


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    os.utime(path, (OLD, OLD))
    return path


def _zstd(data: bytes) -> bytes:
    zstandard = pytest.importorskip("zstandard")
    return bytes(zstandard.ZstdCompressor().compress(data))


def _unzstd(data: bytes) -> bytes:
    import zstandard

    return bytes(zstandard.ZstdDecompressor().decompressobj().decompress(data))


FORMATS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "plain": (bytes, bytes),
    "gzip": (gzip.compress, gzip.decompress),
    "gzip of two members": (lambda d: gzip.compress(d[:100]) + gzip.compress(d[100:]), gzip.decompress),
    "xz": (lzma.compress, lzma.decompress),
    "bzip2": (bz2.compress, bz2.decompress),
    "zstd": (_zstd, _unzstd),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_cleaned_and_keeps_what_it_is(redactor: Redactor, engine: Engine, tmp_path: Path, name: str) -> None:
    pack, unpack = FORMATS[name]
    path = put(tmp_path / "app.log.1", pack(text()))
    path.chmod(0o640)
    os.utime(path, ns=(1_600_000_000_123_456_789, 1_600_000_000_987_654_321))
    before = path.read_bytes()
    done = clean(redactor, str(path))
    assert (done.state, done.reason, done.verified) == ("cleaned", "", True)
    after = unpack(path.read_bytes())
    for _, value in leaky_lines(60):
        assert value not in after
    assert after.count(b"\n") == text().count(b"\n")
    for line in clean_lines(60, len(leaky_lines(60))):
        assert line in after
    assert not [m for m in engine.scan(after).matches if m.confidence >= Confidence.MEDIUM]
    info = path.stat()
    assert stat.S_IMODE(info.st_mode) == 0o640
    assert info.st_mtime_ns == 1_600_000_000_987_654_321
    assert done.sha256_before == hashlib.sha256(before).hexdigest()
    assert done.sha256_after == hashlib.sha256(path.read_bytes()).hexdigest()
    assert done.replaced == sum(number for _, number in done.kinds) > 0
    assert os.listdir(tmp_path) == ["app.log.1"]
    os.utime(path, (OLD, OLD))
    assert clean(redactor, str(path)).state == "clean"


def test_json_lines_stay_json(redactor: Redactor, tmp_path: Path) -> None:
    rows = [{"msg": "x", "apiKey": KEY, "nested": {"password": 'a"b\\c1234'}, "n": n, "price": 1.5} for n in range(20)]
    path = put(tmp_path / "a.jsonl", b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    assert clean(redactor, str(path)).state == "cleaned"
    for number, line in enumerate(path.read_bytes().splitlines()):
        row = json.loads(line)
        assert (row["n"], row["price"], row["msg"]) == (number, 1.5, "x")
        assert row["apiKey"].startswith("<redacted:")
        assert "c1234" not in row["nested"]["password"]


def test_a_journals_export_stays_readable(redactor: Redactor, tmp_path: Path) -> None:
    multi = f"first line\napi_secret={KEY}\nlast line".encode()
    entry = b"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=17\nMESSAGE\n" + struct.pack("<Q", len(multi)) + multi + b"\n"
    entry += f"_CMDLINE=bot --token={KEY}\nPRIORITY=6\nAPI_SECRET={KEY}\n\n".encode()
    path = put(tmp_path / "journal.export", entry + entry)
    done = clean(redactor, str(path))
    assert (done.state, done.format) == ("cleaned", "plain+journal")
    data = path.read_bytes()
    assert KEY.encode() not in data
    head = b"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=17\nMESSAGE\n"
    assert data.startswith(head)
    size = struct.unpack("<Q", data[len(head) : len(head) + 8])[0]
    message = data[len(head) + 8 : len(head) + 8 + size]
    assert message.startswith(b"first line\napi_secret=<redacted:")
    assert message.endswith(b">\nlast line")
    assert data[len(head) + 8 + size :].startswith(b"\n_CMDLINE=bot --token=<redacted:")


def test_what_only_other_lines_explain_is_found_too(redactor: Redactor, engine: Engine, tmp_path: Path) -> None:
    """A stream lets a line go before it has seen the next one; a file is there as a whole."""
    body = b"".join(leaks.leak(kind, 9)[0] + b"\n" for kind in sorted(leaks.TEMPLATES))
    data = body + b"\n" + leaks.pieces(body[:400].replace(b'"', b"'"), ' +\n  ') + b"\n"
    path = put(tmp_path / "all.log", data)
    assert clean(redactor, str(path)).verified
    found = {leaks.bare(m.secret) for m in engine.scan(data).matches if m.secret and m.confidence >= Confidence.MEDIUM}
    assert found
    assert not found & {leaks.bare(m.secret) for m in engine.scan(path.read_bytes()).matches if m.secret}


def test_dry_run_changes_nothing(redactor: Redactor, tmp_path: Path) -> None:
    path = put(tmp_path / "a.log", text())
    done = clean(redactor, str(path), Options(dry_run=True))
    assert done.state == "would-clean"
    assert path.read_bytes() == text()
    assert os.listdir(tmp_path) == ["a.log"]


def test_what_is_being_written_is_refused(redactor: Redactor, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(text())
    assert "just now" in clean(redactor, str(path)).reason
    os.utime(path, (OLD, OLD))
    writing = "import sys; f = open(sys.argv[1], 'ab'); print('ready', flush=True); sys.stdin.read()"
    child = subprocess.Popen(
        [sys.executable, "-c", writing, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin
    assert child.stdout
    child.stdout.readline()
    try:
        if sys.platform == "linux":
            done = clean(redactor, str(path))
            assert done.state == "refused"
            assert f"process {child.pid}" in done.reason
        assert path.read_bytes() == text()
        assert clean(redactor, str(path), Options(force=True)).state == "cleaned"
    finally:
        child.stdin.close()
        child.stdout.close()
        child.wait()


def test_a_lock_is_respected(redactor: Redactor, tmp_path: Path) -> None:
    import fcntl

    path = put(tmp_path / "a.log", text())
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert "locked" in clean(redactor, str(path)).reason


def test_links_are_left_alone(redactor: Redactor, tmp_path: Path) -> None:
    path = put(tmp_path / "a.log", text())
    (tmp_path / "link").symlink_to(path)
    assert "symbolic" in clean(redactor, str(tmp_path / "link")).reason
    os.link(path, tmp_path / "second")
    assert "2 names" in clean(redactor, str(path)).reason
    assert path.read_bytes() == text()


def test_a_change_meanwhile_is_noticed(own: Redactor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "a.log", text())
    scanner = own.scanner()

    class Growing:
        def scan(self, *arguments: object) -> object:
            with path.open("ab") as file:
                file.write(b"a new line\n")
            return scanner.scan(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(own, "scanner", Growing)
    done = clean(own, str(path))
    assert done.state == "refused"
    assert path.read_bytes().startswith(text())
    assert path.read_bytes().endswith(b"a new line\n")
    assert os.listdir(tmp_path) == ["a.log"]


@pytest.mark.parametrize("data", [gzip.compress(text())[:-20], lzma.compress(text())[:-20], bz2.compress(text())[:-5],
                                  b"\x1f\x8bnot gzip at all"], ids=["gz", "xz", "bz2", "no gz"])  # fmt: skip
def test_what_cannot_be_read_to_its_end_is_left_alone(redactor: Redactor, tmp_path: Path, data: bytes) -> None:
    path = put(tmp_path / "a.log", data)
    done = clean(redactor, str(path))
    assert done.state == "failed"
    assert path.read_bytes() == data
    assert os.listdir(tmp_path) == ["a.log"]


def test_what_is_not_proven_clean_is_left_alone(own: Redactor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "a.log", text())
    monkeypatch.setattr("leakguard.redact.files._settled", lambda _r, _p, window: window + f"api_secret={KEY}\n".encode())
    done = clean(own, str(path))
    assert done.state == "failed"
    assert "would remain" in done.reason
    assert KEY not in done.reason
    assert path.read_bytes() == text()


def test_known_values_are_cleaned_in_files(own: Redactor, tmp_path: Path) -> None:
    own.register("a phrase without any shape", "phrase")
    path = put(tmp_path / "a.log", b"it was: a phrase without any shape.\n" * 3)
    done = clean(own, str(path))
    assert (done.state, done.replaced) == ("cleaned", 3)
    assert b"without any" not in path.read_bytes()


def test_large_files_go_through_windows(redactor: Redactor, tmp_path: Path) -> None:
    block = b"".join(clean_lines(1, 5000))
    path = put(tmp_path / "big.log", block * 20 + f"BINANCE_API_SECRET={KEY}\n".encode() + block * 20)
    assert path.stat().st_size > 10_000_000
    done = clean(redactor, str(path))
    assert (done.state, done.replaced) == ("cleaned", 1)
    after = path.read_bytes()
    assert after.startswith(block * 20 + b"BINANCE_API_SECRET=<redacted:binance.api-secret:")
    assert after.endswith(b">\n" + block * 20)


def test_folders_are_walked(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("a/2.log", "a/1.log", "a/b/3.log"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "a" / "link").symlink_to(tmp_path / "a" / "1.log")
    assert [os.path.relpath(path, tmp_path) for path in walk([str(tmp_path)])] == ["a/1.log", "a/2.log", "a/b/3.log"]


# ---------------------------------------------------------------- the command, escrow
def run(folder: Path, *arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "leakguard", "redact", *arguments], cwd=folder, input=data, capture_output=True,
        check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture
def keys(tmp_path: Path) -> tuple[str, str]:
    """(public key, path of the private one)."""
    pyrage = pytest.importorskip("pyrage")
    identity = pyrage.x25519.Identity.generate()
    path = tmp_path / "identity"
    path.write_text(f"# a key\n{identity}\n")
    return str(identity.to_public()), str(path)


def test_the_command_writes_a_manifest_without_secrets(tmp_path: Path, keys: tuple[str, str]) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    put(folder / "a.log", text())
    put(folder / "b.log.gz", gzip.compress(text(70)))
    put(folder / "clean.log", b"nothing here\n")
    done = run(tmp_path, "--in-place", "logs", "--manifest", "m.json", "--backup", "sealed", "--recipient", keys[0])
    assert done.returncode == 0, done.stderr
    manifest = (tmp_path / "m.json").read_bytes()
    for output in (done.stdout, done.stderr, manifest):
        for _, value in [*leaky_lines(60), *leaky_lines(70)]:
            assert value not in output
    files = json.loads(manifest)["files"]
    assert [row["state"] for row in files] == ["cleaned", "cleaned", "clean"]
    assert all(row["verified"] for row in files)
    sealed = (folder / "a.log.age").read_bytes()
    assert stat.S_IMODE((folder / "a.log.age").stat().st_mode) == 0o600
    import pyrage

    identity = pyrage.x25519.Identity.from_str((tmp_path / "identity").read_text().splitlines()[1])
    assert pyrage.decrypt(sealed, [identity]) == text()
    assert run(tmp_path, "--in-place", "missing.log", "--manifest", "n.json").returncode == 3


def test_an_escrow_gives_back_what_was_masked_to_the_key_alone(tmp_path: Path, keys: tuple[str, str]) -> None:
    line = f"BINANCE_API_SECRET={KEY}\n".encode()
    done = run(tmp_path, "--escrow", "e.jsonl", "--recipient", keys[0], data=line * 3)
    assert done.returncode == 0, done.stderr
    escrow = tmp_path / "e.jsonl"
    assert stat.S_IMODE(escrow.stat().st_mode) == 0o600
    rows = [json.loads(row) for row in escrow.read_text().splitlines()]
    assert len(rows) == 1
    assert KEY not in escrow.read_text()
    assert f"<redacted:{rows[0]['kind']}:{rows[0]['pseudonym']}>".encode() in done.stdout
    opened = run(tmp_path, "--unseal", keys[1], "e.jsonl")
    assert [json.loads(row)["secret"] for row in opened.stdout.splitlines()] == [KEY]
    assert "unsealed_by" in escrow.read_text()
    other = tmp_path / "other"
    import pyrage

    other.write_text(str(pyrage.x25519.Identity.generate()))
    assert run(tmp_path, "--unseal", str(other), "e.jsonl").returncode == 3


def test_an_escrow_that_is_full_stops_nothing(environment: str, tmp_path: Path, keys: tuple[str, str]) -> None:
    from leakguard.redact.escrow import Escrow

    escrow = Escrow(str(tmp_path / "e"), keys[0], most_bytes=10)
    own = Redactor(cache_folder=environment, escrow=escrow)
    assert KEY not in own.redact(f"api_secret={KEY}")
    assert (escrow.written, escrow.dropped) == (0, 1)
    escrow._most = 1 << 20  # somebody made room: what was dropped is put when it comes again
    assert KEY not in own.redact(f"api_secret={KEY}")
    assert (escrow.written, escrow.dropped) == (1, 1)
    escrow.close()


def test_the_command_says_what_its_escrow_does_not_hold(tmp_path: Path, keys: tuple[str, str]) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    done = run(tmp_path, "--escrow", "/dev/full", "--recipient", keys[0], data=f"BINANCE_API_SECRET={KEY}\n".encode())
    assert done.returncode == 3
    assert done.stdout.startswith(b"BINANCE_API_SECRET=<redacted:")
    assert b"1 masked values could not be put into the escrow" in done.stderr


def test_a_damaged_line_does_not_keep_the_others_of_an_escrow(environment: str, tmp_path: Path, keys: tuple[str, str]) -> None:
    """A disk that was full leaves half a line, and the next entry was written right behind it."""
    from leakguard.redact.escrow import Escrow

    path = tmp_path / "e.jsonl"
    for number in range(3):
        escrow = Escrow(str(path), keys[0])
        escrow.put("own.key", "123456", f"{KEY}{number}".encode())
        assert escrow.written == 1
        escrow.close()
        with open(path, "ab") as file:
            file.write([b'{"time": 1, "sea', b'["no entry"]\n17\n{"sealed": 5, "time": 1}\n', b""][number])
    opened = run(tmp_path, "--unseal", keys[1], "e.jsonl")
    assert [json.loads(row)["secret"] for row in opened.stdout.splitlines()] == [f"{KEY}{number}" for number in range(3)]
    assert opened.returncode == 3
    assert b"0 entries cannot be unsealed with this key, 4 lines are damaged" in opened.stderr


def test_an_escrow_that_is_not_there_is_not_made(tmp_path: Path, keys: tuple[str, str]) -> None:
    assert run(tmp_path, "--unseal", keys[1], "missing.jsonl").returncode == 3
    assert not (tmp_path / "missing.jsonl").exists()


def test_the_reader_of_descriptors_keeps_its_escrow(environment: str, tmp_path: Path, keys: tuple[str, str]) -> None:
    """It closes all descriptors that are not its own: the escrow's was one of them."""
    code = (
        "import os, sys; from leakguard.redact import Redactor, guard_fds; from leakguard.redact.escrow import Escrow\n"
        "guard = guard_fds(Redactor(escrow=Escrow(sys.argv[1], sys.argv[2])))\n"
        "os.write(1, b'BINANCE_API_SECRET=' + sys.argv[3].encode() + b'\\n'); guard.undo()"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "e"), keys[0], KEY], capture_output=True, check=True, timeout=60)
    assert done.stdout.startswith(b"BINANCE_API_SECRET=<redacted:")
    opened = run(tmp_path, "--unseal", keys[1], "e")
    assert [json.loads(row)["secret"] for row in opened.stdout.splitlines()] == [KEY]


def test_half_of_a_backup_is_not_left(tmp_path: Path, keys: tuple[str, str], monkeypatch: pytest.MonkeyPatch, redactor: Redactor) -> None:
    """It would be in the way of the next one; and the file stays as it was."""
    from leakguard.cli.redact import _sealed
    from leakguard.redact import escrow

    def fails(_source: object, out: io.BufferedWriter, _keys: object) -> None:
        out.write(b"half")
        raise OSError(28, "No space left on device")

    path = put(tmp_path / "a.log", f"BINANCE_API_SECRET={KEY}\n".encode())
    with monkeypatch.context() as patched:
        patched.setattr(escrow, "seal_file", fails)
        assert clean(redactor, str(path), Options(backup=_sealed(keys[0]))).state == "failed"
    assert path.read_bytes() == f"BINANCE_API_SECRET={KEY}\n".encode()
    assert not (tmp_path / "a.log.age").exists()
    assert clean(redactor, str(path), Options(backup=_sealed(keys[0]))).state == "cleaned"


# ---------------------------------------------------------------- what is left alone, and what must not change
def test_lines_that_look_like_a_phrase_are_no_flood(redactor: Redactor, tmp_path: Path) -> None:
    """Numbers and short words: a recovery phrase has them, and so has every trainer's log."""
    lines = "".join(f"epoch {number} loss {number}.25 rate 3\n" for number in range(2000))
    path = put(tmp_path / "a.log", f"{lines}BINANCE_API_SECRET={KEY}\n".encode())
    done = clean(redactor, str(path))
    assert (done.state, done.replaced, done.verified) == ("cleaned", 1, True)
    assert path.read_bytes().startswith(lines.encode())


def test_lines_that_cannot_be_checked_are_not_called_clean(own: Redactor, tmp_path: Path) -> None:
    flood = b"password=" * 50_000 + b"\n"
    path = put(tmp_path / "a.log", b"before\n" + flood + b"after\n")
    done = clean(own, str(path))
    assert (done.state, done.verified) == ("refused", False)
    assert path.read_bytes() == b"before\n" + flood + b"after\n"
    done = clean(own, str(path), Options(force=True))
    assert (done.state, done.kinds) == ("cleaned", (("error", 1),))
    assert path.read_bytes() == b"before\n<redacted:error>\nafter\n"
    assert clean(own, str(path), Options(force=True)).state == "clean"  # that it says so is no new line of that kind


@pytest.mark.parametrize("head", [
    b"LPKSHHRH" + bytes(200), b"SQLite format 3\0" + bytes(80), b"PK\x03\x04" + bytes(30), b"\x7fELF" + bytes(60),
    b"name.log".ljust(257, b"\0") + b"ustar\x0000" + bytes(200),
], ids=["journal", "sqlite", "zip", "elf", "tar"])  # fmt: skip
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
def test_what_is_no_log_is_left_alone(redactor: Redactor, tmp_path: Path, head: bytes, pack: Callable[[bytes], bytes]) -> None:
    data = pack(head + f"BINANCE_API_SECRET={KEY}\n".encode())
    path = put(tmp_path / "a.log", data)
    done = clean(redactor, str(path), Options(force=True))
    assert (done.state, done.reason.startswith("is no log but ")) == ("refused", True)
    assert path.read_bytes() == data


def test_binary_files_are_refused_and_truncated_logs_are_not(redactor: Redactor, tmp_path: Path) -> None:
    line = f"BINANCE_API_SECRET={KEY}\n".encode()
    path = put(tmp_path / "wtmp", b"user\0\0\0\0" + line + b"\0\0\0host\0")
    assert clean(redactor, str(path)).reason.startswith("is binary")
    assert clean(redactor, str(path), Options(force=True)).state == "cleaned"
    log = put(tmp_path / "truncated.log", bytes(5000) + b"first line\n" + line)  # a writer went on where it had been
    assert clean(redactor, str(log)).state == "cleaned"
    wide = put(tmp_path / "wide.log", "\ufeff".encode("utf-16-le") + line.decode().encode("utf-16-le"))
    assert clean(redactor, str(wide)).state == "cleaned"


def test_numbers_in_json_stay_as_they_are_written(redactor: Redactor, tmp_path: Path) -> None:
    line = '{"a": 1.10, "big":1e400,"exact": 0.1000000000000000055, "é":"x", "msg": "he said \\"api_secret\\": \\"%s\\" \\u00e9\\n"}\n'
    path = put(tmp_path / "a.jsonl", ("{}\n" + line % KEY).encode())
    assert clean(redactor, str(path)).state == "cleaned"
    after = path.read_text()
    assert KEY not in after
    before, mask, rest = after.partition("<redacted:")
    assert mask
    assert "{}\n" + line == before + "%s" + rest.partition(">")[2]


def test_gzips_name_and_time_stay(redactor: Redactor, tmp_path: Path) -> None:
    out = io.BytesIO()
    with gzip.GzipFile("app.log", "wb", fileobj=out, mtime=1234567) as file:
        file.write(text())
    path = put(tmp_path / "a.gz", out.getvalue())
    assert clean(redactor, str(path)).state == "cleaned"
    head = path.read_bytes()[:18]
    assert head[4:8] == (1234567).to_bytes(4, "little")
    assert head[10:] == b"app.log\0"


# ---------------------------------------------------------------- text of two and four bytes a character
WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")


def _places(lines: int) -> str:
    """What only names and places give away, and text of all sizes of character."""
    return "".join(f"2026-11-22 line {n} \u00e9 \U0001f511\r\nGET /x?signature={KEY}{n}&a=1\r\n" for n in range(lines))


@pytest.mark.parametrize("encoding", WIDE)
def test_names_and_places_are_seen_in_wide_text(redactor: Redactor, tmp_path: Path, encoding: str) -> None:
    """The scanner's rules read such text; what is only looked for in logs was not."""
    before = _places(20)
    path = put(tmp_path / "a.log", before.encode(encoding) + b"\x41")
    done = clean(redactor, str(path))
    assert (done.state, done.replaced, done.verified) == ("cleaned", 20, True)
    after = path.read_bytes()
    assert after.endswith(b"\x41")
    told = after[:-1].decode(encoding)
    assert KEY not in told
    assert [line for line in told.splitlines() if "GET" not in line] == [line for line in before.splitlines() if "GET" not in line]


@pytest.mark.parametrize("encoding", WIDE)
def test_a_stream_of_wide_text(tmp_path: Path, encoding: str) -> None:
    data = _places(5).encode(encoding) + b"\0"
    (tmp_path / "a.log").write_bytes(data)
    for done in (run(tmp_path, data=data), run(tmp_path, "a.log")):
        assert done.returncode == 0
        assert done.stdout.endswith(b"\0")
        told = done.stdout[:-1].decode(encoding)
        assert KEY not in told
        assert told.count("<redacted:") == 5
        assert told.count("\u00e9 \U0001f511\r\n") == 5


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xfe", b"\xff\xfe", b"\xfe\xff\xd8", b"\xff\xfe\0\0a\0\0\0", b"\xff\xfea\0\0\xd8", b"\0" * 99, b"\xff\xfe\0\0a\0\0\0\0\0\x11\0\0\xd8\0\0\xff\xff\xff\xffb\0\0\0c\0"])
def test_recoding_changes_no_byte(data: bytes) -> None:
    for piece in (1, 2, 3, 99):
        assert _recoded(data, piece) == data


def _recoded(data: bytes, piece: int) -> bytes:
    """What comes out of it, and of it alone, in pieces of so many bytes."""
    from leakguard.redact.recoded import Recoded

    out: list[bytes] = []
    recoded = Recoded(out.append)
    for at in range(0, len(data), piece):
        recoded.given(recoded.taken(data[at : at + piece]))
        if recoded.behind is not None:
            return b"".join(out) + recoded.behind + data[at + piece :]
    return b"".join(out) + recoded.rest()


@given(st.binary(max_size=60), st.sampled_from([b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\0\0\xfe\xff", b""]), st.integers(1, 7))
def test_recoding_any_bytes_changes_none(data: bytes, mark: bytes, piece: int) -> None:
    assert _recoded(mark + data, piece) == mark + data


@given(st.lists(st.sampled_from([b"ab", b"\0", b"a\0b\0", b"a line of one byte a character\n", b"\x0a\x4e\x2d\x4e", b"\xff"]), max_size=12), st.booleans(), st.integers(1, 40))
def test_recoding_of_text_that_changes_changes_none(pieces: list[bytes], mark: bool, size: int) -> None:
    data = b"\xff\xfe" * mark + b"".join(pieces)
    assert _recoded(data, size) == data


APPENDED = f"\r\nand more\r\napi_secret={KEY}\r\nthe end\r\n".encode()


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("piece", [1, 3, 64, 9999])
def test_text_of_one_byte_that_was_appended_to_wide_text(redactor: Redactor, encoding: str, piece: int) -> None:
    head = _places(3).encode(encoding)
    for tail in (APPENDED, f"api_secret={KEY}".encode()):
        data = head + tail
        out: list[bytes] = []
        stream = Recoding(redactor, out.append)
        for at in range(0, len(data), piece):
            stream.feed(data[at : at + piece])
        stream.flush()
        for told in (b"".join(out), redactor.redact(data)):
            assert told.startswith(redactor.redact(head))
            assert KEY.encode() not in told
            assert told.count(b"<redacted:") == 1
            assert len(told.split(b"api_secret=")) == 2


@pytest.mark.parametrize("encoding", WIDE)
def test_a_file_of_wide_text_and_of_another(redactor: Redactor, tmp_path: Path, encoding: str) -> None:
    head = _places(3).encode(encoding)
    path = put(tmp_path / "a.log", head + APPENDED)
    assert run(tmp_path, "a.log").stdout.count(b"<redacted:") == 1
    done = clean(redactor, str(path))
    assert (done.state, done.replaced, done.verified) == ("cleaned", 4, True)
    assert path.read_bytes() == redactor.redact(head) + redactor.redact(APPENDED)


def test_a_value_of_wide_text_that_stands_behind_it_once_more(redactor: Redactor) -> None:
    data = f"api_secret={KEY}\r\n".encode("utf-16") + f"and {KEY} again\n{KEY}".encode()
    assert KEY.encode() not in redactor.redact(data)


@pytest.mark.parametrize("encoding", WIDE)
def test_chinese_is_wide_text(redactor: Redactor, encoding: str) -> None:
    """Characters of which some are two printable bytes; it is recoded to its end."""
    text = "2026-11-22 \u554a\u4e0a\u6d77\u4ea4\u6613\u6240\u6e2c\u8a66\u7528\u5e33\u865f \u554a\u4e2d" * 3
    data = f"{text}\r\n{text} api_secret={KEY}\r\n{text}".encode(encoding)
    assert _recoded(data, 7) == data
    told = redactor.redact(data).decode(encoding)
    assert KEY not in told and told.startswith(text) and told.endswith(text)


@pytest.mark.parametrize("encoding", WIDE)
def test_records_of_wide_text(redactor: Redactor, encoding: str) -> None:
    before = _places(3)
    data = before.encode(encoding)
    told = redactor.redact(data)
    assert KEY not in told.decode(encoding)
    assert told.decode(encoding).count("<redacted:") == 3
    assert redactor.redact(told) is told
    assert redactor.redact(data + b"\0")[-1:] == b"\0"
    clean = "2026-11-22 an ordinary line \u00e9 \U0001f511\r\n".encode(encoding)
    assert redactor.redact(clean) is clean


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("piece", [1, 2, 3, 5, 64])
def test_wide_text_in_any_writes(redactor: Redactor, encoding: str, piece: int) -> None:
    data = _places(3).encode(encoding)
    out: list[bytes] = []
    stream = Recoding(redactor, out.append)
    for at in range(0, len(data), piece):
        stream.feed(data[at : at + piece])
    stream.flush()
    assert KEY not in b"".join(out).decode(encoding)
    assert b"".join(out) == redactor.redact(data)


@pytest.mark.parametrize("encoding", WIDE)
def test_a_wide_prompt_is_shown(redactor: Redactor, encoding: str) -> None:
    prompt = "> ".encode(encoding)
    out: list[bytes] = []
    stream = Recoding(redactor, out.append)
    stream.feed(prompt[:-1])
    stream.feed(prompt[-1:])
    assert stream.waiting
    stream.idle()
    assert b"".join(out) == prompt
    stream.feed(f"token={KEY}\n".encode(encoding)[len("".encode(encoding)) :])
    assert KEY not in b"".join(out).decode(encoding)


@pytest.mark.parametrize("text", [b"a", b"\xff", b"\0", b"ab", b"a\0", b"\xff\xfe"])
def test_what_is_not_known_yet_does_not_wait_for_ever(redactor: Redactor, text: bytes) -> None:
    out: list[bytes] = []
    stream = Recoding(redactor, out.append)
    stream.feed(text)
    stream.idle()
    stream.flush()
    assert b"".join(out) == text


@pytest.mark.parametrize("encoding", WIDE)
def test_a_childs_wide_output(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "said").write_bytes(_places(4).encode(encoding))
    done = run(tmp_path, "--", sys.executable, "-c", "import os; os.write(1, open('said', 'rb').read()); os.write(2, open('said', 'rb').read())")
    assert done.returncode == 0
    for told in (done.stdout, done.stderr):
        assert KEY not in told.decode(encoding)
        assert told.decode(encoding).count("<redacted:") == 4


@pytest.mark.parametrize("mode", ["process", "thread"])
def test_a_guarded_descriptors_wide_output(tmp_path: Path, mode: str) -> None:
    (tmp_path / "said").write_bytes(_places(4).encode("utf-32"))
    code = f"import os; from leakguard.redact import guard_fds; g = guard_fds(mode={mode!r}); os.write(1, open('said', 'rb').read()); g.undo()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=tmp_path, timeout=120, check=True)
    assert KEY not in done.stdout.decode("utf-32")
    assert done.stdout.decode("utf-32").count("<redacted:") == 4


def test_a_wide_file_that_is_followed(redactor: Redactor, tmp_path: Path) -> None:
    """And is then written anew by somebody who writes in another way."""
    path = tmp_path / "a.log"
    path.write_bytes(_places(2).encode("utf-16"))
    out: list[bytes] = []
    turns = iter((_places(1).encode(), None))

    def goes_on() -> bool:
        if b"".join(out).count(b"\n") < 4:
            return True
        after = next(turns, None)
        if after is not None:
            path.write_bytes(after)
        return after is not None or b"".join(out).count(b"\n") < 6

    follow(redactor, [str(path)], out.append, goes_on)
    whole = b"".join(out)
    cut = whole.rindex(b"2026-11-22 line 0 \xc3")
    assert KEY not in whole[:cut].decode("utf-16")
    assert whole[:cut].decode("utf-16").count("<redacted:") == 2
    assert KEY not in whole[cut:].decode()
    assert whole[cut:].decode().count("<redacted:") == 1


def test_what_is_compressed_twice_is_not_called_clean(redactor: Redactor, tmp_path: Path) -> None:
    path = put(tmp_path / "a.gz", gzip.compress(bz2.compress(text())))
    assert clean(redactor, str(path)).reason == "is no log but compressed twice"


def test_zeros_between_streams_of_xz(redactor: Redactor, tmp_path: Path) -> None:
    """They are allowed, and were called damage."""
    path = put(tmp_path / "a.xz", lzma.compress(text()) + b"\0" * 8 + lzma.compress(text(70)))
    assert clean(redactor, str(path)).state == "cleaned"
    assert lzma.decompress(path.read_bytes()).count(b"\n") == (text() + text(70)).count(b"\n")
