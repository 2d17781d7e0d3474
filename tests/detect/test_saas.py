"""Keys of services as people leak them, met cold: each form here was missed, misread or given to nobody, or was none."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand

QUIET = {
    "sentence.json": '{"token_expired": "Token abgelaufen", "passwort_hinweis": "Basic authentication", "api_key": "Token ungültig"}\n',
    "values.yaml": "annotations:\n  checksum/secret: {{hex*64}}\n  checksum/token: {{hex*64}}\n",
    "public.env": "SUPABASE_PUBLISHABLE_KEY=sb_publishable_{{b64u*22}}_{{b64u*8}}\n",
}


def told(engine: Engine, text: str, path: str = "") -> list[tuple[str, str]]:
    data = text.encode()
    return [(engine.rules[one.rule].id, data[one.secret_start : one.secret_end].decode()) for one in engine.scan(data, path).matches]


def owners(engine: Engine, text: str, path: str = "") -> list[str]:
    return [rule.partition(".")[0] for rule, _ in told(engine, text, path)]


@pytest.mark.parametrize("path", QUIET)
def test_what_is_no_secret_is_none(engine: Engine, path: str) -> None:
    assert told(engine, expand(QUIET[path], Random(path)), path) == []


def test_of_a_hash_table_a_value_ends_with_its_line(engine: Engine) -> None:
    value = expand("sk_{{hex*32}}", Random("powershell"))
    text = f'$headers = @{{\n    "Authorization" = "Bearer {value}"\n    "Accept" = "application/json"\n}}\n'
    assert [secret for _, secret in told(engine, text, "call.ps1")] == [value]


HOMES = {
    "home/ann/.brazerc": ("braze", "[default]\nhost = https://rest.iad-01.net\napi_key = {{uuid}}\n"),
    "home/ann/.config/turso/settings.json": ("turso", '{"organization":"acme","token":"{{gen:jwt}}","username":"ann"}\n'),
    "home/ann/.webflow/config.yml": ("webflow", "profiles:\n  default:\n    api_token: {{alnum*52}}\n"),
    "home/ann/.railway/config.json": ("railway", '{"projects": {}, "user": {"token": "rw_{{alnum*80}}"}}\n'),
    "home/ann/.circleci/cli.yml": ("circleci", "host: https://circleci.com\ntoken: {{alnum*44}}\n"),
    "home/ann/Library/Application Support/com.vercel.cli/auth.json": ("vercel", '{"token": "{{alnum*24}}"}\n'),
}


@pytest.mark.parametrize("path", HOMES)
def test_what_a_tool_keeps_at_home_is_its_services(engine: Engine, path: str) -> None:
    owner, text = HOMES[path]
    assert owners(engine, expand(text, Random(path)), path) == [owner]


@pytest.mark.parametrize("path", [".circleci/config.yml", ".github/workflows/ci.yml", "src/webflow/settings.py"])
def test_a_folder_of_a_repository_is_nobodys_home(engine: Engine, path: str) -> None:
    text = expand("env:\n  API_TOKEN: {{alnum*44}}\n", Random(path))
    assert owners(engine, text, path) == ["generic"]


WRITTEN = {
    "keys.md": "| Variable | Value |\n|---|---|\n| `NODE_ENV` | `production` |\n| `ACME_API_TOKEN` | `<{{hex*32}}>` |\n",
    "bold.md": "| Name | Value |\n|---|---|\n| **ACME_SECRET** | <{{alnum*40}}> |\n",
    "stack.ts": "environment: {\n  ACME_CLIENT_SECRET: '<{{uuid}}>',\n},\n",
    "openapi.yaml": "parameters:\n  - in: header\n    name: X-Api-Key\n    schema:\n      type: string\n    example: <{{alnum*40}}>\n",
    "openapi.json": '{"parameters": [{"name": "X-Api-Key", "in": "header", "schema": {"type": "string"}, "example": "<{{alnum*40}}>"}]}\n',
    "err.txt": "1 validation error for Settings\nacme_client_secret\n  Extra inputs are not permitted [type=extra_forbidden, "
    "input_value='<{{alnum*32}}>', input_type=str]\n",
    "fluent-bit.conf": "[OUTPUT]\n    Name        http\n    apikey      <{{hex*32}}>\n",
    "alert.sh": 'curl https://api.acme-alerts.net/v2 -H "Authorization: GenieKey <{{uuid}}>"\n',
}


@pytest.mark.parametrize("path", WRITTEN)
def test_it_is_found_as_it_is_written(engine: Engine, path: str) -> None:
    before, _, rest = expand(WRITTEN[path], Random(path)).partition("<")
    value, _, after = rest.partition(">")
    assert [secret for _, secret in told(engine, before + value + after, path)] == [value]


def test_a_clients_token_that_is_a_uuid_is_none(engine: Engine) -> None:
    assert told(engine, expand("CLIENT_TOKEN: '{{uuid}}'\n", Random("idempotent")), "stack.ts") == []


HEADERS = {
    "postman.json": '{"request": {"header": [{"key": "Authorization", "value": "<{{alnum*56}}>"}], "url": {"raw": "https://api.pexels.com/v1"}}}',
    "insomnia.json": '{"headers": [{"name": "Authorization", "value": "bearer <{{hex*32}}>"}], "url": "https://api.vimeo.com/me"}',
    "x.http": "GET https://api.crowdin.com/v2/x HTTP/1.1\nX-Api-Token: <{{alnum*44}}>\n",
}


@pytest.mark.parametrize("path", HEADERS)
def test_a_header_of_any_scheme_is_its_hosts(engine: Engine, path: str) -> None:
    text = expand(HEADERS[path], Random(path)).replace("<", "").replace(">", "")
    assert owners(engine, text, path) == [text.split(".com")[0].rpartition(".")[2]]


@pytest.mark.parametrize("call", ['new NewsAPI("{value}")', "newsapi = NewsAPI('{value}')"])
def test_a_client_called_after_its_service_has_its_key(engine: Engine, call: str) -> None:
    value = expand("{{hex*32}}", Random(call))
    assert told(engine, call.format(value=value) + "\n", "app.js") == [("newsapi.api-key", value)]


def test_the_argument_of_any_other_call_is_nobodys(engine: Engine) -> None:
    assert told(engine, expand('const row = new Digest("{{hex*32}}");\nvar e = Symbol("{{hex*32}}")\n', Random("call")), "app.js") == []


CALLS = {
    "deepl": ["from deepl import Translator\n\ntranslator = Translator('<{{uuid}}:fx>')\n", "const { Translator } = require('deepl-node');\nnew Translator('<{{uuid}}:fx>')\n"],
    "shodan": ["import { Client } from 'shodan';\nconst c = new Client('<{{alnum*32}}>');\n"],
}


@pytest.mark.parametrize(("owner", "text"), [(owner, text) for owner, texts in CALLS.items() for text in texts])
def test_a_client_is_its_modules(engine: Engine, owner: str, text: str) -> None:
    assert owners(engine, expand(text, Random(text)).replace("<", "").replace(">", "")) == [owner]


def test_what_a_pipeline_is_given_is_not_its_own(engine: Engine) -> None:
    for path in (".gitlab-ci.yml", "netlify.toml", ".github/workflows/x.yml"):
        assert owners(engine, expand("variables:\n  NS1_API_KEY: {{alnum*20}}\n", Random(path)), path) == ["generic"], path


def test_a_header_called_key_may_be_a_uuid_but_not_one_that_counts_requests(engine: Engine) -> None:
    value = expand("{{uuid}}", Random("header"))
    assert [secret for _, secret in told(engine, f"X-Gladia-Key: {value}\n", "get.http")] == [value]
    assert told(engine, f"X-Idempotency-Key: {value}\n", "get.http") == []


def test_a_token_in_csharps_header_is_its_hosts(engine: Engine) -> None:
    text = 'var c = new HttpClient { BaseAddress = new Uri("https://api.crowdin.com") };\n'
    text += f'c.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "{expand("{{alnum*52}}", Random("cs"))}");\n'
    assert owners(engine, text, "Api.cs") == ["crowdin"]


def test_the_id_of_a_key_is_nobodys_key(engine: Engine) -> None:
    text = 'provider "sambanova" {\n  api_key = var.sambanova_api_key\n}\nresource "aws_kms_key" "k" {\n  key_id = "{{uuid}}"\n}\n'
    assert told(engine, expand(text, Random("kms")), "main.tf") == []
