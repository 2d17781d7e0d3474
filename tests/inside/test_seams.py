"""A secret over the seam of a log rotation: found once, where it begins, with both parts named."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nests import CODECS
from scanned import findings
from test_inside_scan import findings as by_process
from test_inside_scan import token

from leakguard.detect.generate import expand
from leakguard.rotated import log_of, seams

pytestmark = pytest.mark.usefixtures("loaded")

QUIET = b"2026-11-21 10:00:00 INFO a quiet line\n"


def key() -> bytes:
    made = ec.generate_private_key(ec.SECP384R1())
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def facts(record: dict[str, object]) -> dict[str, str]:
    origin = record["origin"]
    assert isinstance(origin, dict)
    return dict(origin.get("facts", {}))


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes, ".gz": gzip.compress, ".zst": CODECS["zstd"][1], ".xz": CODECS["xz"][1], ".bz2": CODECS["bzip2"][1],
}  # fmt: skip


@pytest.mark.parametrize("older", PACKED)
@pytest.mark.parametrize("newer", ["", ".gz", ".zst"])
def test_a_token_that_goes_on_in_the_next_part_is_found_once(older: str, newer: str, tmp_path: Path) -> None:
    text = QUIET * 3000 + b"x GITHUB_TOKEN=" + token(1).encode() + b" y\n" + QUIET * 2000
    cut = text.index(token(1).encode()) + 17
    one, other = (f"app.log.2{older}", f"app.log.1{newer}") if newer else (f"app.log.1{older}", "app.log")
    (tmp_path / one).write_bytes(PACKED[older](text[:cut]))
    (tmp_path / other).write_bytes(PACKED[newer](text[cut:]))
    (record,) = findings(tmp_path, ".")
    assert record["secret"] == token(1)
    assert record["path"] == (f"{one}!/{one.removesuffix(older)}" if older else one)
    assert facts(record) == {"continues": f"{other}!/app.log.1" if newer else other}
    assert (record["start_line"], record["start_column"]) == (3001, 16)
    assert record["start_byte"] == cut - 17
    assert record["end_byte"] == cut - 17 + len(token(1))


def test_a_key_over_a_seam_is_found_once_though_each_part_ends_with_a_line(tmp_path: Path) -> None:
    block = key()
    lines = block.splitlines(keepends=True)
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(QUIET * 900 + b"".join(lines[:2])))
    (tmp_path / "app.log").write_bytes(b"".join(lines[2:]) + QUIET)
    (record,) = findings(tmp_path, ".")
    assert record["path"] == "app.log.1.gz!/app.log.1"
    assert record["start_line"] == 901
    assert record["end_line"] == 900 + len(lines)
    assert facts(record) == {"continues": "app.log"}
    assert str(record["secret"]).split() == block.decode().split()


def test_what_each_part_took_for_a_value_is_replaced(tmp_path: Path) -> None:
    value = expand("{{hex*64}}", Random(5))
    text = f"BINANCE_API_SECRET={value}\n".encode()
    for cut in (len(text) - 20, len(text) - 40):
        (tmp_path / "bot.log.1").write_bytes(QUIET + text[:cut])
        (tmp_path / "bot.log").write_bytes(text[cut:] + QUIET)
        found = findings(tmp_path, ".")
        assert [(r["secret"], r["path"]) for r in found] == [(value, "bot.log.1")], cut


def test_a_value_behind_the_seam_has_its_name_before_it(tmp_path: Path) -> None:
    value = expand("{{hex*64}}", Random(6))
    (tmp_path / "bot.log.1").write_bytes(QUIET + b"BINANCE_API_SECRET=")
    (tmp_path / "bot.log").write_bytes(f"{value}\n".encode() + QUIET)
    found = findings(tmp_path, ".")
    assert [(r["secret"], r["path"], r["start_line"], r["start_column"]) for r in found] == [(value, "bot.log", 1, 1)]
    assert facts(found[0]) == {"begins": "bot.log.1"}


def test_a_line_that_docker_cut_goes_on_in_the_next_file(tmp_path: Path) -> None:
    def record(text: str) -> bytes:
        said = {"log": text, "stream": "stdout", "time": "2026-11-21T10:00:00Z"}
        return json.dumps(said, separators=(",", ":")).encode() + b"\n"

    one, other = f"GITHUB_TOKEN={token(3)[:20]}", f"{token(3)[20:]} done\n"
    (tmp_path / "abc-json.log.1").write_bytes(record("hello\n") * 2000 + record(one))
    (tmp_path / "abc-json.log").write_bytes(record(other) + record("hello\n"))
    (found,) = findings(tmp_path, ".")
    assert (found["secret"], found["path"], found["start_line"]) == (token(3), "abc-json.log.1", 2001)
    assert facts(found) == {"continues": "abc-json.log"}


@given(cut=st.integers(0, 120), older=st.sampled_from(["", ".gz"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wherever_the_cut_is_a_secret_is_found_once(cut: int, older: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cut")
    text = QUIET + b"a GITHUB_TOKEN=" + token(4).encode() + b" b\n" + QUIET
    (folder / f"app.log.1{older}").write_bytes(PACKED[older](text[:cut]))
    (folder / "app.log").write_bytes(text[cut:])
    assert [r["secret"] for r in findings(folder, ".")] == [token(4)]


def test_whole_secrets_beside_a_seam_are_told_where_they_stand(tmp_path: Path) -> None:
    text = b"GITHUB_TOKEN=" + token(5).encode() + b"\n", b"GITHUB_TOKEN=" + token(6).encode() + b"\n"
    (tmp_path / "app.log.1").write_bytes(QUIET + text[0])
    (tmp_path / "app.log").write_bytes(text[1] + QUIET)
    found = findings(tmp_path, ".")
    assert [(r["secret"], r["path"], facts(r)) for r in found] == [
        (token(5), "app.log.1", {}), (token(6), "app.log", {}),
    ]  # fmt: skip


def test_files_that_are_no_parts_of_one_log_are_not_put_together(tmp_path: Path) -> None:
    half = len(token(7)) // 2
    for one, other in (("a.log.1", "b.log"), ("x/app.log.1", "app.log"), ("chapter.1", "chapter.2")):
        (folder := tmp_path / one.replace("/", "-")).mkdir()
        (folder / one).parent.mkdir(exist_ok=True)
        (folder / one).write_bytes(b"GITHUB_TOKEN=" + token(7)[:half].encode())
        (folder / other).write_bytes(token(7)[half:].encode() + b"\n")
        assert not [r for r in findings(folder, ".") if r["secret"] == token(7)]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_many_workers_find_it_once_too(jobs: str, tmp_path: Path) -> None:
    text = QUIET * 400_000 + b"GITHUB_TOKEN=" + token(8).encode() + b"\n" + QUIET * 400_000
    cut = text.index(token(8).encode()) + 9
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(text[:cut], 1))
    (tmp_path / "app.log.1").write_bytes(text[cut:])
    (tmp_path / "app.log").write_bytes(QUIET)
    (record,) = by_process(tmp_path, ".", "-j", jobs)
    assert (record["secret"], record["start_line"]) == (token(8), 400_001)


def test_which_files_go_on_with_which() -> None:
    assert log_of("a/app.log.1.gz") == "a/app.log"
    assert log_of("a.1/app.log") == ""
    names = ["app.log.2.gz", "app.log.1", "app.log", "chapter.1", "chapter.2", "x-20240101", "x-20240201", "x"]
    pairs: list[tuple[str, str]] = []
    assert list(seams(names, str, pairs)) == names
    assert pairs == [
        ("app.log.2.gz", "app.log.1"), ("app.log.1", "app.log"), ("x-20240101", "x-20240201"), ("x-20240201", "x"),
    ]  # fmt: skip
