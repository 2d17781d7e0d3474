"""The places where a token is planted: 32 in files and 5 in an image (the peers reach 25 and 5), and one nest of everything.

What other tests ask of each format closely is asked here of all at once, by the commands that people run.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import json
import lzma
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from urllib.parse import quote

import dbs
import papers
import pytest
import recorded
from nests import ARCHIVES, CODECS, Files, tar, zip_, zst
from scanned import held
from test_inside_scan import findings, planted, run, token

pytestmark = pytest.mark.usefixtures("loaded")

Place = Callable[[Path, str], object]
"""Puts a token somewhere in a folder."""


def line(secret: str) -> bytes:
    return f"2026-11-21 10:00:00 INFO starting up\nGITHUB_TOKEN={secret}\n2026-11-21 10:00:01 INFO done\n".encode()


def wrote(name: str, make: Callable[[str], bytes]) -> Place:
    def place(folder: Path, secret: str) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make(secret))

    return place


def sqlite_row(folder: Path, secret: str) -> None:
    with sqlite3.connect(folder / "rows.db") as base:
        base.execute("create table accounts (id integer, name text, github_token text)")
        base.executemany("insert into accounts values (?, ?, ?)", [(n, "nobody", "-") for n in range(50)])
        base.execute("insert into accounts values (99, 'bot', ?)", (secret,))
    base.close()


def sqlite_deleted(folder: Path, secret: str) -> None:
    base = sqlite3.connect(folder / "deleted.db")
    base.execute("pragma secure_delete = off")
    base.execute("create table notes (id integer primary key, text text)")
    base.executemany("insert into notes values (?, ?)", [(n, "nothing " * 200) for n in range(100)])
    base.execute("insert into notes values (500, ?)", (f"GITHUB_TOKEN={secret} " + "x " * 1500,))
    base.commit()
    base.execute("delete from notes where id > 20")
    base.commit()
    assert base.execute("pragma freelist_count").fetchone()[0] > 0
    base.close()


def link(folder: Path, secret: str) -> None:
    os.symlink(f"https://user:{secret}@github.com/x/y.git", folder / "remote")


def single_line(secret: str) -> bytes:
    words = " ".join(f"field{n}=value{n}" for n in range(150_000)).encode()
    return words + f" github_token={secret} ".encode() + words


def notebook(secret: str) -> bytes:
    output = {"output_type": "stream", "name": "stdout", "text": [f"GITHUB_TOKEN={secret}\n"]}
    cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": ["print(token)"], "outputs": [output]}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def escaped(secret: str) -> bytes:
    text = "".join(f"\\u{ord(letter):04x}" for letter in f"GITHUB_TOKEN={secret}")
    return f'{{"level": "info", "text": "{text}"}}\n'.encode()


def in_json(secret: str) -> bytes:
    inner = json.dumps({"headers": {"github_token": secret}})
    return json.dumps({"level": "info", "body": json.dumps({"inner": inner})}).encode()


def lock_file(secret: str) -> bytes:
    where = f"git+https://{secret}@github.com/x/y.git"
    return json.dumps({"lockfileVersion": 3, "packages": {"x": {"resolved": where}}}, indent=1).encode()


def comments(secret: str) -> bytes:
    return f"GITHUB_TOKEN={secret}  # gitleaks:allow trufflehog:ignore kingfisher:ignore pragma: allowlist secret\n".encode()


def dump(secret: str) -> bytes:
    rng = Random(secret)
    return rng.randbytes(70_000) + f"\0GITHUB_TOKEN={secret}\0".encode() + rng.randbytes(70_000)


def four_deep(secret: str) -> bytes:
    inner = zip_([("c.env", line(secret))])
    return gzip.compress(tar([("a.zip", zip_([("b.tar.xz", lzma.compress(tar([("b.zip", inner)])))]))]))


def hexed(secret: str) -> bytes:
    return b"payload = " + f"GITHUB_TOKEN={secret}\n".encode().hex().encode() + b"\n"


def split(secret: str) -> bytes:
    return f'token = "{secret[:18]}" + \\\n    "{secret[18:]}"\n'.encode()


def wrapped(secret: str) -> bytes:
    """As mail and `base64` wrap lines."""
    return base64.encodebytes(
        b"some words before it, which take the room of a line or two of the whole\n" + line(secret)
    )


def b64(secret: str) -> bytes:
    return base64.b64encode(line(secret))


FILES: dict[str, Place] = {
    "plain.log (control)": wrote("plain.log", line),
    "log.gz": wrote("a.log.gz", lambda s: gzip.compress(line(s))),
    "log.xz": wrote("b.log.xz", lambda s: lzma.compress(line(s))),
    "log.bz2": wrote("c.log.bz2", lambda s: bz2.compress(line(s))),
    "log.zst": wrote("d.log.zst", lambda s: zst(line(s))),
    "zip": wrote("e.zip", lambda s: zip_([("etc/e.env", line(s))])),
    "tar.gz": wrote("f.tar.gz", lambda s: gzip.compress(tar([("etc/f.env", line(s))]))),
    "zip in tar.gz (2 deep)": wrote("g.tgz", lambda s: gzip.compress(tar([("g.zip", zip_([("g.env", line(s))]))]))),
    "4 deep": wrote("h.tgz", four_deep),
    "docx": wrote("i.docx", lambda s: papers.docx(papers.paragraph(f"the key: GITHUB_TOKEN={s}"))),
    "ipynb output": wrote("j.ipynb", notebook),
    "sqlite row": sqlite_row,
    "sqlite deleted row (freelist)": sqlite_deleted,
    "UTF-16LE BOM log": wrote("k.log", lambda s: b"\xff\xfe" + line(s).decode().encode("utf-16-le")),
    "UTF-16BE no BOM": wrote("l.log", lambda s: line(s).decode().encode("utf-16-be")),
    "5 MB single line": wrote("m.log", single_line),
    "base64": wrote("n.yaml", lambda s: b"data: " + b64(s) + b"\n"),
    "base64 x2": wrote("o.yaml", lambda s: b"data: " + base64.b64encode(b64(s)) + b"\n"),
    "hex": wrote("p.txt", hexed),
    "percent-encoded": wrote("q.txt", lambda s: quote(f"GITHUB_TOKEN={s}\n", safe="").replace("_", "%5F").encode()),
    "\\u escapes": wrote("r.json", escaped),
    "gzip+base64 (k8s helm)": wrote(
        "s.yaml", lambda s: b"release: " + base64.b64encode(gzip.compress(line(s))) + b"\n"
    ),
    "split string concat": wrote("t.py", split),
    "line-wrapped at 76": wrote("u.pem", wrapped),
    "json-escaped in json log": wrote("v.jsonl", in_json),
    "raw binary dump": wrote("core.1234", dump),
    "png extension": wrote("w.png", line),
    "node_modules": wrote("node_modules/x/config.js", line),
    "package-lock.json": wrote("package-lock.json", lock_file),
    "hidden dir": wrote(".config/.env", line),
    "line with foreign allow comments": wrote("x.sh", comments),
    "symlink target": link,
}


def test_a_token_is_found_in_every_place(tmp_path: Path) -> None:
    assert len(FILES) == 32
    planted_at = {}
    for number, (name, place) in enumerate(FILES.items()):
        place(tmp_path, token(1000 + number))
        planted_at[token(1000 + number)] = name
    told = findings(tmp_path, ".")
    found = {planted_at.pop(str(record["secret"]), "") for record in told if record["secret"] in planted_at}
    assert len(found) >= 31, f"not found: {sorted(planted_at.values())}"
    assert not planted_at


def image(path: Path, secrets: list[str]) -> None:
    """What `docker save` writes: a file, one that the next layer deletes, a variable, a label, a build argument."""
    layers = [
        tar([("app/keys.env", line(secrets[0])), ("tmp/gone.env", line(secrets[1]))]), tar([("tmp/.wh.gone.env", b"")]),
    ]  # fmt: skip
    config = json.dumps({
        "os": "linux", "architecture": "amd64",
        "config": {"Env": ["PATH=/bin", f"GITHUB_TOKEN={secrets[2]}"], "Labels": {"deploy.github_token": secrets[3]}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in layers]},
        "history": [{"created_by": f"RUN |1 GITHUB_TOKEN={secrets[4]} /bin/sh -c make"}, {"created_by": "RUN rm /tmp/gone.env"}],
    }).encode()  # fmt: skip
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    blobs: Files = [(name, config), ("1/layer.tar", layers[0]), ("2/layer.tar", layers[1])]
    manifest = [{"Config": name, "RepoTags": ["app:1"], "Layers": ["1/layer.tar", "2/layer.tar"]}]
    path.write_bytes(tar([*blobs, ("manifest.json", json.dumps(manifest).encode())]))


def test_a_token_is_found_in_every_place_of_an_image(tmp_path: Path) -> None:
    secrets = [token(2000 + number) for number in range(5)]
    image(tmp_path / "app.tar", secrets)
    done = run(tmp_path, "image", "-f", "jsonl", "--show-secrets", "app.tar")
    assert done.returncode == 1, done.stderr
    records = [json.loads(row) for row in done.stdout.splitlines()]
    found = {r["secret"]: r for r in records if r.get("type", "finding") == "finding"}
    assert set(found) == set(secrets)
    facts = found[secrets[1]]["origin"].get("facts") or found[secrets[1]]["origin"]["inside"]["facts"]
    assert str(facts["final"]).startswith("deleted in layer 2")


# ---------------------------------------------------------------- one nest of everything
SQL = (
    b"--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n\n"
    b"COPY public.accounts (id, name, github_token) FROM stdin;\n"
)


def contents() -> dict[str, Callable[[str], bytes]]:
    """A member of each kind that holds a token, by its name."""
    made: dict[str, Callable[[str], bytes]] = {
        f"codec/{name}{suffix}": lambda s, pack=pack: pack(line(s))  # type: ignore[misc]
        for name, (suffix, pack) in CODECS.items()
    }
    made |= {
        f"archive/{name}": lambda s, make=make: make([("srv/x.env", line(s))])  # type: ignore[misc]
        for name, make in ARCHIVES.items()
    }
    made |= {
        "paper/a.docx": lambda s: papers.docx(papers.paragraph(f"GITHUB_TOKEN={s}")),
        "paper/a.xlsx": lambda s: papers.xlsx({"one": [["name", "value"], ["github_token", s]]}),
        "paper/a.pptx": lambda s: papers.pptx([f"GITHUB_TOKEN={s}"]),
        "paper/a.pdf": lambda s: papers.pdf([[f"GITHUB_TOKEN={s}"]]).end(),
        "paper/a.msg": lambda s: papers.msg("keys", f"GITHUB_TOKEN={s}"),
        "paper/a.eml": lambda s: b"From: a@example.org\nTo: b@example.org\nSubject: keys\n\n" + line(s),
        "paper/a.ipynb": notebook,
        "log/syslog": line,
        "log/x.pcap": lambda s: recorded.pcap([recorded.Sent("10.0.0.1:1000", "10.0.0.2:80", line(s), 1)]),
        "log/x.journal": lambda s: recorded.journal([[b"_COMM=app", b"MESSAGE=one"], [f"GITHUB_TOKEN={s}".encode()]]),
        "log/x.evtx": lambda s: recorded.evtx([[("EventID", "1"), ("Data", f"GITHUB_TOKEN={s}")]]),
        "log/docker.log": lambda s: json.dumps({"log": f"GITHUB_TOKEN={s}\n", "stream": "stdout"}).encode() + b"\n",
        "db/dump.aof": lambda s: dbs.command(b"SELECT", b"0") + dbs.command(b"SET", b"github_token", s.encode()),
        "db/dump.bson": lambda s: dbs.bson_document(github_token=s.encode()),
        "db/dump.sql": lambda s: SQL + f"1\tbot\t{s}\n\\.\n\n-- PostgreSQL database dump complete\n".encode(),
        "db/000003.log": lambda s: dbs.leveldb_records([dbs.batch(1, [(b"github_token", s.encode())])]),
        "wide.log": lambda s: line(s).decode().encode("utf-16-le"),
        "dump.bin": dump,
    }
    return made


def test_one_nest_of_everything_gives_each_secret_once_with_its_chain(tmp_path: Path) -> None:
    members: Files = []
    places: dict[str, str] = {}
    for number, (name, make) in enumerate(contents().items()):
        secret = token(3000 + number)
        members.append((name, make(secret)))
        places[secret] = name
    for name, place in (("db/rows.db", sqlite_row), ("db/deleted.db", sqlite_deleted)):
        secret = token(3900 + len(places))
        place(tmp_path, secret)
        members.append((name, (tmp_path / name.rpartition("/")[2]).read_bytes()))
        (tmp_path / name.rpartition("/")[2]).unlink()
        places[secret] = name
    folder = tmp_path / "backup"
    folder.mkdir()
    (folder / "all.tar.zst").write_bytes(zst(tar([("images/app.tar", tar(members))])))
    (folder / "plain.env").write_bytes(planted(3999))
    places[token(3999)] = ""
    done = run(folder, "scan", ".", "-f", "jsonl", "--show-secrets", "--receipt", "../receipt.json")
    assert done.returncode == 1, done.stderr
    records = [json.loads(row) for row in done.stdout.splitlines()]
    found = [r for r in records if r.get("type", "finding") == "finding"]
    assert sorted(str(r["secret"]) for r in found) == sorted(places)
    for record in found:
        name = places[str(record["secret"])]
        chain = f"all.tar.zst!/images/app.tar!/{name}" if name else "plain.env"
        assert str(record["path"]) == chain or str(record["path"]).startswith(f"{chain}!/"), record["path"]
    told = json.loads((tmp_path / "receipt.json").read_bytes())
    assert told["complete"] is True, (told["failed"], told["truncated"], told["skipped"])
    assert told["skipped"]["count"] == told["failed"]["count"] == told["truncated"]["count"] == 0
    assert told["details"]["inside"]["members"] > len(members)
    held(told["account"], sum(path.stat().st_size for path in folder.iterdir()), told["bytes"])
    for state in ("skipped", "failed", "truncated"):
        assert told["account"]["files"][state] == told["account"]["members"][state] == 0
    # at each level: what the zstd holds, what the tar in it holds, and what that one's members hold
    packed = tar([("images/app.tar", tar(members))])
    assert told["account"]["members"]["bytes"] >= len(packed) + len(tar(members)) + sum(len(data) for _, data in members)
