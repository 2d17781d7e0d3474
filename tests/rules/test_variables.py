"""A value of the documented form under the variable that an SDK's documentation names is told to be its provider's."""

from __future__ import annotations

import os
from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.findings import findings_of
from leakguard.model import Confidence, Document, Origin

WRITTEN = {
    "settings.env": "{name}={value}\n",
    "settings.py": 'os.environ["{name}"] = "{value}"\n',
    "deployment.yaml": '      - name: {name}\n        value: "{value}"\n',
}
BESIDE = {("BWS_ACCESS_TOKEN", "deployment.yaml"), ("CC_TEST_REPORTER_ID", "deployment.yaml"), ("GRADLE_PUBLISH_SECRET", "deployment.yaml")}
"""Rules that want the name right before the value, which a manifest's list has not."""


def variables() -> list[tuple[str, str, str]]:
    """(name, provider, template) of every line of variables.txt."""
    with open(os.path.join(os.path.dirname(__file__), "variables.txt"), encoding="utf-8") as file:
        lines = [line.rstrip("\n").split(" ", 2) for line in file if not line.startswith("#")]
    return [(name, provider, template) for name, provider, template in lines]


def providers(engine: Engine, path: str, text: str) -> set[str]:
    data = text.encode()
    found = findings_of(engine, Document(data, Origin("file", path)), engine.scan(data, path).matches, 1)[0]
    return {finding.rule.partition(".")[0] for finding in found}


@pytest.mark.parametrize("path", WRITTEN)
def test_a_documented_variable_names_its_provider(engine: Engine, path: str) -> None:
    missed = {}
    for name, provider, template in variables():
        value = expand(template, Random(f"{name}/{path}"))
        found = providers(engine, path, WRITTEN[path].format(name=name, value=value))
        if provider not in found and (name, path) not in BESIDE:
            missed[name, template] = found
    assert not missed


def test_no_variable_stands_there_twice_with_the_same_value() -> None:
    lines = variables()
    assert len({(name, template) for name, _, template in lines}) == len(lines) > 480


WITHOUT_A_NAME = [
    # Retell's and HeyGen's clients are given the key where they are made
    ("retell", 'client = Retell(api_key="key_{{hex*28}}")\n'),
    ("heygen", 'const client = connect("sk_V2_hgu_{{alnum*11}}_{{alnum*32}}");\n'),
    ("bitwarden", 'os.environ["BWS_ACCESS_TOKEN"] = "0.{{uuid}}.{{alnum*30}}:{{b64*22}}=="\n'),
    ("azure", 'os.environ["AZURE_DEVOPS_EXT_PAT"] = "{{lower*24}}7{{lower*26}}3"\n'),
    ("infobip", 'headers = {"Authorization": "App {{hex*32}}-{{uuid}}"}\n'),
    ("matrix", '{{{{"access_token": "{{gen:matrix mct}}", "refresh_token": "{{gen:matrix mcr}}"}\n'),
    ("pagerduty", '{{{{"access_token": "pdus+_0XBPWQQ_{{uuid}}"}\n'),
    ("slack", 'SLACK="xoxe.xapp-1-{{alnum*166}}"\n'),
    ("tencent", '"TmpSecretId": "AKID{{b64u*63}}0"\n'),
    ("alibaba", '"SecurityToken": "CAIShwJ1q6Ft5B2yfSjIr5{{b64*300}}=="\n'),
    ("yandex", "secret=ysc2_{{alnum*40}}{{hex*8}}&token=abc\n"),
    ("clickhouse", 'token_secret = "4b1d{{alnum*38}}"\n'),
    ("paypal", "Authorization: Bearer A21AA{{b64u*91}}k\n"),
    ("square", '"refresh_token": "EQAA{{b64u*59}}k"\n'),
    ("atlassian", "secret = ATOA{{b64u*64}}{{HEX*8}}\n"),
    ("plaid", '"processor_token": "processor-production-{{uuid}}"\n'),
    ("vercel", "EDGE_CONFIG=https://edge-config.vercel.com/ecfg_{{lowernum*28}}?token={{uuid}}\n"),
    ("azure", "aeg-sas-key: {{b64*33}}AZEGB{{b64*4}}E=\n"),
    ("gradle", "GRADLE_PUBLISH_SECRET: {{alnum*32}}\n"),
    ("inngest", "Authorization: Bearer sk-inn-api-{{alnum*64}}\n"),
]


@pytest.mark.parametrize(("provider", "template"), WITHOUT_A_NAME, ids=lambda item: item if " " not in item else "")
def test_a_documented_form_is_known_where_it_stands(engine: Engine, provider: str, template: str) -> None:
    for seed in range(3):
        assert provider in providers(engine, "file.txt", expand(template, Random(seed)))


@pytest.mark.parametrize("rule", ["matrix", "polar", "netbird"])
def test_a_token_with_a_documented_checksum_is_certain_or_nobodys(engine: Engine, rule: str) -> None:
    template = {"matrix": "{{gen:matrix syt}}", "polar": "{{gen:crc62 polar_oat_ 37}}", "netbird": "{{gen:crc62 nbp_}}"}[rule]
    token = expand(template, Random(1))
    data = f'token = "{token}"\n'.encode()
    found = findings_of(engine, Document(data, Origin("file", "a.py")), engine.scan(data, "a.py").matches, 1)[0]
    assert [(finding.rule.partition(".")[0], finding.confidence) for finding in found] == [(rule, Confidence.CERTAIN)]
    changed = token[:-3] + ("a" if token[-3] != "a" else "b") + token[-2:]
    assert rule not in providers(engine, "a.py", f'token = "{changed}"\n')
