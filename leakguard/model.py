"""The values that travel through leakguard: rules, origins, documents, matches, findings, sets.

Values only: no input or output, nothing of the project but `errors` is imported. Nothing here that
outlives its Document holds a plaintext secret, except `Finding.secret`, which stays None unless the user asked
with `--show-secrets`. Hot values are NamedTuples (cheap to make, cheap to import).
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

MAX_MATCH = 16_384
"""Longest match a rule may have, in bytes."""


class Severity(IntEnum):
    """What a thief can do with the value alone."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """The name that reports and configurations use."""
        return self.name.lower()


class Confidence(IntEnum):
    """How sure a match is; CERTAIN only by proof."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CERTAIN = 4

    @property
    def label(self) -> str:
        """The name that reports and configurations use."""
        return self.name.lower()


PARTS = (
    "api-key", "api-secret", "passphrase", "memo", "uid", "account", "private-key", "mnemonic", "seed",
    "access-token", "refresh-token", "session-token", "client-id", "client-secret", "webhook-url",
    "connection-string", "url-token", "username", "password", "basic-auth", "signing-key", "encryption-key",
    "license-key", "keystore", "certificate", "signature", "cookie", "jwt", "identifier",
)  # fmt: skip
"""Everything a rule may call its value."""

STATUSES = ("stable", "preview", "deprecated")

LOW_ENTROPY_PARTS = frozenset({"password", "passphrase", "username", "memo", "uid", "account", "basic-auth"})
"""Kinds people choose themselves: a keyed hash of one can be guessed, so they are identified by place."""


ABOUT = "\0"
"""Ends each thing that a path, as the engine is told it, says it is about. What comes behind the last is the path. No file
is called so, and a member that is says nothing by it (`Origin.told`)."""


class Origin(NamedTuple):
    """Where bytes came from: a chain, the innermost container's member first.

    `kind` is file, stdin, member, blob, layer, ...; `path` is POSIX and relative to its container; `inside` is
    the container's own origin; `facts` are printable pairs (commit, author, digest ...). `about` is what its container
    says this is about, the nearer last (the subject of a mail, what other cells of a notebook import): it is shown nowhere.
    """

    kind: str
    path: str
    inside: Any = None  # Origin | None; mypy has no recursive NamedTuple
    facts: tuple[tuple[str, str], ...] = ()
    about: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """The path as the engine is told it: behind what it is about (ABOUT)."""
        if not self.about and ABOUT not in self.path:
            return self.path  # nearly all
        return ABOUT.join(text.replace(ABOUT, " ") for text in (*self.about, self.path))

    def __str__(self) -> str:
        return f"{self.inside}!/{self.path}" if self.inside is not None else self.path

    def as_json(self) -> dict[str, Any]:
        """Plain data, with what it is inside of."""
        out: dict[str, Any] = {"kind": self.kind, "path": self.path}
        if self.facts:
            out["facts"] = dict(self.facts)
        if self.inside is not None:
            out["inside"] = self.inside.as_json()
        return out


class Document:
    """A run of bytes with its origin: the only carrier of raw bytes.

    `data` is the bytes at `base` of the whole (`base` 0 unless it is a window of something larger). Only
    matches whose secret starts in [core_start, core_end) of `data` belong to this document; the rest is
    context that a neighbouring window reports. `first_line` is the number of the line that `data` starts in.
    """

    __slots__ = ("base", "core_end", "core_start", "data", "final", "origin")

    def __init__(
        self,
        data: bytes,
        origin: Origin,
        base: int = 0,
        core_start: int = 0,
        core_end: int | None = None,
        final: bool = True,
    ) -> None:
        self.data = data
        self.origin = origin
        self.base = base
        self.core_start = core_start
        self.core_end = len(data) if core_end is None else core_end
        self.final = final

    def __repr__(self) -> str:
        return f"Document({self.origin}, {self.base}+{len(self.data)})"


class Rule(NamedTuple):
    """One rule, compiled form: everything but its examples. See docs/rules.md for the fields."""

    id: str
    provider: str
    title: str
    part: str
    severity: int
    confidence: int
    keywords: tuple[str, ...] = ()
    pattern: str = ""
    trigger: str = ""
    """First-stage pattern (hyperscan syntax); ends inside every match."""
    shape: str = ""
    names: tuple[str, ...] = ()
    width: tuple[int, int] = (0, 0)
    """Shortest and longest match in bytes."""
    gates: tuple[tuple[str, Any], ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    why: str = ""
    fix: str = ""
    status: str = "stable"
    since: str = "0.1"
    replaced_by: str = ""
    generic: bool = False
    """Yields to every rule that names a provider."""
    yields: bool = False
    """Yields to a rule that says more of the same value: a chain's key to the venue that it belongs to."""
    alone: bool = False
    """A shape rule whose `names` are enough, where nothing names a provider."""


class SetRule(NamedTuple):
    """Parts that together make a usable credential."""

    id: str
    provider: str
    title: str
    parts: tuple[tuple[str, tuple[str, ...]], ...]
    """(role, rule ids that can fill it), in the order of the pack."""
    required: tuple[str, ...]
    severity: int
    allows: tuple[str, ...] = ()
    why: str = ""


class Venue(NamedTuple):
    """What is known of a place that credentials belong to."""

    provider: str
    title: str
    kind: str = ""
    status: str = "live"
    aliases: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    testnet_hosts: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    revoke: str = ""
    first: tuple[str, ...] = ()
    rights: str = ""
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class RuleSet(NamedTuple):
    """All rules in force, with the hash that names exactly this selection."""

    rules: Sequence[Rule]
    sets: Sequence[SetRule]
    venues: Sequence[Venue]
    digest: str
    prepared: bytes = b""
    """Tables made of all of the above (detect/prepared.py), if they came with it from the cache."""


class Match(NamedTuple):
    """A rule fired: offsets into its Document's data, no plaintext.

    `start`/`end` and `secret_start`/`secret_end` are offsets in `data` (for a decoded view: of the encoded
    run the secret came from). `view` is () for raw bytes, else the decoders passed, outermost first.
    `key` is the keyed digest of the secret's bytes (16 bytes): what identity is made of.
    """

    rule: int
    start: int
    end: int
    secret_start: int
    secret_end: int
    confidence: int
    view: tuple[str, ...]
    key: bytes
    length: int
    """Length of the secret itself in bytes (differs from the span in a decoded view)."""
    name: str = ""
    """The variable, field or header it was assigned to, where known. Printable."""
    facts: tuple[tuple[str, str], ...] = ()
    reasons: tuple[str, ...] = ()
    """Why it fired: proofs passed, how the provider was named."""
    secret: bytes | None = None
    """The secret's bytes; set only if the engine was told to keep secrets."""

    def __repr__(self) -> str:
        return f"Match({self.rule}, {self.secret_start}, {self.secret_end}, {'>'.join(self.view)})"


HALF = "the other half was not found"
"""A reason of findings that are of no use to a thief as they stand; see triage/exposure.py. Of several parts that are there, what
is missing stands behind it."""


def is_half(reasons: Iterable[str]) -> bool:
    """Whether something is missing to what has these reasons."""
    return any(reason.startswith(HALF) for reason in reasons)


class Suppression(NamedTuple):
    """Why a finding is not reported, or why what was to suppress it did not count (`note`)."""

    way: str
    """inline, foreign (another tool's comment) or baseline."""
    reason: str
    """The justification its author gave. Printable once escaped; secrets in it are masked."""
    where: str = ""
    """Where the comment is, or file and line of the entry."""
    owner: str = ""
    expires: str = ""
    """YYYY-MM-DD, or "" for never."""
    accepted: bool = False
    """Set by triage.suppress.apply alone: until then the finding is reported."""
    note: str = ""
    proof: tuple[bytes, ...] = ()
    """Digests of the comment's lines; never reported."""


class Finding(NamedTuple):
    """A match placed and judged: safe to print, log and store while `secret` is None.

    Lines and columns count from 1; a column is a byte offset in its line plus one; end columns are exclusive.
    Byte offsets are absolute in the object named by `origin`.
    """

    rule: str
    provider: str
    part: str
    title: str
    severity: Severity
    confidence: Confidence
    fingerprint: str
    origin: Origin
    start_line: int
    start_column: int
    end_line: int
    end_column: int
    start_byte: int
    end_byte: int
    masked: str
    """The line with every found secret replaced by `<rule:length>`, cut around this one."""
    length: int
    view: tuple[str, ...] = ()
    name: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    reasons: tuple[str, ...] = ()
    why: str = ""
    fix: str = ""
    set_id: str = ""
    secret: bytes | None = None
    suppression: Suppression | None = None

    @property
    def path(self) -> str:
        """Where it is, as reports name it."""
        return str(self.origin)

    def __repr__(self) -> str:
        return f"Finding({self.rule}, {self.origin}:{self.start_line}, {self.fingerprint})"


class CredentialSet(NamedTuple):
    """Findings that together make a usable credential, or a lone half of one."""

    id: str
    rule: str
    provider: str
    title: str
    severity: Severity
    parts: tuple[tuple[str, str], ...]
    """(role, fingerprint of the finding)."""
    complete: bool
    missing: tuple[str, ...]
    allows: tuple[str, ...]
    why: str
    origin: Origin
    start_line: int
    end_line: int
    testnet: bool = False
    steps: tuple[str, ...] = ()


def rights(allows: Iterable[str]) -> str:
    """What a set allows in words: packs mark with `?` what holds unless the key was restricted at the venue."""
    given = list(allows)
    sure = [right for right in given if not right.endswith("?")]
    maybe = "; ".join(right[:-1] for right in given if right.endswith("?"))
    if maybe:
        sure.append(f"unless the key is restricted{' also' if sure else ''}: {maybe}")
    return "; ".join(sure)


class Incident(NamedTuple):
    """Something that was not looked at, or not to its end. `state`: skipped, failed, truncated."""

    state: str
    origin: str
    reason: str
    bytes: int = 0


class Totals(NamedTuple):
    """What a run looked at."""

    objects: int = 0
    bytes: int = 0
    views: int = 0
    view_bytes: int = 0


class ScanResult(NamedTuple):
    """All that a run found, and all it could not look at."""

    findings: tuple[Finding, ...]
    sets: tuple[CredentialSet, ...]
    incidents: tuple[Incident, ...]
    totals: Totals
    suppressed: tuple[Finding, ...] = ()
    receipt: Mapping[str, Any] = {}
