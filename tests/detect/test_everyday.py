"""What people leave in files every day: passwords and keys by a name, or by their place in a call, a command, a setting.

The lists hold a file each, parted by lines of `%%`: its name, then its text with the secrets between `<<` and `>>`. Both were written
before the code was looked at. Of the first one (everyday.txt) 70 of 100 were found then; what is still missed was left out. The
second (everyday_second.txt) was written by somebody else in the same way and holds all: 77 of 100 were found at first. The third
(everyday_quiet.txt) is of the same places and holds no secret.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand, expand_marked
from leakguard.model import Severity


def files(name: str) -> list[tuple[str, str]]:
    text = (Path(__file__).parent / name).read_text(encoding="utf-8").rstrip("\n")
    return [(part.split("\n", 1)[0], part.split("\n", 1)[1] + "\n") for part in text.split("\n%%\n")]


FILES = files("everyday.txt")
SECOND = files("everyday_second.txt")
QUIET = files("everyday_quiet.txt")
LEAST = 659
"""Secrets of the second list that are found, of 716."""


def spans_of(engine: Engine, name: str, text: str) -> list[tuple[int, int]]:
    """The spans of what is found, in characters."""
    data = text.encode()
    found = [(match.secret_start, match.secret_end) for match in engine.scan(data, name).matches]
    return [(len(data[:low].decode()), len(data[:high].decode())) for low, high in found]


def missed(engine: Engine, name: str, template: str, seed: str) -> list[str]:
    text, spans = expand_marked(template, Random(seed))
    found = spans_of(engine, name, text)
    return [text[low:high] for low, high in spans if not any(start < high and low < end for start, end in found)]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("number", range(len(FILES)), ids=[f"{number}-{name}" for number, (name, _) in enumerate(FILES)])
def test_what_people_leave_is_found(engine: Engine, number: int, seed: int) -> None:
    name, template = FILES[number]
    assert not missed(engine, name, template, f"{number} {seed}")


def test_of_the_second_list_no_less_is_found(engine: Engine) -> None:
    left = [(name, value) for number, (name, template) in enumerate(SECOND) for value in missed(engine, name, template, f"{number} 1")]
    assert sum(template.count("<<") for _, template in SECOND) - len(left) >= LEAST, left


@pytest.mark.parametrize("number", range(len(QUIET)), ids=[f"{number}-{name}" for number, (name, _) in enumerate(QUIET)])
def test_what_holds_no_secret_is_quiet(engine: Engine, number: int) -> None:
    """Hashes are a finding of their own kind, of low severity."""
    name, template = QUIET[number]
    matches = engine.scan(expand(template, Random(f"{number} 1")).encode(), name).matches
    assert [engine.rules[match.rule].id for match in matches if engine.rules[match.rule].severity >= Severity.MEDIUM] == []


PASSWORD = "Kestrel,8841(tundra)'x"
EXPORTS = {
    "Chrome": 'name,url,username,password,note\nnas,https://nas.example,anna,"{}",\n',
    "Firefox": '"url","username","password","httpRealm","guid"\n"https://nas.example","anna","{}",,"x"\n',
    "KeePass": '"Account","Login Name","Password","Web Site","Comments"\n"Router","admin","{}","http://192.168.1.1","cellar"\n',
    "LastPass": "url,username,password,totp,extra,name,grouping,fav\nhttps://nas.example,anna,\"{}\",,,NAS,,0\n",
    "with semicolons": "Server;Benutzer;Kennwort\nnas;anna;{}\n",
    "with a mark": '\ufeffTitle,URL,Username,Password\nNAS,https://nas.example,anna,"{}"\n',
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_the_one_column_of_passwords_in_an_export(engine: Engine, name: str) -> None:
    """A table was one only where two columns were named like credentials, and a bracket in a password ended it."""
    first = EXPORTS[name].format(PASSWORD)
    text = first + EXPORTS[name].split("\n")[1].format("lagoon5521") + "\n"
    assert [text[low:high] for low, high in spans_of(engine, "export.csv", text)] == [PASSWORD, "lagoon5521"]


@pytest.mark.parametrize(
    "text",
    ["def login(url,username,password):\n    return 'abcd1234', 2, 3\n", "id,name,password_changed,token_count\n1,anna,2024-03-04,17\n"],
)
def test_a_row_of_names_that_is_no_such_head(engine: Engine, text: str) -> None:
    assert spans_of(engine, "a.csv", text) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.rb", 'f(:password => "{}")\n'),
        ("site.pp", "  root_password => '{}',\n"),
        ("a.yml", 'command: ["redis-server", "--requirepass", "{}"]\n'),
        ("a.yml", "pass: !!str {}\n"),
        ("a.yml", 'pass: !!str "{}"\n'),
        ("Fastfile", 'ENV["MATCH_PASSWORD"] = "{}"\n'),
        ("a.ini", "ftp_pw={}\n"),
        ("a.env", "HASLO_BAZY={}\n"),
        ("etc/ppp/chap-secrets", "# client server secret addresses\nanna * {} *\n"),
        ("davfs2/secrets", "https://dav.example.com anna {}\n"),
        ("vpn/auth.txt", "vpnuser7\n{}\n"),
    ],
)
def test_ways_to_give_a_password(engine: Engine, name: str, text: str) -> None:
    text = text.format("hazel1753!")
    assert [text[low:high] for low, high in spans_of(engine, name, text)] == ["hazel1753!"]


@pytest.mark.parametrize("text", ["BORG_PASSPHRASE='bramble saffron dahlia tulip'", "RESTIC_PASSWORD=nectar-sparrow-granite-magnet"])
def test_four_words_are_a_passphrase_where_one_is_asked_for(engine: Engine, text: str) -> None:
    assert len(spans_of(engine, "backup.env", text + "\n")) == 1


@pytest.mark.parametrize("text", ["PASSPHRASE='correct horse battery staple'", "DB_PASSWORD=main-database-user-name", "passphrase: use at least four words"])
def test_words_that_are_no_passphrase(engine: Engine, text: str) -> None:
    assert spans_of(engine, "backup.env", text + "\n") == []


@pytest.mark.parametrize("size", [512, 513, 1024, 1025, 3000])
@pytest.mark.parametrize("text", ['AUTH_TOKEN = "{}"\n', '{{"auth_token": "{}"}}\n', "AUTH_TOKEN={}\n"])
def test_a_token_of_any_length_is_found_by_its_beginning(engine: Engine, text: str, size: int) -> None:
    value = expand("{{alnum*SIZE}}".replace("SIZE", str(size)), Random(size))
    (found,) = engine.scan(text.format(value).encode(), "a.txt").matches
    assert (engine.rules[found.rule].id, found.length) == ("generic.token", 512)
