"""A file's text with its secrets replaced by references: which expression, in which language, and when not.

Takes the bytes of a file and the findings in them, gives the new bytes and the variables they now need, or says why a
value cannot be replaced and what to do instead. Edits are made of ASCII between the bytes of the file, so line endings,
encoding and everything else stay. A language whose parser Python has is parsed again afterwards. Pure; writes nothing,
names no secret in any message. Imported by cli/fix.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from leakguard.model import Finding

if TYPE_CHECKING:
    import ast


class Value(NamedTuple):
    """A variable that a rewritten file needs. Holds the secret: shows only its name."""

    name: str
    secret: bytes
    rule: str

    def __repr__(self) -> str:
        return f"Value({self.name!r})"


class Refusal(NamedTuple):
    """A finding that is left as it is."""

    finding: Finding
    why: str
    instead: str


class Rewritten(NamedTuple):
    """What became of a file. `data` is the old bytes if nothing could be replaced."""

    data: bytes
    values: tuple[Value, ...]
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Rewritten({self.values!r}, {len(self.refused)} refused)"


class Language(NamedTuple):
    """How one language looks a variable up. `look` and `join` have `{}` for the name."""

    name: str
    look: str
    join: str = "+"
    """The operator that joins strings; "" where a part of a string cannot be replaced."""
    quotes: bytes = b"\"'"
    comment: tuple[bytes, ...] = (b"//",)
    forbidden: str = ""
    """A line that matches holds no place for an expression."""
    because: str = ""
    note: str = ""


_CONST = r"^\s*(?:[\w@]+\s+)*(?:const|static\s+final|case)\b"
LANGUAGES: dict[str, Language] = {
    "python": Language("python", 'os.environ["{}"]', comment=(b"#",)),
    "javascript": Language(
        "javascript", "process.env.{}", quotes=b"\"'`",
        because="a member of an enum cannot be looked up",
        note="process.env is there on a server; what is built for browsers must not hold this value at all",
    ),
    "go": Language("go", 'os.Getenv("{}")', quotes=b"\"`", forbidden=r"^\s*const\b", because="a Go constant cannot be looked up"),
    "ruby": Language("ruby", 'ENV.fetch("{}")', comment=(b"#",)),
    "php": Language(
        "php", 'getenv("{}")', ".", comment=(b"//", b"#"),
        forbidden=r"(?:^|[{;}])\s*(?:(?:final|public|private|protected|static|readonly|var)\s+)*(?:const|public|private|protected|static|var)\b[^()]*=",
        because="a PHP constant or property default cannot be looked up",
    ),
    "java": Language(
        "java", 'System.getenv("{}")', quotes=b'"', forbidden=r"^\s*@|\bcase\b|\bconst\s+val\b",
        because="an annotation, label or compile-time constant cannot be looked up",
    ),
    "csharp": Language(
        "csharp", 'System.Environment.GetEnvironmentVariable("{}")', quotes=b'"', forbidden=r"\bconst\b|^\s*\[|\bcase\b",
        because="a constant or attribute cannot be looked up",
    ),
    "rust": Language(
        "rust", 'std::env::var("{0}").expect("{0} is not set")', "", quotes=b'"',
        forbidden=r"^\s*(?:pub\s+)?(?:const|static)\b", because="a Rust constant cannot be looked up",
        note="std::env::var gives a String where a &str stood: the compiler will say where to borrow it",
    ),
}  # fmt: skip

_EXTENSIONS = {
    "python": (".py", ".pyw"),
    "javascript": (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx"),
    "go": (".go",),
    "ruby": (".rb", ".rake"),
    "php": (".php",),
    "java": (".java", ".kt", ".kts", ".scala", ".groovy"),
    "csharp": (".cs",),
    "rust": (".rs",),
    "shell": (".sh", ".bash", ".zsh", ".ksh"),
    "yaml": (".yml", ".yaml"),
    "npmrc": (".npmrc",),
    "properties": (".properties",),
}
_INSTEAD = {
    ".json": "JSON has no references: read the value from the environment in the program that loads the file, or keep "
    "the file out of git and commit a template",
    ".toml": "TOML has no references: let the program take the value from the environment",
    ".ini": "leave the value empty and let the program take it from the environment",
    ".cfg": "leave the value empty and let the program take it from the environment",
    ".tf": "declare a sensitive variable and set it as TF_VAR_name in the environment",
    ".tfvars": "take it out and set it as TF_VAR_name in the environment",
    ".ipynb": "take it out of the cell and its output; read it with os.environ in the notebook",
    ".xml": "take it from the environment or a settings file that is not committed",
    ".pem": "keep the file out of git and name its path in a variable",
    ".key": "keep the file out of git and name its path in a variable",
}
LONGEST = 512
"""Bytes of the longest value that the scanner cuts out of an assignment (detect/assign.py)."""
_ENDS = b" \t\r\n\"'`,;)]}<>|&#@\\"
_REMOVE = "take the value out by hand"
_PACKED = "it is inside of an archive or another container"
_REPACK = "make that anew without the value, or keep it out of git"


def language_of(path: str) -> str:
    """The name of the language a path speaks, "" for one that has no references."""
    base = os.path.basename(path).lower()
    if re.fullmatch(r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml", base):
        return "compose"
    if re.search(r"(?:^|/)\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml$", path.replace("\\", "/").lower()):
        return "workflow"
    if base in (".envrc", ".bashrc", ".zshrc", ".profile", ".bash_profile"):
        return "shell"
    ending = base if base == ".npmrc" else os.path.splitext(base)[1]
    return next((name for name, endings in _EXTENSIONS.items() if ending in endings), "")


def rewrite(path: str, data: bytes, findings: Sequence[Finding], names: Callable[[Finding, bytes], str]) -> Rewritten:
    """The file with every value replaced that can be. Findings hold their secrets. `names` gives the variable for a
    finding, the same for the same value; it is also told the line up to the value."""
    language = language_of(path)
    edits: list[tuple[int, int, bytes]] = []
    values: dict[str, Value] = {}
    refused: list[Refusal] = []
    packed = [finding for finding in findings if finding.origin.inside is not None]
    refused += [Refusal(finding, _PACKED, _REPACK) for finding in packed]  # their offsets are those of members
    findings = [finding for finding in findings if finding.origin.inside is None]
    for finding in _outermost(findings):
        problem = _cannot(path, language, data, finding)
        if not problem:
            name = names(finding, data[_line_of(data, finding)[0] : finding.start_byte])
            edit = _EDITORS.get(language, _code)(language, data, finding, name)
            if isinstance(edit, str):
                problem = edit
            elif any(edit[0] < high and low < edit[1] for low, high, _ in edits):
                problem = "another value in the same string was replaced; run it again"
            else:
                edits.append(edit)
                values[name] = Value(name, finding.secret or b"", finding.rule)
        if problem:
            refused.append(Refusal(finding, problem, _instead(path, data)))
    made = data
    for low, high, text in sorted(edits, reverse=True):
        made = made[:low] + text + made[high:]
    notes = [_notes(path, language)] if edits else []
    if edits:
        checked = _finish(language, data, made, edits)
        if isinstance(checked, str):
            lost = [finding for finding in findings if not any(item.finding is finding for item in refused)]
            refused += [Refusal(finding, checked, _REMOVE) for finding in lost]
            return Rewritten(data, (), tuple(refused), ())
        made = checked
    return Rewritten(made, tuple(values.values()), tuple(refused), tuple(note for note in notes if note))


def _outermost(findings: Iterable[Finding]) -> list[Finding]:
    """One finding per place: of two that overlap the longer, which replaces both."""
    out: list[Finding] = []
    for finding in sorted(findings, key=lambda f: (f.start_byte, -f.end_byte)):
        if not out or finding.start_byte >= out[-1].end_byte:
            out.append(finding)
    return out


def _cannot(path: str, language: str, data: bytes, finding: Finding) -> str:
    secret = finding.secret
    if secret is None or finding.view or data[finding.start_byte : finding.end_byte] != secret:
        return "the value does not stand there as it is (it is encoded, or put together from pieces)"
    if _goes_on(data, finding.end_byte, secret):
        return "the value goes on where the finding ends: what is left of it would be as secret"
    if b"\n" in secret or b"\r" in secret:
        return "it has several lines: keep it in a file of its own, outside of the repository"
    try:
        secret.decode("utf-8")
    except UnicodeDecodeError:
        return "it is no text"
    if not language:
        return "files of this kind have no references to the environment"
    return ""


def _goes_on(data: bytes, end: int, secret: bytes) -> bool:
    """Whether more of a value follows: a word that goes on, or anything but an end behind one as long as rules look."""
    word = secret[-1:].isalnum() and data[end : end + 1].isalnum()
    return word or (len(secret) >= LONGEST and data[end : end + 1] not in _ENDS)


def _instead(path: str, data: bytes) -> str:
    base = os.path.basename(path).lower()
    if base == ".env" or (base.startswith(".env.") and not base.endswith((".example", ".sample", ".template"))):
        return "this is where values belong, but not in git: add it to .gitignore, then git rm --cached it"
    if base.startswith(("dockerfile", "containerfile")):
        return "use a build secret (RUN --mount=type=secret) or set it when the container starts"
    return _INSTEAD.get(os.path.splitext(base)[1], _REMOVE)


# ---------------------------------------------------------------- one edit
_Edit = tuple[int, int, bytes]


class _Literal(NamedTuple):
    """A string literal on one line: data[low:high] with its quotes, of which `quote` is one."""

    low: int
    high: int
    quote: bytes


def _line_of(data: bytes, finding: Finding) -> tuple[int, int]:
    low = data.rfind(b"\n", 0, finding.start_byte) + 1
    high = data.find(b"\n", finding.end_byte)
    return low, high if high >= 0 else len(data)


def _literal(line: bytes, base: int, at: int, quotes: bytes, comment: Sequence[bytes]) -> _Literal | str:
    """The literal that the offset `at` is in, "comment" if that is one, "" if it is neither."""
    place, start, quote = 0, -1, b""
    while place < len(line):
        char = line[place : place + 1]
        if quote:
            if char == b"\\" and quote != b"`":
                place += 1
            elif char == quote:
                if base + start < at < base + place + 1:
                    return _Literal(base + start, base + place + 1, quote)
                quote = b""
        elif base + place >= at:
            return ""
        elif any(line.startswith(sign, place) for sign in comment):
            return "comment"
        elif char in quotes:
            if line[place : place + 3] == char * 3:
                return "a string of several lines"
            quote, start = char, place
        place += 1
    return ""


def _code(language: str, data: bytes, finding: Finding, name: str) -> _Edit | str:
    """The literal around a value replaced by a look-up, or joined with one."""
    speech = LANGUAGES[language]
    low, high = _line_of(data, finding)
    line = data[low:high]
    found = _literal(line, low, finding.start_byte, speech.quotes, speech.comment)
    if found == "comment":
        return finding.start_byte, finding.end_byte, b"${%s}" % name.encode()
    if isinstance(found, str):
        return f"it stands in {found}" if found else "it stands in no string of one line"
    if finding.end_byte > found.high - 1:
        return "it goes on beyond the string it begins in"
    text = line.decode("utf-8", "replace")
    if (speech.forbidden and re.search(speech.forbidden, text)) or _in_block(language, data[: finding.start_byte]):
        return speech.because
    before = data[found.low - 1 : found.low]
    if before.isalnum() or before in (b"_", b"@", b"$"):
        return "the string has a prefix (bytes, raw or formatted)"
    if language == "javascript" and (before == b"=" and re.search(rb"<\w[^>]*\s[\w-]+=$", data[low : found.low])):
        return "it is an attribute of JSX"
    look = speech.look.format(name).encode()
    head, tail = data[found.low + 1 : finding.start_byte], data[finding.end_byte : found.high - 1]
    if not head and not tail:
        return found.low, found.high, look
    if found.quote == b"`" and language == "javascript":
        return finding.start_byte, finding.end_byte, b"${" + look + b"}"
    if not speech.join:
        return "it is a part of a longer string"
    return found.low, found.high, _joined(head, tail, look, found.quote, speech.join.encode())


def _joined(head: bytes, tail: bytes, look: bytes, quote: bytes, join: bytes) -> bytes:
    parts = [quote + head + quote] if head else []
    parts.append(look)
    parts += [quote + tail + quote] if tail else []
    return b"(" + (b" " + join + b" ").join(parts) + b")"


def _in_block(language: str, before: bytes) -> bool:
    """Whether a Go `const (` or a TypeScript `enum E {` is open."""
    if language == "go":
        opened = before.rfind(b"const (")
        return opened >= 0 and not re.search(rb"(?m)^\s*\)", before[opened:])
    return language == "javascript" and re.search(rb"\benum\s+\w+\s*\{[^}]*\Z", before) is not None


def _shell(_language: str, data: bytes, finding: Finding, name: str) -> _Edit | str:
    low, high = _line_of(data, finding)
    if re.search(rb"<<-?\s*['\"\\]", data[:low]):
        return "the file has a quoted here-document, in which nothing is looked up"
    reference = b"${%s}" % name.encode()
    found = _literal(data[low:high], low, finding.start_byte, b"\"'", (b" #", b"\t#"))
    if isinstance(found, _Literal) and found.quote == b"'":
        if finding.end_byte > found.high - 1:
            return "it goes on beyond the string it begins in"
        head, tail = data[found.low + 1 : finding.start_byte], data[finding.end_byte : found.high - 1]
        text = (b"'" + head + b"'" if head else b"") + b'"' + reference + b'"' + (b"'" + tail + b"'" if tail else b"")
        return found.low, found.high, text
    bare = not isinstance(found, _Literal) and found != "comment"
    before = data[low : finding.start_byte]
    if bare and re.fullmatch(rb"\s*(?:export\s+|readonly\s+|local\s+)?\w+=", before):
        reference = b'"' + reference + b'"'
    return finding.start_byte, finding.end_byte, reference


def _plain(language: str, data: bytes, finding: Finding, name: str) -> _Edit | str:
    """`${NAME}` in place of the value: whoever reads the file expands it."""
    if language == "workflow":
        return finding.start_byte, finding.end_byte, b"${{ secrets.%s }}" % name.encode()
    if language == "yaml" and re.search(rb"(?m)^kind:\s*(?:Secret|ConfigMap)\b", data):
        return "Kubernetes expands nothing in a manifest: use an external or sealed secret"
    return finding.start_byte, finding.end_byte, b"${%s}" % name.encode()


_EDITORS: dict[str, Callable[[str, bytes, Finding, str], _Edit | str]] = {
    "shell": _shell, "yaml": _plain, "compose": _plain, "workflow": _plain, "npmrc": _plain, "properties": _plain,
}  # fmt: skip


def _notes(path: str, language: str) -> str:
    if language == "yaml":
        return "YAML itself expands no ${NAME}: check that what reads this file does"
    if language == "properties":
        return "Spring expands ${NAME}; a program that does not has to"
    if language == "workflow":
        return "a workflow takes the value from the repository's secrets: `gh secret set NAME` (it is in .env as well)"
    return LANGUAGES[language].note if language in LANGUAGES else ""


# ---------------------------------------------------------------- what the whole file needs
def _finish(language: str, before: bytes, made: bytes, edits: Sequence[_Edit]) -> bytes | str:
    """The new text with the import it needs, parsed where there is a parser; or why it cannot be."""
    if language == "python":
        return _python(before, made, sum(b"os.environ[" in text for _, _, text in edits))
    if language == "go" and b"os.Getenv(" in made and not re.search(rb'(?m)^\s*(?:import\s+)?"os"', made):
        return _go_import(made)
    return made


def _python(before: bytes, made: bytes, looked_up: int) -> bytes | str:
    import ast
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about somebody's invalid escapes
        try:
            old = ast.parse(before)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return "the file is not valid Python, so nobody can check what replacing does to it"
        try:
            tree = ast.parse(made)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return "the file would not be valid Python any more"
    if _lookups(tree) - _lookups(old) != looked_up:
        return "it stands in a string of several lines, or in other text that is no code"
    if not looked_up or any(
        isinstance(node, ast.Import) and any(name.name == "os" and name.asname is None for name in node.names)
        for node in tree.body
    ):
        return made
    after = 0
    for node in tree.body:
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not text and not future:
            break
        after = node.end_lineno or 0
    if re.search(rb"\r(?!\n)", made):
        return "the file has line ends of several kinds"
    lines = made.split(b"\n")
    if not after:  # comments at the top stay there: one may name the interpreter or the encoding
        while after < len(lines) and lines[after].lstrip(b"\xef\xbb\xbf").startswith(b"#"):
            after += 1
    end = b"\r" if b"\r\n" in made else b""
    lines.insert(after, b"import os" + end)
    return b"\n".join(lines)


def _lookups(tree: ast.AST) -> int:
    """How often a program looks into os.environ."""
    import ast

    return sum(
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "environ"
        and isinstance(node.value.value, ast.Name)
        and node.value.value.id == "os"
        for node in ast.walk(tree)
    )


def _go_import(made: bytes) -> bytes | str:
    end = b"\r\n" if b"\r\n" in made else b"\n"
    block = re.search(rb"(?m)^import \(\r?\n", made)
    if block:
        return made[: block.end()] + b'\t"os"' + end + made[block.end() :]
    package = re.search(rb"(?m)^package \w+[^\n]*\n", made)
    if package is None:
        return "the file names no package"
    return made[: package.end()] + end + b'import "os"' + end + made[package.end() :]


# ---------------------------------------------------------------- names and .env
_GENERIC = frozenset(
    "key secret token password passwd pass pwd apikey api_key api_secret auth value data private_key access_token passphrase"
    " secret_key access_key memo uid account accounts client_id client_secret refresh_token mnemonic seed".split()
)
_AROUND = re.compile(r"^(?:SET|WITH|PUT)_(?=\w)|_OF_CLIENT$")
"""What a setter's name begins with, and how detect/forms/rows.py ends the names of a client's arguments, which have none."""


_ASSIGNED = re.compile(rb"([A-Za-z_][\w.-]*)[\"'\])]*\s*(?::\s*[\w.\[\]]+\s*)?(?::=|=>|=|:)\s*[\"'`\[({]*$")


def variable(finding: Finding, before: bytes = b"") -> str:
    """The name of the environment variable for a finding: the name it has, or that stands `before` it, or else its
    provider's and kind's."""
    assigned = None if b"://" in before[-80:] else _ASSIGNED.search(before[-200:])
    known = finding.name or (assigned[1].decode() if assigned else "")
    last = re.split(r"[.\[\]\"'/: ]+", known.strip("\"'[] "))[-1]
    own = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", last)
    own = _AROUND.sub("", re.sub(r"[^A-Za-z0-9]+", "_", own).strip("_").upper())
    kind = re.sub(r"[^A-Za-z0-9]+", "_", finding.rule.split(".", 1)[-1]).upper()
    maker = re.sub(r"[^A-Za-z0-9]+", "_", finding.provider).strip("_").upper()
    bare = len(own) < 3 or not own.isascii() or len(own) > 60
    if bare:
        own = kind
    if (bare or own.lower() in _GENERIC) and maker not in ("", "GENERIC") and not own.startswith(maker):
        own = f"{maker}_{own}"
    return own if own[0].isalpha() else f"_{own}"


def env_line(name: str, secret: bytes) -> bytes:
    """A line of a .env file that a shell, compose and the usual libraries read the same way."""
    text = secret
    if re.fullmatch(rb"[A-Za-z0-9_@%+=:,./-]+", text):
        return name.encode() + b"=" + text + b"\n"
    if b"'" not in text:
        return name.encode() + b"='" + text + b"'\n"
    return name.encode() + b'="' + re.sub(rb'([\\"$`])', rb"\\\1", text) + b'"\n'


def env_values(data: bytes) -> dict[str, bytes]:
    """The variables of a .env file and their values, as `env_line` and people write them."""
    out = {}
    for found in re.finditer(rb"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(.*?)[ \t]*\r?$", data):
        value = found[2]
        if len(value) > 1 and value[:1] == value[-1:] == b"'":
            value = value[1:-1]
        elif len(value) > 1 and value[:1] == value[-1:] == b'"':
            value = re.sub(rb'\\([\\"$`])', rb"\1", value[1:-1])
        out[found[1].decode()] = value
    return out
