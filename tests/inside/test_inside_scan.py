"""`leakguard scan` and `leakguard extract` on archives, as their users run them: whole processes on real files."""

from __future__ import annotations

import gzip
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from nests import ARCHIVES, CODECS, gzip_quine, tar, zip_, zip_records

from leakguard.collector import Collector
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.pipeline import scan_files
from leakguard.sources.files import Options, walk
from leakguard.sources.inside.limits import Limits
from leakguard.work import Policy

pytestmark = pytest.mark.usefixtures("loaded")


def token(number: int) -> str:
    return expand("{{gen:github ghp_}}", Random(number))


def planted(number: int) -> bytes:
    return f"first line\nGITHUB_TOKEN={token(number)}\nlast line\n".encode()


def run(folder: Path, *arguments: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "leakguard", *arguments], cwd=folder, input=stdin, capture_output=True, check=False,
        timeout=300, env={**os.environ, **env},
    )  # fmt: skip
    assert b"Traceback" not in done.stderr
    return done


def findings(folder: Path, *arguments: str, code: int = 1, stdin: bytes = b"") -> list[dict[str, object]]:
    done = run(folder, "scan", "-f", "jsonl", "--show-secrets", *arguments, stdin=stdin)
    assert done.returncode == code, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return [record for record in records if record.get("type", "finding") == "finding"]


@pytest.fixture(scope="module")
def nest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """A folder with an archive of every kind, each in a tar in another compression; (folder, kind -> number)."""
    folder = tmp_path_factory.mktemp("nest")
    numbers = {}
    codecs = list(CODECS)
    for number, (form, make) in enumerate(ARCHIVES.items()):
        try:
            inner = make([("srv/config.env", planted(number))])
        except pytest.skip.Exception:
            continue
        suffix, pack = CODECS[codecs[number % len(codecs)]]
        try:
            data = pack(tar([("images/inner", inner), ("readme", b"nothing here")]))
        except pytest.skip.Exception:
            continue
        (folder / f"backup{number}.tar{suffix}").write_bytes(data)
        numbers[form] = number
    return folder, numbers


def test_each_secret_of_a_nest_is_found_once_with_its_chain(nest: tuple[Path, dict[str, int]]) -> None:
    folder, numbers = nest
    found = findings(folder, ".", "--receipt", "../receipt.json")
    assert sorted(str(record["secret"]) for record in found) == sorted(token(number) for number in numbers.values())
    for form, number in numbers.items():
        record = next(record for record in found if record["secret"] == token(number))
        assert str(record["path"]).startswith(f"backup{number}.tar"), form
        assert "!/images/inner!/" in str(record["path"])
        assert record["start_line"] == 2
        chain, origin = [], record["origin"]
        while isinstance(origin, dict):
            chain.append((origin["kind"], origin["path"]))
            origin = origin.get("inside")
        assert chain[-2][1] == "images/inner"
        assert chain[-1] == ("file", str(record["path"]).split("!/", 1)[0])
    receipt = json.loads((folder / "../receipt.json").read_bytes())
    assert receipt["complete"] is True
    assert receipt["failed"]["count"] == receipt["truncated"]["count"] == receipt["skipped"]["count"] == 0
    inside = receipt["details"]["inside"]
    assert inside["limits"] == Limits()._asdict()
    assert inside["containers"] >= 2 * len(numbers)
    assert inside["members"] >= 2 * len(numbers)


def test_every_chain_of_a_report_can_be_extracted(nest: tuple[Path, dict[str, int]]) -> None:
    folder, _ = nest
    for record in findings(folder, ".")[::3]:
        chain = f"{record['path']}:{record['start_line']}:{record['start_column']}"
        done = run(folder, "extract", chain)
        assert done.returncode == 0, done.stderr
        assert str(record["secret"]).encode() in done.stdout
        assert done.stdout.count(b"\n") >= 3


def test_text_shows_the_chain_and_no_output_the_secret(tmp_path: Path) -> None:
    (tmp_path / "backup.tar.gz").write_bytes(
        gzip.compress(tar([("images/app.tar", tar([("srv/config.json", planted(1))]))]))
    )
    done = run(tmp_path, "scan", ".", "--receipt", "receipt.json")
    assert b"backup.tar.gz!/images/app.tar!/srv/config.json:2:14" in done.stdout
    for output in (done.stdout, done.stderr, (tmp_path / "receipt.json").read_bytes()):
        assert token(1).encode() not in output


def test_looking_inside_can_be_switched_off(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(planted(1)))
    assert run(tmp_path, "scan", "x.gz").returncode == 1
    assert run(tmp_path, "scan", "x.gz", "--no-archives").returncode == 0
    (tmp_path / "leakguard.toml").write_text("archives = false\n")
    assert run(tmp_path, "scan", "x.gz").returncode == 0
    assert run(tmp_path, "scan", "x.gz", "--archives").returncode == 1


def test_standard_input_is_looked_into(tmp_path: Path) -> None:
    data = gzip.compress(tar([("a", planted(1)), ("z.zip", zip_([("b", planted(2))]))]))
    found = findings(tmp_path, "-", stdin=data)
    assert {record["path"] for record in found} == {"<stdin>!/a", "<stdin>!/z.zip!/b"}
    plain = findings(tmp_path, "-", stdin=planted(3))
    assert [(record["path"], record["start_line"]) for record in plain] == [("<stdin>", 2)]


@pytest.mark.parametrize(
    ("data", "options", "reason"),
    [
        (gzip_quine(), [], "nested more than 10 deep"),
        (gzip.compress(planted(1)), ["--archive-depth", "1", "--archive-bytes", "5"], "--archive-bytes"),
        (tar([(str(n), b"") for n in range(99)]), ["--archive-members", "50"], "--archive-members"),
        (gzip.compress(planted(9))[:-20], [], "ends early"),
        (zip_records([("a", b"x" * 50, 1, 0)]), [], "encrypted"),
    ],
)
def test_what_could_not_be_read_is_never_clean(data: bytes, options: list[str], reason: str, tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(data)
    done = run(tmp_path, "scan", "it", "--receipt", "r.json", *options)
    assert done.returncode in (1, 3)
    assert b"INCOMPLETE" in done.stderr
    receipt = json.loads((tmp_path / "r.json").read_bytes())
    assert receipt["complete"] is False
    reasons = {**receipt["failed"]["reasons"], **receipt["truncated"]["reasons"]}
    assert any(reason in text for text in reasons)


def test_a_missing_package_is_named_and_strict_ends_with_three(tmp_path: Path) -> None:
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "zstandard.py").write_text("raise ImportError('not here')\n")
    (tmp_path / "backup").mkdir()
    for number in range(3):
        (tmp_path / "backup" / f"{number}.zst").write_bytes(CODECS["zstd"][1](b"something " * 9))
    done = run(tmp_path, "scan", "backup", PYTHONPATH=str(tmp_path / "without"))
    assert done.returncode == 0
    assert b"skipped 3 (3 of kind zstd, not read: install leakguard-scanner[archives])" in done.stderr
    named = [f"backup/{number}.zst" for number in range(3)]
    for arguments in (["--strict", "backup"], named):  # who names a file wants that one read
        strict = run(tmp_path, "scan", *arguments, PYTHONPATH=str(tmp_path / "without"))
        assert strict.returncode == 3
        assert b"failed 3 (3 of kind zstd" in strict.stderr


def test_a_large_member_is_scanned_in_windows(tmp_path: Path, engine: Engine) -> None:
    """Across the borders of windows as in a file, at the lines of the member."""
    random = Random(4)
    filler = b"".join(b"%d some words of a log line\n" % random.randrange(10**9) for _ in range(300_000))
    (tmp_path / "big.gz").write_bytes(gzip.compress(filler + planted(1) + filler + planted(2), 1))
    collector = Collector()
    incidents: list[object] = []
    tasks = walk([str(tmp_path)], Options(), incidents.append)
    scan_files(tasks, lambda _: engine, Policy(inside=Limits()), 1, collector)
    result = collector.result()
    assert [finding.start_line for finding in result.findings] == [300_002, 600_005]
    assert [finding.secret for finding in result.findings] == [token(1).encode(), token(2).encode()]
    assert result.totals.bytes == len(filler) * 2 + len(planted(1)) * 2
    assert result.incidents == ()


def test_workers_find_the_same(tmp_path: Path, engine: Engine) -> None:
    random = Random(5)
    for number in range(12):
        noise = random.randbytes(1 << 20)
        data = gzip.compress(tar([("noise", noise), ("a.zip", zip_([("k", planted(number))]))]), 1)
        (tmp_path / f"{number}.tgz").write_bytes(data)
    results = []
    for jobs in (1, 2):
        collector = Collector()
        tasks = walk([str(tmp_path)], Options(), lambda _: None)
        scan_files(tasks, lambda _: engine, Policy(inside=Limits()), jobs, collector, parallel_from=1)
        results.append(collector.result())
    assert len(results[0].findings) == 12
    assert results[0].findings == results[1].findings
    assert results[0].totals == results[1].totals
    assert results[0].receipt == results[1].receipt


def test_large_archives_are_not_cut_into_parts(tmp_path: Path, engine: Engine) -> None:
    noise = Random(6).randbytes(20 << 20)
    (tmp_path / "big.tar").write_bytes(tar([("noise", noise), ("a", planted(1))]))
    (tmp_path / "sfx.exe").write_bytes(b"MZ" + noise + zip_([("a", planted(2))]))
    collector = Collector()
    scan_files(
        walk([str(tmp_path)], Options(), lambda _: None), lambda _: engine, Policy(inside=Limits()), 1, collector
    )
    assert {finding.path.rpartition("!/")[2] for finding in collector.findings} == {"a"}
    assert len(collector.findings) == 2


# ---- extract --------------------------------------------------------------------------------------------------------


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    inner = tar([("srv/a.env", planted(1)), ("srv/a.env", planted(2)), ("\x1b[2Jx", b"odd name")])
    (tmp_path / "b.tar.gz").write_bytes(gzip.compress(tar([("app.tar", inner)]) + b"behind the end of it"))
    (tmp_path / "log.gz").write_bytes(gzip.compress(planted(3)))
    return tmp_path


@pytest.mark.parametrize(
    ("origin", "content"),
    [
        ("b.tar.gz!/app.tar!/srv/a.env", planted(1)),
        ("b.tar.gz!/app.tar!/srv/a.env:2", planted(1)),
        ("b.tar.gz!/app.tar!/srv/a.env:2:14", planted(1)),
        ("b.tar.gz!/app.tar!/srv/a.env#2", planted(2)),
        ("b.tar.gz!/app.tar!/\\x1b[2Jx", b"odd name"),
        ("./log.gz!/log", planted(3)),
    ],
)
def test_extract_writes_that_very_member(origin: str, content: bytes, chain: Path) -> None:
    done = run(chain, "extract", origin)
    assert (done.returncode, done.stdout) == (0, content), done.stderr


def test_extract_writes_a_container_as_it_is(chain: Path) -> None:
    done = run(chain, "extract", "b.tar.gz!/app.tar", "-o", "out")
    assert done.returncode == 0
    assert (chain / "out").read_bytes()[:9] == b"srv/a.env"
    assert stat.S_IMODE((chain / "out").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("origin", "code"),
    [("b.tar.gz", 2), ("nowhere!/x", 2), ("log.gz!/nope", 2), ("b.tar.gz!/app.tar!/nope", 3), ("plain!/x", 2)],
)
def test_extract_says_what_is_not_there(origin: str, code: int, chain: Path) -> None:
    (chain / "plain").write_text("text")
    done = run(chain, "extract", origin, "-o", "out")
    assert done.returncode == code
    assert not (chain / "out").exists()


def test_extract_of_a_damaged_member_writes_what_there_is(tmp_path: Path) -> None:
    whole = Random(7).randbytes(200_000)
    (tmp_path / "x.gz").write_bytes(gzip.compress(whole)[:100_000])
    done = run(tmp_path, "extract", "x.gz!/x", "-o", "out")
    assert done.returncode == 3
    assert b"ends early" in done.stderr
    assert whole.startswith((tmp_path / "out").read_bytes())
    assert (tmp_path / "out").stat().st_size > 50_000
