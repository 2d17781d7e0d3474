"""Every format: read, nested, truncated, damaged, attacked. Content is found whole, or something is told."""

from __future__ import annotations

import gzip
from pathlib import Path
from random import Random

import pytest
from nests import ARCHIVES, CODECS, look, tar

from leakguard.sources.inside.magic import kind_of

ONE = b"first line\nthe content of one: " + Random(1).randbytes(3000).hex().encode() + b"\n"
TWO = b"the content of two " * 40
FILES = [("srv/one.conf", ONE), ("two.txt", TWO)]

CHECKED = {"zip", "zip streamed", "zip bzip2", "zip lzma", "zip zstd", "zip stored", "git bundle", "deb", "rpm", "7z", "xar", "lha"}  # fmt: skip
"""Formats that would notice one flipped bit of content."""


ENDED = [name for name in CODECS if name != "compress"]
"""Those that say where they end: what follows a .Z, or is missing of it, nobody can tell."""


@pytest.mark.parametrize("codec", CODECS)
def test_a_compressed_file_is_one_content(codec: str, tmp_path: Path) -> None:
    suffix, pack = CODECS[codec]
    seen = look(pack(ONE), tmp_path, f"app.log{suffix}")
    assert seen.members == {f"app.log{suffix}!/app.log": ONE}
    assert seen.incidents == []


@pytest.mark.parametrize("codec", [name for name in CODECS if name != "brotli"])
def test_compression_is_known_without_a_name(codec: str, tmp_path: Path) -> None:
    assert list(look(CODECS[codec][1](ONE), tmp_path, "x").members.values()) == [ONE]


@pytest.mark.parametrize("codec", CODECS)
def test_a_tar_in_compression_has_no_step_of_its_own(codec: str, tmp_path: Path) -> None:
    suffix, pack = CODECS[codec]
    seen = look(pack(tar(FILES)), tmp_path, f"a.tar{suffix}")
    assert seen.members == {f"a.tar{suffix}!/srv/one.conf": ONE, f"a.tar{suffix}!/two.txt": TWO}
    assert seen.incidents == []


@pytest.mark.parametrize("codec", [name for name in CODECS if name not in ("brotli", "lzma", "compress")])
def test_frames_one_behind_the_other_are_one_content(codec: str, tmp_path: Path) -> None:
    pack = CODECS[codec][1]
    seen = look(pack(ONE) + pack(TWO), tmp_path, "x")
    assert list(seen.members.values()) == [ONE + TWO]
    assert seen.incidents == []


@pytest.mark.parametrize("codec", ENDED)
def test_what_hangs_behind_compressed_data_is_scanned(codec: str, tmp_path: Path) -> None:
    suffix, pack = CODECS[codec]
    seen = look(pack(ONE) + b"\0" * 700 + b"hidden behind", tmp_path, f"x{suffix}")
    assert seen.members[f"x{suffix}!/x"] == ONE
    assert seen.members.popitem()[1] == b"hidden behind"


@pytest.mark.parametrize("codec", ENDED)
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.97])
def test_cut_off_compression_is_told(codec: str, keep: float, tmp_path: Path) -> None:
    suffix, pack = CODECS[codec]
    data = pack(ONE)
    seen = look(data[: int(len(data) * keep)], tmp_path, f"x{suffix}")
    assert seen.states == {"failed"}
    for content in seen.members.values():
        assert ONE.startswith(content) or content in data


@pytest.mark.parametrize("codec", [name for name in CODECS if name not in ("lzma", "lz4-legacy", "brotli", "compress")])
def test_a_flipped_bit_is_told(codec: str, tmp_path: Path) -> None:
    data = bytearray(CODECS[codec][1](ONE))
    data[len(data) // 2] ^= 0x10
    seen = look(bytes(data), tmp_path, "x")
    assert "failed" in seen.states
    assert ONE not in seen.members.values()


@pytest.mark.parametrize("codec", CODECS)
def test_a_magic_before_plain_text_hides_nothing(codec: str, tmp_path: Path) -> None:
    """An attacker's cheapest trick: four bytes before a file of secrets."""
    suffix, pack = CODECS[codec]
    seen = look(pack(b"x")[:6] + TWO, tmp_path, f"x{suffix}")
    assert any(TWO[100:] in content for content in seen.members.values())


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
@pytest.mark.parametrize("first", [False, True])
def test_frames_that_decoders_pass_over_are_scanned(codec: str, first: bool, tmp_path: Path) -> None:
    """As pzstd and seekable formats write them, before and between frames; the content goes on behind them."""
    aside = b"what no decoder shows"
    frame = b"\x5a\x2a\x4d\x18" + len(aside).to_bytes(4, "little") + aside
    pack = CODECS[codec][1]
    seen = look(frame * first + pack(ONE) + frame + pack(TWO), tmp_path, "x")
    assert list(seen.members.values()) == [ONE + TWO] + [aside] * (1 + first)
    assert seen.incidents == []


def test_text_that_happens_to_decode_is_scanned_as_text_too(tmp_path: Path) -> None:
    """A Huffman table before plain text, which makes "compressed data" of it."""
    import zlib

    packer = zlib.compressobj(9, zlib.DEFLATED, 31, 9, zlib.Z_FIXED)
    head = packer.compress(b"a") + packer.flush(zlib.Z_PARTIAL_FLUSH)
    seen = look(head + TWO, tmp_path, "x.gz")
    assert seen.states == {"failed"}
    assert any(TWO in content for content in seen.members.values())


@pytest.mark.parametrize("form", ARCHIVES)
def test_an_archive_gives_its_members(form: str, tmp_path: Path) -> None:
    data = ARCHIVES[form](FILES)
    assert kind_of(data[:40_000])
    seen = look(data, tmp_path)
    assert seen.reasons == ""
    assert list(seen.members.values()).count(ONE) == 1
    assert list(seen.members.values()).count(TWO) == 1
    if form != "git bundle":
        assert {"srv/one.conf", "two.txt"} <= {origin.path for origin in seen.origins}
    assert all(chain.startswith("it!/") for chain in seen.members)


def test_a_cpio_with_sums_tells_what_does_not_add_up(tmp_path: Path) -> None:
    data = ARCHIVES["cpio crc"](FILES)
    seen = look(data.replace(ONE[1000:1016], b"0" * 16), tmp_path)
    assert "its sum" in seen.reasons
    assert TWO in seen.members.values()


def test_a_tar_by_cpio_has_its_sum_in_seven_digits(tmp_path: Path) -> None:
    """`cpio -H tar` writes no `ustar`, and ends the sum of a header with a NUL alone."""
    block = bytearray(b"srv/one.conf".ljust(100, b"\0") + b"0000644\0000000000\0000000000\0%011o\00015300747707\0" % len(ONE))
    block = bytearray(b"%b%-8s" % (block, b" " * 8) + b"0").ljust(512, b"\0")
    block[148:156] = b"%07o\0" % sum(block)
    data = bytes(block) + ONE + bytes(-len(ONE) % 512) + bytes(1024)
    seen = look(data, tmp_path)
    assert seen.members == {"it!/srv/one.conf": ONE}
    assert look(data[:2000], tmp_path).states == {"failed"}


@pytest.mark.parametrize("form", ARCHIVES)
def test_an_archive_in_archives_gives_the_same(form: str, tmp_path: Path) -> None:
    inner = ARCHIVES[form](FILES)
    seen = look(gzip.compress(tar([("deep/it", inner), ("after", b"after it")])), tmp_path, "outer.tgz")
    assert seen.reasons == ""
    assert list(seen.members.values()).count(ONE) == 1
    assert seen.members["outer.tgz!/after"] == b"after it"
    assert any(chain.startswith("outer.tgz!/deep/it!/") for chain in seen.members)


@pytest.mark.parametrize("form", ARCHIVES)
@pytest.mark.parametrize("keep", [0.3, 0.8])
def test_an_archive_cut_off_is_told(form: str, keep: float, tmp_path: Path) -> None:
    data = ARCHIVES[form](FILES)
    if form in ("iso", "squashfs"):
        keep /= 2  # the end of these is padding
    seen = look(data[: int(len(data) * keep)], tmp_path)
    assert seen.states & {"failed", "truncated"}, seen.members.keys()


@pytest.mark.parametrize("form", ARCHIVES)
def test_damage_is_told_or_does_no_harm(form: str, tmp_path: Path) -> None:
    data = ARCHIVES[form](FILES)
    at = data.find(ONE[1000:1016])
    damaged = bytearray(data)
    place = at if at >= 0 else len(data) // 2
    damaged[place : place + 4] = bytes(byte ^ 0x55 for byte in damaged[place : place + 4])
    seen = look(bytes(damaged), tmp_path)
    harmed = ONE[:1000] + bytes(byte ^ 0x55 for byte in ONE[1000:1004]) + ONE[1004:]
    assert {ONE, harmed} & set(seen.members.values()) or seen.incidents
    if form in CHECKED:
        assert "failed" in seen.states


@pytest.mark.parametrize("form", ARCHIVES)
def test_hostile_bytes_end_in_incidents_and_never_in_errors(form: str, tmp_path: Path) -> None:
    """Mutations all over: nothing raises, and a second archive beside it is read all the same."""
    random = Random(form)
    data = ARCHIVES[form]([("a", b"a" * 300), ("b/c", b"c" * 700)])
    slow = form in ("7z", "xar", "cab", "rar", "lha", "squashfs", "git bundle")  # a process each
    inner = []
    for number in range(4 if slow else 40):
        changed = bytearray(data)
        for _ in range(random.choice((1, 2, 8))):
            low = random.randrange(len(changed))
            if random.random() < 0.5:
                low = random.randrange(min(len(changed), 600))
            changed[low : low + random.choice((1, 4))] = random.choice((b"\xff" * 4, b"\0", random.randbytes(3)))
        inner.append((f"{number}", bytes(changed)))
    seen = look(tar([*inner, ("last", b"the last one")]), tmp_path)
    assert seen.members["it!/last"] == b"the last one"
    assert "internal error" not in seen.reasons


@pytest.mark.parametrize(
    "form", ["gzip", "bzip2", "xz", "lzip", "zstd", "lz4", "zip", "zip streamed", "zip lzma", "zip zstd"]
)
def test_no_flipped_bit_loses_anything_in_silence(form: str, tmp_path: Path) -> None:
    """Wherever it is: all content is there, or something is told, or it is no container any more."""
    random = Random(form)
    data = ARCHIVES[form](FILES) if form in ARCHIVES else CODECS[form][1](tar(FILES))
    for _ in range(100):
        changed = bytearray(data)
        changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
        seen = look(bytes(changed), tmp_path)
        if not seen.incidents and list(seen.members) != ["it"]:
            assert {ONE, TWO} <= set(seen.members.values())


def test_every_reader_is_real() -> None:
    from importlib import import_module

    from leakguard.sources.inside.walk import READERS

    for module, function in READERS.values():
        assert callable(getattr(import_module(f"leakguard.sources.inside.{module}"), function))
