"""Tree of Thoughts on scripted models: levels reckoned by hand, by value and by vote (2305.10601, Algorithm 1)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langgraph.checkpoint.memory import InMemorySaver

from langdistill.budgets import BudgetSpent, budget
from langdistill.errors import ModelError, PromptError
from langdistill.jobs import sample_path
from langdistill.records import Search, digest
from langdistill.search.actions import NEXT_THOUGHT, REPHRASE, SUB_QUESTION, Action
from langdistill.search.beam import Beam
from langdistill.search.evaluating import Judgement
from langdistill.search.evaluators.value import WEIGHTS, value
from langdistill.search.evaluators.vote import vote
from langdistill.search.tree import Step
from langdistill.search.tree_of_thoughts import create_tree_of_thoughts
from langdistill.testing.models import OneReplyChatModel

QUESTION = "Which number is it?"
Table = Mapping[str, Sequence[str]]
"""Last thought of a state ("" at the root) to what the samples of a request say, one after the other."""


def asked_in(text: str) -> tuple[str, str]:
    """What a prompt asks for, and after which thought."""
    told = text.removeprefix(QUESTION).strip().splitlines()
    steps = told[1:-1] if told[0] == "Steps so far:" else []
    last = next((line for line in reversed(steps) if line and not line.startswith("Answer")), "")
    for kind, words in {"thought": "next single step", "value": "Judge whether", "rest": "to the end", "vote": "Most promising"}.items():  # fmt: skip
        if words in told[-1]:
            return kind, last
    raise AssertionError(text)


def scripted(**tables: Table) -> OneReplyChatModel:
    """A model that says what the table of a kind of request says after a thought; over and over where it is short."""

    def says(messages: list[BaseMessage], number: int) -> str:
        kind, last = asked_in(messages[-1].text)
        said = tables[kind][last]
        return said[(sample_path.get() or (0,))[-1] % len(said)]

    return OneReplyChatModel(script=says)


def judged(table: Mapping[str, str]) -> Table:
    """Thought to judgements, by their first letters: "sli" is sure, likely, impossible; "?" cannot be read."""
    words = {"s": "Judgement: sure", "l": "Judgement: likely", "i": "Judgement: impossible", "?": "Who knows?"}
    return {thought: [f"I look at it.\n{words[one]}" for one in told] for thought, told in table.items()}


def ran(graph: Any, **config: Any) -> dict[str, Any]:
    keys = ["messages", "answer", "tree", "kept", "chosen", "searched", "stopped"]
    return graph.invoke({"messages": [("user", QUESTION)]}, config or None, output_keys=keys)


def kinds(model: OneReplyChatModel) -> Counter[tuple[str, str]]:
    return Counter(asked_in(prompt[-1].text) for prompt in model.prompts)


def named(found: Mapping[str, Any], indices: Sequence[int]) -> list[str]:
    """States by the first line of their last thought."""
    return [found["tree"][one]["text"].splitlines()[0] for one in indices]


LEVELS: Table = {
    "": ["a", "b", "c"],
    "a": ["a1", "a2\nAnswer: 5", "a1"],
    "c": ["c1\nAnswer: 7", "c2", "c3"],
}  # fmt: skip


def test_two_levels_by_value() -> None:
    """a 20 + 1 + 0.001, c 20 + 0.002, b 3 x 1: a and c are kept; then a1 60 and c1 41, a2 3 and the others 0.003."""
    values = {"a": "sli", "b": "lll", "c": "sii", "a1": "sss", "a2": "lll", "c1": "ssl", "c2": "iii", "c3": "iii"}
    model = scripted(thought=LEVELS, value=judged(values))
    found = ran(create_tree_of_thoughts(model, thoughts=3, breadth=2, depth=2))
    assert named(found, found["kept"]) == ["a1", "c1"]
    assert found["answer"] == found["messages"][-1].text == "7", "of those kept the best with an answer"
    told = [(one["parent"], one["text"].splitlines()[0], one["visits"], one["value"]) for one in found["tree"][1:]]
    assert told == [
        (0, "a", 3, pytest.approx(21.001)), (0, "b", 3, 3.0), (0, "c", 3, pytest.approx(20.002)),
        (1, "a1", 3, 60.0), (1, "a2", 3, 3.0),
        (3, "c1", 3, 41.0), (3, "c2", 3, pytest.approx(0.003)), (3, "c3", 3, pytest.approx(0.003)),
    ]  # fmt: skip
    assert found["chosen"] == 6
    assert kinds(model) == {("thought", one): 3 for one in ("", "a", "c")} | {("value", one): 3 for one in values}


def test_two_levels_by_vote() -> None:
    """c 3 votes and a 2; then, c's thoughts being shown first, a2 3, c1 and c2 1 each: c1 was there first."""
    votes = [
        [f"Most promising: Response {one}" for one in (3, 3, 1, 3, 1)],
        [f"Response 1 is good.\nMost promising: Response {one}" for one in (5, 5, 1, 5, 2)],
    ]
    thoughts = scripted(thought=LEVELS)
    seen: list[str] = []

    def says(messages: list[BaseMessage], number: int) -> str:
        text = messages[-1].text
        if asked_in(text)[0] != "vote":
            return thoughts.script(messages, number)  # type: ignore[return-value]
        seen.append(text)
        return votes["c1" in text][sample_path.get()[-1]]

    found = ran(
        create_tree_of_thoughts(OneReplyChatModel(script=says), thoughts=3, breadth=2, depth=2, evaluate=vote())
    )
    assert named(found, found["kept"]) == ["a2", "c1"]
    assert found["answer"] == "5"
    assert [(one["visits"], one["value"]) for one in found["tree"][1:4]] == [(5, 2.0), (5, 0.0), (5, 3.0)]
    assert len(seen) == 10
    shown = "Response 1:\nc\nc1\nAnswer: 7\n\nResponse 2:\nc\nc2\n\nResponse 3:\nc\nc3\n\nResponse 4:\na\na1\n\nResponse 5:\na\na2\nAnswer: 5\n\n"
    assert shown in seen[-1]


def test_an_answer_competes_and_is_not_expanded() -> None:
    """By value it is judged once; by vote it is shown again with the next level, before the new ones, and may lose its place."""
    thoughts = {"": ["a\nAnswer: 1", "b"], "b": ["b1\nAnswer: 2", "b2\nAnswer: 3"]}
    model = scripted(thought=thoughts, value=judged({"a": "lll", "b": "lll", "b1": "iii", "b2": "sss"}))
    found = ran(create_tree_of_thoughts(model, thoughts=2, breadth=2, depth=4))
    assert (found["answer"], named(found, found["kept"])) == ("3", ["b2", "a"])
    assert kinds(model)[("value", "a")] == 3
    assert not kinds(model)[("thought", "a")]
    assert kinds(model).total() == 2 + 2 * 3 + 2 + 2 * 3, "all that is kept has an answer: the search is over"

    def says(messages: list[BaseMessage], number: int) -> str:
        text = messages[-1].text
        if asked_in(text)[0] != "vote":
            return model.script(messages, number)  # type: ignore[return-value]
        if "b1" not in text:
            return "Most promising: Response 2"
        assert "Response 1:\na\nAnswer: 1\n\nResponse 2:\nb\nb1\nAnswer: 2\n\nResponse 3:\nb\nb2\nAnswer: 3\n" in text
        return f"Most promising: Response {(2, 2, 3)[sample_path.get()[-1] % 3]}"

    by_vote = create_tree_of_thoughts(
        OneReplyChatModel(script=says), thoughts=2, breadth=2, depth=4, evaluate=vote(samples=3)
    )
    found = ran(by_vote)
    assert (found["answer"], named(found, found["kept"])) == ("2", ["b1", "b2"])


def test_an_answer_that_seems_impossible_loses_its_place() -> None:
    thoughts = {"": ["a\nAnswer: 1", "b"], "b": ["b1\nAnswer: 2"]}
    model = scripted(thought=thoughts, value=judged({"a": "iii", "b": "iil", "b1": "iii"}))
    found = ran(create_tree_of_thoughts(model, thoughts=2, breadth=1, depth=2))
    assert found["answer"] == "2"


@pytest.mark.parametrize(("values", "kept"), [("?? ll", "b"), ("?? ii", "b"), ("i? ii", "a"), ("?? ??", "a"), ("s? sl", "a"), ("sl s?", "b")])  # fmt: skip
def test_what_cannot_be_read_is_no_judgement(values: str, kept: str) -> None:
    """It comes after what is judged impossible, and in part it counts as the mean of the rest: 20 > (20 + 1) / 2."""
    a, b = values.split()
    model = scripted(
        thought={"": ["a", "b"]}, value=judged({"a": a, "b": b}), rest={"a": ["Answer: 1"], "b": ["Answer: 2"]}
    )
    found = ran(create_tree_of_thoughts(model, thoughts=2, breadth=1, depth=1, evaluate=value(samples=2)))
    assert found["answer"] == {"a": "1", "b": "2"}[kept]
    assert [one["visits"] for one in found["tree"][1:3]] == [2 - one.count("?") for one in (a, b)]


def test_votes_that_cannot_be_read() -> None:
    """None at all: the order decides. Some: the others count."""
    for said, answer in ((["Hm.", "Response 9"], "1"), (["Hm.", "Most promising: Response 2"], "2")):
        model = scripted(thought={"": ["a", "b"]}, vote={"": said}, rest={"a": ["Answer: 1"], "b": ["Answer: 2"]})
        graph = create_tree_of_thoughts(model, thoughts=2, breadth=1, depth=1, evaluate=vote(samples=4))
        assert ran(graph)["answer"] == answer


def test_of_equal_states_the_first_stands() -> None:
    beam = Beam(2)
    new = beam.grow({0: [Step("A1", one) for one in "abcd"]})
    beam.judge({one: Judgement(3, 3.0) for one in reversed(new)})
    beam.keep(list(reversed(new)))
    assert beam.kept == new[:2]
    beam.judge({new[1]: Judgement(2, 40.0)})
    beam.keep(new)
    assert beam.kept == [new[1], new[0]], "20 on average, whatever the count"
    assert beam.best() is None


@pytest.mark.parametrize(("rest", "answer"), [("Thus.\nAnswer: 4", "4"), ("I give up,\nand stop.", "9")])
def test_where_the_depth_ends_the_kept_are_asked_for_the_rest(rest: str, answer: str) -> None:
    """The answer of the best that has one goes out."""
    model = scripted(
        thought={"": ["a", "b"]}, value=judged({"a": "lll", "b": "sss"}), rest={"b": [rest], "a": ["So.\nAnswer: 9"]}
    )
    found = ran(create_tree_of_thoughts(model, thoughts=2, breadth=2, depth=1))
    assert found["answer"] == answer
    assert kinds(model)[("rest", "a")] == kinds(model)[("rest", "b")] == 1
    assert found["tree"][found["chosen"]]["action"] == "A2"


def test_a_generator_that_never_answers() -> None:
    model = scripted(
        thought={"": ["a"], "a": ["b"], "b": ["c"]},
        value=judged(dict.fromkeys("abc", "l")),
        rest={"c": ["Well,\nwell."]},
    )
    found = ran(create_tree_of_thoughts(model, depth=3))
    assert (found["answer"], found["messages"][-1].text, found["chosen"]) == (None, "a\nb\nc", None)


def test_a_generator_that_proposes_nothing_is_asked_for_the_rest() -> None:
    model = scripted(thought={"": [" "]}, rest={"": ["So.\nAnswer: 9"]})
    assert ran(create_tree_of_thoughts(model))["answer"] == "9"
    assert kinds(model) == {("thought", ""): 5, ("rest", ""): 1}
    silent = ran(create_tree_of_thoughts(OneReplyChatModel(script=lambda messages, number: "")))
    assert (silent["answer"], silent["messages"][-1].text, len(silent["tree"])) == (None, "", 1)


def test_a_state_without_a_next_thought_is_left() -> None:
    thoughts = {"": ["a", "b"], "a": [""], "b": ["b1\nAnswer: 2"]}
    model = scripted(thought=thoughts, value=judged({"a": "sss", "b": "lll", "b1": "lll"}))
    found = ran(create_tree_of_thoughts(model, thoughts=2, breadth=2, depth=3))
    assert (found["answer"], named(found, found["kept"])) == ("2", ["b1"])


def test_somebody_else_judges() -> None:
    model, judge = (
        scripted(thought={"": ["a\nAnswer: 1", "b\nAnswer: 2"]}),
        scripted(value=judged({"a": "l", "b": "s"})),
    )
    assert ran(create_tree_of_thoughts(model, thoughts=2, evaluate=value(judge)))["answer"] == "2"
    other = scripted(vote={"": ["Most promising: Response 2"]})
    assert ran(create_tree_of_thoughts(model, thoughts=2, evaluate=vote(other)))["answer"] == "2"
    assert len(other.prompts) == 5


def test_other_weights() -> None:
    values = judged({"a": "sii", "b": "lll"})
    model = scripted(thought={"": ["a\nAnswer: 1", "b\nAnswer: 2"]}, value=values)
    assert ran(create_tree_of_thoughts(model, thoughts=2))["answer"] == "1"
    even = value(weights={"sure": 2, "likely": 1, "impossible": 0})
    assert ran(create_tree_of_thoughts(model, thoughts=2, evaluate=even))["answer"] == "2"
    assert WEIGHTS == {"sure": 20, "likely": 1, "impossible": 0.001}


def test_sub_questions_as_thoughts() -> None:
    def says(messages: list[BaseMessage], number: int) -> str:
        text = messages[-1].text
        if "Which sub-question" in text:
            return "Now we can answer the question." if "half" in text else "What is half of it?"
        return "Judgement: likely" if "Judgement" in text else f"So.\nAnswer: {8 if 'Now we can' in text else 4}"

    found = ran(create_tree_of_thoughts(OneReplyChatModel(script=says), thought=SUB_QUESTION))
    assert found["answer"] == "8"
    assert [one["action"] for one in found["tree"]] == ["root", "A3", "A3"]


def test_what_a_recorder_finds() -> None:
    found = ran(create_tree_of_thoughts(scripted(thought={"": ["a\nAnswer: 1"]}, value=judged({"a": "sss"}))))
    search = Search.model_validate(found["searched"])
    assert search.chosen == 1
    assert [(one.parent, one.text, one.answer) for one in search.thoughts] == [
        (None, "", None),
        (0, "a\nAnswer: 1", "1"),
    ]


def random_model(said: list[str] | None = None, alive: Callable[[], bool] = lambda: True) -> OneReplyChatModel:
    """Thoughts, judgements and answers by the prompt and the index of the sample: whichever request comes first."""

    def says(messages: list[BaseMessage], number: int) -> str:
        if not alive():
            raise KeyboardInterrupt
        text = messages[-1].text
        if said is not None:
            said.append(text)
        rng = Random(digest(text, str(sample_path.get())))
        kind, _ = asked_in(text)
        if kind == "value":
            return f"Judgement: {rng.choice(['sure', 'likely', 'impossible', 'none'])}"
        if kind == "vote":
            return f"Most promising: Response {rng.randint(1, 7)}"
        ends = kind == "rest" or rng.random() < 0.2
        return f"Step {rng.randrange(20)}." + f"\nAnswer: {rng.choice('789')}" * ends

    return OneReplyChatModel(script=says)


EVALUATORS = [value(), vote()]


@pytest.mark.parametrize("evaluator", EVALUATORS, ids=lambda one: one.name)
def test_sync_is_async_and_again_the_same(evaluator: Any) -> None:
    graph = create_tree_of_thoughts(random_model(), thoughts=3, breadth=3, depth=3, evaluate=evaluator)
    one, again = ran(graph), ran(graph, max_concurrency=1)
    later = asyncio.run(graph.ainvoke({"messages": [("user", QUESTION)]}, output_keys=["tree", "answer"]))
    assert one["tree"] == again["tree"] == later["tree"]
    assert one["answer"] == later["answer"] is not None


@pytest.mark.parametrize("evaluator", EVALUATORS, ids=lambda one: one.name)
@pytest.mark.parametrize("dies_at", [0, 2, 8, 20, 31])
def test_a_killed_search_asks_only_for_what_is_missing(dies_at: int, evaluator: Any) -> None:
    said: list[str] = []
    up = False
    knobs: dict[str, Any] = {"thoughts": 3, "breadth": 3, "depth": 3, "evaluate": evaluator}
    model = random_model(said, lambda: up or len(said) < dies_at)
    graph = create_tree_of_thoughts(model, checkpointer=InMemorySaver(), **knobs)
    config: Any = {"configurable": {"thread_id": "1"}, "max_concurrency": 4}
    with pytest.raises(KeyboardInterrupt):
        graph.invoke({"messages": [("user", QUESTION)]}, config)
    up = True
    found = graph.invoke(None, config, output_keys=["tree", "answer"])
    alone = random_model()
    assert found["tree"] == ran(create_tree_of_thoughts(alone, **knobs))["tree"]
    assert len(said) <= len(alone.prompts) + config["max_concurrency"], "only what was under way is paid for twice"


def test_a_second_question_of_a_thread_begins_anew() -> None:
    graph = create_tree_of_thoughts(random_model(), depth=2, checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    first, second = (graph.invoke({"messages": [("user", QUESTION)]}, config, output_keys=["tree"]) for _ in range(2))
    assert first["tree"] == second["tree"]


@pytest.mark.parametrize("evaluator", EVALUATORS, ids=lambda one: one.name)
@pytest.mark.parametrize("most", [1, 3, 4, 10, 20, 40])
def test_a_budget_leaves_the_best_so_far(most: int, evaluator: Any) -> None:
    model = random_model()
    with budget(completions=most) as spent:
        found = ran(create_tree_of_thoughts(model, thoughts=3, breadth=3, depth=3, evaluate=evaluator))
    assert spent.completions == len(model.prompts) <= most
    answers = [one["answer"] for one in found["tree"] if one["answer"]]
    assert (found["answer"] in answers) if answers else (found["answer"] is None)
    assert found["messages"][-1].text
    if spent.completions == most:
        assert found.get("stopped", f"completions {most} of {most}") == f"completions {most} of {most}"


def test_a_budget_that_leaves_nothing() -> None:
    with budget(completions=0), pytest.raises(BudgetSpent, match="completions 0 of 0"):
        ran(create_tree_of_thoughts(random_model()))


def test_a_pruned_answer_goes_out_where_a_budget_ends_before_another() -> None:
    thoughts = {"": ["a\nAnswer: 1", "b"], "b": ["b1"]}
    model = scripted(thought=thoughts, value=judged({"a": "iii", "b": "sss"}))
    with budget(completions=2 + 6):
        found = ran(create_tree_of_thoughts(model, thoughts=2, breadth=1, depth=2))
    assert (found["answer"], named(found, found["kept"])) == ("1", ["b"])


def test_where_a_budget_ends_before_a_judgement_the_new_states_are_gone_on_from() -> None:
    """There is no answer: what is said is the first of the new states, not the one before."""
    model = scripted(thought={"": ["a", "b"], "a": ["a1"], "b": ["b1"]}, value=judged({"a": "lll", "b": "sss"}))
    for completions, told in ((2, "a"), (2 + 6 + 2, "b\nb1")):
        with budget(completions=completions):
            found = ran(create_tree_of_thoughts(model, thoughts=2, breadth=1, depth=3))
        assert (found["answer"], found["messages"][-1].text) == (None, told)


def test_one_state_alone_is_not_voted_on() -> None:
    model = scripted(thought={"": ["a"], "a": ["a1\nAnswer: 1"]})
    found = ran(create_tree_of_thoughts(model, evaluate=vote()))
    assert (found["answer"], [one["visits"] for one in found["tree"]]) == ("1", [0, 0, 0])


def test_requests_of_a_level_go_out_together_and_begin_alike() -> None:
    """Per level the thoughts and then the judgements; the request for a thought begins as that for the judgement of its state."""
    model = scripted(
        thought={"": ["a", "b"], "a": ["a1\nAnswer: 1"], "b": ["b1\nAnswer: 2"]},
        value=judged({"a": "s", "b": "s", "a1": "l", "b1": "l"}),
    )
    graph = create_tree_of_thoughts(model, thoughts=2, breadth=2, depth=2)
    rounds: list[Any] = [*graph.stream({"messages": [("user", QUESTION)]}, stream_mode="custom")]
    assert [len(one["replies"]) for one in rounds] == [2, 6, 4, 6]
    texts = [prompt[-1].text for prompt in model.prompts if asked_in(prompt[-1].text)[1] == "a"]
    start = f"{QUESTION}\n\nSteps so far:\na\n\n"
    assert len(texts) == 5
    assert all(one.startswith(start) for one in texts)


@pytest.mark.parametrize("knob", ["thoughts", "breadth", "depth"])
def test_a_search_for_nothing_is_refused(knob: str) -> None:
    with pytest.raises(ModelError, match=f"{knob}=0 makes no search"):
        create_tree_of_thoughts(random_model(), **{knob: 0})  # type: ignore[arg-type]


def test_what_else_is_refused() -> None:
    for evaluator in (value, vote):
        with pytest.raises(ModelError, match="samples=0"):
            evaluator(samples=0)
        with pytest.raises(PromptError):
            evaluator(template="{question}")
    with pytest.raises(PromptError):
        create_tree_of_thoughts(random_model(), thought=Action("A1", "thinks", "{question}"))
    with pytest.raises(ModelError, match="No way leads"):
        create_tree_of_thoughts(random_model(), thought=REPHRASE)
    with pytest.raises(ModelError, match="No way leads"):
        create_tree_of_thoughts(random_model(), thought=NEXT_THOUGHT, rest=REPHRASE)
