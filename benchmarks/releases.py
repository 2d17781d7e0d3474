"""A history of public code: the releases of packages, as the package index has them, as commits of one repository.

    python benchmarks/releases.py ccxt django sqlalchemy --size 2000 --into FOLDER
    python benchmarks/history.py --repo FOLDER

For who can reach the package index and no public repository of the size that is asked for. Contents and what changes in them
are real; a commit takes one to four of the files that a release changed (by a seed), as commits do, and the last one of a
release what it dropped. Each package has a branch of its own, of all its releases from the first one on (no candidates), until its
share of `--size` (MB of different blobs) is reached. No archive is kept. Packed as a server packs, nothing checked out. The
index is pip's (`pip config get global.index-url`), else the public one.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import re
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from urllib.parse import urljoin

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)
LARGEST = 4_000_000
"""Bytes of a file that is taken: what is larger is data, of which one decides about the whole."""


def index() -> str:
    asked = subprocess.run([sys.executable, "-m", "pip", "config", "get", "global.index-url"], check=False, capture_output=True, text=True)
    return asked.stdout.strip() or "https://pypi.org/simple"


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=120) as answer:
        data: bytes = answer.read()
    return data


def releases(package: str) -> list[str]:
    """The addresses of a package's source archives, oldest first."""
    from packaging.version import InvalidVersion, Version

    base = f"{index().rstrip('/')}/{package}/"
    found = {}
    for link in re.findall(r'href="([^"#]+)', fetched(base).decode()):
        name = link.rpartition("/")[2]
        version = re.fullmatch(r".+?-(\d[\w.]*)\.tar\.gz", name)
        try:
            number = Version(version[1]) if version else None
        except InvalidVersion:
            continue
        if number is not None and not number.is_prerelease:
            found[number] = urljoin(base, link)
    return [found[number] for number in sorted(found)]


def files(archive: bytes) -> dict[str, bytes]:
    """Path to content of the plain files of a source archive, without the folder around them all."""
    out = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            path = member.name.partition("/")[2]
            if member.isfile() and path and member.size <= LARGEST and path.isprintable() and '"' not in path:
                taken = tar.extractfile(member)
                if taken is not None:
                    out[path] = taken.read()
    return out


class Branch:
    """One package: what `git fast-import` wants for its releases."""

    def __init__(self, package: str, rng: random.Random) -> None:
        self.package, self.rng = package, rng
        self.now: dict[str, int] = {}
        """Path to the hash of what lies there."""
        self.known: set[int] = set()
        self.bytes = self.commits = 0

    def release(self, version: str, tree: dict[str, bytes], when: int) -> Iterator[bytes]:
        changed = [path for path, data in tree.items() if self.now.get(path) != hash(data)]
        gone = [path for path in self.now if path not in tree]
        self.rng.shuffle(changed)
        while changed:
            few = [changed.pop() for _ in range(min(len(changed), self.rng.choice((1, 1, 1, 2, 2, 3, 4))))]
            yield self._head(f"{version}: {few[0]}", when)
            for path in few:
                data = tree[path]
                self.now[path] = mark = hash(data)
                if mark not in self.known:
                    self.known.add(mark)
                    self.bytes += len(data)
                yield f"M 100644 inline {self.package}/{path}\ndata {len(data)}\n".encode() + data + b"\n"
        if gone:
            yield self._head(f"{version}: drop {len(gone)}", when)
            for path in gone:
                del self.now[path]
                yield f"D {self.package}/{path}\n".encode()

    def _head(self, message: str, when: int) -> bytes:
        self.commits += 1
        text = message.encode()
        dev = f"Dev {self.commits % 40} <dev{self.commits % 40}@example.org> {when + self.commits} +0000"
        return b"commit refs/heads/%s\ncommitter %s\ndata %d\n%s\n" % (self.package.encode(), dev.encode(), len(text), text)


def stream(packages: list[str], size: int, seed: int) -> Iterator[bytes]:
    """All of it. `size` in bytes of different blobs."""
    rng = random.Random(seed)
    for package in packages:
        branch = Branch(package, rng)
        links = releases(package)
        share = size // len(packages)
        for link in links:
            if branch.bytes >= share:
                break
            yield from branch.release(link.rpartition("/")[2], files(fetched(link)), 1_500_000_000)
        print(f"{package}: {branch.commits} commits, {branch.bytes / 1e6:.0f} MB of blobs", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="+")
    parser.add_argument("--into", required=True, metavar="FOLDER", help="where the repository is made; must not exist")
    parser.add_argument("--size", type=int, default=2000, help="MB of different blobs")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if os.path.exists(options.into):
        parser.error(f"{options.into}: exists")
    from history import _git, _import

    _git("init", "-q", "-b", options.packages[0], options.into)
    _import(options.into, stream(options.packages, options.size * 1_000_000, options.seed))
    _git("-C", options.into, "repack", "-a", "-d", "-f", "-q", "--depth=50", "--window=10")


if __name__ == "__main__":
    main()
