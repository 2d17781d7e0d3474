"""What redaction costs, beside what it is measured against, in one run: `python benchmarks/redact.py [--megabytes N]`.

Bars (issue 4, "Numbers"), all as ratios of this run: a clean record of 230 bytes adds at most 0.7 of the same logging call
to a null handler, its p99 at most 3 times that call's, a record with a secret at most 8 times; a stream reaches a third of
a Python pass-through of the same lines and 0.4 of `sed -E` with five patterns, half of that with a secret in every fifth
line, below 100 MB for all its processes together; a hostile 1 MB line costs at most 4 harmless ones; p99 of the latency
through a pipe is below 2 ms.
Everything is on: all rules, 50 known values in all their forms, context rules; records with `install()` in force. Secrets
are made from a seed.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
HEX = "0123456789abcdef"
SED = r"s/AKIA[0-9A-Z]{16}/X/g; s/ghp_[A-Za-z0-9]{36}/X/g; s/(apiKey|api_key|secret)(['\": =]+)[A-Za-z0-9]{32,64}/\1\2X/g; " \
      r"s/signature=[0-9a-f]{64}/signature=X/g; s/X-MBX-APIKEY(['\": ]+)[A-Za-z0-9]{64}/X-MBX-APIKEY\1X/g"  # fmt: skip


class Log:
    """Lines of a trading bot, 230 bytes on average, without and with secrets."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.known = [self.text(ALNUM, 40) for _ in range(50)]
        self.keys = [(self.text(ALNUM, 64), self.text(ALNUM, 64)) for _ in range(5)]

    def text(self, alphabet: str, size: int) -> str:
        return "".join(self.random.choices(alphabet, k=size))

    def stamp(self) -> str:
        r = self.random.randrange
        return f"2026-11-{r(1, 29):02} {r(24):02}:{r(60):02}:{r(60):02},{r(1000):03}"

    def clean(self) -> str:
        r, pair = self.random.randrange, self.random.choice(("BTC/USDT", "ETH/USDT:USDT", "SOL/USDC", "XRP/EUR"))
        price, number = r(10_000, 9_000_000) / 100, r(10**12)
        return self.random.choice((
            f"{self.stamp()} - freqtrade.worker - INFO - Bot heartbeat. PID={r(99999)}, version='2026.10', state='RUNNING', "
            f"open trades {r(9)}, free balance {price} USDT, pair {pair}, spread 0.00{r(99)}, latency {r(90)} ms, loop {r(10**7)} done",
            f"{self.stamp()} - ccxt.base.exchange - DEBUG - fetch Request: binance GET https://api.binance.com/api/v3/depth?"
            f"symbol={pair.replace('/', '')}&limit={r(1000)} RequestHeaders: {{'User-Agent': 'python-requests/2.31', 'Accept': '*/*'}} "
            f"RequestBody: None",
            json.dumps({"ts": self.stamp(), "level": "info", "event": "order_filled", "order_id": number, "symbol": pair, "side": "buy",
                        "price": str(price), "qty": f"0.{r(9999)}", "fee": "0.00045", "client_order_id": f"x-{number:x}", "status": "closed"}),
            f"{self.stamp()} | INFO | hummingbot.strategy.pure_market_making | ({pair}) Creating 1 bid orders at (Size, Price): "
            f"['0.{r(999)} BTC, {price} USDT'] and 1 ask orders; inventory skew 0.{r(99)}, mid price {price}, order id HBOT-{number}",
            f"{self.stamp()} - websockets.client - DEBUG - < TEXT '{{\"e\":\"depthUpdate\",\"E\":{number},\"s\":\"BTCUSDT\",\"U\":{number},"
            f"\"u\":{number + 7},\"b\":[[\"{price}\",\"0.{r(999)}\"],[\"{price - 1:.2f}\",\"1.{r(999)}\"]],\"a\":[]}}' [{r(400)} bytes]",
        ))  # fmt: skip

    def dirty(self) -> str:
        key, secret = self.random.choice(self.keys)
        sign = self.text(HEX, 64)
        return self.random.choice((
            f"{self.stamp()} - ccxt.base.exchange - DEBUG - fetch Request: binance GET https://api.binance.com/api/v3/account?timestamp="
            f"{self.random.randrange(10**12)}&recvWindow=10000&signature={sign} RequestHeaders: {{'X-MBX-APIKEY': '{key}'}} RequestBody: None",
            f"{self.stamp()} - freqtrade.exchange - INFO - Applying additional ccxt config: {{'apiKey': '{key}', 'secret': '{secret}'}}",
            f'{self.stamp()} DEBUG okx {{"OK-ACCESS-KEY":"{key[:36]}","OK-ACCESS-SIGN":"{secret[:43]}=","OK-ACCESS-PASSPHRASE":"{self.text(ALNUM, 12)}"}}',
            f"{self.stamp()} - httpx - INFO - HTTP Request: POST https://api.telegram.org/bot{self.random.randrange(10**9, 10**10)}"
            f":AA{self.text(ALNUM, 33)}/getUpdates \"HTTP/1.1 200 OK\"",
            f"{self.stamp()} - db - INFO - connecting to postgresql://bot:{self.text(ALNUM, 16)}@db.internal:5432/trades pool 5 retries 3",
            f"{self.stamp()} - vault - WARNING - renewed {self.random.choice(self.known)} for the next 24 h",
        ))  # fmt: skip

    def lines(self, count: int, share: float) -> list[str]:
        return [self.dirty() if self.random.random() < share else self.clean() for _ in range(count)]


# ---------------------------------------------------------------- records
class _Null(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        pass


def _per_call(call: Callable[[str], object], lines: list[str], rounds: int = 5) -> tuple[list[float], float]:
    """(best times of each 10 lines, p99 of single calls) in microseconds: what else runs on the machine hits some rounds
    of a few lines, and never all of them."""
    best = [float("inf")] * (len(lines) // 10)
    for _ in range(rounds):
        for number in range(len(best)):
            chunk = lines[10 * number : 10 * number + 10]
            begun = time.perf_counter()
            for line in chunk:
                call(line)
            best[number] = min(best[number], (time.perf_counter() - begun) * 1e6)
    single = []
    for line in lines:
        begun = time.perf_counter()
        call(line)
        single.append((time.perf_counter() - begun) * 1e6)
    single.sort()
    return best, single[int(len(single) * 0.99)]


def records(redactor: object, log: Log) -> dict[str, float]:
    """Calls of a logger with a null handler, bare and with all paths closed by `install()`, as users have it; in turn, so
    that both see the same machine."""
    from leakguard.redact import Redactor, install

    assert isinstance(redactor, Redactor)
    clean, dirty = [line[:230] for line in log.lines(4000, 0)], log.lines(1000, 1)
    logger = logging.getLogger("bench")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(_Null())

    def args(line: str) -> None:
        logger.info("%s for %d: %s", "BTC", 17, line)

    out: dict[str, list[tuple[list[float], float]]] = {}
    for _ in range(8):
        for name, call, lines in (("base", logger.info, clean), ("base args", args, clean)):
            out.setdefault(name, []).append(_per_call(call, lines, 3))
        handle = install(redactor, environment=False)
        for name, call, lines in (("clean", logger.info, clean), ("args", args, clean), ("secret", logger.info, dirty)):
            out.setdefault(name, []).append(_per_call(call, lines, 3))
        handle.uninstall()
        out.setdefault("core", []).append(_per_call(redactor.redact_str, clean, 3))
    mean = {name: statistics.fmean(map(min, zip(*(row[0] for row in rows), strict=True))) / 10 for name, rows in out.items()}
    p99 = {name: min(row[1] for row in rows) for name, rows in out.items()}
    return {
        "base us": mean["base"], "clean adds us": mean["clean"] - mean["base"], "core us": mean["core"],
        "clean adds / base (<= 0.7)": (mean["clean"] - mean["base"]) / mean["base"],
        "with arguments adds / base": (mean["args"] - mean["base args"]) / mean["base args"],
        "p99 / base p99 (<= 3)": p99["clean"] / p99["base"], "secret / base (<= 8)": mean["secret"] / mean["base"],
    }  # fmt: skip


# ---------------------------------------------------------------- streams
ROUNDS = 7
PASS = "import sys\nw=sys.stdout.buffer.write\nfor line in sys.stdin.buffer: w(line)"


def _timed(command: list[str], path: str) -> tuple[float, int, float]:
    """(seconds, peak memory in bytes, CPU seconds) of a filter from a file to nowhere, start-up excluded by the caller."""
    with open(path, "rb") as source, open(os.devnull, "wb") as out:
        begun = time.perf_counter()
        child = subprocess.Popen(command, stdin=source, stdout=out)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0, command
        return time.perf_counter() - begun, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime


def _peak(command: list[str], path: str) -> int:
    """The most memory in bytes that a filter and its children held at once, pages that they share counted once."""
    most = 0
    with open(path, "rb") as source, open(os.devnull, "wb") as out, subprocess.Popen(command, stdin=source, stdout=out) as child:
        while child.poll() is None:
            most = max(most, sum(map(_held, _family(child.pid))))
            time.sleep(0.01)
    return most


def _family(process: int) -> list[int]:
    try:
        with open(f"/proc/{process}/task/{process}/children") as file:
            children = [int(word) for word in file.read().split()]
    except OSError:
        return []
    return [process, *(one for child in children for one in _family(child))]


def _held(process: int) -> int:
    try:
        with open(f"/proc/{process}/smaps_rollup") as file:
            return 1024 * next((int(line.split()[1]) for line in file if line.startswith("Pss:")), 0)
    except OSError:
        return 0  # it has ended


def streams(folder: str, log: Log, megabytes: int) -> dict[str, float]:
    files = {}
    for name, share in (("clean", 0.005), ("dirty", 0.2)):
        files[name] = os.path.join(folder, f"{name}.log")
        lines = log.lines(20_000, share)
        block = "".join(f"{line}\n" for line in lines).encode()
        with open(files[name], "wb") as out:
            for _ in range(max(1, megabytes * 1_000_000 // len(block))):
                out.write(block)
    empty = os.path.join(folder, "empty.log")
    with open(empty, "wb"):
        pass
    known = os.path.join(folder, "known.json")
    with open(known, "w") as out:
        json.dump({f"SECRET_{n}": value for n, value in enumerate(log.known)}, out)
    ours = [sys.executable, "-m", "leakguard", "redact", "--known", known]
    commands = {"python": [sys.executable, "-c", PASS], "leakguard": ours}
    if shutil.which("sed"):
        commands["sed"] = ["sed", "-E", SED]
    out_: dict[str, float] = {}
    speed: dict[tuple[str, str], float] = {}
    cpu: dict[tuple[str, str], float] = {}
    runs: dict[tuple[str, str], list[tuple[float, int, float]]] = {}
    for _ in range(ROUNDS):  # in turn
        for name, command in commands.items():
            for kind, path in (("empty", empty), *files.items()):
                runs.setdefault((name, kind), []).append(_timed(command, path))
    best = {key: tuple(min(row[number] for row in rows) for number in (0, 2)) for key, rows in runs.items()}
    for name in commands:
        for kind, path in files.items():
            wall, used = (max(1e-9, best[name, kind][n] - best[name, "empty"][n]) for n in (0, 1))
            speed[name, kind], cpu[name, kind] = (os.path.getsize(path) / 1e6 / seconds for seconds in (wall, used))
            out_[f"{name} {kind} MB/s"] = speed[name, kind]
            out_[f"{name} {kind} MB per CPU second"] = cpu[name, kind]
            if name == "leakguard":
                out_[f"leakguard {kind} peak MB, all processes (< 100)"] = _peak(ours, path) / 1e6
                out_[f"leakguard {kind} peak MB, the larger one"] = max(row[1] for row in runs[name, kind]) / 1e6
    out_["leakguard start s"] = best["leakguard", "empty"][0]

    def ratio(other: str, kind: str) -> float:
        """Of the same lines, in the same minute: the median of the rounds' ratios."""
        walls = [[max(1e-9, row[0] - best[name, "empty"][0]) for row in runs[name, kind]] for name in (other, "leakguard")]
        return statistics.median(theirs / ours for theirs, ours in zip(*walls, strict=True))

    for name, least in (("python", 1 / 3), ("sed", 0.4)):
        if name in commands:
            out_[f"clean / {name} (>= {least:.2f})"] = ratio(name, "clean")
            out_[f"dirty / {name} (>= {least / 2:.2f})"] = ratio(name, "dirty")
            out_[f"clean / {name}, CPU time"] = cpu["leakguard", "clean"] / cpu[name, "clean"]
    return out_


# ---------------------------------------------------------------- hostile lines
def hostile(redactor: object) -> dict[str, float]:
    from leakguard.redact import Redactor

    assert isinstance(redactor, Redactor)
    random_ = random.Random(9)
    size = 1_000_000
    rows = {
        "password=": b"password=" * (size // 9),
        "key: 'abcdefg', ": b"key: 'abcdefg1', " * (size // 17),
        "base64": "".join(random_.choices(ALNUM, k=size)).encode(),
        "a": b"a" * size,
        "://a:b": b"://a:b" * (size // 6),
        "escapes": b"\x1b[1mkey=\x1b[0m" * (size // 12),
        "BEGIN PRIVATE KEY": b"-----BEGIN PRIVATE KEY-----" * (size // 27),
        "<redacted:": b"<redacted:a:" * (size // 12),
        "json": b'{"a": {"token": "' * (size // 17),
    }
    harmless = ("the order was filled at 0.25 and the next one waits " * (size // 51)).encode()
    out = {"harmless 1 MB ms": _bests(redactor, harmless, harmless)[0] * 1e3}
    for name, line in rows.items():
        base, cost = _bests(redactor, harmless, line)
        out[f"hostile {name!r} / harmless (<= 4)"] = cost / base
    return out


def _bests(redactor: object, *lines: bytes) -> list[float]:
    """The best time of each line in CPU seconds of one thread, taken in turn: what else runs must not count, and the
    machine's speed changes by a third from one second to the next."""
    from leakguard.redact import Redactor

    assert isinstance(redactor, Redactor)
    best = [float("inf")] * len(lines)
    for _ in range(9):
        for number, line in enumerate(lines):
            begun = time.process_time()
            redactor.redact_bytes(line)
            best[number] = min(best[number], time.process_time() - begun)
    return best


# ---------------------------------------------------------------- latency
def latency(log: Log, count: int = 1000) -> dict[str, float]:
    child = subprocess.Popen([sys.executable, "-m", "leakguard", "redact"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert child.stdin and child.stdout
    lines = [f"{line}\n".encode() for line in log.lines(count, 0.05)]
    child.stdin.write(lines[0])
    child.stdout.readline()
    took = []
    for line in lines:
        begun = time.perf_counter()
        child.stdin.write(line)
        child.stdout.readline()
        took.append((time.perf_counter() - begun) * 1e3)
        time.sleep(max(0, 0.001 - (time.perf_counter() - begun)))
    child.stdin.close()
    child.wait()
    took.sort()
    return {"latency p50 ms": statistics.median(took), "latency p99 ms (< 2)": took[int(len(took) * 0.99)]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    from leakguard.redact import Redactor

    log = Log(7)
    redactor = Redactor()
    redactor.register_many([(f"v{n}", value) for n, value in enumerate(log.known)])
    with tempfile.TemporaryDirectory() as folder:
        parts: dict[str, Callable[[], dict[str, float]]] = {
            "records": lambda: records(redactor, log),
            "streams": lambda: streams(folder, log, options.megabytes),
            "hostile": lambda: hostile(redactor),
            "latency": lambda: latency(log),
        }
        for name, part in parts.items():
            if options.only in ("", name):
                print(f"-- {name}")
                for label, value in part().items():
                    print(f"{label:48} {value:10.2f}")
    print(f"peak of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
