"""Values replaced by references: what every language gets, what is refused, and that nothing else changes."""

from __future__ import annotations

import ast
import subprocess
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.findings import findings_of
from leakguard.model import Document, Finding, Origin
from leakguard.triage.rewrite import Rewritten, env_line, env_values, language_of, rewrite, variable

TOKEN = expand("{{gen:github ghp_}}", Random(441))
OTHER = expand("{{gen:github ghp_}}", Random(442))


def found(engine: Engine, data: bytes, path: str) -> list[Finding]:
    return findings_of(engine, Document(data, Origin("file", path)), engine.scan(data, path).matches, 1)[0]


def names(finding: Finding, _before: bytes) -> str:
    return "NAME" if finding.secret == TOKEN.encode() else "OTHER"


def done(engine: Engine, path: str, text: str) -> Rewritten:
    data = text.replace("@@", TOKEN).replace("%%", OTHER).encode()
    return rewrite(path, data, found(engine, data, path), names)


CASES = {
    "python": ("a.py", 'import os\nt = "@@"\n', 'import os\nt = os.environ["NAME"]\n'),
    "python, a part": ("a.py", "import os\nt = 'Bearer @@!'\n", "import os\nt = ('Bearer ' + os.environ[\"NAME\"] + '!')\n"),
    "python, two": ("a.py", "import os\nf('@@', k='%%')\n", 'import os\nf(os.environ["NAME"], k=os.environ["OTHER"])\n'),
    "python, import": ("a.py", 't = "@@"\n', 'import os\nt = os.environ["NAME"]\n'),
    "python, import below its head": (
        "a.py", '#!/usr/bin/python\n"""Doc\nstring."""\nfrom __future__ import annotations\n\nt = "@@"\n',
        '#!/usr/bin/python\n"""Doc\nstring."""\nfrom __future__ import annotations\nimport os\n\nt = os.environ["NAME"]\n',
    ),
    "python, import below comments": (
        "a.py", '#!/usr/bin/python\n# coding: utf-8\nt = "@@"\n',
        '#!/usr/bin/python\n# coding: utf-8\nimport os\nt = os.environ["NAME"]\n',
    ),
    "python, CRLF": ("a.py", 't = "@@"\r\nu = 1\r\n', 'import os\r\nt = os.environ["NAME"]\r\nu = 1\r\n'),
    "python, comment": ("a.py", "t = 1  # was @@\n", "t = 1  # was ${NAME}\n"),
    "javascript": ("a.mjs", "const t = '@@';\n", "const t = process.env.NAME;\n"),
    "typescript, template": ("a.ts", "const u = `https://x:${p}@h/@@`;\n", "const u = `https://x:${p}@h/${process.env.NAME}`;\n"),
    "javascript, a part": ("a.js", 'f("token @@")\n', 'f(("token " + process.env.NAME))\n'),
    "go": (
        "a.go", 'package main\n\nimport (\n\t"fmt"\n)\n\nvar t = "@@"\n',
        'package main\n\nimport (\n\t"os"\n\t"fmt"\n)\n\nvar t = os.Getenv("NAME")\n',
    ),
    "ruby": ("a.rb", "t = '@@'\n", 't = ENV.fetch("NAME")\n'),
    "php": ("a.php", "<?php\n$t = 'x @@';\n", "<?php\n$t = ('x ' . getenv(\"NAME\"));\n"),
    "java": ("A.java", 'String t = "@@";\n', 'String t = System.getenv("NAME");\n'),
    "kotlin": ("a.kt", 'val t = "@@"\n', 'val t = System.getenv("NAME")\n'),
    "c#": ("a.cs", 'var t = "@@";\n', 'var t = System.Environment.GetEnvironmentVariable("NAME");\n'),
    "rust": ("a.rs", 'let t = "@@";\n', 'let t = std::env::var("NAME").expect("NAME is not set");\n'),
    "shell": ("a.sh", "export T=@@\n", 'export T="${NAME}"\n'),
    "shell, quoted": ("a.sh", 'curl -H "token: @@" x\n', 'curl -H "token: ${NAME}" x\n'),
    "shell, hard quotes": ("a.sh", "curl -H 'token: @@' x\n", "curl -H 'token: '\"${NAME}\" x\n"),
    "compose": ("docker-compose.prod.yml", "      TOKEN: '@@'\n", "      TOKEN: '${NAME}'\n"),
    "workflow": (".github/workflows/ci.yml", "  TOKEN: @@\n", "  TOKEN: ${{ secrets.NAME }}\n"),
    "yaml": ("conf/app.yaml", "token: @@\n", "token: ${NAME}\n"),
    "properties": ("application.properties", "token=@@\n", "token=${NAME}\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_value_becomes_a_reference_in_the_files_own_language(engine: Engine, case: str) -> None:
    path, before, after = CASES[case]
    made = done(engine, path, before)
    assert made.data.decode() == after
    assert not made.refused
    assert {value.name: value.secret.decode() for value in made.values}.get("NAME") == TOKEN


REFUSED = {
    "json": ("a.json", '{"token": "@@"}\n', "no references"),
    "toml": ("a.toml", 'token = "@@"\n', "no references"),
    ".env": (".env", "TOKEN=@@\n", "no references"),
    "docker": ("Dockerfile", "ENV TOKEN=@@\n", "no references"),
    "python, prefix": ("a.py", 't = b"@@"\n', "prefix"),
    "python, f-string": ("a.py", 't = f"{x} @@"\n', "prefix"),
    "python, docstring": ("a.py", 'def f():\n    """Like:\n    t = "@@"\n    """\n', "several lines"),
    "python, broken": ("a.py", 't = "@@"\nif:\n', "not valid Python"),
    "python, no string": ("a.py", "t = @@\n", "no string of one line"),
    "go constant": ("a.go", 'package a\nconst t = "@@"\n', "constant"),
    "go constants": ("a.go", 'package a\nconst (\n\ta = 1\n\tt = "@@"\n)\n', "constant"),
    "php property": ("a.php", "<?php class A { private $t = '@@'; }\n", "constant or property"),
    "java annotation": ("A.java", '@Token("@@")\n', "annotation"),
    "rust constant": ("a.rs", 'const T: &str = "@@";\n', "constant"),
    "rust, a part": ("a.rs", 'let t = "x @@";\n', "part of a longer string"),
    "typescript enum": ("a.ts", 'export enum E { A = 1, T = "@@" }\n', "enum"),
    "typescript enum, lines": ("a.ts", 'enum E {\n  A = 1,\n  T = "@@",\n}\n', "enum"),
    "jsx": ("a.jsx", 'return <A token="@@"/>;\n', "JSX"),
    "shell, quoted here-document": ("a.sh", "cat <<'X'\nt=@@\nX\n", "here-document"),
    "kubernetes": ("s.yaml", "kind: Secret\nstringData:\n  token: @@\n", "Kubernetes"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_replaced_is_left_and_says_what_to_do(engine: Engine, case: str) -> None:
    path, text, why = REFUSED[case]
    made = done(engine, path, text)
    assert made.data == text.replace("@@", TOKEN).encode()
    assert not made.values
    assert made.refused and all(why in item.why and item.instead for item in made.refused)
    assert TOKEN not in repr(made) + "".join(item.why + item.instead for item in made.refused)


def test_encoded_values_and_keys_of_several_lines_are_refused(engine: Engine) -> None:
    import base64

    encoded = base64.b64encode(f"token={TOKEN}".encode()).decode()
    made = done(engine, "a.py", f'x = "{encoded}"\n')
    assert made.refused and "encoded" in made.refused[0].why
    pem = expand("{{gen:pem pkcs8}}", Random(3))
    made = done(engine, "a.py", f'x = """{pem}"""\n')
    assert made.refused and "several lines" in made.refused[0].why


def test_a_value_that_goes_on_where_its_finding_ends_is_left_whole(engine: Engine) -> None:
    """Of a value of 900 characters a finding holds 512: the rest is as secret, and stayed behind the reference."""
    value = expand("{{alnum*900}}", Random(11))
    for line in (f"export AUTH_TOKEN={value}\n", f'AUTH_TOKEN="{value}" run\n'):
        data = line.encode()
        made = rewrite("a.sh", data, found(engine, data, "a.sh"), names)
        assert made.data == data
        assert not made.values
        assert all("goes on" in item.why for item in made.refused)
    data = f"export T={TOKEN}x\n".encode()
    whole = found(engine, f"export T={TOKEN}\n".encode(), "a.sh")
    made = rewrite("a.sh", data, whole, names)
    assert (made.data, [("goes on" in item.why) for item in made.refused]) == (data, [True])


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(['x = "a\'b"', "# it's \"", "y = 'é\u2028'", "def f(): pass", "", "z = (1,"
                              "\n  2)"]), max_size=5),
    st.lists(st.sampled_from(['t = "@@"', "u = ['%%', '@@']", "v = 'pre @@ post'", "w = 1  # @@"]), min_size=1, max_size=4),
    st.sampled_from(["\n", "\r\n"]),
    st.randoms(),
)  # fmt: skip
def test_python_stays_python_and_nothing_else_changes(
    engine: Engine, lines: list[str], leaks: list[str], end: str, random: Random
) -> None:
    rows = [*lines, *leaks]
    random.shuffle(rows)
    text = end.join(row.replace("\n", end) for row in rows) + end
    made = done(engine, "a.py", text)
    assert not made.refused
    ast.parse(made.data)
    assert TOKEN.encode() not in made.data and OTHER.encode() not in made.data
    back = made.data.decode()
    for reference, value in (("NAME", "@@"), ("OTHER", "%%")):
        for quote in ("'", '"'):
            back = back.replace(
                f'({quote}pre {quote} + os.environ["{reference}"] + {quote} post{quote})', f"'pre {value} post'"
            )
        back = back.replace(f't = os.environ["{reference}"]', f't = "{value}"')
        back = back.replace(f'os.environ["{reference}"]', f"'{value}'").replace("${" + reference + "}", value)
    assert back.replace("import os" + end, "", 1) == text


VALUES = st.binary(min_size=1, max_size=40).map(lambda raw: bytes(33 + byte % 94 for byte in raw))


@settings(max_examples=60)
@given(VALUES)
def test_env_lines_read_back_the_same(value: bytes) -> None:
    line = env_line("A_1", value)
    assert line.count(b"\n") == 1
    assert env_values(b"X=1\n" + line) == {"X": b"1", "A_1": value}


@pytest.mark.parametrize("value", [b"plain-1", b"a b", b'$HOME `id` \\ "', b'it\'s $x "q" \\n `id`', b"a#b;c&d"])
def test_a_shell_reads_an_env_line_as_the_value(value: bytes) -> None:
    script = b'. /dev/stdin; printf %s "$A_1"'
    done = subprocess.run(["sh", "-c", script], input=env_line("A_1", value), capture_output=True, check=True)
    assert done.stdout == value


def test_variables_are_called_what_the_file_calls_them(engine: Engine) -> None:
    def name(text: str) -> str:
        data = text.replace("@@", TOKEN).encode()
        finding = found(engine, data, "a.py")[0]
        return variable(finding._replace(name=""), data[: finding.start_byte].rpartition(b"\n")[2])

    assert name('deployToken = "@@"') == "DEPLOY_TOKEN"
    assert name('{"ci-token": "@@"}') == "CI_TOKEN"
    assert name("self.conf['hub_token'] = '@@'") == "HUB_TOKEN"
    assert name('token = "@@"') == "GITHUB_TOKEN"
    assert name('x("https://u:@@@h")') == "GITHUB_PERSONAL_ACCESS_TOKEN"
    assert name("@@") == "GITHUB_PERSONAL_ACCESS_TOKEN"

    def called(own: str) -> str:
        return variable(found(engine, TOKEN.encode(), "a.py")[0]._replace(name=own))

    assert called("setDeployToken") == "DEPLOY_TOKEN"
    assert called("setSecretKey") == "GITHUB_SECRET_KEY"
    assert called("passphrase_of_client") == "GITHUB_PASSPHRASE"
    assert called("key_of_client") == "GITHUB_KEY"


@pytest.mark.parametrize(
    ("path", "language"),
    [("compose.yaml", "compose"), ("x/docker-compose.dev.yml", "compose"), ("a.github/workflows/x.yml", "yaml"),
     (".envrc", "shell"), ("README.md", ""), ("A.PY", "python"), (".npmrc", "npmrc")],
)  # fmt: skip
def test_languages_by_path(path: str, language: str) -> None:
    assert language_of(path) == language
