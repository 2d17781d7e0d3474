"""Names that are secrets: found in every kind of name, and shown in no output."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
import zipfile
from functools import cache as once
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repos import Repository
from test_cli_scan import TOKEN, run

from leakguard.detect import cache
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.model import Incident, Origin, ScanResult, Totals
from leakguard.paths import Mask, Names, masked
from leakguard.report import FORMATS

pytestmark = pytest.mark.usefixtures("loaded")

OTHER = expand("{{gen:github ghp_}}", Random(12))
SHOWN = "<github.personal-access-token:40>"
WALLET = expand("{{gen:wif}}", Random(5))


@once
def engine(keep: bool = False) -> Engine:
    loaded = cache.load(cache.Selection(), cache.FULL_COMPILE_AT)
    return Engine(loaded.ruleset, loaded.stage1, keep_secrets=keep)


def packed(*members: tuple[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members:
            archive.writestr(name, text)
    return out.getvalue()


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A tree in which a file, a folder, an archive, members and what cannot be read are called by a token."""
    tree = tmp_path / "tree"
    (tree / f"of_{TOKEN}" / "deep").mkdir(parents=True)
    (tree / f"{TOKEN}.txt").write_text("nothing\n")
    (tree / f"of_{TOKEN}" / "deep" / "a.txt").write_text("nothing\n")
    (tree / f"of_{TOKEN}" / "deep" / "b.txt").write_text("nothing\n")
    (tree / "b.zip").write_bytes(packed((f"x/{TOKEN}/y.txt", "nothing"), (f"{OTHER}.cfg", f"token = '{TOKEN}'\n"), ("empty", "")))
    (tree / f"{TOKEN}.zip").write_bytes(packed(("k.txt", f"key = '{OTHER}'\n"))[:-30])
    os.symlink(f"/srv/{TOKEN}", tree / "link")
    return tmp_path


def lines(out: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("fmt", FORMATS)
def test_no_report_shows_a_name_that_is_a_secret(fmt: str, named: Path) -> None:
    done = run("scan", "tree", "-f", fmt, "--receipt", "r.json", folder=named)
    assert done.returncode == 1
    for output in (done.stdout, done.stderr, (named / "r.json").read_bytes()):
        assert TOKEN.encode() not in output
        assert OTHER.encode() not in output
    assert b"personal-access-token:40" in done.stdout


def test_each_name_is_a_finding_once(named: Path) -> None:
    done = run("scan", "tree", "-f", "jsonl", folder=named)
    found = {str(one["path"]) for one in lines(done.stdout) if any("stands in the name" in r for r in one["reasons"])}  # type: ignore[attr-defined]
    assert found == {
        f"tree/{SHOWN}.txt", f"tree/of_{SHOWN}", f"tree/{SHOWN}.zip", f"tree/b.zip!/x/{SHOWN}", f"tree/b.zip!/{SHOWN}.cfg",
    }  # fmt: skip
    origins = {json.dumps(one["origin"]) for one in lines(done.stdout)}
    assert not any(TOKEN in origin or OTHER in origin for origin in origins)


def test_asked_for_secrets_show_names_as_they_are(named: Path) -> None:
    done = run("scan", "tree", "-f", "jsonl", "--show-secrets", folder=named)
    paths = {str(one["path"]) for one in lines(done.stdout)}
    assert {f"tree/{TOKEN}.txt", f"tree/of_{TOKEN}", f"tree/b.zip!/{OTHER}.cfg"} <= paths


@pytest.mark.parametrize("fmt", ["sarif", "junit", "gitlab", "github"])
def test_what_is_uploaded_never_shows_them(fmt: str, named: Path) -> None:
    done = run("scan", "tree", "-f", fmt, "--show-secrets", folder=named)
    assert TOKEN.encode() not in done.stdout
    assert OTHER.encode() not in done.stdout


def test_a_target_that_is_a_secret_is_masked_too(named: Path) -> None:
    done = run("scan", f"tree/of_{TOKEN}", "--receipt", "r.json", folder=named)
    receipt = (named / "r.json").read_text()
    assert TOKEN not in done.stdout.decode() + done.stderr.decode() + receipt
    assert json.loads(receipt)["targets"] == [f"tree/of_{SHOWN}"]


def test_incidents_are_masked(named: Path) -> None:
    done = run("scan", "tree", "-f", "json", folder=named)
    told = [one["origin"] for one in json.loads(done.stdout)["incidents"]]
    assert any(origin.startswith(f"tree/{SHOWN}.zip") for origin in told)


@pytest.mark.parametrize("name", [f"{WALLET}.dat", f"wallet-{WALLET}"])
def test_a_wallet_key_as_a_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("nothing\n")
    done = run("scan", ".", folder=tmp_path)
    assert done.returncode == 1
    assert WALLET not in done.stdout.decode() + done.stderr.decode()


def test_a_table_of_a_database(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as base:
        base.execute(f'CREATE TABLE "{TOKEN}" (a TEXT)')
        base.execute(f"INSERT INTO \"{TOKEN}\" VALUES ('nothing')")
    done = run("scan", ".", "-f", "jsonl", folder=tmp_path)
    assert done.returncode == 1
    assert TOKEN not in done.stdout.decode() + done.stderr.decode()


# ---------------------------------------------------------------- one member, by the name that was shown
def test_extract_understands_what_a_report_shows(named: Path) -> None:
    for origin in (f"tree/b.zip!/{SHOWN}.cfg", f"tree/b.zip!/{SHOWN}.cfg:1:10", f"tree/b.zip!/{OTHER}.cfg"):
        done = run("extract", origin, folder=named)
        assert (done.returncode, done.stdout) == (0, f"token = '{TOKEN}'\n".encode()), origin


def test_extract_out_of_an_archive_that_is_called_by_a_secret(tmp_path: Path) -> None:
    (tmp_path / f"{TOKEN}.zip").write_bytes(packed(("k.txt", "the member")))
    done = run("extract", f"{SHOWN}.zip!/k.txt", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, b"the member")


def test_extract_says_when_a_mask_fits_two(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed((f"{TOKEN}.txt", "one"), (f"{OTHER}.txt", "two")))
    done = run("extract", f"a.zip!/{SHOWN}.txt", folder=tmp_path)
    assert done.returncode == 2
    assert b"2 members are shown" in done.stderr
    assert TOKEN.encode() not in done.stderr
    assert run("extract", f"a.zip!/{OTHER}.txt", folder=tmp_path).stdout == b"two"


# ---------------------------------------------------------------- other commands
def test_a_baseline_accepts_a_name_and_holds_none(named: Path) -> None:
    tree = named / "tree"
    made = run("baseline", "create", "--reason", "a test", "--owner", "me", folder=tree)
    text = (tree / "leakguard.baseline").read_text()
    assert TOKEN not in text + made.stdout.decode() + made.stderr.decode()
    done = run("scan", ".", "-f", "jsonl", "--trust-target", folder=tree)
    assert not {str(one["path"]) for one in lines(done.stdout)} & {f"{SHOWN}.txt", f"of_{SHOWN}", f"{SHOWN}.zip"}
    audit = run("baseline", "audit", ".", "--list", folder=tree)
    assert TOKEN not in audit.stdout.decode() + audit.stderr.decode()


def test_fix_leaves_a_name_and_says_so(tmp_path: Path) -> None:
    (tmp_path / f"{TOKEN}.txt").write_text("nothing\n")
    done = run("fix", "--dry-run", folder=tmp_path)
    assert done.returncode == 1
    assert b"it is in the name" in done.stdout
    assert TOKEN.encode() not in done.stdout + done.stderr


def test_layers_of_an_image(tmp_path: Path) -> None:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        called = tarfile.TarInfo(f"srv/{TOKEN}.txt")
        called.size = 7
        tar.addfile(called, io.BytesIO(b"nothing"))
    config = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{}}'
    manifest = [{"Config": "c.json", "RepoTags": ["app:1"], "Layers": ["l/layer.tar"]}]
    with tarfile.open(tmp_path / "app.tar", "w") as tar:
        for name, data in (("c.json", config), ("l/layer.tar", layer.getvalue()), ("manifest.json", json.dumps(manifest).encode())):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    done = run("image", "app.tar", "-f", "jsonl", folder=tmp_path)
    paths = [str(one["path"]) for one in lines(done.stdout)]
    assert len(paths) == 1, (paths, done.stderr)
    assert paths[0].endswith(f"!/srv/{SHOWN}.txt")
    assert TOKEN.encode() not in done.stdout + done.stderr


def test_what_is_remembered_of_a_repository_holds_no_name(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repo")
    repository.commit("a.zip", packed((f"{TOKEN}.txt", f"key = '{OTHER}'\n")))
    seen = []
    for _ in range(2):
        done = run("git", "repo", "-f", "jsonl", "--cache", "seen.db", folder=tmp_path)
        assert TOKEN not in done.stdout.decode() + done.stderr.decode()
        seen.append(sorted(str(one["path"]) for one in lines(done.stdout)))
        assert all(TOKEN.encode() not in path.read_bytes() for path in tmp_path.glob("seen.db*"))
    assert seen[0] == seen[1] == [f"a.zip!/{SHOWN}.txt", f"a.zip!/{SHOWN}.txt"]


# ---------------------------------------------------------------- laws
_PLAIN = st.text(st.sampled_from("ab/.-_ \né\udc80K9"), min_size=1, max_size=30)


@given(st.lists(st.tuples(_PLAIN, st.sampled_from(["", TOKEN, OTHER]), _PLAIN), min_size=1, max_size=25))
@settings(max_examples=60, deadline=None)
def test_many_names_at_once_give_what_each_gives_alone(parts: list[tuple[str, str, str]]) -> None:
    texts = [f"{before}/{secret}.{after}" if secret else before + after for before, secret, after in parts]
    mask = Mask(engine())
    mask.learn(texts)
    assert [mask.text(text) for text in texts] == [Mask(engine()).text(text) for text in texts]
    for text in texts:
        shown = mask.text(text)
        assert Mask(engine()).text(shown) == shown
        assert TOKEN not in shown
        assert OTHER not in shown
    together = Names(engine())
    for text in texts:
        together.add(text)
    alone = set()
    for text in texts:
        one = Names(engine())
        one.add(text)
        alone |= {(finding.path, finding.fingerprint) for finding in one.taken()[0]}
    assert {(finding.path, finding.fingerprint) for finding in together.taken()[0]} == alone


def test_a_folder_is_told_once_however_much_lies_in_it() -> None:
    names = Names(engine())
    for number in range(9000):
        names.add(f"a/{TOKEN}/src/{number}.txt")
    assert [finding.path for finding in names.taken()[0]] == [f"a/{SHOWN}"]
    assert names.taken() == ([], [], [])


def test_what_holds_nothing_stays_the_same_value() -> None:
    origin = Origin("member", "a/b.txt", Origin("file", "x.zip"), (("row", "1"),))
    result = ScanResult((), (), (Incident("failed", str(origin), "damaged"),), Totals(1, 1), receipt={"a": [1, "b"]})
    shown, mask = masked(result, engine())
    assert mask.origin(origin) is origin
    assert shown.incidents == result.incidents
    assert shown.receipt == result.receipt


@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12))
@settings(max_examples=300, deadline=None)
def test_a_short_word_alone_is_no_secret(word: str) -> None:
    """So that it is shown without being looked at hides nothing."""
    assert not engine().scan(word.encode(), "").matches


def test_the_fields_of_a_receipt_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    look = engine().scan

    def scan(data: bytes, path: str) -> object:
        asked.append(data)
        return look(data, path)

    monkeypatch.setattr(engine(), "scan", scan)
    receipt = {"account": {"scanned": 1, "skipped": 0, "accounts": [{"containers": "padding"}]}, TOKEN: TOKEN}
    shown = Mask(engine()).data(receipt)
    assert shown.pop(SHOWN) == SHOWN
    assert shown == {"account": receipt["account"]}
    assert asked == [TOKEN.encode()]
