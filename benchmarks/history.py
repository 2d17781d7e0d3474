"""History side by side: one repository, built from a seed or given, read by leakguard and by its peers in one run.

    python benchmarks/history.py                                  25,000 commits, 2 GB of blobs; built once, kept
    python benchmarks/history.py --commits 1000 --size 50         a small one
    python benchmarks/history.py --from TREE                      of the texts of this folder, and not the running Python's
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
import sysconfig
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
LEAST, MOST = 2_000, 120_000
"""Sizes of the texts that are taken, in bytes."""


def texts(tree: str, rng: random.Random) -> list[tuple[str, list[bytes]]]:
    """(path, lines) of the text files of a tree, in an order of the seed."""
    found = []
    for folder, folders, names in os.walk(tree):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__")))
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.islink(path) or not LEAST <= os.path.getsize(path) <= MOST:
                continue
            with open(path, "rb") as handle:
                data = handle.read()
            if b"\0" in data or data.count(b"\n") < len(data) // 200 or not name.isascii() or not _is_text(data):
                continue
            found.append((os.path.relpath(path, tree).replace(os.sep, "/"), data.splitlines(keepends=True)))
    rng.shuffle(found)
    return found


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


class Project:
    """Texts of a real tree that change as in a project that lives: a commit touches one to four files, each in one to
    three places by up to thirty lines that stand in other texts of the tree; files come, are renamed and go; branches are
    merged or left; one commit in a thousand leaks a token, and a later one takes it out."""

    def __init__(self, seed: int, tree: str, commits: int, size: int) -> None:
        from leakguard.detect.generate import expand

        self.rng = random.Random(seed)
        self.expand = expand
        self.reserve = texts(tree, self.rng)
        if len(self.reserve) < 20:
            raise SystemExit(f"{tree}: too few text files of {LEAST} to {MOST} bytes")
        self.donors = [lines for _, lines in self.reserve]
        self.commits, self.size = commits, size
        self.files: dict[str, list[bytes]] = {}
        self.names: list[str] = []
        self.number = self.written = 0
        self.leaked: list[tuple[str, bytes]] = []
        self.taken = 0

    def leak(self) -> bytes:
        return f"TOKEN = '{self.expand('{{gen:github ghp_}}', self.rng)}'\n".encode()

    def fresh(self) -> str:
        """A file more: the next text of the tree, with another name once all were taken."""
        path, lines = self.reserve[self.taken % len(self.reserve)]
        again = self.taken // len(self.reserve)
        self.taken += 1
        path = f"more{again}/{path}" if again else path
        self.files[path] = list(lines)
        self.names.append(path)
        return path

    def pick(self) -> str:
        """A file to change: rather a large one, and rather one that was changed before."""
        rng, names = self.rng, self.names
        ahead = self.written * self.commits > self.size * max(1, self.number)
        few = min(len(names), max(10, len(names) // 4))
        tried = [names[rng.randrange(few if odd else len(names))] for odd in (0, 1, 0, 0, 1, 0, 0, 1)][: 2 if ahead else 8]
        return (min if ahead else max)(tried, key=lambda name: len(self.files[name]))

    def edit(self, name: str) -> None:
        rng, lines = self.rng, self.files[name]
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
            at = rng.randrange(len(lines) + 1)
            other = rng.choice(self.donors)
            start = rng.randrange(len(other))
            count = min(30, 1 + int(rng.expovariate(0.25)))
            kind = rng.random()
            if kind < 0.35:
                lines[at:at] = other[start : start + count]
            elif kind < 0.75:
                lines[at : at + count] = other[start : start + count + rng.randrange(-1, 3)]
            elif kind < 0.9 and len(lines) > 60:
                del lines[at : at + count]
            elif at < len(lines):
                lines[at] = lines[at].replace(b"self", b"this").replace(b"0", b"1").replace(b" = ", b" == ")
        if len(lines) > 3000:
            del lines[: len(lines) // 2]
        if not lines:
            lines.append(b"pass\n")

    def changed(self, number: int, without: set[str]) -> list[str]:
        """The files that a commit changes; they are changed."""
        self.number = number
        rng = self.rng
        out: list[str] = []
        if len(self.names) < 40 or rng.random() < min(0.1, 4000 / self.commits):
            out.append(self.fresh())
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
            name = self.pick()
            if name not in without and name not in out:
                self.edit(name)
                out.append(name)
        if not out:
            out.append(self.fresh())
        if number % 1000 == 500:
            self.leaked.append((out[-1], self.leak()))
            lines = self.files[out[-1]]
            lines.insert(rng.randrange(len(lines)), self.leaked[-1][1])
        elif number % 1000 == 550 and self.leaked and self.leaked[-1][0] in self.files:
            name, line = self.leaked[-1]
            if line in self.files[name] and name not in without:
                self.files[name].remove(line)
                out.append(name)
        return list(dict.fromkeys(out))


AT_ONCE = 1000
"""Commits that one `git fast-import` takes: what a build that was stopped does again."""


class Stream:
    """What `git fast-import` wants. Marks: 2n of commit n, odd ones of blobs."""

    def __init__(self, seed: int, tree: str, commits: int, size: int) -> None:
        self.project = Project(seed, tree, commits, size)
        self.commits = commits
        self.blobs = 0
        self.topic: set[str] = set()
        """Files that an open branch changed: the main one leaves them alone until it is merged."""
        self.topic_marks: dict[str, int] = {}
        self.left = 0
        self.branch = ""
        self.tips: dict[str, int] = {}
        """Marks of the branches' last commits."""

    def chunk(self, first: int, last: int) -> Iterator[bytes]:
        """Commits first .. last."""
        for number in range(first, last):
            yield from self._commit(number)

    def _commit(self, number: int) -> Iterator[bytes]:
        rng = self.project.rng
        if not self.branch and number > 20 and rng.random() < 0.02:
            self.branch, self.left = f"topic/{number}", rng.randrange(2, 7)
            self.tips[self.branch] = self.tips["main"]
        if self.branch and not self.left:
            yield from self._merge(number)
            return
        on_topic = bool(self.branch) and rng.random() < 0.5
        names = self.project.changed(number, set() if on_topic else self.topic)
        if on_topic:
            names = [name for name in names if name in self.topic or name in self.project.files]
            self.topic.update(names)
            self.left -= 1
        marks = {}
        for name in names:
            data = b"".join(self.project.files[name])
            self.blobs += 1
            self.project.written += len(data)
            marks[name] = 2 * self.blobs + 1
            yield b"blob\nmark :%d\ndata %d\n" % (marks[name], len(data)) + data + b"\n"
        if on_topic:
            self.topic_marks.update(marks)
        yield self._head(self.branch if on_topic else "main", number, f"{number}: change {names[0]}")
        yield b"".join(b"M 100644 :%d %s\n" % (mark, name.encode()) for name, mark in marks.items())
        if not on_topic and rng.random() < 0.01:
            yield from self._renamed(rng.choice(sorted(set(self.project.names) - self.topic)))
        yield b"\n"
        if number % 500 == 499:
            yield f"tag v{number // 500}\nfrom :{self.tips['main']}\ntagger Dev <dev@example.org> {_when(number)} +0000\ndata 8\nrelease\n\n".encode()

    def _renamed(self, name: str) -> Iterator[bytes]:
        project = self.project
        new = f"moved/{name}"
        project.files[new] = project.files.pop(name)
        project.names[project.names.index(name)] = new
        yield f"R {name} {new}\n".encode()

    def _merge(self, number: int) -> Iterator[bytes]:
        """The open branch's files into the main one; one branch in ten stays as it is, and its files with it."""
        dropped = self.project.rng.random() < 0.1
        yield self._head("main", number, f"{number}: {'see' if dropped else 'merge'} {self.branch}")
        if not dropped:
            yield f"merge :{self.tips[self.branch]}\n".encode()
        yield b"".join(b"M 100644 :%d %s\n" % (mark, name.encode()) for name, mark in self.topic_marks.items()) + b"\n"
        self.branch, self.topic, self.topic_marks = "", set(), {}

    def _head(self, branch: str, number: int, message: str) -> bytes:
        text = f"{message}\n".encode()
        dev = f"Dev {number % 40} <dev{number % 40}@example.org> {_when(number)} +0000"
        # by its mark, for a new run of fast-import knows no branch
        start = f"from :{self.tips[branch]}\n" if number else ""
        self.tips[branch] = 2 * number + 2
        head = f"commit refs/heads/{branch}\nmark :{2 * number + 2}\ncommitter {dev}\ndata {len(text)}\n"
        return head.encode() + text + start.encode()


def _when(number: int) -> int:
    return 1_600_000_000 + 3600 * number


def build(folder: str, tree: str, commits: int, size: int, seed: int) -> str:
    """The repository, built if it is not there, packed as a server packs, nothing checked out. A build that was stopped
    goes on where it was. Not bare: trufflehog reads nothing of a bare one, and says that it finished."""
    path = os.path.join(folder, f"history-{commits}-{size // 1_000_000}-{seed}")
    built = os.path.join(path, ".git", "built")
    if not os.path.exists(path):
        _git("init", "-q", "-b", "main", path)
    done = 0
    if os.path.exists(built):
        with open(built) as handle:
            done = int(handle.read())
    if done > commits:
        return path
    stream = Stream(seed, tree, commits, size)
    for first in range(0, commits, AT_ONCE):
        last = min(commits, first + AT_ONCE)
        parts = stream.chunk(first, last)
        if last <= done:
            for _ in parts:
                pass  # the dice must fall as they did
            continue
        _import(path, parts)
        _note(built, last)
    _git("-C", path, "repack", "-a", "-d", "-f", "-q", "--depth=50", "--window=10")
    _note(built, commits + 1)
    return path


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, env=_environment())


def _environment() -> dict[str, str]:
    return {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def _import(path: str, parts: Iterator[bytes]) -> None:
    marks = os.path.join(path, ".git", "marks")
    command = ["git", "-C", path, "fast-import", "--quiet", "--done", "--force"]
    command += [f"--import-marks-if-exists={marks}", f"--export-marks={marks}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=_environment()) as importer:
        assert importer.stdin is not None
        importer.stdin.writelines(parts)
        importer.stdin.write(b"done\n")
        importer.stdin.close()
        if importer.wait():
            raise SystemExit("git fast-import failed")


def _note(path: str, number: int) -> None:
    with open(path + ".new", "w") as out:
        out.write(str(number))
    os.replace(path + ".new", path)


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


def peers(repo: str, wanted: list[str]) -> dict[str, list[str]]:
    """Commands of the wanted peers that are on PATH: whole history, default rules, no validation over the network."""
    known = {
        "kingfisher": ["kingfisher", "scan", repo, "--no-validate", "--no-update-check", "--quiet"],
        "trufflehog": ["trufflehog", "git", f"file://{os.path.abspath(repo)}", "--no-verification", "--no-update"],
        "gitleaks": ["gitleaks", "git", repo, "--no-banner", "--exit-code", "0", "--log-opts=--all"],
    }
    return {name: command for name, command in known.items() if name in wanted and shutil.which(name)}


def _leakguard(repo: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "leakguard", "git", repo, "-f", "jsonl", "-q", *options]


def measure(repo: str, repeat: int, wanted: list[str]) -> dict[str, object]:
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
        for name, command in peers(repo, wanted).items():
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
    parser.add_argument("--from", dest="tree", default=sysconfig.get_path("stdlib"), help="where the texts are taken from (the running Python's library)")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", default=os.path.join(tempfile.gettempdir(), "leakguard-history"), help="where it is built and kept")
    parser.add_argument("--peers", default="kingfisher,trufflehog,gitleaks", help="those to run beside it, if they are on PATH")
    parser.add_argument("--build-only", action="store_true")
    arguments = parser.parse_args()
    if arguments.repo:
        repo = os.path.abspath(arguments.repo)
    else:
        os.makedirs(arguments.folder, exist_ok=True)
        repo = build(arguments.folder, arguments.tree, arguments.commits, arguments.size * 1_000_000, arguments.seed)
    count = subprocess.run(["git", "-C", repo, "count-objects", "-v"], capture_output=True, text=True, check=False).stdout
    print(json.dumps({"repository": repo, "count-objects": dict(line.split(": ") for line in count.splitlines())}, indent=2))
    if not arguments.build_only:
        print(json.dumps(measure(repo, arguments.repeat, arguments.peers.split(",")), indent=2))


if __name__ == "__main__":
    main()
