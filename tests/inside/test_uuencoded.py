"""uuencoded files in text: found in what they hold, whatever stands around them, and hostile ones stay in bounds."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds import line, uuencoded
from nests import tar
from scanned import scanned
from test_inside_scan import token

from leakguard.sources.inside.base import Budget, Context, Stream, from_bytes
from leakguard.sources.inside.documents import uu
from leakguard.sources.inside.limits import Limits

pytestmark = pytest.mark.usefixtures("loaded")


def read(data: bytes) -> tuple[bytes, dict[str, bytes], list[tuple[str, str, str]]]:
    """(the text, files by name, what was told)."""
    told: list[tuple[str, str, str]] = []
    context = Context("x", Limits(), Budget(Limits(), len(data)), lambda *said: told.append(said))
    text, files = b"", {}
    for member in uu.uuencoded(Stream(from_bytes(data), len(data)), context):
        content = b""
        while piece := member.pull(1000):
            content += piece
        if member.kind == "text":
            text = content
        else:
            files[member.name] = content
    return text, files, told


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=200), st.sampled_from([b"", b"words\n", b"begin of it\n"])), max_size=4),
       st.sampled_from([b"\n", b"\r\n"]))  # fmt: skip
@settings(deadline=None)
def test_what_was_encoded_comes_back(files: list[tuple[bytes, bytes]], ending: bytes) -> None:
    data = b"".join(words + uuencoded(content, f"f{number}", ending) for number, (content, words) in enumerate(files))
    text, found, told = read(data)
    assert text == data
    assert found == {f"f{number}": content for number, (content, _) in enumerate(files)}
    assert not told


@given(st.binary(max_size=400), st.integers(0, 120))
@settings(deadline=None)
def test_a_cut_one_is_given_as_far_as_it_goes_and_told(content: bytes, cut: int) -> None:
    data = uuencoded(b"first " * 20 + content)
    text, found, told = read(data[: len(data) - cut])
    assert text == data[: len(data) - cut]
    got = found.get("x.env", b"")
    assert (b"first " * 20 + content).startswith(got)
    assert bool(told) == (bool(got) and b"\n`" not in text)


@pytest.mark.parametrize("name", ["post.txt", "post.uu", "a.shar"])
def test_a_token_in_an_archive_in_a_post(name: str, tmp_path: Path) -> None:
    secret, other = token(7100), token(7101)
    packed = gzip.compress(tar([("etc/app.env", line(secret))]))
    words = b"Hello,\n" * (400 if name != "post.txt" else 3)
    (tmp_path / name).write_bytes(words + uuencoded(packed, "app.tar.gz") + f"\nGITHUB_TOKEN={other}\n".encode())
    found = {finding.path: finding.start_line for finding in scanned(tmp_path, Limits()).findings}
    place = words.count(b"\n") + uuencoded(packed).count(b"\n") + 2
    assert found == {f"{name}!/app.tar.gz!/etc/app.env": 2, name: place}


def test_a_mail_without_attachments_but_with_files_in_its_text(tmp_path: Path) -> None:
    head = b"From: a@example.org\nTo: b@example.org\nSubject: x\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nsee below\n\n"
    (tmp_path / "a.eml").write_bytes(head + uuencoded(line(token(7102))))
    assert [f.path for f in scanned(tmp_path, Limits()).findings] == ["a.eml!/part-1.txt!/x.env"]


@pytest.mark.parametrize("data", [
    b"begin 644 x\n" * 50_000,
    b"begin 644 x\n" + b"M" * 500_000,
    b"begin 644 x\nM" + b"`" * 60 + b"\n" + b"M" * 100_000 + b"\n",
    (b"begin 644 x\n#86)C\n`\nend\n") * 12_000,
    b"begin 644 " + b"x" * 300_000,
], ids=["lines", "one line", "a long line in it", "many files", "a long name"])  # fmt: skip
def test_hostile_ones_are_gone_through_once(data: bytes) -> None:
    text, found, told = read(data)
    assert text == data
    assert sum(map(len, found.values())) <= len(data)
    assert len(told) <= uu.MOST
    if data.count(b"86)C") > uu.MOST:
        assert told[-1] == ("truncated", "", "2000 more uuencoded files than are read")
