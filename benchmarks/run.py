"""Benchmarks: ratios in one run on one machine, never absolute claims. See docs/benchmarks.md for protocol and figures.

    python benchmarks/run.py startup|compile|log|tree|checkout|all [--tree PATH] [--log-mb N] [--repeat N] [--json FILE]

Peers (kingfisher, gitleaks, trufflehog) are taken from PATH where they are; a missing one is said, not guessed.
Every figure is the median of wall times of whole processes, files in the page cache, a warm-up run first.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
LEAKGUARD = [sys.executable, "-m", "leakguard"]


class Timed:
    """Median wall and CPU seconds and peak memory (MB, all processes of the command) of some runs."""

    def __init__(self, seconds: list[float], peak_mb: float, code: int, cpu: list[float]) -> None:
        self.seconds = statistics.median(seconds)
        self.cpu = statistics.median(cpu)
        self.spread = (min(seconds), max(seconds))
        self.peak_mb = peak_mb
        self.code = code


def timed(command: list[str], repeat: int, env: dict[str, str] | None = None, before: Callable[[], None] | None = None) -> Timed:
    """Runs a command `repeat` times after one warm-up. Memory is the largest single process's peak."""
    seconds, used, code, peak = [], [], 0, 0.0
    for number in range(repeat + 1):
        if before is not None:
            before()
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - start
        code = os.waitstatus_to_exitcode(status)
        process.returncode = code
        peak = max(peak, usage.ru_maxrss / 1024)
        if number:
            seconds.append(took)
            used.append(usage.ru_utime + usage.ru_stime)
    return Timed(seconds, peak, code, used)


# ---------------------------------------------------------------- material
def write_log(path: str, megabytes: int, dirty: float = 0.005, seed: int = 20261121) -> None:
    """A trading system's log: some 200 bytes a line, a share `dirty` of the lines with a key and a signature."""
    rng = random.Random(seed)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

    def run(count: int, alphabet: str) -> str:
        return "".join(rng.choices(alphabet, k=count))

    def line() -> str:
        kind = rng.randrange(10)
        stamp = f"2026-11-{rng.randrange(1, 29):02d} {rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d},{rng.randrange(1000):03d}"
        pair = rng.choice(("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT"))
        symbol = pair.replace("/", "")
        if kind < 3:
            text = f"{stamp} - worker - INFO - Bot heartbeat. PID={rng.randrange(9999)}, version=2026.10, state=RUNNING, pair={pair} open_trades={rng.randrange(9)} stake={rng.random() * 1000:.4f} profit={rng.random():.6f} fee_rate=0.00075"
        elif kind < 5:
            text = f'{stamp} DEBUG urllib3.connectionpool: https://api.binance.com:443 "GET /api/v3/klines?symbol={symbol}&interval=1m&limit=1000&startTime={rng.randrange(10**12)} HTTP/1.1" 200 {rng.randrange(99999)}'
        elif kind < 7:
            text = f"{stamp} INFO order filled id={rng.randrange(10**9)} clientOrderId=x-{run(22, letters)} symbol={pair} side=BUY price={rng.random() * 60000:.2f} qty={rng.random():.5f} status=FILLED txHash=0x{run(64, '0123456789abcdef')}"
        elif kind < 9:
            text = f'{{"ts":"{stamp}","level":"info","logger":"engine.risk","msg":"position update","trace_id":"{run(32, "0123456789abcdef")}","symbol":"{pair}","pos":{rng.random():.6f},"upnl":{rng.random() * 100:.4f},"auth":"ok","keys":12,"session":"live"}}'
        else:
            text = f"{stamp} WARNING websockets.client: keepalive ping timeout; reconnecting to wss://stream.binance.com:9443/ws/{symbol.lower()}@trade (attempt {rng.randrange(9)}) seq={rng.randrange(10**9)}"
        if rng.random() < dirty:
            text += f" apiKey={run(64, letters)} signature={run(64, '0123456789abcdef')}"
        return text

    # ten distinct megabytes, repeated with a changing number in front: making a gigabyte line by line takes minutes
    chunk = "".join(line() + "\n" for _ in range(50_000)).encode()
    with open(path, "wb") as out:
        written = number = 0
        while written < megabytes * 1_000_000:
            head = f"part {number}\n".encode()
            out.write(head)
            out.write(chunk)
            written += len(head) + len(chunk)
            number += 1


def peers() -> dict[str, Callable[[str], list[str]]]:
    """Commands of the peers that are on PATH, for a folder: default rules, no validation over the network."""
    known: dict[str, Callable[[str], list[str]]] = {
        "kingfisher": lambda path: ["kingfisher", "scan", path, "--no-validate", "--no-update-check", "--quiet"],
        "gitleaks": lambda path: ["gitleaks", "dir", path, "--no-banner", "--exit-code", "0"],
        "trufflehog": lambda path: ["trufflehog", "filesystem", path, "--no-verification", "--no-update"],
    }
    return {name: command for name, command in known.items() if shutil.which(name)}


# ---------------------------------------------------------------- benchmarks
def startup(repeat: int) -> dict[str, Any]:
    """One small file: a bare interpreter, leakguard warm, leakguard with no cache at all, the peers."""
    with tempfile.TemporaryDirectory() as folder:
        small = os.path.join(folder, "small.env")
        with open(small, "w") as out:
            out.write("DB_HOST=localhost\nDB_PORT=5432\nLOG_LEVEL=info\nAPI_KEY=${API_KEY}\n" * 5)
        caches = os.path.join(folder, "cache")
        env = {**os.environ, "LEAKGUARD_CACHE_DIR": caches}
        subprocess.run([*LEAKGUARD, "cache", "warm"], env=env, check=True, stdout=subprocess.DEVNULL)
        script = shutil.which("leakguard", path=os.path.dirname(sys.executable)) or ""
        command = [script] if script else LEAKGUARD
        bare = timed([sys.executable, "-c", "pass"], repeat)
        warm = timed([*command, "scan", small], repeat, env)

        def wipe() -> None:
            shutil.rmtree(caches, ignore_errors=True)

        cold = timed([*command, "scan", small], repeat, env, wipe)
        rows = {
            "python -c pass": _row(bare, bare),
            "leakguard warm": _row(warm, bare),
            "leakguard cold": _row(cold, bare),
        }
        for name, make in peers().items():
            rows[name] = _row(timed(make(small), repeat), bare)
        return {"bars": {"leakguard warm": "<= 8", "leakguard cold": "<= 20"}, "unit": "x bare interpreter", "rows": rows}


def compile_rules() -> dict[str, Any]:
    """All built-in rules through hyperscan: seconds per 200 rules, and the dearest rule's share."""
    from leakguard.detect import rules, stage1

    packs = [rules.parse_pack(name, data) for name, data in rules.read_files(rules.pack_files(rules.builtin_folder()))]
    ruleset = rules.select(packs, "benchmark")
    start = time.perf_counter()
    databases = stage1.compile_databases(ruleset)
    took = time.perf_counter() - start
    import hyperscan

    alone = []
    for rule in ruleset.rules:
        if rule.trigger:
            start = time.perf_counter()
            hyperscan.Database().compile(expressions=[rule.trigger.encode()], ids=[0], elements=1)
            alone.append((time.perf_counter() - start, rule.id))
    alone.sort(reverse=True)
    total = sum(seconds for seconds, _ in alone)
    return {
        "rules": len(ruleset.rules),
        "seconds": round(took, 3),
        "seconds per 200 rules": round(took * 200 / len(ruleset.rules), 3),
        "database bytes": sum(len(hyperscan.dumpb(d)) for d in databases if d is not None),
        "dearest rules (share of the sum of single compiles)": [
            f"{ident} {100 * seconds / total:.1f} %" for seconds, ident in alone[:5]
        ],
        "bars": "<= 1 s per 200 rules; no rule over 5 %",
    }


def bare_pass(path: str) -> float:
    """Seconds for hyperscan alone over a file's bytes: the databases a scan runs over every window, the same windows, a
    callback that does nothing."""
    import hyperscan

    from leakguard.detect import cache
    from leakguard.sources.windows import WINDOW

    stage = cache.load(cache.Selection(), 1 << 30).stage1
    databases = stage.databases  # type: ignore[attr-defined]
    # `names` is run where a value asks for it only; of the others one is for ASCII, two for what is not
    always = [databases.rules, databases.text]
    ascii_only, others = [databases.ascii], [databases.marked, databases.beyond]
    scratches = {id(one): hyperscan.Scratch(one) for one in (*always, *ascii_only, *others) if one is not None}

    def nothing(*_: object) -> None:
        return None

    best = []
    for _ in range(3):
        start = time.perf_counter()
        with open(path, "rb", buffering=0) as handle:
            while data := handle.read(WINDOW):
                for database in always + (ascii_only if data.isascii() else others):
                    if database is not None:
                        database.scan(data, match_event_handler=nothing, scratch=scratches[id(database)])
        best.append(time.perf_counter() - start)
    return statistics.median(best)


LOGS = {"one line in 20,000 leaks": 0.00005, "one line in 200 leaks": 0.005}
"""Share of lines with a key. The first is a system that leaks now and then (some 250 keys a gigabyte), the second one
that prints its keys with every other request: there the findings cost, not the bytes."""


def log(megabytes: int, repeat: int) -> dict[str, Any]:
    """Large logs: leakguard with one and two workers against a bare hyperscan pass of the same databases."""
    subprocess.run([*LEAKGUARD, "cache", "warm"], check=True, stdout=subprocess.DEVNULL)
    rows: dict[str, Any] = {}
    for name, dirty in LOGS.items():
        folder = tempfile.mkdtemp()
        path = os.path.join(folder, "bot.log")
        try:
            write_log(path, megabytes, dirty)
            rows[name] = _one_log(path, repeat)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return {"bars": "-j 1 <= 1.5 x bare; speed-up >= 1.8; peak < 250 MB", "rows": rows}


def _one_log(path: str, repeat: int) -> dict[str, Any]:
    size = os.path.getsize(path)
    bare = bare_pass(path)
    base = [*LEAKGUARD, "scan", path, "-q", "-o", os.devnull, "-f", "jsonl"]
    one = timed([*base, "-j", "1"], repeat)
    two = timed([*base, "-j", "2"], repeat)
    return {
        "bytes": size,
        "bare hyperscan pass": {"seconds": round(bare, 2), "MB/s": round(size / bare / 1e6)},
        "leakguard -j 1": {
            "seconds": round(one.seconds, 2), "MB/s": round(size / one.seconds / 1e6),
            "x bare": round(one.seconds / bare, 2), "peak MB": round(one.peak_mb),
        },
        "leakguard -j 2": {
            "seconds": round(two.seconds, 2), "MB/s": round(size / two.seconds / 1e6),
            "x bare": round(two.seconds / bare, 2), "speed-up": round(one.seconds / two.seconds, 2),
            "peak MB (largest process)": round(two.peak_mb),
        },
    }  # fmt: skip


def tree(path: str, repeat: int) -> dict[str, Any]:
    """A folder: whole processes, default rules on all sides."""
    subprocess.run([*LEAKGUARD, "cache", "warm"], check=True, stdout=subprocess.DEVNULL)
    files = size = 0
    for root, _, names in os.walk(path):
        for name in names:
            full = os.path.join(root, name)
            if os.path.isfile(full) and not os.path.islink(full):
                files += 1
                size += os.path.getsize(full)
    base = [*LEAKGUARD, "scan", path, "-q", "-o", os.devnull, "-f", "jsonl"]
    ours = timed(base, repeat)
    single = timed([*base, "-j", "1"], repeat)
    rows: dict[str, Any] = {
        "leakguard": {"seconds": round(ours.seconds, 2), "peak MB (largest process)": round(ours.peak_mb), "x leakguard": 1.0},
        "leakguard -j 1": {"seconds": round(single.seconds, 2), "peak MB": round(single.peak_mb), "x leakguard": round(single.seconds / ours.seconds, 2)},
    }  # fmt: skip
    for name, make in peers().items():
        peer = timed(make(path), repeat)
        rows[name] = {"seconds": round(peer.seconds, 2), "peak MB": round(peer.peak_mb), "x leakguard": round(peer.seconds / ours.seconds, 2)}
    return {"files": files, "bytes": size, "bars": "kingfisher >= 2 x leakguard, gitleaks >= 1.5 x", "rows": rows}


COMMITS = 6


def write_checkout(tree: str, folder: str) -> None:
    """A copy of a tree with a repository in it: a first commit of all files, and five more, each of which adds a line in the middle of
    a tenth of the texts; packed as `git gc` packs."""
    shutil.copytree(tree, folder, ignore=shutil.ignore_patterns(".git", "__pycache__"))
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        own |= {f"GIT_{role}_NAME": "bench", f"GIT_{role}_EMAIL": "bench@example.org", f"GIT_{role}_DATE": "2026-11-22T12:00:00Z"}

    def git(*arguments: str) -> bytes:
        return subprocess.run(["git", "-c", "gc.auto=0", *arguments], cwd=folder, env={**os.environ, **own}, check=True, capture_output=True).stdout

    git("init", "-q")
    for number in range(COMMITS):
        for name in git("ls-files", "-z").split(b"\0")[:-1][number::10] if number else ():
            path = os.path.join(os.fsencode(folder), name)
            with open(path, "rb") as file:
                lines = file.read().split(b"\n")
            if len(lines) >= 20 and not any(b"\0" in line for line in lines):
                lines.insert(len(lines) // 2, b"# revision %d" % number)
                with open(path, "wb") as file:
                    file.write(b"\n".join(lines))
        git("add", "-A", "-f")
        git("commit", "-q", "--allow-empty", "-m", f"change {number}")
    git("repack", "-adfq")


def checkout(tree: str, repeat: int) -> dict[str, Any]:
    """A repository as it is checked out, its history in .git: leakguard says that it did not read that, or reads it with
    --git-objects; kingfisher reads it, or does not with `--git-history none`."""
    subprocess.run([*LEAKGUARD, "cache", "warm"], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as parent:
        folder, report = os.path.join(parent, "checkout"), os.path.join(parent, "report")
        write_checkout(tree, folder)
        ours = [*LEAKGUARD, "scan", folder, "-q", "-f", "jsonl", "-o", report]
        commands = {"leakguard": ours, "leakguard --git-objects": [*ours, "--git-objects"]}
        if "kingfisher" in peers():
            theirs = [*peers()["kingfisher"](folder), "--format", "jsonl", "--output", report]
            commands |= {"kingfisher": theirs, "kingfisher --git-history none": [*theirs, "--git-history", "none"]}
        rows = {}
        for name, command in commands.items():
            run = timed(command, repeat)
            with open(report, "rb") as lines:
                found = sum(line.startswith(b"{") and b'"rule"' in line for line in lines)
            rows[name] = {"seconds": round(run.seconds, 2), "CPU seconds": round(run.cpu, 2), "findings": found, "exit code": run.code}
            os.unlink(report)
        return {"commits": COMMITS, "rows": rows}


def _row(one: Timed, bare: Timed) -> dict[str, Any]:
    return {"seconds": round(one.seconds, 4), "ratio": round(one.seconds / bare.seconds, 1), "peak MB": round(one.peak_mb)}


def machine() -> dict[str, str]:
    model = ""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as handle:
            model = next((line.partition(":")[2].strip() for line in handle if line.startswith("model name")), "")
    return {
        "cpu": model or platform.processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["startup", "compile", "log", "tree", "checkout", "all"])
    parser.add_argument("--tree", help="a checked-out repository of 20 MB or more")
    parser.add_argument("--log-mb", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", help="write the figures here")
    options = parser.parse_args(list(arguments) if arguments is not None else None)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out: dict[str, Any] = {"machine": machine(), "peers": sorted(peers())}
    if options.what in ("compile", "all"):
        out["compile"] = compile_rules()
    if options.what in ("startup", "all"):
        out["startup"] = startup(max(options.repeat, 11))
    if options.what in ("log", "all"):
        out["log"] = log(options.log_mb, min(options.repeat, 3))
    if options.what in ("tree", "all"):
        if not options.tree:
            parser.error("--tree PATH is needed")
        out["tree"] = tree(options.tree, options.repeat)
    if options.what in ("checkout", "all"):
        if not options.tree:
            parser.error("--tree PATH is needed")
        out["checkout"] = checkout(options.tree, options.repeat)
    text = json.dumps(out, indent=2)
    print(text)
    if options.json:
        with open(options.json, "w") as handle:
            handle.write(text + "\n")


if __name__ == "__main__":
    main()
