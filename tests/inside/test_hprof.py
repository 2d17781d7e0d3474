"""Heap dumps of Java: values are given to the names of their fields and entries, all else is bytes; and what OpenJDK itself writes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest
from heaps import Heap, heap
from scanned import scanned

from leakguard.detect.generate import expand
from leakguard.model import Finding
from leakguard.sources.inside.limits import Limits

pytestmark = pytest.mark.usefixtures("loaded")

KEY, SECRET, TOKEN = (expand(text, Random(f"heap {text}")) for text in ("{{alnum*64}}", "{{hex*64}}", "{{gen:github ghp_}}"))
PAIRS = {"binance.api.key": KEY, "binance.api.secret": SECRET, "github.token": TOKEN}
RULES = ["binance.api-key", "binance.api-secret", "github.personal-access-token"]


def findings(folder: Path) -> list[Finding]:
    return list(scanned(folder, Limits()).findings)


@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize("wide", [False, True])
def test_entries_of_a_map(size: int, wide: bool, tmp_path: Path) -> None:
    (tmp_path / "a.hprof").write_bytes(heap(PAIRS, size, wide))
    seen = findings(tmp_path)
    assert sorted(found.rule for found in seen) == RULES
    assert {str(found.origin).rpartition("!/")[2] for found in seen} == {"@objects"}


def test_fields_of_an_object_and_what_has_no_name(tmp_path: Path) -> None:
    made = Heap()
    config = made.type("com/example/BinanceConfig", made.object, [("port", 10), ("apiKey", 2), ("apiSecret", 2), ("other", 2)])
    made.instance(config, bytes(4) + made.text(KEY) + made.text(SECRET) + made.text("nothing"))
    made.put("binance.api.secret", SECRET)  # another text of the same letters
    made.text(f"Authorization: token {TOKEN}")
    (tmp_path / "a.hprof").write_bytes(made.data())
    seen = findings(tmp_path)
    assert {found.rule for found in seen} == set(RULES)
    assert [found.start_byte for found in seen if found.rule == RULES[2]] == [made.data().index(TOKEN.encode())]


@pytest.mark.parametrize("seed", range(30))
def test_damage_fails_nowhere_and_hides_no_token(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    data = bytearray(heap(PAIRS, random.choice((4, 8))))
    place = data.index(TOKEN.encode())
    for _ in range(random.randrange(1, 60)):
        at = random.randrange(19, len(data))
        if not place - 1 <= at <= place + len(TOKEN):
            data[at] = random.randrange(256)
    (tmp_path / "a.hprof").write_bytes(bytes(data))
    # a name or a letter that was changed beside it may take its border
    border = (data[place - 1 : place] + data[place + len(TOKEN) : place + len(TOKEN) + 1]).decode("latin-1")
    if not any(letter.isalnum() for letter in border):
        assert RULES[2] in {found.rule for found in findings(tmp_path)}


@pytest.mark.parametrize("cut", [19, 31, 200, 1000])
def test_one_that_is_cut_off_is_read_as_far_as_it_goes(cut: int, tmp_path: Path) -> None:
    (tmp_path / "a.hprof").write_bytes(heap(PAIRS)[:-cut] if cut > 100 else heap(PAIRS)[:cut])
    findings(tmp_path)


def test_a_class_above_itself_and_fields_without_end(tmp_path: Path) -> None:
    made = Heap()
    own = made.type("com/example/Ring", (made.next + 16).to_bytes(8, "big"), [("apiSecret", 2)] * 4000)
    made.instance(own, made.text(SECRET) * 4000)
    (tmp_path / "a.hprof").write_bytes(made.data())
    findings(tmp_path)


PROGRAM = """
import java.util.*;
public class A {
    String binanceApiSecret;
    public static void main(String[] a) throws Exception {
        Properties p = new Properties();
        p.load(new java.io.FileReader(a[1]));
        A one = new A();
        one.binanceApiSecret = p.getProperty("binance.api.secret") + "";
        Class<?> kind = Class.forName("com.sun.management.HotSpotDiagnosticMXBean");
        Object bean = java.lang.management.ManagementFactory.getPlatformMXBean((Class) kind);
        kind.getMethod("dumpHeap", String.class, boolean.class).invoke(bean, a[0], true);
        System.out.println(p.size() + one.binanceApiSecret.length());
    }
}
"""


def test_what_openjdk_writes(tmp_path: Path) -> None:
    if shutil.which("javac") is None or shutil.which("java") is None:
        pytest.skip("needs a JDK")
    (tmp_path / "A.java").write_text(PROGRAM)
    (tmp_path / "p.properties").write_text("".join(f"{name}={value}\n" for name, value in PAIRS.items()))
    run = {"cwd": tmp_path, "capture_output": True, "timeout": 120}
    subprocess.run(["javac", "-nowarn", "A.java"], check=True, **run)
    (tmp_path / "dump").mkdir()
    done = subprocess.run(["java", "-Xmx64m", "A", "dump/a.hprof", "p.properties"], check=False, **run)
    if done.returncode:
        pytest.skip("this Java writes no dump")
    assert {found.rule for found in findings(tmp_path / "dump")} >= set(RULES)
