"""Values of no known format: what looks like a secret and what like the code, prose and data around them.

Every value is made from a seed or is nobody's: the labelled sets that the gates are measured on stay outside.
"""

from __future__ import annotations

from random import Random
from statistics import quantiles
from typing import Any

import hyperscan
import pytest

from leakguard.detect import assign
from leakguard.detect.gates import Candidate, Verdict, basic
from leakguard.detect.gates.grams import strangeness
from leakguard.detect.gates.likeness import CODE, CONFIG, DOC, file_kind, value_like
from leakguard.detect.generate import expand, expand_marked
from leakguard.detect.naming import kind_of

SEEDS = range(12)


@pytest.fixture(scope="module")
def database() -> Any:
    found = hyperscan.Database()
    patterns = [text.encode() for text in assign.TRIGGERS]
    found.compile(expressions=patterns, ids=list(range(len(patterns))), elements=len(patterns))
    return found


def judged(database: Any, text: str, path: str) -> list[bytes]:
    """The values in a text that the generic rules would take."""
    data = text.encode()
    ends: list[tuple[int, int]] = []
    database.scan(data, match_event_handler=lambda number, _start, end, *_: ends.append((number, end)))
    taken = []
    for found in assign.assigned(data, ends):
        kind = kind_of(found.name)
        candidate = Candidate(
            data, found.start, found.end, found.name, {"quote": found.quote, "sep": found.sep}, path
        )  # fmt: skip
        if kind and value_like(candidate, kind) is not Verdict.REJECT:
            taken.append(data[found.start : found.end])
    return taken


POSITIVE = [
    ('password = "<<{{lower*5}}{{digits*3}}>>"', "a.py"),
    ('password = "<<{{lower*9}}>>"', "a.py"),
    ('Password: "<<{{alnum*6}}!{{alnum*3}}>>",', "a.go"),
    ("password: <<{{lower*7}}>>\n", "a.yml"),
    ("password: <<{{alnum*10}}>>\n", "a.md"),
    ("MYSQL_ROOT_PASSWORD=<<{{lower*8}}{{digits*6}}>> -d mysql", "a.md"),
    ("db.password=<<{{upper*1}}{{lower*6}}_{{alnum*3}}>>\n", "a.properties"),
    ("ADMIN_PWD=<<{{lower*6}}{{digits*1}}>>\n", "a.sh"),
    ("# password: <<{{alnum*12}}>>\n", "a.py"),
    ('assert user.password == "<<{{alnum*12}}>>"', "a.py"),
    ("IDENTIFIED BY '<<{{alnum*10}}>>'", "a.sql"),
    ("tool --password <<{{alnum*10}}>>", "a.sh"),
    ('client_secret = "<<{{alnum*24}}>>"', "a.py"),
    ('jwt_secret = "<<{{lower*32}}>>"', "a.conf"),
    ("jwt-secret-key: <<{{lower*31}}>>\n", "a.yml"),
    ('access_token: "<<{{hex*40}}>>"', "a.js"),
    ("token: <<{{alnum*40}}>>\n", "a.yml"),
    ('"token": "<<{{uuid}}>>"', "a.json"),
    ('api_key = "<<{{hex*32}}>>"', "a.rb"),
    ("consumerKey: '<<{{alnum*20}}>>'", "a.js"),
    ("<clientSecret><<{{alnum*32}}>></clientSecret>", "a.xml"),
    ("<db.password><<{{alnum*12}}>></db.password>", "a.xml"),
    ("nkey: <<{{b32*56}}>>\n", "a.conf"),
    ('key = unhexlify("<<{{hex*64}}>>")', "a.py"),
    ("fetch('https://x.invalid/?apikey=<<{{alnum*32}}>>&q=1')", "a.js"),
    # what a service puts before its hexadecimal digits makes them no less random
    ('api_key = "<<apikey_{{hex*64}}>>"', "a.py"),
    ("STUDIO_TOKEN=<<isat_{{uuid}}>>\n", ".env"),
    ("access_token: <<STAGE_{{hex*64}}>>\n", "a.yml"),
    ("secret_key = '<<live_auth_{{hex*32}}>>'", "a.rb"),
    ('curl -H "Authorization: <<{{uuid}}>>" https://api.acme.invalid/', "a.sh"),
    ("ACME_PAT=<<hopx_{{alnum*32}}>>\n", ".env"),
    ("API_KEY=<<{{HEX*8}}{{hex*8}}{{HEX*8}}{{hex*8}}>>\n", ".env"),
]


@pytest.mark.parametrize(("template", "path"), POSITIVE)
def test_random_values_are_taken(database: Any, template: str, path: str) -> None:
    missed = []
    for seed in SEEDS:
        text, spans = expand_marked(template, Random(seed))
        (start, end), = spans
        if text[start:end].encode() not in judged(database, text, path):
            missed.append(text)
    # chance makes a word now and then; rules that must find theirs always have a shape
    assert len(missed) <= 1, missed


NEGATIVE = [
    ('password = "${DB_PASSWORD}"', "a.yml", "a reference"),
    ('password = "{{{{ vault_password }}"', "a.yml", "a template"),
    ('password = "%s"', "a.py", "a format"),
    ("password = %(password)s", "a.ini", "a format"),
    ("passwd = %PASSWORD%", "a.bat", "a variable"),
    ("password = $PASS", "a.sh", "a variable"),
    ('password = "<your password>"', "a.conf", "a placeholder"),
    ('password = "[REDACTED]"', "a.conf", "masked"),
    ('password = "********"', "a.conf", "masked"),
    ('password = "xxxxxxxx"', "a.conf", "masked"),
    ('password = "changeme"', "a.conf", "a placeholder"),
    ('password = "my_password"', "a.rb", "words for it"),
    ('password: "password"', "a.yml", "the word itself"),
    ('"password": "Passwort"', "de.json", "a label"),
    ('hintPassword = "Enter your new password"', "a.cs", "a sentence"),
    ('password_label = "Forgotten?"', "a.js", "a label's name"),
    ('password = "password1"', "a.py", "the word with a number"),
    ('password = "123456"', "a.py", "counted"),
    ('password = "$2b$12$abcdefghijklmnopqrstuv"', "a.sql", "a hash"),
    ('pass = "pending"', "a.py", "a result"),
    ('PWD_KEY = "pwd.key"', "a.sh", "a file"),
    ('password = "/run/secrets/db"', "a.yml", "a path"),
    ('passphrase_url = "https://docs.invalid/ssh"', "a.cs", "a link"),
    ("password: required\n", "a.yml", "a schema"),
    ("password: string;", "a.ts", "a type"),
    ("password = user_password\n", "a.py", "a variable"),
    ("Password: password,", "a.go", "a variable"),
    ("password = props['password']", "a.py", "an index"),
    ("echo $PASSWORD; password=`cat /x | head`", "a.sh", "a command"),
    ("The password: must be longer than eight letters", "a.md", "prose"),
    ("reset_password_type == 'reset_grid_oracle'", "a.sh", "about a password"),
    ('token_type = "Bearer"', "a.py", "about a token"),
    ('token.kind = "identifier"', "a.go", "a lexer's token"),
    ('token = "test_token"', "a.py", "words for it"),
    ('next_token = "{{alnum*40}}"', "a.py", "a page"),
    ('"LockToken": "{{uuid}}"', "a.json", "a lock"),
    ('"ClientToken": "{{uuid}}"', "a.json", "keeps a request from being done twice"),
    ('tokenAddress: "0x{{hex*40}}"', "a.js", "an address"),
    ('token = "0x{{hex*40}}"', "a.js", "an address"),
    ('secret_name = "{{word}}-tls-cert"', "a.yml", "a name"),
    ('SECRET_VOLUME = "/run/{{word}}"', "a.sh", "a path"),
    ('secret = getSecret("{{word}}")', "a.js", "a call"),
    ('secretRef: "{{word}}"', "a.go", "a reference"),
    ('public_key = "{{alnum*40}}"', "a.py", "public"),
    ('api_key = "YOUR_API_KEY"', "a.py", "a placeholder"),
    ('api_key = "my_api_key_here"', "a.py", "a placeholder"),
    ('key: "first_name_of_the_user"', "a.json", "a map's key"),
    ('key = "{{uuid}}"', "a.json", "an id"),
    ('cache_key = "{{hex*40}}"', "a.py", "a cache's key"),
    ('session = "{{word}}"', "a.py", "a word"),
    ('"auth": "ok", "session": "live"', "a.log", "states"),
    ('"password", "application", "text"', "a.js", "a list"),
    ('Password string `json:"password,omitempty"`', "a.go", "a tag"),
    ("AddSecretAnnotation(flags)", "a.go", "a parameter"),
    ("api_token={{{{token}}", "a.yml", "a template goes on"),
    ("DATE_PAT = r'([0-9]{4})-([0-9]{2})-([0-9]{2})'", "a.py", "a pattern"),
    ('FILE_PAT = "report_*_final_{{word}}.csv"', "a.py", "a pattern"),
    ('integrity_key = "sha512-{{b64*86}}=="', "a.json", "a hash"),
]


@pytest.mark.parametrize(("template", "path", "why"), NEGATIVE)
def test_what_is_no_value_is_left(database: Any, template: str, path: str, why: str) -> None:
    for seed in SEEDS:
        text = expand(template, Random(seed))
        assert judged(database, text, path) == [], (why, text)


def test_a_bare_word_is_a_value_where_only_values_stand(database: Any) -> None:
    text = "password: zabbix\n"
    assert judged(database, text, "app.yml") == [b"zabbix"]
    assert judged(database, "password: wolves\n", "app.conf") == [b"wolves"]
    assert judged(database, "password: wolves\n", "app.go") == []
    assert judged(database, "password: wolves\n", "notes.md") == []
    assert judged(database, 'password: "wolves"\n', "app.go") == [b"wolves"]


def test_kinds_of_files() -> None:
    paths = {
        "src/a.py": CODE, "a.GO": CODE, "README.md": DOC, "x.log": DOC, "a.yml": CONFIG, ".env": CONFIG, "Makefile": CONFIG,
        "a.b/noext": CONFIG, "app.properties": CONFIG,
    }  # fmt: skip
    assert {path: file_kind(path) for path in paths} == paths


def test_a_rule_s_own_pattern_needs_no_surroundings() -> None:
    data = b"requirepass zab9Kx2-q end"
    assert value_like(Candidate(data, 12, 21), "password") is Verdict.PASS
    data = b"requirepass ${PASSWORD} end"
    assert value_like(Candidate(data, 12, 23), "password") is Verdict.REJECT


# ---------------------------------------------------------------- strangeness
WORDS = (
    "password secret database hunter changeme myPassword getUserName accessToken passwort motdepasse contrasena"
    " STATUS_ACCESS_DENIED handleAuthTokenRefresh x-grpc-gateway-foo kubernetes.io/dockercfg sha256 application"
    " correcthorsebatterystaple user_name1 onUserAccountChanged ssh-private-key-file libpam-passwdqc"
).split()


def test_words_are_not_strange() -> None:
    assert {word: strangeness(word.encode()) for word in WORDS if strangeness(word.encode()) > 0} == {}


@pytest.mark.parametrize(
    ("template", "least"),
    [("{{lower*8}}", 6.0), ("{{alnum*12}}", 12.0), ("{{alnum*24}}", 40.0), ("{{hex*32}}", 18.0), ("{{b32*32}}", 50.0)],
)
def test_random_values_are_strange(template: str, least: float) -> None:
    made = [strangeness(expand(template, Random(seed)).encode()) for seed in range(200)]
    assert quantiles(made, n=20)[0] >= least  # 95 of 100


@pytest.mark.parametrize("value", [b"", b"\x00\xff" * 9, "пароль".encode(), b"-" * 40, b"A"])
def test_odd_bytes_break_nothing(value: bytes) -> None:
    assert isinstance(strangeness(value), float)
    for kind in ("password", "passphrase", "secret", "token", "key", "weak", "unnamed"):
        assert value_like(Candidate(value, 0, len(value)), kind) in Verdict


@pytest.mark.parametrize(
    ("value", "password", "passphrase"),
    [
        (b"secret2041", False, True), (b"TokenPass207", False, True), (b"Password@1987", False, True),
        (b"password123", False, False), (b"secret1234", False, False), (b"passphrase000", False, False),
        (b"secret/2041.key", False, False), (b"tiger-passphrase", False, False), (b"Rocket!88fox", True, True),
    ],
)  # fmt: skip
def test_a_passphrase_may_say_what_it_is(value: bytes, password: bool, passphrase: bool) -> None:
    for kind, good in (("password", password), ("passphrase", passphrase)):
        candidate = Candidate(value, 0, len(value), b"OKX_PASSPHRASE", {"quote": b'"', "sep": b"="})
        assert (value_like(candidate, kind) is not Verdict.REJECT) == good


# ---------------------------------------------------------------- the other basic gates
def passes(gate: Any, value: bytes, *args: Any, **kwargs: Any) -> bool:
    return gate(Candidate(value, 0, len(value)), *args, **kwargs) is not Verdict.REJECT


def test_statistics() -> None:
    assert passes(basic.entropy, b"abcdefgh", 3.0) and not passes(basic.entropy, b"aaaabbbb", 1.5)
    assert passes(basic.length, b"abcdef", min=2, max=6, multiple=3) and not passes(basic.length, b"abc", min=4)
    assert passes(basic.classes, b"aA1-", 4) and not passes(basic.classes, b"aA", 3)
    assert passes(basic.distinct, b"abc", 3) and not passes(basic.distinct, b"aab", 3)
    assert passes(basic.matches, b"abc1", "[0-9]") and not passes(basic.rejects, b"abc1", "[0-9]")
    assert passes(basic.rarity, b"x9Kq2Zt7", 0.9) and not passes(basic.rarity, b"passwords", 0.5)


def test_neighbours_and_names() -> None:
    data = b'acme = Client(); key = "abcdef"'
    found = Candidate(data, 24, 30, b"acmeKey")
    assert basic.near(found, ["acme"]) is Verdict.PASS
    assert basic.near(found, ["acme"], before=10) is Verdict.REJECT
    assert basic.not_near(found, ["acme"]) is Verdict.REJECT
    assert basic.not_name(found, "^acme_key$") is Verdict.REJECT
    assert basic.not_name(found, "^acmekey$") is Verdict.PASS


@pytest.mark.parametrize("value", ["${KEY}", "your_key_here", "xxxxxxxxxxxx", "EXAMPLEKEY1234", "0123456789abcdef", "aaaa"])
def test_placeholders(value: str) -> None:
    assert not passes(basic.not_placeholder, value.encode())
    assert passes(basic.not_placeholder, expand("{{alnum*24}}", Random(3)).encode())
