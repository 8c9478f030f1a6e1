from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from langdistill.answers import number, same
from langdistill.budgets import BudgetSpent, Price, budget
from langdistill.errors import EvaluationError, ModelError, PromptError, StudentError
from langdistill.evaluation.evaluate import Evaluation, aevaluate, evaluate
from langdistill.evaluation.results import Account, Graded
from langdistill.records import Problem
from langdistill.replies import caching
from langdistill.strategies.chain_of_thought import create_chain_of_thought
from langdistill.strategies.self_consistency import create_self_consistency
from langdistill.testing.models import OneReplyChatModel, ScriptedChatModel
from tests.evaluation.measured import sums


def says(conversation: list[BaseMessage], at: int) -> str:
    """The right sum, but for multiples of 3."""
    first = int(re.findall(r"What is (\d+)", conversation[-1].text)[0])
    return f"Answer: {2 * first + (first % 3 == 0)}"


def scripted(**fields: Any) -> ScriptedChatModel:
    return ScriptedChatModel(script=says, **fields)


def calls(model: OneReplyChatModel) -> int:
    return len(model.prompts)


def test_every_figure_of_a_run() -> None:
    problems, gold = sums(9)
    found = evaluate(
        scripted(),
        problems,
        gold,
        categories={problem.id: "small" if at < 3 else "large" for at, problem in enumerate(problems)},
        prices={"scripted": Price(1e6, 2e6)},
    )
    assert (found.name, found.n, found.right, found.samples) == ("scripted", 9, 6, 1)
    assert found.answers == {f"sum-{at}": str(2 * at + (at % 3 == 0)) for at in range(9)}
    assert found.accounts == {"scripted": Account(completions=9, input_tokens=45, output_tokens=18)}
    assert found.money == 45 + 2 * 18
    assert found.errors == {}
    assert {name: (share.n, share.right, share.output_tokens) for name, share in found.categories.items()} == {
        "large": (6, 4, 12),
        "small": (3, 2, 6),
    }
    assert found.tokens_per_answer == 2
    assert Evaluation.model_validate_json(found.model_dump_json()) == found


def test_a_model_without_a_price_costs_nobody_knows_what() -> None:
    assert evaluate(scripted(), *sums(2), prices={"another": Price(1, 1)}).money is None


def test_reasoning_and_cached_tokens_are_told_apart() -> None:
    usage = {
        "input_tokens": 9,
        "output_tokens": 5,
        "total_tokens": 14,
        "input_token_details": {"cache_read": 4},
        "output_token_details": {"reasoning": 3},
    }
    model = ScriptedChatModel(script=lambda messages, at: AIMessage("Answer: 0", usage_metadata=usage))
    found = evaluate(model, *sums(2)).spent
    assert (found.cached_tokens, found.reasoning_tokens) == (8, 6)


def test_the_answer_is_that_of_most_samples() -> None:
    answers = iter(["4", "5", "4", "5", "5", "7"])
    model = ScriptedChatModel(script=lambda messages, at: next(answers))
    problems = [Problem(id=id, question="2 + 2?") for id in ("tie", "split")]
    found = evaluate(model, problems[:1], {"tie": "4"}, samples=6)
    assert found.answers == {"tie": "5"}
    assert (found.right, found.samples, found.completions) == (0, 6, 6)
    assert calls(model) == 6
    assert found.majority(1).value == pytest.approx(2 / 6)
    assert found.passed(1).value == pytest.approx(2 / 6)
    assert found.passed(6).value == 1


def test_a_prompt_and_sampling_parameters_go_with_every_request() -> None:
    model = Slow()
    found = evaluate(model, *sums(1), prompt="Now: {question} Go.", params={"temperature": 0.5}, extract=number)
    assert model.asked == [("Now: What is 0 + 0? Go.", {"temperature": 0.5})]
    assert found.answers == {"sum-0": "1"}
    with pytest.raises(EvaluationError, match="samples="):
        evaluate(model, *sums(1), params={"n": 2})
    with pytest.raises(PromptError, match="places"):
        evaluate(model, *sums(1), prompt="Go.")


def test_a_graph_gives_its_own_answer_and_all_its_calls_count() -> None:
    problems, gold = sums(4)
    graph = create_self_consistency(scripted(), samples=5)
    found = evaluate(graph, problems, gold)
    assert (found.name, found.right, found.completions) == ("self_consistency", 2, 20)

    def unread(conversation: list[BaseMessage], at: int) -> str:
        return "no line of that kind, and far too long to be taken for an answer that stands alone without a mark"

    assert set(
        evaluate(create_chain_of_thought(ScriptedChatModel(script=unread)), problems, gold).answers.values()
    ) == {None}


def test_a_graph_with_a_memory_forgets_from_problem_to_problem() -> None:
    model = scripted()
    builder = StateGraph(MessagesState)
    builder.add_node("say", lambda state: {"messages": [model.invoke(state["messages"])]})
    builder.add_edge(START, "say")
    graph = builder.compile(checkpointer=InMemorySaver())
    found = evaluate(graph, *sums(6), config={"configurable": {"thread_id": "one"}}, samples=2)
    assert (found.right, found.completions) == (4, 12)
    assert {len(prompt) for prompt in model.prompts} == {1}
    assert graph.get_state({"configurable": {"thread_id": "one"}}).values == {}


def test_what_failed_is_not_right_and_told() -> None:
    def fails(conversation: list[BaseMessage], at: int) -> str:
        if "What is 1 " in conversation[-1].text:
            raise ConnectionError("no route")
        return says(conversation, at)

    found = evaluate(ScriptedChatModel(script=fails), *sums(3))
    assert found.errors == {"sum-1": "ConnectionError('no route')"}
    assert found.answers["sum-1"] is None
    assert found.right == 1
    some = evaluate(
        OneReplyChatModel(script=lambda m, at: fails(m, at) if at % 2 else "Answer: 2"), *sums(3), samples=4
    )
    assert set(some.errors) == {"sum-1"}
    assert some.results["sum-1"].failed in {1, 2, 3}


def test_an_outage_is_an_error() -> None:
    def fails(conversation: list[BaseMessage], at: int) -> str:
        raise ConnectionError("no route")

    with pytest.raises(ModelError, match=r"All 3 problems .*no route") as raised:
        evaluate(ScriptedChatModel(script=fails), *sums(3))
    assert isinstance(raised.value.__cause__, ConnectionError)


@pytest.mark.parametrize(
    ("problems", "gold", "said"),
    [
        ([], {}, "got 0"),
        ([Problem(id="a", question="?")], {}, r"without gold: \['a'\]"),
        (
            [Problem(id="a", question="?"), Problem(id="a", question="!", perturbation="swapped")],
            {"a": "A"},
            "evaluate_judge",
        ),
    ],
)
def test_problems_that_cannot_be_evaluated(problems: list[Problem], gold: dict[str, str], said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        evaluate(scripted(), problems, gold)


def test_subjects_that_cannot_be_evaluated(tmp_path: Path) -> None:
    with pytest.raises(StudentError, match=r"There is no student in 'nobody'.*openai:gpt-4.1"):
        evaluate("nobody", *sums(1))
    with pytest.raises(StudentError, match="There is no student"):
        evaluate(tmp_path, *sums(1))
    with pytest.raises(EvaluationError, match="no sampling parameters"):
        evaluate(create_chain_of_thought(scripted()), *sums(1), params={"temperature": 1})
    with pytest.raises(ModelError, match="n=0"):
        evaluate(scripted(), *sums(1), samples=0)


async def test_on_the_event_loop_the_same_comes_out() -> None:
    problems, gold = sums(9)
    here = evaluate(scripted(), problems, gold)
    there = await aevaluate(scripted(), problems, gold)
    assert there.model_copy(update={"seconds": here.seconds}) == here

    async def only_async(state: MessagesState) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"messages": [await scripted().ainvoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("say", RunnableLambda(lambda state: 1 / 0, afunc=only_async))
    builder.add_edge(START, "say")
    assert (await aevaluate(builder.compile(), problems, gold)).right == 6


class Slow(BaseChatModel):
    """Notes what is asked, and how many requests are under way."""

    now: int = 0
    most: int = 0
    asked: list[tuple[str, dict[str, Any]]] = []

    @property
    def _llm_type(self) -> str:
        return "slow"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        self.asked.append((messages[-1].text, {key: value for key, value in kwargs.items() if value is not None}))
        self.now += 1
        self.most = max(self.most, self.now)
        time.sleep(0.02)
        self.now -= 1
        return scripted()._generate(messages)

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.02)
        self.now -= 1
        return scripted()._generate(messages)


@pytest.mark.parametrize("samples", [1, 4])
async def test_no_more_are_under_way_than_allowed(samples: int) -> None:
    model = Slow()
    evaluate(model, *sums(16), max_concurrency=8, samples=samples)
    assert 1 < model.most <= 8
    model = Slow()
    await aevaluate(model, *sums(16), max_concurrency=8, samples=samples)
    assert 1 < model.most <= 8


def test_a_run_in_a_folder_is_not_asked_twice(tmp_path: Path) -> None:
    problems, gold = sums(6)
    first, again = scripted(), scripted()
    done: list[tuple[int, int]] = []
    one = evaluate(first, problems, gold, samples=3, folder=tmp_path / "run", on_progress=lambda *now: done.append(now))
    other = evaluate(again, problems, gold, samples=3, folder=tmp_path / "run")
    assert one == other
    assert (calls(first), calls(again)) == (18, 0)
    assert done == [(at, 6) for at in range(1, 7)]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["replies.db", "results.jsonl", "run.json"]


def test_only_what_is_missing_is_asked(tmp_path: Path) -> None:
    problems, gold = sums(6)
    whole = evaluate(scripted(), problems, gold, folder=tmp_path)
    results, replies = tmp_path / "results.jsonl", tmp_path / "replies.db"
    lines = results.read_bytes().splitlines(keepends=True)
    results.write_bytes(b"".join(lines[:2]) + lines[2][:40])  # killed while it wrote the third
    for path in tmp_path.glob("replies.db*"):
        path.unlink()
    model = scripted()
    gone_on = evaluate(model, problems, gold, folder=tmp_path)
    assert {prompt[0].text for prompt in model.prompts} == {
        f"What is {id[4:]} + {id[4:]}?" for id in gold.keys() - {orjson.loads(line)["id"] for line in lines[:2]}
    }
    assert gone_on.results == whole.results
    assert replies.exists()
    assert len(results.read_bytes().splitlines()) == 6


def test_what_failed_is_asked_again(tmp_path: Path) -> None:
    down = {"What is 1 + 1?", "What is 4 + 4?"}

    def fails(conversation: list[BaseMessage], at: int) -> str:
        if conversation[-1].text in down:
            raise ConnectionError("no route")
        return says(conversation, at)

    model = ScriptedChatModel(script=fails)
    assert len(evaluate(model, *sums(6), folder=tmp_path).errors) == 2
    down.clear()
    asked = calls(model)
    assert evaluate(model, *sums(6), folder=tmp_path).errors == {}
    assert calls(model) - asked == 2


def test_replies_that_a_cache_knows_count_as_asked_and_are_not(tmp_path: Path) -> None:
    problems, gold = sums(6)
    graph, again = scripted(), scripted()
    with caching(tmp_path / "replies.db"):
        one = evaluate(create_self_consistency(graph, samples=4), problems, gold)
        other = evaluate(create_self_consistency(again, samples=4), problems, gold)
    assert (calls(graph), calls(again)) == (24, 0)
    assert one.results.keys() == other.results.keys()
    assert {id: result.answers for id, result in one.results.items()} == {
        id: result.answers for id, result in other.results.items()
    }
    assert one.accounts == other.accounts == {"scripted": Account(completions=24, input_tokens=one.spent.input_tokens, output_tokens=48)}  # fmt: skip


def test_replies_of_one_response_repeat_its_sum() -> None:
    from langdistill.evaluation.metering import Meter

    usage: Any = {"input_tokens": 7, "output_tokens": 12, "total_tokens": 19}
    replies = [AIMessage("x", usage_metadata=usage, response_metadata={"id": "r1"}) for _ in range(3)]
    meter = Meter()
    meter.overhear(scripted(), replies)
    assert meter.accounts == {"scripted": Account(completions=3, input_tokens=7, output_tokens=12)}


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"samples": 2}, "differs in samples"),
        ({"prompt": "Q: {question}"}, "differs in prompt"),
        ({"extract": number}, "differs in extract"),
        ({"equal": lambda one, other: True}, "differs in equal"),
        ({"params": {"temperature": 0.5}}, "differs in params"),
        ({"categories": {"sum-0": "a"}}, "differs in categories"),
    ],
)
def test_another_run_is_not_gone_on_with(knobs: dict[str, Any], said: str, tmp_path: Path) -> None:
    evaluate(scripted(), *sums(2), folder=tmp_path)
    written = (tmp_path / "results.jsonl").read_bytes()
    with pytest.raises(EvaluationError, match=said):
        evaluate(scripted(), *sums(2), folder=tmp_path, **knobs)
    assert (tmp_path / "results.jsonl").read_bytes() == written


def test_another_model_or_set_is_not_gone_on_with(tmp_path: Path) -> None:
    evaluate(scripted(), *sums(2), folder=tmp_path)
    with pytest.raises(EvaluationError, match="differs in problems, right answers"):
        evaluate(scripted(), *sums(3), folder=tmp_path)
    with pytest.raises(EvaluationError, match="differs in model"):
        evaluate(scripted(model="another"), *sums(2), folder=tmp_path)
    graph = create_chain_of_thought(scripted())
    with pytest.raises(EvaluationError, match="Give it a name of its own"):
        evaluate(graph, *sums(2), folder=tmp_path / "graph")
    assert evaluate(graph, *sums(2), folder=tmp_path / "graph", name="cot").name == "cot"
    with pytest.raises(EvaluationError, match="differs in model"):
        evaluate(graph, *sums(2), folder=tmp_path / "graph", name="another")


def test_folders_that_hold_something_else(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(EvaluationError, match=r"holds no run but \['letter.txt'\]"):
        evaluate(scripted(), *sums(1), folder=tmp_path)
    with pytest.raises(EvaluationError, match="No run can be kept"):
        evaluate(scripted(), *sums(1), folder=tmp_path / "letter.txt")
    evaluate(scripted(), *sums(2), folder=tmp_path / "run")
    with (tmp_path / "run" / "results.jsonl").open("ab") as file:
        file.write(b'{"id": 3}\n')
    with pytest.raises(EvaluationError, match="Line 3 of"):
        evaluate(scripted(), *sums(2), folder=tmp_path / "run")
    (tmp_path / "run" / "run.json").write_text("[1")
    with pytest.raises(EvaluationError, match="cannot be read"):
        evaluate(scripted(), *sums(2), folder=tmp_path / "run")


def test_two_processes_at_one_run(tmp_path: Path) -> None:
    from langdistill.evaluation.kept import Kept

    first = Kept(tmp_path, {"a": 1}, Graded)
    with pytest.raises(EvaluationError, match="Another process"):
        Kept(tmp_path, {"a": 1}, Graded)
    first.close()
    Kept(tmp_path, {"a": 1}, Graded).close()


def test_a_budget_ends_it_and_what_was_answered_is_kept(tmp_path: Path) -> None:
    model = OneReplyChatModel(script=says)
    with budget(completions=4), pytest.raises(BudgetSpent, match="completions 4 of 4"):
        evaluate(model, *sums(9), folder=tmp_path, max_concurrency=2)
    assert calls(model) == 4
    assert evaluate(model, *sums(9), folder=tmp_path).right == 6
    assert calls(model) == 9


ROOT = Path(__file__).parents[2]

CHILD = """
import sys, time
from pathlib import Path
from langdistill.evaluation.evaluate import evaluate
from langdistill.testing.models import OneReplyChatModel
from tests.evaluation.measured import sums
from tests.evaluation.test_evaluate import says

asked = open(sys.argv[2], "ab", buffering=0)

def noted(conversation, at):
    asked.write(conversation[-1].text.encode() + b"\\n")
    time.sleep(0.01)
    return says(conversation, at)

found = evaluate(OneReplyChatModel(script=noted), *sums(60), samples=2, max_concurrency=4, folder=sys.argv[1])
print(found.right)
"""


@pytest.mark.slow
def test_a_run_killed_again_and_again_asks_for_every_reply_once(tmp_path: Path) -> None:
    asked, run = tmp_path / "asked.txt", tmp_path / "run"
    words = [sys.executable, "-c", textwrap.dedent(CHILD), str(run), str(asked)]
    kills = 0
    for least in (11, 70):
        child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT)
        while len(asked.read_bytes().splitlines() if asked.exists() else []) < least and child.poll() is None:
            time.sleep(0.002)
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        assert child.stdout is not None
        child.stdout.close()
        kills += 1
    before = len(asked.read_bytes().splitlines())
    with sqlite3.connect(f"file:{run / 'replies.db'}?mode=ro", uri=True) as db:
        known = db.execute("SELECT count(*) FROM reply").fetchone()[0]
    db.close()
    last = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
    assert last.stdout == "40\n"
    questions = asked.read_bytes().decode().splitlines()
    assert len(questions) - before == 120 - known, "asked again what was known, or not what was missing"
    assert before - known <= kills * 4, "more was lost than what was under way"
    assert set(Counter(questions)) == {problem.question for problem in sums(60)[0]}
    lines = [orjson.loads(line) for line in (run / "results.jsonl").read_bytes().splitlines()]
    assert sorted(line["id"] for line in lines) == sorted(sums(60)[1])


def test_same_is_what_equal_is() -> None:
    problems = [Problem(id="a", question="?")]
    model = ScriptedChatModel(script=lambda messages, at: "Answer: $1,000.00")
    assert evaluate(model, problems, {"a": "1000"}, equal=same).right == 1
