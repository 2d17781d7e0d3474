"""What 44 GB of packages, programs, manuals and translations were taken for secrets, in shape: none of it is one.

Each line is of a kind that was reported as a finding of medium severity or more. Values are made up.
"""

from __future__ import annotations

from base64 import b64encode

import pytest

from leakguard.detect.engine import Engine
from leakguard.model import Severity

TEXTS: dict[str, tuple[str, bytes]] = {
    "prose: identified by": ("notes.md", b'All rows of the columns identified by "aOrderBy" come first.\n'),
    "a comment: identified by": ("diag.h", b' * The commands identified by "code" are jumps:\n'),
    "a changelog: identified by": ("NEWS", b'Fix a crash (problem identified by "jamesh"), thanks\n'),
    "a manual: identified by": ("as.info", b"   function identified by _imm32_ is used.\n"),
    "a macro of a compiler": ("Registry.def", b'MODULE_PASS("pre-isel-lowering", PreISelLoweringPass, ())\n'),
    "another macro": ("Registry.def", b'DUMMY_MACHINE_FUNCTION_PASS("ra-pbqp", RAPBQPPass, ())\n'),
    "a class of renderers": ("QtGui.pyi", b"class QRhiRenderPassDescriptor(PySide6.QtGui.QRhiResource):\n    pass\n"),
    "a hierarchy": ("vtk-hierarchy.txt", b"vtkDepthPeelingPass : vtkOpenGLRenderPass ; vtkDepthPeelingPass.h ; vtkRendering\n"),
    "a module that passes on": ("entry.js", b"const CachingMinipassPipeline = require('../pipeline.js')\n"),
    "another one": ("bundle.js", b'var PassThrough2 = require("stream").PassThrough;\n'),
    "results of tests": ("summary.txt", b"PASS: i386 branch\nPASS: DWARF2 debugging information 3\nPASS: x86-64 VEX.128 scalar insns\n"),
    "a test that passed": ("out.json", b'{"Action":"output","Test":"TestOf/127.0.0.1:0","Output":"    --- PASS: TestOf/127.0.0.1:0 (0.00s)\\n"}\n'),
    "a manual's note": ("python.info", b"The *note pass: 16d3 statement does nothing.\n"),
    "an option of a release note": ("RELEASE_NOTES", b"*   Added the --username, --enable-basic-auth, and --password flags to\n    the create command.\n"),
    "an option in prose": ("NEWS", b"have been renamed to --http-password and --proxy-password respectively, and\nwork as before.\n"),
    "a driver": ("changelog", b"    - net: ethernet: ti: cpsw: enable mac_managed_pm to fix mdio\n    - net: ti: cpsw_new: populate netdev of_node\n"),
    "a program that asks": ("changelog", b"  - gnome-ssh-askpass3: ensure the close button is not focused by\n"),
    "a sentence after a colon": ("howto.info", b"password: once a connection is established both ends will demand proof\n"),
    "nsswitch": ("README", b"        passwd: compat systemd\n        group: compat systemd\n"),
    "an assembly's name": (
        "app.config",
        b'<add assembly="Acme.Rabbitmq, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089" />\n',
    ),
    "the same in a program": (
        "Acme.RabbitMQ.dll",
        "\0Acme.RabbitMQ, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089\0".encode("utf-16-le"),
    ),
    "a message's class": (
        "messages.py",
        b"clientSecret = _messages.MessageField('GoogleCloudAiplatformV1ApiAuthApiKeyConfig', 2)\n"
        b"secretEnv = _messages.MessageField('GoogleCloudAiplatformV1beta1SecretEnvVar', 2, repeated=True)\n"
        b"password = _messages.MessageField('GoogleCloudApihubV1Secret', 1)\n"
        b"apiKey = _messages.MessageField('GoogleCloudApihubV1Secret', 1)\n",
    ),
    "a kind of secret": ("doc.v1.json", b'"SECRET_KIND_AZURE_CLIENT_SECRET",\n"SECRET_KIND_GCP_OAUTH2_CLIENT_CREDENTIALS",\n'),
    "a path of an interface": ("api.py", b"        # gcs interop secret\n        '/apis/policy/v1beta1/podsecuritypolicies',\n"),
    "an enumeration": ("audits.py", b'TOKEN_MALFORMED_SD_JWT = "TokenMalformedSdJwt"\n'),
    "names of instructions": ("ir.h", b"      Iop_PwMin8Sx8, Iop_PwMax8Sx8, Iop_PwMax16Sx4, Iop_PwMax32Sx2,\n      Iop_PwAddL8Ux8, Iop_PwAddL16Ux4,\n"),
    "an instruction": ("tables.go", b'\tLDPSW:     "LDPSW",\n\tCMPSW:           "CMPSW",\n'),
    "a manual's macros": ("up.8", b".IP \\fB\\-P\\fP,\\ \\fB\\-\\-passwd=DATEI\\fP\n.B  --passphrase-fd \\fBn\\fR\npassword=secr\\fR\n"),
    "a column of bind passwords": ("dirmngr.8", b"\\fBhostname:port:username:password:base_dn:flags\\fR\n"),
    "a translated label": ("messages.properties", b"PASSWORD_COLON_=\\u30D1\\u30B9\\u30EF\\u30FC\\u30C9(&P)\\:\n"),
    "a label in another language": (
        "keytool_de.java",
        b'{ "destination.key.password", "Zielschl\\u00FCsselkennwort" },\n{ "key.password", "Schl\\u00FCsselkennwort" },\n',
    ),
    "a button's letter": ("basic_sv.java", b'{ "PrintingDialog.abortButton.textAndMnemonic", "&Avbryt" },\n'),
    "code between two strings": (
        "app.min.js",
        b'if(!o&&(e.username||e.password)){const t=e.href;o={password:"",t=e.href)}if(o&&(x.delete("password"),x)}\n',
    ),
    "ids of an enumeration that is named like a word": ("tapas.py", b'token_logits = torch.einsum("bsj,j->bs", sequence_output, weights)\n'),
    "a mark in a prompt": ("model.py", b'IMAGE_TOKEN = "]<]image[>["\nVIDEO_TOKEN = "]<]video[>["\n'),
    "the words of a model": (
        "tekken.json",
        b'{"rank": 1001, "token_bytes": "IHVuZGVyc3RhbmRpbmc3", "token_str": " understanding7"}, {"rank": 1002, '
        b'"token_bytes": "TWlzdHJhbDIwMjQ=", "token_str": "Mistral2024xQz"}\n',
    ),
    "the next page": ("iterator.py", b"Next page token: eav1OzQB0OM8rLdGXOEsyQWSG\n"),
    "a generator's mark": ("RcppExports.R", b"# Generator token: 10BE3573-1514-4C36-9D1C-5A225CD40393\n"),
    "a badge": ("README.md", b"[![codecov](https://codecov.io/gh/redis/redis-py/branch/master/graph/badge.svg?token=yenl5fzxxr)](https://x)\n"),
    "a pass for a phone": ("globs", b"application/vnd.apple.pkpass:*.pkpass\n"),
    "a package": ("eipp.log", b"Install: libpam0g:amd64 passwd:amd64 login:amd64\n"),
    "a program that asks, again": ("opts.js", b"  GIT_ASKPASS: 'echo',\n"),
    "a function that was not tested": ("dfsan.txt", b"fun:__nss_passwd_lookup=uninstrumented\n"),
    "sets in a library": ("isl.h", b"  return this->union_add(isl::multi_pw_aff(mpa2));\n"),
    "a modulation": ("frontend.h", b"\tQPSK,\n\tQAM_16,\n\tDQPSK,\n\tname_QPSK = DQPSK7,\n"),
    "an account's line": ("preinst", b"# /etc/passwd: mysql:x:100:101:MySQL Server:/nonexistent:/bin/false\n"),
    "a group that is called mysql": ("preinst", b"find $mysql_datadir -follow -not -group mysql -print0 2>/dev/null | xargs -0 chgrp mysql\n"),
    "a name that begins like a key": ("test_version.py", b"    def test_getVersionStringWithDevAndPost(self):\n        pass\n"),
    "a mangled name": ("libtool.txt", b"_ZN6octave9bkpt_listE17octave_value_listNSt7__cxx1112basic_stringIcSt11char_trait\n"),
    "a function behind braces": ("changelog", b"  - x86/mce: relocate set{clear}_mce_nospec() functions\n"),
    "a style of pages": ("Rd.sty", b"\\thispagestyle{plain}\\parindent\\z@ \\raggedright\n"),
    "a key that says it is none": ("README", b'export SUPABASE_KEY="my-supa-dupa-secret-supabase-api-key"\n'),
    "names in place of keys": ("README.rst", b's3://access_key_id:secret_access_key@bucket/key\nb2://account_id:application_key@bucket\n'),
    "a placeholder of a URL": ("bus.py", b"azureservicebus://SAS_POLICY_NAME:SAS_KEY@Service_Bus_Namespace\n"),
    "an anonymous server": ("copyright", b"cvs -d :pserver:anoncvs@sources.example.org:/cvs/src co binutils\n"),
    "a hash": ("hashes.py", b"'ldap_pbkdf2_bind_password': '{PBKDF2-SHA256}1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9'\n"),
    "what a program says": (
        "program",
        b"\x7fELF\2\1\1\0\0\0l2vpn_new: calloc\0l2vpn_pw_new: calloc\0ads_krb5_chg_password: asprintf failed\0"
        b"getsampwnam (smbpasswd): found by name: %s\0fetch_ldap_pw: strdup failed!\0",
    ),
    "translations": (
        "shadow.mo",
        "\0passwd: heslo nebylo zm\u011bn\u011bno\0passwd: adgangskoden blev opdateret\0passwd: bigo ang pam_start()\0".encode(),
    ),
    "what a database says": (
        "psql",
        b"\0user\0Password: \0dbname\0fallback_application_name\0postgres\0template1\0\0\0\0could not connect to database %s\0",
    ),
    "messages in a class": (
        "Resources.class",
        b"\x01\0\x1a.keystore.password.again\x08\0\x36\x01\0\x3fmot de passe du fichier de cl\xc3\xa9s est \x08\0\x08\x01\0\x1eKerberos.username.defUsername",
    ),
    "two answers of a check": (
        "auth.go",
        b"\t\tcase \"password\", \"Password\":\n\t\t\tpassword, passwordFound = v.(string)\n\t\t}\n\n\t\tif found {\n\t\t\tok = true\n\t\t\tbreak\n",
    ),
    "rows of what is tried": ("mqtt_test.go", b'\t\t\t"wronguser", "pwd", mqttConnAckRCNotAuthorized,\n'),
    "where settings are": ("report.py", b'password = self._config.opts("reporting", "datastore.password")\n'),
    "a module": ("client.js", b"var pgPass = require('pgpass')\n"),
    "flags of a schema": ("api.tl", b"chat#d91cdd54 left:flags.2?true admin:flags.4?true deactivated:flags.5?true id:int\n"),
    "names in place of a URL's parts": ("README.md", b"postgres://POSTGRES_USER:POSTGRES_PASSWORD@POSTGRES_HOST:POSTGRES_PORT/DB\n"),
    "an answer without it": ("page.xml", b"<Password>*SENSITIVE*DATA*DELETED*</Password>\n"),
    "attacks on who reads URLs": ("ssrf.md", b"http://127.1.1.1:80\\@@127.2.2.2:80/\nhttps://:@google.com\\@www.allowed.example\n"),
    "the end of a comment": ("xpath.md", b"password: */and pass>'\n"),
    "ports of a container": ("mongo.md", b"docker run --name cloud-mongo -p 27017:27017 -v /data/db:/data/db -d mongo:3.4\n"),
    "a state of an error": ("errors.go", b'\tER_PASSWORD_NOT_ALLOWED:                     "42000",\n'),
    "a key that a cloud keeps, in a state of Terraform": (
        "terraform.tfstate",
        b'"type": "aws_kms_key",\n"provider": "provider[\\"registry.terraform.io/hashicorp/aws\\"]",\n'
        b'"attributes": {\n  "id": "2ab61c91-b781-107e-3342-553bca59ae81",\n  "key_id": "8ee21d91-c000-428c-8032-235aac55da36",\n',
    ),
    "words by the hundred": (
        "lorem.py",
        ("words = [\n" + "".join(f'    "{word}",\n' for word in (
            "window zebra crossing thermal market guide interest start picture fork talk item nature piece wing "
            "method page staff plastic lava gossip tuition warrior lambda gamma epsilon").split()) + "]\n").encode(),
    ),
    "words of a font": (
        "zh_Hant.xml",
        "<exemplarCharacters>[\u65e6 \u65e9 \u65ed \u65fa \u6602 \u6606 \u6607 \u660c \u660e \u660f \u6613 \u661f \u6620 \u6625 \u6628 "
        "\u66fe-\u6700 \u6703 \u6708 \u6709 \u670b \u670d \u6717 \u671b \u671d \u671f \u6728 \u672a-\u672d \u6731 \u6735 \u6749]</exemplarCharacters>\n".encode(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TEXTS)
def test_it_is_no_secret(engine: Engine, kind: str) -> None:
    name, data = TEXTS[kind]
    matches = engine.scan(data, name).matches
    assert [engine.rules[match.rule].id for match in matches if engine.rules[match.rule].severity >= Severity.MEDIUM] == []


def test_what_terraform_notes_of_a_resource_is_nothing(engine: Engine) -> None:
    note = b'{"e2bfb730-ecaa-11e6-8f88-34363bc7c4c0":{"create":600000000000,"delete":600000000000},"schema_version":"1"}'
    for text in (note, b'{"schema_version":"1"}'):
        assert engine.scan(b'      "private": "%s"\n' % b64encode(text), "terraform.tfstate").matches == []
