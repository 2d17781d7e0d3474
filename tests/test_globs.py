"""Globs mean what the docstring of `leakguard.globs` says, held to a naive matcher by chance."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.globs import compile_globs

TABLE = [
    # glob, paths it fits, paths it does not
    ("*.lock", ["poetry.lock", "a/b/poetry.lock", ".lock", "x.lock/inside"], ["poetry.lock.txt", "lock"]),
    ("node_modules", ["node_modules/x", "web/node_modules/a/b", "node_modules"], ["node_modules2/x", "xnode_modules"]),
    ("**/*.tf", ["main.tf", "a/main.tf", "a/b/main.tf", "/abs/main.tf"], ["main.tfvars", "tf"]),
    ("dir/**", ["dir/x", "dir/a/b", "./dir/x"], ["dir", "a/dir/x", "dirx/y"]),
    ("**/dir/**", ["dir/x", "a/dir/x", "/a/b/dir/c/d"], ["dir", "a/dir", "a/dirs/x"]),
    ("**", ["a", "a/b", "/a"], []),
    ("**/", ["a/b", "a/"], ["a"]),
    ("src/*.py", ["src/a.py", "./src/a.py"], ["a/src/a.py", "src/b/a.py", "/src/a.py"]),
    ("./src/*.py", ["src/a.py", "./src/a.py"], ["a/src/a.py"]),
    ("src/gen", ["src/gen", "src/gen/a/b.py", "src/gen/"], ["src/gen.py", "a/src/gen"]),
    ("src/gen/", ["src/gen/a/b.py", "src/gen/"], ["src/gen"]),
    ("build/", ["build/x", "a/build/x", "build/"], ["build", "a/build"]),
    ("a/**/b", ["a/b", "a/x/b", "a/x/y/b", "a/b/c"], ["b", "x/a/b", "a/xb"]),
    ("a/**/b/**/c", ["a/b/c", "a/1/b/2/3/c"], ["a/c", "a/c/b"]),
    ("/etc/*.conf", ["/etc/x.conf"], ["etc/x.conf", "/a/etc/x.conf"]),
    ("/**", ["/a", "/a/b"], ["a"]),
    ("a?c", ["abc", "x/a-c/y"], ["ac", "abbc", "a/c"]),
    ("[abc].py", ["a.py", "x/b.py"], ["d.py", "ab.py"]),
    ("[!abc].py", ["d.py"], ["a.py", "/.py"]),
    ("[^abc].py", ["d.py"], ["a.py"]),
    ("[a-c0-9].py", ["b.py", "7.py"], ["d.py", "-.py"]),
    ("[]x].py", ["].py", "x.py"], ["[].py"]),
    ("[z-a].py", [], ["z.py", "a.py", "-.py", "[z-a].py"]),
    ("[!z-a].py", ["q.py"], ["qq.py"]),
    ("x[", ["x["], ["x"]),
    ("[+--]", ["+", ",", "-"], ["."]),
    (r"\*.py", ["*.py"], ["a.py"]),
    (r"\!x", ["!x"], ["x"]),
    ("a**b", ["ab", "axxb"], ["a/b"]),
    ("*.PEM", ["KEY.PEM"], ["key.pem"]),
    (".env*", [".env", "a/.env.local"], ["env", "x.env"]),
    ("*", ["anything", "a/b"], []),
    ("*/x", ["a/x"], ["/x", "x"]),
    ("a*b*c", ["abc", "aXbYc", "abcbc"], ["acb", "ab/c"]),
    ("\udc80*", ["\udc80x"], ["x"]),
    ("a\nb", ["a\nb"], ["a", "b"]),
    ("a", [], ["a\n", "b/ a"]),
]  # fmt: skip


@pytest.mark.parametrize(("glob", "fits", "fits_not"), TABLE, ids=[ascii(row[0]) for row in TABLE])
def test_table(glob: str, fits: list[str], fits_not: list[str]) -> None:
    matches = compile_globs([glob])
    assert [path for path in fits if not matches(path)] == []
    assert [path for path in fits_not if matches(path)] == []


def test_several_patterns_fit_if_any_does_and_none_fits_nothing() -> None:
    matches = compile_globs(["*.a", "b/**"])
    assert matches("x.a")
    assert matches("b/x")
    assert not matches("c/x")
    assert not compile_globs([])("")
    assert not compile_globs([])("x")


@pytest.mark.parametrize("glob", ["", "/", "./", "!x", "!"])
def test_a_pattern_without_meaning_is_named(glob: str) -> None:
    with pytest.raises(ValueError, match="glob ") as caught:
        compile_globs(["fine", glob])
    assert repr(glob) in str(caught.value)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*a" * 40 + "b", "a" * 4000),
        ("*?" * 40 + "b", "a" * 4000),
        ("**/a/" * 30 + "b", "a/" * 2000),
        ("**/*a*/" * 15 + "b", "aa/" * 1300),
    ],
)
def test_stars_do_not_explode(glob: str, path: str) -> None:
    matches = compile_globs([glob])
    begin = time.process_time()
    assert not matches(path)
    assert time.process_time() - begin < 2


# ---- the naive matcher: tries every way -----------------------------------------------------------------------------


def fits_name(glob: str, name: str) -> bool:
    if not glob:
        return not name
    if glob[0] == "*":
        return any(fits_name(glob.lstrip("*"), name[cut:]) for cut in range(len(name) + 1))
    return bool(name) and (glob[0] == "?" or glob[0] == name[0]) and fits_name(glob[1:], name[1:])


def fits_names(globs: list[str], names: list[str]) -> bool:
    if not globs:
        return not names
    if globs[0] == "**":
        return any(fits_names(globs[1:], names[cut:]) for cut in range(len(names) + 1))
    return bool(names) and fits_name(globs[0], names[0]) and fits_names(globs[1:], names[1:])


def naive(glob: str, path: str) -> bool:
    """Does the glob fit the path, or a directory above it?"""
    names = path.split("/")
    globs = glob.rstrip("/").split("/")
    if len(globs) == 1:
        globs.insert(0, "**")
    if globs[-1] == "**" and any(part != "**" for part in globs):
        return any(fits_names(globs[:-1], names[:length]) for length in range(1, len(names)))
    longest = len(names) - 1 if glob.endswith("/") else len(names)
    return any(fits_names(globs, names[:length]) for length in range(1, longest + 1))


NAMES = st.text("ab.", min_size=1, max_size=6).filter(lambda name: name not in {".", ".."})
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)
PIECES = st.one_of(st.just("**"), st.text("ab.*?", min_size=1, max_size=6).filter(lambda name: name != "."))
GLOBS = st.tuples(st.lists(PIECES, min_size=1, max_size=4).map("/".join), st.sampled_from(["", "/"])).map("".join)


@given(GLOBS, PATHS)
def test_chance_agrees_with_the_naive_matcher(glob: str, path: str) -> None:
    assert compile_globs([glob])(path) == naive(glob, path)
