"""What people call a key, its secret and its passphrase in the languages that they write notes in.

Data for forms/said.py: labels with what an English note would say, and how labels end, as a pattern of the first stage. Knows
no bytes and no rules. Imported by forms/said.py only.
"""

from __future__ import annotations

# What people call the parts in their languages, the longer before the shorter, and what an English note would say.
LABELS: tuple[tuple[str, str], ...] = (
    ("секретный ключ", "secret key"), ("приватный ключ", "private key"), ("закрытый ключ", "private key"),
    ("пароль", "passphrase"), ("секрет", "secret"), ("ключ", "api key"),
    ("シークレットキー", "secret key"), ("シークレット", "secret"), ("アクセスキー", "access key"),
    ("秘密鍵", "private key"),
    ("パスフレーズ", "passphrase"), ("パスワード", "passphrase"), ("キー", "api key"),
    ("秘密密钥", "secret key"), ("访问密钥", "access key"), ("api密钥", "api key"), ("api 密钥", "api key"), ("api密鑰", "api key"),
    ("密钥", "secret key"), ("密鑰", "secret key"),
    ("私钥", "secret key"), ("私鑰", "secret key"), ("口令", "passphrase"), ("密码", "passphrase"),
    ("密碼", "passphrase"),
    ("시크릿키", "secret key"), ("시크릿 키", "secret key"), ("비밀키", "secret key"), ("시크릿", "secret"),
    ("액세스키", "access key"), ("액세스 키", "access key"), ("개인키", "private key"), ("비밀번호", "passphrase"),
    ("키", "api key"), ("chave secreta", "secret key"), ("chave privada", "private key"), ("chave da api", "api key"),
    ("clave secreta", "secret key"), ("clave privada", "private key"), ("clave api", "api key"), ("segredo", "secret"),
    ("secreto", "secret"), ("contraseña", "passphrase"), ("senha", "passphrase"), ("chave", "api key"),
    ("clave", "api key"), ("geheimer schlüssel", "secret key"), ("privater schlüssel", "private key"),
    ("schlüssel", "api key"), ("clé secrète", "secret key"), ("clé privée", "private key"), ("clé api", "api key"),
    ("clé", "api key"), ("geheimnis", "secret"), ("chiave segreta", "secret key"), ("chiave privata", "private key"),
    ("chiave api", "api key"),
    ("segreto", "secret"), ("chiave", "api key"), ("gizli anahtar", "secret key"), ("özel anahtar", "private key"),
    ("anahtar", "api key"), ("klucz tajny", "secret key"), ("tajny klucz", "secret key"),
    ("klucz prywatny", "private key"), ("klucz", "api key"), ("hasło", "passphrase"), ("khóa bí mật", "secret key"),
    ("khóa riêng", "private key"), ("khóa", "api key"), ("kunci rahasia", "secret key"),
    ("kunci pribadi", "private key"), ("kunci", "api key"), ("rahasia", "secret"),
    ("gizli anahtarı", "secret key"), ("anahtarı", "api key"),  # noqa: RUF001
    ("секретний ключ", "secret key"), ("приватний ключ", "private key"),
    ("geheime sleutel", "secret key"), ("privésleutel", "private key"), ("sleutel", "api key"),
    ("phrase secrète", "passphrase"), ("phrase de passe", "passphrase"),
    ("μυστικό κλειδί", "secret key"), ("κλειδί", "api key"),
    ("المفتاح السري", "secret key"), ("مفتاح سري", "secret key"), ("مفتاح", "api key"),
    ("کلید مخفی", "secret key"), ("کلید", "api key"), ("מפתח סודי", "secret key"), ("מפתח", "api key"),
    ("गुप्त कुंजी", "secret key"), ("कुंजी", "api key"), ("คีย์ลับ", "secret key"), ("คีย์", "api key"),
    ("密钥secret", "secret key"), ("密钥 secret", "secret key"),
    ("私密密钥", "secret key"), ("秘密键", "secret key"), ("密码短语", "passphrase"), ("口令短语", "passphrase"),
    ("clave pública", "api key"), ("chave pública", "api key"), ("clé publique", "api key"), ("chiave pubblica", "api key"),
    ("clave de la api", "api key"), ("clave de api", "api key"), ("chave de api", "api key"), ("clé d'api", "api key"),
    ("clé de l'api", "api key"), ("chiave dell'api", "api key"),
    ("金鑰", "api key"), ("кодовая фраза", "passphrase"), ("парольная фраза", "passphrase"), ("фраза", "passphrase"),
    ("parola", "passphrase"), ("şifre", "passphrase"), ("mật khẩu", "passphrase"), ("kata sandi", "passphrase"),
    ("mot de passe", "passphrase"), ("كلمة المرور", "passphrase"), ("رمز عبور", "passphrase"),
    ("รหัสผ่าน", "passphrase"),
    ("tajný klíč", "secret key"), ("klíč", "api key"), ("heslo", "passphrase"), ("hemlig nyckel", "secret key"),
    ("nyckel", "api key"), ("lösenord", "passphrase"), ("cheie secretă", "secret key"), ("cheie", "api key"),
    ("parolă", "passphrase"), ("titkos kulcs", "secret key"), ("kulcs", "api key"), ("jelszó", "passphrase"),
    ("公钥", "key of client"), ("公鑰", "key of client"), ("公開鍵", "key of client"), ("공개키", "key of client"),
    ("открытый ключ", "key of client"), ("публичный ключ", "key of client"),
    ("交易密码", "passphrase"), ("交易密碼", "passphrase"), ("资金密码", "passphrase"), ("senha da api", "passphrase"),
    ("contraseña de la api", "passphrase"), ("mot de passe de l'api", "passphrase"), ("api-passwort", "passphrase"),
    ("password dell'api", "passphrase"),
    ("gizli", "secret"), ("cụm mật khẩu", "passphrase"), ("frase de contraseña", "passphrase"), ("엑세스키", "access key"),
    ("엑세스 키", "access key"), ("패스프레이즈", "passphrase"),
    ("geheimer schluessel", "secret key"), ("privater schluessel", "private key"), ("schluessel", "api key"),
    ("апи ключ", "api key"), ("апи-ключ", "api key"), ("апи", "key of client"),
)  # fmt: skip
LAST = (
    "люч|екрет|ароль|キー|シークレット|フレーズ|ワード|鍵|密钥|密鑰|私钥|私鑰|口令|密码|密碼|키|시크릿|비밀번호"
    "|(?i:chave|clave|segredo|secret[oa]|privada|senha|contraseña|schlüssel|secrète|privée|chave da api|clé|clé api"
    "|clave api|geheimnis|chiave|chiave api|segret[oa]|privata|anahtar|klucz|tajny|prywatny|hasło|khóa|bí mật|riêng|kunci"
    "|rahasia|pribadi|anahtarı|sleutel)"  # noqa: RUF001
)
"""How a label ends. Hyperscan reads bytes, so no letter beyond ASCII is in a class or folded. Two words more, and the
database takes a quarter longer over every text: others are a pattern of their own."""

LAST_BEYOND = (
    "апи|短语|金鑰|公钥|公鑰|раза|(?i:schluessel|senha da api|api-passwort|pública|publique|pubblica|de la api|de api|d'api|l'api"
    "|parol[aă]|şifre|gizli|khẩu|sandi|de passe|klíč|heslo|nyckel|lösenord|cheie"
    "|secretă|kulcs|jelszó)|المرور|عبور|รหัสผ่าน|κλειδί|السري|سري|مفتاح|کلید|مخفی|מפתח|סודי|कुंजी|คีย์|ลับ|键|프레이즈"
)
"""The same for writing systems that share no letter with these, and for words that fewer people write."""
