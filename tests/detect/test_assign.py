"""Extraction of assignments: every way to write one gives exactly its name and value, and code gives nothing."""

from __future__ import annotations

import re
from random import Random
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import hyperscan
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakguard.detect import assign
from leakguard.detect.assign import Assigned, assigned
from leakguard.detect.forms import said
from leakguard.detect.generate import expand_marked
from leakguard.detect.labels import LABELS
from leakguard.detect.naming import kind_of, part_of, plain, words


@pytest.fixture(scope="module")
def database() -> Any:
    found = hyperscan.Database()
    patterns = [text.encode() for text in assign.TRIGGERS]
    found.compile(expressions=patterns, ids=list(range(len(patterns))), elements=len(patterns))
    return found


def ends_of(database: Any, data: bytes) -> list[tuple[int, int]]:
    ends: list[tuple[int, int]] = []
    database.scan(data, match_event_handler=lambda number, _start, end, *_: ends.append((number, end)))
    return ends


def values(database: Any, data: bytes) -> list[Assigned]:
    return assigned(data, ends_of(database, data))


# (text with the value between << and >>, name, separator)
FORMS = [
    ('password = "<<{{alnum*14}}>>"', "password", "="),
    ('"password": "<<{{alnum*14}}>>",', "password", ":"),
    (r"{\"password\": \"<<{{alnum*14}}>>\"}", "password", ":"),
    ('client.set_password("<<{{alnum*14}}>>")', "client.set_password", "("),
    ('env.put("db_password", "<<{{alnum*14}}>>")', "db_password", ","),
    ('define( "DB_PASSWORD" , \'<<{{alnum*14}}>>\' );', "DB_PASSWORD", ","),
    ('password: str = "<<{{alnum*14}}>>"', "password", "="),
    ('var apiSecret string = "<<{{alnum*14}}>>"', "apiSecret", "="),
    ('const API_KEY: &str = "<<{{alnum*24}}>>";', "API_KEY", "="),
    ('public string Password { get; set; } = "<<{{alnum*14}}>>";', "Password", "{ get; set; } ="),
    ('public string Token { get; private set; } = "<<{{alnum*24}}>>";', "Token", "{ get; private set; } ="),
    ('<add key="ApiToken" value="<<{{alnum*24}}>>" />', "ApiToken", "="),
    ("<password><<{{alnum*14}}>></password>", "password", ">"),
    ("<password><<{{alnum*14}}.>></password>", "password", ">"),
    ('const char password[] = "<<{{alnum*14}}>>";', "password", "="),
    ('static const char API_KEY[64 + 1] = "<<{{alnum*24}}>>";', "API_KEY", "="),
    ("set -gx ARTIFACTORY_API_KEY <<{{alnum*40}}>>\n", "ARTIFACTORY_API_KEY", ":"),
    ('<property name="db.password"><<{{alnum*14}}>></property>', "db.password", ">"),
    ("- name: DB_PASSWORD\n  value: <<{{alnum*14}}>>\n", "DB_PASSWORD", ":"),
    ('{"name": "password", "value": "<<{{alnum*14}}>>"}', "password", "="),
    ("mysqladmin --password <<{{alnum*14}}>> status", "password", ""),
    ('tool --api-token "<<{{alnum*24}}>>"', "api-token", ""),
    ("goveralls -repotoken <<{{alnum*32}}>>", "repotoken", ""),
    ("CREATE USER me IDENTIFIED BY '<<{{alnum*14}}>>';", "identified_by", ""),
    ("alter user me identified by <<{{upper*1}}{{alnum*9}}>> container=all", "identified_by", ""),
    ("jwt_secret: |\n  <<{{alnum*40}}>>\n", "jwt_secret", ": |"),
    ('Token: String("<<{{alnum*24}}>>"),', "Token", ":"),
    ("key = unhexlify('<<{{hex*32}}>>')", "key", "="),
    ('secret: []byte("<<{{alnum*24}}>>")', "secret", ":"),
    ('$env:API_TOKEN = "<<{{alnum*24}}>>"', "API_TOKEN", "="),
    ("name,value\ndb_password,<<{{alnum*14}}>>\n", "db_password", "="),
    ("INSERT INTO t VALUES ('db_password', '<<{{alnum*14}}>>')", "db_password", ","),
    ('const p = process.env.PASSWORD || "<<{{alnum*14}}>>"', "process.env.PASSWORD", "||"),
    ('config["password"] = "<<{{alnum*14}}>>"', "password", "="),
    ("params[:password] => '<<{{alnum*14}}>>'", "password", "=>"),
    ("Authorization: Bearer <<{{alnum*40}}>>", "Authorization", ":"),
    ('PASSWORD                 =              "<<{{alnum*14}}>>"', "PASSWORD", "="),
    ("https://api.invalid/v1?limit=10&api_key=<<{{alnum*24}}>>&page=2", "api_key", "="),
    ("users: [ {user: svc, password: <<{{alnum*12}}>>} ]", "password", ":"),
    ("DB_PW=<<{{alnum*14}}>>\n", "DB_PW", "="),
    ("TERM=dumb\0API_SECRET=<<{{alnum*40}}>>\0PATH=/usr/bin\0", "API_SECRET", "="),
    ("DB_PASSWORD=<<{{alnum*14}}>>\0\0\0\0", "DB_PASSWORD", "="),
    ("Wachtwoord = '<<{{alnum*14}}>>'", "Wachtwoord", "="),
]


@pytest.mark.parametrize(("template", "name", "sep"), FORMS)
@pytest.mark.parametrize("seed", range(3))
def test_a_form_gives_its_name_and_its_value(database: Any, template: str, name: str, sep: str, seed: int) -> None:
    text, spans = expand_marked(template, Random(seed))
    found = [item for item in values(database, text.encode()) if (item.start, item.end) == spans[0]]
    assert [(item.name.decode(), item.sep.decode()) for item in found] == [(name, sep)]
    at = found[0].name_start
    assert found[0].form == 3 or text[at : at + len(name)] == name


@pytest.mark.parametrize("value", ["{{lower*4}}", "{{digits*6}}", "{{alnum*4}}"])
def test_passwords_may_be_short(database: Any, value: str) -> None:
    text, spans = expand_marked(f"MYSQL_PASSWORD=<<{value}>> -d x", Random(1))
    assert [(item.start, item.end) for item in values(database, text.encode())] == spans


@pytest.mark.parametrize(
    "text",
    [
        "self.token = self.settings.token\n",
        "token = read_token(path)\n",
        "password = getPassword();",
        "conn->passwd = old_conn->passwd;",
        "def login(username, password, account):",
        "opts.Password = flagOpts.Password\n",
        "key=725225&x=1",
        '"auth": true, "session": "live", "keys": 12',
        "token = null;",
        'case "pass", "password":  break',
        '"AWS::SecretsManager::Secret": "c85175a4",',
        "password:\n  minimum: 12\n",
        '{"token", "kind": "bearer"}',
        "if (pass) { passes(all, tests) }",
        'password = unicodedata.normalize("NFKC", password)',
    ],
)
def test_code_gives_nothing(database: Any, text: str) -> None:
    found = [item for item in values(database, text.encode()) if item.sep != b"list"]
    assert found == []


def test_the_names_of_a_table_s_columns_go_on(database: Any) -> None:
    # context.py looks for the rows below them
    found = values(database, b"id,api_key,api_secret,comment\n")
    assert [(item.name, item.sep) for item in found] == [(b"api_key", b",")]


def test_a_look_up_goes_on(database: Any) -> None:
    # context.py takes the default
    text = b'api_key = os.getenv("OKX_KEY") or "x"\n'
    assert any(text[item.start : item.end] == b"os.getenv" for item in values(database, text))


@pytest.mark.parametrize(("template", "name", "sep"), FORMS)
def test_every_trigger_ends_a_fixed_way_into_a_value(database: Any, template: str, name: str, sep: str) -> None:
    text, spans = expand_marked(template, Random(7))
    data = text.encode()
    found = values(database, data)
    assert spans[0] in [(item.start, item.end) for item in found]
    for form, end in ends_of(database, data):
        start = end - assign.FORM_TAILS[form]
        # a border is what a value begins after: a quote, a separator, a space, an opening
        assert start == 0 or data[start - 1 : start] in b"\"'`\\ \t\r\n=:,(>|&", (form, data[start : end + 3])


def test_a_long_way_between_name_and_value_is_no_assignment(database: Any) -> None:
    assert values(database, b"password =" + b" " * 500 + b'"hunter22hunter22"') == []


# ---------------------------------------------------------------- names
KINDS = {
    "password": "password PASSWORD db_password dbpasswd mysqlrootpwd userPass PASS password1 passwordConfirmation"
    " opts.Password root_pw_password oracle.install.SYSPassword senha redis_password password_root identified_by",
    "secret": "secret client_secret jwtSecret secret_key SECRET_KEY_BASE app.secret.key cookieSecret altSecret",
    "token": "token access_token satoken X-Auth-Token refreshToken tokenValue token_github BOT_TOKEN",
    "key": "api_key apiKey api.key myapikey private_key encryption-key consumerKey AWS_ACCESS_KEY access_key",
    "weak": "key nkey auth salt seed session some_key credentials",
    "": "PWD token_type password_file secret_name passwordField key_id primary_key foreign_key public_key cacheKey"
    " is_password hasToken next_token keyboard bypass password_hash password_sha2 keystore_path token_url oauth2"
    " tokenAddress lock_token csrf_token user name authority passwords_count secretRef password_policy",
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in KINDS.items() for name in names.split()])
def test_what_a_name_promises(kind: str, name: str) -> None:
    assert kind_of(name.encode()) == kind


def test_words_of_a_name() -> None:
    assert words(b"binanceAPIKey2_live") == ("binance", "api", "key", "2", "live")
    assert part_of(words(b"OKX_API_PASSPHRASE")) == "passphrase"
    assert plain(b"token_type")
    assert not plain(b"memo")
    assert not plain(b"password")


def some(text: str) -> st.SearchStrategy[bytes]:
    """One of the words of a text; `_` is a blank, `~` a line's end, and `0` nothing."""
    return st.sampled_from([word.translate(str.maketrans("_~", " \n")).replace("0", "").encode() for word in text.split()])


GIVEN = st.tuples(
    some("0 0 ~ ~ put( {_ [ ~__"),
    some("key password token name \"key\" 'secret' \"name\" api.key"),
    some("0 _"),
    some(", , : = ( =>"),
    some("0 _ ~ ~____ _" + "_" * 58),
    some("0 0 \" \" ' `"),
    some("documentation abc81de92 region=x9k2m4q7 key=ab1 api_key=v81==w Bearer_x81k27 1234567 ab\\\"cd91 x=\\n81abc") ,
    some("0 0 \" ' ` \\\""),
    some("0 ~ : _: = } , ) _ \t= ~~ \\n"),
)


@settings(max_examples=1000)
@given(st.lists(GIVEN, min_size=1, max_size=3), st.booleans())
def test_what_is_quickly_refused_is_refused_by_a_longer_look(given: list[tuple[bytes, ...]], wordy: bool) -> None:
    """A value that is the next field's name, or the next parameter, wherever it may stand."""
    data = b"".join(b"".join(pieces) for pieces in given)
    ends = [(form, end) for form in (0, 1, 2, 3) for end in range(6, len(data) - 1)]
    quick = assigned(data, ends, wordy)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(assign, "_NEXT_FIELD", {})
        patched.setattr(assign, "_NEXT_PARAMETER", re.compile(rb"(?!)"))
        assert assigned(data, ends, wordy) == quick


PIECES = some("\" ' ` \\ \\\" \\n ~ _ , abc x xxxxxxxxx")


@given(st.lists(PIECES, max_size=24).map(b"".join), st.sampled_from([b'"', b"'", b"`"]))
def test_a_quoted_value_ends_at_the_first_quote_that_no_backslash_is_before(data: bytes, sign: bytes) -> None:
    plain_way = re.compile(rb"(?:[^%b\\\r\n]|\\[^\r\n]){4,1024}(?=%b)" % (sign, sign))
    for start in range(len(data)):
        quick, found = assign._QUOTED[sign].match(data, start), plain_way.match(data, start)
        assert (quick and quick.span()) == (found and found.span())


def test_no_label_is_longer_than_what_is_looked_through() -> None:
    assert parser.parse(said._LABEL.pattern, said._LABEL.flags).getwidth()[1] <= said._LONGEST_LABEL


@given(st.lists(some("пароль КЛЮЧ clave CLAVE api chave pin x : = \" ' ` * 1 ключ 密码 K İ ſ ( \n"), max_size=12))  # noqa: RUF001
def test_labels_by_their_first_letter_are_the_labels_as_they_stand_in_the_list(pieces: list[bytes]) -> None:
    """Every label, in any case, and what is none: as the plain list of all of them says."""
    text = b" ".join(pieces).decode("utf-8", "replace").replace(" :", ":")
    found, plain_way = said._LABEL.search(text), _EVERY_LABEL.search(text)
    assert (found and (found.span(), found.group(1))) == (plain_way and (plain_way.span(), plain_way.group(1)))


_GROUPED = said._by_letter(word for word, _ in LABELS)
_EVERY_LABEL = re.compile(said._LABEL.pattern.replace(_GROUPED, f"({'|'.join(re.escape(word) for word, _ in LABELS)})"))


@pytest.mark.parametrize("word", [word for word, _ in LABELS])
def test_each_label_is_one(word: str) -> None:
    assert _GROUPED in said._LABEL.pattern
    for written in (word, word.upper(), word.title()):
        text = f"x {written}: "
        found, plain_way = said._LABEL.search(text), _EVERY_LABEL.search(text)
        assert found is not None
        assert plain_way is not None
        assert found.span() == plain_way.span()


@given(st.lists(st.sampled_from([*"aZ_9 .-,|\n", "Pass", "SECRET", "api_id", "client.id", "wachtwoord", "word" * 4]), max_size=20), st.integers(0, 60))
def test_a_columns_name_is_seen_in_any_case(parts: list[str], end: int) -> None:
    data = "".join(parts).encode()
    plain = re.compile(f"(?i)[\\w.\\- ]{{0,30}}?(?:{'|'.join((*assign._PASS, *assign._OTHER))})".encode())
    found = plain.match(data, 0, end)
    assert assign._column(data, 0, end) == (found.end() if found else 0)


@given(st.lists(st.sampled_from([*"aZ_9 .-,(:", "Ab", "abcdefghijkl", "XYZ", "basic ", "os.", "getenv", "->", "env"]), max_size=16))
@settings(max_examples=500)
def test_what_is_dull_is_so_in_whatever_order_it_is_asked(parts: list[str]) -> None:
    """Without the order and the repeats that never give back, which but make it quicker."""
    data = "".join(parts).encode()
    identifier = (
        r"(?:[A-Z]?[a-z]{1,11}[0-9]?|[A-Z]{1,20}|[A-Za-z][a-z]{1,13}[0-9]{0,2}(?:[A-Z][a-z]{2,13}[0-9]{0,2}){1,12}"
        r"|(?:[A-Z]?[a-z]{1,40}|[A-Z]{1,40})(?:[_\-](?:[A-Z]?[a-z]{1,40}[0-9]?|[A-Z]{1,40}[0-9]?|[0-9]{1,2})){1,12})"
    )
    plain = rf"(?:[0-9]+(?:[.:][0-9]+)*|(?!{assign._SCHEMES}){identifier}){assign._AFTER}|{assign._EXPRESSION}".encode()
    assert bool(assign._DULL.match(data)) == bool(re.match(plain, data))
