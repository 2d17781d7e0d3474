"""The commit hook beside gitleaks and Kingfisher: wall time of whole processes on staged files, as ratios in one run.

    python benchmarks/hook.py [--repo PATH] [--runs N] [--python PATH] [--json FILE]

Stages 1 and 300 files in two shared clones of PATH (which is left alone; default: a small repository made here) and runs
each tool in turn, round by round, so that a noisy moment costs all of them. leakguard is the one that --python can import;
default: a wheel of this checkout in an environment made for the run, since an editable install starts slowly. Peers are
taken from PATH where they are; a missing one is said, not guessed. Medians; a warm-up round first.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = "from leakguard.hook import main; main()"
PEERS = {
    "gitleaks": ["gitleaks", "git", "--pre-commit", "--staged", "--redact", "--no-banner"],
    "kingfisher": ["kingfisher", "scan", ".", "--staged", "--quiet", "--no-update-check", "--no-validate"],
}
BARS = {"gitleaks": 2.5, "kingfisher": 0.2}
"""leakguard's median may be this many times the peer's."""
MANY = 4.0
"""300 staged files may take this many times one."""


def git(folder: str, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def small_repository(folder: str) -> None:
    """A few hundred files of text in a few dozen commits."""
    os.makedirs(folder)
    git(folder, "init", "-q")
    for commit in range(30):
        for number in range(10):
            path = os.path.join(folder, f"dir{number}", f"file{commit}.txt")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as out:
                out.writelines(f"line {line} of file {number} in commit {commit}\n" for line in range(100))
        git(folder, "add", "-A")
        git(folder, "-c", "user.name=b", "-c", "user.email=b@example.com", "commit", "-q", "-m", f"commit {commit}")


def stage(folder: str, count: int) -> None:
    """Stages so many new source files of some 4 kB, none with a secret."""
    for number in range(count):
        path = os.path.join(folder, "staged", f"module_{number}.py")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as out:
            out.write('"""A module."""\n\nimport os\n\n')
            for line in range(60):
                out.write(
                    f"def function_{line}(order, price={line}.{number}):\n    return order.key + os.environ['NAME_{line}']\n"
                )
    git(folder, "add", "-A")


def environment(folder: str) -> str:
    """A fresh environment with a wheel of this checkout; its Python."""
    venv.create(folder, with_pip=True)
    python = os.path.join(folder, "Scripts" if os.name == "nt" else "bin", "python")
    subprocess.run([python, "-m", "pip", "install", "-q", os.path.dirname(HERE)], check=True, stderr=subprocess.DEVNULL)
    return python


def wall(command: list[str], folder: str, env: dict[str, str]) -> tuple[float, int]:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return time.perf_counter() - start, done.returncode


def rounds(commands: dict[str, list[str]], folders: dict[str, str], env: dict[str, str], runs: int) -> dict[str, Any]:
    """By folder: median, least and most seconds, and the exit code, of each command."""
    seconds: dict[tuple[str, str], list[float]] = {(count, name): [] for count in folders for name in commands}
    codes: dict[tuple[str, str], int] = {}
    for number in range(runs + 1):
        for (count, name), taken in seconds.items():
            took, codes[count, name] = wall(commands[name], folders[count], env)
            if number:
                taken.append(took)
    out: dict[str, Any] = {count: {} for count in folders}
    for (count, name), taken in seconds.items():
        code = codes[count, name]
        out[count][name] = {"median": statistics.median(taken), "min": min(taken), "max": max(taken), "exit": code}
    return out


def measure(python: str, folders: dict[str, str], env: dict[str, str], runs: int) -> dict[str, Any]:
    commands = {"python -c pass": [python, "-I", "-c", "pass"], "leakguard": [python, "-I", "-c", RUN]}
    commands |= {name: command for name, command in PEERS.items() if shutil.which(name)}
    out = rounds(commands, folders, env, runs)
    for rows in list(out.values()):
        own = rows["leakguard"]["median"]
        for row in rows.values():
            row["leakguard is"] = own / row["median"]
    out["300 files / 1 file"] = out["300"]["leakguard"]["median"] / out["1"]["leakguard"]["median"]
    return out


def show(result: dict[str, Any]) -> None:
    for count in ("1", "300"):
        print(f"{count} staged:")
        for name, row in result[count].items():
            bar = f", bar {BARS[name]}" if name in BARS and count == "1" else ""
            print(
                f"  {name:16} {row['median'] * 1000:7.1f} ms ({row['min'] * 1000:.1f} to {row['max'] * 1000:.1f}), exit {row['exit']}; leakguard is {row['leakguard is']:.2f} x that{bar}"
            )
        for name in PEERS.keys() - result[count].keys():
            print(f"  {name:16} not on PATH")
    print(f"300 files take {result['300 files / 1 file']:.2f} times one file, bar {MANY}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", help="measure in a shared clone of this repository")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--python", help="a Python that can import leakguard")
    parser.add_argument("--json", help="write the figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="leakguard-hook-") as folder:
        origin = os.path.abspath(options.repo) if options.repo else os.path.join(folder, "small")
        if not options.repo:
            small_repository(origin)
        clones = {count: os.path.join(folder, f"clone {count}") for count in ("1", "300")}
        for count, clone in clones.items():
            git(folder, "clone", "-q", "--shared", origin, clone)
            stage(clone, int(count))
        python = options.python or environment(os.path.join(folder, "venv"))
        env = {**os.environ, "LEAKGUARD_CACHE_DIR": os.path.join(folder, "cache")}
        subprocess.run(
            [python, "-m", "leakguard", "cache", "warm"], cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL
        )
        time.sleep(2.5)  # files changed within the last two seconds are not trusted to be what they were
        result = measure(python, clones, env, options.runs)
    show(result)
    if options.json:
        with open(options.json, "w") as out:
            json.dump(result, out, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
