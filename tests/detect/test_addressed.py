"""A value whose header or file says only that it is a token is the host's that it is sent to; nobody's without one."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.detect.hits import UNDOCUMENTED

REQUESTS = {
    "fetch.R": 'res <- GET("https://{host}/v1/me", add_headers(Authorization = "Bearer {value}"))\n',
    "sync.go": 'req, err := http.NewRequest("GET", "https://{host}/me", nil)\nreq.Header.Set("Authorization", "token {value}")\n',
    "api.dart": "await http.get(\n  Uri.parse('https://{host}/v1'),\n  headers: {{'Authorization': 'Bearer {value}'}},\n);\n",
    "api.http": "GET https://{host}/v2/projects HTTP/1.1\nAccept: application/json\nAuthorization: Bearer {value}\n",
    "get.sh": 'curl -H "Authorization: Bearer {value}" https://{host}/v1\n',
    "call.py": 'headers = {{"Authorization": "Bearer {value}"}}\n\nrequests.get("https://{host}/v1", headers=headers)\n',
    "home/.netrc": "machine {host}\n  login me@{word}.net\n  password {value}\n",
}
OWNERS = {"api.cohere.com": ("cohere", "{{alnum*40}}"), "api.crowdin.com": ("crowdin", "{{hex*80}}"), "api.imgix.com": ("imgix", "ak_{{hex*64}}")}


def told(engine: Engine, text: str, path: str = "") -> list[tuple[str, str, tuple[str, ...]]]:
    rules = engine.rules
    return [(rules[one.rule].provider, dict(one.facts).get("host", ""), one.reasons) for one in engine.scan(text.encode(), path).matches]


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("host", OWNERS)
def test_it_is_its_hosts(engine: Engine, host: str, path: str) -> None:
    provider, form = OWNERS[host]
    random = Random(f"{host}/{path}")
    text = REQUESTS[path].format(host=host, value=expand(form, random), word=expand("{{word}}", random))
    assert [(name, at) for name, at, _ in told(engine, text, path)] == [(provider, host)]


def test_a_form_that_is_not_documented_is_said_to_be_so(engine: Engine) -> None:
    text = REQUESTS["get.sh"].format(host="api.crowdin.com", value=expand("{{alnum*52}}", Random("undocumented")))
    [(provider, _, reasons)] = told(engine, text)
    assert provider == "crowdin" and UNDOCUMENTED in reasons


def test_a_password_of_no_form_stays_a_password(engine: Engine) -> None:
    text = REQUESTS["home/.netrc"].format(host="api.crowdin.com", value=expand("{{alnum*14}}", Random("password")), word="acme")
    assert [provider for provider, _, _ in told(engine, text, "home/.netrc")] == ["netrc"]


def test_of_two_requests_each_has_its_own_host(engine: Engine) -> None:
    lines = [REQUESTS["get.sh"].format(host=host, value=expand(form, Random(host))) for host, (_, form) in OWNERS.items()]
    assert [provider for provider, _, _ in told(engine, "".join(lines))] == [provider for provider, _ in OWNERS.values()]


def test_an_unknown_host_is_said_and_nobodys(engine: Engine) -> None:
    text = REQUESTS["api.http"].format(host="api.some-service.net", value=expand("{{alnum*40}}", Random("unknown")))
    assert [(provider, host) for provider, host, _ in told(engine, text)] == [("http-auth", "api.some-service.net")]


def test_without_a_host_it_is_nobodys(engine: Engine) -> None:
    value = expand("{{alnum*40}}", Random("none"))
    text = f'auth("https://api.example.com", {{"Authorization": "Bearer {value}"}})\n'
    assert [(provider, host) for provider, host, _ in told(engine, text)] == [("http-auth", "")]


@pytest.mark.parametrize(("name", "provider"), [("MONDAY_API_TOKEN", "monday"), ("CALENDLY_API_TOKEN", "calendly"), ("SESSION_JWT", "jwt")])
def test_a_web_token_is_his_whom_its_variable_names(engine: Engine, name: str, provider: str) -> None:
    text = f"{name}={expand('{{gen:jwt}}', Random(name))}\n"
    [match] = engine.scan(text.encode()).matches
    assert (engine.rules[match.rule].provider, dict(match.facts).get("alg")) == (provider, "HS256")


def test_an_address_in_another_paragraph_is_not_a_settings(engine: Engine) -> None:
    token = expand("{{alnum*32}}", Random(7))
    text = f'"""\n    relay:\n      token: {token}\n\n"""\n\n__moved__ = (\n    "https://github.com/owner/project",\n)\n'
    matches = engine.scan(text.encode(), "relay.py").matches
    assert [engine.rules[match.rule].provider for match in matches] == ["generic"]
