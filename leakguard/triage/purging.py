"""What a rewriting of history needs: replacement expressions for git-filter-repo, and the steps around it.

The expressions are the one place where leakguard writes down secrets in full, for nothing else can be replaced. Values
that stand in history in other forms (encoded, in binary files, in names) are told apart: filter-repo does not replace
those. Pure text; imported by cli/purge.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from leakguard.hashes import blake2b
from leakguard.model import LOW_ENTROPY_PARTS, Finding
from leakguard.triage.rewrite import LONGEST

SHORTEST = 8
"""Bytes below which a value is replaced by nobody: it would take harmless text with it, everywhere in history."""

_CLEAR = 12
_TAIL = rb"[0-9A-Za-z+/=_\-]*"
"""What may follow a value that is as long as the scanner takes one: its rest, which no finding holds."""


class Secret(NamedTuple):
    """One value to purge. Shows its rule and length only."""

    value: bytes
    rule: str
    fingerprint: str

    def __repr__(self) -> str:
        return f"Secret({self.rule!r}, {len(self.value)} bytes)"


class Sorted(NamedTuple):
    """Findings by how they can be purged."""

    replace: tuple[Secret, ...]
    short: tuple[Finding, ...]
    """Too short or too common to be replaced everywhere."""
    elsewhere: tuple[Finding, ...]
    """Encoded, in containers or names: replacing text does not reach them."""


def sort(findings: Iterable[Finding]) -> Sorted:
    """Which findings can be replaced as text. They must hold their secrets."""
    replace: dict[bytes, Secret] = {}
    short: list[Finding] = []
    elsewhere: list[Finding] = []
    for finding in findings:
        value = finding.secret or b""
        if not value or finding.view or finding.origin.inside is not None or finding.origin.kind not in _TEXT:
            elsewhere.append(finding)
        elif len(value) < SHORTEST or (finding.part in LOW_ENTROPY_PARTS and not _clear(value)):
            short.append(finding)
        else:
            replace.setdefault(value, Secret(value, finding.rule, finding.fingerprint))
    # a value that is found encoded here may stand bare there
    values = sorted(replace.values(), key=lambda secret: (-len(secret.value), secret.value))
    return Sorted(tuple(values), tuple(short), tuple(elsewhere))


_TEXT = frozenset({"blob", "commit", "tag"})


def _clear(value: bytes) -> bool:
    """Whether a value that people chose is long and mixed enough to be nothing but itself."""
    kinds = (rb"[a-z]", rb"[A-Z]", rb"[0-9]", rb"[^A-Za-z0-9]")
    return len(value) >= _CLEAR and sum(bool(re.search(kind, value)) for kind in kinds) >= 2


def expressions(secrets: Iterable[Secret]) -> bytes:
    """The file for `git filter-repo --replace-text` and `--replace-message`: longest values first."""
    return b"".join(expression(secret) for secret in secrets)


def expression(secret: Secret) -> bytes:
    """One line. A value that a line cannot hold as it is becomes a regular expression of exactly these bytes, one that
    the scanner cut one of these and what goes on behind them."""
    value = secret.value
    replacement = f"***REMOVED:{secret.rule}***".encode()
    tail = _TAIL if len(value) == LONGEST else b""
    plain = all(0x20 < byte < 0x7F for byte in value) and b"==>" not in value
    if plain and not tail:
        return b"literal:" + value + b"==>" + replacement + b"\n"
    escaped = b"".join(bytes((byte,)) if chr(byte).isalnum() and byte < 0x80 else b"\\x%02x" % byte for byte in value)
    return b"regex:" + escaped + tail + b"==>" + replacement + b"\n"


def values_of(data: bytes) -> list[bytes]:
    """The values of a file that `expressions` made."""
    out = []
    for line in data.split(b"\n"):
        head = line.rpartition(b"==>")[0]
        if head.startswith(b"literal:"):
            out.append(head[8:])
        elif head.startswith(b"regex:"):
            escaped = head[6:].removesuffix(_TAIL)
            out.append(re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes((int(found[1], 16),)), escaped))
    return out


class Others:
    """Values that replacing does not reach, known by keyed hashes: a proof has to look for them, too, and a second file of
    secrets is one too many."""

    def __init__(self, salt: bytes, digests: Iterable[bytes] = ()) -> None:
        self._salt = salt
        self._digests = set(digests)

    @staticmethod
    def of(found: Sorted) -> Others:
        """Those of a plan."""
        import os

        made = Others(os.urandom(32))
        made._digests = {made._digest(f.secret) for f in (*found.short, *found.elsewhere) if f.secret}
        known = {made._digest(secret.value) for secret in found.replace}
        made._digests -= known
        return made

    @staticmethod
    def parse(data: bytes) -> Others:
        """ValueError for what `text` did not make."""
        head, *rest = data.decode("ascii").split()
        if len(head) != 64 or any(len(line) != 64 for line in rest):
            raise ValueError("not the file of a plan")
        return Others(bytes.fromhex(head), map(bytes.fromhex, rest))

    def text(self) -> bytes:
        """The file: the key of the hashes, then each of them."""
        lines = [self._salt.hex(), *sorted(digest.hex() for digest in self._digests)]
        return "".join(f"{line}\n" for line in lines).encode()

    def _digest(self, value: bytes) -> bytes:
        return blake2b(value, digest_size=32, key=self._salt, person=b"purge plan").digest()

    def __len__(self) -> int:
        return len(self._digests)

    def __contains__(self, value: bytes) -> bool:
        return bool(self._digests) and self._digest(value) in self._digests


def records(text: str, name: str) -> Iterable[tuple[bytes, dict[str, Any]]]:
    """(secret, record) of each finding in a report of ours, json or jsonl, made with --show-secrets.

    ValueError if it is none, or holds no secrets; its message names the file only.
    """
    import json
    from binascii import a2b_base64

    try:
        document = json.loads(text)
        items = document["findings"] if isinstance(document, dict) and "findings" in document else [document]
    except ValueError:
        items = [json.loads(line) for line in text.splitlines() if line.strip()]
    for item in items:
        if item.get("type") != "finding":
            continue
        if "secret" in item:
            yield item["secret"].encode(), item
        elif "secret_base64" in item:
            yield a2b_base64(item["secret_base64"]), item
        else:
            raise ValueError(f"{name}: holds no secrets: make it with --show-secrets")


STEPS = """\
PURGE PLAN for {name}
{secrets} values in {places} places. Rewriting history is the second step, never the first: whoever has a clone, a fork
or a cache keeps what was there.

 1. REVOKE AND REPLACE every value now, wherever it opens something. Until that is done stop here. Then look at the logs
    of each service since the day the value was first committed.

 2. Merge or close open pull requests, tell everybody to push what they have, and freeze pushing.

 3. Rewrite a fresh clone (needs git-filter-repo 2.47 or newer; pip install git-filter-repo):
      git clone --mirror URL purge.git
      cd purge.git
      git filter-repo --sensitive-data-removal --replace-text {expressions} \\
        --replace-message {expressions}
    Note the "first changed commits" and orphaned LFS objects that it prints: step 7 asks for them.

 4. What replacing text does not reach:
{rest}

 5. Before anything is pushed, prove it:
      leakguard purge-plan --verify purge.git --expressions {expressions}

 6. Push it over the old history, then check that branch protection is back:
      git push --force --mirror origin
    The server refuses refs/pull/* (they are its own): step 7.

 7. At the server: ask for removal of cached views, of refs/pull/* and of unreachable objects (GitHub: support, with the
    first changed commits; GitLab: Settings, Repository, Repository maintenance, then housekeeping with prune). Delete
    releases, packages, build artifacts, CI caches and logs, wikis and snippets that hold the values.

 8. FORKS keep the old objects, and so do mirrors: list them, have each deleted or rewritten. Submodules and vendored
    copies of this repository are separate repositories: repeat for each.

 9. EVERY CLONE (collaborators, build machines, deploy targets, backups): delete it and clone anew. Where work has to be
    kept, rebase it (never merge) onto the new history, then in that clone:
      git stash list                       # stashes hold old objects: apply what is needed, then
      git stash clear
      git worktree list                    # linked work trees have HEADs and reflogs of their own
      git update-ref -d ORIG_HEAD; rm -f .git/FETCH_HEAD .git/*_EDITMSG .git/*_MSG
      git for-each-ref --format='delete %(refname)' refs/original refs/replace | git update-ref --stdin
      git reflog expire --expire=now --expire-unreachable=now --all
      git gc --prune=now
      git lfs prune                        # if LFS is used
    and prove it:
      leakguard purge-plan --verify . --expressions {expressions}

10. Destroy the file with the expressions: it holds every value in full. (The one beside it holds hashes of the values
    that step 4 lists, for --verify: keep the two together until then.)
      {destroy}
"""


def others_file(expressions_file: str) -> str:
    """Where the hashes of the values lie that replacing does not reach: beside the expressions."""
    return f"{expressions_file}.others"


def steps(name: str, found: Sorted, places: int, expressions_file: str) -> str:
    """The plan as text, without any secret."""
    rest = [
        f"      {f.rule} in {f.path}:{f.start_line}: " + ("encoded or in a container" if f.view or f.origin.inside else f.origin.kind)
        for f in found.elsewhere
    ]  # fmt: skip
    rest += [
        f"      {f.rule} in {f.path}:{f.start_line}: too short or too common to replace everywhere" for f in found.short
    ]
    if rest:
        rest.append(
            "    Binary or encoded: drop those versions (git filter-repo --strip-blobs-with-ids FILE, or --path FILE"
        )
        rest.append("    --invert-paths). Names: --path-rename, --refname-callback. People: --mailmap.")
    else:
        rest = [
            "      nothing was found of that kind. (filter-repo leaves files with NUL bytes alone: --verify tells.)"
        ]
    from shlex import quote

    return STEPS.format(
        name=name, secrets=len(found.replace), places=places, expressions=quote(expressions_file),
        rest="\n".join(rest), destroy=f"rm {quote(expressions_file)} {quote(others_file(expressions_file))}",
    )  # fmt: skip
