"""`leakguard rules`, and how the command line ends: exit codes, and what stands on which stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from leakguard.cli import main as cli_main
from leakguard.cli.main import run
from leakguard.detect import rules as packs
from leakguard.errors import EXIT_CLEAN, EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_USAGE, SourceError

GOOD = """
[pack]
provider = "zetatest"
title = "Zeta"
references = ["https://zeta.example/docs"]
[[rule]]
id = "zetatest.token"
title = "Zeta token"
part = "access-token"
severity = "critical"
confidence = "high"
keywords = ["zetatest_pat_"]
pattern = '''(?P<secret>zetatest_pat_[0-9A-Za-z]{24})(?![0-9A-Za-z])'''
gates = [{ entropy = 2.0 }]
why = "Reads everything."
fix = "Revoke it."
examples = ['<<zetatest_pat_{{alnum*24}}>>', 'x=<<zetatest_pat_{{alnum*24}}>>;']
near_misses = [{ text = 'zetatest_pat_{{alnum*23}}', why = "short" }, { text = 'zetatest_{{alnum*24}}', why = "other" }]
[[set]]
id = "zetatest.credential"
title = "Zeta credential"
parts = { key = ["zetatest.token"] }
required = ["key"]
severity = "critical"
"""


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "own" / "zeta.toml"
    path.parent.mkdir()
    path.write_text(GOOD)
    return str(path)


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built-in folder of two packs: these tests are of the commands, not of the packs."""
    folder = tmp_path / "rules"
    (folder / "vcs").mkdir(parents=True)
    (folder / "ai").mkdir()
    (folder / "vcs" / "first.toml").write_text(GOOD.replace("zetatest", "first").replace("Zeta", "First"))
    second = GOOD.replace("zetatest", "second").replace("Zeta", "Second").replace('"critical"\nconf', '"low"\nconf')
    (folder / "ai" / "second.toml").write_text(second.replace('why = "Reads', 'status = "preview"\nwhy = "Reads'))
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(packs, "builtin_folder", lambda: str(folder))
    return tmp_path


# ---------------------------------------------------------------- check
def test_check_of_a_good_pack(few: Path, good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "check", "--rules", good]) == EXIT_CLEAN
    assert capsys.readouterr().out == "1 rule of 1 provider in 1 pack: ok\n"


def test_check_tries_a_rule_for_some_paths_under_one_that_fits(
    few: Path, good: str, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = 'paths = { include = ["**/conf[x]?/**/*.zeta"], exclude = ["**/*.lock"] }\nwhy = "Reads'
    Path(good).write_text(GOOD.replace('why = "Reads', paths))
    assert run(["rules", "check", "--rules", good]) == EXIT_CLEAN
    Path(good).write_text(GOOD.replace('why = "Reads', paths.replace("*.lock", "*.zeta")))
    assert run(["rules", "check", "--rules", good]) == EXIT_USAGE
    assert "examples: example 1: not found" in capsys.readouterr().out


def test_check_without_options_judges_the_built_in_packs(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "check"]) == EXIT_CLEAN
    assert capsys.readouterr().out.splitlines()[-1] == "2 rules of 2 providers in 2 packs: ok"


def test_a_built_in_file_may_be_given(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "check", "--rules", str(few / "rules" / "vcs" / "first.toml")]) == EXIT_CLEAN
    assert capsys.readouterr().out == "1 rule of 1 provider in 1 pack: ok\n"


def test_check_names_file_rule_and_field(few: Path, good: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(good).write_text(GOOD.replace("keywords", "keyword"))
    assert run(["rules", "check", "--rules", good]) == EXIT_USAGE
    out = capsys.readouterr().out
    assert f"error: {good}: zetatest.token: keyword: unknown field; keywords?\n" in out
    assert out.endswith("0 rules of 0 providers in 0 packs: 1 error\n")


def test_check_shows_where_an_example_fails(few: Path, good: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(good).write_text(GOOD.replace("'x=<<zetatest_pat_{{alnum*24}}>>;'", "'\x1b[31m<<zetatest_pat_{{alnum*20}}>>'"))
    assert run(["rules", "check", "--rules", good]) == EXIT_USAGE
    assert "not valid TOML" in capsys.readouterr().out
    escape = '"\\u001b[31m<<zetatest_pat_{{alnum*20}}>>"'
    Path(good).write_text(GOOD.replace("'x=<<zetatest_pat_{{alnum*24}}>>;'", escape))
    assert run(["rules", "check", "--rules", good]) == EXIT_USAGE
    out = capsys.readouterr().out
    assert "zetatest.token: examples: example 2: not found" in out
    assert "\x1b" not in out, "nothing of a pack writes to the terminal"


def test_check_as_json(few: Path, good: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(good).write_text(GOOD.replace('fix = "Revoke it."\n', ""))
    assert run(["rules", "check", "--rules", good, "--json"]) == EXIT_CLEAN
    streams = capsys.readouterr()
    assert json.loads(streams.out) == [
        {"file": good, "rule": "zetatest.token", "field": "fix", "message": "missing: one sentence", "error": False}
    ]
    assert "ok" in streams.err


def test_check_with_timing(few: Path, good: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of three rules each takes more than five percent: the bound is for all of them together."""
    assert run(["rules", "check", "--rules", good, "--timing"]) == EXIT_USAGE
    out = capsys.readouterr().out
    assert "ms" in out and "whole (at most 1.00 s)" in out
    assert "error: timing: zetatest.token: " in out


def test_of_many_rules_none_may_be_dear_to_compile(
    few: Path, good: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was measured only where somebody asked for the table, and one rule took a fifth of all."""
    monkeypatch.setattr("leakguard.cli.rules.MANY", 1)
    assert run(["rules", "check", "--rules", good]) == EXIT_USAGE
    out = capsys.readouterr().out
    assert "error: timing: zetatest.token: " in out
    assert "whole (at most" not in out


def test_check_of_what_is_not_there(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "check", "--rules", "gone.toml"]) == EXIT_USAGE
    streams = capsys.readouterr()
    assert streams.err == "leakguard: error: gone.toml: No such file or directory\n"
    assert run(["rules", "check", "--only", "firts"]) == EXIT_USAGE
    assert "firts: no such rule, provider or tag; first?" in capsys.readouterr().err


def test_check_of_an_imported_configuration(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = few / "gitleaks.toml"
    config.write_text("[extend]\nuseDefault = true\n[[rules]]\nid = 'a'\nregex = 'a_[0-9]{12}'\nkeywords = ['a_']\n")
    assert run(["rules", "check", "--import-gitleaks", str(config)]) == EXIT_CLEAN
    out = capsys.readouterr().out
    assert f"warning: {config}: extend.useDefault: " in out
    assert out.endswith("1 rule of 1 provider in 1 pack: ok\n")
    config.write_text("[[rules]]\nid = 'a'\nregex = 'a(?!b)'\n")
    assert run(["rules", "check", "--import-gitleaks", str(config)]) == EXIT_USAGE
    assert f"error: {config}: a: regex: (?! is not available" in capsys.readouterr().err


# ---------------------------------------------------------------- list, show, stats
def test_list(few: Path, good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "list", "--rules", good]) == EXIT_CLEAN
    assert capsys.readouterr().out.splitlines() == [
        "zetatest.token  critical  high    Zeta token",
        "first.token     critical  high    First token",
    ]
    assert run(["rules", "list", "--all"]) == EXIT_CLEAN
    assert "second.token  low       high    Second token (preview)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--severity", "high", "--all"], ["first.token"]),
        (["--part", "access-token", "--all"], ["second.token", "first.token"]),
        (["--theme", "ai", "--all"], ["second.token"]),
        (["--only", "vcs"], ["first.token"]),
        (["--exclude", "ai", "--all"], ["first.token"]),
    ],
)
def test_list_is_filtered(few: Path, capsys: pytest.CaptureFixture[str], options: list[str], ids: list[str]) -> None:
    assert run(["rules", "list", "--json", *options]) == EXIT_CLEAN
    rows = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in rows] == ids
    assert set(rows[0]) == {
        "id", "provider", "title", "part", "severity", "confidence", "status", "tags", "proofs"
    }  # fmt: skip


def test_list_of_nothing_is_an_error(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "list", "--part", "cookie"]) == EXIT_USAGE
    assert capsys.readouterr().err == "leakguard: error: no rule is like that\n"


def test_show(few: Path, good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "show", "zetatest.token", "--rules", good]) == EXIT_CLEAN
    out = capsys.readouterr().out
    for line in (
        "zetatest.token: Zeta token",
        "  severity        critical",
        "  keywords        zetatest_pat_",
        "  length          37, 37",
        "  gates           entropy: 2.0",
        "  sets            zetatest.credential (key)",
        "  near misses     text: zetatest_pat_{{alnum*23}}  why: short",
    ):
        assert line in out.splitlines()
    assert run(["rules", "show", "zetatest.token", "--rules", good, "--json"]) == EXIT_CLEAN
    facts = json.loads(capsys.readouterr().out)
    assert facts["pattern"].startswith("(?P<secret>") and facts["gates"] == [{"entropy": 2.0}]
    assert facts["references"] == ["https://zeta.example/docs"]


def test_show_knows_the_nearest_name(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "show", "frist.token"]) == EXIT_USAGE
    assert capsys.readouterr().err == "leakguard: error: no rule frist.token; first.token?\n"


def test_stats(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "stats", "--preview"]) == EXIT_CLEAN
    out = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert out[0] == ["theme", "providers", "rules", "patterns", "shapes", "proven"]
    one, two = ["1", "1", "1", "0", "0"], ["2", "2", "2", "0", "0"]
    assert out[1:4] == [["ai", *one], ["vcs", *one], ["all", *two]]
    assert run(["rules", "stats", "--json"]) == EXIT_CLEAN
    assert json.loads(capsys.readouterr().out)["total"]["rules"] == 1


# ---------------------------------------------------------------- docs
def test_docs_are_written_and_checked(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "docs", "--check"]) == EXIT_USAGE
    assert "out of date" in capsys.readouterr().out
    assert not list((few / "docs").iterdir()), "a check changes nothing"
    assert run(["rules", "docs"]) == EXIT_CLEAN
    page = (few / "docs" / "catalogue.md").read_text()
    assert "2 rules of 2 providers" in page
    assert "| `first.token` | First token: access-token | critical | high | pattern `(?P<secret>first_pat_" in page
    assert "`second.token` (preview)" in page
    assert run(["rules", "docs", "--check"]) == EXIT_CLEAN
    gates = (few / "docs" / "gates.md").read_text()
    assert "| `entropy` | `number` |  | Shannon bits per byte, at least |" in gates
    assert "| `crc_github` | `true` | yes |" in gates


def test_docs_need_a_folder(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "docs", "--folder", str(few / "gone")]) == EXIT_USAGE
    said = capsys.readouterr().err
    assert "no such folder" in said
    assert "pip install -e ." in said
    assert "--folder PATH" in said


def test_a_table_cell_holds_what_a_pack_says(few: Path) -> None:
    from leakguard.detect.catalogue import catalogue_page

    text = GOOD.replace('"Zeta token"', '"A | <b>`*[x](y)"').replace("24})(?!", "24}|`)(?!")
    page = catalogue_page([packs.parse_pack("own/zeta.toml", text.encode())])
    row = next(line for line in page.splitlines() if line.startswith("| `zetatest.token`"))
    assert r"A \| \<b\>\`\*\[x\](y)" in row
    assert r"``(?P<secret>zetatest_pat_[0-9A-Za-z]{24}\|`)(?![0-9A-Za-z])``" in row


def test_proofs_are_those_gates_that_can_say_proven() -> None:
    from leakguard.detect.catalogue import proves

    assert all(map(proves, ("crc_github", "pem", "wif", "bip39", "jwk", "azure_marvin", "secp256k1")))
    assert not any(map(proves, ("entropy", "length", "near", "base64_bytes", "unless", "not_placeholder")))


# ---------------------------------------------------------------- how the command line ends
@click.command()
def probe() -> None:
    """Replaced in each test."""


def ends_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    def fail() -> None:
        raise error

    monkeypatch.setattr(probe, "callback", fail)
    monkeypatch.setattr(cli_main, "COMMANDS", {"probe": f"{__name__}:probe"})
    return run(["probe"])


def test_our_errors_end_with_their_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends_with(monkeypatch, SourceError("a\x1b[0m\nb", "gone")) == EXIT_INCOMPLETE
    assert capsys.readouterr().err == "leakguard: error: a\\x1b[0m\\nb: gone\n"


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends_with(monkeypatch, KeyboardInterrupt()) == EXIT_INTERRUPTED
    assert "Traceback" not in capsys.readouterr().err


def test_a_pipe_that_broke_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends_with(monkeypatch, BrokenPipeError()) == EXIT_INCOMPLETE
    assert capsys.readouterr().err == ""


def test_an_unforeseen_error_shows_where_but_not_what(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends_with(monkeypatch, ValueError("the secret itself")) == EXIT_INCOMPLETE
    err = capsys.readouterr().err
    assert "internal error: ValueError" in err and "test_cli_rules.py" in err
    assert "the secret itself" not in err


@pytest.mark.parametrize("arguments", [["nonsense"], ["rules", "nonsense"], ["rules", "list", "--nonsense"]])
def test_bad_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == EXIT_USAGE
    assert "nonsense" in capsys.readouterr().err


def test_help_and_version_are_clean(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["--version"], ["rules", "--help"], ["rules", "check", "-h"]):
        assert run(arguments) == EXIT_CLEAN
        assert "leakguard" in capsys.readouterr().out


def test_a_real_pipe_that_closes_early(few: Path, good: str) -> None:
    """`leakguard rules list | head -1` leaves no traceback behind."""
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [sys.executable, "-m", "leakguard", "rules", "list", "--rules", good],
        stdout=write, stderr=subprocess.PIPE, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    os.close(write)
    assert (process.returncode, process.stderr) == (EXIT_INCOMPLETE, b"")
