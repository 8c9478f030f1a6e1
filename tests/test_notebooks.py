"""The notebooks run from top to bottom, offline, in an empty folder."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model"), pytest.mark.timeout(900)]


def printed(notebook: nbformat.NotebookNode) -> str:
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return "".join(output.get("text", "") for cell in cells for output in cell.outputs)


def accuracy(told: str, arm: str) -> float:
    """In per cent, as a notebook prints it."""
    [found] = re.findall(rf"^{arm}  +(\d+)% \[", told, re.MULTILINE)
    return float(found)


def the_student_has_learnt(told: str) -> None:
    assert accuracy(told, "distilled") > accuracy(told, "System 1") + 10
    assert accuracy(told, "System 2") > accuracy(told, "System 1") + 10


def strategies_pay(told: str) -> None:
    answers = re.findall(r"^(?:answer|streamed|as a node|around an agent): (\S+)$", told, re.MULTILINE)
    assert len(answers) == 5
    assert len(set(answers)) == 1, "however it is run, the answer is the same"
    assert "stopped by completions 3 of 3" in told
    assert accuracy(told, "chain of thought") > accuracy(told, "direct") + 10
    assert accuracy(told, "vote of 8") > accuracy(told, "direct") + 10


def the_agent_was_recorded(told: str) -> None:
    assert "first: interrupted | asked a human: True | error: None" in told
    assert "second: ended | continues the first: True" in told
    assert "tools (ended, branch 1)\n    * weather{'city': 'Rome'} -> '17 degrees, sun'" in told
    assert "asked for: 7 nights; booked: 3" in told
    assert "My key is <API_KEY_1>" in told
    assert "the key is in a trace: False" in told
    assert "lost events: 0" in told
    assert "concierge ended ada 1 calls [1.0]" in told


def what_was_harvested_can_be_trusted(told: str) -> None:
    stages = re.findall(
        r"^(\w+) +kept +(\d+), dropped +(\d+) (.*?) (?:labels right: (\d+) of (\d+))?$", told, re.MULTILINE
    )
    labels = {name: int(right) / int(of) for name, _, _, _, right, of in stages if of}
    assert set(labels) == {"target", "agreement", "stable_under"}
    assert labels["stable_under"] >= labels["target"]
    assert "harvest    the same\ntarget     the same\nagreement  differs\nrows       differs\n" in told
    assert "The first stage that differs is 'agreement': min_share 0.5 -> 0.75." in told
    assert re.search(r"<\|assistant\|>(?:⟦|\x1b\[0m\x1b\[1;32m)\w+<\|end\|>(?:⟧|\x1b)", told), (
        "the loss is on the answer and its end"
    )
    assert len(set(re.findall(r"^(\w+_(?:cot|answer)), weight", told, re.MULTILINE))) == 4
    assert "no_fabricated_ending kept   3, dropped   1 {'stock-answer': 1}" in told
    assert "no_exact_duplicates  kept   2, dropped   1 {'duplicate': 1}" in told
    assert "['system', 'user'] -> ['assistant', 'tool', 'assistant', 'tool', 'assistant']" in told
    assert len(re.findall(r"^(?:trl_messages|openai|sharegpt) \[", told, re.MULTILINE)) == 3


def the_student_is_served(told: str) -> None:
    assert re.search(r"^\[loss\] '\w+<\|end\|>'$", told, re.MULTILINE), "the loss is on the answer and its end"
    assert re.search(r"^pilot: base \d+%, student \d+% of \d+; warning: None$", told, re.MULTILINE)
    assert re.search(r"^letters-v1-\w{8} letters-v2-\w{8} \['step_by_step'\]$", told, re.MULTILINE)
    assert accuracy(told, "answers") > accuracy(told, "base") + 10
    if VLLM:
        assert re.search(r"^served as letters-v1-\w{8}$", told, re.MULTILINE)
        assert re.search(r"^swapped to letters-v2-\w{8}$", told, re.MULTILINE)
        assert "the same as in this process: True" in told
        assert "rolled back: True" in told
    else:
        assert "not served: This needs the package 'vllm'" in told


def mining_is_cheap_to_repeat(told: str) -> None:
    assert "the paper: {'teacher': 70000, 'student': 174000, 'referee': 348000, 'generator': 18000}" in told
    plan = dict(re.findall(r"'(\w+)': (\d+)", told.split("here:")[1].splitlines()[0]))
    spent = dict(re.findall(r"'(\w+)': (\d+)", told.split("spent:")[1].splitlines()[0]))
    assert {role: spent[role] for role in ("teacher", "student", "referee")} == {
        role: plan[role] for role in ("teacher", "student", "referee")
    }
    assert int(spent["generator"]) >= int(plan["generator"])
    assert told.count("accepted {'hard': 20, 'easy': 20}") == 2
    assert "run again: True" in told
    _, one_order, both = map(int, re.findall(r"(\d+)", told.split("student wrong:")[1].splitlines()[0]))
    assert both < one_order
    assert "5 worlds" in told


def refining_is_worth_asking_about(told: str) -> None:
    everything, asked = "refine everything, most recent", "asker, most recent"
    assert accuracy(told, asked) > accuracy(told, everything) + 5
    assert accuracy(told, "refine everything, truster") > accuracy(told, everything) + 5
    mended, spoilt = re.findall(rf"^{everything} .* mended +(\d+)  spoilt +(\d+)$", told, re.MULTILINE)[0]
    assert int(spoilt) > int(mended) / 2, "to refine everything spoils about as much as it mends"
    assert told.count("trusted: refined") >= 1
    assert "drawn: True" in told
    assert re.search(r"is which digit\?\nRefine: (?:yes|no)$", told, re.MULTILINE), "sub-questions, then the decision"
    assert "k: {'4': 40}" in told
    assert "read gold answers: ['doubt']" in told
    assert re.search(r"^from thumbs: \{'keep': \d+, 'refine': \d+\} \| read gold answers: \[\]$", told, re.MULTILINE)
    assert re.search(r"^truster: truster-v1-\w{8} \| answer: \d", told, re.MULTILINE)


VLLM = os.environ.get("LANGDISTILL_VLLM") or find_spec("vllm")


def searching_finds_what_votes_do_not(told: str) -> None:
    shares = {
        name.strip(): int(share) for name, share in re.findall(r"^((?:votes|search), .*?) +(\d+)%$", told, re.MULTILINE)
    }
    votes, majority, alike, own = (
        shares[name]
        for name in (
            "votes, as many completions", "search, majority of its rewards", "search, a second model that errs alike",
            "search, a second model of its own mind",
        )
    )  # fmt: skip
    assert votes < majority < own
    assert alike < own
    right = re.search(r"right: (\d+)", told)
    assert right
    assert re.search(rf"ours +{right[1]} ", told)
    assert f"votes of 200 samples: {right[1]}" not in told
    assert "chosen" in told, "the drawing of the tree"
    assert "completions 60 of 60" in told
    assert "the same answer: True" in told
    again = re.search(r"asked afterwards: (\d+) requests; a whole search takes (\d+)", told)
    killed = re.search(r"killed after (\d+)", told)
    assert again
    assert killed
    assert int(killed[1]) + int(again[1]) <= int(again[2]) + 4, "what was under way, and nothing else, is asked twice"
    rows = dict(re.findall(r"^(\w+) +(\d+) rows$", told, re.MULTILINE))
    assert {name: int(count) > 0 for name, count in rows.items()} == dict.fromkeys(
        ("verified", "process_preference", "step_values"), True
    )
    assert "No way leads from the question to an answer" in told


SHOWS = {
    "00_the_loop": the_student_has_learnt,
    "01_thinking": strategies_pay,
    "02_recording": the_agent_was_recorded,
    "03_harvest": what_was_harvested_can_be_trusted,
    "04_student": the_student_is_served,
    "05_mining": mining_is_cheap_to_repeat,
    "06_refining": refining_is_worth_asking_about,
    "07_search": searching_finds_what_votes_do_not,
}
"""What each notebook must show."""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_says(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "notebooks are kept without outputs"
    NotebookClient(
        notebook, timeout=880, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    SHOWS[path.stem](printed(notebook))
    if path.stem in ("01_thinking", "05_mining"):
        assert any(
            "image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])
        )


def test_there_are_notebooks() -> None:
    assert {path.stem for path in NOTEBOOKS} == set(SHOWS)
