"""Credentials as people write them: the venue and the part are right, the parts of an account make one set."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.findings import findings_of
from leakguard.model import CredentialSet, Document, Finding, Origin, Severity
from leakguard.triage.exposure import HALF

SHAPES = {
    "binance": ("{{alnum*64}}", "{{alnum*64}}"),
    "bybit": ("{{alnum*18}}", "{{alnum*36}}"),
    "gate": ("{{hex*32}}", "{{hex*64}}"),
    "okx": ("{{uuid}}", "{{HEX*32}}", "Corr3ct-Horse"),
    "kucoin": ("65{{hex*22}}", "{{uuid}}", "kc-Pass9f"),
    "kraken": ("{{b64*56}}", "{{b64*85}}Q=="),
    "delta": ("{{alnum*30}}", "{{alnum*60}}"),
    "woo": ("{{b64*21}}w==", "{{uppernum*28}}"),
    "coinbaseexchange": ("{{hex*32}}", "{{b64*85}}Q==", "kd8s0aw1pz3"),
}
ROLES = ("api-key", "api-secret", "passphrase")


def account(venue: str, seed: int = 0) -> list[str]:
    return [expand(shape, Random(f"{venue}{number}{seed}")) for number, shape in enumerate(SHAPES[venue])]


def scan(engine: Engine, path: str, text: str) -> tuple[list[Finding], list[CredentialSet]]:
    data = text.encode()
    return findings_of(engine, Document(data, Origin("file", path)), engine.scan(data, path).matches, 1)


WRITTEN = [
    ("binance", "main.go", 'client := binance.NewClient("{0}", "{1}")'),
    ("binance", "main.go", 'import "github.com/x/go-binance"\n\t_ = futures.NewClient("{0}", "{1}")'),
    ("bybit", "main.go", 'client := bybit.NewClient().WithAuth("{0}", "{1}")'),
    ("binance", "lib.rs", 'let a: Account = Binance::new(Some("{0}".into()), Some("{1}".into()));'),
    ("bybit", "lib.rs", 'const BYBIT_KEY: &str = "{0}";\nstatic BYBIT_SECRET: &\'static str = "{1}";'),
    ("bybit", "P.cs", 'var c = new BybitRestClient(o => o.ApiCredentials = new ApiCredentials("{0}", "{1}"));'),
    ("kucoin", "P.cs", 'o.ApiCredentials = new KucoinApiCredentials("{0}", "{1}", "{2}");'),
    ("binance", "App.java", 'SpotClient c = new SpotClientImpl("{0}",\n    "{1}"); // binance-connector'),
    ("okx", "keys.py", 'KEYS = {{\n    "okx": ("{0}", "{1}", "{2}"),\n}}'),
    ("bybit", "notes.md", "Bybit main account\n\nAPI Key\n{0}\n\nAPI Secret\n{1}\n\nPermissions: Orders"),
    ("binance", "notes.md", "## Binance\n\nAPI Key:\n    {0}\nSecret Key:  \n  {1}\n"),
    ("kucoin", "notes.md", "**KuCoin**\n\n**API Key**\n`{0}`\n\n**API Secret**\n`{1}`\n\n**Passphrase**\n`{2}`\n"),
    ("bybit", "keys.txt", "Bybit\nAPI Key      {0}\nSecret Key   {1}\n"),
    ("gate", "chat.txt", "bob: here are the Gate keys\nkey {0} secret {1}\n"),
    ("delta", "a.py", 'class DeltaHTTP:\n    API_KEY = "{0}"\n    API_SECRET = "{1}"\n'),
    ("woo", "b.py", 'class WooClient(Base):\n    def __init__(self):\n        self.api_key = "{0}"\n'
                    '        self.api_secret = "{1}"\n'),
    ("kraken", "kraken.key", "{0}\n{1}\n"),
    ("kraken", "keys/my_kraken_bot.key", "{0}\r\n{1}"),
    ("coinbaseexchange", "conf.js", "c.gdax.key = '{0}'\nc.gdax.b64secret = '{1}'\nc.gdax.passphrase = '{2}'\n"),
    ("binance", "sa.json", '"config": "{{\\"codeName\\":\\"{0}\\",\\"secret\\":\\"{1}\\"}}", "parentExchange": "binance"'),
    ("gate", "a.php", "$e = new \\ccxt\\gate(array(\n  'apiKey' => '{0}',\n  'secret' => '{1}',\n));"),
    ("gate", "app.log", '{{"msg": "config {{\\"exchange\\": \\"gate\\", \\"apiKey\\": \\"{0}\\", \\"secret\\": \\"{1}\\"}}"}}'),
    ("delta", "p.exs", 'config :bot, :delta,\n  api_key: "{0}",\n  api_secret: "{1}"\n'),
    ("okx", "bot.R", 'okx_key <- "{0}"\nokx_secret <- "{1}"\nokx_passphrase <- "{2}"\n'),
    ("okx", "config.h", '#define OKX_API_KEY "{0}"\n#define OKX_API_SECRET "{1}"\n#define OKX_PASSPHRASE "{2}"\n'),
    ("gate", "m.bas", 'Const GATE_KEY As String = "{0}"\nConst GATE_SECRET As String = "{1}"\n'),
    ("gate", "s.sh", 'gh secret set GATE_API_KEY --body "{0}"\ngh secret set GATE_API_SECRET -b"{1}"\n'),
    ("gate", "s.sh", "aws ssm put-parameter --name /bot/gateio/api_key --type SecureString --value \"{0}\"\n"
                     "aws ssm put-parameter --name /bot/gateio/api_secret --type SecureString --value \"{1}\"\n"),
    ("bybit", "run.py", "p.add_argument('--bybit-key', default='{0}')\np.add_argument('--bybit-secret', default='{1}')\n"),
    ("okx", "KEYS.md", "| exchange | api key | secret | passphrase |\n|---|---|---|---|\n| okx | {0} | {1} | `{2}` |\n"),
    ("okx", ".bash_history", "OKX_API_KEY={0} OKX_SECRET={1} OKX_PASSPHRASE=Moon2024shot python main.py\n"),
    ("bybit", "seiten.md", "## Bybit\n\n密钥 (API Key):\n{0}\n\n密钥 (Secret Key):\n{1}\n"),
    ("bybit", "notes.txt", "Bybit\nAPI ключ {0}\nСекретный ключ {1}\n"),  # noqa: RUF001
    # venues by their names in other scripts
    ("binance", "notes.txt", "币安\n公钥：{0}\n私钥：{1}\n"),  # noqa: RUF001
    ("binance", "memo.txt", "バイナンス\nAPIキー {0}\nシークレットキー {1}\n"),
    ("bybit", "zametki.txt", "Байбит апи ключ {0} секрет {1}\n"),
    # rows below a heading, and rows that end with their venue
    ("binance", "KEYS.md", "# Exchange keys\n\n### Binance (main)\n```\n{0}\n{1}\n```\n"),
    ("okx", "keys.md", "## OKX\n\n{0}\n{1}\n{2}\n"),
    ("binance", "keys.txt", "Binance:\n  {0}\n  {1}\n"),
    ("kucoin", "keys.org", "* KuCoin\n  - {0}\n  - {1}\n  - {2}\n"),
    ("binance", "keys.txt", "Binance\n=======\n{0}\n{1}\n"),
    ("binance", "keys.txt", "{0} {1} binance\n"),
    ("okx", "keys.csv", "{0},{1},{2},okx\n"),
    # a file that is called like what is written to it
    ("gate", "s.sh", "echo {0} > gate_api_key.txt\necho '{1}' | sudo tee /run/secrets/gate_api_secret\n"),
    ("gate", "s.sh", "cat > conf/gate_api_key <<EOF\n{0}\nEOF\ncat <<'EOF' > conf/gate_api_secret\n{1}\nEOF\n"),
    ("gate", "u.yaml", "write_files:\n- path: /etc/gate_api_key\n  content: {0}\n- content: {1}\n  path: /etc/gate_api_secret\n"),
    ("gate", "l.tf", 'resource "local_file" "a" {{\n  filename = "gate_api_key.txt"\n  content  = "{0}"\n}}\n'
                     'resource "local_file" "b" {{\n  filename = "gate_api_secret.txt"\n  content  = "{1}"\n}}\n'),
    ("gate", "w.py", "open('gate_api_key.txt', 'w').write('{0}')\nPath('gate/api_secret').write_text('{1}')\n"),
    ("gate", "w.js", "fs.writeFileSync('gate_api_key.txt', '{0}')\nfs.writeFileSync('gate_api_secret.txt', '{1}')\n"),
    ("gate", "w.ps1", "Set-Content -Path .\\gate_api_key.txt -Value '{0}'\nSet-Content gate_api_secret.txt -Value '{1}'\n"),
    ("gate", "audit.log", 'type=EXECVE msg=audit(1.2:3): argc=5 a0="bot" a1="--gate-key" a2="{0}" a3="--gate-secret" a4="{1}"\n'),
    ("gate", "k.lua", "local gate = {{ '{0}', '{1}' }}\n"),
    ("binance", "b.ini", "[binance]\nuser={0}\npass={1}\n"),
    # what a held-out corpus found: each line stands for a cause, not for a file
    ("bybit", "conf.fish", "set -gx BYBIT_API_KEY {0}\nset -gx BYBIT_API_SECRET {1}\n"),
    ("bybit", "v.tf", 'variable "bybit_api_key" {{\n  type    = string\n  default = "{0}"\n}}\n'
                      'variable "bybit_api_secret" {{\n  default = "{1}"\n}}\n'),
    ("gate", "m.py", "from pygate import gate\nclient = gate.Client('{0}', '{1}')\n"),
    ("bybit", "m.py", "import pybybit\naccess = '{0}'\nsec_key = '{1}'\n"),
    ("kraken", "m.go", 'api := krakenapi.New("{0}", "{1}")\n'),
    ("binance", "M.java", 'BinanceApiClientFactory f = BinanceApiClientFactory.newInstance("{0}", "{1}");'),
    ("bybit", "s.py", 'session.auth = ("{0}", "{1}")\nr = session.get("https://api.bybit.com/v5/x")\n'),
    ("okx", "m.py", 'from okx import Trade\nt = Trade.TradeAPI("{0}", "{1}", "{2}", False, "1")\n'),
    ("kucoin", "m.py", 'c = kucoin.ClientOptionBuilder().set_key("{0}").set_secret("{1}").set_passphrase("{2}")\n'),
    ("okx", "P.cs", 'var x = new Okx(new Dictionary<string, object>() {{\n    {{ "apiKey", "{0}" }},\n'
                    '    {{ "secret", "{1}" }},\n    {{ "password", "{2}" }},\n}});\n'),
    ("gate", "chat.json", '{{"text": "my Gate keys", "body": "key: {0}\\nsecret: {1}"}}'),
    ("binance", "http.log", "send: b'GET /x HTTP/1.1\\r\\nHost: api.binance.com\\r\\nX-MBX-APIKEY: {0}\\r\\n\\r\\n'\n"
                            "binance_api_secret={1}\n"),
    ("kraken", "application.properties",
     "cassandre.trading.bot.exchange.driver-class-name=org.knowm.xchange.kraken.KrakenExchange\n"
     "cassandre.trading.bot.exchange.key={0}\ncassandre.trading.bot.exchange.secret={1}\n"),
    ("bybit", "discord-dm.txt", "yo Bybit keys for the bot\n\n[10:02] max\nAPI Key: {0}\nSecret: {1}\n"),
    ("delta", "b.rb", "client = Delta::Client.new(api_key: '{0}', secret: '{1}')\n"),
    ("delta", "m.go", 'e := ccxt.NewDelta(map[string]interface{{}}{{\n\t"apiKey": "{0}",\n\t"secret": "{1}",\n}})\n'),
    ("bybit", "conti.txt", "conto Bybit\n\nchiave: {0}\nsegreto: {1}\n"),
    ("bybit", "konta.txt", "konto Bybit\n\nklucz: {0}\ntajny klucz: {1}\n"),
    ("kucoin", "w.html", "<h2>KuCoin</h2><tr><td>API key</td><td>{0}</td></tr>\n<tr><td>API secret</td><td>{1}</td></tr>\n"
                         "<tr><td>passphrase</td><td>{2}</td></tr>\n"),
    ("bybit", "Info.plist", "<key>BYBIT_API_KEY</key>\n\t<string>{0}</string>\n\t<key>BYBIT_API_SECRET</key>\n"
                            "\t<string>{1}</string>\n"),
    ("bybit", "n.adoc", "== Bybit\n\nAPI key:: {0}\nAPI secret:: {1}\n"),
    ("bybit", "n.md", "## Bybit\n\n* **API Key:** {0}\n* **API Secret:** {1}\n"),
    ("kucoin", "m.py", '# KuCoin\napi_key, api_secret, passphrase = "{0}", "{1}", "{2}"\n'),
    ("bybit", "c.edn", '{{:bybit {{:api-key "{0}" :api-secret "{1}"}}}}\n'),
    ("bybit", "r.txt", 'HSET exchange:bybit api_key "{0}" api_secret "{1}"\n'),
    ("bybit", "build.gradle", 'buildConfigField "String", "BYBIT_API_KEY", "\\"{0}\\""\n'
                              'buildConfigField "String", "BYBIT_API_SECRET", "\\"{1}\\""\n'),
    ("bybit", "k.nim", 'const\n  bybitApiKey* = "{0}"\n  bybitApiSecret* = "{1}"\n'),
    ("bybit", "k.zig", 'const bybit_key: []const u8 = "{0}";\nconst bybit_secret: []const u8 = "{1}";\n'),
    ("kucoin", "pg.sql", "COPY public.accounts (id, exchange, api_key, api_secret, passphrase) FROM stdin;\n"
                         "7\tkucoin\t{0}\t{1}\t{2}\n\\.\n"),
    ("okx", "o.txt", 'object(ccxt\\okx)#3 (4) {{\n  ["apiKey"]=>\n  string(36) "{0}"\n  ["secret"]=>\n'
                     '  string(32) "{1}"\n  ["password"]=>\n  string(13) "{2}"\n}}\n'),
    ("kucoin", "sys.config", '[{{kucoin, [{{api_key, "{0}"}}, {{api_secret, "{1}"}}, {{passphrase, "{2}"}}]}}].\n'),
    ("bybit", "b.robot", "*** Variables ***\n${{BYBIT_API_KEY}}    {0}\n${{BYBIT_API_SECRET}}    {1}\n"),
    ("bybit", "next.config.js", "env: {{\n    NEXT_PUBLIC_BYBIT_KEY: '{0}',\n    NEXT_PUBLIC_BYBIT_SECRET: '{1}',\n  }}\n"),
    ("bybit", ".htaccess", "SetEnv BYBIT_API_KEY {0}\nSetEnv BYBIT_API_SECRET {1}\n"),
    ("okx", "setup.log", ">>> connect okx\nEnter your OKX API key >>> {0}\nEnter your OKX secret key >>> {1}\n"
                         "Enter your OKX passphrase >>> {2}\n"),
    ("bybit", "d.dart", "const bybitKey = String.fromEnvironment('BYBIT_KEY', defaultValue: '{0}');\n"
                        "const bybitSecret = String.fromEnvironment('BYBIT_SECRET', defaultValue: '{1}');\n"),
    ("binance", "h.py", "BASE = 'https://fapi.binance.com'\nheaders = {{'X-MBX-APIKEY': '{0}'}}\n"
                        "sig = hmac.new(b'{1}', query.encode(), hashlib.sha256).hexdigest()\n"),
    ("binance", "h.js", "axios.get('https://api.binance.com/x', {{headers: {{'X-MBX-APIKEY': '{0}'}}}});\n"
                        "const sig = crypto.createHmac('sha256', '{1}').update(q).digest('hex');\n"),
    ("binance", "h.go", 'req, _ := http.NewRequest("GET", "https://api.binance.com/x", nil)\n'
                        'req.Header.Set("X-MBX-APIKEY", "{0}")\nmac := hmac.New(sha256.New, []byte("{1}"))\n'),
    ("binance", "h.php", "$sig = hash_hmac('sha256', $q, '{1}'); curl_setopt($ch, CURLOPT_HTTPHEADER, ['X-MBX-APIKEY: {0}']);\n"
                         "curl_setopt($ch, CURLOPT_URL, 'https://api.binance.com/api/v3/order');\n"),
    ("bybit", "m.cpp", 'const std::string BYBIT_KEY = "{0}";\nconst std::string BYBIT_SECRET{{"{1}"}};\n'),
    ("bybit", "settings.py", 'class BybitSettings(BaseSettings):\n    api_key: SecretStr = SecretStr("{0}")\n'
                             '    api_secret: SecretStr = Field(default="{1}")\n'),
    ("bybit", "config.toml", '[env]\nBYBIT_KEY = "{0}"\nBYBIT_SECRET = {{ value = "{1}", force = true }}\n'),
    ("binance", "notizen.txt", "币安 (Binance)\nAPI密钥：{0}\n密钥：{1}\n"),  # noqa: RUF001
    ("bybit", "m.c", '/* Bybit */\nstrcpy(cfg.api_key, "{0}");\nstrcpy(cfg.api_secret, "{1}");\n'),
    # what authors who had not seen the code wrote: each line stands for a cause, too
    ("okx", "settings.py", "config_key = {{\n    'okx': ['{0}', '{1}', '{2}'],\n}}\n"),
    ("gate", "apis.json", '{{"gate_testnet": ["{0}", "{1}"]}}\n'),
    ("okx", "a.ts", "export const A = [\n  {{ exchange: 'okx', label: 'x', creds: ['{0}', '{1}', '{2}'] }},\n];\n"),
    ("bybit", "C.kt", 'val creds = mapOf(\n    "bybit" to Pair("{0}", "{1}"),\n)\n'),
    ("okx", "keys.go", 'var c = map[string]Account{{\n\t"okx": {{APIKey: "{0}", APISecret: "{1}", Passphrase: "{2}"}},\n}}\n'),
    ("binance", "main.rs", 'let c = Credentials::from_hmac(\n    "{0}".to_owned(),\n    "{1}".to_owned(),\n);\n'
                           "let client = BinanceHttpClient::default();\n"),
    ("okx", "bot.rs", 'let a: Account = Okx::new(Some("{0}".into()), Some("{1}".into()), Some("{2}".into()));\n'),
    ("gate", "a.cpp", 'std::map<std::string, Pair> creds = {{\n    {{"gate", {{"{0}", "{1}"}}}},\n}};\n'),
    ("bybit", "b.cpp", 'auto b = std::make_unique<BybitClient>("{0}", "{1}");\n'),
    ("okx", "c.rs", 'let c = Creds {{ venue: Venue::Okx, api_key: String::from("{0}"), api_secret: String::from("{1}"),\n'
                    '    passphrase: Some(String::from("{2}")) }};\n'),
    ("gate", "sys.config", '[{{gate_client, [{{api_key, <<"{0}">>}}, {{api_secret, <<"{1}">>}}]}}].\n'),
    ("okx", "config.ml", 'let p = {{\n  url = "https://www.okx.com";\n  api_key = Some "{0}";\n  api_secret = Some "{1}";\n'
                         '  passphrase = Some "{2}";\n}}\n'),
    ("bybit", "Keys.h", '// Bybit\n#define kAPIKey @"{0}"\n#define kAPISecret @"{1}"\n'),
    ("bybit", "S.settings", '<Setting Name="BybitKey" Type="System.String">\n  <Value Profile="(Default)">{0}</Value>\n</Setting>\n'
                            '<Setting Name="BybitSecret" Type="System.String">\n  <Value Profile="(Default)">{1}</Value>\n</Setting>\n'),
    ("bybit", "fix.sql", "UPDATE settings SET value='{0}' WHERE name='bybit_api_key';\n"
                         "UPDATE settings SET value='{1}' WHERE name='bybit_api_secret';\n"),
    ("bybit", "schema.sql", "  bybit_api_key VARCHAR(128) DEFAULT '{0}',\n  bybit_secret_key VARCHAR(128) DEFAULT '{1}'\n"),
    ("bybit", "redis.txt", '> HGETALL exchange:bybit\n1) "api_key"\n2) "{0}"\n3) "api_secret"\n4) "{1}"\n'),
    ("bybit", "error.log", "    c = Client(api_key, api_secret)\n        │      │        └ '{1}'\n        │      └ '{0}'\n"
                           "        └ <class 'bybit.client.Client'>\n"),
    ("okx", "Access.md", "| Exchange | API key | API secret | Phrase | owner |\n|---|---|---|---|---|\n"
                         "| OKX | `{0}` | `{1}` | `{2}` | jl |\n"),
    ("gate", "Access.md", "| Venue | owner | API key | API secret |\n| :-- | --- | --- | --- |\n| Gate | jl | {0} | {1} |\n"),
    ("bybit", "post.http", 'Content-Disposition: form-data; name="bybit_api_key"\r\n\r\n{0}\r\n'
                           'Content-Disposition: form-data; name="bybit_api_secret"\r\n\r\n{1}\r\n'),
    ("bybit", "todo.txt", "[ ] Bybit api {0} / {1}\n"),
    ("bybit", "general.txt", "anyone know why bybit says invalid signature?\nmy key is {0} and my secret is {1}\n"),
    ("bybit", "tg.txt", "Bybit API KEY \u27a1\ufe0f {0}\nSECRET \u2192 {1}\n"),
    ("bybit", "talep.txt", "Borsa: Bybit\nAPI anahtar\u0131: {0}\nGizli anahtar: {1}\n"),
    ("bybit", "hotro.txt", "Bybit\nKh\u00f3a API: {0}\nKh\u00f3a b\u00ed m\u1eadt: {1}\n"),
    ("bybit", "z.txt", "Bybit\nКлюч API — {0}\nСекретний ключ — {1}\n"),  # noqa: RUF001
    ("bybit", "m.txt", "Bybit\nAPIキー：「{0}」\nシークレット：「{1}」\n"),  # noqa: RUF001
    ("bybit", "mail.txt", "Bybit\nAPI Key: \u201c{0}\u201d\nSecret Key: \u201c{1}\u201d\n"),
    ("bybit", "w.xml", '<option name="VM_PARAMETERS" value="-Dbybit.key={0} -Dbybit.secret={1}" />\n'),
    ("bybit", "docker-compose.yml", "    environment:\n      FREQTRADE__EXCHANGE__NAME: bybit\n      FREQTRADE__EXCHANGE__KEY: \"{0}\"\n"
                                    "      FREQTRADE__EXCHANGE__SECRET: \"{1}\"\n"),
    ("bybit", "T.java", "var spec = new BybitExchange().getDefaultExchangeSpecification();\nspec.setApiKey(\"{0}\");\n"
                        "spec.setSecretKey(\"{1}\");\n"),
    ("bybit", "Api.php", "class BybitApi {{\n    private $key = '{0}';\n    private $secret = '{1}';\n}}\n"),
    ("binance", "getkeys.m", "% the Binance key pair\npubKey = '{0}';\nsecKey = '{1}';\n"),
    ("gate", "spot.jl", 'client = GateClient(;\n    public_key = "{0}",\n    secret_key = "{1}",\n)\n'),
    ("okx", "alert.json", '{{"exchange": "okx", "symbol": "{{{{{{{{ticker}}}}}}}}", "apikey": "{0}", "secret": "{1}", "password": "{2}"}}\n'),
    ("bybit", "Ex.java", 'public enum Venues {{\n    BYBIT("{0}", "{1}"),\n}}\n'),
    ("bybit", "conf.go", 'type C struct {{\n\tKey    string `env:"BYBIT_KEY" envDefault:"{0}"`\n'
                         '\tSecret string `env:"BYBIT_SECRET" envDefault:"{1}"`\n}}\n'),
    ("bybit", "assets/env", "BYBITAPIKEY={0}\nBYBITSECRETKEY={1}\n"),
    ("okx", "accounts.txt", "OKX\nkey {0}\nsecret {1}\npass {2}\n"),
    # a third author's batch: each line a cause
    ("bybit", "trading.org", "* Accounts\n** Bybit\n   - api key :: {0}\n   - secret :: {1}\n"),
    ("bybit", "passwords.txt", "gmail: see the vault\nBybit api\n{0}\n{1}\n\nvps 10.0.0.4\n"),
    ("okx", "keys.txt", "OKX keys:\n{0}\n{1}\n{2}\n"),
    ("gate", "keys.py", 'KEYS = dict(\n    gate=("{0}", "{1}"),\n)\n'),
    ("bybit", "keys.py", 'BYBIT_ACCOUNT = ["{0}", "{1}"]\n'),
    ("bybit", "keys.py", 'BYBIT_KEY = (\n    "{0}"\n)\nBYBIT_SECRET = \\\n    "{1}"\n'),
    ("gate", "keys.xml", '<string name="gateio_api_key" translatable="false">{0}</string>\n'
                         '<string name="gateio_api_secret" translatable="false">{1}</string>\n'),
    ("gate", "ssm.tf", 'resource "aws_ssm_parameter" "k" {{\n  name  = "/prod/gateio/api_key"\n  type  = "SecureString"\n  value = "{0}"\n}}\n'
                       'resource "aws_ssm_parameter" "s" {{\n  name  = "/prod/gateio/api_secret"\n  type  = "SecureString"\n'
                       '  value = "{1}"\n}}\n'),
    ("gate", "terraform.tfstate", '{{"outputs": {{"gateio_api_key": {{"value": "{0}", "type": "string"}},\n'
                                  '"gateio_api_secret": {{"value": "{1}", "type": "string", "sensitive": true}}}}}}\n'),
    ("gate", ".bash_history", 'echo -n "a=1" | openssl dgst -sha256 -hmac "{1}"\ncurl -H "KEY: {0}" https://api.gateio.ws/api/v4/x\n'),
    ("gate", ".env", "MAIN_GATEIO_KEY={0}\nMAIN_GATEIO_SEC={1}\n"),
    ("gate", "accounts.json", '[{{"exchange": "gate", "credentials": {{"k": "{0}", "s": "{1}"}}}}]\n'),
    ("bybit", "help.txt", 'why "invalid signature" on Bybit?\n```py\nk = "{0}"\ns = "{1}"\n```\n'),
    ("bybit", "ea.mq5", 'input string InpExchange = "Bybit";\ninput string InpApiKey = "{0}";\ninput string InpApiSecret = "{1}";\n'),
    ("bybit", "bot.ps1", "# Bybit credentials\n$env:EXCH_KEY    = '{0}'\n$env:EXCH_SECRET = '{1}'\n"),
    ("gate", ".env", "# api keys for gate\nKEY={0}\nSECRET={1}\n"),
    ("okx", "a.txt", "OKX\nAPI-Schluessel: {0}\nGeheimer Schluessel: {1}\nKennwort: {2}\n"),
    ("okx", "a.txt", "OKX\nAPI 金鑰: {0}\n密鑰: {1}\n密码短语: {2}\n"),
    ("okx", "a.txt", "OKX\nAPI ключ: {0}\nсекретный ключ: {1}\nкодовая фраза: {2}\n"),  # noqa: RUF001
    ("coinbaseexchange", "compose.yml", "environment:\n  - CBPRO_API_KEY={0}\n  - CBPRO_API_SECRET={1}\n  - CBPRO_PASSPHRASE={2}\n"),
    ("kucoin", "secret.yaml", "kind: Secret\nmetadata:\n  name: kucoin\n  uid: 3fb0ec78-4a1b-4c2d-aad1-90e5aabbccdd\nstringData:\n"
                              "  key: {0}\n  secret: {1}\n  passphrase: {2}\n"),
    # rows of values without a head, after the venue's name
    ("gate", "rows.csv", "gate,{0},{1}\nnone,of,these\n"),
    ("bybit", "rows.csv", "1,alice,Bybit,{0},{1},2024-01-01\n"),
    ("kucoin", "rows.tsv", "KuCoin\tmain\t{0}\t{1}\t{2}\n"),
    ("okx", "dump.sql", "INSERT INTO accounts VALUES (1,'okx','{0}','{1}','{2}');\n"),
    ("bybit", "b.txt", "# Bybit\n{0}\n{1}\n"),
    ("gate", "chat.txt", "/addexchange gateio {0} {1}\n"),
    ("bybit", "keys.txt", "Account\tExchange\tApiKey\tApiSecret\n001\tBybit\t{0}\t{1}\n"),
    # the key beside its secret, under a name that says little
    ("gate", ".env", "GATEIO_ID={0}\nGATEIO_SECRET={1}\n"),
    ("gate", "c.yml", "gateio:\n  id: {0}\n  secret: {1}\n"),
    ("gate", ".env", "GATEIO_PUBLIC_KEY={0}\nGATEIO_PRIVATE_KEY={1}\n"),
    ("woo", "v.json", '{{"venue": {{"id": "woox", "auth": {{"public": "{0}", "private": "{1}"}}}}}}'),
    ("gate", "b.py", 'URL = "https://api.gateio.ws"\nTIMEOUT = 10\n\npublic = "{0}"\nprivate = "{1}"\n'),
    ("bybit", "b.py", "# Bybit\n公钥 = \"{0}\"\n私钥 = \"{1}\"\n"),
    # what managers of passwords write
    ("bybit", "bw.json", '{{"name": "Bybit API", "login": {{"username": "{0}", "password": "{1}", "uris": []}}}}'),
    ("bybit", "1p.csv", "Title,Url,Username,Password,Notes\nBybit API,https://bybit.com,{0},{1},bot key\n"),
    ("bybit", "kp.xml", "<String><Key>Title</Key><Value>Bybit</Value></String>\n<String><Key>UserName</Key><Value>{0}</Value>"
                        "</String>\n<String><Key>Password</Key><Value>{1}</Value></String>\n"),
    # short names
    ("gate", ".env", "GATEIO_AK={0}\nGATEIO_SK={1}\n"),
    ("bybit", "ak.py", '# Bybit\nAK = "{0}"\nSK = "{1}"\n'),
    ("bybit", "r.py", "BASE = 'https://api.bybit.com'\nkey = '{0}'\nsec = '{1}'\n"),
    # exports of chats and wikis
    ("bybit", "result.json", '{{"messages": [{{"text": ["Bybit\\napi key ", {{"type": "code", "text": "{0}"}},\n "\\nsecret ",\n'
                             ' {{\n  "type": "code",\n  "text": "{1}"\n }}]}}]}}'),
    ("bybit", "page.html", "<p>Keys of <b>Bybit</b></p><ul><li>Access key: <code>{0}</code></li><li>Secret key: <code>{1}</code></li></ul>"),
    ("bybit", "chat.txt", "User: Bybit\nBot: Send me the API key\nUser: {0}\nBot: Send me the API secret\nUser: {1}\n"),
    ("gate", "chat.txt", "my gateio api key is\n{0}\nand the api secret is\n{1}\n"),
    # calls
    ("gate", "p.ts", 'new aws.ssm.Parameter("gateio-api-key", {{ type: "SecureString", value: "{0}" }});\n'
                     'new aws.ssm.Parameter("gateio-api-secret", {{ type: "SecureString", value: "{1}" }});\n'),
    ("bybit", "r.swift", 'req.setValue("{0}", forHTTPHeaderField: "X-BAPI-API-KEY")\nlet bybitSecret = "{1}"\n'),
    ("gate", "helm.sh", "helm upgrade bot ./chart --set exchange=gateio --set secrets.apiKey={0} --set secrets.apiSecret={1}\n"),
    ("gate", "c.py", 'import factory\nex = factory.connect("gate", "{0}", "{1}")\n'),
    ("okx", "c.py", 'OKX_KEYS = ("main", "{0}", "{1}", "{2}")\n'),
    ("bybit", "1p.csv", "Title;Username;Password\nBybit API;{0};{1}\nmail;bob@example.org;********\n"),
    ("okx", "a.txt", "OKX\nAPI密钥:{0}\n密钥:{1}\n交易密码 {2}\n"),
    ("okx", "a.txt", "OKX\nChave da API: {0}\nSegredo: {1}\nSenha da API: {2}\n"),
    ("okx", "a.txt", "Compte OKX\nClé API : {0}\nClé secrète : {1}\nPhrase de passe : {2}\n"),
    ("okx", "a.txt", "OKX\nKey - {0}\nSecret - {1}\nPass - {2}\n"),
    # lists under their venue
    ("gate", "a.yml", "venues:\n  gate: [{0}, {1}]\n"),
    ("okx", "a.yml", 'okx: ["{0}", "{1}", "{2}"]\n'),
    ("kucoin", "a.yml", "kucoin: [{0}, {1}, {2}]\n"),
    ("bybit", "a.go", 'var keys = map[string][2]string{{\n\t"bybit":  {{"{0}", "{1}"}},\n}}\n'),
    ("bybit", "u.json", '{{"v":2,"u":[{{"x":"bybit","k":"{0}","s":"{1}","on":1}}]}}'),
    ("bybit", "a.yml", "bybit:\n  ak: {0}\n  sk: {1}\n"),
    # tables
    ("gate", "t.tex", "Exchange & API key & Secret \\\\ \\hline\nGate.io & \\texttt{{{0}}} & \\texttt{{{1}}} \\\\\n"),
    ("bybit", "t.tex", "\\caption{{Bybit}}\nAPI key & \\verb|{0}| \\\\\nAPI secret & \\verb|{1}| \\\\\n"),
    ("bybit", "t.tex", "\\newcommand{{\\bybitkey}}{{{0}}}\n\\newcommand{{\\bybitsecret}}{{{1}}}\n"),
    ("bybit", "p.mediawiki", "! Venue !! Key !! Secret\n|-\n| Bybit || {0} || {1}\n|}}\n"),
    ("bybit", "psql.txt", "exchange   | bybit\napi_key    | {0}\napi_secret | {1}\n"),
    ("gate", "fix.cfg", "TargetCompID=GATEIO\nUsername={0}\nPassword={1}\n"),
    # defaults, quotes and settings of languages
    ("bybit", "m.rs", 'let k = env::var("BYBIT_KEY").unwrap_or_else(|_| "{0}".into());\n'
                      'let s = env::var("BYBIT_SECRET").unwrap_or("{1}".into());\n'),
    ("bybit", "m.rs", 'pub mod bybit {{\n  const API_KEY: &str = r#"{0}"#;\n  const API_SECRET: &str = r#"{1}"#;\n}}\n'),
    ("bybit", "k.kt", 'val k = System.getenv("BYBIT_KEY") ?: "{0}"\nval s = System.getenv("BYBIT_SECRET") ?: "{1}"\n'),
    ("bybit", "b.ino", 'const char* bybitKey PROGMEM = "{0}";\nconst char* bybitSecret PROGMEM = "{1}";\n'),
    ("bybit", "c.lua", 'bybit = {{\n  apiKey = [[{0}]],\n  apiSecret = [[{1}]],\n}}\n'),
    ("bybit", "b.lua", 'local bybit_key, bybit_secret = "{0}", "{1}"\n'),
    ("bybit", "b.tcl", 'set bybit(key) "{0}"\nset bybit(secret) "{1}"\n'),
    ("bybit", "b.scpt", 'set bybitApiKey to "{0}"\nset bybitApiSecret to "{1}"\n'),
    ("bybit", "f.rb", "exchange {{ 'bybit' }}\napi_key {{ '{0}' }}\napi_secret {{ '{1}' }}\n"),
    ("bybit", "b.xml", '<bean class="x.BybitClient">\n  <constructor-arg value="{0}"/>\n  <constructor-arg value="{1}"/>\n</bean>\n'),
    ("gate", "b.ps1", '# gateio\n$ApiKey = "{0}"\n$ApiSecret = ConvertTo-SecureString "{1}" -AsPlainText -Force\n'),
    # what tools export and show
    ("bybit", "p.json", '[{{"ParameterKey":"BybitApiKey","ParameterValue":"{0}"}},\n {{"ParameterKey":"BybitApiSecret","ParameterValue":"{1}"}}]'),
    ("bybit", "d.json", '{{"Item":{{"exchange":{{"S":"bybit"}},"apiKey":{{"S":"{0}"}},"apiSecret":{{"S":"{1}"}}}}}}'),
    ("bybit", "f.json", '{{"exchange": {{"stringValue": "bybit"}}, "apiKey": {{\n "stringValue": "{0}"\n}}, "apiSecret": {{"stringValue": "{1}"}}}}'),
    ("bybit", "s.json", '[{{"Name":"/bybit/api_key","Type":"SecureString","Value":"{0}"}},{{"Name":"/bybit/api_secret","Type":"SecureString","Value":"{1}"}}]'),
    ("bybit", "m.txt", '17.12 [0 127.0.0.1:50] "HMSET" "bybit:1" "key" "{0}" "secret" "{1}"\n'),
    ("bybit", "j.txt", "h3. Bybit\n*API key:* {{{{{0}}}}}\n*Secret:* {{{{{1}}}}}\n"),
    ("bybit", "t.html", "<p>Bybit</p><p>API Key:&nbsp;<code>{0}</code></p><p>API Secret:&nbsp;<code>{1}</code></p>"),
    ("bybit", "s.json", '[{{"text":"the Bybit key?"}},{{"text":"api key {0}"}},{{"text":"secret {1}"}}]'),
    ("gate", "a.yml", "- name: write config for gateio\n  ansible.builtin.copy:\n    content: '{{\"key\": \"{0}\", \"secret\": \"{1}\"}}'\n"),
    ("bybit", "kdbx.xml", "<String><Key>Title</Key><Value>Bybit</Value></String><String><Key>UserName</Key><Value>{0}</Value></String>"
                          '<String><Key>Password</Key><Value ProtectInMemory="True">{1}</Value></String>'),
    # what a README says
    ("bybit", "README.md", "# Bybit bot\n\nSet `BYBIT_API_KEY` to `{0}`, and `BYBIT_API_SECRET` to `{1}`.\n"),
    # commands
    ("okx", "r.sh", "./trade -e okx -k {0} -s {1} -p {2} balance\n"),
    ("bybit", "g.sh", 'echo -n "{0}" | gcloud secrets create bybit-api-key --data-file=-\n'
                      'echo -n "{1}" | gcloud secrets create bybit-api-secret --data-file=-\n'),
    ("gate", "notes.txt", "gate: {0}:{1}\n"),
    ("bybit", "p.log", "#0 /bot.php(40): Bybit->__construct('{0}', '{1}')\n"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("venue", "path", "text"), WRITTEN, ids=[f"{v}-{p}-{i}" for i, (v, p, _) in enumerate(WRITTEN)]
)
def test_venue_part_and_set(engine: Engine, venue: str, path: str, text: str) -> None:
    values = account(venue)
    text = text.format(*values)
    findings, sets = scan(engine, path, text)
    got = {(finding.secret or b"").decode(): (finding.provider, finding.part) for finding in findings}
    there = [value for value in values if value in text]
    for value, part in zip(there, ROLES, strict=False):
        assert got.get(value) == (venue, part)
    assert [made.complete for made in sets] == [True]
    assert {finding.set_id for finding in findings} == {sets[0].id}


TWO = [
    ("accounts.json", '[{{"exchange": "okx", "key": "{0}", "secret": "{1}", "passphrase": "{2}"}},\n'
                      ' {{"exchange": "okx", "secret": "{4}", "passphrase": "{5}", "key": "{3}"}}]'),
    (".env", "OKX_KEY_MAIN={0}\nOKX_KEY_SUB={3}\nOKX_SECRET_MAIN={1}\nOKX_SECRET_SUB={4}\nOKX_PASSPHRASE_MAIN={2}\n"
             "OKX_PASSPHRASE_SUB={5}\n"),
    (".env", "OKX_API_KEY_1={0}\nOKX_API_KEY_2={3}\nOKX_API_SECRET_2={4}\nOKX_API_SECRET_1={1}\nOKX_PASSPHRASE_1={2}\n"
             "OKX_PASSPHRASE_2={5}\n"),
    ("a.ini", "[okx-main]\nkey={0}\nsecret={1}\npassphrase={2}\n\n[okx-hedge]\nkey={3}\nsecret={4}\npassphrase={5}\n"),
    ("a.yml", "accounts:\n  - exchange: okx\n    credentials:\n      key: {0}\n      secret: {1}\n      passphrase: {2}\n"
              "  - exchange: okx\n    credentials:\n      key: {3}\n      secret: {4}\n      passphrase: {5}\n"),
    (".env", "SUB1_OKX_KEY={0}\nSUB1_OKX_SECRET={1}\nSUB1_OKX_PASSPHRASE={2}\n# rotated\nMAIN_OKX_KEY={3}\n"
             "MAIN_OKX_SECRET={4}\n\nMAIN_OKX_PASSPHRASE={5}\n"),
    ("a.go", 'a := okx.NewClient("{0}", "{1}", "{2}")\nb := okx.NewClient("{3}", "{4}", "{5}")\n'),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text"), TWO, ids=[f"{p}-{i}" for i, (p, _) in enumerate(TWO)])
def test_two_accounts_are_two_sets(engine: Engine, path: str, text: str) -> None:
    one, two = account("okx"), [*account("okx", 1)[:2], "An0ther-Mule"]
    findings, sets = scan(engine, path, text.format(*one, *two))
    members: dict[str, set[str]] = {}
    for finding in findings:
        members.setdefault(finding.set_id, set()).add((finding.secret or b"").decode())
    assert [made.complete for made in sets] == [True, True]
    assert sorted(map(sorted, members.values())) == sorted(map(sorted, (one, two)))


def test_lists_of_keys_and_of_secrets_are_joined_by_their_order(engine: Engine) -> None:
    one, two = account("gate"), account("gate", 1)
    text = f'exchange = "gate"\nkeys = ["{one[0]}", "{two[0]}"]\nsecrets = ["{one[1]}", "{two[1]}"]\n'
    findings, sets = scan(engine, "lists.py", text)
    members: dict[str, set[str]] = {}
    for finding in findings:
        members.setdefault(finding.set_id, set()).add((finding.secret or b"").decode())
    assert [made.complete for made in sets] == [True, True]
    assert sorted(map(sorted, members.values())) == sorted(map(sorted, (one, two)))


def test_accounts_of_utf16_are_told_apart_by_name(engine: Engine) -> None:
    """Values that speak for themselves have their names read off the text before them."""
    lines = expand(
        "CRYPTOCOM_SUB_APIKEY={{b58*22}}\nCRYPTOCOM_SUB_SECRET=cxakp_{{b58*22}}\n"
        "CRYPTOCOM_GRID_APIKEY={{b58*22}}\nCRYPTOCOM_GRID_SECRET=cxakp_{{b58*22}}\n",
        Random(13),
    )
    data = lines.encode("utf-16")
    findings, sets = findings_of(engine, Document(data, Origin("file", ".env")), engine.scan(data, ".env").matches, 1)
    assert [made.complete for made in sets] == [True, True]
    ids = [finding.set_id for finding in findings]
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_a_lone_half_says_so(engine: Engine) -> None:
    (finding,), sets = scan(engine, ".env", f"BINANCE_API_SECRET={account('binance')[1]}\n")
    assert HALF in finding.reasons
    assert finding.severity == Severity.HIGH
    assert sets == []


@pytest.mark.parametrize(
    "text",
    [
        "cacheKey = '{{hex*64}}'  # binance",
        "okx = {'idempotency_key': '{{uuid}}', 'salt': '{{hex*64}}'}",
        'bybit: {"publicKey": "{{b64*43}}=", "verifyingKey": "{{b64*43}}="}',
        "Bybit auth: nonce={{digits*19}} challenge={{uuid}} signature={{hex*64}}",
        "gate: the key to the strategy is patience, the secret is discipline",
        "BINANCE_WALLET={{b58*44}}",
        "see the section API Key\nBinance and others give you a key on this page",
        'orders = {"binance": ("{{digits*12}}", "{{digits*12}}")}',
        'hashes = {"binance": ["{{hex*64}}", "{{hex*64}}", "{{hex*64}}", "{{hex*64}}"]}',
        "('bitmart', memo, timeout=(3, 10))  # api_key, secret_key",
        'fields = ["exchange", "api_key_permission_flags", "api_secret_rotation_days"]  # gate',
        "| Gate | API key | note |\n|---|---|---|\n| yes | see the vault | none |",
    ],
)
def test_no_secrets(engine: Engine, text: str) -> None:
    assert scan(engine, "notes.md", expand(text, Random(11)) + "\n")[0] == []


NOTHING = [
    ("genesis.json", '{{"address": "cosmos1x", "pub_key": {{"@type": "/cosmos.crypto.ed25519.PubKey", "key": "{b64}="}}}}'),
    (".env.example", "WOO_API_SECRET=deadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef\n"),
    ("sign_test.go", 'var cases = []pair{{{{"secret", "{hex}"}}, {{"secret2", "{hex}"}}}}\n'),
    ("log.txt", '[ OK ] generated and stored account key "AD{upper}"\n'),
    ("v.tf", 'variable "bybit_api_host" {{\n  default = "https://api.bybit.com"\n}}\n'),
    ("conf.fish", "set -gx BYBIT_KEY_FILE /home/u/.config/bybit.key\n"),
    ("hilfe.md", "Bybit\n\nchiave: vedi documentazione\nklucz: ustawienia konta\n"),
    ("hist.csv", "gate,{hex},{hex},confirmed\ngate,0x{hex},{hex},deposit\nzaif,123e4567-e89b-42d3-a456-426614174000,"
                 "9b2e4567-e89b-42d3-a456-4266141740aa,closed\n"),
    ("proof.py", 'from aevo import sdk\nclaim = {{"root": "0x{hex}", "proof": ["0x{hex}", "0x{hex}"]}}\n'),
    ("page.html", '<div class="g-recaptcha" data-sitekey="6L{site}"></div><script>var siteKey = "6L{site}"</script>\n'),
    ("orders.json", '{{"exchange": "gate", "id": "{hex}", "note": "the secret is out"}}\n'),
    ("tx.py", '# Aevo\n"accountKeys": ["{sol1}", "{sol2}", "{sol3}"]\n'),
    ("tx.py", '# Aevo\n"witness": ["30{hex}{hex}", "02{hex}"]\n'),
    ("deposit.json", '{{"withdrawal_credentials": "0x00{hex62}"}}'),
    ("orders.yml", "aster: [{hex}, {hex2}]\nopen:\n  zaif: [123e4567-e89b-42d3-a456-426614174000, 9b2e4567-e89b-42d3-a456-4266141740aa]\n"),
    ("trace.log", "# OKX\n#0 /bot.php(40): Order->__construct('123e4567-e89b-42d3-a456-426614174000', 'BTCUSDT')\n"),
    ("map.yml", "hashkey: {hex}\n"),
    ("flags.sh", "curl -k -s https://api.bybit.com/v5/market/time -o /tmp/answer\n./trade -e bybit -k limit -s BTCUSDT\n"),
    ("secrets.enc.yaml", "bybit_api_secret: ENC[AES256_GCM,data:{b64},iv:{b64}=,tag:{upper}aaaaaa==,type:str]\n"),
]


@pytest.mark.parametrize(("path", "text"), NOTHING, ids=[path for path, _ in NOTHING])
def test_nothing_is_made_of_what_only_looks_like_it(engine: Engine, path: str, text: str) -> None:
    made = {name: expand(shape, Random(name)) for name, shape in
            (("b64", "{{b64*43}}"), ("hex", "{{hex*64}}"), ("upper", "{{upper*54}}"), ("site", "{{alnum*38}}"),
             ("hex2", "{{hex*64}}"), ("hex62", "{{hex*62}}"),
             ("sol1", "{{b58*44}}"), ("sol2", "{{b58*44}}"), ("sol3", "{{b58*44}}"))}  # fmt: skip
    findings, _ = scan(engine, path, text.format(**made))
    assert [finding.rule for finding in findings] == []


ALONE = [
    ("bitso.api-key", "bot.ts", "const bitsoKey = '{}';\n", "QxW{{lower*1}}Zv{{lower*1}}Qkz"),
    ("hyperliquid.key-in-call", "h.py", "from hyperliquid.exchange import Exchange\n\na = Account.from_key('{}')\n", "0x{{hex*64}}"),
    ("ethereum.private-key", "k.yaml", "env:\n  - name: WALLET_PRIVATE_KEY\n    value: '{}'\n", "0x{{hex*64}}"),
    ("ethereum.key-in-call", "P.cs", 'var account = new Account("{}", 1);\n', "0x{{hex*64}}"),
    ("kucoinfutures.api-secret", ".vntrader/connect_kucoinfutures.json", '{{\n    "Secret Key": "{}"\n}}', "{{uuid}}"),
    ("bitmex.api-key-id", "accounts.yml", "bitmex:\n  id: {}\n  secret: none\n", "{{b64u*24}}"),
    ("ethereum.key-for-signing", "s.js", 'web3.eth.accounts.signTransaction(tx, "{}");\n', "0x{{hex*64}}"),
    ("ethereum.short-name-bare-key", "s.py", "w3 = Web3(HTTPProvider(u))\npk = '{}'\n", "{{hex*64}}"),
    ("deribit.client-id", "c.toml", 'name = "deribit"\nkey = "{}"\n', "QxWpZvKq"),
    ("tron.key-in-call", "t.py", "from tronpy.keys import PrivateKey\nkey = PrivateKey(bytes.fromhex('{}'))\n", "{{hex*64}}"),
    ("aevo.api-key", ".env", "AEVO_API_KEY={}\n", "0123{{hex*24}}4444"),
    ("orderly.api-key", "gh.sh", 'gh secret set ORDERLY_API_KEY --body "{}"\n', "ed25519:Ae{{b58*42}}"),
    ("bybit.api-secret", "run/secrets/bybit_api_secret", "{}\n", "{{alnum*36}}"),
    ("bybit.api-key", "secrets/bybit/api_key.txt", "{}\n", "{{alnum*18}}"),
    ("bithumb.api-key", "b.py", "import pybithumb\ncon_key = '{}'\n", "{{hex*32}}"),
]


@pytest.mark.parametrize(("rule", "path", "text", "shape"), ALONE, ids=[case[0] for case in ALONE])
def test_a_part_alone_has_its_rule(engine: Engine, rule: str, path: str, text: str, shape: str) -> None:
    findings, _ = scan(engine, path, text.format(expand(shape, Random(rule))))
    assert [finding.rule for finding in findings] == [rule]


CSV = "name,api_key,api_secret\n" + "".join(f"a{n},{{{n}}},{{{n + 3}}}\n" for n in range(3))
MARKDOWN = "| venue | api key | api secret |\n|---|---|---|\n" + "".join(f"| b{n} | {{{n + 6}}} | {{{n + 9}}} |\n" for n in range(3))


@pytest.mark.parametrize("order", [(CSV, MARKDOWN), (MARKDOWN, CSV)], ids=["csv first", "markdown first"])
def test_each_table_of_a_text_is_read(engine: Engine, order: tuple[str, str]) -> None:
    """Heads of tables are seen in no order: those in Markdown first, as a form of their own."""
    values = [expand("{{alnum*48}}", Random(f"cell:{n}")) for n in range(12)]
    text = "\n".join(order).format(*values).encode()
    found = {text[match.secret_start : match.secret_end].decode() for match in engine.scan(text, "notes").matches}
    assert found == set(values)


def values_of(engine: Engine, text: str) -> set[bytes]:
    data = text.encode()
    return {data[match.secret_start : match.secret_end] for match in engine.scan(data, "notes.txt").matches}


@pytest.mark.parametrize("seed", range(8))
def test_what_one_layout_says_is_not_lost_beside_another(engine: Engine, seed: int) -> None:
    """A table, a call, a note of one venue and an environment of another in one text: all that each of them gives alone."""
    draw = Random(seed)
    for _ in range(25):
        (one, _, first), (two, _, second) = draw.sample(WRITTEN, 2)
        texts = [first.format(*account(one, seed)), second.format(*account(two, seed + 100))]
        alone = values_of(engine, texts[0]) | values_of(engine, texts[1])
        assert alone <= values_of(engine, "\n".join(texts)), (first, second)


def test_a_row_of_a_large_table_is_left_to_its_head(engine: Engine) -> None:
    """Rows without a head are for files that people write: no pattern of the first stage looks for them."""
    line = ",".join(["gate", *account("gate")]).encode() + b"\n"
    assert len(engine.scan(line, "rows.csv").matches) == 2
    assert engine.scan(line, "rows.py").matches == []
    assert engine.scan(line + b"x,y\n" * 70_000, "rows.csv").matches == []


@pytest.mark.parametrize("name", ["rows.csv", "kraken.key"])
def test_a_window_of_a_large_file_finds_no_more_than_the_whole(engine: Engine, name: str) -> None:
    """A window is smaller than what may hold rows; the file is not."""
    first, second = account("gate" if name == "rows.csv" else "kraken")[:2]
    piece = (f"gate,{first},{second}\n" if name == "rows.csv" else f"{first}\n{second}\n").encode()
    assert engine.scan(piece, name).matches
    assert engine.scan(piece, name, size=1 << 20).matches == []
