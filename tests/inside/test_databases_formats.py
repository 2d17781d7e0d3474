"""Every database and dump: read, nested, cut off, damaged. A token is found beside its name, once, or something is told."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from random import Random

import pytest
from dbs import FORMS, NAME, TOKENS, Made
from nests import Seen, look, tar

from leakguard.sources.inside.magic import kind_of

TEXT = ("pg plain", "mysqldump")
"""SQL has no end that could be missing."""


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Made]:
    folder = tmp_path / "made"
    folder.mkdir()
    return request.param, FORMS[request.param](folder)


def content(seen: Seen) -> bytes:
    return b"\n".join(seen.members.values())


def test_each_value_stands_beside_its_name_once(form: tuple[str, Made], tmp_path: Path) -> None:
    name, made = form
    assert kind_of(made.data[:40_000], made.name)
    seen = look(made.data, tmp_path, made.name)
    assert seen.reasons == ""
    text = content(seen)
    for token in TOKENS:
        assert len(re.findall(rb"(?m)^[\w.]*%b[.\d]* = %b" % (NAME.encode(), token), text)) == 1
        # journals hold pages as they were at several times, LMDB copies of pages; what is left of these is free space
        assert text.count(token) == 1 or name in ("sqlite journal", "sqlite wal")


def test_nested_in_an_archive(form: tuple[str, Made], tmp_path: Path) -> None:
    name, made = form
    seen = look(gzip.compress(tar([("srv/" + made.name, made.data), ("other", b"text")])), tmp_path, "b.tar.gz")
    assert seen.reasons == ""
    text = content(seen)
    assert [token for token in TOKENS if token not in text] == []
    assert all(chain.startswith("b.tar.gz!/") for chain in seen.members)
    if name not in TEXT:
        assert any(chain.startswith(f"b.tar.gz!/srv/{made.name}!/") for chain in seen.members)


@pytest.mark.parametrize("keep", [0.311, 0.617, 0.913])
def test_cut_off_is_told_and_what_is_left_is_read(form: tuple[str, Made], keep: float, tmp_path: Path) -> None:
    name, made = form
    data = made.data[: int(len(made.data) * keep)]
    seen = look(data, tmp_path, made.name)
    assert "internal error" not in seen.reasons
    if name not in TEXT:
        assert seen.states == {"failed"}, seen.reasons
    if made.plain:
        text = content(seen)
        assert [token for token in TOKENS if token in data and token not in text] == []


@pytest.mark.parametrize("seed", range(12))
def test_damage_hides_nothing_that_is_whole(form: tuple[str, Made], seed: int, tmp_path: Path) -> None:
    """Bytes written over at random, most of them where structure is: at the beginning."""
    name, made = form
    random = Random(f"{name}{seed}")
    data = bytearray(made.data)
    for _ in range(random.choice((1, 3, 20))):
        place = random.choice((random.randrange(8, len(data)), random.randrange(8, min(len(data), 2000))))
        data[place] = random.choice((0, 255, random.randrange(256)))
    seen = look(bytes(data), tmp_path, made.name)
    assert "internal error" not in seen.reasons
    if made.plain:
        text = content(seen)
        missing = [token for token in TOKENS if token in data and token not in text]
        assert missing == []


def test_a_mark_before_plain_text_hides_nothing(form: tuple[str, Made], tmp_path: Path) -> None:
    _, made = form
    text = b"some text of a file\n" * 50 + TOKENS[0] + b"\n"
    seen = look(made.data[:16] + text, tmp_path, made.name)
    assert "internal error" not in seen.reasons
    assert TOKENS[0] in content(seen)
