from __future__ import annotations

import re
from pathlib import Path

from rich.console import Console

from langdistill.answers import final_answer, same
from langdistill.evaluation.comparing import compare
from langdistill.evaluation.evaluate import evaluate
from langdistill.evaluation.evaluation_report import tables, write_evaluation_report
from langdistill.evaluation.judging import evaluate_judge
from langdistill.evaluation.results import Evaluation
from langdistill.evaluation.tasks.taskset import TaskSet
from langdistill.records import Problem
from langdistill.testing.models import ScriptedChatModel
from tests.evaluation.measured import sums
from tests.evaluation.test_judging import HUMAN, PAIRS
from tests.evaluation.test_report import Page

PROBLEMS, GOLD = sums(30)
CATEGORIES = {problem.id: "odd <b>" if at % 2 else "even" for at, problem in enumerate(PROBLEMS)}
TASK = TaskSet("sums", PROBLEMS, GOLD, CATEGORIES, final_answer, same, "{question}")


def ran(name: str, wrong: int, samples: int = 1) -> Evaluation:
    """Gets the first ones wrong, and of several samples each second one of the rest."""

    def says(messages: object, at: int) -> str:
        first = int(re.findall(r"is (\d+)", messages[-1].text)[0])  # type: ignore[index]
        return str(2 * first) if first >= wrong and (samples == 1 or at % 2) else "<i>none</i>"

    model = ScriptedChatModel(script=says, model=name)
    return evaluate(model, PROBLEMS, GOLD, categories=CATEGORIES, samples=samples, prices={name: (1e6, 1e6)})


def page(path: Path) -> str:
    text, read = path.read_text(), Page()
    read.feed(text.replace("<polyline ", "<line ").replace("/polyline>", "/line>"))
    assert read.open == []
    assert not read.links
    assert "script" not in read.tags
    return text


def test_the_report_of_a_comparison_is_whole_and_escaped(tmp_path: Path) -> None:
    one, other = ran("teacher <x>", 4), ran("student", 12)
    found, out = compare(one, other), tmp_path / "deep" / "report.html"
    write_evaluation_report([one, other], TASK, out, comparison=found, command="langdistill evaluate <x>")
    text = page(out)
    for said in ("student on sums", "-26.7 points", "8 problems went from right to wrong and 0 from wrong to right", "McNemar exact p = 0.0078",
                 "10,000 resamples, seed 0", "86.7%", "60.0%", "teacher &lt;x&gt;", "odd &lt;b&gt;", "Right to wrong", "What is 4 + 4?",
                 "&lt;i&gt;none&lt;/i&gt;", "langdistill evaluate &lt;x&gt;"):  # fmt: skip
        assert said in text, said
    assert "Wrong to right</h2>" not in text
    assert "polyline points" not in text
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]


def test_the_curve_of_several_samples_is_drawn_and_tabled(tmp_path: Path) -> None:
    run = ran("student", 0, samples=5)
    write_evaluation_report([run], TASK, tmp_path / "r.html")
    text = page(tmp_path / "r.html")
    assert len(re.findall(r"<polyline", text)) == 2
    assert "student, majority of k" in text
    for k in (1, 5):
        one = run.majority(k)
        assert f"<tr><td>{k}</td><td>{one.value * 100:.1f}% ({one.low * 100:.1f} – {one.high * 100:.1f})</td>" in text


def test_errors_are_shown(tmp_path: Path) -> None:
    def fails(messages: object, at: int) -> str:
        if messages[-1].text == "a":  # type: ignore[index]
            raise ConnectionError("no <route>")
        return "4"

    run = evaluate(ScriptedChatModel(script=fails), [Problem(id=id, question=id) for id in "ab"], {"a": "4", "b": "4"})
    write_evaluation_report([run], TASK, tmp_path / "r.html")
    text = page(tmp_path / "r.html")
    assert "1 of 2 problems had an error" in text
    assert "no &lt;route&gt;" in text


def test_the_terminal_shows_the_figures_of_both_in_eighty_columns() -> None:
    one, other = ran("teacher", 4), ran("student", 12)
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    for shown in tables([one, other], compare(one, other)):
        console.print(shown)
    console.file.close()
    text = console.export_text()
    assert re.search(r"accuracy\s+│\s+86\.7%\s+│\s+60\.0%", text)
    assert re.search(r"money\s+│\s+\d", text)
    assert re.search(r"even\s+│\s+15 │\s+86\.7% │\s+60\.0% │\s+4 │\s+0 │", text)


def test_judges_have_a_table_of_their_own(tmp_path: Path) -> None:
    judge = evaluate_judge(
        ScriptedChatModel(script=lambda m, at: "[[A]]"), PAIRS, HUMAN, categories={"pair-0": "writing"}
    )
    task = TaskSet("pairs", PAIRS, {}, {}, final_answer, same, "{question}")
    write_evaluation_report([judge.evaluation], task, tmp_path / "r.html", judges=[judge])
    text = page(tmp_path / "r.html")
    assert "scripted: writing" in text
    assert "100.0%" in text
    assert "As judges" in text
