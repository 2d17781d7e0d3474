"""Names: their words, the part they speak for, and what a value of that name would be.

`part_of` is for the rules of providers, whose shapes judge the value themselves; `kind_of` is for values without a
shape and therefore stricter: `token_type`, `password_file` and `primary_key` name no secret. Pure functions over names,
which are printable, so their results may be kept. Imported by assign.py, context.py, prepared.py, the gates and
redact/.
"""

from __future__ import annotations

from functools import lru_cache

from leakguard.detect.patterns import compiled


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PIECES = compiled(rb"[A-Z]{2,}(?=(?:key|secret|pass(?:phrase|word)?|token)(?![a-z]))|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
"""Of APIkey the small letters are a word of their own: no Ikey."""


_MEANT = {
    **dict.fromkeys(("clave", "chave", "cle", "chiave", "llave", "schluessel", "schlussel", "klucz", "anahtar", "anahtari", "kunci",
                     "sleutel", "klic", "nyckel", "cheie", "kulcs", "keey"), "key"),
    **dict.fromkeys(("secreta", "secreto", "secrete", "segreto", "segreta", "segredo", "geheimnis", "geheim", "geheimer", "geheime",
                     "sekret", "sekretny", "tajny", "gizli", "rahasia", "secert", "sercet", "secrect", "screct", "scret", "secrt", "secet",
                     "seceret", "sectet"), "secret"),
    **dict.fromkeys(("privada", "privado", "privee", "privata", "privato", "privater", "prywatny", "pribadi", "privat"), "private"),
    **dict.fromkeys(("passphrse", "passprase", "passphase", "passhprase", "pasphrase", "passphrace"), "passphrase"),
    **dict.fromkeys(("publica", "publico", "publique", "pubblica", "publiczny"), "public"),
    "frase": "phrase", "secrte": "secret", "apikeey": "apikey", "apikye": "apikey", "apisecert": "apisecret", "secertkey": "secretkey",
    "acces": "access",
    **dict.fromkeys(("chaveapi", "claveapi", "cleapi", "chiaveapi", "apischluessel"), "apikey"),
    **dict.fromkeys(("chavesecreta", "clavesecreta", "clesecrete", "chiavesegreta", "geheimerschluessel"), "secretkey"),
}  # fmt: skip
"""What a word of a name is in English, and in its usual spelling."""
_WHOLE_WORDS = ("apikey", "apisecret", "secretkey", "accesskey", "privatekey", "publickey", "passphrase")
"""Words that are known as one."""
_TAIL = compiled(
    rf"(?P<head>[a-z]{{3,40}}?)??(?:(?P<whole>{'|'.join(_WHOLE_WORDS)})"
    r"|(?P<first>client|auth|app|rest|trading|access|sec|api)(?P<last>key|secret|passphrase|password|pass|pwd|sec|token))"
)
"""A word that nothing parts from the one before it: clientsecret, binanceapikey."""
_ENDS = ("key", "secret", "passphrase", "password", "pass", "pwd", "sec", "token")


def _parted(word: str) -> tuple[str, ...]:
    """The words of one that was written without anything between them, if its end says so."""
    word = _MEANT.get(word, word)
    found = _TAIL.fullmatch(word) if word.endswith(_ENDS) and len(word) > 5 else None
    return tuple(part for part in found.groups() if part) if found else (word,)


@lru_cache(maxsize=65_536)
def words(name: bytes) -> tuple[str, ...]:
    """A name's words: split at case changes, digits and anything else; lower case; those of other languages for the parts of a
    credential, and misspelt ones, as what is meant: clave_secreta and api_secert are a secret's."""
    return tuple(word for piece in _PIECES.findall(name) for word in _parted(piece.decode().lower()))


# Which words in a name speak for which part; the first that fits decides. Runs of whole words.
PART_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("passphrase", ("passphrase", "pass_phrase", "api_pass", "key_pass", "phrase")),
    ("mnemonic", ("mnemonic", "seed_phrase", "recovery_phrase", "secret_phrase")),
    (
        "private-key",
        ("private_key", "priv_key", "privkey", "privatekey", "secret_scalar", "signing_key", "deployer_key"),
    ),
    ("client-secret", ("client_secret", "consumer_secret", "app_secret", "oauth_secret")),
    (
        "api-secret",
        (
            "api_secret", "secret_key", "secretkey", "secret_access_key", "key_secret", "apisecret", "sec_key", "api_sec",
            "private_api_key", "secret_api_key", "mastersecret", "secret",
        ),
    ),
    ("refresh-token", ("refresh_token",)),
    ("session-token", ("session_token", "session_key", "session_id", "session")),
    (
        "access-token",
        (
            "access_token", "auth_token", "api_token", "bearer_token", "oauth_token", "bot_token", "token", "bearer",
            "pat",
        ),
    ),
    ("client-id", ("client_id", "consumer_key", "app_id")),
    ("webhook-url", ("webhook", "hook")),
    (
        "password",
        ("password", "passwd", "pwd", "pass", "psw", "pw", "passcode", "passwort", "kennwort", "wachtwoord", "haslo", "identified_by"),
    ),
    (
        "api-key",
        (
            "api_key", "apikey", "access_key", "accesskey", "masterkey", "key_id", "app_key", "auth_key", "access_id", "api", "key",
            "auth", "access",
        ),
    ),
    ("signing-key", ("signing", "sign", "hmac", "salt")),
    ("encryption-key", ("encryption", "encrypt", "cipher", "aes", "master")),
    ("license-key", ("license", "licence")),
    ("cookie", ("cookie",)),
    ("memo", ("memo",)),
    ("uid", ("uid", "user_id")),
)  # fmt: skip
_HALVES = frozenset({("priv",), ("private",)})
"""Last words of what stands beside `pub` and `public`."""
# A shape rule of the first part also takes names of the others: venues and people call them as they like.
KIN = {
    "api-key": ("client-id", "access-token", "license-key"),
    "api-secret": ("client-secret", "private-key", "api-key", "signing-key", "access-token"),
    "access-token": ("api-key", "api-secret", "password", "session-token", "refresh-token"),
    "client-id": ("api-key",),
    "client-secret": ("api-secret", "api-key", "signing-key"),
    "passphrase": ("password", "api-secret"),
    "password": ("passphrase", "api-secret", "access-token"),
    "private-key": ("api-secret", "signing-key", "api-key"),
    "signing-key": ("api-secret", "api-key", "encryption-key"),
    "encryption-key": ("api-secret", "api-key", "signing-key"),
    "license-key": ("api-key",),
    "webhook-url": ("api-key", "access-token"),
    "session-token": ("access-token", "cookie"),
    "refresh-token": ("access-token",),
    "basic-auth": ("access-token", "password", "api-key"),
    "url-token": ("api-key", "access-token"),
    "memo": ("passphrase",),
    "jwt": ("access-token", "session-token", "api-key"),
}


_RUNS = tuple(
    (part, f"_{run}_", run.replace("_", "") if len(run) > 6 else "") for part, runs in PART_NAMES for run in runs
)
"""(part, a run as it stands among words, the same written as one word if it is long enough to be told from others)."""


@lru_cache(maxsize=65_536)
def part_of(name: tuple[str, ...]) -> str:
    """The part that a name's words speak for; "" if none."""
    if name[-1:] in _HALVES:
        return "private-key"
    if name[-2:] == ("secret", "name"):
        return ""  # which Secret of a cluster holds it
    text = f"_{'_'.join(name)}_"
    joined = "".join(name)
    for part, run, word in _RUNS:
        if run in text or (word and word in joined):
            return part
    last = name[-1] if name else ""
    return next((part for ending, part in _GLUED if last.endswith(ending) and last not in _NO_KEYS), "")


_GLUED = (("secret", "api-secret"), ("passphrase", "passphrase"), ("key", "api-key"))
"""A part that nothing parts from the word before it: venuekey, VENUESECRET."""
_NO_KEYS = frozenset("monkey turkey donkey hockey jockey hotkey passkey whiskey pubkey sshkey hashkey".split())


# ---------------------------------------------------------------- what a name promises
_NOUNS = (
    ("password", (
        "password", "passwd", "passphrase", "passcode", "passwort", "pwd", "psw", "senha", "contrasena", "kennwort",
        "wachtwoord", "motdepasse", "haslo", "psk", "presharedkey", "dbpw", "rootpw", "bindpw", "userpw", "adminpw",
    )),
    ("secret", ("secret", "secretkey", "mnemonic")),
    ("token", ("token", "bearer")),
    ("key", ("apikey", "accesskey", "authkey", "privatekey", "privkey", "masterkey", "signingkey", "encryptionkey")),
)  # fmt: skip
"""Endings of a word that name a kind: `dbpasswd`, `satoken`, `myapikey`."""

PART_OF_KIND = {
    "password": "password", "secret": "api-secret", "token": "access-token", "key": "api-key", "weak": "identifier"
}  # fmt: skip
"""The part of the generic rule that judges a kind."""

_PASSWORDS = frozenset({
    ("pass", "word"), ("bind", "credentials"), ("pass", "phrase"), ("seed", "phrase"), ("secret", "phrase"), ("recovery", "phrase"),
    ("identified", "by"), ("de", "passe"), ("haslo", "bazy"), ("preshared", "key"),
    ("bind", "credential"), ("dn", "credential"), ("security", "credentials"), ("community", "string"),
})  # fmt: skip
_SHARED = frozenset({("shared", "secret"), ("ipsec", "secret"), ("radius", "secret"), ("tacacs", "secret"), ("chap", "secret"),
                     ("enable", "secret")})  # fmt: skip
"""What two ends of a line share: people think it up, as they do passwords."""
_NOT_PASS = _set("bypass compass surpass trespass encompass multipass onepass twopass prepass subpass")
_OF_KEYS = _set(
    "api secret private priv access auth authentication authorization encryption encrypt encrypted crypt cipher aes "
    "des rsa hmac jwt signing sign signature master session client consumer app application service account storage "
    "shared subscription license licence deploy ssh webhook server admin root security integration ingest write read "
    "device instrumentation partner merchant sdk user customer project site tenant function host broker exchange bot"
)
"""`key` is what these have; alone, or after another word, it may be the key of a map."""

_WEAK = _set(
    "key keys auth authorization credential credentials cred creds secrets tokens salt seed session sessionid cookie "
    "sessid private priv nkey xkey signature privatekeys pepper"
)
_NEUTRAL = _set(
    "value val str string text plain plaintext txt raw default dev prod production test testing stage staging live "
    "local b hex enc encrypted encoded confirm confirmation confirmed again repeat repeated new old current for the "
    "my main primary secondary base key data override fallback env master slave input arg temp tmp bytes buf real "
    "actual v a uat sandbox demo qa"
)
"""Words after the noun that leave it what it is."""

_OTHER_THING = _set(
    "file files filename path paths dir directory folder location name names namespace id ids type types typ kind url "
    "urls uri uris endpoint host field fields column label labels title caption message msg error errors err "
    "exception hint placeholder prompt question description desc help text info policy policies rule rules regex "
    "pattern format length len size count cnt number num max min limit index idx position pos offset prefix suffix "
    "header headers param params parameter parameters attr attribute option options opt setting settings config conf "
    "mode method algorithm alg algo version status state expires expiry expiration expire ttl lifetime timeout age "
    "date time timestamp at interval created updated issued last first next usage scope scopes role roles permission "
    "permissions group groups provider manager service factory handler helper util utils class object model entity "
    "schema table view page form screen dialog window button icon image input widget box link store storage cache "
    "repository repo list array map set dict tuple queue stack ref reference references arn source src target env var "
    "variable flag enabled disabled required optional valid invalid validator validation verification reset change "
    "update rotation generator strength score check callback func fn function hook event action command cmd tag node "
    "element item items entry space separator delimiter sep encoding encoder decoder parser reader writer stream "
    "buffer hash hashed hasher digest checksum fingerprint thumbprint salt owner user username domain realm audience "
    "issuer response request result results data api client server proxy cookie session certificate cert pem pub "
    "public annotation volume property properties mount selector projection backend engine plugin strategy mapping "
    "binding context definition template sequence chain address addr contract mint mgr control controller verifier "
    "identity needed incorrect sha md bcrypt scrypt argon pbkdf crypt order sort range match word words phrase kinds code "
    "codes counter slot slots topic topics leaf merkle not allowed denied mismatch missing empty expired failed failure stdin"
)
"""Words after the noun that make it something about a secret."""

_ABOUT = _set(
    "is has have had no not without non need needs require requires required allow allowed show hide use uses using "
    "used enable disable check validate verify forgot reset change update parse load find search delete remove revoke "
    "min max num count total public pub primary foreign partition sort row cache index map object bucket routing "
    "registry i18n lang language translation translate dict json unique composite hash hashed compare match "
    "matches print log mask encode decode encrypt decrypt hot shortcut arrow idempotency dedupe natural surrogate "
    "range event topic queue channel message lookup column field header param query table property "
    "pagination page continuation next prev previous cancellation csrf xsrf anti forgery authenticity websocket lock "
    "request lifecycle action starting spl quote mgr start end begin stop finish peek skip eat consume expect scan "
    "lex syntax keyword operator punctuation stat"
)
"""Words before the noun that make it a question, a name in a table, or a word of a language."""

_LAST_PART = compiled(rb"[^.]*$")
_DIRECTORY = (b"PWD", b"$PWD", b"OLDPWD", b"$OLDPWD")
_FASTLANE = b"MATCH_PASSWORD"
"""What opens the certificates of an app's maker: no question whether two passwords match."""


@lru_cache(maxsize=65_536)
def kind_of(name: bytes) -> str:
    """What a value of that name would be: password, secret, token, key, weak (perhaps one), or "" for no secret."""
    last = _LAST_PART.search(name)
    if name == _FASTLANE:
        return "password"
    pieces = list(words(last[0])) if last and name not in _DIRECTORY else []
    if pieces in (["enable", "password"], ["enable", "secret"]):
        return "password"  # of a router, or of a service that has two: no switch
    if pieces in (["pw"], ["credentials"]) and last:
        pieces = [*words(name[: last.start()])[-1:], *pieces]  # admin.pw, java.naming.security.credentials
    if pieces == ["key"] and last:
        pieces = [*words(name[: last.start()])[-1:], "key"]  # api.key
    while len(pieces) > 1 and (pieces[-1] in _NEUTRAL or pieces[-1].isdigit()):
        if pieces[-1] == "key" and _noun(pieces[:-1]) not in ("secret", "token"):
            break
        pieces.pop()
    if not pieces:
        return ""
    kind = _noun(pieces)
    size = len(pieces)
    if not kind and _OTHER_THING.isdisjoint(pieces):
        # password_root, token_github: the noun, and whose it is
        while size > 1 and kind in ("", "weak"):
            size -= 1
            kind = _noun(pieces[:size])
        if kind == "weak" or (size < len(pieces) and pieces[size - 1].endswith("psk")):
            kind = ""  # PSK-AES256-GCM is a cipher
    return kind if _ABOUT.isdisjoint(pieces[: size - (size == len(pieces))]) else ""


_CHOSEN = _set("memo login client app sid user username uid account phrase passphrase mnemonic")


@lru_cache(maxsize=65_536)
def plain(name: bytes) -> bool:
    """Whether a short word without a digit is none of this name's secrets, whoever's they are."""
    return kind_of(name) in ("", "weak") and _CHOSEN.isdisjoint(words(name))


_LONGEST_SHORT = 5
_COINS = {"bnb": "binance", "kcs": "kucoin", "cro": "cryptocom", "cdc": "cryptocom", "okb": "okx", "bgb": "bitget", "ftt": "ftx"}


@lru_cache(maxsize=4_096)
def short_for(word: str, provider: str) -> bool:
    """Whether a word is how people shorten a provider's name: its letters in their order, from the first on (drb, btm, bvv), its
    end without the `coin` or `bit` before it (dcx), or its own coin (bnb)."""
    if _COINS.get(word) == provider:
        return True
    if len(word) > _LONGEST_SHORT or len(word) >= len(provider):
        return False
    if provider.endswith(word):
        return True
    letters = iter(provider)
    return word[:1] == provider[:1] and all(letter in letters for letter in word)


_VENUES = _set("latoken onetoken hashkey")


def _noun(pieces: list[str]) -> str:
    """The kind the last word names."""
    last = pieces[-1]
    if tuple(pieces[-2:]) in _SHARED:
        return "password"
    for kind, endings in _NOUNS:
        if last.endswith(endings) and last not in _VENUES:
            return kind
    before = pieces[-2] if len(pieces) > 1 else ""
    if before == "withdrawal" and last == "credentials":
        return ""  # a validator's: the hash of who is paid
    if (before, last) in _PASSWORDS or (last == "pw" and before) or (last.endswith("pass") and last not in _NOT_PASS):
        return "password"
    if last == "pat" and before:
        return "token"  # a personal access token
    if last == "key" and before == "shared" and pieces[-3:-2] == ["pre"]:
        return "password"  # people think it up: of a tunnel, of a wireless network
    if last == "key" and before in _OF_KEYS:
        return "secret" if before == "secret" else "key"
    if last in _WEAK or (last.endswith("key") and last not in _VENUES):
        return "weak"
    return ""
