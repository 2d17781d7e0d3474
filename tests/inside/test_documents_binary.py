"""PDFs, compound files and pictures: parsed in a child, every revision and stream read, damage and bombs told."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zlib
from pathlib import Path
from random import Random

import pytest
from nests import Seen, look, look_at, tar, zip_
from papers import Pdf, compound, msg, pdf, png, shown, vba_packed

from leakguard.model import Incident, Origin
from leakguard.sources.files import FileTask
from leakguard.sources.inside import walk
from leakguard.sources.inside.documents import ole, pdftext
from leakguard.sources.inside.limits import Limits

KEY = "a-value-that-is-cut-into-runs-0123456789"
MORE = "another-value-0123456789-in-runs"


def get(seen: Seen, name: str) -> str:
    return seen.members[f"it!/{name}"].decode("utf-8", "replace")


def count(seen: Seen, what: str = KEY) -> int:
    return sum(content.count(what.encode()) for content in seen.members.values())


# ---- PDF ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [True, False])
def test_pages_are_text_and_their_content_is_not_said_twice(packed: bool, tmp_path: Path) -> None:
    data = pdf([["Hello", f"it is {KEY}"], ["two (2)"]], packed=packed).end()
    seen = look(data, tmp_path)
    assert get(seen, "page-1").split("\n")[:2] == ["Hello", f"it is {KEY}"]
    assert get(seen, "page-2").strip() == "two (2)"
    assert count(seen) == 1
    assert seen.incidents == []


def test_metadata_fields_and_links_stand_beside_their_names(tmp_path: Path) -> None:
    wide = b"<FEFF" + MORE.encode("utf-16-be").hex().encode() + b">"
    made = pdf([["x"]], info=b"/apiSecret (%s) /Title %s /Author (a\\(b\\)\\101\\\nc)" % (KEY.encode(), wide), form=b"/AcroForm << /Fields [50 0 R] >>")  # fmt: skip
    made.put(50, b"<< /FT /Tx /T (db password) /Ff 1 /V (%s) >>" % MORE.encode())
    made.put(51, b"<< /Type /Annot /A << /S /URI /URI (https://host/?token=%s) >> >>" % MORE.encode())
    text = get(look(made.end(b"/Info 4 0 R"), tmp_path), "objects")
    for line in (f"apiSecret: {KEY}", f"Title: {MORE}", "Author: a(b)Ac", f"db password: {MORE}", f"URI: https://host/?token={MORE}"):
        assert line in text.split("\n")


def test_attachments_have_their_names_and_are_looked_into(tmp_path: Path) -> None:
    made = pdf([["x"]], names=b"/Names << /EmbeddedFiles << /Names [(a) 60 0 R (b) 62 0 R] >> >>")
    made.put(60, b"<< /Type /Filespec /F (keys.zip) /UF (keys.zip) /EF << /F 61 0 R >> >>")
    made.stream(61, zip_([("k.env", KEY.encode())]), b"/Type /EmbeddedFile")
    made.put(62, b"<< /Type /Filespec /F (plain.txt) /EF << /F 63 0 R >> >>")
    made.stream(63, MORE.encode(), b"/Type /EmbeddedFile", packed=False)
    seen = look(made.end(), tmp_path)
    assert get(seen, "attachments/keys.zip!/k.env") == KEY
    assert get(seen, "attachments/plain.txt") == MORE
    assert seen.incidents == []


def test_what_an_earlier_revision_said_is_read_once(tmp_path: Path) -> None:
    made = pdf([["Hello", f"it is {KEY}"]], info=b"/Title (%s)" % MORE.encode())
    made.end(b"/Info 4 0 R")
    made.stream(30, shown(["Hello", "all is well"]))
    made.put(4, b"<< /Title (nothing) >>")
    seen = look(made.end(b"/Info 4 0 R"), tmp_path)
    assert get(seen, "page-1").split("\n")[:2] == ["Hello", "all is well"]
    assert get(seen, "revision-1/page-1") == f"it is {KEY}"
    assert count(seen) == 1
    assert f"Title: {MORE}" in get(seen, "objects")
    assert seen.incidents == []


def test_streams_that_no_page_shows_are_unpacked(tmp_path: Path) -> None:
    made = pdf([["x"]])
    made.stream(70, shown([KEY]))
    made.stream(71, f"1 0 2 9 << /apiSecret ({MORE}) >> << /x 1 >>".encode(), b"/Type /ObjStm /N 2 /First 8")
    made.stream(72, KEY.encode().hex().encode() + b">", b"/Filter /ASCIIHexDecode", packed=False)
    made.stream(73, b"\x09" + KEY.encode()[:10] + b"\x80", b"/Filter /RunLengthDecode", packed=False)
    made.stream(74, b"<x:xmpmeta>" + KEY.encode() + b"</x:xmpmeta>", b"/Type /Metadata", packed=False)
    seen = look(made.end(), tmp_path)
    assert get(seen, "object-70").strip() == KEY
    assert f"apiSecret: {MORE}" in get(seen, "object-71")
    assert get(seen, "object-72") == KEY
    assert get(seen, "object-73") == KEY[:10]
    assert KEY in get(seen, "object-74")


def test_a_locked_pdf_is_told_and_an_open_lock_is_none(tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    plain = pdf([[f"it is {KEY}"]], info=b"/apiSecret (%s)" % MORE.encode()).end(b"/Info 4 0 R")
    for password in ("", "secret"):
        writer = PdfWriter(clone_from=PdfReader(io.BytesIO(plain)))
        writer.encrypt(user_password=password, owner_password="owner", algorithm="AES-256")
        out = io.BytesIO()
        writer.write(out)
        seen = look(out.getvalue(), tmp_path)
        if password:
            assert "encrypted" in seen.reasons
            assert "failed" in seen.states
            assert count(seen) == 0
        else:
            assert KEY in get(seen, "page-1")
            assert count(seen) == 1
            assert f"apiSecret: {MORE}" in get(seen, "objects")
            assert seen.incidents == []


def test_a_pdf_in_an_archive(tmp_path: Path) -> None:
    seen = look(gzip.compress(tar([("a.pdf", pdf([[KEY]]).end()), ("after", b"after it")])), tmp_path, "b.tgz")
    assert KEY in seen.members["b.tgz!/a.pdf!/page-1"].decode()
    assert seen.members["b.tgz!/after"] == b"after it"


@pytest.mark.parametrize("keep", [0.5, 0.8, 0.97])
def test_a_pdf_cut_off_is_told_and_its_objects_are_read(keep: float, tmp_path: Path) -> None:
    made = pdf([[KEY]], info=b"/Title (%s)" % MORE.encode())
    for number in range(40, 90):
        made.put(number, b"<< /x 1 >>")
    data = made.end(b"/Info 4 0 R")
    seen = look(data[: int(len(data) * keep)], tmp_path)
    assert "failed" in seen.states
    assert count(seen) == 1
    assert count(seen, MORE) == 1


def test_damaged_streams_are_told(tmp_path: Path) -> None:
    made = pdf([[KEY]])
    made.stream(70, Random(1).randbytes(9000), cut=300)
    seen = look(made.end(), tmp_path)
    assert "damaged" in seen.reasons
    assert KEY in get(seen, "page-1")


def test_damage_in_what_a_page_shows_is_told(tmp_path: Path) -> None:
    """pypdf takes what it can of a damaged stream, and mostly, but not always, stumbles over what it took."""
    data = pdf([[*(f"words {number} words" for number in range(60)), KEY]]).end()
    at = data.index(b"stream\n", data.index(b"30 0 obj")) + 7
    end = data.index(b"endstream", at)
    for place in (at + 80, at + 81, at + 83, at + 86, at + 120, end - 40):
        seen = look(data[:place] + bytes((data[place] ^ 0x80,)) + data[place + 1 :], tmp_path, f"{place}.pdf")
        assert count(seen) or seen.states == {"failed"}


def test_a_page_in_numbers_of_glyphs_is_told(tmp_path: Path) -> None:
    """The font's table of letters was damaged, or never there: what a page says is not known."""
    seen = look(pdf([["".join(chr(1 + number % 8) for number in range(90))]]).end(), tmp_path)
    assert "which letters" in seen.reasons


def test_a_linear_pdf_without_its_end_is_told(tmp_path: Path) -> None:
    """Its first page's table stands in front, so that a program may show it while the rest comes."""
    made = pdf([[KEY]])
    made.end()
    made.put(80, b"<< /Title (%s) >>" % MORE.encode())
    seen = look(made.data, tmp_path)
    assert "ends before its table" in seen.reasons
    assert count(seen) == count(seen, MORE) == 1


def test_small_pictures_and_streams_without_a_mark_of_their_end_are_no_damage(tmp_path: Path) -> None:
    """ImageMagick's thumbnails do not say that they are pictures; Acrobat hands out what it packed, and ends nothing."""
    made = pdf([["x"]])
    for number, name in enumerate((b"CCITTFaxDecode", b"DCTDecode", b"JPXDecode")):
        made.put(50 + number, b"<< /Filter [ /%b ] /Width 9 /Height 9 /Length 8 >>\nstream\n\x26\xa0\xcc\x1e\1\2\3\4\nendstream" % name)
    packer = zlib.compressobj()
    packed = packer.compress(KEY.encode()) + packer.flush(zlib.Z_SYNC_FLUSH)
    made.put(60, b"<< /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream" % (len(packed), packed))
    seen = look(made.end(), tmp_path)
    assert seen.incidents == []
    assert count(seen) == 1


def test_a_magic_before_plain_text_hides_nothing(tmp_path: Path) -> None:
    seen = look(f"%PDF-1.7\n{KEY} stream\n{MORE}".encode(), tmp_path)
    assert count(seen) == count(seen, MORE) == 1
    assert "failed" in seen.states


def test_bombs_in_a_pdf_end_at_a_limit(tmp_path: Path) -> None:
    made = pdf([[KEY]])
    made.stream(70, bytes(70 << 20))
    made.stream(71, zlib.compress(bytes(70 << 20)), b"/Filter [/FlateDecode /FlateDecode]", packed=True)
    seen = look(made.end(), tmp_path, limits=Limits(ratio=0))
    assert "unpacks to more than" in seen.reasons
    limited = look(made.data, tmp_path, limits=Limits(bytes=1 << 20))
    assert "--archive-bytes" in limited.reasons
    assert KEY in get(seen, "page-1")


def test_a_hostile_tree_of_pages_ends(tmp_path: Path) -> None:
    made = Pdf()
    made.put(1, b"<< /Type /Catalog /Pages 2 0 R /Title (%s) >>" % KEY.encode())
    made.put(2, b"<< /Type /Pages /Count 99999999 /Kids [2 0 R 2 0 R] >>")
    made.put(3, b"[" * 20_000)
    seen = look(made.end(), tmp_path)
    assert count(seen) == 1


def test_pdfs_at_random_end(tmp_path: Path) -> None:
    data = pdf([["one", KEY], ["two"]], info=b"/Title (%s)" % MORE.encode()).end(b"/Info 4 0 R")
    for number in range(6):
        random = Random(number)
        hostile = bytearray(data)
        for _ in range(20):
            hostile[random.randrange(8, len(hostile))] = random.randrange(256)
        seen = look(bytes(hostile), tmp_path)
        assert seen.members
        assert "internal error" not in seen.reasons


def test_a_missing_package_is_skipped_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    for data, kind in ((pdf([[KEY]], packed=False).end(), "pdf"), (compound({"a": KEY.encode()}), "ole")):
        for strict in (False, True):
            seen = look(data, tmp_path, strict=strict)
            assert list(seen.members.values()) == [data]
            assert seen.states == {"failed" if strict else "skipped"}
            assert f"of kind {kind}, not read: install leakguard-scanner[documents]" in seen.reasons


def test_strings_of_every_kind() -> None:
    decode = pdftext.strings_decoded
    assert decode(rb"/K (a\)\(b(c(d))\n\061)") == b"\nK: a)(b(c(d))\n1\n"
    assert decode(b"/K <48 69>") == b"\nK: Hi\n"
    assert decode("/K (é)".encode("latin-1")) == "\nK: é\n".encode()
    assert decode(b"/K <FEFF00E9>") == "\nK: é\n".encode()
    for hostile in (b"(" * 200_000, b"(" + b"a(" * 100_000, b"<<" * 200_000, b"/K" * 200_000, b"(\\" * 100_000):
        assert len(decode(hostile)) <= 3 * len(hostile) + 8


# ---- compound files -------------------------------------------------------------------------------------------------


def test_a_mail_of_outlook(tmp_path: Path) -> None:
    rtf = rb"{\rtf1 packed " + KEY.encode() + b"}"
    more = {"__substg1.0_10090102": struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf}
    seen = look(msg(f"Subject {KEY}", f"Body\n{KEY}", {"keys.zip": zip_([("k", MORE.encode())]), "n.txt": b"note " * 2000}, more), tmp_path)
    assert get(seen, "body.txt") == f"Body\n{KEY}"
    assert f"Subject: Subject {KEY}" in get(seen, "properties")
    assert get(seen, "attachments/keys.zip!/k") == MORE
    assert get(seen, "attachments/n.txt") == "note " * 2000
    assert f"packed {KEY}" in get(seen, "body.rtf!/text")
    assert seen.incidents == []


def test_macros_are_source_and_sectors_of_nobody_are_read(tmp_path: Path) -> None:
    source = b'Attribute VB_Name = "M"\r\nToken = "' + KEY.encode() + b'"\r\n'
    streams = {"Macros/VBA/M": b"x" * 20 + KEY.encode() + b"\0other text in it\0" + vba_packed(source), "WordDocument": bytes(5000)}
    seen = look(compound(streams, free=MORE.encode()), tmp_path)
    assert get(seen, "Macros/VBA/M.bas") == source.decode()
    assert "other text in it" in get(seen, "Macros/VBA/M")
    assert get(seen, "free").strip("\0") == MORE


def test_an_object_in_a_document_is_looked_into(tmp_path: Path) -> None:
    inner = zip_([("k", KEY.encode())])
    native = b"\2\0a.zip\0C:\\a.zip\0\0\0\3\0" + struct.pack("<I", 3) + b"C:\0" + struct.pack("<I", len(inner)) + inner
    seen = look(compound({"ObjectPool/_1/\1Ole10Native": struct.pack("<I", len(native)) + native}), tmp_path)
    assert get(seen, "ObjectPool/_1/a.zip!/k") == KEY


@pytest.mark.parametrize(
    "streams",
    [
        {"EncryptedPackage": b"x" * 99},
        {"WordDocument": b"\xec\xa5" + bytes(9) + b"\1" + bytes(40)},
        {"Workbook": struct.pack("<HHH", 0x809, 2, 6) + struct.pack("<HHH", 0x2F, 2, 1)},
    ],
)
def test_encrypted_documents_are_told(streams: dict[str, bytes], tmp_path: Path) -> None:
    seen = look(compound(streams), tmp_path)
    assert "encrypted" in seen.reasons
    assert seen.states == {"failed"}


def test_an_encrypted_presentation_is_told(tmp_path: Path) -> None:
    """No stream of its own says so, but a mark in the record of who used it last."""
    user = struct.pack("<HHII", 0, 0x0FF6, 28, 20)
    streams = {"PowerPoint Document": Random(4).randbytes(5000), "Current User": user + b"\xdf\xc4\xd1\xf3" + bytes(16)}
    seen = look(compound(streams), tmp_path)
    assert [(i.state, i.origin, i.reason) for i in seen.incidents] == [("failed", "it!/PowerPoint Document", "encrypted")]
    streams["Current User"] = user + b"\x5f\xc0\x91\xe3" + bytes(16)
    assert look(compound(streams), tmp_path).incidents == []


def test_numbered_names_of_a_mail_are_no_properties(tmp_path: Path) -> None:
    """Real ones have a list there that is called like a packed text, and is none: it was told as damage."""
    data = msg("x", KEY, more={"__nameid_version1.0/__substg1.0_10090102": b"\1\2\3\4\5\6\7\x08", "__nameid_version1.0/__substg1.0_00040102": MORE.encode()})
    seen = look(data, tmp_path)
    assert seen.incidents == []
    assert count(seen) == count(seen, MORE) == 1


def test_a_compound_file_that_lost_the_end_of_its_directory_is_told(tmp_path: Path) -> None:
    """It grows by sectors at the end of the file; the parser goes on with what is left of it, and says nothing of the streams
    that nobody names any more."""
    data = bytearray(compound({f"__substg1.0_{number:04X}0102": Random(number).randbytes(8000) for number in range(0x6000, 0x6005)}))
    sectors = [bytes(data[at : at + 512]) for at in range(512, len(data), 512)]
    where, fat = int.from_bytes(data[48:52], "little"), int.from_bytes(data[76:80], "little")
    chain = struct.unpack("<128I", sectors[fat])
    moved = [where, fat, *range(where), *range(where + 1, fat)]  # the directory's first sector, the table, all else
    new = {old: place for place, old in enumerate(moved)}
    out = [bytearray(sectors[old]) for old in moved]
    out[1] = bytearray(struct.pack("<128I", *(new.get(chain[old], chain[old]) for old in moved), *[0xFFFFFFFF] * (128 - len(moved))))
    for sector in (out[0], *out[new[where + 1] :]):
        for at in range(0, 512, 128):
            if sector[at + 66] == 2:
                start = int.from_bytes(sector[at + 116 : at + 120], "little")
                sector[at + 116 : at + 120] = new[start].to_bytes(4, "little")
    data[48:52], data[76:80] = bytes(4), (1).to_bytes(4, "little")
    made = bytes(data[:512]) + b"".join(out)
    assert look(made, tmp_path).incidents == []
    assert len(look(made, tmp_path).members) == 5
    seen = look(made[: 512 * (1 + new[where + 1])], tmp_path)
    assert "ends early" in seen.reasons
    assert seen.states == {"failed"}


def test_a_compound_file_cut_in_its_directory_is_told(tmp_path: Path) -> None:
    """LibreOffice writes it last. Its names are gone then, and no other length tells."""
    data = bytearray(compound({f"stream {number}": Random(number).randbytes(5000) for number in range(7)}))
    where = int.from_bytes(data[48:52], "little")
    fat = int.from_bytes(data[76:80], "little")
    chain = struct.unpack("<128I", data[512 * (fat + 1) : 512 * (fat + 2)])
    used = [where]
    while chain[used[-1]] < 0xFFFFFFFA:
        used.append(chain[used[-1]])
    behind = max(number for number, following in enumerate(chain) if following != 0xFFFFFFFF) + 1
    moved = bytearray(data[: 512 * (behind + 1)].ljust(512 * (behind + 1), b"\0"))
    for place, number in enumerate(used):  # a copy of the directory at the end is the directory
        moved += data[512 * (number + 1) : 512 * (number + 2)]
        following = behind + place + 1 if place + 1 < len(used) else 0xFFFFFFFE
        at = 512 * (fat + 1) + 4 * (behind + place)
        moved[at : at + 4] = following.to_bytes(4, "little")
    moved[48:52] = behind.to_bytes(4, "little")
    whole = look(bytes(moved), tmp_path)
    assert whole.incidents == []
    seen = look(bytes(moved[:-100]), tmp_path)
    assert "ends early" in seen.reasons


def test_a_compound_file_nested_cut_and_damaged(tmp_path: Path) -> None:
    data = msg("s", KEY, {"a": b"x" * 9000})
    nested = look(gzip.compress(tar([("m.msg", data)])), tmp_path, "b.tgz")
    assert nested.members["b.tgz!/m.msg!/body.txt"].decode() == KEY
    for keep in (0.1, 0.4, 0.8):
        assert look(data[: int(len(data) * keep)], tmp_path).states & {"failed"}
    damaged = bytearray(data)
    damaged[48:52] = b"\xf0\xff\xff\x7f"  # the directory's first sector
    assert "failed" in look(bytes(damaged), tmp_path).states


def test_compound_files_at_random_end(tmp_path: Path) -> None:
    data = msg("s", KEY, {"a": b"x" * 5000})
    for number in range(12):
        random = Random(number)
        hostile = bytearray(data)
        for _ in range(30):
            hostile[random.randrange(24, len(hostile))] = random.randrange(256)
        assert look(bytes(hostile), tmp_path).members


def test_packed_rtf_is_unpacked() -> None:
    """The example of MS-OXRTFCP 3.1: `{\\rtf1\\ansi\\ansicpg1252\\pard hello world}` and a line break."""
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af320"
        "68656c090020627705b06c647d0a800fa0"
    )
    assert ole.rtf_unpacked(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    for size in range(len(packed)):
        assert ole.rtf_unpacked(packed[:size]) in (None, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n")


def test_packed_macros_are_unpacked() -> None:
    """The examples of MS-OVBA 3.2: text that does not repeat, and text that does."""
    plain = bytes.fromhex("0119b000616263646566676800696a6b6c6d6e6f70007172737475762e")
    assert ole.vba_unpacked(plain) == b"abcdefghijklmnopqrstuv."
    normal = bytes.fromhex(
        "012fb00023616161626364658266007061676869"
        "6a013808616b6c00306d6e6f700671027004107273747576107778797a003c"
    )
    assert ole.vba_unpacked(normal) == b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa"


# ---- pictures -------------------------------------------------------------------------------------------------------


def test_packed_texts_of_a_png_are_read_and_the_rest_as_it_stands(tmp_path: Path) -> None:
    chunks = [
        (b"tEXt", b"Comment\0plain " + KEY.encode()),
        (b"zTXt", b"Raw\0\0" + zlib.compress(KEY.encode())),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0\0" + zlib.compress(f"é {KEY}".encode())),
        (b"juNk", MORE.encode()),
    ]
    seen = look(png(chunks) + b"behind " + MORE.encode(), tmp_path, "a.png")
    assert seen.members["a.png!/text"].decode() == f"Comment: plain {KEY}\nRaw: {KEY}\nXML:com.adobe.xmp: é {KEY}"
    assert count(seen) == 3
    assert count(seen, MORE) == 2
    assert seen.incidents == []


def test_a_png_in_an_archive_and_one_with_an_archive_behind(tmp_path: Path) -> None:
    made = png([(b"zTXt", b"Raw\0\0" + zlib.compress(KEY.encode()))])
    seen = look(zip_([("a.png", made), ("b", b"b")]), tmp_path, "c.zip")
    assert seen.members["c.zip!/a.png!/text"].decode() == f"Raw: {KEY}"
    behind = look(made + zip_([("hidden", MORE.encode())]), tmp_path, "a.png")
    assert count(behind, MORE) == 1
    assert any(name.endswith("!/hidden") for name in behind.members)


def test_damaged_texts_of_a_png_are_told(tmp_path: Path) -> None:
    packed = zlib.compress(Random(1).randbytes(900).hex().encode())
    for data in (packed[:-50], b"no zlib", b""):
        seen = look(png([(b"zTXt", b"Raw\0\0" + data)]), tmp_path, "a.png")
        assert "failed" in seen.states
        assert data in b"".join(seen.members.values())
    whole = png([(b"zTXt", b"Raw\0\0" + packed)])
    assert "failed" in look(whole[:300], tmp_path, "a.png").states


def test_a_png_without_its_end_is_told(tmp_path: Path) -> None:
    whole = png([(b"tEXt", b"Comment\0plain " + KEY.encode())])
    seen = look(whole[:-12], tmp_path, "a.png")
    assert count(seen) == 1
    assert "end mark" in seen.reasons


def test_a_bomb_in_a_png_is_told(tmp_path: Path) -> None:
    seen = look(png([(b"zTXt", b"Raw\0\0" + zlib.compress(bytes(300 << 20)))]), tmp_path, "a.png")
    assert "longer than is read" in seen.reasons
    assert seen.tally.expanded < 20 << 20


def test_other_pictures_have_their_texts_in_the_open(tmp_path: Path) -> None:
    """EXIF, XMP and comments need no reader: the bytes are scanned as they stand, one time."""
    from PIL import Image

    picture = Image.new("RGB", (8, 8))
    exif = Image.Exif()
    exif[0x010E] = f"description {KEY}"
    for form in ("JPEG", "TIFF", "WEBP"):
        out = io.BytesIO()
        picture.save(out, form, exif=exif.tobytes())
        seen = look(out.getvalue(), tmp_path, f"a.{form.lower()}")
        assert list(seen.members) == [f"a.{form.lower()}"]
        assert count(seen) == 1


# ---- OCR ------------------------------------------------------------------------------------------------------------


def looked(data: bytes, folder: Path, name: str, kind: str = "picture", **limits: int) -> Seen:
    """As a scan with --ocr does."""
    path = folder / name
    path.write_bytes(data)
    out = Seen()
    told: list[Incident] = out.incidents
    task = FileTask(name, str(path), len(data))
    for leaf in walk.leaves(task, Origin("file", name), kind, Limits(ocr=True, **limits), told.append):
        buffer = bytearray(1 << 16)
        content = b""
        while size := leaf.stream.readinto(memoryview(buffer)):
            content += buffer[:size]
        out.members[str(leaf.origin)] = content
        out.origins.append(leaf.origin)
    return out


def screenshot(text: str) -> bytes:
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (640, 120), "#1e1e1e")
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(text.split("\n")):
        draw.text((12, 12 + 34 * number), line, fill="#e8e8e8", font=ImageFont.load_default(22))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


with_tesseract = pytest.mark.skipif(not os.path.isfile("/usr/bin/tesseract"), reason="tesseract is not installed")


@with_tesseract
def test_what_a_screenshot_shows_is_read_if_asked_for(tmp_path: Path) -> None:
    data = screenshot("Your new password\nPassword: correct horse battery")
    seen = looked(data, tmp_path, "shot.png")
    assert b"Password: correct horse battery" in seen.members["shot.png!/ocr"]
    assert dict(seen.origins[0].facts)["ocr"].startswith("read by a program")
    assert seen.incidents == []
    nested = looked(zip_([("in/shot.png", data)]), tmp_path, "a.zip", "zip")
    assert b"correct horse battery" in nested.members["a.zip!/in/shot.png!/ocr"]
    assert "shot.png!/ocr" not in look_at(tmp_path / "shot.png").members


@with_tesseract
@pytest.mark.slow
@pytest.mark.parametrize("size", [14, 18, 24])
@pytest.mark.parametrize("dark", [False, True])
def test_hardly_a_letter_of_a_random_token_is_read_wrong(dark: bool, size: int, tmp_path: Path) -> None:
    from difflib import SequenceMatcher

    from PIL import Image, ImageDraw, ImageFont

    rng = Random(size)
    tokens = ["".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789", k=40)) for _ in range(4)]
    picture = Image.new("RGB", (48 * size, 12 * size), "#1e1e1e" if dark else "white")
    text = "\n".join(f"Token: {token}" for token in tokens)
    ImageDraw.Draw(picture).multiline_text(
        (20, 20), text, fill="#e0e0e0" if dark else "#202020", font=ImageFont.load_default(size), spacing=size // 2
    )
    out = io.BytesIO()
    picture.save(out, "PNG")
    told = looked(out.getvalue(), tmp_path, "shot.png").members["shot.png!/ocr"].decode().splitlines()
    lines = [line.replace(" ", "").removeprefix("Token:") for line in told if line.startswith("Token")]
    assert len(lines) == len(tokens)
    same = sum(block.size for line, token in zip(lines, tokens, strict=True) for block in SequenceMatcher(None, line, token, False).get_matching_blocks())
    assert same > 0.9 * sum(map(len, tokens))


@with_tesseract
def test_pictures_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    data = screenshot("x")
    assert "damaged picture" in looked(data[:200], tmp_path, "cut.png").reasons
    huge = b"\x89PNG\r\n\x1a\n"
    for kind, content in ((b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(1 << 20))), (b"IEND", b"")):  # fmt: skip
        huge += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    assert "more pixels than are read" in looked(huge, tmp_path, "huge.png").reasons
    assert "limit reached: longer than" in looked(b"\xff\xd8\xff" + bytes(17 << 20), tmp_path, "long.jpg").reasons


def test_ocr_without_its_package_is_skipped_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    seen = looked(screenshot("x"), tmp_path, "shot.png")
    assert seen.states == {"skipped"}
    assert "picture, not read: install leakguard-scanner[ocr]" in seen.reasons
