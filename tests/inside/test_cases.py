"""Each format in five cases: as it is, nested, truncated, corrupted, hostile. A table of all kinds; a kind without a row fails.

What single formats need beyond that is asked by the modules of their families.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kinds import KINDS, Kind
from nests import Seen, look, tar, zip_
from scanned import scanned
from test_inside_scan import token
from test_sealed import OPAQUE

from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.magic import kind_of
from leakguard.sources.inside.readers import NAMED, READERS

pytestmark = pytest.mark.usefixtures("loaded")

ALL: dict[str, Kind] = {
    **KINDS,
    **{form: Kind(name, lambda s, make=make: make() + f"\nGITHUB_TOKEN={s}\n".encode(), named=True)  # type: ignore[misc]
       for form, (name, make) in OPAQUE.items()},
}  # fmt: skip
ZIPS = {"docx", "xlsx", "xlsb", "pptx", "odt", "ods"}
CASES = ("as it is", "nested", "truncated", "corrupted", "hostile")

each = pytest.mark.parametrize("form", ALL)
_made: dict[str, bytes] = {}


def made(form: str) -> bytes:
    if form not in _made:
        _made[form] = ALL[form].make(token(list(ALL).index(form) + 6000))
    return _made[form]


def secret(form: str) -> str:
    return token(list(ALL).index(form) + 6000)


def found(folder: Path, name: str, data: bytes, strict: bool = False) -> tuple[list[str], set[str], list[str]]:
    """(paths of the secrets, states, reasons) of a scan of one file. Every byte is accounted for."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    result = scanned(folder, Limits(), strict)
    account = dict(result.receipt["account"]["files"])
    assert account.pop("bytes") == len(data) == sum(account.values())
    assert account["vanished"] == account["grown"] == 0
    incidents = list(result.incidents)
    return [f.path for f in result.findings], {i.state for i in incidents}, [i.reason for i in incidents]


def test_every_kind_has_a_row() -> None:
    kinds = {kind for kind in {*READERS, *NAMED} if kind not in ALL}
    elsewhere = {"picture": "a PNG, asked for by --ocr: test_documents_binary", "ext": "by mkfs: test_sealed",
                 "sealed-values": "by what their lines say: test_sealed"}  # fmt: skip
    assert kinds == set(elsewhere)


@each
def test_as_it_is(form: str, tmp_path: Path) -> None:
    kind = ALL[form]
    if kind.nested:
        return  # below
    if form not in ZIPS:
        assert kind_of(made(form), kind.name) in (form, form.split()[0], "zip")
    paths, states, reasons = found(tmp_path, kind.name, made(form))
    assert len(paths) == 1, (paths, reasons)
    assert paths[0].startswith(kind.name)
    assert states == ({"skipped"} if kind.named else set()), reasons
    if kind.named:
        assert found(tmp_path, kind.name, made(form), strict=True)[1] == {"failed"}


@each
def test_nested(form: str, tmp_path: Path) -> None:
    kind = ALL[form]
    inner = zip_([("readme", b"nothing"), (f"in/{kind.name}", made(form))])
    paths, states, reasons = found(tmp_path, "b.tar.gz", gzip.compress(tar([("a/b.zip", inner), ("c", b"text")])))
    assert len(paths) == 1, (paths, reasons)
    assert paths[0].startswith(f"b.tar.gz!/a/b.zip!/in/{kind.name}")
    assert states == ({"skipped"} if kind.named and form != "btrfs" else set()), reasons


def told(seen: Seen, kind: Kind, data: bytes, form: str) -> bool:
    """Is a cut file told, or no such file any more, or nothing of it missing but padding?"""
    short = kind_of(data, kind.name) not in (form, form.split()[0], "zip")
    everything = b"".join(seen.members.values())
    there = secret(form).encode() in everything or data in everything
    return bool(seen.incidents) or kind.text or kind.named or short or there


@each
def test_truncated(form: str, tmp_path: Path) -> None:
    kind, whole = ALL[form], made(form)
    for keep in (0.97, 0.48) if kind.process else (0.99, 0.9, 0.75, 0.5, 0.25, 0.05):
        data = whole[: int(len(whole) * keep)]
        seen = look(tar([(kind.name, data), ("last", b"the last one")]), tmp_path, "a.tar")
        assert seen.members["a.tar!/last"] == b"the last one"
        assert "internal error" not in seen.reasons
        assert told(seen, kind, data, form) or keep < 0.1, (form, keep)  # hardly more than a mark, a header without an end
        if secret(form).encode() in data:
            assert secret(form).encode() in b"".join(seen.members.values()), (form, keep, seen.reasons)


@each
def test_corrupted(form: str, tmp_path: Path) -> None:
    """Nothing raises, what stands beside it is read all the same, and a token that stands in the open is not lost."""
    kind, whole, rng = ALL[form], made(form), Random(form)
    inner = []
    for number in range(3 if kind.process else 12):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 2, 6))):
            at = rng.randrange(min(len(data), rng.choice((64, 600, len(data)))))
            data[at : at + rng.choice((1, 4))] = rng.choice((b"\xff" * 4, b"\0", rng.randbytes(3)))
        inner.append((f"{number}/{kind.name}", bytes(data)))
    seen = look(tar([*inner, ("last", b"the last one")]), tmp_path, "a.tar")
    assert seen.members["a.tar!/last"] == b"the last one"
    assert "internal error" not in seen.reasons
    for name, data in inner:
        if secret(form).encode() in data:
            own = [content for chain, content in seen.members.items() if chain.startswith(f"a.tar!/{name}")]
            assert secret(form).encode() in b"".join(own), (name, seen.reasons)


@each
def test_hostile(form: str, tmp_path: Path) -> None:
    """Its mark before noise, zeros, the highest numbers, itself: an end within limits, and a token behind it is found."""
    kind, whole, rng = ALL[form], made(form), Random(form)
    mark = whole[: rng.choice((24, 64, 120))]
    behind = b"\nGITHUB_TOKEN=" + secret(form).encode() + b"\n"
    fillings = {"zeros": bytes(60_000), "highest": b"\xff" * 60_000, "noise": rng.randbytes(60_000), "itself": whole * 3}
    for name, filling in list(fillings.items())[:: 3 if kind.process else 1]:
        (folder := tmp_path / name).mkdir()
        path = f"{name}/{kind.name}"
        seen = look(tar([(path, mark + filling + behind), ("last", b"the last one")]), folder, "a.tar", Limits(members=5000))
        assert "internal error" not in seen.reasons, name
        assert seen.tally.expanded < 64 << 20
        everything = b"".join(seen.members.values())
        assert secret(form).encode() in everything or "limit reached" in seen.reasons, (name, seen.reasons)


@pytest.mark.parametrize("form", [form for form, kind in ALL.items() if not kind.process and not kind.named])
@given(data=st.data())
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_byte_of_whatever_it_is_is_accounted_for(
    form: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    changed = bytearray(made(form))
    for at in data.draw(st.lists(st.integers(0, len(changed) - 1), max_size=4)):
        changed[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(1, len(changed)))
    found(tmp_path_factory.mktemp("it"), "in.tar", tar([(ALL[form].name, bytes(changed[:end]))]))
    if not ALL[form].nested:
        found(tmp_path_factory.mktemp("it"), ALL[form].name, bytes(changed[:end]))
