"""What is signed is read, what is encrypted is told: PGP by gpg, S/MIME by openssl and `cryptography`, and what else nobody can open."""

from __future__ import annotations

import base64
import os
import plistlib
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nests import look, tar, zip_
from scanned import findings, scanned
from test_inside_scan import planted, run, token

from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.magic import HEAD, ISO_HEAD, NOTED, kind_of
from leakguard.sources.inside.readers import NAMED

pytestmark = pytest.mark.usefixtures("loaded")

TEXT = b"a line\nGITHUB_TOKEN=" + token(1).encode() + b"\n- a line with a dash\nlast\n"


# ---------------------------------------------------------------- PGP
@pytest.fixture(scope="module")
def gpg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., bytes]]:
    """gpg with a key of its own; its agent is gone afterwards."""
    if shutil.which("gpg") is None:
        pytest.skip("needs gpg")
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)

    def call(*arguments: str, data: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(home), "--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", "a" * ("--symmetric" in arguments),
                   "--trust-model", "always", *arguments]  # fmt: skip
        done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    call("--quick-gen-key", "Test <test@example.org>", "default", "default", "never")
    yield call
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False, timeout=60)


@pytest.mark.parametrize("armor", [[], ["--armor"]])
@pytest.mark.parametrize("packed", ["none", "zip", "zlib", "bzip2"])
@pytest.mark.parametrize("how", ["--store", "--sign"])
def test_what_pgp_signs_or_packs_is_read(
    gpg: Callable[..., bytes], how: str, packed: str, armor: list[str], tmp_path: Path
) -> None:
    data = gpg("--compress-algo", packed, *armor, how, data=TEXT)
    name = "note.asc" if armor else "note.gpg"
    (tmp_path / name).write_bytes(data)
    (record,) = findings(tmp_path, ".")
    assert (record["secret"], record["path"]) == (token(1), f"{name}!/note")


def test_a_packed_file_keeps_its_name_and_is_gone_into(gpg: Callable[..., bytes], tmp_path: Path) -> None:
    (tmp_path / "keys.tar").write_bytes(tar([("a.env", TEXT)]))
    data = gpg("--output", "-", "--store", str(tmp_path / "keys.tar"))
    assert look(data, tmp_path, "x.gpg").members == {"x.gpg!/keys.tar!/a.env": TEXT}


def test_clear_signed_text_keeps_its_places(gpg: Callable[..., bytes], tmp_path: Path) -> None:
    data = gpg("--clear-sign", data=TEXT)
    (tmp_path / "note.asc").write_bytes(data)
    (record,) = findings(tmp_path, ".")
    assert record["path"] == "note.asc"
    assert data[int(str(record["start_byte"])) :].startswith(token(1).encode())
    seen = look(data, tmp_path, "note.asc")
    assert b"  - a line with a dash" in seen.members["note.asc"]
    assert len(seen.members["note.asc"]) == len(data)


def sealed(gpg: Callable[..., bytes], form: str) -> bytes:
    if form == "symmetric":
        return gpg("--symmetric", data=TEXT)
    return gpg(*(["--armor"] if form == "armored" else []), "--encrypt", "-r", "test@example.org", data=TEXT)


@pytest.mark.parametrize("form", ["binary", "armored", "symmetric"])
@pytest.mark.parametrize("nested", [False, True])
def test_what_pgp_encrypts_is_named(gpg: Callable[..., bytes], form: str, nested: bool, tmp_path: Path) -> None:
    data = sealed(gpg, form)
    seen = look(tar([("a/secret.bin", data)]) if nested else data, tmp_path, "it")
    assert seen.states == {"skipped"}
    assert "not read: encrypted (PGP)" in seen.reasons
    strict = look(data, tmp_path, "it", strict=True)
    assert strict.states == {"failed"}


def test_damaged_and_hostile_pgp_ends_in_incidents(gpg: Callable[..., bytes], tmp_path: Path) -> None:
    rng = Random(3)
    forms = [gpg("--compress-algo", "none", "--store", data=TEXT), gpg("--armor", "--sign", data=TEXT), sealed(gpg, "binary")]
    for data in forms:
        for _ in range(15):
            changed = bytearray(data)
            changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            seen = look(bytes(changed), tmp_path, "x.gpg")
            assert "internal error" not in seen.reasons
        cut = look(data[: len(data) // 2], tmp_path, "x.gpg")
        assert cut.incidents
    deep = b"text"
    for _ in range(50):
        deep = b"\xa3\x01" + zlib.compress(deep)[2:-4]
    assert "failed" in look(deep, tmp_path, "x.gpg").states
    zeros = b"\xcb\xff" + struct.pack(">I", 200_000_006) + b"b\0" + bytes(4) + bytes(200_000_000)
    assert "truncated" in look(b"\xa3\x02" + zlib.compress(zeros, 1), tmp_path, "x.gpg").states


@given(st.binary(min_size=13, max_size=200))
@settings(max_examples=300)
def test_no_bytes_make_the_recogniser_fail(data: bytes) -> None:
    for first in (b"\x84", b"\x85", b"\xc1", b"\x8c", b"\xc3", b"\x30\x82", b"\x30\x80", b"\0\0", b"\xeb\x3c\x90"):
        assert isinstance(kind_of(first + data, "x.gpg"), str)


# ---------------------------------------------------------------- S/MIME
@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("ssl")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-days", "9",
         "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return key, certificate


def openssl(*arguments: str, data: bytes) -> bytes:
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def signed(pair: tuple[Path, Path], *options: str) -> bytes:
    key, certificate = map(str, pair)
    return openssl("cms", "-sign", "-nodetach", "-binary", "-signer", certificate, "-inkey", key, *options, data=TEXT)


@pytest.mark.parametrize("options", [["-outform", "DER"], ["-outform", "DER", "-stream"], ["-outform", "PEM"]])
def test_what_smime_signs_is_read(pair: tuple[Path, Path], options: list[str], tmp_path: Path) -> None:
    (tmp_path / "smime.p7m").write_bytes(signed(pair, *options))
    (record,) = findings(tmp_path, ".")
    assert (record["secret"], record["path"]) == (token(1), "smime.p7m!/smime")


def test_a_signed_mail_in_a_mail_is_read(pair: tuple[Path, Path], tmp_path: Path) -> None:
    inner = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(TEXT)
    key, certificate = map(str, pair)
    mail = openssl(
        "smime", "-sign", "-nodetach", "-binary", "-signer", certificate, "-inkey", key, "-from", "a@example.org", "-to",
        "b@example.org", "-subject", "keys", data=inner,
    )  # fmt: skip
    (tmp_path / "a.eml").write_bytes(b"From: a@example.org\n" + mail)
    (record,) = findings(tmp_path, ".")
    assert record["secret"] == token(1)
    assert str(record["path"]).startswith("a.eml!/smime.p7m!/message.eml!/")


@pytest.mark.parametrize("form", ["DER", "PEM", "SMIME"])
@pytest.mark.parametrize("cipher", ["-aes-256-cbc", "-aes-256-gcm"])
def test_what_smime_encrypts_is_named(pair: tuple[Path, Path], form: str, cipher: str, tmp_path: Path) -> None:
    data = openssl("cms", "-encrypt", cipher, "-outform", form, str(pair[1]), data=TEXT)
    name = "a.eml" if form == "SMIME" else "smime.p7m"
    seen = look(b"From: a@example.org\n" + data if form == "SMIME" else data, tmp_path, name)
    assert seen.states == {"skipped"}
    assert "encrypted (S/MIME)" in seen.reasons


def test_signatures_and_certificates_alone_are_no_damage(pair: tuple[Path, Path], tmp_path: Path) -> None:
    key, certificate = map(str, pair)
    detached = openssl("cms", "-sign", "-binary", "-outform", "DER", "-signer", certificate, "-inkey", key, data=TEXT)
    assert kind_of(detached) == "cms"
    seen = look(detached, tmp_path, "smime.p7s")
    assert (seen.reasons, seen.members) == ("", {"smime.p7s": detached})
    bundle = openssl("crl2pkcs7", "-nocrl", "-certfile", certificate, data=b"")
    seen = look(bundle, tmp_path, "certs.p7b")
    assert seen.reasons == ""
    assert pair[1].read_bytes().split(b"-----")[2].replace(b"\n", b"")[:40] in base64.b64encode(b"".join(seen.members.values())) or (
        b"test" in b"".join(seen.members.values())
    )


def test_damaged_smime_is_told_or_stands(pair: tuple[Path, Path], tmp_path: Path) -> None:
    rng = Random(4)
    for data in (signed(pair, "-outform", "DER"), signed(pair, "-outform", "DER", "-stream")):
        for _ in range(60):
            changed = bytearray(data)
            changed[rng.randrange(60)] = rng.randrange(256)
            seen = look(bytes(changed), tmp_path, "smime.p7m")
            assert "internal error" not in seen.reasons
            assert token(1).encode() in b"".join(seen.members.values())
        cut = look(data[: len(data) // 2], tmp_path, "smime.p7m")
        assert cut.incidents
    nested = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" + b"\xa0\x80\x30\x80" * 9 + b"\x24\x80" * 5000
    assert "internal error" not in look(nested, tmp_path, "smime.p7m").reasons


def test_pgp_in_mails_is_named(gpg: Callable[..., bytes], tmp_path: Path) -> None:
    message = sealed(gpg, "armored")
    head = b"From: a@example.org\nTo: b@example.org\nSubject: x\nMIME-Version: 1.0\n"
    mime = head + (
        b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\n\n'
        b"--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n"
        b"--b\nContent-Type: application/octet-stream; name=encrypted.asc\n\n" + message + b"\n--b--\n"
    )
    inline = head + b"Content-Type: text/plain\n\nhello,\n\n" + message
    for data in (mime, inline):
        seen = look(data, tmp_path, "a.eml")
        assert [i.state for i in seen.incidents] == ["skipped"], seen.reasons
        assert "encrypted (PGP)" in seen.reasons


# ---------------------------------------------------------------- what nobody opens
def padded(head: bytes, size: int = 4096) -> bytes:
    return head + Random(1).randbytes(size - len(head))


def boot(jump: bytes, at: int = 0, mark: bytes = b"") -> bytes:
    data = bytearray(70_000)
    data[: len(jump)] = jump
    data[at : at + len(mark)] = mark
    data[510:512] = b"\x55\xaa"
    return bytes(data)


def partitioned() -> bytes:
    entry = b"\x80" + b"\1\1\0" + b"\x83" + b"\xfe\xff\xff" + struct.pack("<II", 2048, 40_000)
    return boot(b"\xeb\x63\x90", 446, entry)


def ext(tmp_path: Path) -> bytes:
    tool = shutil.which("mkfs.ext4") or "/usr/sbin/mkfs.ext4"
    if not os.access(tool, os.X_OK):
        pytest.skip("needs mkfs.ext4")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a.env").write_bytes(planted(7))
    image = tmp_path / "image"
    image.write_bytes(bytes(4 << 20))
    subprocess.run([tool, "-q", "-d", str(tmp_path / "root"), str(image)], check=True, capture_output=True, timeout=60)
    data = image.read_bytes()
    image.unlink()
    shutil.rmtree(tmp_path / "root")
    return data


def innodb(flags: int) -> bytes:
    head = struct.pack(">IIIIQHQI", 0, 0, 0, 0, 1, 8, 0, 5) + struct.pack(">IIIII", 5, 0, 7, 64, flags)
    return head + bytes(16_384 - len(head))


OPAQUE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "age": ("a.age", lambda: padded(b"age-encryption.org/v1\n-> X25519 abc\n")),
    "age armored": ("a.age", lambda: b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24=\n-----END AGE ENCRYPTED FILE-----\n"),
    "keepass": ("a.kdbx", lambda: padded(b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5\1\0\4\0")),
    "keepass 1": ("a.kdb", lambda: padded(b"\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5\3\0\0\0")),
    "ansible-vault": ("v.yml", lambda: b"$ANSIBLE_VAULT;1.1;AES256\n" + b"3962" * 20 + b"\n"),
    "git-crypt": (".env", lambda: padded(b"\0GITCRYPT\0")),
    "luks": ("d.img", lambda: padded(b"LUKS\xba\xbe\0\2")),
    "bitlocker": ("d.img", lambda: boot(b"\xeb\x58\x90-FVE-FS-")),
    "qcow2": ("d.qcow2", lambda: padded(b"QFI\xfb\0\0\0\3")),
    "vmdk": ("d.vmdk", lambda: padded(b"KDMV\1\0\0\0")),
    "vhd": ("d.vhd", lambda: padded(b"conectix\0\0\0\2")),
    "vdi": ("d.vdi", lambda: padded(b"<<< Oracle VM VirtualBox Disk Image >>>\n".ljust(64, b"\0") + b"\x7f\x10\xda\xbe")),
    "ntfs": ("d.img", lambda: boot(b"\xeb\x52\x90NTFS    ")),
    "xfs": ("d.img", lambda: padded(b"XFSB\0\0\x10\0")),
    "btrfs": ("d.img", lambda: boot(b"", 65_600, b"_BHRfS_M")),
    "fat": ("d.img", lambda: boot(b"\xeb\x58\x90mkfs.fat", 82, b"FAT32   ")),
    "disk": ("d.img", partitioned),
    "erofs": ("d.img", lambda: padded(bytes(1024) + b"\xe2\xe1\xf5\xe0")),
    "f2fs": ("d.img", lambda: padded(bytes(1024) + b"\x10\x20\xf5\xf2")),
    "cramfs": ("d.img", lambda: padded(b"\x45\x3d\xcd\x28" + bytes(12) + b"Compressed ROMFS")),
    "old-squashfs": ("d.img", lambda: padded(b"hsqs" + bytes(24) + b"\3\0")),
    "old-squashfs reversed": ("d.img", lambda: padded(b"sqsh" + bytes(24) + b"\0\4")),
    "ubi": ("d.ubi", lambda: padded(b"UBI#\1\0\0\0")),
    "sif": ("d.sif", lambda: padded(b"#!/usr/bin/env run-singularity\n\0SIF_MAGIC\0")),
    "appimage": ("d.AppImage", lambda: padded(b"\x7fELF\2\1\1\0AI\2")),
    "makeself": ("x.run", lambda: b"#!/bin/sh\n# This script was generated using Makeself 2.4.5\n" + b"\x1f\x8b" + bytes(99)),
    "duckdb": ("x.db", lambda: padded(b"\1\2\3\4\5\6\7\x08DUCK\x40\0\0\0")),
    "lucene": ("_0.fdt", lambda: padded(b"\x3f\xd7\x6c\x17\x1cLucene90StoredFieldsFastData\0\0\0\1")),
    "cassandra": ("nb-1-big-Data.db", lambda: padded(b"\xf0\x21\0\x10" + bytes(range(128, 250)))),
    "lrzip": ("x.lrz", lambda: padded(b"LRZI\0\6")),
    "zpaq": ("x.zpaq", lambda: padded(b"7kSt\xa0\x31\x83\xd3\x8c")),
    "arj": ("x.arj", lambda: padded(b"\x60\xea\x2b\0\x22\x0b\1\0\x10\0\2")),
    "stuffit": ("x.sit", lambda: padded(b"SIT!\0\1")),
    "lzfse": ("x.lzfse", lambda: padded(b"bvx2\0\1")),
    "innodb-compressed": ("t.ibd", lambda: innodb(1 | 4 << 1 | 1 << 5)),
    "innodb-compressed mariadb": ("t.ibd", lambda: innodb(0x15 | 1 << 5)),
    "innodb-encrypted": ("t.ibd", lambda: innodb(1 << 13 | 0x21)),
    "exfat": ("d.img", lambda: boot(b"\xeb\x76\x90EXFAT   ")),
    "refs": ("d.img", lambda: padded(b"\0\0\0ReFS\0\0\0\0")),
    "apfs": ("d.img", lambda: padded(bytes(range(1, 33)) + b"NXSB\0\x10\0\0")),
    "hfs": ("d.img", lambda: padded(bytes(1024) + b"H+\0\4")),
    "hfs of case": ("d.img", lambda: padded(bytes(1024) + b"HX\0\5")),
    "udf": ("d.img", lambda: padded(bytes(32_769) + b"BEA01\1", 36_000)),
    "lvm": ("d.img", lambda: padded(bytes(512) + b"LABELONE\1\0")),
    "vma": ("x.vma", lambda: padded(b"VMA\0\0\0\0\1")),
    "sparse-image": ("x.sparseimage", lambda: padded(b"sprs\0\0\0\3")),
    "android-sparse": ("system.img", lambda: padded(b"\x3a\xff\x26\xed\1\0\0\0")),
    "android-update": ("payload.bin", lambda: padded(b"CrAU\0\0\0\0\0\0\0\2")),
    "ese": ("WebCacheV01.dat", lambda: padded(b"\1\2\3\4\xef\xcd\xab\x89\x20\6\0\0")),
    "innodb": ("t.ibd", lambda: innodb(0x21)),
    "innodb mariadb": ("t.ibd", lambda: innodb(0x15)),
    "parallels": ("m.hdd", lambda: padded(b"WithoutFreeSpace\2\0\0\0")),
    "qed": ("m.qed", lambda: padded(b"QED\0\0\0\1\0")),
    "hfs of old": ("d.img", lambda: padded(bytes(1024) + b"BD" + bytes(12) + b"\0\3")),
    "sealed-store": ("k.p12", lambda: padded(bytes.fromhex("308209f00201033082 09b606092a864886f70d010701a0"))),
    "sealed-store jks": ("k.jks", lambda: padded(b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1")),
    "sealed-store gnome": ("login.keyring", lambda: padded(b"GnomeKeyring\n\r\0\n\0\0\0\0")),
    "sealed-store kde": ("kdewallet.kwl", lambda: padded(b"KWALLET\n\r\0\r\n\0\0")),
    "sealed-store mac": ("login.keychain-db", lambda: padded(b"kych\0\1\0\0\0\0")),
    "sealed-store safe": ("x.psafe3", lambda: padded(b"PWS3\1\2")),
    "sealed-file": ("master", lambda: padded(bytes.fromhex("01000000d08c9ddf0115d1118c7a00c04fc297eb"))),
    "sealed-values sops": ("x.yaml", lambda: b"db:\n    user: ENC[AES256_GCM,data:" + base64.b64encode(Random(2).randbytes(9)) + b",iv:QUFB,tag:QUFB,type:str]\n"),
    "sealed-values sops, json": ("x.json", lambda: b'{"user": "ENC[AES256_GCM,data:QUFB,iv:QUFB,tag:QUFB,type:str]"}'),
    "sealed-values sealed": ("x.yaml", lambda: b"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nspec:\n  encryptedData:\n    a: AgAAQUFB\n"),
    "sealed-values n8n": ("x.json", lambda: b'[{"id": "1", "name": "x", "data": "U2FsdGVkX19BQUFBQUFBQQ==", "type": "githubApi"}]'),
    "sealed-file aes": ("x.aes", lambda: padded(b"AES\2\0\0")),
    "sealed-file mac": ("x.dmg", lambda: padded(b"encrcdsa\0\0\0\2")),
    "sealed-file mysql": ("binlog.000001", lambda: padded(b"\xfdbin\1")),
    "windows-compressed": ("A.EXE-1.pf", lambda: padded(b"MAM\4\0\1\0\0")),
    "hibernation": ("hiberfil.sys", lambda: padded(b"HIBR\1\0\0\0")),
    "kdump": ("vmcore", lambda: padded(b"KDUMP   \6\0\0\0")),
    "evidence": ("x.Ex01", lambda: padded(b"EVF2\r\n\x81\0\2")),
    "evidence ad1": ("x.ad1", lambda: padded(b"ADSEGMENTEDFILE\0")),
    "backup-image": ("x.tib", lambda: padded(b"\xce\x24\xb9\xa2\2\0")),
    "backup-image named": ("x.vbk", lambda: padded(b"\3\0\0\0\1\0")),
    "backup-image dar": ("x.1.dar", lambda: padded(b"\0\0\0\x7b\1\2")),
    "backup-image zfs": ("x.zfs", lambda: padded(bytes(8) + b"\xac\xcb\xba\xf5\2\0")),
    "backup-store": ("drive.img.fidx", lambda: padded(b"\x2f\x7f\x41\xed\x91\xfd\x0f\xcd\1")),
    "sealed-file securetar": ("homeassistant.tar.gz", lambda: b"SecureTar\2" + bytes(6) + Random(3).randbytes(900)),
    "rare-archive phar": ("app.phar", lambda: b"<?php __HALT_COMPILER(); ?>\r\n" + struct.pack("<IIHI", 99, 1, 0x11, 0x11000) + Random(9).randbytes(90)),
    "sealed-archive": ("homeassistant.tar.gz", lambda: b"\1" + Random(4).randbytes(900)),
    "sealed-store node-red": ("flows_cred.json", lambda: b'{"$":"' + Random(5).randbytes(16).hex().encode() + base64.b64encode(Random(6).randbytes(90)) + b'"}'),
    "sealed-store node-red, in lines": ("flows_cred.json", lambda: b'{\n    "$": "' + Random(5).randbytes(16).hex().encode() + base64.b64encode(Random(6).randbytes(90)) + b'"\n}'),
    "backup-store kopia's packs": ("p0a1.f", lambda: b"\1" + Random(7).randbytes(900)),
    "backup-store hyper backup": ("0.bucket.1", lambda: b"\1" + Random(8).randbytes(900)),
    "backup-store kopia": ("kopia.repository.f", lambda: b'{\n  "tool": "https://github.com/kopia/kopia",\n  "keyAlgo": "scrypt"\n}'),
    "sql-server-backup": ("x.bak", lambda: padded(b"MSSQLBAK\2\0")),
    "timeseries": ("000001-01.tsm", lambda: padded(b"\x16\xd1\x16\xd1\1\0")),
    "couchdb": ("x.couch", lambda: padded(b"\1\0\0\0\1")),
    "hdf5": ("x.h5", lambda: padded(b"\x89HDF\r\n\x1a\n\0")),
    "notes": ("x.nsf", lambda: padded(b"\x1a\0\0\4\0\0\1")),
    "apple-archive": ("x.aar", lambda: padded(b"AA01\x20\0")),
    "apple-archive packed": ("x.aar", lambda: padded(b"pbze\0\0\0\0")),
    "rare-archive": ("x.zoo", lambda: padded(b"ZOO 2.10 Archive.\x1a\0\0")),
    "rare-archive ace": ("x.ace", lambda: padded(b"\1\2\3\0\0\0\0**ACE**\x14")),
    "chm": ("x.chm", lambda: padded(b"ITSF\3\0\0\0")),
    "jet": ("x.mdb", lambda: padded(b"\0\1\0\0Standard Jet DB\0\1\0\0\0")),
    "jet ace": ("x.accdb", lambda: padded(b"\0\1\0\0Standard ACE DB\0\2\0\0\0")),
    "outlook-express": ("Inbox.dbx", lambda: padded(bytes.fromhex("cfad12fec5fd746f66e3d1119a4e00c04fa309d4"))),
    "realm": ("default.realm", lambda: padded(struct.pack("<QQ4sBBBB", 4096, 8192, b"T-DB", 9, 9, 0, 1))),
    "block-cache": ("data_1", lambda: padded(bytes.fromhex("c3ca04c1000002000100000000010000"))),
    "bcachefs": ("d.img", lambda: padded(bytes(4120) + bytes.fromhex("c68573f666ce90a9d96a60cf803df7ef"), 8192)),
    "fat of another loader": ("d.img", lambda: boot(b"\xeb\x4a\x90Dell 8.0", 54, b"FAT16   ")),
    "rare-archive flash": ("x.swf", lambda: padded(b"CWS\x09\0\2\0\0\x78\x9c")),
    "rare-archive pack200": ("x.pack", lambda: padded(b"\xca\xfe\xd0\x0d\7\x96\0")),
    "rare-archive zstd": ("x.zst", lambda: padded(b"\x25\xb5\x2f\xfd\4\0")),
    "rare-archive rar": ("x.sfx", lambda: padded(b"\x7fELF\2\1\1\0")),
    "lucene files": ("_0.cfs", lambda: padded(b"\x3f\xd7\x6c\x17\x14Lucene50CompoundData\0\0\0\0")),
    "duckdb of now": ("x.db", lambda: padded(b"\1\2\3\4\5\6\7\x08DUCK\xe7\3\0\0")),
    "duckdb log": ("x.db.wal", lambda: padded(b"d\0be\0\2f\0\x10\x9c\1\x2d")),
    "installer": ("setup.exe", lambda: padded(b"MZ\x90\0" + bytes(300) + b"\xef\xbe\xad\xdeNullsoftInst")),
    "rows": ("x.mv.db", lambda: padded(b"H:2,block:3,blockSize:1000,chunk:2\n\0")),
    "rows h2 of old": ("x.h2.db", lambda: padded(b"-- H2 0.5/B -- \n\0")),
    "rows derby": ("db/seg0/c490.dat", lambda: padded(b"\0\x76\0\0\0\1\0\0\0\0\0\0\0\2")),
    "rows firebird": ("x.fdb", lambda: padded(b"\1\0\0\0\x10\0\0\0" + bytes(9) + b"\x20\x0c\x80\3\0")),
    "rows myisam": ("t.MYD", lambda: padded(b"\3\0\x80\0\xff\4")),
    "rows aria": ("t.MAD", lambda: padded(b"\xff\1\2\0")),
    "backup-image firebird": ("x.fbk", lambda: padded(b"\0\2\4\x0a\0\0\0\4")),
    "dump": ("root.dump", lambda: padded(b"\1\0\0\0" + bytes(20) + b"\x6c\xea\0\0")),
    "dump of the other order": ("root.dump", lambda: padded(b"\0\0\0\1" + bytes(20) + b"\0\0\xea\x6c")),
    "bacula": ("Vol-0001", lambda: padded(b"\1\2\3\4\0\0\xfc\0\0\0\0\1BB02\0\0\0\1")),
    "sealed-file systemd": ("x.cred", lambda: b"Whxqht+dQJax1aZeCGLxmiAAAAABAAAADAAAABAAAAAX8H6\n"),
    "sealed-file systemd, tpm": ("x.cred", lambda: b"DHzAexF2RZGcSwvqCLwg/iAAAAABAAAADAAAABAAAAAX8H6\n"),
    "sealed-store firefox": ("p/logins.json", lambda: b'{"nextId":2,"logins":[{"id":1,"encryptedUsername":"MDIEEPg="}],"version":3}'),
    "sealed-store vault": ("vault/core/_keyring", lambda: b'{"Value":"AAAAAQL' + base64.b64encode(padded(b"")) + b'"}'),
    "sealed-file rclone": ("abcdefgh23", lambda: padded(b"RCLONE\0\0")),
    "sealed-file telegram": ("tdata/key_datas", lambda: padded(b"TDF$\x09\x57\x4c\0")),
    "sealed-file whatsapp": ("msgstore.db.crypt15", lambda: padded(b"")),
    "sealed-file signal": ("signal-2026-01-02.backup", lambda: padded(b"\0\0\0\x38\n\x36\n\x10" + bytes(range(16)) + b"\x12\x20")),
    "sealed-file ecryptfs": ("x", lambda: padded(struct.pack(">QII", 999, 0x12345678, 0x12345678 ^ 0x3C81B7F5))),
    "backup-store attic": ("0", lambda: padded(b"ATTICSEG\1")),
    "backup-image partclone": ("sda1.ext4-ptcl-img", lambda: padded(b"partclone-image\0" + b"0.3.23\0")),
    "backup-image partimage": ("sda1.000", lambda: padded(b"PaRtImAgE-VoLuMe" + b"0.6.1\0\0")),
    "backup-image ntfsclone": ("sda1.img", lambda: padded(b"\0ntfsclone-image\x0a\0\0\0")),
    "backup-image urbackup": ("x.vhdz", lambda: padded(b"URBACKUP COMPRESSED FILE#1.0\0\1")),
    "backup-image tape": ("x.bkf", lambda: padded(b"TAPE\0\0\3\0\x8c\0\x0e\1")),
    "machine-state": ("x.sav", lambda: padded(b"\x7fVirtualBox SavedState V2.0\n\0")),
    "kdump avml": ("memory.lime", lambda: padded(b"LMVA\2\0\0\0")),
    "hadoop": ("part-00000", lambda: padded(b"SEQ\6\x19org.apache.hadoop.io.Text\x19org.apache.hadoop.io.Text\1\1")),
    "hadoop hbase": ("cf/x", lambda: padded(b"DATABLK*\0\0\3\x84\0\0\3\x20")),
    "filemaker": ("x.fmp12", lambda: padded(b"\0\1\0\0\0\2\0\1\0\5\0\2\0\2\xc0HBAM7")),
    "rare-archive qpress": ("t.ibd.qp", lambda: padded(b"qpress10\0\0\1\0\0\0\0\0")),
    "zfs": ("d.img", lambda: padded(bytes(16_384) + b"\1\1" + bytes(9) + b"\1\0\0\0\x24\0\0\0\x20\0\0\0\7version\0", 40_000)),
    "rows oracle": ("users01.dbf", lambda: padded(b"\0\xa2" + bytes(26) + b"}|{z")),
    "rows sql server": ("app.mdf", lambda: padded(b"\1\x0f\0\x08\0\0\0\0")),
    "rows neo4j": ("neostore.propertystore.db.strings", lambda: padded(b"\1\0\0\x78")),
    "message-store": ("1.blk", lambda: padded(b"cmp\1\xff\6\0\0S2sTwO")),
    "innodb ibdata": ("ibdata1", lambda: innodb(0x15)),
    "sealed-folder": ("g/gocryptfs.conf", lambda: b'{\n\t"Creator": "gocryptfs 2.3",\n\t"EncryptedKey": "oQ=="\n}\n'),
    "sealed-folder cryptomator": ("c/masterkey.cryptomator", lambda: b'{\n  "version": 999,\n  "primaryMasterKey": "oQ=="\n}\n'),
    "sealed-folder encfs": ("e/.encfs6.xml", lambda: b"<?xml version='1.0'?>\n<cfg><creator>EncFS 1.9.5</creator></cfg>\n"),
    "sealed-store bitwarden": ("x.json", lambda: b'{\n  "encrypted": true,\n  "passwordProtected": true,\n  "encKeyValidation_DO_NOT_EDIT": "2.a"\n}\n'),
    "sealed-store aegis": ("x.json", lambda: b'{\n    "version": 1,\n    "header": {\n        "slots": [\n {"key_params": {}}]}}\n'),
    "installer packed": ("bot.exe", lambda: padded(b"MZ\x90\0" + bytes(900) + b"UPX!\x0d\x24")),
    "installer packed for linux": ("bot", lambda: padded(b"\x7fELF\2\1\1\0" + bytes(220) + b"UPX!\x0d\x16")),
    "rare-archive s2": ("x.s2", lambda: padded(b"\xff\6\0\0S2sTwO\0")),
    "rare-archive minlz": ("x.mz", lambda: padded(b"\xff\6\0\0MinLz\0")),
    "rows tokyo": ("x.tch", lambda: padded(b"ToKyO CaBiNeT\n1.0:911\n".ljust(36, b"\0") + b"\2")),
    "commit-log": ("CommitLog-7-1.log", lambda: padded(b"\0\0\0\7\0\0\1\x9a\1\2\3\4\0\x2a" + b'{"compressionClass":"LZ4Compressor"}\0')),
    "sealed-database": ("Signal/sql/db.sqlite", lambda: padded(b"")),
    "lucene snapshot": ("snap-x.dat", lambda: padded(b"\x3f\xd7\x6c\x17\x08snapshot\0\0\0\1DFL\0")),
}  # fmt: skip


def told(folder: Path, strict: bool = False) -> list[tuple[str, str, str]]:
    return [(i.state, i.origin, i.reason) for i in scanned(folder, Limits(), strict).incidents]


@pytest.mark.parametrize("form", OPAQUE)
def test_what_nobody_opens_is_named_and_scanned_as_it_stands(form: str, tmp_path: Path) -> None:
    name, make = OPAQUE[form]
    data = make() + b"\n" + planted(9)
    (folder := tmp_path / "it").mkdir()
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    ((state, origin, reason),) = told(folder)
    kind = kind_of(data[:ISO_HEAD] if form != "btrfs" else data, name)
    assert (state, origin) == ("skipped", name)
    assert reason == f"of kind {kind}, not read: {NAMED[kind]}"
    assert [i[0] for i in told(folder, strict=True)] == ["failed"]
    assert [f.start_line > 0 for f in scanned(folder, Limits()).findings] == [True]
    # nested in an archive, too
    (folder / name).unlink()
    (folder / "b.tar").write_bytes(tar([(f"x/{name}", data)]))
    if form != "btrfs":  # its mark is farther in than is looked at there
        assert told(folder) == [("skipped", f"b.tar!/x/{name}", reason)]
    assert len(scanned(folder, Limits()).findings) == 1


INSTALLERS = {"nsis": b"\xef\xbe\xad\xdeNullsoftInst", "inno": b"rDlPtS\xcd\xe6\xd7\x7b\x0b\x2a"}


@pytest.mark.parametrize("flags", [0x10000, 0])
@pytest.mark.parametrize("end", [b" ?>\r\n", b" ?>\n", b"?>", b"\n"])
def test_a_phar_whose_files_are_in_the_open_is_bytes(flags: int, end: bytes) -> None:
    start = b"#!/usr/bin/env php\n<?php __HALT_COMPILER();" + end
    assert kind_of(start + struct.pack("<IIHI", 99, 1, 0x11, flags) + bytes(90), "app.phar") == ""
    assert kind_of(start + struct.pack("<IIHI", 99, 1, 0x11, flags | 0x1000) + bytes(90), "app.phar") == "rare-archive"
    assert kind_of(start, "app.phar") == ""


@pytest.mark.parametrize("name", ["solver.f", "notes.gz", "0.bucket", "a.zst"])
def test_text_that_is_called_like_an_archive_is_text(name: str) -> None:
    assert kind_of(b"      PROGRAM SOLVER\n      PRINT *, 'a line of text'\n" * 40, name) == ""


@pytest.mark.parametrize("form", INSTALLERS)
def test_a_program_that_installs_is_named(form: str, tmp_path: Path) -> None:
    """Its files are compressed, and its mark stands behind the program that unpacks them."""
    data = padded(b"MZ\x90\0" + bytes(40_000) + INSTALLERS[form], 60_000) + b"\n" + planted(9)
    (folder := tmp_path / "it").mkdir()
    (folder / "setup.exe").write_bytes(data)
    assert told(folder) == [("skipped", "setup.exe", f"of kind installer, not read: {NAMED['installer']}")]
    assert len(scanned(folder, Limits()).findings) == 1
    (folder / "setup.exe").unlink()
    (folder / "b.tar").write_bytes(tar([("x/setup.exe", data)]))
    assert [(i[0], i[1]) for i in told(folder)] == [("skipped", "b.tar!/x/setup.exe")]
    (folder / "b.tar").write_bytes(tar([("x/other.exe", data.replace(INSTALLERS[form], b"x" * len(INSTALLERS[form])))]))
    assert told(folder) == []


def test_an_encrypted_backup_of_ios_is_named_by_its_list(tmp_path: Path) -> None:
    """The files in it have neither names nor marks."""
    folder = tmp_path / "it"
    folder.mkdir()
    for said in (True, False):
        listed = {"BackupKeyBag": b"words", "IsEncrypted": said, "Version": "10.0"}
        (folder / "Manifest.plist").write_bytes(plistlib.dumps(listed, fmt=plistlib.FMT_BINARY))
        reasons = told(folder)
        assert reasons == ([("skipped", "Manifest.plist", "a backup of iOS, encrypted: the files beside this list are not seen")] if said else [])
    assert [i[0] for i in told(folder, strict=True)] == []


def test_an_image_of_evidence_in_a_zip_is_named(tmp_path: Path) -> None:
    data = zip_([("container.description", b"aff4://1"), ("a/00000000", planted(9))])
    (tmp_path / "x.aff4").write_bytes(data)
    assert [(i[0], i[1]) for i in told(tmp_path)] == [("skipped", "x.aff4")]
    assert [i[0] for i in told(tmp_path, strict=True)] == ["failed"]
    assert len(scanned(tmp_path, Limits()).findings) == 1


def test_a_real_file_system_is_named_and_its_text_found(tmp_path: Path) -> None:
    data = ext(tmp_path)
    (folder := tmp_path / "it").mkdir()
    (folder / "root.img").write_bytes(data)
    assert kind_of(data[:ISO_HEAD]) == "ext"
    result = scanned(folder, Limits())
    assert [i.state for i in result.incidents] == ["skipped"]
    assert "raw file system" in result.incidents[0].reason
    assert len(result.findings) == 1


def test_what_only_looks_so_is_not_named(tmp_path: Path) -> None:
    harmless = {
        "zeros.bin": bytes(80_000), "boot.bin": boot(b"\0\0"), "list.txt": b"<<< a list >>>\n" * 20,
        "key.der": b"\x30\x82\x01\x22" + bytes(300), "x.gpg": b"\x99\x01\x0d\x04" + bytes(270), "text": b"XFS is not XFSB\n",
        "prog": b"\x7fELF\2\1\1" + bytes(300), "a.sh": b"#!/bin/sh\n# no Makeself\n", "x.dmg": b"notes on a disk\n" * 9,
        "it-Data.db": b"a,b\n" * 40, "bvx": b"bvx is a word\n", "arj": b"\x60\xea\xff\xff" + bytes(60), "DUCK": b"12345678DUCKs\n",
        "one": b"\1\0\0\0" + bytes(90), "conf.json": b'{"nextId": 7, "logins": []}\n', "x.dat": b"\0\x76\0\0" + bytes(90),
        "TDF": b"TDF$ is a mark of letters\n", "SEQ": b"SEQ\6 is one, too\n" * 9, "a.db": b"words in a database\n" * 40, "b.db": bytes(4096),
        "x-Filter.db": padded(b""), "c.json": b'{\n    "version": 1,\n    "slots": [1]\n}\n', "elf": b"\x7fELF\2\1\1" + bytes(60_000) + b"UPX!", "plain.seq": b"SEQ\6\4abcd\4abcd\0\0" + bytes(600), "gocryptfs.conf": b"a = 1\n" * 9, "a.mdf": b"\1\2" * 400,
        "table.ibd": b"words " + innodb(0x15)[6:], "conf": b"conectix\n"[:8].lower()[:7],
    }  # fmt: skip
    for name, data in harmless.items():
        (tmp_path / name).write_bytes(data)
    assert told(tmp_path) == []


def test_large_images_are_cut_into_parts_like_other_files(tmp_path: Path) -> None:
    """Nothing of them is expanded, so all processes may share them, and no limit of archives holds for them."""
    from leakguard.sources.windows import FileTask
    from leakguard.work import SPLIT, archive_kind, units

    path = tmp_path / "d.qcow2"
    with path.open("wb") as out:
        out.write(b"QFI\xfb\0\0\0\3" + b"\1" * 100)
        out.write(b"some words of a text\n" * (3 * SPLIT // 21))
        out.truncate(3 * SPLIT)
    task = FileTask("d.qcow2", str(path), 3 * SPLIT)
    assert archive_kind(task) == ""
    assert len(list(units([task], inside=True))) > 1
    assert set(NAMED) >= NOTED
    done = run(tmp_path, "scan", ".", "-j", "2", "--strict")
    assert done.returncode == 3, done.stderr
    assert done.stderr.count(b"of kind qcow2") == 1
    assert HEAD == 512
