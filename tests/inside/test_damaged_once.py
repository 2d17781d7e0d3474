"""A damaged container is scanned as it stands, too: what a member says already is not told again, and nothing is lost."""

from __future__ import annotations

import random
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from nests import ARCHIVES, Files, tar, zip_
from scanned import scanned
from test_inside_scan import planted, token

from leakguard.model import Finding, Origin
from leakguard.pipeline import once
from leakguard.sources.inside.limits import Limits

pytestmark = pytest.mark.usefixtures("loaded")

TOKENS = [token(5000 + number) for number in range(6)]


def files() -> Files:
    return [(f"srv/{n}.env", b"GITHUB_TOKEN=" + value.encode() + b"\n" + b"words " * 400) for n, value in enumerate(TOKENS)]


def sqlite(folder: Path) -> bytes:
    import dbs

    connection = dbs.sqlite_connection(folder / "made", page_size=1024)
    dbs.sqlite_rows(connection, [value.encode() for value in TOKENS] + [b"-" * 300] * 30)
    connection.close()
    data = (folder / "made").read_bytes()
    (folder / "made").unlink()
    return data


MADE: dict[str, Callable[[Path], bytes]] = {
    "tar": lambda _: tar(files()),
    "zip": lambda _: zip_(files(), zipfile.ZIP_STORED),
    "ar": lambda _: ARCHIVES["ar"](files()),
    "cpio": lambda _: ARCHIVES["cpio newc"](files()),
    "iso": lambda _: ARCHIVES["iso"](files()),
    "7z": lambda _: ARCHIVES["7z"](files()),
    "xar": lambda _: ARCHIVES["xar"](files()),
    "sqlite": sqlite,
}


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("form", MADE)
def test_a_secret_of_a_damaged_container_is_told_once(form: str, nested: bool, tmp_path: Path) -> None:
    whole = MADE[form](tmp_path)
    rng = random.Random(form)
    damages = [whole[: len(whole) * part // 10] for part in (5, 7, 9)]
    for _ in range(8):
        at = rng.randrange(16, len(whole))
        damages.append(whole[:at] + rng.randbytes(min(24, len(whole) - at)) + whole[at + 24 :])
    told_twice = 0
    for number, data in enumerate(damages):
        (folder := tmp_path / str(number)).mkdir()
        (folder / "it").write_bytes(tar([("inner", data), ("other", b"text")]) if nested else data)
        result = scanned(folder, Limits())
        counts = Counter(f.fingerprint for f in result.findings)
        assert set(counts.values()) <= {1}, (form, number, [f.path for f in result.findings])
        raw = {f.fingerprint for f in scanned(folder, None).findings}
        assert raw <= set(counts), (form, number, [i.reason for i in result.incidents])
        told_twice += len(result.findings) - len(counts)
    assert told_twice == 0


def test_the_finding_with_the_full_chain_is_kept(tmp_path: Path) -> None:
    """An SQLite file whose last pages are gone: rows were read before, and it is scanned as it stands."""
    data = sqlite(tmp_path)
    (folder := tmp_path / "it").mkdir()
    (folder / "a.db").write_bytes(data[: len(data) - 700])
    found = {f.path for f in scanned(folder, Limits()).findings}
    assert "a.db!/accounts" in found


def test_sets_go_with_their_findings_and_other_places_stay(tmp_path: Path) -> None:
    (folder := tmp_path / "it").mkdir()
    (folder / "a.tar").write_bytes(tar([("x.env", planted(1)), ("y.env", planted(1))]))
    first, second = scanned(folder, Limits()).findings
    assert (first.path, second.path) == ("a.tar!/x.env", "a.tar!/y.env")  # two members that say the same are two places
    outer = first._replace(origin=Origin("file", "a.tar", None, (("row", "1"),)))
    other = first._replace(origin=Origin("file", "b.tar"))
    kept, _ = once([outer, first, other], [])
    assert kept == [first, other]
    alone: list[Finding] = [outer]
    assert once(alone, []) == (alone, [])
