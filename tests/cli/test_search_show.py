from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import START, StateGraph

from langdistill.lab.search.reasoner import discriminator, generator
from langdistill.lab.search.world import draw
from langdistill.questions import Question, Thinking
from langdistill.recording.recorder import TraceRecorder
from langdistill.records import Trace
from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import Settings
from langdistill.search.tree_of_thoughts import create_tree_of_thoughts
from langdistill.stores.sqlite import SQLiteStore
from tests.cli.test_commands import run
from tests.known_search import KNOWN, chain

FEW = Settings(rollouts=4, depth=4, thoughts=2, sub_questions=2, last_votes=4, votes=2, prefixes=2)
QUESTION = "What is [half] of 12, plus one?"


def trace(id: str, *searches: Any, **more: Any) -> Trace:
    return Trace(
        id=id, name="mutual_reasoning", input=[{"role": "user", "content": QUESTION}], searches=list(searches), **more
    )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two runs that searched, the second one twice, and a newer one that did not."""
    held = SQLiteStore(tmp_path / "t.db")
    held.add([trace("one", KNOWN), trace("twice", chain(3), KNOWN), trace("plain")])
    held.close()
    return tmp_path / "t.db"


def shown(*words: Any) -> str:
    ran = run("search", "show", *words)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def lines(*words: Any) -> list[str]:
    """Those of the tree, without its guides."""
    tree = shown(*words).rpartition("\n\n")[2]
    return [line.lstrip("│├└─ ") for line in tree.splitlines()]


def test_the_group_is_in_the_help() -> None:
    assert "search" in run("--help").stdout
    assert "langdistill search show" in run("search", "show", "--help").stdout


def test_the_tree_as_text(store: Path) -> None:
    text = shown(store, "one")
    assert QUESTION in text
    assert "answer: 7\n" in text
    assert "9 thoughts of 5 rollouts" in text
    assert re.search(r"^7 +2 +1 +2\.00 +3 of 4 +1 +chosen$", text, re.MULTILINE)
    assert lines(store, "one") == [
        "* root N 5, Q/N 0.65",
        "* A1 N 3, Q/N 0.92 Half of 12 is 6.",
        "* A2 = 7 chosen (verified, 3 of 4 agree) N 2, Q/N 1.00, reward 1.00 6 + 1 = 7. Answer: 7",
        "A2 = 8 (not verified, 1 of 4 agree) N 1, Q/N 0.75, reward 0.75 6 + 2 = 8. Answer: 8",
        "2 not visited",
        "A2 = 13 (not verified, 0 of 3 agree) N 2, Q/N 0.25, reward 0.25 12 + 1 = 13. Answer: 13",
        "2 not visited",
    ]


def test_all_thoughts(store: Path) -> None:
    told = lines(store, "one", "--all")
    assert len(told) == len(KNOWN.thoughts) + 2
    assert "A2 = 7.0 N 0, Q/N –, reward 1.00 6 + 1 = 7. Answer: 7.0" in told


def test_only_so_deep(store: Path) -> None:
    assert lines(store, "one", "--depth", "1") == [
        "* root N 5, Q/N 0.65",
        "* A1 N 3, Q/N 0.92 Half of 12 is 6. (4 below)",
        "A2 = 13 (not verified, 0 of 3 agree) N 2, Q/N 0.25, reward 0.25 12 + 1 = 13. Answer: 13",
        "2 not visited",
    ]


def test_how_many_must_agree(store: Path) -> None:
    assert "A2 = 8 (verified, 1 of 4 agree)" in shown(store, "one", "--agree", "0.25")
    assert "(not verified, 3 of 4 agree)" in shown(store, "one", "--agree", "0.8")


def test_long_and_deep_ones_keep_their_room(tmp_path: Path) -> None:
    held = SQLiteStore(tmp_path / "t.db")
    deep = chain(40)
    long = deep.thoughts[-1].model_copy(update={"text": "x" * 500 + " [bold]\x1b[31m"})
    held.add([trace("deep", deep.model_copy(update={"thoughts": [*deep.thoughts[:-1], long]}))])
    held.close()
    text = shown(tmp_path / "t.db")
    assert all(f"N 1, Q/N 1.00 step {level}\n" in text for level in range(39))
    assert "xxx... (515 characters)" in text
    assert "\x1b" not in text
    assert r"[bold]\x1b[31m" in shown(tmp_path / "t.db", "--whole")


def test_without_an_id_the_newest_that_has_a_search(store: Path) -> None:
    assert shown(store).startswith("mutual_reasoning twice, search 2 of 2\n")


def test_which_of_several(store: Path) -> None:
    assert "step 2" in shown(store, "twice", "--which", "1")
    assert lines(store, "twice") == lines(store, "twice", "--which", "2") == lines(store, "one")


def test_as_json(store: Path) -> None:
    told = json.loads(shown(store, "on", "--format", "json"))
    assert (told["trace"], told["which"], told["searches"], told["question"]) == ("one", 1, 1, QUESTION)
    assert (told["chosen"], told["verified"]) == (2, [2])
    assert told["thoughts"] == [one.model_dump() for one in KNOWN.thoughts]
    assert told["answers"][0] == {
        "answer": "7", "ways": 2, "visited": 1, "rewards": 2.0, "agreed": 3, "completed": 4, "verified": 1, "chosen": True,
    }  # fmt: skip


def test_the_page(store: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("an older one")
    assert shown(store, "one", "--html", page) == f"Page: {page}\n"
    assert page.read_text().startswith("<!doctype html>")
    assert "What is [half] of 12, plus one?" in page.read_text()
    assert json.loads(shown(store, "twice", "--html", page, "--format", "json"))["html"] == str(page)
    assert "(2 of 2)" in page.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["three"], "holds no trace 'three'. Its ids: `langdistill traces ls`"),
        (["plain"], "The trace 'plain' has no search. A run has one where a graph searched a tree"),
        (["twice", "--which", "3"], "the trace 'twice' searched 2 times; give a number from 1 to 2"),
        (["one", "--which", "0"], "the trace 'one' searched once"),
        (["one", "--html", "none/page.html"], "there is no folder 'none'"),
        (["one", "--html", "t.db"], "the name of a page ends in .html"),
        (["one", "--html", "folder.html"], "is a folder; give a file"),
        (["one", "--agree", "2"], "--agree"),
    ],
)
def test_bad_input_is_one_paragraph_and_code_2(
    store: Path, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(store.parent)
    (store.parent / "folder.html").mkdir()
    before = store.read_bytes()
    ran = run("search", "show", store, *words)
    assert ran.returncode == 2
    assert said in " ".join(ran.stderr.split())
    assert "Traceback" not in ran.stderr
    assert store.read_bytes() == before


def test_a_store_without_any_search(tmp_path: Path) -> None:
    held = SQLiteStore(tmp_path / "t.db")
    held.add([trace("plain")])
    held.close()
    ran = run("search", "show", tmp_path / "t.db")
    assert ran.returncode == 2
    assert "No trace in the store" in ran.stderr
    assert "create_mutual_reasoning" in ran.stderr


def recorded(graph: Any, path: Path) -> Trace:
    question = draw(1, seed=1).problems[0].question
    with TraceRecorder(path) as recorder:
        graph.invoke({"messages": [("user", question)]}, {"callbacks": [recorder]})
    held = SQLiteStore(path)
    [found] = held.traces()
    held.close()
    return found


def test_a_search_that_was_run(tmp_path: Path) -> None:
    found = recorded(create_mutual_reasoning(generator(1), discriminator(1), preset=FEW), tmp_path / "t.db")
    told = json.loads(shown(tmp_path / "t.db", "--format", "json"))
    assert told["question"] == draw(1, seed=1).problems[0].question
    assert told["name"] == "mutual_reasoning"
    assert told["thoughts"] == [one.model_dump() for one in found.searches[0].thoughts]
    text = shown(tmp_path / "t.db", "--all", "--whole")
    assert f"answer: {found.answer}\n" in text
    assert len(re.findall(r"N \d+, Q/N ", text)) == len(told["thoughts"])
    assert shown(tmp_path / "t.db", "--html", tmp_path / "p.html")


def test_a_tree_of_thoughts(tmp_path: Path) -> None:
    found = recorded(create_tree_of_thoughts(generator(1), thoughts=2, breadth=2), tmp_path / "t.db")
    text = shown(tmp_path / "t.db", "--all")
    assert f"answer: {found.answer}\n" in text
    assert "no second model was asked" in text
    assert len(re.findall(r"N \d+, Q/N ", text)) == len(found.searches[0].thoughts)
    [way] = [line for line in text.splitlines() if " chosen N " in line]
    assert f"= {found.answer} chosen N 3, Q/N " in way, "three judgements of each state"


def test_a_search_inside_of_another_graph_is_named_by_both(tmp_path: Path) -> None:
    around: Any = StateGraph(Thinking, input_schema=Question)
    around.add_node("think", create_mutual_reasoning(generator(1), discriminator(1), preset=FEW)).add_edge(
        START, "think"
    )
    recorded(around.compile(name="outer"), tmp_path / "t.db")
    assert shown(tmp_path / "t.db").startswith("outer/think ")
