"""History side by side: one repository, built from a seed or given, read by leakguard and by its peers in one run.

    python benchmarks/history.py                                  25,000 commits, 2 GB of blobs; built once, kept
    python benchmarks/history.py --commits 1000 --size 50         a small one
    python benchmarks/history.py --repo FOLDER                    any repository on this disk, a public one for example

Numbers are ratios to a bare `git cat-file --batch --batch-all-objects` into nothing, measured in the same run; peers
that are not on PATH are left out. Memory is the peak of the sum over all processes (proportional set size, Linux).
Never measures a network: no tool validates, and the repository is local.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)
BARS = {
    "leakguard, against cat-file": "<= 1.5",
    "leakguard, second scan, against its first": "<= 0.1",
    "kingfisher, against leakguard": ">= 3",
    "trufflehog, against leakguard": ">= 8",
    "gitleaks, against leakguard": ">= 40",
    "attribution, share of the scan": "<= 0.2",
    "peak memory of leakguard, MB": "<= 600",
}


# ---------------------------------------------------------------- material
class Project:
    """Files of code, prose, data and logs whose lines change from commit to commit, as in a project that lives."""

    def __init__(self, seed: int, files: int, mean: int) -> None:
        from leakguard.detect.generate import expand

        self.rng = random.Random(seed)
        self.expand = lambda template: expand(template, self.rng)
        # names as code has them; a few that scanners look at twice, at about the rate of real code
        stems = "param ctx impl config handler iter tuple buf idx elem attr spec enum struct frame vertex matrix layout render widget packet socket codec schema parser lexer kernel thread mutex epoch tensor bitmap".split()
        words = [f"{stem}{tail}" for stem in stems for tail in ("", "s", "_id", "_map", "Size", "Count", "Impl", "_ref")]
        words += ["token", "account", "key", "session"]
        self.words = words
        self.pool = [self._line() for _ in range(20_000)]
        self.files: dict[str, list[str]] = {}
        self.mean = mean
        for _ in range(files):
            self._file()
        self.names = list(self.files)

    def _line(self) -> str:
        rng, word = self.rng, self.rng.choice
        w = self.words
        kind = rng.randrange(8)
        pad = " " * (4 * rng.randrange(4))
        if kind == 0:
            return f"{pad}def {word(w)}_{word(w)}(self, {word(w)}, {word(w)}=None):"
        if kind == 1:
            return f"{pad}{word(w)} = {word(w)}.{word(w)}({word(w)}, {rng.randrange(1000)})"
        if kind == 2:
            return f'{pad}"{word(w)}": {{"{word(w)}": {rng.randrange(10**6)}, "{word(w)}": "{word(w)}-{rng.randrange(99)}"}},'
        if kind == 3:
            return f"{pad}# {' '.join(rng.choices(w, k=rng.randrange(3, 12)))}"
        if kind == 4:
            return f"{pad}if {word(w)} and not {word(w)}.{word(w)}: return {word(w)}[{rng.randrange(64)}]"
        if kind == 5:
            return ""
        if kind == 6:
            return f"{pad}- {word(w)}: {rng.getrandbits(160):040x}" if rng.random() < 0.1 else f"{pad}- {word(w)}: {word(w)}"
        return f"{pad}log.info('{word(w)} %s {word(w)}=%d', {word(w)}, {rng.randrange(10**9)})"

    def _file(self) -> str:
        rng = self.rng
        suffix = rng.choice((".py", ".py", ".ts", ".go", ".json", ".md", ".yaml", ".txt"))
        name = f"{rng.choice(self.words)}/{rng.choice(self.words)}/{rng.choice(self.words)}_{len(self.files)}{suffix}"
        self.files[name] = rng.choices(self.pool, k=max(5, int(rng.lognormvariate(0, 0.8) * self.mean / 40 / 1.38)))
        return name

    def commit(self) -> list[tuple[str, bytes]]:
        """The files that the next commit changes, whole."""
        rng = self.rng
        changed = []
        if rng.random() < 0.15:  # a project grows
            name = self._file()
            self.names.append(name)
            changed.append((name, ("\n".join(self.files[name]) + "\n").encode()))
        for name in rng.sample(self.names, k=min(len(self.names), rng.choice((1, 1, 2, 3, 4, 5, 8)))):
            lines = self.files[name]
            for _ in range(1 + len(lines) // 20):
                at = rng.randrange(len(lines))
                if rng.random() < 0.5:
                    lines[at] = rng.choice(self.pool)
                else:
                    lines.insert(at, self._line())
            if rng.random() < 0.002:
                lines.insert(rng.randrange(len(lines)), f"TOKEN = '{self.expand('{{gen:github ghp_}}')}'")
            if len(lines) > 20_000:
                del lines[: len(lines) // 2]
            changed.append((name, ("\n".join(lines) + "\n").encode()))
        return changed


def stream(commits: int, size: int, seed: int) -> Iterator[bytes]:
    """What `git fast-import` wants. `size`: bytes of blobs in all, about."""
    per_commit = 3.43  # mean number of files that a commit changes
    mean = max(400, int(size / commits / per_commit))
    project = Project(seed, max(20, min(2000, commits // 12)), mean)
    written = 0
    for number in range(commits):
        if written > size and number > commits * 0.98:
            files = [("CHANGELOG.txt", f"release {number}\n".encode())]
        else:
            files = project.commit()
        message = f"{number}: {' '.join(project.rng.choices(project.words, k=5))}\n".encode()
        when = 1_600_000_000 + 3600 * number
        head = f"commit refs/heads/main\nmark :{number + 1}\ncommitter Dev {number % 40} <dev{number % 40}@example.org> {when} +0000\n"
        yield head.encode() + b"data %d\n" % len(message) + message
        for name, data in files:
            written += len(data)
            yield b"M 100644 inline " + name.encode() + b"\ndata %d\n" % len(data) + data + b"\n"
    yield b"done\n"


def build(folder: str, commits: int, size: int, seed: int) -> str:
    """The repository, built if it is not there, packed as a server packs, nothing checked out. Not bare: trufflehog reads
    nothing of a bare one, and says that it finished."""
    path = os.path.join(folder, f"history-{commits}-{size // 1_000_000}-{seed}")
    if os.path.exists(os.path.join(path, ".git", "built")):
        return path
    shutil.rmtree(path, ignore_errors=True)
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q", "-b", "main", path], check=True, env=env)
    command = ["git", "-C", path, "fast-import", "--quiet", "--done"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=env) as importer:
        assert importer.stdin is not None
        for part in stream(commits, size, seed):
            importer.stdin.write(part)
        importer.stdin.close()
        if importer.wait():
            raise SystemExit("git fast-import failed")
    subprocess.run(["git", "-C", path, "repack", "-a", "-d", "-f", "-q", "--depth=50", "--window=10"], check=True, env=env)
    with open(os.path.join(path, ".git", "built"), "w") as out:
        out.write("yes\n")
    return path


# ---------------------------------------------------------------- measuring
class Timed:
    """Seconds of some runs of one command, and the peak memory of all its processes together."""

    def __init__(self, seconds: list[float], peak_mb: float, code: int) -> None:
        self.seconds, self.peak_mb, self.code = seconds, peak_mb, code
        self.median = statistics.median(seconds)


def timed(command: list[str], repeat: int, env: dict[str, str] | None = None, before: Callable[[], None] | None = None, folder: str | None = None) -> Timed:
    """Runs a command `repeat` times, output thrown away."""
    seconds, peak, code = [], 0.0, 0
    for _ in range(repeat):
        if before is not None:
            before()
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env, cwd=folder)
        watch = _Watch(process.pid)
        watch.start()
        code = process.wait()
        seconds.append(time.perf_counter() - start)
        watch.ended = True
        watch.join()
        peak = max(peak, watch.peak / 1024)
    return Timed(seconds, peak, code)


class _Watch(threading.Thread):
    """Looks at the proportional set size of a process and all below it, five times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.ended = pid, 0, False

    def run(self) -> None:
        while not self.ended:
            self.peak = max(self.peak, sum(map(_pss, _family(self.pid))))
            time.sleep(0.2)


def _family(pid: int) -> list[int]:
    out = [pid]
    for one in out:
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children") as handle:
                    out += map(int, handle.read().split())
        except OSError:
            continue  # it ended meanwhile
    return out


def _pss(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as handle:
            return next(int(line.split()[1]) for line in handle if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0  # it ended meanwhile


def peers(repo: str) -> dict[str, list[str]]:
    """Commands of the peers that are on PATH: whole history, default rules, no validation over the network."""
    known = {
        "kingfisher": ["kingfisher", "scan", repo, "--no-validate", "--no-update-check", "--quiet"],
        "trufflehog": ["trufflehog", "git", f"file://{os.path.abspath(repo)}", "--no-verification", "--no-update"],
        "gitleaks": ["gitleaks", "git", repo, "--no-banner", "--exit-code", "0", "--log-opts=--all"],
    }
    return {name: command for name, command in known.items() if shutil.which(name)}


def _leakguard(repo: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "leakguard", "git", repo, "-f", "jsonl", "-q", *options]


def measure(repo: str, repeat: int, with_peers: bool) -> dict[str, object]:
    """All rows of one run."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "LEAKGUARD_CACHE_DIR": os.path.join(folder, "rules"), "PYTHONPATH": ROOT}
        subprocess.run([sys.executable, "-m", "leakguard", "cache", "warm"], env=env, check=True, stdout=subprocess.DEVNULL)
        store = os.path.join(folder, "seen.sqlite")

        def wipe() -> None:
            if os.path.exists(store):
                os.unlink(store)

        rows: dict[str, Timed] = {}
        bare = ["git", "-C", repo, "cat-file", "--batch", "--batch-all-objects", "--buffer"]
        rows["cat-file"] = timed(bare, repeat)
        rows["cat-file --unordered"] = timed([*bare, "--unordered"], repeat)
        rows["leakguard"] = timed(_leakguard(repo, "--cache", store), repeat, env, wipe, folder)
        rows["leakguard, no attribution"] = timed(_leakguard(repo, "--cache", store, "--no-attribution"), repeat, env, wipe, folder)
        wipe()
        timed(_leakguard(repo, "--cache", store), 1, env, None, folder)
        rows["leakguard, second scan"] = timed(_leakguard(repo, "--cache", store), repeat, env, None, folder)
        if with_peers:
            for name, command in peers(repo).items():
                timed(command, 1, env, None, folder) if name == "kingfisher" else None  # its rule cache warm
                rows[name] = timed(command, 1 if name == "gitleaks" else repeat, env, None, folder)
    return {"rows": {name: _row(row) for name, row in rows.items()}, "ratios": ratios(rows), "bars": BARS}


def _row(row: Timed) -> dict[str, object]:
    return {"seconds": [round(one, 2) for one in row.seconds], "peak_mb": round(row.peak_mb), "exit": row.code}


def ratios(rows: dict[str, Timed]) -> dict[str, float]:
    """What the bars are about."""
    own = rows["leakguard"].median
    out = {
        "leakguard, against cat-file": own / rows["cat-file"].median,
        "leakguard, against cat-file --unordered": own / rows["cat-file --unordered"].median,
        "leakguard, second scan, against its first": rows["leakguard, second scan"].median / own,
        "attribution, share of the scan": own / rows["leakguard, no attribution"].median - 1,
        "peak memory of leakguard, MB": rows["leakguard"].peak_mb,
    }
    for name in ("kingfisher", "trufflehog", "gitleaks"):
        if name in rows:
            out[f"{name}, against leakguard"] = rows[name].median / own
    return {name: round(value, 3) for name, value in out.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repo", help="measure this repository instead of one that is built")
    parser.add_argument("--commits", type=int, default=25_000)
    parser.add_argument("--size", type=int, default=2_000, help="MB of blobs")
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", default=os.path.join(tempfile.gettempdir(), "leakguard-history"), help="where it is built and kept")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--build-only", action="store_true")
    arguments = parser.parse_args()
    if arguments.repo:
        repo = os.path.abspath(arguments.repo)
    else:
        os.makedirs(arguments.folder, exist_ok=True)
        repo = build(arguments.folder, arguments.commits, arguments.size * 1_000_000, arguments.seed)
    count = subprocess.run(["git", "-C", repo, "count-objects", "-v"], capture_output=True, text=True, check=False).stdout
    print(json.dumps({"repository": repo, "count-objects": dict(line.split(": ") for line in count.splitlines())}, indent=2))
    if not arguments.build_only:
        print(json.dumps(measure(repo, arguments.repeat, not arguments.no_peers), indent=2))


if __name__ == "__main__":
    main()
