"""Terminals as they were recorded, folded lines, histories in octal: what was typed in pieces is found as it was meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nests import tar
from scanned import findings
from test_inside_scan import run, token

from leakguard.sources.inside.base import Budget, Context, Stream, from_bytes
from leakguard.sources.inside.documents.folded import folded, history
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.logs.screen import Screen

pytestmark = pytest.mark.usefixtures("loaded")

TOKEN = token(71)
TYPED = f"$ export GITHUB_TOKEN={TOKEN}\r\n"


def screen(*pieces: str) -> list[str]:
    made = Screen()
    return [line for piece in pieces for line in made.feed(piece)] + list(made.end())


def cast(events: list[tuple[str, str]], **header: object) -> bytes:
    lines = [{"version": 2, "width": 80, "height": 24, **header}, *([number / 10, *event] for number, event in enumerate(events))]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


CASTS = {
    "key by key": cast([("o", key) for key in TYPED]),
    "in pieces": cast([("o", TYPED[at : at + 11]) for at in range(0, len(TYPED), 11)]),
    "what was typed": cast([("o", "Password: "), *(("i", key) for key in f"{TOKEN}\r")]),
    "a marker": cast([("o", "$ "), ("m", f"here is {TOKEN}")]),
    "its environment": cast([("o", "$ ")], env={"GITHUB_TOKEN": TOKEN}),
    "version 3": b'{"version":3,"term":{"cols":80,"rows":24}}\n# a word\n' + cast([("o", key) for key in TYPED]).split(b"\n", 1)[1],
    "version 1": json.dumps({"version": 1, "width": 80, "height": 24, "stdout": [[0.1, key] for key in TYPED]}).encode(),
}


@pytest.mark.parametrize("form", CASTS)
def test_a_cast_says_what_was_on_the_screen(form: str, tmp_path: Path) -> None:
    (tmp_path / "a.cast").write_bytes(CASTS[form])
    (tmp_path / "b.tar").write_bytes(tar([("x/a.cast", CASTS[form])]))
    found = [(one["secret"], one["origin"]["path"]) for one in findings(tmp_path, "a.cast")]
    assert [secret for secret, _ in found] == [TOKEN]
    assert [one["secret"] for one in findings(tmp_path, "b.tar")] == [TOKEN]


def test_a_member_of_a_cast_can_be_extracted(tmp_path: Path) -> None:
    (tmp_path / "a.cast").write_bytes(CASTS["key by key"])
    done = run(tmp_path, "extract", "a.cast!/screen:2")
    assert done.returncode == 0
    assert f"$ export GITHUB_TOKEN={TOKEN}\n".encode() in done.stdout


ON_SCREEN = {
    "a line": (["one\r\n", "two"], ["one", "two"]),
    "behind the edge": (["$ export A_LONG_NAME_OF_A_KEY=abc \rdef\r\n"], ["$ export A_LONG_NAME_OF_A_KEY=abcdef", ""]),
    "the edge between two pieces": (["$ export A_LONG_NAME_OF_A_KEY=abc ", "\rdef\n"], ["$ export A_LONG_NAME_OF_A_KEY=abcdef", ""]),
    "a letter taken back": (["ghx\b\x1b[Kp_1\n"], ["ghp_1", ""]),
    "a letter taken back, of old": (["ghx\b \bp_1\n"], ["ghp_1", ""]),
    "a line taken back": (["secret-of-mine\r\x1b[K$ \n"], ["secret-of-mine", "$ ", ""]),
    "letters taken back one by one": (["$ secretly" + "\b\x1b[K" * 8 + "ls\n"], ["$ secretly", "$ ls", ""]),
    "progress": (["10%\r20%\r\n"], ["10%", "20%", ""]),
    "a letter put in": (["gp_1\b\b\b\x1b[1@h\n"], ["ghp_1", ""]),
    "letters taken out": (["ghxp_1\b\b\b\b\x1b[1P\n"], ["ghp_1", ""]),
    "colours, marks of a paste": (["\x1b[?2004l\x1b[01;31mgh\x1b[mp_1\x1b[K\n"], ["ghp_1", ""]),
    "a title": (["\x1b]0;bot@host\x07$ \n"], ["0;bot@host", "$ ", ""]),
    "a screen that is filled": (["\x1b[2J\x1b[1;1Hone\x1b[5;1Htwo"], ["", "", "one", "two"]),
    "a sign between two pieces": (["gh\x1b[3", "1mp_1"], ["ghp_1"]),
}


@pytest.mark.parametrize("what", ON_SCREEN)
def test_lines_are_as_they_stood_on_the_screen(what: str) -> None:
    pieces, lines = ON_SCREEN[what]
    assert screen(*pieces) == lines
    assert [line for line in screen(*"".join(pieces)) if line] == [line for line in lines if line], "one by one"


@given(st.lists(st.text(alphabet="ab \r\n\b\t\x1b[K;0123Cm", max_size=12), max_size=12))
def test_any_bytes_are_read_to_their_end_in_whatever_pieces(pieces: list[str]) -> None:
    assert "".join(screen(*pieces)).count("a") <= "".join(pieces).count("a") * 2
    whole = "".join(pieces)
    assert screen(whole) == screen(*whole)


def test_a_typescript_is_read_as_it_was_seen(tmp_path: Path) -> None:
    text = f"Script started on 2026-01-02 03:04:05+00:00\n$ export GITHUB_TOKEN={TOKEN[:20]} \r{TOKEN[20:]}\r\n$ exit\r\n"
    (tmp_path / "typescript").write_bytes(text.encode())
    assert [one["secret"] for one in findings(tmp_path, "typescript")] == [TOKEN]


# ---------------------------------------------------------------- folds, octal numbers
FOLDED = {
    "a.ics": f"BEGIN:VCALENDAR\r\nDESCRIPTION:the key is {TOKEN[:14]}\r\n {TOKEN[14:]}\r\nEND:VCALENDAR\r\n",
    "a.vcf": f"BEGIN:VCARD\nNOTE:{TOKEN[:14]}\n\t{TOKEN[14:30]}\n\t{TOKEN[30:]}\nEND:VCARD\n",
    "a.ldif": f"dn: cn=bot,dc=example\ndescription: {TOKEN[:14]}\n {TOKEN[14:]}\ncn: bot\n",
    "export": f"version: 1\n\ndn: cn=bot,dc=example\ndescription: {TOKEN[:14]}\n {TOKEN[14:]}\ncn: bot\n",
    ".mysql_history": f"_HiStOrY_V2_\nset\\040@github_token\\040=\\040'{TOKEN}';\n",
    ".psql_history": f"_HiStOrY_V2_\nselect\\0401;\\040--\\040\\\\{TOKEN[:9]}\\{ord(TOKEN[9]):03o}{TOKEN[10:]};\n",
}


@pytest.mark.parametrize("name", FOLDED)
def test_a_folded_token_is_found_in_its_place(name: str, tmp_path: Path) -> None:
    data = FOLDED[name].encode()
    (tmp_path / name).write_bytes(data)
    ((found),) = [one for one in findings(tmp_path, name) if one["secret"] == TOKEN]
    start = data.index(TOKEN[:9].encode())
    assert (found["start_byte"], found["start_line"]) == (start, data.count(b"\n", 0, start) + 1)
    assert data[found["end_byte"] - 4 : found["end_byte"]] == TOKEN[-4:].encode()


@given(st.lists(st.sampled_from((b"words", b"\r\n ", b"\n\t", b"\n", b"\\040", b"\\\\", b"\\", b"\\9", b"\\0")), max_size=40))
def test_nothing_is_left_out_but_folds_and_numbers(parts: list[bytes]) -> None:
    data = b"".join(parts)
    told: list[object] = []
    context = Context("x", Limits(), Budget(Limits(), len(data)), lambda *said: told.append(said))
    for reader, plain in ((folded, data.replace(b"\r\n ", b"").replace(b"\n\t", b"")), (history, None)):
        (member,) = reader(Stream(from_bytes(data), len(data)), context)
        out = b""
        while piece := member.pull(7):
            out += piece
        if plain is not None:
            assert out == plain
        else:
            assert len(out) <= len(data)
    assert not told
