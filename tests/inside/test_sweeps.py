"""What a sweep over backups met: each case is one that was planted by hand, with real tools or byte by byte, and went wrong."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import struct
import subprocess
import tracemalloc
from contextlib import suppress
from pathlib import Path
from random import Random

import papers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nests import ARCHIVES, CODECS, look, look_at, lzo1x, lzop, tar, unix_compress, zip_
from scanned import findings
from test_inside_scan import planted, run, token

from leakguard.sources.inside.archives.behind import archive_in
from leakguard.sources.inside.archives.lzo import by_hand
from leakguard.sources.inside.archives.old import Looked, compressed
from leakguard.sources.inside.base import Budget, Context, Stream, from_bytes
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.magic import kind_of

pytestmark = pytest.mark.usefixtures("loaded")


def found(folder: Path, *names: str) -> list[tuple[str, str]]:
    return [(str(r["path"]), str(r["secret"])) for r in findings(folder, *names or ".")]


# ---- what zstd and lz4 pass over ------------------------------------------------------------------------------------
def skippable(data: bytes) -> bytes:
    return struct.pack("<II", 0x184D2A50, len(data)) + data


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_table_of_contents_behind_the_content_may_be_long(codec: str, tmp_path: Path) -> None:
    """Bug: layers of `zstd:chunked` with more than a MiB of it, some ten thousand files, were "truncated"."""
    suffix, pack = CODECS[codec]
    table = Random(1).randbytes(12 << 20) + b"\n" + planted(2)
    (tmp_path / f"a{suffix}").write_bytes(pack(planted(1)) + skippable(table) + skippable(bytes(64)) + skippable(planted(3)))
    assert found(tmp_path) == [
        (f"a{suffix}!/@skippable-1", token(2)), (f"a{suffix}!/@skippable-2", token(3)), (f"a{suffix}!/a", token(1)),
    ]  # fmt: skip


def test_a_million_runs_that_are_passed_over_cost_no_memory(tmp_path: Path) -> None:
    runs = b"".join(skippable(b"%09d" % number) for number in range(100_000)) + skippable(b"") * 100_000
    seen = look(CODECS["zstd"][1](b"content") + runs + skippable(planted(1)), tmp_path, "a.zst")
    assert seen.states == set() and len(seen.members) == 1001
    assert planted(1) in seen.members["a.zst!/@skippable-1000"]


@pytest.mark.parametrize("before", [b"", CODECS["zstd"][1](b"content")])
def test_a_run_that_is_shorter_than_it_says_is_told(before: bytes, tmp_path: Path) -> None:
    seen = look(before + skippable(planted(1) * 9)[:-20], tmp_path, "a.zst")
    assert seen.states == {"failed"} and "ends early" in seen.reasons
    assert sum(data.count(planted(1)) for data in seen.members.values()) == 8


# ---- compression of old ---------------------------------------------------------------------------------------------
MIXED = b"".join(b"%d a quiet line of a log\n" % number for number in range(30_000)) + Random(5).randbytes(70_000) + bytes(300_000)


@pytest.mark.parametrize("codec", ["compress", "lzop"])
def test_what_old_programs_packed_comes_out_as_it_was(codec: str, tmp_path: Path) -> None:
    """It was named, and not read."""
    suffix, pack = CODECS[codec]
    for number, data in enumerate((MIXED, b"a" * 9, b"ab" * 50_000, MIXED[::-1], b"x", bytes(3_000_000), b"abcde" * 3)):
        seen = look(pack(data), tmp_path, f"{number}{suffix}")
        assert (list(seen.members.values()), seen.reasons) == ([data], ""), number
    with_name = lzop(b"content", b"of/old.txt")
    assert look(with_name + lzop(b" and more") + b"behind", tmp_path, "a.lzo").members == {
        "a.lzo!/a": b"content and more", f"a.lzo!/@{len(with_name + lzop(b' and more'))}": b"behind",
    }  # fmt: skip


def test_what_a_library_compressed(tmp_path: Path) -> None:
    try:
        import libarchive
    except (ImportError, AttributeError, OSError, TypeError):
        pytest.skip("needs libarchive")
    data = MIXED * 3
    with libarchive.file_writer(str(tmp_path / "a.Z"), "raw", "compress") as archive:
        archive.add_file_from_memory("a", len(data), data)
    seen = look((tmp_path / "a.Z").read_bytes(), tmp_path, "a.tar.Z")
    assert seen.members == {"a.tar.Z!/a.tar": data}


@pytest.mark.skipif(not shutil.which("mksquashfs"), reason="needs mksquashfs")
@pytest.mark.parametrize("how", ["lzo1x_1", "lzo1x_999"])
def test_a_squashfs_by_lzo_needs_no_package(how: str, tmp_path: Path) -> None:
    pytest.importorskip("PySquashfsImage")
    (tmp_path / "in").mkdir()
    files = {"mixed": MIXED, "empty": b"", "secret": planted(1), "code": Path(__file__).read_bytes()}
    for name, data in files.items():
        (tmp_path / "in" / name).write_bytes(data)
    tool = ["mksquashfs", str(tmp_path / "in"), str(tmp_path / "a.sq"), "-comp", "lzo", "-Xalgorithm", how, "-quiet", "-no-progress"]
    if subprocess.run(tool, capture_output=True, check=False).returncode:
        pytest.skip("this mksquashfs knows no lzo")
    seen = look_at(tmp_path / "a.sq")
    assert seen.reasons == "" and seen.members == {f"a.sq!/{name}": data for name, data in files.items() if data}


@given(data=st.binary(max_size=300), size=st.integers(0, 4000))
@settings(max_examples=300, deadline=None)
def test_lzo_of_any_bytes_ends(data: bytes, size: int) -> None:
    with suppress(ValueError):
        assert len(by_hand(data, size)) <= size


@given(data=st.binary(max_size=2000), again=st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_old_compression_of_any_bytes(data: bytes, again: int) -> None:
    content = data * again
    assert by_hand(lzo1x(content), len(content)) == content
    limits = Limits()
    context = Context("a.Z", limits, Budget(limits, 1 << 20), lambda *_: None)
    stream = Stream(from_bytes(unix_compress(content)))
    assert b"".join(compressed(stream, context)) == content


@given(blocks=st.lists(st.one_of(st.binary(max_size=40), st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=9000)
                                 .map(str.encode)), max_size=8), step=st.integers(1, 9000))
@settings(max_examples=200, deadline=None)
def test_text_in_the_open_is_kept_wherever_it_is_cut(blocks: list[bytes], step: int) -> None:
    data = b"\0".join(blocks)
    looked = Looked(Stream(from_bytes(data)))
    while looked(step):
        pass
    kept = b"".join(member.pull(1 << 20) for member in looked.text.members())
    looked.text.close()
    assert kept == b"".join(run + b"\n" for run in re.findall(rb"[\t\r\n -~]{24,}", data))


def test_a_run_of_zeros_in_lzw_ends_at_its_limit(tmp_path: Path) -> None:
    """Words of the table are as long as the run: two gigabytes of them, if they were kept as they are."""
    codes = [0, *range(257, 65_536)]
    bits, width, group, out = 0, 9, 0, bytearray(b"\x1f\x9d\x90")
    for number, code in enumerate(codes, 1):
        bits |= code << width * group
        group += 1
        if group == 8 or number + 256 > (1 << width) - 1:
            out += bits.to_bytes(width, "little")
            bits = group = 0
            width = min(16, width + (number + 256 > (1 << width) - 1))
    tracemalloc.start()
    try:
        seen = look(bytes(out), tmp_path, "a.Z")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "limit reached" in seen.reasons and seen.states == {"truncated"}
    assert most < 100 << 20


# ---- documents in one file ------------------------------------------------------------------------------------------
def test_a_flat_document_is_read_as_people_see_it(tmp_path: Path) -> None:
    """A value that is cut into several runs was not found."""
    cut = f"GITHUB_TOKEN=<text:span>{token(1)[:15]}</text:span>{token(1)[15:]}"
    (tmp_path / "a.fodt").write_bytes(papers.flat("text", f"<text:p>one</text:p><text:p>{cut}</text:p>"))
    (tmp_path / "b.fods").write_bytes(papers.flat("spreadsheet", papers.ods_table("My keys", [["name", "github_token"], ["a", token(2)]])))
    word = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n<?mso-application progid="Word.Document"?>\r\n'
        '<pkg:package xmlns:pkg="p"><pkg:part pkg:name="/word/document.xml"><pkg:xmlData><w:document xmlns:w="w"><w:body><w:p>'
        f"<w:r><w:t>GITHUB_TOKEN={token(3)[:9]}</w:t></w:r><w:r><w:t>{token(3)[9:]}</w:t></w:r></w:p></w:body></w:document>"
        "</pkg:xmlData></pkg:part></pkg:package>"
    )
    (tmp_path / "c.xml").write_text(word)
    assert found(tmp_path) == [("a.fodt!/text", token(1)), ("b.fods!/My keys", token(2)), ("c.xml!/text", token(3))]
    assert kind_of(b"<?xml version='1.0'?><project/>", "pom.pom") == ""


@pytest.mark.parametrize("kind", ["text", "spreadsheet"])
def test_zeros_in_a_damaged_document_hide_nothing(kind: str, tmp_path: Path) -> None:
    """Bug: NUL is what cuts sheets apart, and the rest of a damaged part ended at the first one."""
    body = papers.ods_table("one", [["a", "b"]]) if kind == "spreadsheet" else "<text:p>words</text:p>"
    good = f"<office:document-content {papers.OD}><office:body><office:{kind}>{body}".encode()
    damaged = good + bytes(70_000) + planted(1) + b"\0more\0" + planted(2)
    (tmp_path / "a.odt").write_bytes(zip_([("mimetype", f"application/vnd.oasis.opendocument.{kind}".encode()), ("content.xml", damaged)]))
    seen = look_at(tmp_path / "a.odt")
    assert "damaged XML" in seen.reasons
    everything = b"".join(seen.members.values())
    assert planted(1) in everything and planted(2) in everything


# ---- archives behind a program --------------------------------------------------------------------------------------
def seven(files: dict[str, bytes]) -> bytes:
    return ARCHIVES["7z"](list(files.items()))


@pytest.mark.parametrize("form", ["7z", "rar"])
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("size", [9_000, 700_000])
def test_an_archive_that_unpacks_itself_is_looked_into(form: str, nested: bool, size: int, tmp_path: Path) -> None:
    """Bug: of a program with a zip behind it the zip was read, and of one with another archive nothing was said."""
    program = b"MZ" + Random(size).randbytes(size)
    data = program + b"7z\xbc\xaf\x27\x1c in its code, Rar!\x1a\x07\0, too" + ARCHIVES[form]([("srv/a.env", planted(1) + b"text " * 3000)])
    name = "setup.exe"
    (tmp_path / ("a.tar" if nested else name)).write_bytes(tar([(name, data)]) if nested else data)
    chain = f"a.tar!/{name}" if nested else name
    assert found(tmp_path) == [(f"{chain}!/srv/a.env", token(1))]
    done = run(tmp_path, "extract", f"{chain}!/srv/a.env")
    assert (done.returncode, done.stdout) == (0, planted(1) + b"text " * 3000)
    seen = look_at(tmp_path / ("a.tar" if nested else name))
    assert program in next(iter(seen.members.values()))


def test_a_program_is_no_archive() -> None:
    assert archive_in(b"MZ" + bytes(999) + b"7z\xbc\xaf\x27\x1c\0\4" + bytes(99) + b"Rar!\x1a\x07\0" + bytes(99)) == (0, "")


# ---- chains that reports print --------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [b"a\nb.zip", b"\xff\xfe.zip", b"\x1b[31m \xff.zip", b"sub\t!/x.zip", "\u202e.zip".encode()])
@pytest.mark.parametrize("member", ["k.env", "c\nd\x1b.env"])
def test_a_name_that_reports_show_with_escapes_can_be_extracted(name: bytes, member: str, tmp_path: Path) -> None:
    """Bug: so it was with names in an archive, but not with the archive's own."""
    place = os.path.join(os.fsencode(tmp_path), name)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "wb") as out:
        out.write(zip_([(member, planted(1)), ("other", planted(2))]))
    text = run(tmp_path, "scan", ".", "-q").stdout.decode()
    first = next(line.split("  ")[0] for line in text.splitlines() if "other" not in line and "!/" in line)
    record = next(r for r in map(json.loads, run(tmp_path, "scan", ".", "-q", "-f", "jsonl").stdout.splitlines()) if "other" not in r["path"])
    for chain in (first, f"{record['path']}:2"):
        done = run(tmp_path, "extract", chain)
        assert (done.returncode, done.stdout) == (0, planted(1)), (chain, done.stderr)


def test_two_files_that_are_shown_alike_are_not_mistaken(tmp_path: Path) -> None:
    for name in (b"\xff.zip", b"\\xff.zip"):
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(zip_([("a.env", name)]))
    assert run(tmp_path, "extract", "\\xff.zip!/a.env").stdout == b"\\xff.zip"  # there is one of that very name
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\\xff.zip")).unlink()
    assert run(tmp_path, "extract", "\\xff.zip!/a.env").stdout == b"\xff.zip"


@pytest.mark.parametrize("times", [2, 3, 9])
def test_what_was_compressed_more_than_once_is_extracted_as_it_was_scanned(times: int, tmp_path: Path) -> None:
    """Bug: the chain of the text gave what the outermost compression held."""
    data = planted(1)
    for number in range(times):
        data = gzip.compress(data) if number % 2 else CODECS["xz"][1](data)
    (tmp_path / "a.gz").write_bytes(data)
    [(chain, _)] = found(tmp_path)
    done = run(tmp_path, "extract", chain)
    assert (done.returncode, done.stdout) == (0, planted(1))
