from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from langdistill.records import Call, Feedback, Reply, Step, ToolRun, Trace, Usage
from langdistill.stores.opening import open_store
from langdistill.stores.sqlite import SQLiteStore
from langdistill.testing.store_conformance import full
from tests.cli.test_commands import run


def traces() -> list[Trace]:
    return [
        Trace(id="one", name="g", thread="t", user="ann", started=1000.0, ended=1001.5, calls=[Call(id="c", usage=Usage(input_tokens=7, output_tokens=2))]),
        Trace(id="two", name="h", user="bob", started=2_000_000_000.0, outcome="failed", error="it\nbroke"),
        full(),
    ]  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    store = SQLiteStore(tmp_path / "t.db")
    store.add(traces())
    store.add_feedback("one", Feedback(score=0.25, comment="meh"))
    store.close()
    return tmp_path / "t.db"


def told(*words: Any) -> Any:
    ran = run(*words)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("command", ["ls", "show", "tail", "export", "import"])
def test_every_command_explains_itself(command: str) -> None:
    ran = run("traces", command, "--help")
    assert ran.returncode == 0
    assert f"langdistill traces {command}" in ran.stdout


def test_ls_is_one_list_with_a_row_a_trace(path: Path) -> None:
    rows = told("traces", "ls", path, "--format", "json")
    assert [row["id"] for row in rows] == ["one", "two", "full"]
    assert rows[0] == {
        "id": "one", "name": "g", "strategy": None, "thread": "t", "user": "ann", "started": 1000.0, "seconds": 1.5, "calls": 1,
        "input_tokens": 7, "output_tokens": 2, "outcome": "ended", "error": None, "scores": [0.25],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["--graph", "h"], ["two"]),
        (["--thread", "t"], ["one", "full"]),
        (["--user", "ann"], ["one"]),
        (["--since", "2033-01-01"], ["two"]),
        (["--since", "1s"], ["two"]),
        (["--since", "1 s ago"], ["two"]),
        (["--before", "2033-01-01T00:00:00+00:00"], ["one", "full"]),
        (["--limit", "2"], ["two", "full"]),
        (["--user", "nobody"], []),
    ],
)
def test_ls_takes_limits(path: Path, words: list[str], ids: list[str]) -> None:
    assert [row["id"] for row in told("traces", "ls", path, "--format", "json", *words)] == ids


def test_ls_for_people(path: Path) -> None:
    ran = run("traces", "ls", path)
    assert ran.returncode == 0
    assert "it broke" in ran.stdout
    assert "7+2" in ran.stdout
    assert ran.stdout.strip().endswith("3 traces")


@pytest.mark.xdist_group("postgres")
def test_the_store_may_be_an_address(tables: str) -> None:
    store = open_store(tables)
    store.add(traces())
    store.close()
    assert [row["id"] for row in told("traces", "ls", tables, "--format", "json")] == ["one", "two", "full"]
    assert told("purge", tables, "--user", "ann", "--yes", "--format", "json")["traces"] == ["one"]
    assert len(told("traces", "ls", tables, "--format", "json")) == 2


def agent() -> Trace:
    said: Any = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "c", "function": {"name": "add", "arguments": "{}"}}],
    }
    return Trace(
        id="agent-1", name="agent", input=[{"role": "user", "content": "[bold]2+2?[/] \x1b[31m"}],
        steps=[Step(name="outer", started=1.0), Step(name="inner", parent=0, started=2.0, branch=3), Step(name="tools", started=9.0, outcome="failed", error="boom")],
        calls=[Call(id="c", step=1, model="gpt", replies=[Reply(message=said)], started=2.0)],
        tool_runs=[ToolRun(id="r", name="add", step=2, arguments={"a": 1}, output={"role": "tool", "content": "3"}, started=9.0)],
        output=[{"role": "assistant", "content": "x" * 1000}], feedback=[Feedback(name="helpful", score=1, comment="yes")],
    )  # fmt: skip


def test_show_is_a_tree(path: Path) -> None:
    store = SQLiteStore(path)
    store.add([agent()])
    store.close()
    ran = run("traces", "show", path, "agent")
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert "\x1b" not in ran.stdout
    assert r"user [bold]2+2?[/] \x1b[31m" in ran.stdout
    assert "... (1,000 characters)" in ran.stdout
    assert "feedback 1 helpful yes" in ran.stdout

    def depth(text: str) -> int:
        return next(line.index(text) for line in lines if text in line)

    assert depth("outer") < depth("inner branch 3") < depth("call gpt 0+0 tokens") < depth("calls add({})")
    assert depth("tools failed boom") < depth('tool add({"a": 1})')
    assert depth("outer") == depth("tools failed boom")
    assert "x" * 60 in run("traces", "show", path, "agent", "--whole").stdout
    assert run("traces", "show", path, "full").returncode == 0, "odd characters are no failure"


def test_show_as_json_is_the_trace(path: Path) -> None:
    assert Trace.model_validate(told("traces", "show", path, "full", "--format", "json")) == full()


def test_tail_shows_the_last_ones(path: Path) -> None:
    ran = run("traces", "tail", path, "--once", "-n", "2", "--format", "json")
    assert [json.loads(line)["id"] for line in ran.stdout.splitlines()] == ["two", "full"]


def test_tail_follows_and_stops(path: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "langdistill",
        "traces",
        "tail",
        str(path),
        "-n",
        "1",
        "--every",
        "0.05",
        "--format",
        "json",
    ]
    following = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    counting = subprocess.Popen([*words, "--count", "3"], stdout=subprocess.PIPE, text=True)
    assert following.stdout
    assert counting.stdout
    for tail in (following, counting):
        assert json.loads(tail.stdout.readline())["id"] == "full"  # type: ignore[union-attr]
    store = SQLiteStore(path)
    for new in ("three", "one", "four"):  # "one" is known, and only replaced
        store.add([Trace(id=new)])
        time.sleep(0.1)
    store.close()
    assert [json.loads(line)["id"] for line in counting.communicate(timeout=60)[0].splitlines()] == ["three", "four"]
    assert counting.returncode == 0
    assert [json.loads(following.stdout.readline())["id"] for _ in range(2)] == ["three", "four"]
    following.send_signal(signal.SIGINT)
    assert following.communicate(timeout=60)[0] == ""
    assert following.returncode == 130


def test_export_to_lines_and_to_parquet(path: Path, tmp_path: Path) -> None:
    assert told("traces", "export", path, tmp_path / "o.jsonl", "--format", "json")["traces"] == 3
    assert len((tmp_path / "o.jsonl").read_text().splitlines()) == 3
    assert run("traces", "export", path, tmp_path / "o.parquet", "--user", "ann").stdout.startswith("1 traces in")
    before = (tmp_path / "o.jsonl").read_bytes()
    refused = run("traces", "export", path, tmp_path / "o.jsonl")
    assert refused.returncode == 2
    assert "exists" in refused.stderr
    assert (tmp_path / "o.jsonl").read_bytes() == before
    assert run("traces", "export", path, tmp_path / "o.jsonl", "--overwrite", "--graph", "h").returncode == 0
    assert len((tmp_path / "o.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ls", "nothing.db"], "There is no trace store at 'nothing.db'"),
        (["ls", "postgresql://me:hunter2@127.0.0.1:1/d"], "'postgresql://me@127.0.0.1:1/d' cannot be opened"),
        (["ls", "t.db", "--since", "soon"], "'soon' is no date. Give one as 2026-01-31"),
        (["ls", "t.db", "--format", "xml"], "'xml' is not one of"),
        (["show", "t.db", "zzz"], "holds no trace 'zzz'"),
        (["show", "t.db", ""], "holds 3 traces whose ids begin with ''"),
        (["export", "t.db", "o.csv"], "There is no format of a file named '.csv'. Known: .jsonl, .parquet."),
        (["export", "t.db", "nowhere/o.jsonl"], "cannot be written"),
        (["import", "new.db", "nothing.jsonl", "--from", "langdistill"], "does not exist"),
        (["import", "new.db", "t.db", "--from", "nothing"], "There is no format named 'nothing'"),
    ],
)  # fmt: skip
def test_bad_input_is_one_paragraph_and_code_2(
    path: Path, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    ran = run("traces", *words)
    assert ran.returncode == 2, ran.stderr
    assert said in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert "hunter2" not in ran.stderr
    assert not (path.parent / "new.db").exists()
    assert sorted(one.name for one in path.parent.iterdir()) == ["t.db"]


def test_export_and_import_again(path: Path, tmp_path: Path) -> None:
    told("traces", "export", path, tmp_path / "o.jsonl", "--format", "json")
    with (tmp_path / "o.jsonl").open("a") as file:
        file.write("no trace\n")
    for _ in range(2):
        became = told(
            "traces", "import", tmp_path / "new.db", tmp_path / "o.jsonl", "--from", "langdistill", "--format", "json"
        )
        assert became["traces"] == 3
        assert became["reasons"] == {"no-json": 1}
        assert [one["where"].endswith("row 4") for one in became["unmapped"]] == [True]
    old, new = SQLiteStore(path), SQLiteStore(tmp_path / "new.db")
    assert [row.id for row in new.rows()] == ["one", "two", "full"]
    assert list(new.traces())[:2] == list(old.traces())[:2], (
        "the third holds half a character, which the importer replaces"
    )
    old.close()
    new.close()
    ran = run("traces", "import", tmp_path / "new.db", tmp_path / "o.jsonl", "--from", "langdistill")
    assert ran.stdout.startswith("3 traces in ")
    assert "  no-json: 1\n" in ran.stdout
    assert "row 4: no-json" in ran.stdout
