"""The compiled cache: used only if it is exactly what this user wrote for exactly these packs; never in the way."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import hyperscan
import pytest

from leakguard.detect import cache, index, packfiles, patterns, rules, searches, stage1
from leakguard.detect.engine import Engine
from leakguard.detect.prepared import stored
from leakguard.detect.stage1 import Cold, Compiled, compile_databases
from leakguard.errors import RulePackError, UsageError

PACK = """
[pack]
provider = "acme"
title = "Acme"

[[rule]]
id = "acme.token"
title = "Acme token"
part = "access-token"
severity = "high"
confidence = "high"
keywords = ["acme_pat_"]
pattern = '''acme_pat_(?P<secret>[0-9a-f]{24})(?![0-9a-z])'''
"""
TEXT = b"acme_pat_0123456789fedcba98765432\n"
FULL = cache.FULL_COMPILE_AT


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A pack whose times have settled."""
    path = tmp_path / "packs" / "acme.toml"
    path.parent.mkdir()
    path.write_text(PACK)
    age(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def age(path: Path, seconds: int = 100) -> None:
    os.utime(path, ns=(1, os.stat(path).st_mtime_ns - seconds * 10**9))


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a test are always new; ctime cannot be set back."""
    monkeypatch.setattr(cache, "SETTLED", -(10**18))


def choose(pack: Path, **more: Any) -> cache.Selection:
    return cache.Selection((str(pack),), builtin=False, **more)


def load(pack: Path, folder: Path | str, expected: int = 0, **more: Any) -> cache.Loaded:
    loaded = cache.load(choose(pack, **more), expected, str(folder))
    scan = Engine(loaded.ruleset, loaded.stage1).scan(TEXT)
    assert [loaded.ruleset.rules[match.rule].id for match in scan.matches] == ["acme.token"]
    return loaded


def files(folder: Path, ending: str) -> list[Path]:
    return sorted(folder.glob(f"rules-*.{ending}"))


# ---- the way it goes ------------------------------------------------------------------------------------------------


def test_cold_then_compiled_then_warm(pack: Path, folder: Path) -> None:
    assert load(pack, folder).state == "cold"
    assert load(pack, folder, FULL).state == "compiled"
    warm = load(pack, folder)
    assert warm.state == "warm"
    assert isinstance(warm.stage1, Compiled)
    assert load(pack, folder, FULL).state == "warm"


def test_what_is_read_back_is_what_was_written(environment: str, loaded: cache.Loaded) -> None:
    again = cache.load(cache.Selection(), 0, environment)
    assert again.state == "warm"
    files = packfiles.read_files(packfiles.pack_files(packfiles.builtin_folder()))
    parsed = rules.select([rules.parse_pack(name, data) for name, data in files], again.ruleset.digest)
    assert tuple(again.ruleset.rules) == parsed.rules
    assert tuple(again.ruleset.sets) == parsed.sets
    assert tuple(again.ruleset.venues) == parsed.venues


def test_rules_are_parsed_when_somebody_looks() -> None:
    asked = []

    def make(row: list[Any]) -> int:
        asked.append(row)
        return int(row[0])

    rows = index.Rows(index.lines_of([[number] for number in range(5)]), 5, make)
    assert (len(rows), asked) == (5, [])
    assert rows[3] == 3
    assert rows[3] == 3
    assert asked == [[3]]
    assert list(rows) == [0, 1, 2, 3, 4]
    assert rows == (0, 1, 2, 3, 4)
    assert rows[1:3] == [1, 2]
    assert list(index.Rows(b"", 0, make)) == []
    assert "0" not in repr(rows)


def test_a_small_start_repeated_compiles_in_the_end(pack: Path, folder: Path) -> None:
    """Hooks never scan enough to pay for a full compile; together they do."""
    states = [load(pack, folder).state for _ in range(cache.COLD_STARTS + 2)]
    assert states == ["cold"] * cache.COLD_STARTS + ["compiled", "warm"]
    assert files(folder, "cold") == []


def test_scanning_much_from_cold_leaves_a_cache(pack: Path, folder: Path) -> None:
    loaded = load(pack, folder)
    assert isinstance(loaded.stage1, Cold)
    loaded.stage1.scan(b"x" * 5_000_000, True)
    assert load(pack, folder).state == "warm"


def test_warm_says_what_it_did(pack: Path, folder: Path) -> None:
    assert cache.warm(choose(pack), str(folder)) == "compiled"
    assert cache.warm(choose(pack), str(folder)) == "warm"


# ---- what makes it another cache ------------------------------------------------------------------------------------


def test_another_content_is_another_cache(pack: Path, folder: Path) -> None:
    load(pack, folder, FULL)
    pack.write_text(PACK.replace('"high"', '"low"'))
    assert load(pack, folder).state == "cold"
    pack.write_text(PACK)
    assert load(pack, folder).state == "warm"


def test_a_change_that_keeps_size_and_time_is_noticed(pack: Path, folder: Path) -> None:
    """The note goes by the time of the last change, which nobody can set back."""
    load(pack, folder, FULL)
    load(pack, folder)
    before = os.stat(pack)
    pack.write_text(PACK.replace("Acme token", "acme TOKEN"))
    os.utime(pack, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert os.stat(pack).st_size == before.st_size
    loaded = load(pack, folder)
    assert (loaded.state, loaded.ruleset.rules[0].title) == ("cold", "acme TOKEN")


def test_a_file_that_just_changed_leaves_no_note(pack: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SETTLED", 10**18)
    load(pack, folder, FULL)
    assert files(folder, "note") == []
    assert load(pack, folder).state == "warm"


def test_with_a_note_no_pack_is_read(pack: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(pack, folder, FULL)
    assert len(files(folder, "note")) == 1
    monkeypatch.setattr(cache, "read_files", lambda paths: pytest.fail("read a pack"))
    assert load(pack, folder).state == "warm"


def test_selections_have_their_own(pack: Path, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(PACK.replace("acme", "zeta"))
    load(pack, folder, FULL)
    both = cache.Selection((str(pack), str(other)), builtin=False)
    assert len(cache.load(both, FULL, str(folder)).ruleset.rules) == 2
    assert len(load(pack, folder).ruleset.rules) == 1
    assert len(cache.load(both._replace(only=("zeta",)), FULL, str(folder)).ruleset.rules) == 1


@pytest.mark.parametrize("what", ["version", "hyperscan", "code"])
def test_another_version_is_another_cache(pack: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    load(pack, folder, FULL)
    if what == "version":
        monkeypatch.setattr(cache, "__version__", "99")
    elif what == "hyperscan":
        monkeypatch.setattr(hyperscan, "__version__", "99", raising=False)
    else:
        extra = pack.parent.parent / "more.py"
        extra.write_text("# another module")
        known = packfiles.code_files()
        monkeypatch.setattr(cache, "code_files", lambda: [*known, str(extra)])
    assert load(pack, folder).state == "cold"


def test_every_module_with_triggers_is_of_the_cache() -> None:
    stage1.triggers()
    folder = os.path.dirname(str(packfiles.__file__))
    known = {os.path.realpath(path) for path in packfiles.code_files()}
    having = {
        os.path.realpath(str(module.__file__))
        for name, module in list(sys.modules.items())
        if name.startswith("leakguard.detect.") and any(key in vars(module) for key in ("TRIGGERS", "TEXT_TRIGGERS", "FORMS"))
    }
    assert len(having) > 10
    assert {path for path in having if path.startswith(os.path.realpath(folder))} <= known


def test_mistakes_are_not_cached(pack: Path, folder: Path) -> None:
    pack.write_text(PACK.replace("severity", "severety"))
    for _ in range(2):
        with pytest.raises(RulePackError) as caught:
            cache.load(choose(pack), FULL, str(folder))
        assert (caught.value.file, caught.value.rule, caught.value.field) == (str(pack), "acme.token", "severety")
    with pytest.raises(UsageError):
        cache.load(cache.Selection((str(pack.parent / "none"),), builtin=False), 0, str(folder))
    with pytest.raises(RulePackError):
        cache.load(cache.Selection((str(folder.parent),), builtin=False), 0, str(folder))


def test_a_folder_without_packs_is_a_mistake(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RulePackError, match="no packs"):
        cache.load(cache.Selection((str(tmp_path / "empty"),)), 0, str(folder))


# ---- what is not trusted --------------------------------------------------------------------------------------------


def test_only_the_user_can_read_it(pack: Path, folder: Path) -> None:
    old = os.umask(0)
    try:
        load(pack, folder, FULL)
        load(pack, folder, only=("acme",))
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    written = list(folder.iterdir())
    assert {path.suffix for path in written} == {".bin", ".note", ".cold"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "truncated":
        del data[len(data) // 2 :]
    elif how == "short":
        del data[30:]
    elif how == "empty":
        data.clear()
    elif how == "longer":
        data += b"more"
    elif how == "flipped at the end":
        data[-1] ^= 1
    elif how == "flipped in the middle":
        data[len(data) // 2] ^= 0x40
    elif how == "flipped in the checksum":
        data[len(cache.MAGIC)] ^= 1
    elif how == "another magic":
        data[3] ^= 1
    path.write_bytes(data)


HOWS = (
    "truncated", "short", "empty", "longer", "flipped at the end", "flipped in the middle", "flipped in the checksum",
    "another magic",
)  # fmt: skip


@pytest.mark.parametrize("how", HOWS)
def test_what_is_damaged_is_made_anew(pack: Path, folder: Path, how: str) -> None:
    load(pack, folder, FULL)
    (path,) = files(folder, "bin")
    before = path.read_bytes()
    damage(path, how)
    assert path.read_bytes() != before
    assert load(pack, folder).state == "cold"
    assert load(pack, folder, FULL).state == "compiled"
    assert path.read_bytes()[: len(cache.MAGIC)] == cache.MAGIC
    assert load(pack, folder).state == "warm"


def test_no_byte_of_it_can_be_another_unseen(pack: Path, folder: Path) -> None:
    """The checksum leaves what is behind a database's header to hyperscan."""
    load(pack, folder, FULL)
    (path,) = files(folder, "bin")
    data = path.read_bytes()
    whole = load(pack, folder)
    assert whole.state == "warm"
    made = [hyperscan.dumpb(database) if database else b"" for database in whole.stage1.databases]  # type: ignore[attr-defined]
    starts = [data.find(part) for part in made if part]
    heads = [at for start in starts for at in range(start - 8, start + 48)]
    heads += [at for part, start in zip(filter(None, made), starts, strict=True) for at in range(start + len(part) - 130, start + len(part))]
    for at in (*range(200), *heads, *range(200, len(data), len(data) // 300), len(data) - 1):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        path.write_bytes(damaged)
        assert cache._read(str(path), path.stem.removeprefix("rules-")) is None, at


@pytest.mark.parametrize(
    "content", [b"", b"x" * 32, b"../../../../etc/passwd/././././.", b"0" * 31, bytes(32), b"0" * 32]
)
def test_a_note_that_is_none_is_made_anew(pack: Path, folder: Path, content: bytes) -> None:
    load(pack, folder, FULL)
    (note,) = files(folder, "note")
    before = note.read_bytes()
    note.write_bytes(content)
    assert load(pack, folder).state == "warm"
    assert note.read_bytes() == before


def test_a_cache_under_another_name_is_not_used(pack: Path, folder: Path, tmp_path: Path) -> None:
    """A cache says itself what it is of."""
    load(pack, folder, FULL)
    (mine,) = files(folder, "bin")
    pack.write_text(PACK.replace("[0-9a-f]{24}", "[0-9]{12}[0-9a-f]{12}"))
    other = tmp_path / "others"
    loaded = cache.load(choose(pack), FULL, str(other))
    (theirs,) = files(other, "bin")
    theirs.write_bytes(mine.read_bytes())
    assert cache.load(choose(pack), 0, str(other)).state == "cold"
    assert loaded.ruleset.digest == theirs.stem.removeprefix("rules-")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_what_others_can_write_is_not_used(pack: Path, folder: Path, mode: int) -> None:
    load(pack, folder, FULL)
    (path,) = files(folder, "bin")
    path.chmod(mode)
    assert load(pack, folder).state == "cold"


def test_what_is_somebody_elses_is_not_used(pack: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(pack, folder, FULL)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert load(pack, folder).state == "cold"


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_no_file_is_not_used(pack: Path, folder: Path, kind: str) -> None:
    load(pack, folder, FULL)
    (path,) = files(folder, "bin")
    kept = path.rename(folder / "elsewhere")
    if kind == "link":
        path.symlink_to(kept)
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert load(pack, folder).state == "cold"
    load(pack, folder, FULL)


def test_another_cpu_is_no_error(pack: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(pack, folder, FULL)

    def refuse(*_: object) -> Any:
        raise hyperscan.error("error code -5")  # HS_DB_PLATFORM_ERROR

    with monkeypatch.context() as patch:
        patch.setattr(hyperscan, "loadb", refuse)
        assert load(pack, folder).state == "cold"
        assert load(pack, folder, FULL).state == "compiled"
    assert load(pack, folder).state == "warm"


def test_it_is_no_pickle(pack: Path, folder: Path) -> None:
    load(pack, folder, FULL)
    (path,) = files(folder, "bin")
    key, numbers, own, sets, venues, tables, code, searched, *databases = cache._stored(str(path), checked=cache.CHECKED)
    assert code == patterns.stored()
    assert searched == searches.stored(rule.pattern for rule in load(pack, folder).ruleset.rules)
    assert json.loads(tables) == json.loads(stored(load(pack, folder).ruleset._replace(prepared=b"")))
    assert json.loads(own)[0] == "acme.token"
    assert json.loads(venues)[0] == "acme"
    assert (sets, key.decode(), len(numbers)) == (b"", path.stem.removeprefix("rules-"), 4 * 8)
    assert [hyperscan.dumpb(database) for database in compile_databases(load(pack, folder).ruleset)[:2]] == databases[
        :2
    ]
    source = "".join(Path(str(module.__file__)).read_text() for module in (cache, index, patterns))
    assert not any(word in source for word in ("import pickle", "import marshal", "eval(", "exec("))


# ---- where it cannot be ---------------------------------------------------------------------------------------------


def test_no_folder_is_no_cache(pack: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAKGUARD_CACHE_DIR", "")
    monkeypatch.chdir(folder.parent)
    before = sorted(folder.parent.rglob("*"))
    assert cache.cache_folder() == ""
    for _ in range(cache.COLD_STARTS + 2):
        assert cache.load(choose(pack)).state == "cold"
    assert cache.load(choose(pack), FULL).state == "compiled"
    assert cache.load(choose(pack)).state == "cold"
    assert sorted(folder.parent.rglob("*")) == before


def test_the_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LEAKGUARD_CACHE_DIR")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_folder() == str(tmp_path / "leakguard")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.cache_folder() == ""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.cache_folder() == str(tmp_path / ".cache" / "leakguard")


def test_a_file_where_the_folder_should_be(pack: Path, folder: Path) -> None:
    folder.write_text("in the way")
    assert load(pack, folder).state == "cold"
    assert load(pack, folder, FULL).state == "compiled"
    assert load(pack, folder).state == "cold"
    assert folder.read_text() == "in the way"


CHILD = """
import json, os, resource, sys
pack, folder, how = sys.argv[1:]
from leakguard.detect import cache
from leakguard.detect.engine import Engine
Engine(*cache.load(cache.Selection((pack,), builtin=False), 0, "")[:2]).scan(b"acme_pat_0123456789fedcba98765432 ")
if how == "read-only" and os.getuid() == 0:  # after the imports: Python itself may be root's alone
    os.setgid(65534); os.setuid(65534)
if how == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
cache.SETTLED = -10**18
loaded = cache.load(cache.Selection((pack,), builtin=False), int(1e9), folder)
found = Engine(loaded.ruleset, loaded.stage1).scan(b"acme_pat_0123456789fedcba98765432\\n").matches
print(loaded.state, len(found))
"""


def child(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="modes and limits of POSIX")
def test_a_full_disk_leaves_nothing_half_written(pack: Path, folder: Path) -> None:
    assert child(str(pack), str(folder), "full") == "compiled 1"
    assert list(folder.iterdir()) == []
    assert load(pack, folder).state == "cold"


@pytest.mark.skipif(sys.platform == "win32", reason="modes and limits of POSIX")
def test_a_read_only_folder_is_no_error(folder: Path, pack: Path) -> None:
    if os.geteuid() == 0:
        for above in Path(__file__).resolve().parents:
            if not above.stat().st_mode & 0o001:
                pytest.skip("the checkout lies in a folder that is closed to other users")
    folder.mkdir()
    folder.chmod(0o555)
    above = 4 if "PYTEST_XDIST_WORKER" in os.environ else 3  # a worker's folders lie one deeper
    for path in (pack.parent, *folder.parents[:above]):
        path.chmod(path.stat().st_mode | 0o055)
    pack.chmod(0o644)
    try:
        assert child(str(pack), str(folder), "read-only") == "compiled 1"
    finally:
        folder.chmod(0o755)
    assert list(folder.iterdir()) == []


def test_many_writers_at_once(pack: Path, folder: Path) -> None:
    """Each writes a file of its own and renames it: whoever reads meanwhile sees all of one, or none."""
    states: list[str] = []
    problems: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(3):
                states.append(load(pack, folder, FULL).state)
                for path in files(folder, "bin"):
                    path.unlink(missing_ok=True)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert set(states) <= {"compiled", "warm"}
    assert len(states) == 18
    assert files(folder, "tmp") == []


def test_old_ones_go(pack: Path, folder: Path) -> None:
    for number in range(12):
        pack.write_text(f"{PACK}# {number}\n")
        load(pack, folder, FULL)
    assert len(files(folder, "bin")) == 9
    assert load(pack, folder).state == "warm"


# ---- the index of a wheel -------------------------------------------------------------------------------------------


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[tuple[str, bytes]], Path]:
    """An installed package's index, of one pack."""
    (tmp_path / "leakguard" / "detect").mkdir(parents=True)
    monkeypatch.setattr(index, "__file__", str(tmp_path / "leakguard" / "detect" / "index.py"))
    of = [("acme.toml", PACK.encode())]
    path = tmp_path / "leakguard" / index.NAME
    path.write_bytes(index.build(of))
    return of, path


def test_the_index_says_what_the_packs_say(built: tuple[list[tuple[str, bytes]], Path]) -> None:
    of, _ = built
    (pack,) = index.read(of) or []
    expected = rules.parse_pack(*of[0])
    assert (pack.venue, pack.rules, pack.sets) == (expected.venue, expected.rules, expected.sets)


def test_the_index_is_of_exactly_these_packs(built: tuple[list[tuple[str, bytes]], Path]) -> None:
    of, path = built
    name, data = of[0]
    assert index.read([(name, data + b"\n")]) is None
    assert index.read([("zeta.toml", data)]) is None
    assert index.read([*of, ("more.toml", data)]) is None
    assert index.read([]) is None
    for content in (b"", b"[]", b"{}", b"nonsense", path.read_bytes()[:-5], b'["x", 3]'):
        path.write_bytes(content)
        assert index.read(of) is None
    path.unlink()
    assert index.read(of) is None


def test_the_index_of_all_packs_says_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leakguard" / "detect").mkdir(parents=True)
    monkeypatch.setattr(index, "__file__", str(tmp_path / "leakguard" / "detect" / "index.py"))
    of = packfiles.read_files(packfiles.pack_files(packfiles.builtin_folder()))
    (tmp_path / "leakguard" / index.NAME).write_bytes(index.build(of))
    packs = index.read(of)
    assert packs is not None
    assert [pack.rules for pack in packs] == [rules.parse_pack(name, data).rules for name, data in of]
