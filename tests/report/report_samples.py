"""Results that the report tests render: made by hand, no real-looking secret among them."""

from __future__ import annotations

from datetime import UTC, datetime

from leakguard.model import (
    Confidence,
    CredentialSet,
    Finding,
    Incident,
    Origin,
    ScanResult,
    Severity,
    Suppression,
    Totals,
)
from leakguard.report import ReportContext, RuleInfo

KEY = b"NOT-A-KEY-sample-0001"
SECRET = b"NOT-A-SECRET-sample-0002"
BLOB = b"\xff\xfeNOT-TEXT-sample-0003"
HOSTILE = b"=NOT-A-SECRET\x1b[31m::error::]]>-0004"

KEY_WHY = "Names the account; alone it signs nothing."
KEY_FIX = "Delete the key together with its secret."
WHY = "Signs orders and, if the key allows it, withdrawals. Nobody asks for a second factor."
FIX = (
    "Delete the key under API Management first, then look at orders, withdrawals and new whitelist entries since "
    "the day the file was written. Removing the line from the file does not help: the value is known."
)

RULES = {
    "binance.api-secret": RuleInfo(
        "Binance API secret", WHY, FIX, Severity.CRITICAL, ("https://developers.binance.com/docs",), ("exchange",)
    ),
    "binance.api-key": RuleInfo("Binance API key", KEY_WHY, KEY_FIX, Severity.HIGH, (), ("exchange",)),
}


def context(**changes: object) -> ReportContext:
    base = ReportContext(
        version="0.1.0",
        rules_digest="0123456789abcdef0123456789abcdef",
        config_digest="fedcba9876543210fedcba9876543210",
        started=datetime(2026, 1, 31, 9, 30, 0, tzinfo=UTC),
        finished=datetime(2026, 1, 31, 9, 30, 2, 500000, tzinfo=UTC),
        rules=RULES,
        rules_count=411,
        targets=("src", "deploy"),
        arguments=("scan", "src", "deploy"),
        config_sources=("leakguard.toml",),
    )
    return base._replace(**changes)  # type: ignore[arg-type]


def key_finding(**changes: object) -> Finding:
    base = Finding(
        rule="binance.api-key",
        provider="binance",
        part="api-key",
        title="Binance API key",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        fingerprint="5d1c8e0b7a2f4c6d",
        origin=Origin("file", "deploy/.env"),
        start_line=12,
        start_column=17,
        end_line=12,
        end_column=81,
        start_byte=311,
        end_byte=375,
        masked="BINANCE_API_KEY=<binance.api-key:64>",
        length=64,
        name="BINANCE_API_KEY",
        reasons=("name BINANCE_API_KEY says binance", "64 letters and digits"),
        why=KEY_WHY,
        fix=KEY_FIX,
        secret=KEY,
    )
    return base._replace(**changes)  # type: ignore[arg-type]


def secret_finding(**changes: object) -> Finding:
    base = key_finding(
        rule="binance.api-secret",
        part="api-secret",
        title="Binance API secret",
        severity=Severity.CRITICAL,
        confidence=Confidence.CERTAIN,
        fingerprint="a90f33e1c25b7d48",
        start_line=13,
        start_column=20,
        end_line=13,
        end_column=84,
        start_byte=395,
        end_byte=459,
        masked="BINANCE_API_SECRET=<binance.api-secret:64>",
        name="BINANCE_API_SECRET",
        reasons=("stands beside its API key",),
        facts=(("account", "spot"),),
        why=WHY,
        fix=FIX,
        secret=SECRET,
    )
    return base._replace(**changes)  # type: ignore[arg-type]


PAIR = CredentialSet(
    id="set-1f2e3d",
    rule="binance.pair",
    provider="binance",
    title="Binance API key with its secret",
    severity=Severity.CRITICAL,
    parts=(("key", "5d1c8e0b7a2f4c6d"), ("secret", "a90f33e1c25b7d48")),
    complete=True,
    missing=(),
    allows=("read balances and orders", "place and cancel orders", "withdraw, if the key has that right"),
    why="Whoever has both is the account, from anywhere unless the key is bound to addresses.",
    origin=Origin("file", "deploy/.env"),
    start_line=12,
    end_line=13,
    steps=(
        "Delete this API key in Binance: Account, API Management.",
        "Withdraw or move funds only after the key is gone.",
        "Check withdrawals, open orders and whitelisted addresses since the file was written.",
    ),
)

HALF = PAIR._replace(
    id="set-77aa00",
    rule="okx.triple",
    provider="okx",
    title="OKX API key",
    severity=Severity.MEDIUM,
    parts=(("key", "not-among-the-findings"),),
    complete=False,
    missing=("secret", "passphrase"),
    allows=(),
    why="",
    origin=Origin("file", "bots/okx.yaml"),
    start_line=3,
    end_line=3,
    testnet=True,
    steps=("Look for the secret and the passphrase in the same backup.",),
)

MEMBER = Origin(
    "member",
    "home/bot/config.json",
    inside=Origin("file", "backup/2025 12.tar.gz", facts=(("sha256", "9c1185a5c5e9fc54612808977ee8f548"),)),
)
COMMIT = Origin("blob", "src/ex.py", facts=(("commit", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"), ("author", "A")))


def empty() -> ScanResult:
    return ScanResult((), (), (), Totals(1204, 31_240_000, 12, 4096))


def one() -> ScanResult:
    return ScanResult((key_finding(),), (), (), Totals(1, 2048))


def several() -> ScanResult:
    copies = tuple(
        secret_finding(origin=Origin("file", f"logs/bot-{day}.log"), start_line=day, end_line=day, set_id="")
        for day in range(1, 9)
    )
    long_line = "x" * 300 + ' "apiSecret": "<binance.api-secret:64>", ' + "y" * 300
    findings = (
        secret_finding(set_id=PAIR.id),
        key_finding(set_id=PAIR.id),
        *copies,
        secret_finding(
            origin=MEMBER, fingerprint="0c0c0c0c0c0c0c0c", masked=long_line, view=("base64", "gzip"), secret=BLOB
        ),
        key_finding(origin=COMMIT, fingerprint="1d1d1d1d1d1d1d1d", start_line=7, end_line=7),
        key_finding(origin=COMMIT, fingerprint="2e2e2e2e2e2e2e2e", start_line=9, end_line=10),
        key_finding(
            rule="generic.assignment",
            provider="generic",
            part="password",
            title="Password in an assignment",
            severity=Severity.LOW,
            confidence=Confidence.LOW,
            fingerprint="3f3f3f3f3f3f3f3f",
            origin=Origin("file", "/srv/app/settings.py"),
            masked="    PASSWORD = '<generic.assignment:14>'",
            length=14,
            why="",
            fix="",
            reasons=(),
        ),
    )
    said = Suppression("baseline", "a key of the test venue", "leakguard.baseline:3", "ann", "2027-01-31", accepted=True)
    suppressed = (
        key_finding(fingerprint="4a4a4a4a4a4a4a4a", origin=Origin("file", "tests/fixtures/k.txt"), suppression=said),
    )
    return ScanResult(findings, (HALF, PAIR), (), Totals(15_000, 2_100_000_000, 40, 90_000), suppressed)


def incidents() -> ScanResult:
    gaps = (
        Incident("failed", "secrets/vault.zip", "encrypted archive member", 12_345),
        Incident("failed", "/srv/locked.db", "permission denied"),
        Incident("truncated", "logs/huge.log.gz!/huge.log", "larger than the limit for one member", 5_000_000_000),
        Incident("skipped", "run/agent.sock", "socket"),
        Incident("skipped", "run/bus.sock", "socket"),
        Incident("skipped", "loop", "symlink out of the root"),
    )
    return ScanResult((), (), gaps, Totals(88, 1_500_000), receipt={"workers": 2, "seconds": 1.25, "cache": "warm"})


EVIL_PATH = "a\n::error file=x::owned\r\x1b[2J\u202egnp.\udcff,50%:b/]]>&\"'<.env"


def hostile() -> ScanResult:
    evil = secret_finding(
        origin=Origin("file", EVIL_PATH, facts=(("no\x07te", "\x9b31m\u2066"),)),
        title='=cmd|"/c calc"!A1 ]]> <b> %0A::warning::x',
        masked="\tpwd='\x1b]0;title\x07<binance.api-secret:64>' ```](https://evil.example) \x00\ufffe\u200b\x7f",
        name="@SUM(1)\u2028",
        facts=(("k\x1by", "v\x85"),),
        reasons=("::stop-commands::x\n", "-1+1"),
        why="]]> & <why>",
        fix="%25 fix\r\n::error::",
        secret=HOSTILE,
    )
    broken = evil._replace(
        origin=Origin("member", "\udcfe/x", inside=Origin("file", "C:\\ü\ud800\\a.zip")), fingerprint="", facts=()
    )
    windows = evil._replace(origin=Origin("file", "C:\\Users\\é a\\x.env"), fingerprint="")
    gaps = (Incident("failed", EVIL_PATH, "\x1b[0m::error::]]>\n", 1), Incident("skipped", "\udc80", "=1\t"))
    evil_set = PAIR._replace(
        title="\x1b[1mset](https://evil.example)",
        origin=evil.origin,
        parts=(("ro\x1ble", evil.fingerprint),),
        steps=("\r\n::error::",),
    )
    return ScanResult((evil, broken, windows), (evil_set,), gaps, Totals(3, 999), (windows,), {"x\x1b": ["\udc81"]})


SAMPLES = {"empty": empty, "one": one, "several": several, "incidents": incidents, "hostile": hostile}
SECRETS = (KEY, SECRET, BLOB, HOSTILE)
