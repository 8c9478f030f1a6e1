"""From recorded searches to rows: verified traces, pairs that begin alike, and the value of each step (rStar, rStar-Math)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import BaseMessage

from langdistill.answers import final_answer, same
from langdistill.datasets.harvest import harvest
from langdistill.datasets.judging import by_gold, liked, with_the_vote
from langdistill.datasets.reading import lines_of
from langdistill.datasets.searched import searched
from langdistill.datasets.step_texts import inner_step, last_step, without_answer
from langdistill.datasets.targets.finding import find_target, target_names
from langdistill.datasets.targets.process_preference import process_preference
from langdistill.datasets.targets.step_values import step_values
from langdistill.datasets.targets.verified import verified
from langdistill.errors import DatasetError
from langdistill.filters.agreement import agreement
from langdistill.filters.correct import correct
from langdistill.groups import Group, grouped
from langdistill.lab.search.reasoner import discriminator, generator
from langdistill.lab.search.world import draw
from langdistill.recording.recorder import TraceRecorder
from langdistill.records import Example, Feedback, Problem, Search, Step, Thought, Trace
from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import Settings
from langdistill.search.tree_of_thoughts import create_tree_of_thoughts
from langdistill.testing.memory import MemoryStore
from langdistill.testing.models import OneReplyChatModel
from tests.datasets.targets.test_attempts import ASKED, reply, sampled

GOLD = by_gold({"p": "4"})


def node(parent: int, text: str, visits: int = 0, value: float = 0.0, **fields: Any) -> Thought:
    return Thought(parent=parent, text=text, visits=visits, value=value, **fields)


def leaf(parent: int, text: str, answer: str | None, n: int, q: float, agreed: int = 0, of: int = 0) -> Thought:
    return node(parent, text, n, q, answer=answer, agreed=agreed, completed=of)


def tree() -> list[Thought]:
    r"""Ten rollouts.

    root - Half.    - a (4, N 3, Q 2.4, 2 of 2)
         |          - b (5, N 2, Q 0.6, 0 of 2)
         |          - c (no answer, N 1)
         - Double.  - d (4, N 1, Q 0.5, 1 of 2)
         |          - e (5, N 2, Q 1.8, 2 of 2)
         |          - h (5, nobody ended there)
         - f (6, N 1, Q 0.2, 0 of 2)
    """
    return [
        Thought(visits=10, value=5.5),
        node(0, "Half.", 6, 3.0),
        node(0, "Double.", 3, 2.3),
        leaf(0, "f\nAnswer: 6", "6", 1, 0.2, 0, 2),
        leaf(1, "a\nAnswer: 4", "4", 3, 2.4, 2, 2),
        leaf(1, "b\nAnswer: 5", "5", 2, 0.6, 0, 2),
        leaf(1, "c", None, 1, 0.0),
        leaf(2, "d\nAnswer: 4", "4", 1, 0.5, 1, 2),
        leaf(2, "e\nAnswer: 5", "5", 2, 1.8, 2, 2),
        leaf(2, "h\nAnswer: 5", "5", 0, 0.0),
    ]


def run(*thoughts: Thought, id: str = "r", chosen: int | None = 4, answer: str | None = "4", **fields: Any) -> Trace:
    search = Search(thoughts=list(thoughts or tree()), chosen=chosen)
    told: dict[str, Any] = {"id": id, "input": [ASKED], "answer": answer, "searches": [search]} | fields
    return Trace(**told)


def group(*traces: Trace) -> Group:
    """As a harvest groups them, whichever order they come in."""
    [found] = grouped(one.model_copy(update={"metadata": {"problem": "p"}}) for one in traces)
    return found


def said(row: Example) -> str:
    [message] = row.target
    return str(message["content"])


def told(rows: Sequence[Example]) -> list[str]:
    return sorted(said(row) for row in rows)


A, B = "Half.\na\nAnswer: 4", "Half.\nb\nAnswer: 5"
D, E = "Double.\nd\nAnswer: 4", "Double.\ne\nAnswer: 5"
F = "f\nAnswer: 6"


def test_the_ways_of_a_tree() -> None:
    found = searched(group(run()))
    ways = {"\n".join(one.steps): one for one in found.ways}
    assert set(ways) == {A, B, D, E, F}, "nobody ended at h, and c has no answer"
    assert [tuple(one) for one in ways[A].rollouts] == [(6, 3.0), (3, 2.4)]
    assert ways[A].score == pytest.approx(2.4 * 0.8)
    assert (ways[D].agreed, ways[D].completed, ways[F].steps) == (1, 2, (F,))
    assert found.dead_ends == {("Half.", "c"): 1}


def test_verified_traces_are_those_of_the_answer_that_both_models_came_to() -> None:
    some = group(run())
    [first, second] = sorted(verified()(some).examples, key=said, reverse=True)
    assert (said(first), first.reasoning, first.answer) == (A, "Half.\na", "4")
    assert (said(second), second.reasoning) == (D, "Double.\nd")
    assert first.messages == [ASKED]
    assert told(verified(most=1)(some).examples) == [A], "1.92 goes before 0.25"
    assert told(verified(agree=0.6)(some).examples) == [A], "one of two is not enough for d"
    assert told(verified(judge=None)(some).examples) == sorted([A, E]), "whatever they came to: 1.92 and 1.62"
    assert told(verified(judge=by_gold({"p": "5"}))(some).examples) == [E]
    assert verified(judge=by_gold({"p": "6"}))(some).reason == "none-right"
    assert verified(judge=by_gold({"q": "6"}))(some).reason == "unjudged"
    assert verified(judge=liked)(some).reason == "unjudged"
    assert told(verified(judge=liked)(group(run(feedback=[Feedback(score=1.0)]))).examples) == sorted([A, D])


def test_pairs_begin_alike_and_the_right_one_goes_on_better() -> None:
    some = group(run())
    rows = {
        (said(row), str((row.rejected or [])[0]["content"])): row for row in process_preference(GOLD)(some).examples
    }
    # Of those that could be judged, 3 of 6 rollouts through "Half." and 1 of 3 through "Double." came to the right answer.
    assert set(rows) == {(A, B), (D, E)}
    assert all((row.margin, row.shared_steps, row.good) == (1.0, 1, True) for row in rows.values())
    [best] = process_preference(GOLD, most=1)(some).examples
    assert said(best) == A, "the larger Q"


def test_without_a_judge_both_models_say_what_is_wrong() -> None:
    """The wrong answer that the second model agrees with is neither right nor wrong, so that d has no pair."""
    [row] = process_preference()(group(run())).examples
    assert (said(row), row.rejected, row.answer) == (A, reply(B), "4")
    alone = [one.model_copy(update={"completed": 0, "agreed": 0}) for one in tree()]
    assert process_preference()(group(run(*alone))).reason == "no-pair", "nothing was checked"
    assert process_preference(by_gold({"q": "4"}))(group(run())).reason == "unjudged"
    assert process_preference(by_gold({"p": "9"}))(group(run())).reason == "no-pair"


def test_traces_that_share_more_are_paired_where_they_part() -> None:
    deep = [
        Thought(visits=8),
        node(0, "x", 8, 4.0),
        node(1, "good", 4, 3.0),
        node(1, "bad", 4, 1.0),
        leaf(2, "1\nAnswer: 4", "4", 3, 2.5),
        leaf(2, "2\nAnswer: 5", "5", 1, 0.5),
        leaf(3, "3\nAnswer: 4", "4", 1, 0.7),
        leaf(3, "4\nAnswer: 5", "5", 3, 0.3),
    ]
    rows = process_preference(GOLD, most=None)(group(run(*deep))).examples
    pairs = {
        (said(row)[-11:-10], str((row.rejected or [])[0]["content"])[-11:-10]): (row.shared_steps, row.margin)
        for row in rows
    }
    # 3 of 4 are right after "good", 1 of 4 after "bad": what goes on by "bad" is not preferred to what goes on by "good".
    assert pairs == {("1", "2"): (2, 1.0), ("1", "4"): (1, 0.5), ("3", "4"): (2, 1.0)}
    [best] = process_preference(GOLD, most=1)(group(run(*deep))).examples
    assert (said(best)[-11:-10], best.shared_steps) == ("1", 1), "the best (Q 2.5) beside the worst (Q 0.3)"


def test_the_value_of_a_step_is_what_the_rollouts_through_it_came_to() -> None:
    some = group(run())
    found = {said(row): row for row in step_values()(some).examples}
    assert set(found) == {A, B, D, E, F}
    assert found[A].steps == [("Half.", False), ("a\nAnswer: 4", True)], "0.5 is not above 0.5"
    assert found[A].step_values == pytest.approx([0.5, 0.8])
    assert found[E].step_values == pytest.approx([2.3 / 3, 0.9])
    assert found[F].step_values == pytest.approx([0.2])
    few = {said(row): row.steps for row in step_values(rollouts=3)(some).examples}
    assert few[B] == [("Half.", False), ("b\nAnswer: 5", None)]
    assert F not in few, "one rollout is too few"
    assert step_values(rollouts=7)(some).reason == "few-rollouts"


def test_with_gold_the_value_is_the_share_that_ended_right() -> None:
    some = group(run())
    found = {said(row): row for row in step_values(GOLD, above=0.4)(some).examples}
    assert found[A].step_values == [3 / 6, 1.0], "the rollout without an answer was not right"
    assert found[B].steps == [("Half.", True), ("b\nAnswer: 5", False)]
    assert found[D].step_values == [1 / 3, 1.0]
    assert found[F].step_values == [0.0]
    hard = {said(row): row.steps for row in step_values(GOLD, above=0)(some).examples}
    assert hard[E] == [("Double.", True), ("e\nAnswer: 5", False)], "Math-Shepherd's hard labels"
    assert step_values(by_gold({"q": "4"}))(some).reason == "unjudged"


def test_several_searches_of_a_problem_are_one_tree() -> None:
    again = [
        Thought(visits=4),
        node(0, " Half. ", 2, 1.0),
        leaf(1, "a\n\n**Answer:** 4", "4", 2, 0.8, 0, 2),
        leaf(0, "g\nAnswer: 4", "4", 2, 1.0, 1, 1),
    ]
    one, other = run(consent="training"), run(*again, id="s", chosen=3)
    rows = verified(agree=0.6, most=None)(group(one, other)).examples
    assert told(rows) == ["g\nAnswer: 4"], "two of four agree with a now"
    halves = {said(row): row for row in step_values()(group(one, other)).examples}
    assert halves[A].step_values == pytest.approx([4 / 8, 3.2 / 5])
    assert (halves[A].traces, halves[A].consent) == (["r", "s"], "training; unknown")
    assert halves[B].traces == ["r"]
    backwards = group(other, one)
    for take in (verified(), process_preference(GOLD, most=None), step_values(GOLD)):
        assert take(backwards) == take(group(one, other))


def test_the_same_search_twice_says_the_same() -> None:
    once, twice = group(run()), group(run(), run(id="s"))
    for take in (verified(most=None), process_preference(GOLD), step_values(GOLD), step_values()):
        assert [row.content for row in take(twice).examples] == [row.content for row in take(once).examples]
    beside = group(run(searches=[*run().searches, *run().searches]))
    assert [row.content for row in verified()(beside).examples] == [row.content for row in verified()(once).examples]


def test_a_way_that_users_liked_in_one_run_and_not_in_another_is_not_judged() -> None:
    good, bad = run(feedback=[Feedback(score=1.0)]), run(id="s", feedback=[Feedback(score=0.0)])
    assert verified(judge=liked)(group(good, bad)).reason == "unjudged"
    assert told(verified(judge=liked)(group(good, run(id="s"))).examples) == sorted([A, D])


def test_why_there_are_no_rows() -> None:
    takes: list[Any] = [verified(), process_preference(GOLD), step_values()]

    def reasons(*traces: Trace) -> set[str]:
        return {take(group(*traces)).reason for take in takes}

    assert reasons(sampled("Answer: 4")) == {"no-search"}
    assert reasons(run(input=[])) == {"no-question"}
    assert reasons(run(), run(id="s", input=reply("3+3?"))) == {"mixed-questions"}
    assert reasons(run(outcome="failed", error="x")) == {"failed-runs"}
    assert reasons(run(answer="7")) == {"other-answer"}, "what was searched for was not what was asked"
    assert reasons(run(chosen=None, answer=None)) == {"no-answer"}
    assert reasons(run(Thought(visits=2), leaf(0, "c", None, 2, 0.0), chosen=1, answer="4")) == {"other-answer"}
    failed = Search(step=0, thoughts=tree(), chosen=4)
    again = [Step(name="search", outcome="failed")]
    assert reasons(run(searches=[failed], steps=again)) == {"failed-runs"}
    checked = [one.model_copy(update={"completed": 0, "agreed": 0}) for one in tree()]
    assert verified()(group(run(*checked))).reason == "unchecked"
    assert told(verified(agree=0)(group(run(*checked))).examples) == sorted([A, D])
    doubted = [one.model_copy(update={"agreed": 0}) for one in tree()]
    assert verified()(group(run(*doubted))).reason == "unverified"
    assert verified()(group(run(), run(id="s", answer="5", chosen=5))).reason == "unjudged", (
        "the runs' answers are tied"
    )


def test_a_tree_of_judged_states_has_no_rollouts() -> None:
    """N and Q of Tree of Thoughts are of judgements, on the judge's own scale."""

    def says(messages: Sequence[BaseMessage], number: int) -> str:
        return "Judgement: sure" if "Judge whether" in messages[-1].text else f"Thought {number}.\nAnswer: 4"

    found = MemoryStore()
    graph = create_tree_of_thoughts(OneReplyChatModel(script=says), thoughts=2, breadth=2, depth=2)
    with TraceRecorder(found) as recorder:
        graph.invoke({"messages": [("user", "2+2?")]}, {"callbacks": [recorder], "metadata": {"problem": "p"}})
    [one] = grouped(found.by_problem())
    [tree_of] = one.originals[0].searches
    assert any(thought.visits for thought in tree_of.thoughts)
    assert verified()(one).reason == process_preference(GOLD)(one).reason == step_values()(one).reason == "no-rollouts"


def test_a_recording_that_lost_something() -> None:
    """A tree is recorded whole or not at all; what else was lost says nothing about it."""
    assert told(verified()(group(run(lost=3))).examples) == sorted([A, D])
    assert verified()(group(run(lost=1, searches=[]))).reason == "no-search"
    cut = tree()[:3]
    assert verified()(group(run(*cut, chosen=4))).reason == "broken-tree"
    astray = [*tree()[:4], tree()[4].model_copy(update={"parent": 12}), *tree()[5:]]
    assert verified()(group(run(*astray))).reason == "broken-tree"
    assert told(verified()(group(run(*astray), run(id="s"))).examples) == sorted([A, D])
    fewer = [*tree()[:1], tree()[1].model_copy(update={"visits": 0}), *tree()[2:]]
    assert step_values()(group(run(*fewer))).reason == "broken-tree", "more rollouts below a step than through it"
    assert step_values()(group(run(searches=[Search(thoughts=[], chosen=None)]))).reason == "no-rollouts"


def test_the_answer_of_a_search_is_one_vote() -> None:
    """None of a search's calls is a candidate: its leaves are no samples of one kind, and have been weighed already."""
    some = group(run(), run(id="s"), sampled("Answer: 5", "Answer: 4"))
    assert sorted(str(one) for one in some.answers) == ["4", "4", "4", "5"]
    assert with_the_vote is verified().judge


@pytest.mark.parametrize("settings", [{"most": 0}, {"agree": 1.5}])
def test_settings_of_verified(settings: dict[str, Any]) -> None:
    with pytest.raises(DatasetError, match="verified"):
        verified(**settings)


def test_other_settings_that_make_no_rows() -> None:
    with pytest.raises(DatasetError, match="most=0"):
        process_preference(most=0)
    with pytest.raises(DatasetError, match="tells nothing apart"):
        process_preference(agree=0)
    with pytest.raises(DatasetError, match="rollouts=0"):
        step_values(rollouts=0)
    with pytest.raises(DatasetError, match="above=1"):
        step_values(above=1)


def test_targets_are_found_by_name_and_say_whether_gold_was_read() -> None:
    assert {"verified", "process_preference", "step_values"} <= set(target_names())
    for name in ("verified", "process_preference", "step_values"):
        assert not find_target(name)().supervised  # type: ignore[attr-defined]
        assert find_target(name)(judge=GOLD).supervised  # type: ignore[attr-defined]
        assert find_target(name)().name == name  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("3 + 40 = 43.\nAnswer: 43", "3 + 40 = 43.\nAnswer: 43"),
        ("So the answer is 43.", "Answer: 43"),
        ("3 + 40 = 43, so the answer is 43.", "3 + 40 = 43, so the answer is 43.\nAnswer: 43"),
        ("It grows.\n**Final answer:** 43", "It grows.\nAnswer: 43"),
        ("Answer: 43\nAnswer: 43", "Answer: 43"),
        ("We get \\boxed{43}.", "We get \\boxed{43}.\nAnswer: 43"),
        ("Answer:\n43", "Answer: 43"),
        ("", "Answer: 43"),
        ("x\n#### 43", "x\nAnswer: 43"),
        ("Answer: 36\nNo.\nAnswer: 43\nI am sure.", "36\nNo.\nAnswer: 43"),
        ("<think>hm\nAnswer: 9</think>It grows.", "It grows.\nAnswer: 43"),
    ],
)
def test_a_solution_marks_its_answer_once(text: str, told: str) -> None:
    assert last_step(text, "43") == told
    assert told.count("Answer:") == 1
    assert final_answer(told) == "43"


def test_answers_to_sub_questions_lose_their_marks() -> None:
    assert inner_step("How many?\n39 + 4 = 43.\nAnswer: 43") == "How many?\n39 + 4 = 43."
    assert inner_step("How many?\n\n**Answer:** 43") == "How many?\n43"
    assert inner_step("There are 143.\nAnswer: 43") == "There are 143.\n43"
    assert inner_step("The answer is that it grows.") == "The answer is that it grows."
    assert inner_step("Answer: Answer: 4") == "4"
    assert without_answer(("How?", "So.\nAnswer: 4"), "4") == "How?\nSo."
    assert without_answer(("Answer: 4",), "4") is None


def test_a_row_without_values_has_the_digest_that_it_always_had() -> None:
    row = Example(messages=[ASKED], target=reply("4"), problem="p", trace="t", answer="4")
    assert row.content == "e0106c0a7d2b02b2c3ef432696002f89234607903c944790211a085b34a2ab60"
    assert row.model_copy(update={"step_values": [0.5]}).content != row.content
    assert row.model_copy(update={"shared_steps": 1}).content != row.content


@st.composite
def trees(draw_: st.DrawFn) -> list[Thought]:
    """Trees with a rollout at each leaf or more, and the sums that these make."""
    parents = [None, *(draw_(st.integers(0, at)) for at in range(draw_(st.integers(1, 14))))]
    inner = set(parents)
    ended = [0 if at in inner else draw_(st.integers(0, 3)) for at in range(len(parents))]
    rewards = [draw_(st.sampled_from([0.0, 0.25, 0.5, 1.0])) * n for n in ended]
    for at in range(len(parents) - 1, 0, -1):
        ended[parents[at] or 0] += ended[at]
        rewards[parents[at] or 0] += rewards[at]
    return [
        Thought(
            parent=parent,
            text=draw_(st.sampled_from("abc")) if at else "",
            answer=None if at in inner else draw_(st.sampled_from(["4", "4.0", "5", None])),
            visits=ended[at],
            value=rewards[at],
            agreed=draw_(st.integers(0, 2)),
            completed=2,
        )
        for at, parent in enumerate(parents)
    ]


def ways_by_hand(thoughts: Sequence[Thought]) -> dict[str, tuple[list[str], str]]:
    """What each way says to its steps and its answer, walked from the leaf up."""
    found = dict[str, tuple[list[str], str]]()
    for one in thoughts:
        if one.answer is not None and one.visits:
            steps, at = [f"{one.text}\nAnswer: {one.answer}"], one.parent or 0
            while (above := thoughts[at].parent) is not None:
                steps.insert(0, thoughts[at].text)
                at = above
            found["\n".join(steps)] = steps, one.answer
    return found


@given(trees(), trees())
def test_pairs_share_what_is_told_and_no_more(one: list[Thought], other: list[Thought]) -> None:
    by_hand = ways_by_hand(one) | ways_by_hand(other)
    given_ = Thought(parent=0, text="z", answer="4", visits=1, value=1.0)
    roots = [some[0].model_copy(update={"visits": some[0].visits + 1}) for some in (one, other)]
    runs = [
        run(root, *some[1:], given_, id=id, chosen=len(some))
        for root, some, id in zip(roots, (one, other), "rs", strict=True)
    ]
    some = group(*runs)
    rows = process_preference(GOLD, most=None)(some).examples
    for row in rows:
        rejected = str((row.rejected or [])[0]["content"])
        (chosen, right), (worse, wrong) = by_hand[said(row)], by_hand[rejected]
        shared = row.shared_steps or 0
        assert chosen[:shared] == worse[:shared]
        assert chosen[shared] != worse[shared]
        assert shared >= 1
        assert (same(right, "4"), same(wrong, "4")) == (True, False)
        assert 0 < (row.margin or 0) <= 1
    sorts = {
        good: {steps[0] for steps, answer in by_hand.values() if same(answer, "4") is good} for good in (True, False)
    }
    assert bool(rows) == bool(sorts[True] & sorts[False]), (
        "there is a pair wherever a right and a wrong way begin alike"
    )
    assert process_preference(GOLD, most=None)(group(*reversed(runs))).examples == rows
    values = {value for row in step_values(GOLD)(some).examples for value in row.step_values or ()}
    assert all(value is not None and 0 <= value <= 1 for value in values)


SMALL = Settings(rollouts=16, depth=5, thoughts=2, sub_questions=2, last_votes=4, votes=2, prefixes=3)
DRAWN = draw(6, seed=3)


def recorded(problems: Sequence[Problem]) -> MemoryStore:
    """Each problem, searched by one run."""
    found = MemoryStore()
    graph = create_mutual_reasoning(generator(1), discriminator(1), preset=SMALL)
    with TraceRecorder(found) as recorder:
        for one in problems:
            graph.invoke({"messages": [("user", one.question)]}, {"callbacks": [recorder], "metadata": one.metadata})
    return found


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    """Six problems of the scripted world."""
    return recorded(DRAWN.problems)


def test_searches_become_reasoning_to_learn(store: MemoryStore, tmp_path: Path) -> None:
    made = harvest(store).target(verified()).filter(agreement(min_share=0.5)).write(tmp_path / "d", validation=0)
    rows = [*lines_of(tmp_path / "d" / "train.jsonl")]
    assert len(rows) == made.manifest["rows"]["train"] > 5
    answers = {trace.problem: trace.answer for trace in store.traces()}
    for row in rows:
        text = row["completion"][0]["content"]
        assert text.count("Answer:") == 1
        assert same(final_answer(text), answers[row["problem"]])
    assert made.manifest["target_params"] == {"judge": "with_the_vote", "most": 2, "agree": 0.5}
    assert "supervised" not in made.manifest


def test_gold_that_judged_is_told(store: MemoryStore, tmp_path: Path) -> None:
    takes: list[Any] = [verified, process_preference, step_values]
    formats = ["trl", "trl_preference", "trl_stepwise"]
    for take, format in zip(takes, formats, strict=True):
        made = harvest(store).target(take(judge=by_gold(DRAWN.gold))).write(tmp_path / format, format=format)
        assert made.manifest["supervised"] == [made.manifest["target"]]
        assert "*Supervised*" in (tmp_path / format / "README.md").read_text()
    right = harvest(store).target(verified(judge=by_gold(DRAWN.gold))).filter(correct(DRAWN.gold)).run()
    assert right.funnel[1]["kept"] == right.funnel[2]["kept"]


def test_pairs_of_a_search_are_written_and_read(store: MemoryStore, tmp_path: Path) -> None:
    plan = harvest(store).target(process_preference(by_gold(DRAWN.gold)))
    plan.write(tmp_path / "d", format="trl_preference", validation=0)
    rows = [*lines_of(tmp_path / "d" / "train.jsonl")]
    assert rows
    for row in rows:
        chosen, rejected = (row[name][0]["content"] for name in ("chosen", "rejected"))
        assert same(final_answer(chosen), DRAWN.gold[row["problem"]])
        assert not same(final_answer(rejected), DRAWN.gold[row["problem"]])
        assert row["shared_steps"] >= 1
        assert chosen.splitlines()[0] == rejected.splitlines()[0]
        assert 0 < row["margin"] <= 1
    parquet = plan.write(tmp_path / "p", format="trl_preference", validation=0, container="parquet")
    assert parquet.hash == plan.write(tmp_path / "j", format="trl_preference", validation=0).hash


@pytest.mark.parametrize("judge", [None, by_gold(DRAWN.gold)])
def test_steps_of_a_search_are_written_with_their_values(judge: Any, store: MemoryStore, tmp_path: Path) -> None:
    made = harvest(store).target(step_values(judge)).write(tmp_path / "d", format="trl_stepwise", validation=0)
    rows = [*lines_of(tmp_path / "d" / "train.jsonl")]
    assert made.manifest["rows"]["train"] == len(rows) > 20
    for row in rows:
        assert len(row["completions"]) == len(row["labels"]) == len(row["values"])
        assert row["labels"] == [value > 0.5 for value in row["values"]]
        assert all(0 <= value <= 1 for value in row["values"])
        assert row["completions"][-1].splitlines()[-1].startswith("Answer: ")
    if judge:
        ends = {
            row["values"][-1] == same(final_answer(row["completions"][-1]), DRAWN.gold[row["problem"]]) for row in rows
        }
        assert ends == {True}, "a leaf ends right or wrong"


def test_two_recordings_of_one_search_give_the_same_hash(store: MemoryStore, tmp_path: Path) -> None:
    backwards = recorded(DRAWN.problems[::-1])
    for take, format in ((verified(), "trl"), (step_values(), "trl_stepwise")):
        one = harvest(store).target(take).write(tmp_path / f"{format}1", format=format)
        two = harvest(backwards).target(take).write(tmp_path / f"{format}2", format=format)
        assert one.hash == two.hash


def test_every_candidate_is_a_run(store: MemoryStore) -> None:
    for one in grouped(store.by_problem()):
        [trace] = one.originals
        assert one.answers == [trace.answer]
        assert not any(call.candidate for call in trace.calls)
        assert len(trace.calls) > 10


def test_ways_by_hand_are_those_that_are_found(store: MemoryStore) -> None:
    """As many different ways as the recorded tree has leaves with answers that a rollout ended at."""
    for one in grouped(store.by_problem()):
        [trace] = one.originals
        [search] = trace.searches
        inner = {thought.parent for thought in search.thoughts}
        ended = [at for at, thought in enumerate(search.thoughts) if at not in inner and thought.visits]
        with_answer = [at for at in ended if search.thoughts[at].answer is not None]
        found = searched(one)
        assert len(found.ways) <= len(with_answer)
        assert sum(way.end.visits for way in found.ways) == sum(search.thoughts[at].visits for at in with_answer)
        assert sum(found.dead_ends.values()) + sum(way.end.visits for way in found.ways) == SMALL.rollouts
        firsts = {way.steps[0]: way.rollouts[0].visits for way in found.ways}
        assert all(n <= SMALL.rollouts for n in firsts.values())
