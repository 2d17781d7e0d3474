"""What an attacker, or bad luck, puts into an archive: bombs, lies, hidden members, names that mean harm."""

from __future__ import annotations

import gzip
import io
import os
import struct
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nests import CODECS, Seen, ar, cpio_newc, gzip_quine, iso, look, look_at, tar, zip_, zip_records

from leakguard.sources.inside import base, tally, walk
from leakguard.sources.inside.base import Stream, from_bytes
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.magic import kind_of

SECRET = b"the content that must not be missed"


@pytest.fixture
def low_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ratios are asked for from 1 MiB on, so that bombs of a test are small."""
    monkeypatch.setattr(base, "FLOOR", 1 << 20)


# ---- bombs ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("low_floor")
@pytest.mark.parametrize("codec", CODECS)
def test_a_bomb_in_each_codec_ends_at_its_ratio(codec: str, tmp_path: Path) -> None:
    suffix, pack = CODECS[codec]
    seen = look(pack(bytes(16 << 20) if codec != "lz4-legacy" else bytes(8 << 20)), tmp_path, f"x{suffix}")
    assert seen.states == {"truncated"}
    assert "limit reached" in seen.reasons
    assert len(seen.members[f"x{suffix}!/x"]) <= 8 << 20


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_far_smaller_than_its_content_is_read_whole(codec: str, tmp_path: Path) -> None:
    suffix, pack = CODECS[codec]
    content = bytes(5 << 20) + b"at the end"
    seen = look(pack(content), tmp_path, f"x{suffix}")
    assert seen.members[f"x{suffix}!/x"] == content
    assert seen.incidents == []


@pytest.mark.usefixtures("low_floor")
def test_a_bomb_does_not_hide_its_neighbours(tmp_path: Path) -> None:
    files = [("a", bytes(8 << 20)), ("b", SECRET), ("noise", Random(1).randbytes(100_000))]
    seen = look(zip_(files), tmp_path)
    assert seen.members["it!/b"] == SECRET
    assert seen.states == {"truncated"}
    assert [i.origin for i in seen.incidents] == ["it!/a"]


@pytest.mark.usefixtures("low_floor")
def test_nested_zips_end_at_the_ratio_of_the_root(tmp_path: Path) -> None:
    """42.zip: no member alone expands beyond reason, all together do."""
    data = zip_([("0.dll", bytes(1 << 20))])
    for _ in range(4):
        data = zip_([(f"lib{number}.zip", data) for number in range(16)])
    seen = look(data, tmp_path)
    assert [(i.state, i.origin) for i in seen.incidents] == [("truncated", "it")]
    assert seen.tally.expanded < 4 << 20


def test_a_gzip_that_holds_itself_ends_at_the_depth(tmp_path: Path) -> None:
    quine = gzip_quine()
    assert gzip.decompress(quine) == quine
    seen = look(quine, tmp_path, "r.gz", Limits(depth=5))
    assert seen.members == {"r.gz": quine}
    assert seen.states == {"truncated"}
    assert "nested more than 5 deep" in seen.reasons


def test_a_zip_of_quines_ends_too(tmp_path: Path) -> None:
    seen = look(zip_([(f"{n}.gz", gzip_quine()) for n in range(50)]), tmp_path)
    assert seen.states == {"truncated"}
    assert seen.tally.containers == 1 + 50 * 9


def test_depth_is_counted_and_what_lies_deeper_is_told(tmp_path: Path) -> None:
    data = SECRET
    for _ in range(6):
        data = gzip.compress(data)
    assert list(look(data, tmp_path, limits=Limits(depth=6)).members.values()) == [SECRET]
    deeper = look(data, tmp_path, limits=Limits(depth=5))
    assert SECRET not in deeper.members.values()
    assert deeper.states == {"truncated"}


@pytest.mark.parametrize("form", ["tar", "zip", "ar", "cpio"])
def test_many_empty_members_end_at_their_number(form: str, tmp_path: Path) -> None:
    files = [(f"n{number}", b"") for number in range(3000)]
    data = {"tar": tar, "zip": zip_, "ar": ar, "cpio": cpio_newc}[form](files)
    seen = look(data, tmp_path, limits=Limits(members=500))
    assert seen.states == {"truncated"}
    assert "members (--archive-members)" in seen.reasons
    assert seen.members == {}
    assert look(data, tmp_path, limits=Limits(members=3001)).incidents == []


def test_bytes_and_time_are_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = gzip.compress(Random(1).randbytes(300_000) * 10)
    assert "--archive-bytes" in look(data, tmp_path, limits=Limits(bytes=1000)).reasons
    clock = iter(range(0, 1_000_000, 100))
    monkeypatch.setattr(base.time, "monotonic", lambda: next(clock))
    seen = look(data, tmp_path)
    assert "--archive-seconds" in seen.reasons
    assert seen.states == {"truncated"}


def test_no_limits_are_possible(tmp_path: Path) -> None:
    assert look(gzip.compress(bytes(1 << 20)), tmp_path, limits=Limits(5, 0, 0, 0, 0)).incidents == []


@pytest.mark.parametrize(
    "data",
    [
        b"\xfd7zXZ\0\0\4\xe6\xd6\xb4\x46\2\0\x21\1\x28",  # a dictionary of 4 GiB
        b"]\0\0\0\x80\xff\xff\xff\xff\xff\xff\xff\xff\0",  # of 2 GiB
        b"\x28\xb5\x2f\xfd\x00\xa8\1\0\0",  # a window of 2 GiB
    ],
)
def test_windows_of_gigabytes_are_refused(data: bytes, tmp_path: Path) -> None:
    seen = look(data + bytes(64), tmp_path)
    assert seen.states == {"failed"}


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["gzip", "bzip2", "xz", "zstd", "lz4", "brotli", "lzma"])
def test_gigabytes_of_zeros_end_early(codec: str, tmp_path: Path) -> None:
    pytest.importorskip("resource")
    import resource

    suffix, pack = CODECS[codec]
    path = tmp_path / f"x{suffix}"
    block = pack(bytes(256 << 20))
    path.write_bytes(block * (40 if codec not in ("lzma", "brotli") else 1))
    seen = look_at(path)
    assert seen.states == {"truncated"}
    assert seen.tally.expanded < 512 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 900_000  # of which the test itself has 256 MiB


# ---- zip ------------------------------------------------------------------------------------------------------------


def test_a_member_that_the_index_does_not_name_is_found(tmp_path: Path) -> None:
    hidden = zip_([("hidden.env", SECRET)])
    hidden = hidden[: hidden.find(b"PK\1\2")]
    shown = zip_([("shown", b"x")])
    at = shown.find(b"PK\1\2")
    data = shown[:at] + hidden + shown[at:]
    # the index' place has moved, and the end record does not say so: as in a file with a prefix
    end = data.rfind(b"PK\5\6")
    data = data[: end + 16] + struct.pack("<I", at + len(hidden)) + data[end + 20 :]
    seen = look(data, tmp_path)
    assert seen.members == {"it!/shown": b"x", "it!/hidden.env": SECRET}
    assert dict(seen.origins[1].facts)["hidden"]


@pytest.mark.parametrize("streamed", [False, True])
def test_without_its_index_a_zip_is_read_by_its_local_headers(streamed: bool, tmp_path: Path) -> None:
    data = zip_([("a", SECRET), ("b", b"second " * 50)], streamed=streamed)
    seen = look(data[: data.find(b"PK\1\2")], tmp_path)
    assert list(seen.members.values())[:2] == [SECRET, b"second " * 50]
    assert "no index" in seen.reasons


def test_bytes_before_between_behind_and_in_comments_are_scanned(tmp_path: Path) -> None:
    out = io.BytesIO(b"#!/usr/bin/env python3\n# before it\n")
    out.seek(0, 2)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("one", "1")
        assert archive.fp is not None
        archive.fp.write(b"between them")
        archive.start_dir = archive.fp.tell()
        archive.writestr("two", "2")
        archive.comment = b"in the comment"
    seen = look(out.getvalue() + b"behind it all", tmp_path)
    whole = b"\n".join(seen.members.values())
    for text in (b"before it", b"between them", b"in the comment", b"behind it all"):
        assert text in whole
    assert seen.incidents == []


def test_a_program_that_reads_zips_is_none(tmp_path: Path) -> None:
    """zipimport.pyc and /usr/bin/zip hold the end record's mark among their constants."""
    code = b"\xa7\r\r\n" + bytes(300) + b"\x04PK\x05\x06s\x04\0\0\0PK\x01\x02" + bytes(range(256)) * 4
    seen = look(code, tmp_path)
    assert seen.members == {"it": code}
    assert not seen.incidents
    seen = look(tar([("lib/zipimport.pyc", code), ("b", SECRET)]), tmp_path)
    assert set(seen.members.values()) == {code, SECRET}
    assert not seen.incidents


def test_a_zip_behind_text_or_a_picture_is_seen(tmp_path: Path) -> None:
    inner = zip_([("a", SECRET * 3)])
    for head in (b"text\n" * 100, b"\x89PNG\r\n\x1a\n" + bytes(200), b"\xff\xd8\xff\xe0" + bytes(5 << 20)):
        assert SECRET * 3 in look(head + inner, tmp_path).members.values()
    nested = look(tar([("x", b"MZ" + bytes(1000) + inner)]), tmp_path)
    assert SECRET * 3 in nested.members.values()


def test_members_that_share_bytes_are_read_and_say_so(tmp_path: Path) -> None:
    data = zip_records([("a", SECRET, 0, 0), ("b", SECRET, 0, 0)], [0, 0])
    seen = look(data, tmp_path)
    assert [content for content in seen.members.values() if content == SECRET]
    assert any("overlap" in dict(origin.facts) for origin in seen.origins)


def test_many_members_over_the_same_bytes_end_at_the_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "FLOOR", 1 << 20)
    kernel = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = kernel.compress(bytes(1 << 20)) + kernel.flush()
    local = b"PK\3\4" + struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, 0, len(packed), 1 << 20, 1, 0) + b"a" + packed
    entry = (
        b"PK\1\2"
        + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, 0, 8, 0, 0, 0, len(packed), 1 << 20, 1, 0, 0, 0, 0, 0, 0)
        + b"a"
    )
    central = entry * 1000
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1000, 1000, len(central), len(local), 0)
    seen = look(local + central + end, tmp_path)
    assert "limit reached: expands to more than" in seen.reasons
    assert seen.tally.expanded < 20 << 20


def test_encrypted_members_are_told_each(tmp_path: Path) -> None:
    data = zip_records([("open", SECRET, 0, 0), ("closed", b"x" * 40, 1, 0), ("aes", b"y" * 40, 1, 99)])
    seen = look(data, tmp_path)
    assert seen.members.pop("it!/open") == SECRET
    assert sorted(seen.members.values()) == [b"x" * 40, b"y" * 40]  # as they stand
    assert [(i.state, i.origin, i.reason) for i in seen.incidents] == [
        ("failed", "it!/closed", "zip: encrypted"),
        ("failed", "it!/aes", "zip: encrypted"),
    ]


def test_a_method_nobody_reads_is_told(tmp_path: Path) -> None:
    data = zip_records([("open", SECRET, 0, 0), ("wavpack", b"x" * 40, 0, 97)])
    seen = look(data, tmp_path)
    assert seen.members == {"it!/open": SECRET, "it!/@106": b"x" * 40}  # as it stands
    assert [(i.state, i.origin) for i in seen.incidents] == [("skipped", "it!/wavpack")]
    assert look(data, tmp_path, strict=True).states == {"failed"}


def test_of_many_alike_incidents_the_rest_is_counted(tmp_path: Path) -> None:
    seen = look(zip_records([(f"n{n}", b"x" * 40, 1, 0) for n in range(100)]), tmp_path)
    assert len(seen.incidents) == tally.TOLD_EACH + 1
    assert "80 more members: zip: encrypted" in seen.reasons


def test_parts_of_a_spanned_zip_are_told_and_searched(tmp_path: Path) -> None:
    whole = zip_([("a", SECRET), ("b", Random(2).randbytes(2000))])
    first = look(b"PK\7\x08" + whole[:1200], tmp_path, "x.z01")
    assert "first part of a spanned archive" in first.reasons
    assert SECRET in first.members.values()
    end = whole.rfind(b"PK\5\6")
    last = look(whole[:end] + b"PK\5\6\1\0\1\0" + whole[end + 8 :], tmp_path, "x.zip")
    assert "last part of a spanned archive" in last.reasons


def test_lies_about_content_are_told(tmp_path: Path) -> None:
    data = bytearray(zip_([("a", SECRET * 9)]))
    at = data.find(b"PK\1\2") + 16
    data[at : at + 4] = b"\1\2\3\4"
    seen = look(bytes(data), tmp_path)
    assert seen.members["it!/a"] == SECRET * 9
    assert "not what the archive says of it" in seen.reasons


def test_bytes_behind_the_end_of_a_members_data_are_scanned(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(b"x" * 99) + packer.flush() + SECRET
    crc = zlib.crc32(b"x" * 99)
    fixed = struct.pack("<HHHHIIIHH", 0, 8, 0, 0, crc, len(packed), 99, 1, 0)
    local = b"PK\3\4\x14\0" + fixed + b"a" + packed
    central = b"PK\1\2\x14\0\x14\0" + fixed + struct.pack("<HHHII", 0, 0, 0, 0, 0) + b"a"
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    assert SECRET in look(local + central + end, tmp_path).members.values()


# ---- tar ------------------------------------------------------------------------------------------------------------


def headers(*infos: tarfile.TarInfo, form: int = tarfile.GNU_FORMAT) -> bytes:
    return b"".join(info.tobuf(form) for info in infos)


def test_names_and_links_that_lead_out_are_only_text(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    inside = tmp_path / "inside"
    inside.mkdir()
    evil = [tarfile.TarInfo(name) for name in ("../victim", "/etc/passwd", str(victim), "a/../../x", "..", "link/x")]
    for info in evil:
        info.size = len(SECRET)
    link, hard, device, fifo = (tarfile.TarInfo(name) for name in ("link", "hard", "null", "pipe"))
    link.type, link.linkname = tarfile.SYMTYPE, f"{tmp_path}/token-in-the-target"
    hard.type, hard.linkname = tarfile.LNKTYPE, "../victim"
    device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 1, 3
    fifo.type = tarfile.FIFOTYPE
    data = (
        headers(link, hard, device, fifo) + b"".join(headers(i) + SECRET.ljust(512, b"\0") for i in evil) + bytes(1024)
    )
    before = sorted(os.listdir(tmp_path))
    seen = look(data, inside)
    assert seen.incidents == []
    assert list(seen.members.values()).count(SECRET) == len(evil)
    assert seen.members["it!/link"] == f"{tmp_path}/token-in-the-target".encode()
    assert victim.read_text() == "as it was"
    assert sorted(os.listdir(tmp_path)) == before
    assert os.listdir(inside) == ["it"]


def test_of_members_with_one_name_each_has_its_own_chain(tmp_path: Path) -> None:
    seen = look(tar([("a", b"old " + SECRET), ("b", b"x"), ("a", b"new")]), tmp_path)
    assert seen.members == {"it!/a": b"old " + SECRET, "it!/b": b"x", "it!/a#3": b"new"}


def test_pax_headers_are_obeyed_and_what_is_odd_in_them_is_scanned(tmp_path: Path) -> None:
    info = tarfile.TarInfo("short")
    info.size = 4
    info.pax_headers = {"path": "a/" * 90 + "long", "comment": SECRET.decode(), "SCHILY.xattr.user.k": "v"}
    seen = look(info.tobuf(tarfile.PAX_FORMAT) + b"data".ljust(512, b"\0") + bytes(1024), tmp_path)
    assert seen.members[f"it!/{'a/' * 90}long"] == b"data"
    assert any(SECRET in content for content in seen.members.values())


def test_a_huge_pax_header_is_scanned_and_not_kept(tmp_path: Path) -> None:
    info = tarfile.TarInfo("h")
    info.type, info.size = tarfile.XHDTYPE, 3 << 20
    data = (
        headers(info) + (b"x" * 99 + b"\n") * 10 + SECRET + b"y" * ((3 << 20) - 1000 - len(SECRET)) + tar([("a", b"b")])
    )
    seen = look(data, tmp_path)
    assert any(SECRET in content for content in seen.members.values())
    assert seen.members["it!/a"] == b"b"
    assert "not obeyed" in seen.reasons
    info.size = 1 << 62
    lie = look(headers(info) + b"only this", tmp_path)
    assert lie.states == {"truncated", "failed"}
    assert b"only this" in lie.members.values()


@pytest.mark.parametrize("form", ["0.1", "1.0", "old"])
def test_sparse_files_are_read_as_their_data(form: str, tmp_path: Path) -> None:
    chunk = SECRET.ljust(512, b".")
    if form == "old":
        block = bytearray(headers(tarfile.TarInfo("sparse")))
        block[156:157] = b"S"
        block[124:136] = b"%011o\0" % 512
        block[386:410] = b"%011o\0%011o\0" % (1 << 32, 512)
        block[483:495] = b"%011o\0" % (1 << 32)
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        data = bytes(block) + chunk
    else:
        info = tarfile.TarInfo("GNUSparseFile.0/sparse")
        name = {"GNU.sparse.name": "sparse", "GNU.sparse.size": str(1 << 40), "GNU.sparse.realsize": str(1 << 40)}
        if form == "1.0":
            body = b"1\n%d\n512\n".ljust(512, b"\0") % (1 << 33) + chunk
            body = (b"1\n%d\n512\n" % (1 << 33)).ljust(512, b"\0") + chunk
            info.pax_headers = {**name, "GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
        else:
            body = chunk
            info.pax_headers = {**name, "GNU.sparse.map": f"{1 << 33},512"}
        info.size = len(body)
        data = info.tobuf(tarfile.PAX_FORMAT) + body
    seen = look(data + tar([("after", b"it")]), tmp_path)
    assert seen.members == {"it!/sparse": chunk, "it!/after": b"it"}
    assert seen.incidents == []


def test_tars_joined_and_data_behind_the_end_are_read(tmp_path: Path) -> None:
    seen = look(tar([("a", b"1")]) + tar([("b", b"2")]) + SECRET, tmp_path)
    assert list(seen.members.values()) == [b"1", b"2", SECRET]
    assert "ends in the middle of a header" in seen.reasons
    whole = look(tar([("a", b"1")]) + SECRET.ljust(512, b"\n"), tmp_path)
    assert SECRET.ljust(512, b"\n") in whole.members.values()
    assert whole.incidents == []


def test_a_damaged_header_in_the_middle_is_told_and_the_rest_scanned(tmp_path: Path) -> None:
    """tarfile ends there without a word."""
    data = bytearray(tar([("a", b"1"), ("b", SECRET), ("c", b"3")], tarfile.USTAR_FORMAT))
    data[1024 + 148] ^= 1
    seen = look(bytes(data), tmp_path)
    assert "damaged header" in seen.reasons
    assert any(SECRET in content for content in seen.members.values())


def test_base_256_and_negative_sizes(tmp_path: Path) -> None:
    def sized(size: int) -> bytes:
        block = bytearray(headers(tarfile.TarInfo("n")))
        block[124:136] = (size % (1 << 96)).to_bytes(12, "big") if size < 0 else b"\x80" + size.to_bytes(11, "big")
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        return bytes(block)

    assert look(sized(3) + b"abc".ljust(512, b"\0") + bytes(1024), tmp_path).members == {"it!/n": b"abc"}
    assert look(sized(-3) + SECRET.ljust(512, b"\0") + bytes(1024), tmp_path).states == {"failed"}
    assert look(sized(1 << 80) + SECRET, tmp_path).states == {"failed"}


def test_padding_extra_fields_and_headers_hide_nothing(tmp_path: Path) -> None:
    padded = bytearray(tar([("a", b"1"), ("b", b"2")]))
    padded[513 : 513 + len(SECRET)] = SECRET
    seen = look(bytes(padded), tmp_path)
    assert SECRET in seen.members["it!/@513"]
    assert seen.members["it!/b"] == b"2"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("a")
        info.extra = struct.pack("<HH", 0xCAFE, 200) + SECRET.ljust(200, b".")
        archive.writestr(info, b"content")
    assert any(SECRET in content for content in look(out.getvalue(), tmp_path).members.values())
    packed = gzip.compress(b"content", mtime=0)
    extra = struct.pack("<H", 4 + 3000) + b"xx" + struct.pack("<H", 3000) + bytes(2900) + SECRET.ljust(100, b".")
    named = packed[:3] + b"\x04" + packed[4:10] + extra + packed[10:]
    assert gzip.decompress(named) == b"content"
    seen = look(named, tmp_path, "x.gz")
    assert seen.members["x.gz!/x"] == b"content"
    assert any(SECRET in content for content in seen.members.values())


def test_an_archive_behind_an_archive_is_one_more(tmp_path: Path) -> None:
    both = gzip.compress(b"in the first") + zip_([("a", SECRET)])
    seen = look(both, tmp_path, "x.gz")
    assert sorted(seen.members.values()) == sorted([b"in the first", SECRET])
    assert next(chain for chain in seen.members if chain.endswith("!/a")).startswith("x.gz!/@")
    initramfs = cpio_newc([("early", b"microcode")]) + bytes(512) + gzip.compress(cpio_newc([("init", SECRET)]))
    assert set(look(initramfs, tmp_path).members.values()) == {b"microcode", SECRET}


# ---- the rest -------------------------------------------------------------------------------------------------------


def test_an_iso_that_points_at_itself_ends(tmp_path: Path) -> None:
    data = bytearray(iso([("a.txt", SECRET)]))
    root = data[16 * 2048 + 156 : 16 * 2048 + 190]
    start = int.from_bytes(root[2:6], "little") * 2048
    at = start
    while data[at + 32] == 1 and data[at + 33] in (0, 1):
        at += data[at]
    data[at + 2 : at + 18] = root[2:18]  # the first file is now the root, and a directory
    data[at + 25] |= 2
    seen = look(bytes(data), tmp_path)
    assert any(SECRET in content for content in seen.members.values())  # as a gap


def test_a_long_or_odd_name_is_cut_and_never_a_path(tmp_path: Path) -> None:
    seen = look(tar([("n" * 5000, b"1"), ("\x1b[31mred\n", b"2"), ("./dot", b"3"), ("////abs", b"4")]), tmp_path)
    assert all(len(origin.path) <= walk.NAME_LIMIT + 20 for origin in seen.origins)
    assert {"dot", "abs", "\x1b[31mred\n"} <= {origin.path for origin in seen.origins}


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"LUKS\xba\xbe\0\2" + bytes(600), "disk", "luks"),
        (b"BORG_SEG" + bytes(600), "data/0/1", "borg"),
        (b"[repository]\nversion = 1\nsegments_per_dir = 1000\n", "config", "borg"),
        (b'{"created":"x","kdf":"scrypt","N":32768}', "repo/keys/" + "a" * 64, "restic"),
        (b"Salted__" + bytes(64), "x.enc", "openssl-enc"),
        (b"U2FsdGVkX18" + b"A" * 53 + b"\n" + b"B" * 20 + b"=\n", "x.enc", "openssl-enc"),
        (b"MSWIM\0\0\0" + bytes(600), "x.wim", "wim"),
    ],
)
def test_what_nobody_reads_is_named_and_scanned_as_it_stands(data: bytes, name: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    assert kind_of(data, name) == kind
    inner = look(tar([(name, data)]), tmp_path, "outer.tar")
    assert inner.members == {f"outer.tar!/{name}": data}
    assert inner.states == {"skipped"}
    assert f"of kind {kind}, not read: " in inner.reasons
    assert look(tar([(name, data)]), tmp_path, "outer.tar", strict=True).states == {"failed"}


@pytest.mark.parametrize(("codec", "package"), [("zstd", "zstandard"), ("lz4", "lz4.frame"), ("brotli", "brotli")])
def test_a_missing_package_is_named(codec: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    suffix, pack = CODECS[codec]
    data = pack(SECRET)
    monkeypatch.setitem(sys.modules, package, None)
    seen = look(data, tmp_path, f"x{suffix}")
    assert seen.members == {f"x{suffix}": data}
    assert [(i.state, i.reason) for i in seen.incidents] == [
        ("skipped", f"of kind {codec}, not read: install leakguard-scanner[archives]")
    ]
    assert look(data, tmp_path, f"x{suffix}", strict=True).states == {"failed"}


@pytest.mark.parametrize("extra", [True, False])
def test_gzip_is_read_alike_with_the_extra_and_without(
    extra: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leakguard.sources.inside.archives import codecs

    if extra:
        pytest.importorskip("isal")
    else:
        monkeypatch.setitem(sys.modules, "isal", None)
    assert isinstance(codecs.gunzip(), codecs.Igzip if extra else codecs.Deflate)
    data = SECRET * 30_000
    packed = gzip.compress(data)
    for cut, reason in (
        (packed, ""), (packed + gzip.compress(SECRET), ""), (packed + bytes(512), ""),
        (packed[:-3], "ends early"), (packed[: len(packed) // 2], "ends early"),
        (packed[:-8] + b"\0\0\0\0" + packed[-4:], "damaged"), (packed[:12] + b"\xff" * 40 + packed[52:], ""),
    ):  # fmt: skip
        seen = look(cut, tmp_path, "x.gz")
        assert reason in seen.reasons
        assert bool(seen.incidents) == (cut[:40] != packed[:40] or bool(reason))
        if not seen.incidents:
            assert seen.members["x.gz!/x"].startswith(data)


def test_what_was_seen_before_is_read_once(tmp_path: Path) -> None:
    """The seam for layers and blobs: a reader that knows digests beforehand asks before it reads."""
    from leakguard.model import Origin
    from leakguard.sources.inside.base import Budget, Member

    known: set[str] = set()

    def seen(digest: str) -> bool:
        return digest in known or known.add(digest) is not None

    walker = walk.Walker(Origin("image", "x"), Budget(Limits(), 1000), lambda _: None, seen=seen)
    got = [
        leaf.stream.some(100)
        for name, digest in (("1", "sha256:a"), ("2", "sha256:b"), ("3", "sha256:a"))
        for leaf in walker.member(Origin("image", "x"), Member(name, from_bytes(SECRET), digest=digest), 1, 1, set())
    ]
    assert got == [SECRET, SECRET]
    assert walker.tally.seen_before == 1


@given(st.binary(max_size=600), st.sampled_from(["", "x.br", "objects/ab/" + "c" * 38, "keys/" + "d" * 64]))
def test_recognising_never_fails(head: bytes, name: str) -> None:
    assert isinstance(kind_of(head, name), str)


@given(st.binary(max_size=2000), st.lists(st.tuples(st.sampled_from("psru"), st.integers(1, 700)), max_size=30))
def test_a_stream_gives_each_byte_once(data: bytes, steps: list[tuple[str, int]]) -> None:
    at = 0

    def pull(count: int) -> bytes:
        nonlocal at
        piece = data[at : at + min(count, 97)]
        at += len(piece)
        return piece

    stream = Stream(pull)
    out = b""
    for step, count in steps:
        if step == "p":
            assert stream.peek(count) == data[len(out) : len(out) + count]
        elif step == "s":
            out += data[len(out) : len(out) + stream.skip(count)]
        elif step == "r":
            out += stream.some(count)
        elif out:
            stream.unread(out[-1:])
            out = out[:-1]
        assert stream.position == len(out)
        assert data.startswith(out)


def test_no_file_is_left_and_spools_have_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(base, "SPOOL", 1000)
    (tmp_path / "tmp").mkdir()
    seen: Seen = look(tar([("a.zip", zip_([("x", Random(1).randbytes(50_000))])), ("b", b"2")]), tmp_path)
    assert len(seen.members) == 2
    assert os.listdir(tmp_path / "tmp") == []


def test_keys_of_a_tar_that_nothing_obeys_are_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Bug: a global header of 50,000 keys was copied for each member, which took minutes for a megabyte."""
    from leakguard.sources.inside.archives import tars

    kept: list[int] = []
    real = tars._data

    def counting(stream: Any, entry: Any, pax: dict[str, str], *more: Any) -> Any:
        kept.append(len(pax))
        return real(stream, entry, pax, *more)

    monkeypatch.setattr(tars, "_data", counting)
    info = tarfile.TarInfo("g")
    body = b"".join(b"16 k%05d=value\n" % n for n in range(20_000)) + b"14 path=a.env\n"
    info.type, info.size = b"g", len(body)
    member = tarfile.TarInfo("b")
    member.size = 1
    data = info.tobuf() + body + bytes(-len(body) % 512) + (member.tobuf() + b"x" + bytes(511)) * 2
    seen = look(data + bytes(1024), tmp_path)
    assert kept == [1, 1]
    assert seen.members["it!/a.env"] == b"x"
