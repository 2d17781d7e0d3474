"""What ordinary systems are full of and is no secret: each line here was once reported."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand

QUIET = {
    "a test's log": "Running binutils/ar.exp ...\nPASS: ar long file names\nPASS: archive-2\nFAIL: ar thin archive\nPASS: i386 property 2\n",
    "go's test log": "=== RUN   TestSum\n--- PASS: TestSum123 (0.00s)\n--- PASS: TestMul_4x4 (0.01s)\nPASS\n",
    "what a program fills in": "C_DeriveKey hClientMacSecret=0x%08lX hServerMacSecret=0x%08lX hClientKey=0x%08lX\n",
    "perl's configuration": "d_grpasswd='define'\nd_pwpasswd='define'\ni_pwd='undef'\n",
    "a method of hashing": "# connection settings of PostgreSQL\n#password_encryption = scram-sha-256\t# scram-sha-256 or md5\n",
    "what a program says of itself": "      --ftp-password=HESLO        nastaví heslo pro FTP na HESLO\n  -p, --password HASŁO  hasło\n",
    "what a shell runs": "dir=$(cd \"$dir\" && pwd) || exit 1\n$ echo $testpassword | skopeo login -u bob --password-stdin docker.io\n",
    "prose about a key": "Do you really want to delete the key identified by keygrip%%0A  %s%%0A? gpg: GnuPG key\n",
}  # fmt: skip
QUIET_IN = {
    "manual.info": "* Menu:\n\n* proxy password:                        HTTP Options.        (line 220)\n"
    "* keyedit:passwd:                        OpenPGP Key Management.\n* passwd:                                OpenPGP Key Management.\n",
    "crypto.d.ts": "export declare function derive(password: Uint8Array, salt: Uint8Array): void;\n"
    "var f: (passwd: BigUint64Array | string) => void;\n",
    "pbkdf2.ts": "        for (let i = 1; i < c; i++) {\n            // Uc = PRF(Password, Uc\N{MINUS SIGN}1)\n",
    "bundle.js": "let n={user:``,password:``,hostname:``,port:``};w({label:`API Passphrase:`,required:``},f)\n",
    "yarn.lock": "    fs-minipass: ^2.0.0\n    minipass-sized: ^1.0.3\n    minipass: ^5.0.0 || ^6.0.2 || ^7.0.0\n"
    "    verdaccio-htpasswd: 13.0.0-next-8.29\n",
    "templates/secret.yaml": '  mariadb-root-password: "{{ .Values.rootUser.password | b64enc }}"\n',
    "mailu.env": "MAILU_PASSWORD_SCHEME=SHA512-CRYPT\n",
    "cassette.yml": "    headers:\n      Authorization:\n      - Bearer <ACCESS_TOKEN>\n      Accept:\n      - '*/*'\n",
}


@pytest.mark.parametrize("path", QUIET_IN)
def test_what_is_no_secret_in_such_a_file_is_not_told(engine: Engine, path: str) -> None:
    assert engine.scan(QUIET_IN[path].encode(), path).matches == []


def test_tokens_of_recorded_requests_are_told(engine: Engine) -> None:
    """VCR writes a header's values as a list: 66 tokens of a vehicle's account stood under one name unseen."""
    value = expand("{{hex*64}}", Random(6)).encode()
    text = b"    headers:\n      Authorization:\n      - Bearer " + value + b"\n      Accept:\n      - '*/*'\n"
    assert [match.secret for match in engine.scan(text, "cassette.yml").matches] == [value]


@pytest.mark.parametrize("name", QUIET)
def test_what_is_no_secret_is_not_told(engine: Engine, name: str) -> None:
    assert engine.scan(QUIET[name].encode(), "notes.txt").matches == []


def test_what_looks_like_it_and_is_a_secret_is_told(engine: Engine) -> None:
    """Lists of stolen logins have a PASS in every third line, and SQL has no quote where people forget it."""
    random = Random(5)
    secrets = [expand("{{alnum*12}}7x", random) for _ in range(3)]
    text = "".join(f"URL: https://shop.example.com/{n}\nUSER: bob{n}\nPASS: {value}\n\n" for n, value in enumerate(secrets[:2]))
    text += f"GRANT ALL ON db.* TO bob IDENTIFIED BY {secrets[2]};\n"
    found = [match.secret for match in engine.scan(text.encode(), "notes.txt").matches]
    assert [value.encode() for value in secrets] == [secret for secret in found if secret]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ('{word}":{n},"', ["studie", "_pass", "rayon", "(password", "flocks", "my_password", "cpu"]),
        ("{word} {n}\n", ["cG9wb3Zlcg==", "REFPSW1wbA==", "INKa0LDQ", "W2NoYW5uZWw=", "IEV4YW1pbmVy", "JeW3puWPsw==", "VXJpcw=="]),
    ],
    ids=["json", "lines"],
)
def test_places_in_a_vocabulary_are_not_told(engine: Engine, form: str, words: list[str]) -> None:
    """Tokenizers number all words there are, and `_pass` and `(password` are among them."""
    random = Random(11)
    first = random.randrange(100_000, 200_000)
    text = "".join(form.format(word=word, n=first + n) for n, word in enumerate(words))
    assert engine.scan(('{"' + text).encode(), "tokenizer.json").matches == []


def test_a_password_of_digits_between_other_numbers_is_told(engine: Engine) -> None:
    value = str(Random(12).randrange(10**8, 10**9))
    text = f"id: 108350\ndb_password={value}\nport: 108352\n".encode()
    assert [match.secret for match in engine.scan(text, "app.env").matches] == [value.encode()]


def test_half_of_an_extended_public_key_is_not_told(engine: Engine) -> None:
    """Written in two pieces, one to a line, the first looked like a key of some account."""
    half = expand("tpub{{b58*66}}", Random(13))
    rest = expand("{{b58*41}}", Random(14))
    text = f"        account_key = '{half}' \\\n                      '{rest}'\n".encode()
    assert engine.scan(text, "tests/test_wallets.py").matches == []
