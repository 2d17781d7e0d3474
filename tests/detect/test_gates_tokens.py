"""Gates of provider tokens: where each says REJECT, PASS or PROVEN, and which facts it adds."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from random import Random

import pytest
from gate_checks import candidate, facts, judge, make, run

from leakguard.detect.gates import Verdict, load
from leakguard.detect.gates.azure import SERVICES
from leakguard.detect.generate import expand

REJECT, PASS, PROVEN = Verdict.REJECT, Verdict.PASS, Verdict.PROVEN
PASSWORD, TOKEN = expand("{{alnum*10}}", Random(5)), expand("{{alnum*40}}", Random(6))


def _b64u(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _changed(text: str, place: int) -> str:
    return text[:place] + ("a" if text[place] != "a" else "b") + text[place + 1 :]


@pytest.mark.parametrize(
    ("gate", "name"),
    [
        ("crc_github", "github ghu_"),
        ("crc_gitlab", "gitlab_routable"),
        ("crc_grafana", "grafana"),
        ("crc_zuplo", "zuplo"),
        ("crc_base62", "crc62 nbp_"),
        ("crc_confluent", "confluent"),
    ],
)
def test_a_wrong_checksum_is_rejected_wherever_the_change_is(gate: str, name: str) -> None:
    token = make(name)
    body = token.index("_" if "_" in token else "t") + 1
    for place in range(max(body, 6), len(token), 3):
        if token[place] not in "._":
            assert judge(gate, _changed(token, place)) != PROVEN
    assert judge(gate, _changed(token, 12)) == REJECT


def test_an_npm_checksum_that_fits_neither_scope_decides_nothing() -> None:
    assert judge("crc_npm", _changed(make("npm"), 20)) == PASS


def test_tokens_without_a_known_checksum_are_left_alone() -> None:
    random = Random(1)
    assert judge("crc_github", expand("github_pat_{{alnum*22}}_{{alnum*59}}", random)) == PASS
    assert judge("crc_gitlab", expand("glpat-{{b64u*20}}", random)) == PASS
    assert judge("sentry_org", expand("sntryu_{{hex*64}}", random)) == PASS


def test_a_routable_gitlab_token_names_its_owner() -> None:
    shown = facts("crc_gitlab", make("gitlab_routable"))
    assert shown["organization"] == "1"
    assert shown["user"].isdigit()


def test_the_version_of_a_routable_gitlab_token_may_be_missing() -> None:
    from zlib import crc32

    head = make("gitlab_routable").rsplit(".", 2)[0] + ".2s"
    number, digits = crc32(head.encode()), ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    assert judge("crc_gitlab", head + digits.rjust(7, "0")) == PROVEN


def test_pypi_scope() -> None:
    assert facts("pypi_macaroon", make("pypi"))["scope"] == "user"
    assert facts("pypi_macaroon", make("pypi some-project"))["scope"] == "project some-project"
    token = make("pypi")
    assert judge("pypi_macaroon", token[:-4]) == REJECT
    assert judge("pypi_macaroon", token + "AAAA") == REJECT
    assert judge("pypi_macaroon", token[:40]) == REJECT


def test_pypi_caveats_of_the_newer_kind() -> None:
    raw = b'\x02\x01\x08pypi.org\x02\x01x\x00\x02\x10[1, ["one","two"]]'
    raw = raw.replace(b"\x10[", bytes([len(b'[1, ["one","two"]]')]) + b"[") + b"\x00\x00\x06\x20" + bytes(range(32))
    assert facts("pypi_macaroon", "pypi-" + _b64u(raw)) == {"scope": "project one, two"}


def test_sentry_facts_and_broken_payloads() -> None:
    token = make("sentry_org")
    assert facts("sentry_org", token)["region"] == "https://us.sentry.io"
    assert "-" in facts("sentry_org", token)["org"]
    assert judge("sentry_org", token[:30] + token[34:]) == REJECT
    assert judge("sentry_org", token[:-10]) == REJECT


def test_aws_ids() -> None:
    key = make("aws_key_id AKIA")
    account = facts("aws_key_id", key)["account"]
    assert len(account) == 12 and account.isdigit()
    assert judge("aws_key_id", key[:10] + "1" + key[11:]) == REJECT, "no base32"
    assert facts("aws_key_id", "AKIAI" + key[5:]) == {}, "ids before 2019 hold no account"


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_azure_keys_of_every_service(service: str) -> None:
    key = make(f"azure_marvin {service}")
    gate = load("azure_marvin")
    assert gate(candidate(key), service) == PROVEN
    assert gate(candidate(key), "any") == PROVEN
    changed = gate(candidate(_changed(key, 7)), service)
    assert changed == (PASS if service == "redis" else REJECT)


def test_azure_keys_that_cannot_be_judged() -> None:
    gate = load("azure_marvin")
    old = b64encode(Random(2).randbytes(64)).decode()
    assert gate(candidate(old), "storage") == PASS, "older than identifiable keys"
    assert gate(candidate(make("azure_marvin cosmos")), "storage") == PASS, "another service's key"
    assert judge("azure_ad", make("azure_ad").replace("8Q~", "7Q~")) == PASS
    assert judge("azure_ad", _changed(make("azure_ad"), 10)) == REJECT


def test_discord_ids() -> None:
    token = make("discord_bot")
    assert facts("discord_bot", token)["user"].isdigit()
    _, rest = token.split(".", 1)
    assert judge("discord_bot", _b64u(b"99999999999999999999") + "." + rest) == REJECT, "born in the far future"
    assert judge("discord_bot", _b64u(b"not digits at all") + "." + rest) == REJECT
    assert judge("discord_bot", token.rsplit(".", 1)[0]) == REJECT


def test_jwt() -> None:
    head, claims, signature = make("jwt").split(".")
    assert facts("jwt", make("jwt"))["exp"] > "2030"
    assert "expired" not in facts("jwt", make("jwt"))
    mangled = f"{head}.{claims[:-6]}!!!.{signature}"
    assert judge("jwt", mangled) == PASS and facts("jwt", mangled) == {"alg": "HS256", "typ": "JWT"}
    assert judge("jwt", f"{_b64u({'typ': 'JWT'})}.{claims}.{signature}") == REJECT, "no alg"
    assert judge("jwt", f"{_b64u(b'not json')}.{claims}.{signature}") == REJECT
    assert judge("jwt", head) == REJECT


@pytest.mark.parametrize("end", [1e400, -1, 10**30, "soon", None, [1]])
def test_a_jwt_with_an_odd_expiry_is_still_one(end: object) -> None:
    assert "exp" not in facts("jwt", f"{_b64u({'alg': 'HS256'})}.{_b64u({'exp': end})}.x")


def test_a_claim_cannot_write_to_the_terminal() -> None:
    token = f"{_b64u({'alg': 'HS256'})}.{_b64u({'iss': chr(27) + ']0;owned' + chr(7) + 'x' * 90})}.x"
    shown = facts("jwt", token)["iss"]
    assert shown.isprintable() and shown.startswith("?]0;owned?") and len(shown) == 43


def test_slack() -> None:
    random = Random(3)
    assert facts("slack", expand("xoxb-{{digits*12}}-{{digits*12}}-{{alnum*24}}", random))["team"].isdigit()
    hook = expand("https://hooks.slack.com/services/T01{{uppernum*8}}/B01{{uppernum*8}}/{{alnum*24}}", random)
    assert facts("slack", hook)["team"].startswith("T01")
    assert facts("slack", expand("xapp-1-A01{{uppernum*8}}-{{digits*13}}-{{hex*64}}", random))["app"].startswith("A01")
    assert judge("slack", "https://hooks.slack.com/services/T01ABCDEF/B01ABCDEF/" + "X" * 24) == REJECT


def test_stripe() -> None:
    random = Random(4)
    assert facts("stripe", expand("sk_live_{{alnum*24}}", random)) == {"mode": "live"}
    assert judge("stripe", expand("whsec_{{b64*32}}", random)) == PASS
    assert judge("stripe", "sk_test_" + "x" * 24) == REJECT


def test_base64_json() -> None:
    body = b64encode(b'{"o":"1","n":"x","k":"abc"}').decode()
    assert judge("base64_json", "glc_" + body, fields=["o", "k"]) == PROVEN
    assert judge("base64_json", body.rstrip("="), fields=["k"]) == PROVEN
    assert judge("base64_json", "glc_" + body, fields=["o", "missing"]) == REJECT
    assert judge("base64_json", "glc_" + _changed(body, 2), fields=["o"]) == REJECT
    assert judge("base64_json", make("sentry_org"), fields=["iat", "org"]) == PROVEN, "something follows the JSON"


def test_basic_auth() -> None:
    def header(text: bytes) -> str:
        return b64encode(text).decode()

    assert judge("basic_auth", header(b"user:password")) == REJECT, "documentation"
    assert judge("basic_auth", header(b"no colon here")) == REJECT
    assert judge("basic_auth", header(b"user:\x00\x01\x02")) == REJECT
    assert judge("basic_auth", header(b"svc:\xff\xfe\xfd")) == REJECT
    assert judge("basic_auth", "Basic " + header(b"svc:" + PASSWORD.encode())) == PASS
    assert facts("basic_auth", header(b"svc:" + PASSWORD.encode())) == {"user": "svc"}
    assert facts("basic_auth", header(TOKEN.encode() + b":x-oauth-basic")) == {}, "there the user is the secret"
    assert facts("basic_auth", header(TOKEN.encode() + b":" + PASSWORD.encode())) == {}, "perhaps the user is one, too"


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        (f"postgres://svc:{PASSWORD}@db.internal:5432/app", PASS),
        (f"postgres://svc:{PASSWORD[:4]}/{PASSWORD[4:]}@db.internal:5432/app", PASS),
        (f"https://{TOKEN}:x-oauth-basic@github.com/a/b", PASS),
        (f"redis://:{PASSWORD}@cache.internal/0", PASS),
        ("postgres://user:password@host/db", REJECT),
        ("postgres://user:${DB_PASSWORD}@host/db", REJECT),
        ("postgres://user:$DB_PASSWORD@host/db", REJECT),
        ("postgres://user:%(password)s@host/db", REJECT),
        ("postgres://user:<password>@host/db", REJECT),
        ("postgres://user:{{ password }}@host/db", REJECT),
        ("postgres://user:****@host/db", REJECT),
        ("postgres://postgres:postgres@localhost/db", REJECT),
        ("postgres://deploy:deploy@db.acme.com/db", PASS),
        ("https://github.com/a/b", REJECT),
    ],
)
def test_passwords_in_urls(url: str, verdict: Verdict) -> None:
    assert judge("url_userinfo", url) == verdict
    head, _, rest = url.partition("@")
    if rest and head.count(":") == 2 and "/" not in head.partition("://")[2]:
        start, _, password = head.rpartition(":")
        assert judge("url_userinfo", password, start + ":", "@" + rest) == verdict, "the same when it is the value"


def test_a_url_tells_user_and_host() -> None:
    url = f"postgres://svc:{PASSWORD}@db.internal:5432/app"
    assert facts("url_userinfo", url) == {"user": "svc", "host": "db.internal"}
    assert facts("url_userinfo", PASSWORD, "amqp://svc:", "@mq.internal/") == {"user": "svc", "host": "mq.internal"}
    assert facts("url_userinfo", f"https://{TOKEN}:x-oauth-basic@github.com/a/b") == {"host": "github.com"}


def test_no_fact_holds_the_secret() -> None:
    for name, gate in [
        ("github", "crc_github"),
        ("pypi", "pypi_macaroon"),
        ("jwt", "jwt"),
        ("sentry_org", "sentry_org"),
    ]:
        subject = candidate(make(name))
        run(gate, subject)
        random_part = subject.secret[-24:].decode()
        assert not any(random_part in shown for shown in subject.facts.values())
